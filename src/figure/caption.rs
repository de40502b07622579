//! Captions of an animation: below each frame what all of them have in common, and what this one shows.

use super::{
    fonts::Letters,
    label::label,
    raster,
    scene::{Anchor, Figure, Rgb},
    theme::Colours,
};
use crate::{
    error::Result,
    math::{sheet::Sheet, typeset::Setter},
    picture::Picture,
};

/// The page of sheets and strips, a true grey, so that frames of grey pictures stay grey.
const BACKGROUND: Rgb = [34; 3];
/// The size of letters below narrow frames and below wide ones, and the width of a frame for which a line has so many of them.
const EM: [f32; 2] = [13.0, 20.0];
const LETTERS: f32 = 48.0;
/// Around the words, in pixels.
const MARGIN: f32 = 6.0;

/// For each of `places` the strip to stand below its frame, which is `width` pixels wide: `common` and the place, beside each other where
/// there is room, else below each other; both are broken after commas. All strips have one height.
///
/// # Errors
/// As [`raster::picture`].
pub fn strips(width: usize, common: &str, places: &[String]) -> Result<Vec<Picture>> {
    let colours = Colours::new(false);
    let letters = Letters::default();
    let setter = Setter::new(&letters);
    let room = width as f32 - 2.0 * MARGIN;
    let em = em(&setter, room, width as f32, [common].into_iter().chain(places.iter().map(String::as_str)));
    let set = |text: &str| lines(&setter, text, em, room);
    let common = set(common);
    let places: Vec<Vec<Sheet>> = places.iter().map(|place| set(place)).collect();
    // The same for all frames.
    let most = places.iter().map(Vec::len).max().unwrap_or(0);
    let widest = places.iter().flatten().map(|sheet| sheet.width).fold(0.0, f32::max);
    let is_one_line = most == 1 && common.last().is_some_and(|last| last.width + widest + 2.0 * em <= room);
    let line = (1.35 * em).ceil();
    let count = common.len() + if is_one_line { 0 } else { most };
    let draw = |place: &Vec<Sheet>| {
        let mut figure = Figure { background: BACKGROUND, ..Figure::default() };
        (figure.width, figure.height) = (width as f32, count as f32 * line + MARGIN);
        let baseline = |number: usize| number as f32 * line + em;
        for (number, sheet) in common.iter().enumerate() {
            figure.formula(sheet, [MARGIN, baseline(number)], colours.faint);
        }
        for (number, sheet) in place.iter().enumerate() {
            if is_one_line {
                let right = width as f32 - MARGIN;
                figure.anchored(sheet, [right, baseline(common.len() - 1)], Anchor::End, colours.ink);
            } else {
                figure.formula(sheet, [MARGIN, baseline(common.len() + number)], colours.ink);
            }
        }
        raster::picture(&figure, 1)
    };
    places.iter().map(draw).collect()
}

/// A frame with its strip below it.
pub fn below(frame: &Picture, strip: &Picture) -> Picture {
    let mut whole = Picture::filled(frame.width.max(strip.width), frame.height + strip.height, BACKGROUND);
    whole.paste(frame, 0, 0);
    whole.paste(strip, 0, frame.height);
    whole
}

/// What a frame shows of a run: the step that is next, of how many, or the sample after the last.
pub fn at_step(t: Option<u32>, index: usize, steps: usize) -> String {
    match t {
        Some(t) => format!("t = {t}, step {} of {steps}", index + 1),
        None => format!("x_0, after {}", if steps == 1 { "1 step".to_owned() } else { format!("{steps} steps") }),
    }
}

/// Where a frame of an interpolation is: between two ends, or in a grid.
pub fn at_place([u, v]: [f64; 2], is_grid: bool) -> String {
    if is_grid { format!("u = {u:.2}, v = {v:.2}") } else { format!("λ = {u:.2}") }
}

