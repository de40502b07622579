//! The files of this program: read in one place, and written whole or not at all, under another name first, then renamed into place.
//! In a browser what is written goes to the downloads, and there is nothing to read by its name.

#[cfg(target_arch = "wasm32")]
mod download;
#[cfg(not(target_arch = "wasm32"))]
mod on_disk;

#[cfg(target_arch = "wasm32")]
pub use download::PendingFile;
#[cfg(not(target_arch = "wasm32"))]
pub use on_disk::PendingFile;

use crate::error::{Error, Result};
use std::{
    fs::{self, File},
    io::{self, BufReader, Write},
    path::Path,
};

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

/// The bytes of a file.
///
/// # Errors
/// The system's.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    fs::read(path)
}

/// The text of a file.
///
/// # Errors
/// The system's; the file is not UTF-8.
pub fn read_text(path: &Path) -> io::Result<String> {
    fs::read_to_string(path)
}

/// A file's size in bytes; `None` where it is a folder or a device, of which some have no end.
///
/// # Errors
/// The system's.
pub fn plain_size(path: &Path) -> io::Result<Option<u64>> {
    fs::metadata(path).map(|metadata| metadata.is_file().then_some(metadata.len()))
}

/// The most names of a folder that are read.
pub const MAX_NAMES: usize = 10_000;

/// The names of what is in a folder, sorted; of a great many [`MAX_NAMES`].
///
/// # Errors
/// The system's.
pub fn names(folder: &Path) -> io::Result<Vec<String>> {
    let entries = fs::read_dir(folder)?.take(MAX_NAMES);
    let mut names: Vec<String> = entries.filter_map(|e| Some(e.ok()?.file_name().to_string_lossy().into_owned())).collect();
    names.sort();
    Ok(names)
}

/// Opens a file to read it from the start, a piece at a time.
///
/// # Errors
/// The system's.
pub fn open(path: &Path) -> io::Result<BufReader<File>> {
    File::open(path).map(BufReader::new)
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
