//! Desktops: files are read from the disk.

use super::MAX_NAMES;
use std::{
    fs::{self, File},
    io::{self, BufReader},
    path::Path,
};

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

/// Whether there is a file or a folder of this name.
pub fn exists(path: &Path) -> bool {
    path.exists()
}

/// Whether there is a folder of this name.
pub fn is_dir(path: &Path) -> bool {
    path.is_dir()
}

/// Whether there is a file of this name.
pub fn is_file(path: &Path) -> bool {
    path.is_file()
}
