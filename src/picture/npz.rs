//! Samples for FID tools: a NumPy `.npz` with one array `arr_0`, uint8 [N, H, W, 3], written picture by picture.
//!
//! The file is a zip archive with one stored (uncompressed) member, `arr_0.npy`, written by hand: nothing of it needs a library,
//! and the pictures need not be in memory together.

use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crc32fast::Hasher;

use super::Picture;
use crate::error::{Error, Result};
use crate::files::{PendingFile, write_error};

const NAME: &[u8] = b"arr_0.npy";
/// The .npy header's size: NumPy wants a multiple of 64, and the longest shape fits in 128.
const NPY_HEADER: usize = 128;
/// The sizes of the zip records around the member, its name included where it stands.
const LOCAL_HEADER: u64 = 30 + NAME.len() as u64;
const CENTRAL_ENTRY: u64 = 46 + NAME.len() as u64;
const END_RECORD: u64 = 22;

/// An `.npz` file being written. Dropped before [`finish`](Self::finish), it leaves nothing behind.
pub struct NpzWriter {
    file: PendingFile,
    path: PathBuf,
    /// Pictures announced, their height and width.
    shape: [usize; 3],
    written: usize,
    /// The checksum of the pictures; that of the .npy header before them joins it at the end, when the number of pictures is known.
    crc: Hasher,
}

impl NpzWriter {
    /// Starts the file for `count` pictures of `width` by `height`, at most 4 GiB in all: larger files need another zip format that
    /// not every FID tool reads.
    ///
    /// # Errors
    /// [`Error::File`] if the pictures will not fit or the file cannot be written.
    pub fn create(path: impl AsRef<Path>, count: usize, height: usize, width: usize) -> Result<Self> {
        let path = path.as_ref();
        let picture = (height as u128 * width as u128).saturating_mul(3);
        let overhead = NPY_HEADER as u128 + u128::from(LOCAL_HEADER + CENTRAL_ENTRY + END_RECORD);
        let room = u128::from(u32::MAX) - overhead;
        let wanted = picture.saturating_mul(count as u128);
        if wanted > room {
            return Err(Error::file(
                path,
                format!(
                    "{count} pictures of {width} x {height} need {wanted} bytes, an .npz holds {room}; ask for at most {} at a time",
                    room / picture
                ),
            ));
        }
        let mut writer = Self {
            file: PendingFile::create(path)?,
            path: path.to_owned(),
            shape: [count, height, width],
            written: 0,
            crc: Hasher::new(),
        };
        // Both headers are written once more at the end; here they only take their place.
        writer.write(&vec![0; LOCAL_HEADER as usize + NPY_HEADER])?;
        Ok(writer)
    }

    /// Adds the next picture; a grey one gets three equal channels.
    ///
    /// # Errors
    /// [`Error::File`] if it is of another size than announced, is one too many, or cannot be written.
    pub fn push(&mut self, picture: &Picture) -> Result<()> {
        let [count, height, width] = self.shape;
        if (picture.height, picture.width) != (height, width) || picture.pixels.len() != height * width {
            return Err(Error::file(
                &self.path,
                format!(
                    "picture {} is {} x {}, expected {width} x {height}; use one size",
                    self.written, picture.width, picture.height
                ),
            ));
        }
        if self.written == count {
            return Err(Error::file(&self.path, format!("got more pictures than the {count} announced; announce them all")));
        }
        self.crc.update(picture.bytes());
        self.write(picture.bytes())?;
        self.written += 1;
        Ok(())
    }

    /// Completes the file and puts it in its place.
    ///
    /// # Errors
    /// [`Error::File`] if pictures are missing (nothing is left then: a score from fewer samples would mislead) or it cannot be
    /// written.
    pub fn finish(self) -> Result<()> {
        let count = self.shape[0];
        if self.written != count {
            return Err(Error::file(
                &self.path,
                format!("got {} of {count} pictures; not written, make the rest first", self.written),
            ));
        }
        self.finish_early()
    }

