//! Pictures through files and back: recipes, pixels, FID archives, and what broken files do.

use std::fs;
use std::path::{Path, PathBuf};

use etude::files::write_atomically;
use etude::picture::apng::write_apng;
use etude::picture::gif::write_gif;
use etude::picture::npz::NpzWriter;
use etude::picture::png::write_png;
use etude::picture::recipe::{LONGEST_RECIPE, read_recipe};
use etude::picture::{Picture, image_from_nchw, sheet};
use image::AnimationDecoder;
use proptest::prelude::*;

const RECIPE: &str = r#"{"model":"assets/models/fashion","seed":7,"eta":0.0,"note":"Étude № 1, ノイズ → 絵 🎹"}"#;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect()
}

/// A picture whose pixels all differ, in colour or in the greys of their sums.
fn wavy(width: usize, height: usize, grey: bool) -> Picture {
    let channels = if grey { 1 } else { 3 };
    let values: Vec<f32> = (0..channels * width * height).map(|i| (i as f32 * 0.7391).sin()).collect();
    image_from_nchw(channels, height, width, &values)
}

fn from_rgb(image: &image::RgbImage) -> Picture {
    Picture {
        width: image.width() as usize,
        height: image.height() as usize,
        pixels: image.pixels().map(|pixel| pixel.0).collect(),
    }
}

/// The frames of the GIF at `path` and how long each stays, in milliseconds, read by another crate than wrote it.
fn frames_of(path: &Path) -> Vec<(Picture, u32)> {
    let input = std::io::BufReader::new(fs::File::open(path).expect("readable"));
    let frames = image::codecs::gif::GifDecoder::new(input).expect("a GIF").into_frames().collect_frames().expect("whole frames");
    let opened = |frame: image::Frame| {
        let (ms, denominator) = frame.delay().numer_denom_ms();
        (from_rgb(&image::DynamicImage::from(frame.into_buffer()).into_rgb8()), ms / denominator)
    };
    frames.into_iter().map(opened).collect()
}

/// The same of the animated PNG at `path`.
fn frames_of_apng(path: &Path) -> Vec<(Picture, u32)> {
    let input = std::io::BufReader::new(fs::File::open(path).expect("readable"));
    let decoder = image::codecs::png::PngDecoder::new(input).expect("a PNG").apng().expect("an animated one");
    let opened = |frame: image::Frame| {
        let (ms, denominator) = frame.delay().numer_denom_ms();
        (from_rgb(&image::DynamicImage::from(frame.into_buffer()).into_rgb8()), ms / denominator)
    };
    decoder.into_frames().collect_frames().expect("whole frames").into_iter().map(opened).collect()
}

#[test]
fn png_keeps_pixels_and_recipe_and_is_grey_where_it_can_be() {
    let folder = folder();
    for grey in [true, false] {
        let (picture, path) = (wavy(17, 9, grey), folder.path().join("a.png"));
        write_png(&path, &picture, Some(RECIPE)).expect("written");
        let read = image::open(&path).expect("a PNG");
        assert_eq!(read.color(), if grey { image::ColorType::L8 } else { image::ColorType::Rgb8 });
        assert_eq!(from_rgb(&read.into_rgb8()), picture);
        assert_eq!(read_recipe(&path).expect("readable").as_deref(), Some(RECIPE));
    }
    assert_eq!(files_in(folder.path()).len(), 1);
}

/// Other programs read the chunk by the PNG specification: keyword, 0, not compressed, method 0, no language, no translation, UTF-8.
#[test]
fn the_recipe_is_a_plain_itxt_chunk() {
    let folder = folder();
    let path = folder.path().join("a.png");
    write_png(&path, &wavy(2, 2, true), Some(RECIPE)).expect("written");
    let chunk = [b"iTXtetude\0\0\0\0\0", RECIPE.as_bytes()].concat();
    assert!(fs::read(&path).expect("readable").windows(chunk.len()).any(|window| window == chunk));
}

