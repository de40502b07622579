//! Saving a race: both pictures side by side with their labels in the pixels, at its end, at moments of it, or as they grew.

use super::export_content::{COLUMNS, Content, Frame, MAX_FRAMES, enlarged, missing};
use crate::{
    app::{
        panels::race::captions,
        state::{State, command::Export, growth::Growth, run_requests::Purpose, run_view::RunView},
        widgets::{
            lettering::{Beside, Lettering},
            tile,
        },
    },
    error::Result,
    picture::{Picture, animation::FRAME_MS, sheet},
};
use std::sync::Arc;

/// Around the pictures, in pixels, and the size of the letters below them.
const GAP: usize = 12;
const LETTERS: f32 = 17.0;
/// The fewest moments of an animation.
const MIN_FRAMES: usize = 24;
const BACKGROUND: [u8; 3] = [34; 3];
const INK: [u8; 3] = [230; 3];
const FAINT: [u8; 3] = [150; 3];

/// Both pictures at a moment, what stands below each, and what below both.
struct Moment {
    sides: [(Option<Arc<Picture>>, String); 2],
    below: [String; 2],
}

/// What is saved of the race, with its run.
///
/// # Errors
/// Nobody has started it.
pub(super) fn race(state: &State, export: Export) -> Result<(&RunView, Content)> {
    let run = state.runs.current(Purpose::Race).filter(|run| run.growth.first(0).is_some()).ok_or_else(missing)?;
    let (growth, noisy) = (&run.growth, state.controls.view.race.noisy);
    let moment = |at: f64| moment(run, growth, at, noisy);
    let end = growth.total();
    let content = match export {
        Export::Picture | Export::Sheet => {
            let moment = moment(end);
            Content::Still(Box::new(move || side_by_side(&mut Lettering::new(LETTERS), &moment)))
        }
        Export::Strip => {
            let all: Vec<Moment> = times(end, COLUMNS).into_iter().map(moment).collect();
            Content::Still(Box::new(move || strip(&all)))
        }
        // As long as the race was, where it was not too long.
        Export::Gif | Export::Apng => {
            let frames = ((end * 1000.0 / f64::from(FRAME_MS)).round() as usize).clamp(MIN_FRAMES, MAX_FRAMES);
            let all: Vec<Moment> = times(end, frames).into_iter().map(moment).collect();
            Content::Moving(Box::new(move || {
                let mut lettering = Lettering::new(LETTERS);
                let mut frame = |moment| Frame { picture: side_by_side(&mut lettering, moment), place: String::new() };
                all.iter().map(&mut frame).collect()
            }))
        }
    };
    Ok((run, content))
}

/// So many times from the beginning to `end`, evenly spaced.
fn times(end: f64, count: usize) -> Vec<f64> {
    (0..count).map(|i| end * i as f64 / (count.max(2) - 1) as f64).collect()
}

fn moment(run: &RunView, growth: &Growth, at: f64, noisy: bool) -> Moment {
    let [a, b] = captions(run, growth, at);
    let picture = |side: usize| match growth.at(side, at) {
        Some(moment) => tile::of_update(&moment.update, 0, noisy).map(|picture| Arc::new(picture.clone())),
        // x_T, which both begin with.
        None => growth.first(side).and_then(|first| first.update.records.first()).map(|record| record.x_t.clone()),
    };
    let of = &run.controls;
    let what = if noisy { "x_t" } else { "x̂0" };
    let below = [format!("{}, image {}", of.latent_text(), of.image_number()), format!("{what}, by equal time")];
    Moment { sides: [(picture(0), a), (picture(1), b)], below }
}

fn side_by_side(lettering: &mut Lettering, moment: &Moment) -> Picture {
    let pictures: Vec<Option<Picture>> = moment.sides.iter().map(|(picture, _)| picture.as_ref().map(|p| enlarged(p))).collect();
    let size = |of: fn(&Picture) -> usize| pictures.iter().flatten().map(of).max().unwrap_or(1);
    let texts = moment.sides.each_ref().map(|(_, text)| text.as_str());
    let widest = texts.iter().map(|text| lettering.width(text)).max().unwrap_or(0);
    // A label that changes by a digit must not change the width of a frame.
    let (width, height) = (size(|p| p.width).max(widest.next_multiple_of(64)), size(|p| p.height));
    let line = lettering.height() + GAP;
    let mut all = Picture::filled(2 * width + 3 * GAP, height + GAP + 2 * line, BACKGROUND);
    for (side, (picture, text)) in pictures.iter().zip(texts).enumerate() {
        let left = GAP + side * (width + GAP);
        if let Some(picture) = picture {
            all.paste(picture, left + (width - picture.width) / 2, GAP);
        }
        lettering.write(&mut all, text, [left + width / 2, GAP + height + line / 2], Beside::Middle, INK);
    }
    let (bottom, right) = (GAP + height + line + line / 2, all.width - GAP);
    lettering.write(&mut all, &moment.below[0], [GAP, bottom], Beside::Right, FAINT);
    lettering.write(&mut all, &moment.below[1], [right, bottom], Beside::Left, FAINT);
    all
}

/// A above B, at evenly spaced times.
fn strip(all: &[Moment]) -> Picture {
    let row = |side: usize| all.iter().filter_map(move |moment| moment.sides[side].0.as_deref().cloned());
    let pictures: Vec<Picture> = row(0).chain(row(1)).collect();
    let sheet = sheet::contact_sheet(&pictures, Some(all.len()), None);
    let Some(last) = all.last() else { return sheet };
    let mut lettering = Lettering::new(LETTERS);
    let line = lettering.height() + GAP / 2;
    let mut labelled = Picture::filled(sheet.width, sheet.height + 2 * line, BACKGROUND);
    labelled.paste(&sheet, 0, 0);
    for (side, (_, text)) in last.sides.iter().enumerate() {
        let above = if side == 0 { "above: " } else { "below: " };
        let middle = sheet.height + side * line + line / 2;
        lettering.write(&mut labelled, &format!("{above}{text}"), [GAP, middle], Beside::Right, INK);
    }
    labelled
}