    /// Completes the file with the pictures there are, as many as announced or fewer, and puts it in its place; for a run that its
    /// owner has interrupted and who is told how many were kept.
    ///
    /// # Errors
    /// [`Error::File`] if it cannot be written.
    pub fn finish_early(mut self) -> Result<()> {
        let [_, height, width] = self.shape;
        let header = npy_header([self.written, height, width]);
        // All pictures announced would fit 32 bits, so these do.
        let size = NPY_HEADER as u32 + (self.written * height * width * 3) as u32;
        let mut crc = Hasher::new();
        crc.update(&header);
        crc.combine(&self.crc);
        let crc = crc.finalize();
        let mut tail = vec![];
        tail.extend(b"PK\x01\x02\x14\0"); // made by version 2.0, no file attributes
        tail.extend(member_facts(crc, size));
        tail.extend([0; 2 + 2 + 2 + 2 + 4 + 4]); // no extra field or comment; disk 0; attributes; the member starts at 0
        tail.extend(NAME);
        tail.extend(b"PK\x05\x06\0\0\0\0\x01\0\x01\0"); // one member, on this disk and in all
        tail.extend((CENTRAL_ENTRY as u32).to_le_bytes());
        tail.extend((LOCAL_HEADER as u32 + size).to_le_bytes()); // where the central entry starts
        tail.extend([0; 2]); // no comment
        self.write(&tail)?;
        let mut head = vec![];
        head.extend(b"PK\x03\x04");
        head.extend(member_facts(crc, size));
        head.extend([0; 2]); // no extra field
        head.extend(NAME);
        head.extend(header);
        self.file.seek(SeekFrom::Start(0)).map_err(|error| write_error(&self.path, &error))?;
        self.write(&head)?;
        self.file.commit()
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(|error| write_error(&self.path, &error))
    }
}

/// What the local header and the central entry both say: version needed 2.0, no flags, stored, 1 January 1980 (a true date would
/// make equal samples unequal files), checksum, both sizes, the length of the name.
fn member_facts(crc: u32, size: u32) -> Vec<u8> {
    let mut facts = vec![20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0];
    for number in [crc, size, size] {
        facts.extend(number.to_le_bytes());
    }
    facts.extend((NAME.len() as u16).to_le_bytes());
    facts
}

/// The .npy format 1.0: magic, version, length of the text, a Python dict padded with spaces to a line.
fn npy_header([count, height, width]: [usize; 3]) -> Vec<u8> {
    let mut header = b"\x93NUMPY\x01\0".to_vec();
    header.extend((NPY_HEADER as u16 - 10).to_le_bytes());
    header.extend(format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({count}, {height}, {width}, 3), }}").into_bytes());
    header.resize(NPY_HEADER - 1, b' ');
    header.push(b'\n');
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The longest shape that a 4 GiB file can have must still fit the fixed header.
    #[test]
    fn headers_have_one_size() {
        for shape in [[0, 1, 1], [50_000, 32, 32], [u32::MAX as usize; 3]] {
            let header = npy_header(shape);
            assert_eq!(header.len(), NPY_HEADER);
            assert!(header.ends_with(b"\n") && header.contains(&b'}'));
        }
    }

    /// A run cut short leaves what a run of that length would have written.
    #[test]
    fn finishing_early_is_announcing_less() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let written = |announced: usize, pushed: usize| {
            let path = folder.path().join("samples.npz");
            let mut npz = NpzWriter::create(&path, announced, 3, 5).expect("writable");
            (0..pushed).for_each(|i| npz.push(&Picture::filled(5, 3, [i as u8; 3])).expect("written"));
            if announced == pushed { npz.finish() } else { npz.finish_early() }.expect("written");
            std::fs::read(path).expect("readable")
        };
        assert_eq!(written(1000, 2), written(2, 2));
        assert_eq!(written(7, 0), written(0, 0));
    }
}
