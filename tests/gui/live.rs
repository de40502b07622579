//! While a control is dragged the picture follows: what a user would see, frame by frame.

use super::{ETA, STEPS, Under, finished, says, short, wait, window};
use eframe::egui;
use egui_kittest::{Harness, kittest::Queryable};
use etude::{
    app::{Controls, state::run_view::RunView},
    picture::Picture,
};
use std::{sync::Arc, time::Duration};

/// What the large picture shows now: of which run, whether it is a draft, and the finished sample if that is what is shown.
fn shown(harness: &Harness<'_, Under>) -> (Controls, bool, Option<Arc<Picture>>) {
    let state = &harness.state().viewer().state;
    let shown = state.shown().expect("something is shown");
    let finished = if shown.finished { shown.after(state.image()).cloned() } else { None };
    (shown.run.controls.clone(), shown.run.is_draft(), finished)
}

fn drag(harness: &mut Harness<'_, Under>, label: &str, value: f64) {
    harness.get_by_label(label).set_value_accesskit(value);
    harness.step();
}

/// Drags through `values`, a few frames for each as a hand would; calls `seen` with every frame.
fn drag_through(
    harness: &mut Harness<'_, Under>,
    label: &str,
    values: impl Iterator<Item = f64>,
    mut seen: impl FnMut(&Harness<'_, Under>),
) {
    for value in values {
        drag(harness, label, value);
        for _ in 0..4 {
            std::thread::sleep(Duration::from_millis(8));
            harness.step();
            seen(harness);
        }
    }
}

/// Nothing is computed ahead, so that drafts are all there is.
fn without_ahead(mut controls: Controls) -> Controls {
    controls.view.ahead = false;
    controls
}

#[test]
fn drafts_follow_a_dragged_eta_and_no_frame_shows_less_than_the_one_before() {
    let mut harness = window(without_ahead(Controls { steps: 50, count: 4, ..short() }));
    wait(&mut harness, "the first run", finished);
    let mut pictures: Vec<Arc<Picture>> = Vec::new();
    let (mut etas, mut drafts, mut written) = (Vec::new(), 0, false);
    drag_through(&mut harness, ETA, (1..=60).map(|i| f64::from(i) / 60.0), |harness| {
        let (controls, draft, picture) = shown(harness);
        // The playhead stands at the end: every frame shows a finished sample. On a machine so busy that four steps take more than 0.4 s, a
        // draft shows each step as it comes; the promises test has a clock that is set.
        let slow = harness.state().viewer().state.shown().is_some_and(|shown| shown.run.step_seconds > 0.1);
        let Some(picture) = picture else {
            assert!(draft && slow, "a finished picture, never noise");
            return;
        };
        if pictures.last() != Some(&picture) {
            pictures.push(picture);
        }
        etas.push(controls.eta);
        drafts += usize::from(draft);
        written |= draft && says(harness, "draft, ") && says(harness, "of 50 steps");
    });
    assert!(etas.is_sorted(), "what is shown never goes back while the hand goes on: {etas:?}");
    assert!(drafts > 0 && written, "a quiet mark says that it is a draft");
    assert!(pictures.len() >= 5, "{} pictures while η moved", pictures.len());
    // At rest the full run comes, first of the picture looked at, then of the batch.
    wait(&mut harness, "the picture looked at, with all steps", |viewer| {
        viewer.state.shown().is_some_and(|shown| !shown.run.is_draft() && shown.run.controls.eta == 1.0)
    });
    wait(&mut harness, "the batch", |viewer| finished(viewer) && viewer.state.runs.running().is_none());
    let state = &harness.state().viewer().state;
    let (large, batch) = (state.shown().expect("shown"), state.shown_batch().expect("a batch"));
    assert_eq!((large.run.steps(), batch.run.controls.eta), (50, 1.0));
}

#[test]
fn drafts_are_whole_and_the_newest_controls_come_last() {
    let mut harness = window(without_ahead(Controls { steps: 40, count: 1, ..short() }));
    wait(&mut harness, "the first run", finished);
    let is_whole = |run: &RunView| run.groups[0].updates.iter().all(Option::is_some) && run.steps() >= 4;
    drag_through(&mut harness, ETA, (1..=20).map(|i| f64::from(i) / 20.0), |harness| {
        let state = &harness.state().viewer().state;
        let shown = state.shown().expect("something is shown");
        // On a machine so busy that four steps take more than 0.4 s, a draft shows each step as it comes.
        assert!(is_whole(shown.run) || shown.run.step_seconds > 0.1, "a run that was cut off is never shown");
    });
    wait(&mut harness, "the newest", |viewer| viewer.state.shown().is_some_and(|shown| shown.run.controls.eta == 1.0));
}

#[test]
fn drafts_follow_s_and_the_scrubber_keeps_its_place() {
    let mut harness = window(without_ahead(Controls { eta: 0.5, count: 2, ..short() }));
    wait(&mut harness, "the first run", finished);
    harness.key_press(egui::Key::Home);
    harness.step();
    for _ in 0..5 {
        harness.key_press(egui::Key::ArrowRight);
        harness.step();
    }
    assert!((harness.state().viewer().state.playhead.position() - 0.5).abs() < 1e-9);
    let mut steps = std::collections::BTreeSet::new();
    drag_through(&mut harness, STEPS, (6..=30).map(f64::from), |harness| {
        let state = &harness.state().viewer().state;
        let shown = state.shown().expect("something is shown");
        let middle = shown.position() as f64 / shown.run.steps() as f64;
        assert!(!shown.finished && (middle - 0.5).abs() <= 0.5, "half way, as before");
        steps.insert(shown.run.controls.steps);
    });
    assert!(steps.len() >= 4, "S was seen at {steps:?}");
    assert!((harness.state().viewer().state.playhead.position() - 0.5).abs() < 1e-9);
}

#[test]
fn what_is_ready_shows_at_once() {
    let mut harness = window(Controls { steps: 10, count: 2, ..short() });
    wait(&mut harness, "the first run", finished);
    let at = |eta: f64| Controls { eta, steps: 10, count: 2, ..short() };
    wait(&mut harness, "neighbours computed ahead", |viewer| {
        [0.05, 0.1, 0.15].iter().all(|eta| viewer.state.runs.is_ready(&at(*eta)))
    });
    drag(&mut harness, ETA, 0.1);
    harness.step();
    let (controls, draft, picture) = shown(&harness);
    assert_eq!((controls.eta, draft, picture.is_some()), (0.1, false, true), "two frames later, with all its steps");
    let state = &harness.state().viewer().state;
    assert!(state.runs.shown(0.3, 0).expect("a step").position() == 3, "and every step of it is there for the scrubber");
    // Switched off, nothing is computed ahead any more.
    wait(&mut harness, "the batch", |viewer| finished(viewer) && viewer.state.runs.running().is_none());
    let mut off = harness.state().viewer().state.controls.clone();
    (off.view.ahead, off.seed) = (false, 77);
    harness.state_mut().viewer_mut().change(off.clone(), 1000.0);
    wait(&mut harness, "the other seed", |viewer| finished(viewer) && viewer.state.runs.running().is_none());
    for _ in 0..40 {
        std::thread::sleep(Duration::from_millis(10));
        harness.step();
    }
    assert!(!harness.state().viewer().state.runs.is_ready(&Controls { eta: 0.15, ..off }));
}

#[test]
fn numbers_can_be_typed() {
    let mut harness = window(without_ahead(short()));
    wait(&mut harness, "the first run", finished);
    for (heading, text, read) in [("η = 0", "0,43", (0.43, 10)), ("S = 10 steps", "17", (0.43, 17))] {
        // Long after the double-click before: a third and a fourth click would be a triple one.
        for _ in 0..60 {
            harness.step();
        }
        for _ in 0..2 {
            harness.get_by_label(heading).click();
            harness.step();
        }
        harness.step();
        harness.step();
        assert!(harness.state().viewer().state.typing, "a double-click opens a field for {heading}");
        harness.event(egui::Event::Text(text.to_owned()));
        harness.step();
        harness.key_press(egui::Key::Enter);
        harness.step();
        harness.step();
        let controls = &harness.state().viewer().state.controls;
        assert_eq!((controls.eta, controls.steps), read);
    }
    assert!(says(&harness, "η = 0.43") && says(&harness, "S = 17 steps"));
    wait(&mut harness, "its run", |viewer| finished(viewer) && viewer.state.shown().is_some_and(|s| s.run.controls.steps == 17));
    assert!(says(&harness, "η = 0.43, S = 17, seed 1"), "the same digits beside the picture");
}
