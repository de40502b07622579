//! Tooltips and numbers: none covers what changes under the hand, and a number is written the same everywhere.

use super::{ETA, finished, says, short, wait, window};
use eframe::egui::{Event, Modifiers, PointerButton, TouchDeviceId, TouchId, TouchPhase, vec2};
use egui_kittest::kittest::Queryable;
use etude::app::{
    Controls,
    state::view_settings::{Axes, Tab},
};

#[test]
fn no_tooltip_stays_while_a_button_is_down() {
    let mut harness = window(short());
    wait(&mut harness, "the first run", finished);
    let at = harness.get_by_label(ETA).rect().center();
    let button =
        |at, pressed| Event::PointerButton { pos: at, button: PointerButton::Primary, pressed, modifiers: Modifiers::default() };
    harness.event(Event::PointerMoved(at));
    let what = "times fresh noise is added in each step";
    for _ in 0..90 {
        harness.step();
    }
    assert!(says(&harness, what), "a pointer that rests on the slider asks what it is");
    harness.event(button(at, true));
    for i in 0..90 {
        harness.event(Event::PointerMoved(at + vec2(i as f32 / 3.0, 0.0)));
        harness.step();
        harness.step();
        assert!(!says(&harness, what), "frame {i} after the button went down");
    }
    assert!(harness.state().viewer().state.controls.eta > 0.5);
    harness.event(button(at + vec2(30.0, 0.0), false));
    harness.event(Event::PointerMoved(at));
    for _ in 0..90 {
        harness.step();
    }
    assert!(says(&harness, what), "it comes back for a pointer that rests");
}

/// A finger cannot hover: one that stays on a button has its tooltip, and is no click.
#[test]
fn a_finger_that_stays_has_a_tooltip_and_one_that_taps_clicks() {
    let mut harness = window(short());
    wait(&mut harness, "the first run", finished);
    let at = harness.get_by_label("Compare").rect().center();
    let finger = |phase, pressed| {
        let touch = Event::Touch { device_id: TouchDeviceId(0), id: TouchId(1), phase, pos: at, force: None };
        let button = Event::PointerButton { pos: at, button: PointerButton::Primary, pressed, modifiers: Modifiers::default() };
        // As eframe hands them on.
        if pressed { vec![Event::PointerMoved(at), button, touch] } else { vec![button, Event::PointerGone, touch] }
    };
    let what = "A grid of runs from one x_T";
    finger(TouchPhase::Start, true).into_iter().for_each(|event| harness.event(event));
    for _ in 0..70 {
        harness.step();
    }
    assert!(says(&harness, what), "after a second");
    finger(TouchPhase::End, false).into_iter().for_each(|event| harness.event(event));
    for _ in 0..60 {
        harness.step();
    }
    assert!(says(&harness, what), "it can still be read when the finger is lifted");
    assert_eq!(harness.state().viewer().state.controls.view.tab, Tab::Trajectory);
    for _ in 0..90 {
        harness.step();
    }
    assert!(!says(&harness, what));
    for (phase, pressed) in [(TouchPhase::Start, true), (TouchPhase::End, false)] {
        finger(phase, pressed).into_iter().for_each(|event| harness.event(event));
        harness.step();
    }
    harness.run_steps(2);
    assert_eq!(harness.state().viewer().state.controls.view.tab, Tab::Compare);
}

#[test]
fn eta_is_written_with_the_digits_it_has_in_every_panel() {
    let with = |eta: f64, tab: Tab, axes: Axes| {
        let mut controls = Controls { eta, ..short() };
        (controls.view.tab, controls.view.compare.axes, controls.view.interpolate.eta) = (tab, axes, eta);
        (controls.view.compare.etas, controls.view.compare.seeds) = (vec![eta], 2);
        controls.view.interpolate.columns = 3;
        controls
    };
    for (eta, text) in [(0.0, "0"), (0.43, "0.43"), (1.0, "1")] {
        for tab in [Tab::Trajectory, Tab::Compare, Tab::Interpolate, Tab::Explain] {
            let mut harness = window(with(eta, tab, Axes::EtaBySeed));
            wait(&mut harness, "the run", finished);
            if tab == Tab::Compare {
                assert_eq!(harness.get_by_label("η of row 1").value().as_deref(), Some(text));
            }
            for presenting in [false, true] {
                harness.state_mut().viewer_mut().state.presenting = presenting;
                harness.step();
                assert!(says(&harness, text), "{tab:?}");
                for wrong in ["0.0", "1.0"] {
                    assert!(!says(&harness, &format!("η = {wrong}")), "{tab:?}, presenting: {presenting}");
                }
            }
        }
    }
}
