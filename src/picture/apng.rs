//! Animated PNG files: a trajectory as a loop that rests on its last frame, every pixel exact, with its recipe in an iTXt chunk before the
//! pixels. A program that knows no animated PNG shows the first frame.

use super::{
    Picture, frames,
    recipe_text::{KEYWORD, check_length},
};
use crate::{
    error::Result,
    files::{refusal, write_atomically},
};
use ::png::{BitDepth, ColorType, Encoder, Filter};
use flate2::{Compression, read::ZlibDecoder, write::ZlibEncoder};
use std::{
    borrow::Borrow,
    io::{self, Read, Write},
    path::Path,
};

/// Writes `frames` into the file at `path`; see [`encode`].
///
/// # Errors
/// [`Error::File`](crate::Error::File) if there is no frame, one is empty, too large or of another size than the first, the recipe is too
/// long, or the file cannot be written.
pub fn write_apng<P: Borrow<Picture>>(
    path: impl AsRef<Path>,
    frames: impl IntoIterator<Item = P>,
    frame_ms: u32,
    last_ms: u32,
    recipe: Option<&str>,
) -> Result<()> {
    write_atomically(path, |w| encode(w, frames, frame_ms, last_ms, recipe))
}

/// Writes `frames`, pictures or references to them, all of one size, as an animated PNG that loops for ever: in 8-bit grey if all of them
/// are grey, with a palette if they have at most 256 colours, else in 8-bit RGB. Each frame stays for `frame_ms`, the last for `last_ms`,
/// in milliseconds, from 20 to 65535 of them. Of a frame the smallest rectangle is written outside of which it is as the one before. Frames may be made as they are asked for: what
/// comes before the first pixel depends on all of them, so they wait compressed. `recipe` goes inside for
/// [`read_recipe`](super::recipe::read_recipe).
///
/// # Errors
/// A [`refusal`] if there is no frame, one is empty, too large or of another size than the first, or the recipe is too long; what writing
/// returns.
pub fn encode<P: Borrow<Picture>>(
    w: impl Write,
    frames: impl IntoIterator<Item = P>,
    frame_ms: u32,
    last_ms: u32,
    recipe: Option<&str>,
) -> io::Result<()> {
    check_length(recipe)?;
    let mut rest = frames.into_iter().peekable();
    let size = frames::size(rest.peek().map(Borrow::borrow), i32::MAX as usize, "a PNG")?;
    let (mut waiting, mut before, mut colours) = (Vec::new(), None::<P>, Colours::default());
    for (number, frame) in rest.enumerate() {
        let picture: &Picture = frame.borrow();
        frames::check(number, picture, size)?;
        let change = before.as_ref().map_or(Area::all(size), |before| Area::changed(before.borrow(), picture));
        colours.take(picture);
        waiting.push((change, change.packed(picture)?));
        before = Some(frame);
    }
    let count =
        u32::try_from(waiting.len()).map_err(|_| refusal("there are more frames than an animated PNG takes; show fewer"))?;
    // Neither is larger than i32::MAX.
    let mut encoder = Encoder::new(w, size.0 as u32, size.1 as u32);
    encoder.set_color(colours.kind());
    encoder.set_depth(BitDepth::Eight);
    if colours.kind() == ColorType::Indexed {
        encoder.set_palette(colours.found.as_flattened());
        // Differences of places in a palette mean nothing.
        encoder.set_filter(Filter::NoFilter);
    }
    // 0: without end.
    encoder.set_animated(count, 0)?;
    if let Some(recipe) = recipe {
        encoder.add_itxt_chunk(KEYWORD.into(), recipe.into())?;
    }
    let mut writer = encoder.write_header()?;
    let last = waiting.len().saturating_sub(1);
    for (number, (area, packed)) in waiting.into_iter().enumerate() {
        let ms = if number == last { last_ms } else { frame_ms };
        let ms = ms.clamp(frames::SHORTEST_MS, u32::from(u16::MAX)) as u16;
        writer.set_frame_delay(ms, 1000)?;
        // First to the corner, where a frame of any size fits.
        writer.set_frame_position(0, 0)?;
        writer.set_frame_dimension(area.width as u32, area.height as u32)?;
        writer.set_frame_position(area.left as u32, area.top as u32)?;
        writer.write_image_data(&colours.coded(area.unpacked(&packed)?))?;
    }
    Ok(writer.finish()?)
}

