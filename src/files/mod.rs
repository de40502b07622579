//! The files of this program: read in one place, and written whole or not at all, under another name first, then renamed into place.
//! In a browser what is written goes to the downloads, and what is read lies in memory: the models that were fetched, and what the user
//! gave.

#[cfg(target_arch = "wasm32")]
mod download;
#[cfg(target_arch = "wasm32")]
mod in_memory;
#[cfg(not(target_arch = "wasm32"))]
mod on_disk;
#[cfg(not(target_arch = "wasm32"))]
mod reading;

#[cfg(target_arch = "wasm32")]
pub use download::PendingFile;
#[cfg(target_arch = "wasm32")]
pub use in_memory::{exists, is_dir, is_file, names, open, plain_size, put, read, read_text};
#[cfg(not(target_arch = "wasm32"))]
pub use on_disk::PendingFile;
#[cfg(not(target_arch = "wasm32"))]
pub use reading::{exists, is_dir, is_file, names, open, plain_size, read, read_text};

use crate::error::{Error, Result};
use std::{
    io::{self, Write},
    path::Path,
};

/// The most names of a folder that are read.
pub const MAX_NAMES: usize = 10_000;

/// Whether a path stands for standard output; a file of that name is `./-`.
pub fn is_standard_output(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Writes the file at `path` by `write`, all of it or nothing: if `write` fails, or the program ends, an old file there stays as
/// it was. Missing parent folders are made. The writer is buffered.
///
/// # Errors
/// [`Error::File`] as for [`PendingFile::create`] and [`PendingFile::commit`], or with the text of what `write` returned.
pub fn write_atomically(path: impl AsRef<Path>, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    let mut file = PendingFile::create(&path)?;
    write(&mut file).map_err(|error| write_error(path.as_ref(), &error))?;
    file.commit()
}

/// Finds out whether a file could be written at `path`, so that a long run can fail before it starts. Missing parent folders are
/// made and stay; an old file is not touched.
///
/// # Errors
/// [`Error::File`] as for [`PendingFile::create`].
pub fn check_writable(path: impl AsRef<Path>) -> Result<()> {
    PendingFile::create(path).map(drop)
}

/// What a writer returns where what it was given cannot be written anywhere: the text says what, expected, got, and ends with advice.
/// As an error about a file it stands alone, where the system's own words follow "cannot be written".
pub fn refusal(what: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, Refusal(what.into()))
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Refusal(String);

/// The error for a write to `path` that stopped half way.
pub fn write_error(path: &Path, error: &io::Error) -> Error {
    if let Some(Refusal(what)) = error.get_ref().and_then(|inner| inner.downcast_ref()) {
        return Error::file(path, what);
    }
    let advice = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "; free some space or choose another place",
        io::ErrorKind::PermissionDenied | io::ErrorKind::ResourceBusy => "; close what has it open or choose another place",
        // Anything else is our own text, which ends with its advice, or so rare that the system's words must do.
        _ => "",
    };
    Error::file(path, format!("cannot be written: {}{advice}", one_line(error)))
}

/// What `message` prints, on one line: texts of other libraries may hold line breaks.
pub(crate) fn one_line(message: &dyn std::fmt::Display) -> String {
    message.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}
