//! The keyboard.

use super::{finished, run, says, short, wait, window};
use eframe::egui::{Key, Modifiers, accesskit::Role};
use egui_kittest::kittest::{NodeT, Queryable};
use etude::app::{
    Controls,
    state::{run_requests::Purpose, view_settings::Tab},
};

#[test]
fn arrows_walk_through_the_steps_and_space_plays() {
    let mut harness = window(short());
    wait(&mut harness, "the first run", finished);
    let position =
        |harness: &egui_kittest::Harness<'_, super::Under>| harness.state().viewer().state.shown().expect("shown").position();
    assert_eq!(position(&harness), 10);
    for (key, expected) in [(Key::ArrowLeft, 9), (Key::ArrowLeft, 8), (Key::ArrowRight, 9), (Key::Home, 0), (Key::ArrowLeft, 0)] {
        harness.key_press(key);
        harness.step();
        harness.step();
        assert_eq!(position(&harness), expected, "{key:?}");
    }
    assert!(says(&harness, "step 1 of 10"));
    harness.key_press(Key::Space);
    harness.step();
    harness.step();
    assert!(harness.state().viewer().state.playhead.playing);
    wait(&mut harness, "the playhead to move", |viewer| viewer.state.playhead.at > 0.3);
    harness.key_press(Key::End);
    harness.step();
    harness.step();
    assert_eq!(position(&harness), 10);
    assert!(!harness.state().viewer().state.playhead.playing);
}

#[test]
fn escape_cancels_at_once_and_run_again_goes_on() {
    let mut harness = window(Controls { steps: 1000, count: 8, ..short() });
    wait(&mut harness, "some steps", |viewer| run(viewer).is_some_and(|run| run.progress().0 > 2));
    harness.key_press(Key::Escape);
    harness.step();
    let taken = run(harness.state().viewer()).expect("a run").progress().0;
    assert!(run(harness.state().viewer()).expect("a run").cancelled, "in the frame of the key");
    harness.step();
    assert!(says(&harness, "cancelled at step"));
    let cancelled = run(harness.state().viewer()).expect("a run").id;
    let shown = harness.state().viewer().state.shown().expect("what is there stays");
    // The image looked at was made before the batch: its finished picture stays.
    assert!(shown.finished && shown.run.id != cancelled && shown.run.controls == harness.state().viewer().state.controls);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::R);
    harness.step();
    wait(&mut harness, "steps again", |viewer| run(viewer).is_some_and(|run| run.id > cancelled && run.progress().0 > 1));
    // By now what was in flight when the run was cancelled has long come.
    let old = harness.state().viewer().state.runs.previous(Purpose::Trajectory).expect("the cancelled run");
    assert_eq!((old.id, old.progress().0), (cancelled, taken), "no update came any more");
}

#[test]
fn escape_leaves_a_number_field_before_it_cancels() {
    let mut harness = window(Controls { steps: 1000, count: 8, ..short() });
    wait(&mut harness, "some steps", |viewer| run(viewer).is_some_and(|run| run.progress().0 > 2));
    harness.get_by_role_and_label(Role::SpinButton, "x_T seed").click();
    harness.step();
    harness.step();
    harness.step();
    assert!(harness.state().viewer().state.typing);
    for cancelled in [false, true] {
        harness.key_press(Key::Escape);
        harness.step();
        harness.step();
        assert_eq!(run(harness.state().viewer()).expect("a run").cancelled, cancelled);
    }
}

#[test]
fn keys_set_eta_tabs_and_presentation() {
    let mut harness = window(short());
    wait(&mut harness, "the first run", finished);
    for (key, eta) in [(Key::Num5, 0.5), (Key::D, 1.0), (Key::Num0, 0.0)] {
        harness.key_press(key);
        harness.step();
        harness.step();
        assert_eq!(harness.state().viewer().state.controls.eta, eta);
    }
    // The interpolation has an η of its own.
    for key in [Key::F3, Key::Num4] {
        harness.key_press(key);
        harness.step();
        harness.step();
    }
    let controls = &harness.state().viewer().state.controls;
    assert_eq!((controls.eta, controls.view.interpolate.eta), (0.0, 0.4));
    for (key, tab) in [(Key::F2, Tab::Compare), (Key::F3, Tab::Interpolate), (Key::F4, Tab::Explain), (Key::F1, Tab::Trajectory)] {
        harness.key_press(key);
        harness.step();
        harness.step();
        assert_eq!(harness.state().viewer().state.controls.view.tab, tab);
    }
    wait(&mut harness, "the trajectory again", finished);
    harness.key_press(Key::F11);
    harness.step();
    harness.step();
    assert!(harness.state().viewer().state.presenting);
    assert!(!says(&harness, "Model"), "the controls are hidden");
    assert!(says(&harness, super::ETA) && says(&harness, super::STEPS), "but η and S");
    harness.key_press(Key::Escape);
    harness.step();
    harness.step();
    assert!(!harness.state().viewer().state.presenting);
}