/// The most colours of a palette.
const PALETTE: usize = 256;

/// Which colours all frames have.
#[derive(Default)]
struct Colours {
    /// In order, each once; of more than [`PALETTE`] the first few.
    found: Vec<[u8; 3]>,
}

impl Colours {
    fn take(&mut self, picture: &Picture) {
        let mut last = None;
        for pixel in &picture.pixels {
            if self.found.len() > PALETTE {
                return;
            }
            // Most pixels are as the one before.
            if last != Some(pixel)
                && let Err(place) = self.found.binary_search(pixel)
            {
                self.found.insert(place, *pixel);
            }
            last = Some(pixel);
        }
    }

    /// Greys have at most 256 values, so that they all are among those found.
    fn kind(&self) -> ColorType {
        match self.found.as_slice() {
            greys if greys.iter().all(|[r, g, b]| r == g && g == b) => ColorType::Grayscale,
            few if few.len() <= PALETTE => ColorType::Indexed,
            _ => ColorType::Rgb,
        }
    }

    /// RGB bytes as they are written.
    fn coded(&self, rgb: Vec<u8>) -> Vec<u8> {
        let pixels = rgb.as_chunks().0;
        match self.kind() {
            ColorType::Grayscale => pixels.iter().map(|[grey, _, _]| *grey).collect(),
            ColorType::Indexed => pixels.iter().map(|pixel| self.found.binary_search(pixel).unwrap_or(0) as u8).collect(),
            _ => rgb,
        }
    }
}

/// A rectangle of a frame, in pixels.
#[derive(Clone, Copy)]
struct Area {
    left: usize,
    top: usize,
    width: usize,
    height: usize,
}

impl Area {
    fn all((width, height): (usize, usize)) -> Self {
        Self { left: 0, top: 0, width, height }
    }

    /// The smallest area with all pixels in which two pictures of one size differ. The format has no empty one: where they are equal, it
    /// is a pixel.
    fn changed(before: &Picture, now: &Picture) -> Self {
        let mut found: Option<[usize; 4]> = None;
        let rows = before.pixels.chunks_exact(now.width).zip(now.pixels.chunks_exact(now.width));
        for (y, (old, new)) in rows.enumerate().filter(|(_, (old, new))| old != new) {
            let differs = |(old, new): (&[u8; 3], &[u8; 3])| old != new;
            let left = old.iter().zip(new).position(differs).unwrap_or(0);
            let right = old.iter().zip(new).rposition(differs).unwrap_or(0) + 1;
            let [l, t, r, _] = found.unwrap_or([left, y, right, y]);
            found = Some([l.min(left), t, r.max(right), y + 1]);
        }
        let [left, top, right, bottom] = found.unwrap_or([0, 0, 1, 1]);
        Self { left, top, width: right - left, height: bottom - top }
    }

    /// The RGB bytes of this area of a picture, compressed.
    fn packed(self, picture: &Picture) -> io::Result<Vec<u8>> {
        let mut packed = ZlibEncoder::new(Vec::new(), Compression::fast());
        for row in picture.pixels.chunks_exact(picture.width).skip(self.top).take(self.height) {
            packed.write_all(row[self.left..self.left + self.width].as_flattened())?;
        }
        packed.finish()
    }

    /// The bytes again.
    fn unpacked(self, packed: &[u8]) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(3 * self.width * self.height);
        ZlibDecoder::new(packed).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}
