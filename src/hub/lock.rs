//! One program fetches a blob at a time: a lock on a file of the cache, the same that Python's huggingface_hub takes (flock, on Windows
//! LockFileEx).

use super::Watch;
use crate::{error::Result, platform};
use std::{
    fs::{self, File, TryLockError},
    path::Path,
    time::Duration,
};

/// How often a lock that another program has is tried again.
const AGAIN: Duration = Duration::from_millis(100);

/// A lock, held until it is dropped; `None` inside where the file system has no locks. Then two programs may fetch the same, and the check of
/// what has come keeps the cache right.
#[derive(Debug)]
pub(super) struct Lock(Option<File>);

impl Lock {
    /// Waits until no other program has the lock.
    ///
    /// # Errors
    /// The wait was cancelled.
    pub(super) fn take(path: &Path, watch: &Watch) -> Result<Self> {
        let Some(mut file) = open(path) else { return Ok(Self(None)) };
        loop {
            watch.check()?;
            match file.try_lock() {
                // Who had the lock before may have removed the file; then it is another one that the next program locks.
                Ok(()) if is_at(&file, path) => return Ok(Self(Some(file))),
                Ok(()) => match open(path) {
                    Some(other) => file = other,
                    None => return Ok(Self(None)),
                },
                Err(TryLockError::WouldBlock) => {
                    watch.waits(Some("another program is fetching it"));
                    platform::rest(AGAIN);
                }
                Err(TryLockError::Error(error)) => {
                    tracing::info!("{}: no lock: {error}", path.display());
                    return Ok(Self(None));
                }
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Some(file) = &self.0 {
            // Closing it lets go of the lock, too.
            let _ = file.unlock();
        }
    }
}

fn open(path: &Path) -> Option<File> {
    let folder = path.parent()?;
    let opened =
        fs::create_dir_all(folder).and_then(|()| File::options().create(true).truncate(false).write(true).read(true).open(path));
    opened.inspect_err(|error| tracing::info!("{}: no lock: {error}", path.display())).ok()
}

#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let of = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    matches!((file.metadata().map(of), fs::metadata(path).map(of)), (Ok(a), Ok(b)) if a == b)
}

/// A file that is open cannot be removed there.
#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> bool {
    true
}
