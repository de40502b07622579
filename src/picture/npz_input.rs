//! Pictures from a NumPy .npz, as FID tools keep their samples: an array of bytes [N, H, W, C] or [N, H, W].

use super::Picture;
use crate::error::{Error, Result};
use rawzip::{CompressionMethod, ZipArchive};
use std::{io::Read, path::Path};

/// The arrays that are looked for.
const NAMES: [&str; 2] = ["arr_0.npy", "images.npy"];
/// The most bytes of an array that are unpacked.
const MAX_BYTES: u64 = 4 << 30;

/// The pictures of array `arr_0` (FID tools) or `images` (training/), or of the only array there is, at most `most` of them. `origin` is what messages call the file.
///
/// # Errors
/// Not a zip, no such array, another type or shape than bytes of one, three or four channels; damaged.
pub fn read_npz(bytes: &[u8], origin: &Path, most: usize) -> Result<Vec<Picture>> {
    let bad = |what: String| Error::file(origin, what);
    let zip = |e: rawzip::Error| bad(format!("not a complete .npz ({e}); expected a zip of NumPy arrays"));
    let archive = ZipArchive::from_slice(bytes).map_err(zip)?;
    let mut entries = archive.entries();
    let (mut names, mut found) = (Vec::new(), None);
    while let Some(header) = entries.next_entry().map_err(zip)? {
        let path = header.file_path();
        let name = String::from_utf8_lossy(path.as_ref()).replace(char::is_control, " ");
        if NAMES.contains(&name.as_str()) || (found.is_none() && name.ends_with(".npy")) {
            found = Some((header.compression_method(), header.wayfinder()));
        }
        names.push(name);
    }
    let is_named = names.iter().any(|name| NAMES.contains(&name.as_str()));
    let arrays = names.iter().filter(|name| name.ends_with(".npy")).count();
    let Some((method, wayfinder)) = found.filter(|_| is_named || arrays == 1) else {
        return Err(bad(format!("expected an array arr_0 or images, got {}", names.join(", "))));
    };
    let data = archive.get_entry(wayfinder).map_err(zip)?;
    let npy = match method {
        CompressionMethod::STORE => data.data().to_vec(),
        CompressionMethod::DEFLATE => {
            let mut unpacked = Vec::new();
            let mut reader = flate2::read::DeflateDecoder::new(data.data()).take(MAX_BYTES);
            reader.read_to_end(&mut unpacked).map_err(|e| bad(format!("its array cannot be unpacked: {e}")))?;
            unpacked
        }
        _ => return Err(bad("its array is packed in a way that NumPy does not write; save it with numpy.savez".to_owned())),
    };
    pictures(&npy, most).map_err(bad)
}

