//! Pictures to encode: every kind that cameras, scanners and the web have gives its pixels, and what is none or too much says so at once.

use crate::harmless;
use base64::{Engine, prelude::BASE64_STANDARD};
use etude::picture::{Picture, decode};
use flate2::{Compression, write::ZlibEncoder};
use image::{DynamicImage, GrayImage, ImageFormat, Luma, Rgb, RgbImage, imageops};
use std::{
    io::{Cursor, Write},
    path::Path,
};

/// Two frames of 4 x 3 pixels, the first (200, 10, 20); Pillow's.
const MOVING_WEBP: &str = "UklGRoYAAABXRUJQVlA4WAoAAAACAAAAAwAAAgAAQU5JTQYAAAAAAAAAAABBTk1GKgAAAAAAAAAAAAMAAAIAADIAAAJWUDhMEQAAAC8DgAAAB1CF\
     Ipei/4GI6H8AAEFOTUYoAAAAAAAAAAAAAwAAAgAAMgAAAFZQOEwPAAAALwOAAAAH0P+I/gciov8BAA==";

fn read(name: &str, bytes: &[u8]) -> Result<Picture, String> {
    harmless(name, || decode::decode(bytes, Path::new(name)))
}

fn pixels(image: &RgbImage) -> (usize, usize, Vec<[u8; 3]>) {
    (image.width() as usize, image.height() as usize, image.pixels().map(|p| p.0).collect())
}

fn read_pixels(name: &str, bytes: &[u8]) -> (usize, usize, Vec<[u8; 3]>) {
    let picture = read(name, bytes).unwrap_or_else(|error| panic!("{error}"));
    (picture.width, picture.height, picture.pixels)
}

/// No two pixels are alike.
fn picture(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| Rgb([(x * 11) as u8, (y * 17) as u8, (x * y) as u8]))
}

fn encoded(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.into().write_to(&mut bytes, format).expect("written");
    bytes.into_inner()
}

fn chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut body = name.to_vec();
    body.extend(data);
    let crc = crc32fast::hash(&body);
    [&(data.len() as u32).to_be_bytes(), body.as_slice(), &crc.to_be_bytes()].concat()
}

fn packed(data: &[u8]) -> Vec<u8> {
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
    zlib.write_all(data).expect("room");
    zlib.finish().expect("room")
}

/// A PNG by hand: `kind` holds its depth, its type of colour and whether it is interlaced; `others` come before the pixels.
fn png(width: u32, height: u32, kind: [u8; 3], others: &[Vec<u8>], rows: &[u8]) -> Vec<u8> {
    let [depth, colour, interlaced] = kind;
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[depth, colour, 0, 0, interlaced]].concat();
    let pixels = chunk(b"IDAT", &packed(rows));
    [b"\x89PNG\r\n\x1a\n".to_vec(), chunk(b"IHDR", &header), others.concat(), pixels, chunk(b"IEND", b"")].concat()
}

/// A PNG with one more chunk after its header.
fn with(png: &[u8], chunk: &[u8]) -> Vec<u8> {
    [&png[..33], chunk, &png[33..]].concat()
}

