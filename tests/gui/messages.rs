//! What the viewer tells: over the page and not in it, as long as it takes to read; and what the command line tells, it tells as well.

use super::{Under, finished, says, short, wait, window, window_in};
use eframe::egui::{self, Key, Modifiers};
use egui_kittest::{
    Harness,
    kittest::{AccessKitNode, Queryable},
};
use etude::{
    app::{
        Command, Start,
        state::{command::Export, view_settings::Tab},
    },
    session::WhatFor,
};

/// Where a text stands.
fn place_of(harness: &Harness<'_, Under>, text: &str) -> egui::Rect {
    let says = |node: &AccessKitNode<'_>| node.value().or(node.label()).is_some_and(|said| said.contains(text));
    harness.get_all_by(says).next().expect("on screen").rect()
}

#[test]
fn messages_move_nothing_and_go_by_themselves() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut harness = window(short());
    wait(&mut harness, "the run", finished);
    harness.run_steps(2);
    let places = |harness: &Harness<'_, Under>| {
        ["Finished sample", "Step 1", "Scrubber, step shown"].map(|name| harness.get_by_label(name).rect())
    };
    let before = places(&harness);
    harness.state_mut().viewer_mut().state.save_folder = folder.path().to_owned();
    for number in 1..=4 {
        let now = harness.ctx.input(|input| input.time);
        harness.state_mut().viewer_mut().apply_command(&egui::Context::default(), Command::Save(Export::Picture), now);
        let name = format!("etude-000{number}.png");
        wait(&mut harness, &name, |viewer| viewer.state.messages.texts().any(|text| text.contains(&name)));
    }
    harness.run_steps(3);
    assert!(says(&harness, "etude-0004.png") && places(&harness) == before, "the page has moved");
    // All are on screen, one above the other, the newest at the bottom.
    let at = |number: u32| place_of(&harness, &format!("etude-000{number}.png"));
    assert!((1..4).all(|number| at(number).bottom() <= at(number + 1).top()));
    // A fault stays until it is put away; news goes.
    harness.state_mut().viewer_mut().apply_command(&egui::Context::default(), Command::Open("/no/such/file.png".into()), 1e6);
    wait(&mut harness, "the fault", |viewer| viewer.state.messages.texts().any(|text| text.contains("/no/such/file.png")));
    for _ in 0..60 * 20 {
        harness.step();
    }
    let left: Vec<_> = harness.state().viewer().state.messages.texts().map(str::to_owned).collect();
    assert!(left.len() == 1 && left[0].contains("/no/such/file.png"), "{left:?}");
    harness.get_by_label("Put message away").click();
    harness.run_steps(2);
    assert!(harness.state().viewer().state.messages.texts().next().is_none());
}

#[test]
fn marked_letters_are_copied_and_nothing_else_is_said() {
    let mut harness = window(short());
    wait(&mut harness, "the run", finished);
    let copy = |harness: &mut Harness<'_, Under>| {
        harness.event(egui::Event::Copy);
        harness.step();
        let told = harness.state().viewer().state.messages.texts().any(|text| text.starts_with("Copied the command"));
        harness.state_mut().viewer_mut().state.messages = Default::default();
        told
    };
    assert!(copy(&mut harness), "without anything marked it is the command");
    // Marked with the mouse, as one marks a text.
    let label = place_of(&harness, "finished, 10 steps");
    for (x, pressed) in [(label.left() + 2.0, Some(true)), (label.center().x, None), (label.right() - 2.0, Some(false))] {
        let pos = egui::pos2(x, label.center().y);
        harness.event(egui::Event::PointerMoved(pos));
        if let Some(pressed) = pressed {
            let modifiers = Modifiers::default();
            harness.event(egui::Event::PointerButton { pos, button: egui::PointerButton::Primary, pressed, modifiers });
        }
        harness.step();
    }
    assert!(!copy(&mut harness), "the marked letters are what is copied");
    harness.key_press(Key::Escape);
    harness.step();
}

