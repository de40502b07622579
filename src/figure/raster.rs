//! A figure as a picture, drawn from its SVG.

use super::{fonts, scene::Figure, svg::svg};
use crate::{
    error::{Error, Result},
    picture::Picture,
};
use resvg::{
    render,
    tiny_skia::{Pixmap, Transform},
    usvg::{Options, Tree},
};

/// A picture has no more pixels than this along a side.
const MAX_SIDE: f32 = 16_384.0;
/// Nor in all.
const MAX_PIXELS: f32 = 2e8;

/// The SVG as its readers see it.
pub(super) fn tree(figure: &Figure) -> Result<Tree> {
    let options = Options { fontdb: fonts::database(), font_family: "Etude Math".to_owned(), ..Options::default() };
    Tree::from_str(&svg(figure, None)?, &options).map_err(|error| Error::argument(format!("figure: {error}")))
}

/// The figure with `scale` pixels per point. Where a picture's cell is a whole number of points per pixel, its pixels are squares of one
/// colour.
///
/// # Errors
/// Larger than a picture can be.
pub fn picture(figure: &Figure, scale: u32) -> Result<Picture> {
    let by = scale as f32;
    let (width, height) = ((figure.width * by).round(), (figure.height * by).round());
    if !(1.0..=MAX_SIDE).contains(&width) || !(1.0..=MAX_SIDE).contains(&height) || width * height > MAX_PIXELS {
        return Err(Error::argument(format!(
            "figure: {width} x {height} pixels, expected at most {MAX_SIDE} along a side and {MAX_PIXELS} in all; use a smaller scale, or SVG"
        )));
    }
    let (width, height) = (width as u32, height as u32);
    let missing =
        || Error::argument(format!("figure: there is no memory for {width} x {height} pixels; use a smaller scale, or SVG"));
    let mut pixels = Pixmap::new(width, height).ok_or_else(missing)?;
    render(&tree(figure)?, Transform::from_scale(by, by), &mut pixels.as_mut());
    // The page is opaque, so that nothing is left of the alpha.
    let rgb = pixels.data().chunks_exact(4).map(|rgba| [rgba[0], rgba[1], rgba[2]]).collect();
    Ok(Picture { width: width as usize, height: height as usize, pixels: rgb })
}