#[test]
fn a_sheet_without_recipe_has_none_and_no_pictures_are_refused() {
    let folder = folder();
    let path = folder.path().join("a.png");
    write_png(&path, &wavy(4, 4, false), None).expect("written");
    assert_eq!(read_recipe(&path).expect("readable"), None);
    let nothing = sheet::contact_sheet(&[], None, None);
    for error in [
        write_png(&path, &nothing, None),
        write_gif(&path, [&nothing], 50, 50, None),
        write_gif::<Picture>(&path, [], 50, 50, None),
        write_apng(&path, [&nothing], 50, 50, None),
        write_apng::<Picture>(&path, [], 50, 50, None),
    ] {
        let error = error.expect_err("nothing to write").to_string();
        assert!(error.starts_with(&path.display().to_string()) && !error.contains('\n'), "{error}");
    }
    assert_eq!(read_recipe(&path).expect("the old file is whole"), None);
}

/// Texts behind the pixels, as picture editors may leave them, and compressed ones are found; endless ones are not unpacked.
#[test]
fn recipes_that_other_programs_moved_or_packed() {
    let folder = folder();
    let path = folder.path().join("a.png");
    let write = |text: &str, packed: bool| {
        let mut encoder = png::Encoder::new(fs::File::create(&path).expect("writable"), 1, 1);
        encoder.set_color(png::ColorType::Grayscale);
        let mut writer = encoder.write_header().expect("written");
        writer.write_image_data(&[0]).expect("written");
        let mut chunk = png::text_metadata::ITXtChunk::new("etude", text);
        if packed {
            chunk.compress_text().expect("packed");
        }
        writer.write_text_chunk(&chunk).expect("written");
        writer.finish().expect("written");
        read_recipe(&path)
    };
    let longest = "x".repeat(LONGEST_RECIPE);
    for packed in [false, true] {
        assert_eq!(write(RECIPE, packed).expect("readable").as_deref(), Some(RECIPE));
        assert_eq!(write(&longest, packed).expect("readable").map(|text| text.len()), Some(LONGEST_RECIPE));
        for excess in [1, 20 * LONGEST_RECIPE] {
            let error = write(&"x".repeat(LONGEST_RECIPE + excess), packed).expect_err("too long").to_string();
            assert!(error.contains("1048576"), "{error}");
        }
    }
    let too_long = format!("{longest}x");
    assert!(write_png(&path, &wavy(1, 1, true), Some(&too_long)).is_err());
    assert!(write_gif(&path, [wavy(1, 1, true)], 50, 50, Some(&too_long)).is_err());
    assert!(write_apng(&path, [wavy(1, 1, true)], 50, 50, Some(&too_long)).is_err());
    write_apng(&path, [wavy(1, 1, true)], 50, 50, Some(&longest)).expect("written");
    assert_eq!(read_recipe(&path).expect("readable").map(|text| text.len()), Some(LONGEST_RECIPE));
    write_gif(&path, [wavy(1, 1, true)], 50, 50, Some(&longest)).expect("written");
    assert_eq!(read_recipe(&path).expect("readable"), Some(longest));
}

#[test]
fn gif_frames_are_exact_in_grey_and_rest_on_the_last() {
    let folder = folder();
    let path = folder.path().join("a.gif");
    // 300 x 200: long enough for the compressor's table to fill up and start anew.
    let frames = [wavy(300, 200, true), Picture::filled(300, 200, [200; 3]), wavy(300, 200, true).scaled(1)];
    write_gif(&path, &frames, 50, 2000, Some(RECIPE)).expect("written");
    let read = frames_of(&path);
    assert_eq!(read.iter().map(|(_, ms)| *ms).collect::<Vec<_>>(), [50, 50, 2000]);
    assert!(read.iter().zip(&frames).all(|((read, _), written)| read == written));
    assert_eq!(read_recipe(&path).expect("readable").as_deref(), Some(RECIPE));
    // Loops without end: the count in the NETSCAPE block is 0.
    let loops = b"NETSCAPE2.0\x03\x01\0\0\0";
    assert!(fs::read(&path).expect("readable").windows(loops.len()).any(|window| window == loops));
}

#[test]
fn gif_colours_are_close_and_odd_frames_refused() {
    let folder = folder();
    let path = folder.path().join("a.gif");
    let frame = wavy(64, 64, false);
    write_gif(&path, [&frame], 1, 1, None).expect("written");
    let (read, ms) = &frames_of(&path)[0];
    assert_eq!(*ms, 20);
    // 4096 random colours in 256 cells of the cube: a cell is 255 / 256^(1/3) = 40 wide, so a channel is 40 / sqrt(12) = 12 off.
    let squares = read.bytes().iter().zip(frame.bytes()).map(|(&a, &b)| f64::from(a.abs_diff(b)).powi(2));
    let off = (squares.sum::<f64>() / frame.bytes().len() as f64).sqrt();
    assert!(off < 12.0, "{off}");
    assert_eq!(read_recipe(&path).expect("readable"), None);

    let odd = folder.path().join("odd.gif");
    let error = write_gif(&odd, [frame, wavy(63, 64, false)], 50, 50, None).expect_err("two sizes").to_string();
    assert!(error.contains("frame 1 is 63 x 64, expected 64 x 64"), "{error}");
    assert!(!odd.exists() && files_in(folder.path()).len() == 1);
}

