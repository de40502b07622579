//! What is kept on disk of a device, so that the next start need not make it anew: compiled pipelines, and what was measured. Nothing
//! depends on it: a file that is missing, broken, or of another version of anything counts as none, and what cannot be written is not.

use crate::files;
use std::{path::PathBuf, sync::OnceLock};

static FOLDER: OnceLock<PathBuf> = OnceLock::new();

/// Lets devices opened from now on keep such files in `folder`. Without this they read and write none.
pub fn keep_in(folder: PathBuf) {
    // Whoever came first has opened devices already.
    let _ = FOLDER.set(folder);
}

/// Whether there is a folder for them.
pub(super) fn is_on() -> bool {
    FOLDER.get().is_some()
}

/// What the file of this name holds.
pub(super) fn read(name: &str) -> Option<Vec<u8>> {
    /// More than any driver's pipelines of this program take.
    const MAX_BYTES: u64 = 64 << 20;
    let path = FOLDER.get()?.join(name);
    files::plain_size(&path).ok().flatten().filter(|bytes| *bytes <= MAX_BYTES)?;
    files::read(&path).ok()
}

/// Writes the file of this name, all of it or nothing.
pub(super) fn write(name: &str, bytes: &[u8]) {
    let Some(folder) = FOLDER.get() else { return };
    if let Err(error) = files::write_atomically(folder.join(name), |file| file.write_all(bytes)) {
        tracing::info!("not kept for the next start: {error}");
    }
}

/// Begins a file of [`write_sealed`].
const SEAL: &[u8; 8] = b"etude-01";

/// As [`write`], with a checksum: for what a driver takes as it is.
pub(super) fn write_sealed(name: &str, bytes: &[u8]) {
    write(name, &[SEAL.as_slice(), &crc32fast::hash(bytes).to_le_bytes(), bytes].concat());
}

/// What [`write_sealed`] wrote, if not a bit of it has changed.
pub(super) fn read_sealed(name: &str) -> Option<Vec<u8>> {
    let all = read(name)?;
    let (sum, bytes) = all.strip_prefix(SEAL.as_slice())?.split_first_chunk::<4>()?;
    (u32::from_le_bytes(*sum) == crc32fast::hash(bytes)).then(|| bytes.to_vec())
}

/// The adapter's part of a file's name: letters, digits and hyphens.
pub(super) fn name_of(adapter: &wgpu::AdapterInfo) -> String {
    let text = format!("{}-{:04x}-{:04x}-{}", adapter.backend, adapter.vendor, adapter.device, adapter.name);
    let plain: String = text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    plain.chars().take(80).collect()
}
