//! What every writer of animations asks of its frames, and what it refuses.

use super::Picture;
use crate::files::refusal;
use std::io;

/// Browsers show a frame of less than this many milliseconds for a tenth of a second.
pub(super) const SHORTEST_MS: u32 = 20;

/// Width and height of all frames, from the first, which must have pixels and at most `max` of them a side. `kind` is the format, as "a GIF".
///
/// # Errors
/// A [`refusal`]: there is no frame, or it is empty or too large.
pub(super) fn size(first: Option<&Picture>, max: usize, kind: &str) -> io::Result<(usize, usize)> {
    let Some(first) = first else {
        return Err(refusal("there is no frame to write, expected at least one; ask for one step or more"));
    };
    let size = (first.width, first.height);
    if (1..=max).contains(&size.0) && (1..=max).contains(&size.1) {
        return Ok(size);
    }
    let (width, height) = size;
    Err(refusal(format!("frames are {width} x {height}, {kind} takes 1 to {max} a side; show fewer or smaller pictures")))
}

/// Checks frame `number`, from 0.
///
/// # Errors
/// A [`refusal`]: it has another size than the first.
pub(super) fn check(number: usize, picture: &Picture, (width, height): (usize, usize)) -> io::Result<()> {
    if (picture.width, picture.height) == (width, height) && picture.pixels.len() == width * height {
        return Ok(());
    }
    let got = format!("frame {number} is {} x {}", picture.width, picture.height);
    Err(refusal(format!("{got}, expected {width} x {height}; use one size")))
}
