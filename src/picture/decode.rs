//! Picture files -> [`Picture`], and a picture -> what a network can be given: its size, its channels.

use super::Picture;
use crate::error::{Error, Result};
use image::{
    DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, Rgb, RgbImage,
    imageops::{self, FilterType},
};
use std::{io::Cursor, path::Path};

/// The longest side of a picture that is read, and the most pixels: more than any camera's, and seconds to decode.
const MAX_SIDE: u32 = 16_384;
const MAX_PIXELS: u64 = 1 << 27;
/// The most memory that decoding one may take.
const MAX_BYTES: u64 = 1 << 30;

/// The endings of the files that [`decode`] reads.
pub const ENDINGS: [&str; 5] = ["png", "jpg", "jpeg", "webp", "gif"];

/// A PNG, JPEG, WebP or GIF file as 8-bit RGB: what is transparent lies on white, an animation gives its first frame, a photograph
/// is turned as its camera says, 16 bits become 8. `origin` is what messages call it.
///
/// # Errors
/// None of these formats, damaged, of more pixels than [`MAX_PIXELS`] or such that decoding it takes more than [`MAX_BYTES`].
pub fn decode(bytes: &[u8], origin: &Path) -> Result<Picture> {
    let bad = |what: String| Error::file(origin, format!("{what}; expected a PNG, JPEG, WebP or GIF picture"));
    let too_large = |what: String| {
        let most = MAX_PIXELS >> 20;
        Error::file(origin, format!("{what} are too many; expected at most {MAX_SIDE} a side and {most} million in all"))
    };
    let failed = |e: image::ImageError| match e {
        image::ImageError::Limits(_) => too_large("its pixels".to_owned()),
        e => bad(one_line(&e.to_string())),
    };
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|e| bad(e.to_string()))?;
    if reader.format().is_none() {
        return Err(bad(format!("not a picture ({} bytes)", bytes.len())));
    }
    let mut limits = Limits::default();
    (limits.max_image_width, limits.max_image_height, limits.max_alloc) = (Some(MAX_SIDE), Some(MAX_SIDE), Some(MAX_BYTES));
    reader.limits(limits);
    let is_jpeg = reader.format() == Some(ImageFormat::Jpeg);
    let mut decoder = reader.into_decoder().map_err(failed)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(too_large(format!("{width} x {height} pixels")));
    }
    if is_jpeg && is_cut_short(bytes) {
        return Err(bad("the picture is cut short".to_owned()));
    }
    // A wrong note of the camera is no reason to refuse its picture.
    let orientation = decoder.orientation().unwrap_or(image::metadata::Orientation::NoTransforms);
    let mut image = DynamicImage::from_decoder(decoder).map_err(failed)?;
    image.apply_orientation(orientation);
    let rgba = image.into_rgba8();
    let (width, height) = (rgba.width() as usize, rgba.height() as usize);
    if width == 0 || height == 0 {
        return Err(bad("a picture without pixels".to_owned()));
    }
    let on_white = |value: u8, alpha: u8| {
        let (value, alpha) = (u32::from(value), u32::from(alpha));
        ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8
    };
    let pixels = rgba.pixels().map(|p| [0, 1, 2].map(|c| on_white(p.0[c], p.0[3]))).collect();
    Ok(Picture { width, height, pixels })
}

/// Whether the last scan of a JPEG has no end; its decoder would make grey of what is missing.
fn is_cut_short(jpeg: &[u8]) -> bool {
    let last = |marker: [u8; 2]| jpeg.windows(2).rposition(|bytes| bytes == marker);
    // Neither occurs within a scan.
    last([0xff, 0xda]) > last([0xff, 0xd9])
}

/// What had to be done to a picture to make it fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fitted {
    /// The part in the middle that was kept, where it is not all: width and height.
    pub cropped: Option<(usize, usize)>,
    /// Whether that was scaled.
    pub scaled: bool,
}

/// The middle of `picture`, as much as has the proportions of `height` x `width`, scaled to them (Lanczos, three lobes).
pub fn fit(picture: &Picture, height: usize, width: usize) -> (Picture, Fitted) {
    let (w, h) = (picture.width, picture.height);
    // The largest part of these proportions, at least one pixel of each side.
    let (part_w, part_h) = if w * height > h * width { ((h * width / height).max(1), h) } else { (w, (w * height / width).max(1)) };
    let (left, top) = ((w - part_w) / 2, (h - part_h) / 2);
    let cropped = ((part_w, part_h) != (w, h)).then_some((part_w, part_h));
    let mut part = Picture::filled(part_w, part_h, [0; 3]);
    for (y, row) in part.pixels.chunks_exact_mut(part_w).enumerate() {
        row.copy_from_slice(&picture.pixels[(top + y) * w + left..][..part_w]);
    }
    let scaled = (part_w, part_h) != (width, height);
    if scaled {
        let source = RgbImage::from_fn(part_w as u32, part_h as u32, |x, y| Rgb(part.pixels[y as usize * part_w + x as usize]));
        let resized = imageops::resize(&source, width as u32, height as u32, FilterType::Lanczos3);
        part = Picture { width, height, pixels: resized.pixels().map(|p| p.0).collect() };
    }
    (part, Fitted { cropped, scaled })
}

