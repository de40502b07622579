//! Saving the Explain panel as an animation: of each step what it saw, x_t and x̂0, and the terms of Eq. 12 with their sum, in a row.

use super::export_content::{Content, Frame, MAX_FRAMES, missing};
use crate::{
    app::{
        panels::film_strip,
        state::{
            State,
            run_view::{RunView, Shown},
        },
    },
    error::Result,
    picture::{Picture, sheet},
    session::StepRecord,
};
use std::sync::Arc;

/// What a term that is 0 looks like, as on screen.
const ZERO: [u8; 3] = [128; 3];

/// One step's pictures, in the order of the panel.
struct Row {
    record: StepRecord,
    next: Arc<Picture>,
    /// Which step it is.
    place: String,
}

/// The terms over the steps.
///
/// # Errors
/// There is no step yet.
pub(super) fn terms(state: &State) -> Result<(&RunView, Content)> {
    let run = state.shown().ok_or_else(missing)?.run;
    let last = run.steps().saturating_sub(1);
    let steps = run.plan.as_ref().and_then(|plan| plan.schedules.first()).map_or(&[][..], |schedule| &schedule.steps);
    let row = |shown: &Shown<'_>| {
        let index = shown.update.index;
        let place = match (steps.get(index), steps.get(index + 1)) {
            (Some(step), Some(next)) => format!("step {} of {}, t = {} to {}", index + 1, run.steps(), step.t, next.t),
            (Some(step), None) => format!("step {} of {}, t = {} to x_0", index + 1, run.steps(), step.t),
            _ => String::new(),
        };
        Some(Row { record: shown.record(state.image())?.clone(), next: shown.after(state.image())?.clone(), place })
    };
    let positions = film_strip::positions_up_to(last, MAX_FRAMES);
    let rows: Vec<Row> = positions.into_iter().filter_map(|at| row(&run.at_position(at)?)).collect();
    if rows.is_empty() {
        return Err(missing());
    }
    // All frames have the same places. A long run leaves the terms out; then there is what they lead to.
    let has_terms = rows.iter().all(|row| row.record.terms.is_some());
    let has_x = |row: &Row| row.record.terms.as_ref().is_some_and(|terms| terms.x.is_some());
    let places = Places { terms: has_terms, x: rows.iter().any(has_x), direction: !rows.iter().all(has_x) };
    Ok((run, Content::Moving(Box::new(move || rows.iter().map(|row| row.frame(places)).collect()))))
}

/// Which terms have a place: that of x_t is in σ̂'s rule alone, the direction in Eq. 12 alone; a run with forks may have both.
#[derive(Clone, Copy)]
struct Places {
    terms: bool,
    x: bool,
    direction: bool,
}

impl Row {
    fn frame(&self, places: Places) -> Frame {
        let Self { record, next, place } = self;
        let zero = Picture::filled(next.width, next.height, ZERO);
        let or_zero = |picture: &Option<Picture>| picture.clone().unwrap_or_else(|| zero.clone());
        let mut pictures = vec![(*record.x_t).clone(), (*record.x0).clone()];
        if let Some(terms) = record.terms.as_ref().filter(|_| places.terms) {
            if places.x {
                pictures.push(or_zero(&terms.x));
            }
            pictures.push(terms.x0.clone());
            if places.direction {
                pictures.push(or_zero(&terms.direction));
            }
            pictures.push(or_zero(&terms.noise));
        }
        pictures.push((**next).clone());
        Frame { picture: sheet::contact_sheet(&pictures, Some(pictures.len()), None), place: place.clone() }
    }
}