/// The size of the letters: as suits the width, and so that the longest piece has room.
fn em<'a>(setter: &Setter<'_>, room: f32, width: f32, texts: impl Iterator<Item = &'a str>) -> f32 {
    let em = (width / LETTERS).clamp(EM[0], EM[1]);
    let widest = texts.flat_map(pieces).map(|piece| setter.set(&label(&piece), em).width).fold(1.0, f32::max);
    em * (room / widest).clamp(0.25, 1.0)
}

/// What is between the commas, with them.
fn pieces(text: &str) -> impl Iterator<Item = String> {
    let count = text.split(", ").count();
    text.split(", ").enumerate().map(move |(i, piece)| if i + 1 < count { format!("{piece},") } else { piece.to_owned() })
}

/// The lines of a text.
fn lines(setter: &Setter<'_>, text: &str, em: f32, room: f32) -> Vec<Sheet> {
    let set = |text: &str| setter.set(&label(text), em);
    let mut all = Vec::new();
    let mut line = String::new();
    for piece in pieces(text).filter(|piece| !piece.is_empty()) {
        let longer = if line.is_empty() { piece.clone() } else { format!("{line} {piece}") };
        if !line.is_empty() && set(&longer).width > room {
            all.push(set(&line));
            line = piece;
        } else {
            line = longer;
        }
    }
    if !line.is_empty() {
        all.push(set(&line));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::{BACKGROUND, Picture, at_place, at_step, below, strips};

    fn places() -> Vec<String> {
        vec![at_step(Some(980), 0, 50), at_step(Some(0), 49, 50), at_step(None, 50, 50)]
    }

    /// Whether all is written within the strip, with the page around it.
    fn is_written_within(strip: &Picture) -> bool {
        let is_ink = |x: usize, y: usize| strip.pixels[y * strip.width + x] != BACKGROUND;
        let (width, height) = (strip.width, strip.height);
        let has_ink = (0..height).any(|y| (0..width).any(|x| is_ink(x, y)));
        let edges = (0..height).any(|y| is_ink(0, y) || is_ink(width - 1, y)) || (0..width).any(|x| is_ink(x, height - 1));
        has_ink && !edges
    }

    #[test]
    fn narrow_and_wide_frames_have_their_captions_below_them() {
        let common = "emoji, η = 0.5, S = 50, seed 5, noise seed 1, image 0";
        let heights = [40, 144, 416, 1280].map(|width| {
            let strips = strips(width, common, &places()).expect("drawn");
            assert!(strips.iter().all(|strip| (strip.width, strip.height) == (width, strips[0].height)), "{width}");
            assert!(strips.iter().all(is_written_within), "{width}");
            assert!(strips[0] != strips[1] && strips[1] != strips[2], "{width}");
            assert!(strips.iter().all(Picture::is_grey), "{width}");
            strips[0].height
        });
        // Words break into more lines below a narrow frame; all on one line below a wide one.
        assert!(heights[1] > 2 * heights[3] && heights[3] < 40, "{heights:?}");
    }

    #[test]
    fn the_frame_stays_as_it_is() {
        let frame = Picture::filled(144, 20, [9, 8, 7]);
        let strip = strips(144, "fashion", &["x_T".to_owned()]).expect("drawn").remove(0);
        let whole = below(&frame, &strip);
        assert_eq!((whole.width, whole.height), (144, 20 + strip.height));
        assert!(whole.pixels[..144 * 20] == frame.pixels && whole.pixels[144 * 20..] == strip.pixels);
    }

    #[test]
    fn places_have_their_words() {
        assert_eq!(places(), ["t = 980, step 1 of 50", "t = 0, step 50 of 50", "x_0, after 50 steps"]);
        assert_eq!([at_place([0.25, 0.0], false), at_place([0.5, 1.0], true)], ["λ = 0.25", "u = 0.50, v = 1.00"]);
        assert_eq!(at_step(None, 1, 1), "x_0, after 1 step");
    }
}