/// Pixels of frames that differ everywhere, in one pixel at either corner, not at all, and in a rectangle within.
#[test]
fn apng_frames_are_exact_in_colour_and_in_grey_and_rest_on_the_last() {
    let folder = folder();
    let path = folder.path().join("a.apng");
    for grey in [false, true] {
        let first = wavy(31, 17, grey);
        let mut corners = first.clone();
        (corners.pixels[0], corners.pixels[31 * 17 - 1]) = ([1; 3], [254; 3]);
        let mut one = corners.clone();
        one.pixels[5 * 31 + 7] = [77; 3];
        let mut within = one.clone();
        within.paste(&wavy(9, 4, grey), 20, 3);
        let frames = [first, corners, one.clone(), one, within, Picture::filled(31, 17, [255; 3])];
        write_apng(&path, &frames, 50, 2000, Some(RECIPE)).expect("written");
        let read = frames_of_apng(&path);
        assert_eq!(read.iter().map(|(_, ms)| *ms).collect::<Vec<_>>(), [50, 50, 50, 50, 50, 2000]);
        assert!(read.iter().zip(&frames).all(|((read, _), written)| read == written));
        // Who knows no animated PNG sees the first; the recipe is before the pixels.
        let still = image::open(&path).expect("a PNG");
        assert_eq!(still.color(), if grey { image::ColorType::L8 } else { image::ColorType::Rgb8 });
        assert_eq!(from_rgb(&still.into_rgb8()), frames[0]);
        assert_eq!(read_recipe(&path).expect("readable").as_deref(), Some(RECIPE));
        let bytes = fs::read(&path).expect("readable");
        let at = |words: &[u8]| bytes.windows(words.len()).position(|window| window == words).expect("there");
        assert!(at(b"iTXtetude\0") < at(b"IDAT"));
        // Six frames, and loops without end.
        assert_eq!(bytes[at(b"acTL") + 4..][..8], [0, 0, 0, 6, 0, 0, 0, 0]);
    }
    // One colour among greys is kept, with a palette.
    let mut coloured = wavy(6, 5, true);
    coloured.pixels[29] = [9, 8, 7];
    write_apng(&path, [wavy(6, 5, true), coloured.clone()], 50, 50, None).expect("written");
    assert_eq!(frames_of_apng(&path)[1].0, coloured);
    assert_eq!(read_recipe(&path).expect("readable"), None);
    let colours = |count: usize| Picture {
        width: count,
        height: 1,
        pixels: (0..count).map(|i| [(i % 256) as u8, (i / 256) as u8, 7]).collect(),
    };
    for (count, kind) in [(1, 3), (255, 3), (256, 3), (257, 2)] {
        let frames = [colours(count), Picture::filled(count, 1, [0, 0, 7])];
        write_apng(&path, &frames, 50, 50, None).expect("written");
        assert_eq!(fs::read(&path).expect("readable")[25], kind, "{count} colours: a palette up to 256");
        assert!(frames_of_apng(&path).iter().zip(&frames).all(|((read, _), written)| read == written), "{count}");
    }
}

#[test]
fn apng_frames_last_as_long_as_can_be_said_and_odd_ones_are_refused() {
    let folder = folder();
    let path = folder.path().join("a.apng");
    let frame = wavy(4, 3, false);
    for (asked, [each, last]) in [([1, 1], [20, 20]), ([100_000, 70_000], [65_535, 65_535]), ([33, 1500], [33, 1500])] {
        write_apng(&path, [&frame, &frame], asked[0], asked[1], None).expect("written");
        assert_eq!(frames_of_apng(&path).iter().map(|(_, ms)| *ms).collect::<Vec<_>>(), [each, last]);
    }
    write_apng(&path, [&frame], 50, 70, None).expect("written");
    assert_eq!(frames_of_apng(&path), [(frame.clone(), 70)]);

    let odd = folder.path().join("odd.apng");
    let error = write_apng(&odd, [frame, wavy(3, 4, false)], 50, 50, None).expect_err("two sizes").to_string();
    assert!(error.contains("frame 1 is 3 x 4, expected 4 x 3; use one size") && !error.contains('\n'), "{error}");
    assert!(!odd.exists() && files_in(folder.path()).len() == 1);
}

