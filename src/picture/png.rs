//! PNG files that carry their recipe in an iTXt chunk, and are read with it in any kind of text chunk.

use std::io::{self, BufRead, Seek, Write};
use std::path::Path;

use ::png::{BitDepth, ColorType, DecodeOptions, Decoder, DecodingError, Encoder, Info, Limits};

use super::Picture;
use super::recipe_text::{KEYWORD, LONGEST_RECIPE, check_length};
use crate::error;
use crate::files::{refusal, write_atomically};

/// What the decoder may hold while it looks for the recipe: it counts a text about twice while it grows it, and other programs'
/// texts count too.
const READING_LIMIT: usize = 8 * LONGEST_RECIPE;

/// Writes `picture` into the file at `path`; see [`encode`].
///
/// # Errors
/// [`Error::File`](crate::Error::File) if the picture is empty or too large, the recipe longer than [`LONGEST_RECIPE`], or the file
/// cannot be written.
pub fn write_png(path: impl AsRef<Path>, picture: &Picture, recipe: Option<&str>) -> error::Result<()> {
    write_atomically(path, |w| encode(w, picture, recipe))
}

/// Writes `picture` in 8-bit grey if all of it is grey, else in 8-bit RGB, with `recipe` (UTF-8, any text) inside for
/// [`read_recipe`](super::recipe::read_recipe).
///
/// # Errors
/// A [`refusal`] if the picture is empty or too large, or the recipe longer than [`LONGEST_RECIPE`]; what writing returns.
pub fn encode(w: impl Write, picture: &Picture, recipe: Option<&str>) -> io::Result<()> {
    check_length(recipe)?;
    if picture.pixels.is_empty() {
        return Err(refusal("there is no picture to write, expected at least one pixel; ask for one image or more"));
    }
    let (Ok(width), Ok(height)) = (i32::try_from(picture.width), i32::try_from(picture.height)) else {
        let what =
            format!("{} x {} pixels, a PNG takes up to {} a side; ask for fewer images", picture.width, picture.height, i32::MAX);
        return Err(refusal(what));
    };
    let grey: Vec<u8>;
    let (colour, bytes) = if picture.is_grey() {
        grey = picture.pixels.iter().map(|pixel| pixel[0]).collect();
        (ColorType::Grayscale, &grey[..])
    } else {
        (ColorType::Rgb, picture.bytes())
    };
    let mut encoder = Encoder::new(w, width.unsigned_abs(), height.unsigned_abs());
    encoder.set_color(colour);
    encoder.set_depth(BitDepth::Eight);
    if let Some(recipe) = recipe {
        encoder.add_itxt_chunk(KEYWORD.into(), recipe.into())?;
    }
    let mut writer = encoder.write_header()?;
    writer.write_image_data(bytes)?;
    Ok(writer.finish()?)
}

/// The recipe in the PNG that `input` is at the start of, `None` if there is none. Anything but a well-formed PNG is an error of
/// kind `InvalidData`, or `UnexpectedEof` where it just ends.
pub(super) fn find_recipe(input: impl BufRead + Seek) -> io::Result<Option<String>> {
    let mut options = DecodeOptions::default();
    options.set_ignore_iccp_chunk(true);
    // The default is to pass over texts with a wrong checksum as if they were not there.
    options.set_skip_ancillary_crc_failures(false);
    let mut decoder = Decoder::new_with_options(input, options);
    decoder.set_limits(Limits { bytes: READING_LIMIT });
    let mut reader = decoder.read_info().map_err(as_io)?;
    if let Some(recipe) = recipe_in(reader.info())? {
        return Ok(Some(recipe));
    }
    // Programs that edit pictures may move texts behind the pixels.
    reader.finish().map_err(as_io)?;
    recipe_in(reader.info())
}

/// We write it as iTXt, plain; programs that save pictures again make it any of the three kinds, compressed or not. A small chunk could
/// unpack to gigabytes.
fn recipe_in(info: &Info) -> io::Result<Option<String>> {
    let is_ours = |keyword: &str| keyword.eq_ignore_ascii_case(KEYWORD);
    let text = if let Some(chunk) = info.utf8_text.iter().find(|chunk| is_ours(&chunk.keyword)) {
        let mut chunk = chunk.clone();
        chunk.decompress_text_with_limit(LONGEST_RECIPE).map_err(too_long)?;
        chunk.get_text().map_err(as_io)?
    } else if let Some(chunk) = info.uncompressed_latin1_text.iter().find(|chunk| is_ours(&chunk.keyword)) {
        of_latin1(chunk.text.clone())
    } else if let Some(chunk) = info.compressed_latin1_text.iter().find(|chunk| is_ours(&chunk.keyword)) {
        let mut chunk = chunk.clone();
        chunk.decompress_text_with_limit(LONGEST_RECIPE).map_err(too_long)?;
        of_latin1(chunk.get_text().map_err(as_io)?)
    } else {
        return Ok(None);
    };
    if text.len() > LONGEST_RECIPE { Err(as_io(DecodingError::LimitsExceeded)) } else { Ok(Some(text)) }
}

/// A text that was read as Latin-1, as tEXt and zTXt are to be read; many programs write UTF-8 there all the same.
fn of_latin1(text: String) -> String {
    let bytes = text.chars().map(|c| u8::try_from(u32::from(c))).collect::<Result<Vec<u8>, _>>();
    bytes.ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or(text)
}

/// What did not unpack into the room there is for a recipe.
fn too_long(error: DecodingError) -> io::Error {
    let has_no_room = error.to_string().starts_with("Out of decompression space");
    as_io(if has_no_room { DecodingError::LimitsExceeded } else { error })
}

fn as_io(error: DecodingError) -> io::Error {
    match error {
        DecodingError::IoError(error) => error,
        DecodingError::LimitsExceeded => {
            io::Error::new(io::ErrorKind::InvalidData, format!("a text is longer than the {LONGEST_RECIPE} bytes of any recipe"))
        }
        other => io::Error::new(io::ErrorKind::InvalidData, other),
    }
}
