//! Samples for FID tools: a NumPy `.npz` with one array `arr_0`, uint8 [N, H, W, 3], written picture by picture.
//!
//! The file is a zip archive with one stored (uncompressed) member, `arr_0.npy`, written by hand: nothing of it needs a library,
//! and the pictures need not be in memory together.

use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

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
/// Where the local header keeps the checksum, known only at the end.
const CRC_OFFSET: u64 = 14;

/// An `.npz` file being written. Dropped before [`finish`](Self::finish), it leaves nothing behind.
pub struct NpzWriter {
    file: PendingFile,
    path: PathBuf,
    shape: [usize; 3],
    written: usize,
    /// The member's size in bytes.
    size: u32,
    crc: Crc32,
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
        let size = NPY_HEADER as u32 + wanted as u32;
        let mut writer = Self {
            file: PendingFile::create(path)?,
            path: path.to_owned(),
            shape: [count, height, width],
            written: 0,
            size,
            crc: Crc32::new(),
        };
        let mut local = vec![];
        local.extend(b"PK\x03\x04");
        local.extend(member_facts(0, size));
        local.extend([0; 2]); // no extra field
        local.extend(NAME);
        let header = npy_header(writer.shape);
        writer.crc.update(&header);
        writer.write(&local)?;
        writer.write(&header)?;
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
    pub fn finish(mut self) -> Result<()> {
        let count = self.shape[0];
        if self.written != count {
            return Err(Error::file(
                &self.path,
                format!("got {} of {count} pictures; not written, make the rest first", self.written),
            ));
        }
        let crc = self.crc.value();
        let central_at = LOCAL_HEADER as u32 + self.size;
        let mut tail = vec![];
        tail.extend(b"PK\x01\x02\x14\0"); // made by version 2.0, no file attributes
        tail.extend(member_facts(crc, self.size));
        tail.extend([0; 2 + 2 + 2 + 2 + 4 + 4]); // no extra field or comment; disk 0; attributes; the member starts at 0
        tail.extend(NAME);
        tail.extend(b"PK\x05\x06\0\0\0\0\x01\0\x01\0"); // one member, on this disk and in all
        tail.extend((CENTRAL_ENTRY as u32).to_le_bytes());
        tail.extend(central_at.to_le_bytes());
        tail.extend([0; 2]); // no comment
        self.write(&tail)?;
        self.file.seek(SeekFrom::Start(CRC_OFFSET)).map_err(|error| write_error(&self.path, &error))?;
        self.write(&crc.to_le_bytes())?;
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

/// The checksum of zip and PNG, CRC-32 with the polynomial 0xEDB88320, over bytes as they come.
struct Crc32(u32);

const CRC_TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        let mut value = i as u32;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 { 0xEDB8_8320 ^ (value >> 1) } else { value >> 1 };
            bit += 1;
        }
        table[i] = value;
        i += 1;
    }
    table
};

impl Crc32 {
    fn new() -> Self {
        Self(!0)
    }

    fn update(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = CRC_TABLE[usize::from(self.0 as u8 ^ byte)] ^ (self.0 >> 8);
        }
    }

    fn value(&self) -> u32 {
        !self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_has_its_published_check_value() {
        let mut crc = Crc32::new();
        crc.update(b"12345");
        crc.update(b"6789");
        assert_eq!(crc.value(), 0xCBF4_3926);
    }

    /// The longest shape that a 4 GiB file can have must still fit the fixed header.
    #[test]
    fn headers_have_one_size() {
        for shape in [[0, 1, 1], [50_000, 32, 32], [u32::MAX as usize; 3]] {
            let header = npy_header(shape);
            assert_eq!(header.len(), NPY_HEADER);
            assert!(header.ends_with(b"\n") && header.contains(&b'}'));
        }
    }
}