/// What has the focus is a button: everything but Space and Enter, which press it, still does what the list of keys says.
#[test]
fn after_tab_the_keys_still_work() {
    let mut harness = window(short());
    wait(&mut harness, "the first run", finished);
    let press = |harness: &mut egui_kittest::Harness<'_, super::Under>, key| {
        harness.key_press(key);
        harness.run_steps(3);
    };
    harness.get_by_label("Compare").focus();
    harness.run_steps(3);
    let position =
        |harness: &egui_kittest::Harness<'_, super::Under>| harness.state().viewer().state.shown().expect("shown").position();
    for (key, expected) in [(Key::ArrowLeft, 9), (Key::Home, 0), (Key::ArrowRight, 1), (Key::End, 10)] {
        press(&mut harness, key);
        assert_eq!(position(&harness), expected, "{key:?}");
    }
    assert!(harness.get_by_label("Compare").accesskit_node().is_focused(), "the focus stays");
    for (key, eta) in [(Key::Num3, 0.3), (Key::D, 1.0), (Key::Num0, 0.0)] {
        press(&mut harness, key);
        assert_eq!(harness.state().viewer().state.controls.eta, eta);
    }
    let seed = harness.state().viewer().state.controls.seed;
    press(&mut harness, Key::N);
    assert_ne!(harness.state().viewer().state.controls.seed, seed);
    // A slider keeps its arrows, and Space plays.
    wait(&mut harness, "the run", finished);
    harness.get_by_label(super::ETA).focus();
    harness.run_steps(3);
    press(&mut harness, Key::ArrowRight);
    assert!(harness.state().viewer().state.controls.eta > 0.0 && position(&harness) == 10);
    press(&mut harness, Key::Space);
    assert!(harness.state().viewer().state.playhead.playing);
    press(&mut harness, Key::Space);
    // Space presses the button that has the focus.
    harness.get_by_label("Compare").focus();
    harness.run_steps(3);
    press(&mut harness, Key::Space);
    assert_eq!(harness.state().viewer().state.controls.view.tab, Tab::Compare);
}

/// Tab alone comes to everything that can be pressed, moved or typed into, in every panel.
#[test]
fn tab_reaches_everything() {
    let kinds = [Role::Button, Role::Slider, Role::CheckBox, Role::ComboBox, Role::SpinButton, Role::TextInput, Role::RadioButton];
    for tab in [Tab::Trajectory, Tab::Compare, Tab::Interpolate, Tab::Explain, Tab::Rewind, Tab::Fork, Tab::Race] {
        let mut controls = short();
        (controls.view.tab, controls.eta, controls.steps) = (tab, 1.0, 5);
        let mut harness = window(controls);
        wait(&mut harness, "the run", |viewer| tab == Tab::Race || finished(viewer));
        harness.run_steps(3);
        let mut missing: Vec<String> = Vec::new();
        for kind in kinds {
            for node in harness.query_all_by_role(kind) {
                let node = node.accesskit_node();
                let name = node.label().or(node.value()).unwrap_or_default();
                if !node.is_disabled() {
                    missing.push(name);
                }
            }
        }
        assert!(missing.len() > 15, "{tab:?}: {missing:?}");
        let mut last = None;
        for _ in 0..6 * missing.len() {
            harness.key_press(Key::Tab);
            harness.step();
            let focused = harness.query_by(|node| node.is_focused()).map(|node| {
                let node = node.accesskit_node();
                (node.id(), node.label().or(node.value()).unwrap_or_default())
            });
            let Some((id, name)) = focused else { continue };
            if last != Some(id) {
                last = Some(id);
                if let Some(place) = missing.iter().position(|other| *other == name) {
                    missing.remove(place);
                }
            }
            if missing.is_empty() {
                break;
            }
        }
        assert!(missing.is_empty(), "{tab:?}: the keyboard does not come to {missing:?}");
    }
}
