//! Samples for FID tools: a NumPy `.npz` with one array `arr_0`, uint8 [N, H, W, 3], written picture by picture.
//!
//! The file is a zip archive with one stored (uncompressed) member, `arr_0.npy`, written by hand: the pictures need not be in memory
//! together, and yet its size and checksum stand before the member. rawzip's writer, which reads archives for us, puts them behind,
//! where tools that read from start to end cannot tell where a stored member stops.

use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crc32fast::Hasher;

use super::Picture;
use crate::error::Result;
use crate::files::{PendingFile, refusal, write_error};

const NAME: &[u8] = b"arr_0.npy";
/// The .npy header's size: NumPy wants a multiple of 64, and the longest shape fits in 128.
const NPY_HEADER: usize = 128;
/// The sizes of the zip records around the member, its name included where it stands.
const LOCAL_HEADER: u64 = 30 + NAME.len() as u64;
const CENTRAL_ENTRY: u64 = 46 + NAME.len() as u64;
const END_RECORD: u64 = 22;

/// An `.npz` file being written. Dropped before [`finish`](Self::finish), it leaves nothing behind.
pub struct NpzWriter {
    encoder: Encoder<PendingFile>,
    path: PathBuf,
}

impl NpzWriter {
    /// Starts the file at `path`; see [`Encoder::new`].
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File) if the pictures will not fit or the file cannot be written.
    pub fn create(path: impl AsRef<Path>, count: usize, height: usize, width: usize) -> Result<Self> {
        let path = path.as_ref().to_owned();
        let encoder =
            Encoder::new(PendingFile::create(&path)?, count, height, width).map_err(|error| write_error(&path, &error))?;
        Ok(Self { encoder, path })
    }

    /// Adds the next picture; a grey one gets three equal channels.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File) as for [`Encoder::push`].
    pub fn push(&mut self, picture: &Picture) -> Result<()> {
        self.encoder.push(picture).map_err(|error| write_error(&self.path, &error))
    }

    /// Completes the file and puts it in its place.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File) as for [`Encoder::finish`]; nothing is left then.
    pub fn finish(self) -> Result<()> {
        self.encoder.finish().map_err(|error| write_error(&self.path, &error))?.commit()
    }

    /// As [`finish`](Self::finish), with the pictures there are.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File) if it cannot be written.
    pub fn finish_early(self) -> Result<()> {
        self.encoder.finish_early().map_err(|error| write_error(&self.path, &error))?.commit()
    }
}

/// The content of an `.npz` file being written to anywhere that can be gone back in.
pub struct Encoder<W> {
    w: W,
    /// Pictures announced, their height and width.
    shape: [usize; 3],
    written: usize,
    /// The checksum of the pictures; that of the .npy header before them joins it at the end, when the number of pictures is known.
    crc: Hasher,
}

impl<W: Write + Seek> Encoder<W> {
    /// Starts with `count` pictures of `width` by `height` to come, at most 4 GiB in all: larger files need another zip format that
    /// not every FID tool reads.
    ///
    /// # Errors
    /// A [`refusal`] if the pictures will not fit; what writing returns.
    pub fn new(w: W, count: usize, height: usize, width: usize) -> io::Result<Self> {
        let picture = (height as u128 * width as u128).saturating_mul(3);
        let overhead = NPY_HEADER as u128 + u128::from(LOCAL_HEADER + CENTRAL_ENTRY + END_RECORD);
        let room = u128::from(u32::MAX) - overhead;
        let wanted = picture.saturating_mul(count as u128);
        if wanted > room {
            return Err(refusal(format!(
                "{count} pictures of {width} x {height} need {wanted} bytes, an .npz holds {room}; ask for at most {} at a time",
                room / picture
            )));
        }
        let mut encoder = Self { w, shape: [count, height, width], written: 0, crc: Hasher::new() };
        // Both headers are written once more at the end; here they only take their place.
        encoder.w.write_all(&vec![0; LOCAL_HEADER as usize + NPY_HEADER])?;
        Ok(encoder)
    }

    /// Adds the next picture; a grey one gets three equal channels.
    ///
    /// # Errors
    /// A [`refusal`] if it is of another size than announced or is one too many; what writing returns.
    pub fn push(&mut self, picture: &Picture) -> io::Result<()> {
        let [count, height, width] = self.shape;
        if (picture.height, picture.width) != (height, width) || picture.pixels.len() != height * width {
            return Err(refusal(format!(
                "picture {} is {} x {}, expected {width} x {height}; use one size",
                self.written, picture.width, picture.height
            )));
        }
        if self.written == count {
            return Err(refusal(format!("got more pictures than the {count} announced; announce them all")));
        }
        self.crc.update(picture.bytes());
        self.w.write_all(picture.bytes())?;
        self.written += 1;
        Ok(())
    }

    /// Completes what was written and gives it back.
    ///
    /// # Errors
    /// A [`refusal`] if pictures are missing: a score from fewer samples would mislead. What writing returns.
    pub fn finish(self) -> io::Result<W> {
        let count = self.shape[0];
        if self.written != count {
            return Err(refusal(format!("got {} of {count} pictures; not written, make the rest first", self.written)));
        }
        self.finish_early()
    }

    /// As [`finish`](Self::finish), with the pictures there are, as many as announced or fewer; for a run that its owner has
    /// interrupted and who is told how many were kept.
    ///
    /// # Errors
    /// What writing returns.
    pub fn finish_early(mut self) -> io::Result<W> {
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
        self.w.write_all(&tail)?;
        let mut head = vec![];
        head.extend(b"PK\x03\x04");
        head.extend(member_facts(crc, size));
        head.extend([0; 2]); // no extra field
        head.extend(NAME);
        head.extend(header);
        self.w.seek(SeekFrom::Start(0))?;
        self.w.write_all(&head)?;
        Ok(self.w)
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
        let written = |announced: usize, pushed: usize| {
            let mut npz = Encoder::new(io::Cursor::new(Vec::new()), announced, 3, 5).expect("room");
            (0..pushed).for_each(|i| npz.push(&Picture::filled(5, 3, [i as u8; 3])).expect("written"));
            if announced == pushed { npz.finish() } else { npz.finish_early() }.expect("written").into_inner()
        };
        assert_eq!(written(1000, 2), written(2, 2));
        assert_eq!(written(7, 0), written(0, 0));
    }
}
