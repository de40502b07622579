//! Browsers: files lie in memory, under the paths that they were [`put`] at. The page and the worker that computes have each their own.

use super::MAX_NAMES;
use std::{
    collections::BTreeMap,
    io::{self, Cursor, ErrorKind},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

static FILES: Mutex<BTreeMap<PathBuf, Arc<[u8]>>> = Mutex::new(BTreeMap::new());

fn files() -> MutexGuard<'static, BTreeMap<PathBuf, Arc<[u8]>>> {
    FILES.lock().unwrap_or_else(PoisonError::into_inner)
}

fn missing() -> io::Error {
    io::Error::new(ErrorKind::NotFound, "there is no such file on this page")
}

/// Keeps a file; one of the same path goes.
pub fn put(path: &Path, bytes: Vec<u8>) {
    files().insert(path.to_owned(), bytes.into());
}

fn bytes(path: &Path) -> io::Result<Arc<[u8]>> {
    files().get(path).cloned().ok_or_else(missing)
}

/// The bytes of a file.
///
/// # Errors
/// There is none.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    bytes(path).map(|bytes| bytes.to_vec())
}

/// The text of a file.
///
/// # Errors
/// There is none; it is not UTF-8.
pub fn read_text(path: &Path) -> io::Result<String> {
    String::from_utf8(read(path)?).map_err(|e| io::Error::new(ErrorKind::InvalidData, e))
}

/// A file's size in bytes; `None` where it is a folder.
///
/// # Errors
/// There is neither.
pub fn plain_size(path: &Path) -> io::Result<Option<u64>> {
    match bytes(path) {
        Ok(bytes) => Ok(Some(bytes.len() as u64)),
        Err(_) if is_dir(path) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The names of what is in a folder, sorted; of a great many [`MAX_NAMES`].
///
/// # Errors
/// There is no such folder.
pub fn names(folder: &Path) -> io::Result<Vec<String>> {
    let files = files();
    let inside = files.keys().filter_map(|path| path.strip_prefix(folder).ok()?.components().next());
    let mut names: Vec<String> = inside.map(|name| name.as_os_str().to_string_lossy().into_owned()).collect();
    names.dedup();
    names.truncate(MAX_NAMES);
    if names.is_empty() { Err(missing()) } else { Ok(names) }
}

/// Opens a file to read it from the start.
///
/// # Errors
/// There is none.
pub fn open(path: &Path) -> io::Result<Cursor<Arc<[u8]>>> {
    bytes(path).map(Cursor::new)
}

/// Whether there is a file or a folder of this name.
pub fn exists(path: &Path) -> bool {
    is_file(path) || is_dir(path)
}

/// Whether files lie in a folder of this name.
pub fn is_dir(path: &Path) -> bool {
    files().keys().any(|file| file != path && file.starts_with(path))
}

/// Whether there is a file of this name.
pub fn is_file(path: &Path) -> bool {
    files().contains_key(path)
}
