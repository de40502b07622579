//! The one error type of the library. Each variant prints as a single line: what, where, expected, got, what to do.

use std::path::{Path, PathBuf};

/// Everything that a file, a user or a driver can make go wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A value the user gave cannot be used; the text names the option, what it takes and what it got.
    #[error("{0}")]
    Argument(String),
    /// A file cannot be read, understood or written.
    #[error("{}: {what}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it: field, expected, got.
        what: String,
    },
    /// The compute device refused or lost something; the text says what to do.
    #[error("device {device}: {what}")]
    Device {
        /// The adapter's name.
        device: String,
        /// What went wrong and what to do.
        what: String,
    },
    /// A model cannot be had from the Hub; the text says why and what to do.
    #[error("{model}: {what}")]
    Hub {
        /// `owner/name`.
        model: String,
        /// What went wrong and what to do.
        what: String,
    },
    /// A download was cancelled. Not a fault.
    #[error("{model}: the download was stopped; what has come of it ({megabytes} MB) is kept, and the next one goes on from there")]
    DownloadCancelled {
        /// `owner/name`.
        model: String,
        /// Of the file that was on its way, in 10⁶ bytes.
        megabytes: u64,
    },
    /// The run was cancelled by its owner. Not a fault.
    #[error("cancelled")]
    Cancelled,
}

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An [`Error::Argument`] from anything printable.
    pub fn argument(what: impl Into<String>) -> Self {
        Self::Argument(what.into())
    }

    /// An [`Error::File`] about `path`.
    pub fn file(path: impl AsRef<Path>, what: impl Into<String>) -> Self {
        Self::File { path: path.as_ref().to_owned(), what: what.into() }
    }

    /// An [`Error::Hub`] about `model`.
    pub fn hub(model: impl Into<String>, what: impl Into<String>) -> Self {
        Self::Hub { model: model.into(), what: what.into() }
    }

    /// An [`Error::Device`] about the adapter `device`.
    pub fn device(device: impl Into<String>, what: impl Into<String>) -> Self {
        Self::Device { device: device.into(), what: what.into() }
    }
}