/// The pictures of an .npy file's bytes.
fn pictures(npy: &[u8], most: usize) -> Result<Vec<Picture>, String> {
    let cut = || format!("its array is cut short at {} bytes", npy.len());
    let head = npy.get(..10).ok_or_else(cut)?;
    if !head.starts_with(b"\x93NUMPY") {
        return Err("its array is no .npy".to_owned());
    }
    let (start, length): (usize, usize) = match head[6] {
        1 => (10, usize::from(u16::from_le_bytes([head[8], head[9]]))),
        _ => {
            let length = npy.get(8..12).ok_or_else(cut)?;
            (12, u32::from_le_bytes([length[0], length[1], length[2], length[3]]) as usize)
        }
    };
    let header = npy.get(start..start.saturating_add(length)).ok_or_else(cut)?;
    let header = String::from_utf8_lossy(header).replace(char::is_control, " ");
    let data = &npy[start + length..];
    let is_bytes = header.contains("'|u1'") || header.contains("'u1'");
    if !is_bytes || header.contains("'fortran_order': True") {
        return Err(format!("expected an array of bytes (uint8) in C order, got {}", header.trim()));
    }
    let shape = header.split_once("'shape':").and_then(|(_, rest)| rest.split_once('(')?.1.split_once(')')).map(|(list, _)| list);
    let sides: Option<Vec<usize>> =
        shape.map(|list| list.split(',').filter(|s| !s.trim().is_empty()).map(|s| s.trim().parse().ok()).collect()).unwrap_or(None);
    let (count, height, width, channels) = match sides.as_deref() {
        Some(&[n, h, w]) => (n, h, w, 1),
        Some(&[n, h, w, c]) if matches!(c, 1 | 3 | 4) => (n, h, w, c),
        _ => return Err(format!("expected pictures of shape [N, H, W] or [N, H, W, 1, 3 or 4], got {}", header.trim())),
    };
    if count == 0 {
        return Err(format!("expected at least one picture, got an array of shape [0, {height}, {width}, {channels}]"));
    }
    let one = [height, width, channels].into_iter().try_fold(1_usize, usize::checked_mul).filter(|one| *one > 0);
    let one = one.ok_or_else(|| format!("expected pictures with pixels, got shape [{count}, {height}, {width}, {channels}]"))?;
    if data.len() / one < count {
        return Err(cut());
    }
    let pixel = |p: &[u8]| match *p {
        [r, g, b] => [r, g, b],
        [r, g, b, a] => [r, g, b].map(|v| ((u32::from(v) * u32::from(a) + 255 * (255 - u32::from(a)) + 127) / 255) as u8),
        _ => [p[0]; 3],
    };
    let picture = |bytes: &[u8]| Picture { width, height, pixels: bytes.chunks_exact(channels).map(pixel).collect() };
    Ok(data.chunks_exact(one).take(count.min(most)).map(picture).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::npz::Encoder;
    use std::io::Cursor;

    #[test]
    fn what_is_written_is_read() {
        let mut npz = Encoder::new(Cursor::new(Vec::new()), 3, 2, 5).expect("room");
        let written: Vec<_> = (0..3).map(|i| Picture::filled(5, 2, [i, 2 * i, 255])).collect();
        for picture in &written {
            npz.push(picture).expect("pushed");
        }
        let bytes = npz.finish().expect("finished").into_inner();
        let read = |bytes: &[u8], most| read_npz(bytes, Path::new("a.npz"), most);
        assert_eq!(read(&bytes, 10).expect("read"), written);
        assert_eq!(read(&bytes, 2).expect("read"), written[..2]);
        for cut in [0, 3, 60, 150, bytes.len() - 1] {
            assert!(read(&bytes[..cut], 10).is_err(), "{cut} bytes");
        }
    }

    #[test]
    fn other_arrays_are_refused_with_what_they_are() {
        let npy = |header: &str, data: &[u8]| {
            let mut npy = b"\x93NUMPY\x01\0".to_vec();
            npy.extend((header.len() as u16).to_le_bytes());
            npy.extend(header.as_bytes());
            npy.extend(data);
            npy
        };
        let header = |descr: &str, order: &str, shape: &str| {
            format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}\n")
        };
        assert_eq!(pictures(&npy(&header("|u1", "False", "(1, 1, 2)"), &[7, 9]), 5).expect("greys")[0].pixels, [[7; 3], [9; 3]]);
        let rgba = npy(&header("|u1", "False", "(1, 1, 1, 4)"), &[100, 0, 0, 0]);
        assert_eq!(pictures(&rgba, 5).expect("transparent")[0].pixels, [[255; 3]]);
        for (descr, order, shape) in [
            ("<f4", "False", "(1, 1, 2)"),
            ("|u1", "True", "(1, 1, 2)"),
            ("|u1", "False", "(2,)"),
            ("|u1", "False", "(1, 1, 1, 2)"),
            ("|u1", "False", "(0, 1, 2)"),
            ("|u1", "False", "(1, 0, 2, 3)"),
            ("|u1", "False", "(1, 99999999999999999999, 2)"),
            ("|u1", "False", "(4294967296, 4294967296, 4294967296)"),
            ("|u1", "False", "(3, 1, 2)"),
            ("|u1", "False", "(-1, 1, 2)"),
        ] {
            let error = pictures(&npy(&header(descr, order, shape), &[0; 4]), 5).expect_err(shape);
            assert!(!error.contains('\n'), "{error}");
        }
    }
}