#[test]
fn a_run_that_stays_noise_says_so_beside_s() {
    let mut controls = short();
    controls.steps = 1;
    let mut harness = window(controls);
    wait(&mut harness, "the run", finished);
    harness.run_steps(2);
    assert!(says(&harness, "noise stays noise; try spacing trailing") && says(&harness, "finished, 1 step"));
}

#[test]
fn a_newcomer_is_told_what_this_is_and_nobody_twice() {
    let mut harness = window_in(Start { controls: Some(short()), introduce: true, ..Start::default() });
    wait(&mut harness, "the run", finished);
    harness.run_steps(2);
    assert!(says(&harness, "What am I looking at?") && says(&harness, "Three things to try"));
    // What it says to try, it does.
    for (name, eta, steps, tab) in [
        ("Set η to 1", 1.0, 10, Tab::Trajectory),
        ("Back to η = 0", 0.0, 10, Tab::Trajectory),
        ("Take 50 steps again", 0.0, 50, Tab::Trajectory),
        ("Take 10 steps in the place of 50", 0.0, 10, Tab::Trajectory),
        ("Compare η and noise seeds", 0.0, 10, Tab::Compare),
    ] {
        harness.get_by_label(name).click();
        harness.run_steps(2);
        let controls = &harness.state().viewer().state.controls;
        assert_eq!((controls.eta, controls.steps, controls.view.tab), (eta, steps, tab), "{name}");
    }
    harness.get_by_label("Got it").click();
    harness.run_steps(2);
    assert!(!says(&harness, "Three things to try"));
    // The list of keys has it again, and Esc puts it away.
    harness.state_mut().viewer_mut().apply_command(&egui::Context::default(), Command::Help, 9.0);
    harness.run_steps(4);
    harness.get_by_label("What am I looking at?").click();
    harness.run_steps(4);
    assert!(says(&harness, "Three things to try"));
    harness.key_press(Key::Escape);
    harness.run_steps(4);
    assert!(!says(&harness, "Three things to try"));
}

/// Where no portal answers, a path is typed.
#[test]
fn without_a_dialog_a_path_is_typed() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut harness = window(short());
    wait(&mut harness, "the run", finished);
    let type_in = |harness: &mut Harness<'_, Under>, what: WhatFor, path: &str| {
        harness.state_mut().viewer_mut().state.path_field = Some((what, String::new()));
        harness.run_steps(4);
        assert!(says(harness, "No file dialog can be shown on this desktop"));
        harness.event(egui::Event::Text(path.to_owned()));
        harness.run_steps(2);
        harness.get_by_label("Use it").click();
        harness.run_steps(2);
        assert!(harness.state().viewer().state.path_field.is_none());
    };
    type_in(&mut harness, WhatFor::SaveFolder, &folder.path().display().to_string());
    assert_eq!(harness.state().viewer().state.save_folder, folder.path());
    // What is not there is told in one line, and nothing changes.
    type_in(&mut harness, WhatFor::SaveFolder, "/no/such/folder");
    harness.run_steps(3);
    assert!(says(&harness, "/no/such/folder") && harness.state().viewer().state.save_folder == folder.path());
    for what in [WhatFor::Model, WhatFor::Recipe, WhatFor::Picture] {
        let name = format!("/no/such/{what:?}");
        type_in(&mut harness, what, &name);
        wait(&mut harness, &name, |viewer| viewer.state.messages.texts().any(|text| text.contains(&name)));
    }
    // Escape puts it away.
    harness.state_mut().viewer_mut().state.path_field = Some((WhatFor::Model, String::new()));
    harness.run_steps(4);
    harness.key_press(Key::Escape);
    harness.run_steps(2);
    harness.key_press(Key::Escape);
    harness.run_steps(2);
    assert!(harness.state().viewer().state.path_field.is_none());
}
