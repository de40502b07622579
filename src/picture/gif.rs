//! Animated GIF files: a trajectory as a loop that rests on its last frame, with its recipe in a comment.
//!
//! By the `gif` crate itself: the encoder of the `image` crate tells viewers to blank the canvas after every frame, and it cannot
//! write a comment.

use std::borrow::Borrow;
use std::io::{self, Read, Write};
use std::path::Path;

use super::Picture;
use super::frames;
use super::recipe_text::{KEYWORD, LONGEST_RECIPE, check_length};
use crate::error::Result;
use crate::files::write_atomically;

/// NeuQuant's default; only frames of more than 256 colours are quantised at all.
const QUANTISER_SPEED: i32 = 10;
/// The first bytes of blocks, and the label of comments.
const EXTENSION: u8 = 0x21;
const IMAGE: u8 = 0x2C;
const TRAILER: u8 = 0x3B;
const COMMENT: u8 = 0xFE;
/// The bit that announces a palette; the bits below it say how long: 2 << them.
const HAS_PALETTE: u8 = 0x80;

/// Writes `frames` into the file at `path`; see [`encode`].
///
/// # Errors
/// [`Error::File`](crate::Error::File) if there is no frame, one is empty, larger than 65535 on a side or of another size than the
/// first, the recipe is too long, or the file cannot be written.
pub fn write_gif<P: Borrow<Picture>>(
    path: impl AsRef<Path>,
    frames: impl IntoIterator<Item = P>,
    frame_ms: u32,
    last_ms: u32,
    recipe: Option<&str>,
) -> Result<()> {
    write_atomically(path, |w| encode(w, frames, frame_ms, last_ms, recipe))
}

/// Writes `frames`, pictures or references to them, all of one size, as a GIF that loops for ever. Each frame stays for `frame_ms`,
/// the last for `last_ms`, in milliseconds, rounded to hundredths of a second and at least two of them. Up to 256 colours a frame
/// are exact, so greys always are; more are brought down to the 256 that fit best. Frames may be made as they are asked for.
/// `recipe` goes inside for [`read_recipe`](super::recipe::read_recipe).
///
/// # Errors
/// A [`refusal`](crate::files::refusal) if there is no frame, one is empty, larger than 65535 on a side or of another size than the first, or the recipe
/// is too long; what writing returns.
pub fn encode<P: Borrow<Picture>>(
    w: impl Write,
    frames: impl IntoIterator<Item = P>,
    frame_ms: u32,
    last_ms: u32,
    recipe: Option<&str>,
) -> io::Result<()> {
    check_length(recipe)?;
    let mut rest = frames.into_iter().peekable();
    let size = frames::size(rest.peek().map(Borrow::borrow), u16::MAX.into(), "a GIF")?;
    let (width, height) = (size.0 as u16, size.1 as u16);
    let mut encoder = gif::Encoder::new(w, width, height, &[]).map_err(io::Error::other)?;
    encoder.set_repeat(gif::Repeat::Infinite).map_err(io::Error::other)?;
    if let Some(recipe) = recipe {
        // A comment: the keyword, a space, the recipe, in blocks of up to 255 bytes. The format says ASCII; readers take UTF-8.
        let text = format!("{KEYWORD} {recipe}");
        let blocks: Vec<&[u8]> = text.as_bytes().chunks(255).collect();
        encoder.write_raw_extension(gif::Extension::Comment.into(), &blocks).map_err(io::Error::other)?;
    }
    let mut number = 0;
    while let Some(picture) = rest.next() {
        let picture: &Picture = picture.borrow();
        frames::check(number, picture, size)?;
        let mut frame = gif::Frame::from_rgb_speed(width, height, picture.bytes(), QUANTISER_SPEED);
        // Leave the frame in place: blanking between frames flickers in some viewers.
        frame.dispose = gif::DisposalMethod::Keep;
        let ms = if rest.peek().is_some() { frame_ms } else { last_ms };
        frame.delay = u16::try_from((ms / 10 + u32::from(ms % 10 >= 5)).max(frames::SHORTEST_MS / 10)).unwrap_or(u16::MAX);
        encoder.write_frame(&frame).map_err(io::Error::other)?;
        number += 1;
    }
    Ok(())
}

/// The recipe in the comments of the GIF that `input` is at the start of, `None` if there is none. Bytes that make no sense are an
/// error of kind `InvalidData`, or `UnexpectedEof` where they just end.
pub(super) fn find_recipe(mut input: impl Read) -> io::Result<Option<String>> {
    let header: [u8; 13] = take(&mut input)?;
    skip_palette(&mut input, header[10])?;
    loop {
        match take(&mut input)? {
            [EXTENSION] => {
                let [label] = take(&mut input)?;
                let longest = if label == COMMENT { KEYWORD.len() + 1 + LONGEST_RECIPE } else { 0 };
                let text = read_blocks(&mut input, longest)?;
                if let Some(recipe) = text.strip_prefix(KEYWORD.as_bytes()).and_then(|text| text.strip_prefix(b" ")) {
                    return String::from_utf8(recipe.to_vec()).map(Some).map_err(|_| invalid("its recipe is not UTF-8"));
                }
            }
            [IMAGE] => {
                let descriptor: [u8; 9] = take(&mut input)?;
                skip_palette(&mut input, descriptor[8])?;
                let [_pixel_bits] = take(&mut input)?;
                read_blocks(&mut input, 0)?;
            }
            [TRAILER] => return Ok(None),
            [other] => return Err(invalid(&format!("expected the start of a GIF block, got byte {other:#04x}"))),
        }
    }
}

fn take<const N: usize>(input: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    input.read_exact(&mut bytes).map(|()| bytes)
}

/// Passes over the palette that the packed byte `flags` announces.
fn skip_palette(input: &mut impl Read, flags: u8) -> io::Result<()> {
    let colours = if flags & HAS_PALETTE == 0 { 0 } else { 2 << (flags & 7) };
    (0..colours).try_for_each(|_| take::<3>(input).map(drop))
}

/// The text in blocks up to the empty one that ends them. One longer than `longest` is refused, so that a hostile file fills no
/// memory; 0 means that the text is not wanted, however long.
fn read_blocks(input: &mut impl Read, longest: usize) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    let mut block = [0; 255];
    loop {
        let [length] = take(input)?;
        let block = &mut block[..length.into()];
        input.read_exact(block)?;
        if block.is_empty() {
            return Ok(text);
        }
        if longest > 0 {
            text.extend_from_slice(block);
            if text.len() > longest {
                return Err(invalid(&format!("a comment is longer than the {LONGEST_RECIPE} bytes of any recipe")));
            }
        }
    }
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