#[test]
fn npz_is_a_stored_zip_of_one_npy() {
    let folder = folder();
    let path = folder.path().join("samples.npz");
    let pictures = [wavy(5, 3, false), wavy(5, 3, true), wavy(5, 3, false)];
    let mut npz = NpzWriter::create(&path, 3, 3, 5).expect("writable");
    pictures.iter().for_each(|picture| npz.push(picture).expect("written"));
    npz.finish().expect("written");

    let bytes = fs::read(&path).expect("readable");
    let u16_at = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
    let u32_at = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
    assert_eq!((&bytes[..4], u16_at(8), &bytes[30..39]), (&b"PK\x03\x04"[..], 0, &b"arr_0.npy"[..]));
    let size = 128 + 3 * 3 * 5 * 3;
    assert_eq!([u32_at(18), u32_at(22)], [size; 2]);
    let member = &bytes[39..39 + size as usize];
    assert_eq!((&member[..8], u16::from_le_bytes([member[8], member[9]])), (&b"\x93NUMPY\x01\0"[..], 118));
    let header = std::str::from_utf8(&member[10..128]).expect("text");
    assert_eq!(header.trim_end(), "{'descr': '|u1', 'fortran_order': False, 'shape': (3, 3, 5, 3), }");
    assert_eq!(member[128..], pictures.each_ref().map(Picture::bytes).concat());
    // The directory: at the end record's word, right behind the member, saying the same as the local header.
    let end = bytes.len() - 22;
    assert_eq!((&bytes[end..end + 4], u16_at(end + 10)), (&b"PK\x05\x06"[..], 1));
    let central = u32_at(end + 16) as usize;
    assert_eq!((central, central + u32_at(end + 12) as usize), (39 + size as usize, end));
    assert_eq!((&bytes[central..central + 4], &bytes[central + 6..central + 32]), (&b"PK\x01\x02"[..], &bytes[4..30]));
    assert_eq!(&bytes[central + 46..end], b"arr_0.npy");
    // The polynomial's checksum bit by bit, another way than the writer's table.
    let crc = !member.iter().fold(!0_u32, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg()))
    });
    assert_eq!(u32_at(14), crc);
}

#[test]
fn npz_refuses_what_would_mislead_and_leaves_nothing() {
    let folder = folder();
    let path = folder.path().join("samples.npz");
    let refused = |result: etude::Result<()>, words: &str| {
        let error = result.expect_err(words).to_string();
        assert!(error.contains(words) && !error.contains('\n'), "{error}");
    };
    refused(NpzWriter::create(&path, 1_500_000, 32, 32).map(drop), "at most 1398101");
    refused(NpzWriter::create(&path, usize::MAX, usize::MAX, usize::MAX).map(drop), "at most 0");
    let mut npz = NpzWriter::create(&path, 2, 8, 8).expect("writable");
    refused(npz.push(&wavy(9, 8, true)), "picture 0 is 9 x 8, expected 8 x 8");
    npz.push(&wavy(8, 8, true)).expect("written");
    refused(npz.finish(), "got 1 of 2 pictures");
    let mut npz = NpzWriter::create(&path, 0, 8, 8).expect("writable");
    refused(npz.push(&wavy(8, 8, true)), "more pictures than the 0");
    drop(npz);
    assert!(files_in(folder.path()).is_empty());
}

#[test]
fn a_failed_write_leaves_the_folder_as_it_was() {
    let folder = folder();
    let path = folder.path().join("a.png");
    let error = write_atomically(&path, |w| {
        w.write_all(&[0; 1 << 16])?;
        Err(std::io::ErrorKind::StorageFull.into())
    });
    assert!(error.expect_err("failed").to_string().contains("free some space"));
    // A panic unwinds through it without leaving a file either.
    let panicked = std::panic::catch_unwind(|| write_atomically(&path, |_| std::panic::resume_unwind(Box::new(()))));
    assert!(panicked.is_err() && files_in(folder.path()).is_empty());
}

