//! Browsers: a file is gathered in memory and given to the user when it is whole.

use crate::{error::Result, platform};
use std::{
    io::{self, Cursor, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

/// A file being gathered. [`commit`](Self::commit) downloads it; dropped without that, nothing happens.
#[derive(Debug)]
pub struct PendingFile {
    bytes: Cursor<Vec<u8>>,
    path: PathBuf,
}

impl PendingFile {
    /// Starts a file that [`commit`](Self::commit) will download under the last part of `path`.
    ///
    /// # Errors
    /// None here; on a desktop the place may not be writable.
    pub fn create(path: impl AsRef<Path>) -> Result<Self> {
        Ok(Self { bytes: Cursor::default(), path: path.as_ref().to_owned() })
    }

    /// Gives the file to the user.
    ///
    /// # Errors
    /// As [`platform::download`].
    pub fn commit(self) -> Result<()> {
        let name = self.path.file_name().map_or_else(|| "etude".into(), |name| name.to_string_lossy());
        platform::download(&name, self.bytes.get_ref())
    }
}

impl Write for PendingFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for PendingFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.bytes.seek(to)
    }
}