/// The pixels as `[C, H, W]` in [-1, 1]: three channels are red, green and blue, one is the luminance (Rec. 709; a grey stays itself).
///
/// # Errors
/// Other numbers of channels: no picture says what they hold.
pub fn to_nchw(picture: &Picture, channels: usize) -> Result<Vec<f32>> {
    let value = |byte: f32| byte / 127.5 - 1.0;
    let plane = |c: usize| picture.pixels.iter().map(move |p| value(f32::from(p[c])));
    let grey = |&[r, g, b]: &[u8; 3]| {
        if r == g && g == b {
            return value(f32::from(r));
        }
        value(0.2126 * f32::from(r) + 0.7152 * f32::from(g) + 0.0722 * f32::from(b))
    };
    match channels {
        1 => Ok(picture.pixels.iter().map(grey).collect()),
        3 => Ok(plane(0).chain(plane(1)).chain(plane(2)).collect()),
        _ => Err(Error::argument(format!("a picture has 1 or 3 channels, expected a model of as many, got one of {channels}"))),
    }
}

/// As [`to_nchw`], cropped and scaled where `picture` has another size.
///
/// # Errors
/// As [`to_nchw`].
pub fn to_nchw_of_size(picture: &Picture, channels: usize, height: usize, width: usize) -> Result<Vec<f32>> {
    if (picture.height, picture.width) == (height, width) {
        return to_nchw(picture, channels);
    }
    to_nchw(&fit(picture, height, width).0, channels)
}

fn one_line(text: &str) -> String {
    text.replace(char::is_control, " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{Luma, Rgba};

    fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, format).expect("written");
        bytes.into_inner()
    }

    #[test]
    fn transparency_lies_on_white_and_sixteen_bits_become_eight() {
        let rgba = image::RgbaImage::from_fn(3, 1, |x, _| Rgba([200, 0, 100, [0, 128, 255][x as usize]]));
        let picture = decode(&encoded(&rgba.into(), ImageFormat::Png), Path::new("a.png")).expect("decoded");
        assert_eq!(picture.pixels, [[255, 255, 255], [227, 127, 177], [200, 0, 100]]);
        let deep = image::ImageBuffer::<Luma<u16>, _>::from_fn(2, 1, |x, _| Luma([[0, 65_535][x as usize]]));
        let picture = decode(&encoded(&DynamicImage::ImageLuma16(deep), ImageFormat::Png), Path::new("b.png")).expect("decoded");
        assert_eq!(picture.pixels, [[0; 3], [255; 3]]);
    }

    #[test]
    fn what_is_no_picture_is_refused_in_one_line() {
        let whole = encoded(&RgbImage::from_pixel(40, 30, Rgb([9; 3])).into(), ImageFormat::Jpeg);
        for (bytes, what) in [(&b""[..], "not a picture (0 bytes)"), (b"hello, world", "not a picture"), (&whole[..60], "")] {
            let error = decode(bytes, Path::new("x.jpg")).expect_err("refused").to_string();
            assert!(error.contains(what) && error.starts_with("x.jpg") && !error.contains('\n'), "{error}");
        }
    }

    #[test]
    fn the_middle_is_kept_and_scaled() {
        let wide = Picture { width: 5, height: 1, pixels: (0..5).map(|i| [i; 3]).collect() };
        let (part, fitted) = fit(&wide, 1, 3);
        assert_eq!((part.pixels, fitted), (vec![[1; 3], [2; 3], [3; 3]], Fitted { cropped: Some((3, 1)), scaled: false }));
        let (same, fitted) = fit(&wide, 1, 5);
        assert_eq!((same, fitted), (wide, Fitted { cropped: None, scaled: false }));
        let flat = Picture::filled(100, 60, [7, 80, 255]);
        let (small, fitted) = fit(&flat, 32, 32);
        assert_eq!((small, fitted), (Picture::filled(32, 32, [7, 80, 255]), Fitted { cropped: Some((60, 60)), scaled: true }));
        // A line of pixels has something in the middle, too.
        assert_eq!(fit(&Picture::filled(1000, 1, [3; 3]), 32, 32).0, Picture::filled(32, 32, [3; 3]));
    }

    #[test]
    fn channels_are_colours_or_a_grey() {
        let picture = Picture { width: 2, height: 1, pixels: vec![[255, 0, 0], [51; 3]] };
        let three = to_nchw(&picture, 3).expect("three");
        assert_eq!(three, [1.0, -0.6, -1.0, -0.6, -1.0, -0.6]);
        let one = to_nchw(&picture, 1).expect("one");
        assert!((one[0] - (0.2126 * 2.0 - 1.0)).abs() < 1e-6 && one[1] == -0.6);
        assert!(to_nchw(&picture, 4).is_err());
    }
}