#[test]
fn what_is_no_picture_is_an_error_that_says_so() {
    let folder = folder();
    let path = folder.path().join("a.png");
    for (bytes, words) in [
        (&b""[..], "empty or cut short"),
        (b"{}", "neither PNG nor GIF"),
        (b"\x89PNG\r\n\x1A\n", "cut short"),
        (b"GIF89a", "cut short"),
    ] {
        fs::write(&path, bytes).expect("written");
        let error = read_recipe(&path).expect_err(words).to_string();
        assert!(error.contains(words), "{error}");
    }
    assert!(read_recipe(folder.path()).is_err());
    assert!(read_recipe(folder.path().join("none.png")).expect_err("missing").to_string().contains("none.png"));
}

/// A PNG, an animated one and a GIF with the recipe, as bytes.
fn intact() -> [Vec<u8>; 3] {
    let folder = folder();
    let path = folder.path().join("a");
    write_png(&path, &wavy(6, 5, false), Some(RECIPE)).expect("written");
    let png = fs::read(&path).expect("readable");
    write_apng(&path, [wavy(6, 5, false), wavy(6, 5, true)], 50, 50, Some(RECIPE)).expect("written");
    let apng = fs::read(&path).expect("readable");
    write_gif(&path, [wavy(6, 5, false)], 50, 50, Some(RECIPE)).expect("written");
    [png, apng, fs::read(&path).expect("readable")]
}

/// Reads `bytes` as a file; whatever comes of it, an error is one line about that file.
fn read_bytes(bytes: &[u8]) -> Option<String> {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::io::Write::write_all(&mut file, bytes).expect("written");
    read_recipe(file.path()).unwrap_or_else(|error| {
        let text = error.to_string();
        assert!(text.starts_with(&*file.path().to_string_lossy()) && !text.contains('\n'), "{text}");
        None
    })
}

/// Cut short anywhere, the file gives its recipe whole, if all of it is there, or none.
#[test]
fn every_truncation_gives_the_whole_recipe_or_none() {
    for bytes in intact() {
        let found: Vec<bool> = (0..=bytes.len())
            .map(|length| match read_bytes(&bytes[..length]) {
                Some(recipe) => recipe == RECIPE || panic!("{recipe}"),
                None => false,
            })
            .collect();
        assert!(found.is_sorted() && found[bytes.len()]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_never_panic(tail in prop::collection::vec(any::<u8>(), 0..400), start in 0..4_usize) {
        let starts = [&b""[..], b"\x89PNG\r\n\x1A\n", b"GIF89a\x01\0\x01\0\0\0\0\x21\xFE", b"\x89PNG\r\n\x1A\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0\x3A\x7E\x9B\x55"];
        read_bytes(&[starts[start], &tail].concat());
    }

    #[test]
    fn damaged_files_never_panic(damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6), cut in any::<prop::sample::Index>()) {
        for mut bytes in intact() {
            for (at, byte) in &damage {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            read_bytes(&bytes);
            bytes.truncate(cut.index(bytes.len()));
            read_bytes(&bytes);
        }
    }

    #[test]
    fn any_recipe_comes_back(recipe in prop::collection::vec(any::<char>(), 0..700)) {
        let recipe: String = recipe.into_iter().collect();
        let folder = folder();
        let (png, gif) = (folder.path().join("a.png"), folder.path().join("a.gif"));
        write_png(&png, &wavy(2, 2, true), Some(&recipe)).expect("written");
        write_gif(&gif, [wavy(2, 2, true)], 50, 50, Some(&recipe)).expect("written");
        for path in [png, gif] {
            prop_assert_eq!(read_recipe(path).expect("readable"), Some(recipe.clone()));
        }
    }

    /// Few levels make long strings, many short ones: codes of every width, tables full and started anew.
    #[test]
    fn grey_gifs_are_exact(width in 1..90_usize, height in 1..90_usize, levels in 1..=256_u32, seed in any::<u32>()) {
        let mut state = seed;
        let mut grey = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            [(((state >> 16) * levels) >> 16) as u8; 3]
        };
        let picture = Picture { width, height, pixels: (0..width * height).map(|_| grey()).collect() };
        let folder = folder();
        let path = folder.path().join("a.gif");
        write_gif(&path, [&picture], 50, 50, None).expect("written");
        prop_assert_eq!(&frames_of(&path)[0].0, &picture);
    }
}
