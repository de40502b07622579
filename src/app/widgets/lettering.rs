//! Text in the pixels of a picture that is saved, in the font of the window.

use super::fonts::definitions;
use crate::picture::Picture;
use eframe::egui::{
    Color32, FontId,
    epaint::text::{Fonts, TextOptions},
};

/// Where a text stands beside the point that it is drawn at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beside {
    /// The point is the middle of its left edge.
    Right,
    /// The point is its middle.
    Middle,
    /// The point is the middle of its right edge.
    Left,
}

/// Writes into pictures.
pub(crate) struct Lettering {
    fonts: Fonts,
    size: f32,
}

impl Lettering {
    /// Letters of `size` pixels. Reading the fonts takes some milliseconds.
    pub(crate) fn new(size: f32) -> Self {
        let options = TextOptions { subpixel_binning: false, ..TextOptions::default() };
        Self { fonts: Fonts::new(options, definitions()), size }
    }

    /// Pixels that a text takes, in width.
    pub(crate) fn width(&mut self, text: &str) -> usize {
        let font = FontId::proportional(self.size);
        self.fonts.with_pixels_per_point(1.0).layout_no_wrap(text.to_owned(), font, Color32::WHITE).size().x.ceil() as usize
    }

    /// Pixels that a line takes, in height.
    pub(crate) fn height(&mut self) -> usize {
        let font = FontId::proportional(self.size);
        self.fonts.with_pixels_per_point(1.0).row_height(&font).ceil() as usize
    }

    /// Writes `text` in `colour` over what is there; what does not fit on the picture is cut off.
    pub(crate) fn write(&mut self, picture: &mut Picture, text: &str, [x, y]: [usize; 2], beside: Beside, colour: [u8; 3]) {
        let font = FontId::proportional(self.size);
        let galley = self.fonts.with_pixels_per_point(1.0).layout_no_wrap(text.to_owned(), font, Color32::WHITE);
        // After the layout, which draws the glyphs that are new into it.
        let atlas = self.fonts.image();
        let size = galley.size();
        let left = match beside {
            Beside::Right => 0.0,
            Beside::Middle => size.x / 2.0,
            Beside::Left => size.x,
        };
        let (left, top) = ((x as f32 - left).round(), (y as f32 - size.y / 2.0).round());
        for row in &galley.rows {
            for glyph in row.row.glyphs.iter().filter(|glyph| !glyph.uv_rect.is_nothing()) {
                let from = glyph.uv_rect;
                let corner = row.pos.to_vec2() + glyph.pos.to_vec2() + from.offset;
                let corner = [(left + corner.x).round() as i64, (top + corner.y).round() as i64];
                for v in from.min[1]..from.max[1] {
                    for u in from.min[0]..from.max[0] {
                        let at = [corner[0] + i64::from(u - from.min[0]), corner[1] + i64::from(v - from.min[1])];
                        blend(picture, at, colour, atlas[(usize::from(u), usize::from(v))].a());
                    }
                }
            }
        }
    }
}

/// Lays `colour` over a pixel, as opaque as `alpha` says.
fn blend(picture: &mut Picture, [x, y]: [i64; 2], colour: [u8; 3], alpha: u8) {
    let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else { return };
    if x >= picture.width || y >= picture.height {
        return;
    }
    let pixel = &mut picture.pixels[y * picture.width + x];
    let mixed = |under: u8, over: u8| {
        let (under, over, alpha) = (u32::from(under), u32::from(over), u32::from(alpha));
        ((under * (255 - alpha) + over * alpha + 127) / 255) as u8
    };
    *pixel = [0, 1, 2].map(|channel| mixed(pixel[channel], colour[channel]));
}

#[cfg(test)]
mod tests {
    use super::{Beside, Lettering, Picture};

    const BACK: [u8; 3] = [34; 3];
    const INK: [u8; 3] = [230; 3];

    /// The box of what was written.
    fn inked(picture: &Picture) -> Option<[usize; 4]> {
        let all = (0..picture.pixels.len()).filter(|i| picture.pixels[*i] != BACK).map(|i| [i % picture.width, i / picture.width]);
        all.fold(None, |found: Option<[usize; 4]>, [x, y]| {
            let [left, top, right, bottom] = found.unwrap_or([x, y, x, y]);
            Some([left.min(x), top.min(y), right.max(x), bottom.max(y)])
        })
    }

    fn written(text: &str, at: [usize; 2], beside: Beside) -> Picture {
        let mut picture = Picture::filled(200, 60, BACK);
        Lettering::new(20.0).write(&mut picture, text, at, beside, INK);
        picture
    }

    #[test]
    fn text_stands_where_it_should_and_has_every_sign_that_labels_have() {
        let mut lettering = Lettering::new(20.0);
        for text in ["η = 0.2", "σ̂ larger", "noise seed 10", "S = 50", "τ quadratic", "x_T", "t = 740"] {
            let width = lettering.width(text);
            for (at, beside, left) in [
                ([20, 30], Beside::Right, 20),
                ([100, 30], Beside::Middle, 100 - width / 2),
                ([180, 30], Beside::Left, 180 - width),
            ] {
                let [from, top, to, bottom] = inked(&written(text, at, beside)).expect("something is written");
                assert!(from + 3 >= left && to <= left + width + 3, "{text}: {from} to {to}, expected {left} and {width} more");
                assert!(top >= 30 - lettering.height() && bottom <= 30 + lettering.height(), "{text}: {top} to {bottom}");
            }
        }
        // The hat is above the letter, and no box stands for it.
        let (hat, letter) = (written("σ̂", [20, 30], Beside::Right), written("σ", [20, 30], Beside::Right));
        let (hat, letter) = (inked(&hat).expect("ink"), inked(&letter).expect("ink"));
        assert!(hat[1] < letter[1] && hat[2] <= letter[2] + 3, "{hat:?} {letter:?}");
    }

    #[test]
    fn different_texts_differ_and_greys_stay_grey() {
        let picture = written("η = 0.2", [20, 30], Beside::Right);
        assert_ne!(picture, written("η = 0.5", [20, 30], Beside::Right));
        assert!(picture.is_grey());
    }

    #[test]
    fn what_does_not_fit_is_cut_off() {
        for at in [[0, 0], [199, 59], [0, 59]] {
            for beside in [Beside::Right, Beside::Middle, Beside::Left] {
                written("noise seed 10", at, beside);
            }
        }
        Lettering::new(20.0).write(&mut Picture::filled(0, 0, BACK), "x", [0, 0], Beside::Right, INK);
    }
}