#[test]
fn a_photograph_is_turned_as_its_camera_says() {
    let image = picture(5, 3);
    let plain = encoded(image.clone(), ImageFormat::Png);
    let turned = |orientation: u16| -> RgbImage {
        match orientation {
            2 => imageops::flip_horizontal(&image),
            3 => imageops::rotate180(&image),
            4 => imageops::flip_vertical(&image),
            5 => imageops::flip_horizontal(&imageops::rotate90(&image)),
            6 => imageops::rotate90(&image),
            7 => imageops::flip_horizontal(&imageops::rotate270(&image)),
            8 => imageops::rotate270(&image),
            _ => image.clone(),
        }
    };
    // 9 and 0 mean nothing: the picture stays as it is.
    for orientation in 0..=9_u16 {
        let entry = [&b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0"[..], &orientation.to_le_bytes(), &[0; 6]].concat();
        let file = with(&plain, &chunk(b"eXIf", &entry));
        assert_eq!(read_pixels("turned.png", &file), pixels(&turned(orientation)), "orientation {orientation}");
    }
    let file = with(&plain, &chunk(b"eXIf", b"no such thing"));
    assert_eq!(read_pixels("wrong note.png", &file), pixels(&image));
}

#[test]
fn depths_palettes_and_profiles() {
    let image = picture(9, 5);
    // In seven passes.
    let mut rows = Vec::new();
    for (left, top, right, down) in
        [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2_usize)]
    {
        for y in (top..5).step_by(down).filter(|_| left < 9) {
            rows.push(0);
            rows.extend((left..9).step_by(right).flat_map(|x| image.get_pixel(x, y as u32).0));
        }
    }
    assert_eq!(read_pixels("interlaced.png", &png(9, 5, [8, 2, 1], &[], &rows)), pixels(&image));
    // One bit and two bits of grey.
    assert_eq!(read_pixels("bits.png", &png(3, 1, [1, 0, 0], &[], &[0, 0b0100_0000])).2, [[0; 3], [255; 3], [0; 3]]);
    assert_eq!(read_pixels("pairs.png", &png(4, 1, [2, 0, 0], &[], &[0, 0b0001_1011])).2, [[0; 3], [85; 3], [170; 3], [255; 3]]);
    // A palette whose first colour is clear: on white. So is the one colour that an RGB picture says is clear.
    let palette = [chunk(b"PLTE", &[9, 9, 9, 200, 10, 20]), chunk(b"tRNS", &[0])];
    assert_eq!(read_pixels("palette.png", &png(2, 1, [8, 3, 0], &palette, &[0, 0, 1])).2, [[255; 3], [200, 10, 20]]);
    let clear = [chunk(b"tRNS", &[0, 7, 0, 8, 0, 9])];
    assert_eq!(read_pixels("clear.png", &png(2, 1, [8, 2, 0], &clear, &[0, 7, 8, 9, 7, 8, 8])).2, [[255; 3], [7, 8, 8]]);
    // Grey with transparency, and 16 bits.
    assert_eq!(read_pixels("grey.png", &png(2, 1, [8, 4, 0], &[], &[0, 0, 0, 40, 255])).2, [[255; 3], [40; 3]]);
    assert_eq!(read_pixels("deep.png", &png(1, 1, [16, 2, 0], &[], &[0, 255, 255, 128, 0, 0, 0])).2, [[255, 128, 0]]);
    // Profiles are left alone, whatever is in them.
    let profile = chunk(b"iCCP", &[&b"P3\0\0"[..], &packed(&[7; 300])].concat());
    assert_eq!(read_pixels("profile.png", &with(&encoded(image.clone(), ImageFormat::Png), &profile)), pixels(&image));
    let grey = GrayImage::from_pixel(8, 8, Luma([77]));
    assert_eq!(read_pixels("grey.jpg", &encoded(grey, ImageFormat::Jpeg)).2[0], [77; 3]);
    // A file is what it begins with, and not what its name says.
    assert_eq!(read_pixels("named.jpg", &encoded(image.clone(), ImageFormat::Png)), pixels(&image));
}

#[test]
fn of_what_moves_the_first_frame() {
    let webp = BASE64_STANDARD.decode(MOVING_WEBP).expect("bytes");
    assert_eq!(read_pixels("moving.webp", &webp), (4, 3, vec![[200, 10, 20]; 12]));
    let mut apng = Vec::new();
    let mut encoder = png_encoder(&mut apng);
    encoder.set_animated(2, 0).expect("two frames");
    let mut writer = encoder.write_header().expect("a header");
    for frame in [[7_u8; 6], [250; 6]] {
        writer.write_image_data(&frame).expect("written");
    }
    writer.finish().expect("written");
    assert_eq!(read_pixels("moving.png", &apng), (2, 1, vec![[7; 3]; 2]));
}

fn png_encoder(bytes: &mut Vec<u8>) -> png::Encoder<'_, &mut Vec<u8>> {
    let mut encoder = png::Encoder::new(bytes, 2, 1);
    encoder.set_color(png::ColorType::Rgb);
    encoder
}

#[test]
fn too_many_pixels_and_half_a_picture_are_refused_at_once() {
    let row = [0; 64];
    for (width, height) in [(30_000, 30_000), (12_000, 12_000), (u32::MAX >> 1, 1), (1, 20_000)] {
        let error = read("huge.png", &png(width, height, [8, 2, 0], &[], &row)).expect_err("refused");
        assert!(error.starts_with("huge.png: "), "{error}");
        assert!(error.contains("too many") || error.contains("limit"), "{width} x {height}: {error}");
    }
    // A canvas of 65535 x 65535 around one pixel.
    let gif = b"GIF89a\xff\xff\xff\xff\x80\0\0\0\0\0\xff\xff\xff\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0\x3b";
    assert!(read("huge.gif", gif).expect_err("refused").contains("too many"));
    assert!(read("none.png", &png(0, 10, [8, 2, 0], &[], &[])).is_err());
    // Every way of being cut short but for a last few bytes that hold no pixels.
    for (name, format) in [("cut.png", ImageFormat::Png), ("cut.jpg", ImageFormat::Jpeg), ("cut.gif", ImageFormat::Gif)] {
        let whole = encoded(picture(64, 64), format);
        let end = whole.len() - if format == ImageFormat::Png { 16 } else { 1 };
        for cut in (0..end).step_by(97).chain([end]) {
            let answer = read(name, &whole[..cut]);
            assert!(
                answer.is_err() || format == ImageFormat::Gif && cut + 8 > whole.len(),
                "{name}, {cut} of {} bytes",
                whole.len()
            );
        }
    }
}
