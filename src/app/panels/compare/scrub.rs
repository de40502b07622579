//! The scrubber over all cells at once.

use super::view::View;
use crate::app::{
    panels::scrubber::{self, Line},
    state::{command::Command, controls::Controls, playhead::Playhead, run_view::RunView, view_settings::Axes},
    widgets::{hint::Hint, theme},
};
use eframe::egui::{Label, RichText, Ui, Vec2};

/// Width of the words beside the line.
const WORDS: f32 = 168.0;

/// The line is no shorter than this.
const MIN_LINE: f32 = 60.0;

/// Draws the scrubber.
pub(super) fn scrub_ui(ui: &mut Ui, view: &View<'_>, draft: &Controls, playhead: &Playhead) -> Option<Command> {
    let axes = draft.view.compare.axes;
    let run = view.newest(axes).filter(|run| run.plan.is_some()).or(view.older(axes));
    let hint = match axes {
        Axes::EtaBySeed => {
            "Every cell shows the same step: x_T at the left, the finished samples at the right. Space plays, arrow keys go step by step, \
             Home and End to the ends"
        }
        Axes::StepsBySpacing => {
            "Every cell shows the step that it has reached at the same timestep t, that is with the same share of noise: each has its own S \
             and τ. x_T is at the left, the finished samples are at the right. Space plays, arrow keys go on to the next t that any cell \
             visits, Home and End to the ends"
        }
    };
    let steps = run.map_or(1, |run| run.stops.last().max(1));
    let line = Line { playhead, steps, done: run.map_or(0.0, reached), what: "all cells", hint };
    ui.horizontal(|ui| {
        let command = scrubber::play_ui(ui, &line);
        let words = if ui.available_width() > WORDS + 160.0 { WORDS } else { 0.0 };
        // Where there is less, the panel scrolls sideways.
        let width = (ui.available_width() - words - ui.spacing().item_spacing.x).max(MIN_LINE);
        let moved = ui.allocate_ui(Vec2::new(width, 28.0), |ui| scrubber::line_ui(ui, &line)).inner;
        if words > 0.0 {
            let text = run.map_or_else(String::new, |run| place_text(run, playhead.position()));
            let label = Label::new(RichText::new(text).color(theme::faint(ui))).truncate();
            ui.add_sized(Vec2::new(WORDS, 28.0), label).hint(hint);
        }
        moved.or(command)
    })
    .inner
}

/// How much of the scrubber every cell has reached, from 0 to 1.
fn reached(run: &RunView) -> f32 {
    let all_there = |place: usize| {
        let schedules = run.plan.iter().flat_map(|plan| &plan.schedules);
        schedules.zip(&run.groups).all(|(schedule, group)| {
            let done = group.latest.as_ref().map_or(0, |update| update.index + 1);
            done > 0 && done >= run.stops.taken(place, schedule)
        })
    };
    let last = run.stops.last();
    // Places follow each other, so what is there ends at one.
    let (mut from, mut to) = (0, last + 1);
    while from < to {
        let middle = (from + to) / 2;
        if all_there(middle) { from = middle + 1 } else { to = middle }
    }
    from.saturating_sub(1) as f32 / last.max(1) as f32
}

/// Where the scrubber is, in words.
fn place_text(run: &RunView, at: f64) -> String {
    let (place, last) = (run.stops.place(at), run.stops.last());
    match run.stops.timestep(place) {
        _ if place == 0 => "x_T".to_owned(),
        None if run.finished => "finished".to_owned(),
        None => "as far as it has come".to_owned(),
        Some(t) if run.stops.is_common() => format!("step {place} of {last}, t = {t}"),
        Some(t) => format!("t = {t}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::state::run_requests::Purpose;

    #[test]
    fn nothing_is_reached_before_the_first_step() {
        let run = RunView::new(1, Purpose::Compare, Controls::default());
        assert_eq!(reached(&run), 0.0);
    }
}
