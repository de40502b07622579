//! The panels in the real app, with real runs behind them.

use super::{finished, run, samples, says, short, wait, window};
use eframe::egui::{self, accesskit::Role};
use egui_kittest::kittest::Queryable;
use etude::{
    app::{
        Command, Controls, command_line,
        state::{run_requests::Purpose, run_view::RunView, view_settings::Tab},
    },
    cpu::bf16_in_hardware,
    program::Precision,
    schedule::NoiseKind,
};

#[test]
fn compare_says_that_without_noise_all_columns_are_the_same() {
    let mut controls = short();
    controls.view.compare.seeds = 3;
    let mut harness = window(controls);
    wait(&mut harness, "the first run", finished);
    harness.get_by_label("Compare").click();
    harness.step();
    harness.step();
    wait(&mut harness, "the comparison", |viewer| viewer.state.controls.view.tab == Tab::Compare && finished(viewer));
    let groups = &run(harness.state().viewer()).expect("a run").groups;
    let of = |row: usize| groups[row].latest.as_ref().expect("an update").after.clone();
    assert!(of(0).windows(2).all(|pair| pair[0] == pair[1]), "η = 0");
    assert!(of(3).windows(2).all(|pair| pair[0] != pair[1]), "η = 1");
    assert!(says(&harness, "bit for bit"));
    // Back on the trajectory nothing is computed again: the run is still there.
    let id = harness.state().viewer().state.runs.current(Purpose::Trajectory).expect("a run").id;
    harness.get_by_label("Trajectory").click();
    harness.step();
    harness.step();
    assert_eq!(run(harness.state().viewer()).expect("a run").id, id);
}

#[test]
fn interpolation_ends_are_the_seeds_own_samples_and_the_large_picture_follows() {
    let mut controls = short();
    controls.view.tab = Tab::Interpolate;
    controls.view.interpolate.columns = 3;
    controls.view.interpolate.seeds = [21, 22, 23, 24];
    controls.view.interpolate.position = [0.0, 0.0];
    let mut harness = window(controls.clone());
    let point = |viewer: &etude::app::Viewer| viewer.state.runs.current(Purpose::Focus).filter(|run| run.finished).cloned();
    wait(&mut harness, "strip and large picture", |viewer| finished(viewer) && point(viewer).is_some());
    let pictures = |run: &RunView, group: usize| run.groups[group].latest.as_ref().expect("an update").after.clone();
    let strip = pictures(run(harness.state().viewer()).expect("a run"), 0);
    let large = pictures(&point(harness.state().viewer()).expect("finished"), 0);
    assert!(large[0] == strip[0], "at t = 0 the large picture is the strip's first");
    let mut moved = controls.clone();
    moved.view.interpolate.position = [1.0, 0.0];
    harness.state_mut().viewer_mut().change(moved, 50.0);
    let there = |viewer: &etude::app::Viewer| point(viewer).is_some_and(|run| run.controls.view.interpolate.position == [1.0, 0.0]);
    wait(&mut harness, "the large picture at the other end", there);
    let large = pictures(&point(harness.state().viewer()).expect("finished"), 0);
    assert!(large[0] == strip[2]);
    for (end, seed) in [(0, 21), (2, 22)] {
        let mut own = window(Controls { seed, count: 1, ..short() });
        wait(&mut own, "the seed's own run", finished);
        assert!(samples(own.state().viewer())[0] == *strip[end], "seed {seed}");
    }
}

/// A choice beside the noise seed: another noise is another picture where η > 0, and the one before comes back with it.
#[test]
fn the_noise_is_chosen_beside_its_seed() {
    let mut harness = window(Controls { eta: 1.0, ..short() });
    wait(&mut harness, "the first run", finished);
    let of_path = samples(harness.state().viewer());
    let mut choose = |name: &str, noise: NoiseKind| {
        harness.get_by_role_and_label(Role::ComboBox, "noise").click();
        harness.run_steps(3);
        harness.get_by_label(name).click();
        harness.run_steps(3);
        assert_eq!(harness.state().viewer().state.controls.noise(), noise);
        let done = |viewer: &etude::app::Viewer| finished(viewer) && run(viewer).is_some_and(|run| run.controls.noise() == noise);
        wait(&mut harness, "the run with that noise", done);
        samples(harness.state().viewer())
    };
    let of_step = choose("step", NoiseKind::Step);
    assert!(of_path.iter().zip(&of_step).all(|(path, step)| path != step));
    assert!(choose("path", NoiseKind::Path) == of_path);
}

#[test]
fn explain_shows_the_numbers_of_the_step_and_takes_a_tau() {
    let mut harness = window(short());
    wait(&mut harness, "the first run", finished);
    harness.get_by_label("Explain").click();
    harness.step();
    harness.step();
    harness.state_mut().viewer_mut().apply_command(&egui::Context::default(), Command::Look(4), 1.0);
    harness.step();
    harness.step();
    assert!(says(&harness, "Step 5 of 10") && says(&harness, "from t = 500 to s = 400"));
    let tau = vec![0, 10, 600, 999];
    harness.state_mut().viewer_mut().apply_command(&egui::Context::default(), Command::SetTau(tau.clone()), 2.0);
    harness.step();
    wait(&mut harness, "the run along τ", finished);
    let viewer = harness.state().viewer();
    let steps: Vec<u32> = viewer.state.schedule().expect("a schedule").steps.iter().rev().map(|step| step.t).collect();
    assert_eq!(steps, tau);
}

#[test]
fn every_panel_draws_small_and_large_and_in_both_themes() {
    for (size, theme) in [([480.0, 360.0], "light"), ([640.0, 400.0], "dark"), ([1920.0, 1080.0], "light")] {
        for tab in [Tab::Trajectory, Tab::Compare, Tab::Interpolate, Tab::Explain, Tab::Rewind, Tab::Fork, Tab::Race] {
            // What is drawn is looked at, not how it came about: few steps do.
            let mut controls = Controls { steps: 4, ..short() };
            controls.view.tab = tab;
            controls.view.rewind.steps = vec![4];
            controls.view.compare.seeds = 2;
            let mut harness = window(controls);
            harness.set_size(size.into());
            let preference = if theme == "light" { egui::ThemePreference::Light } else { egui::ThemePreference::Dark };
            harness.ctx.set_theme(preference);
            // A race waits for its start.
            wait(&mut harness, "the run", |viewer| tab == Tab::Race || finished(viewer));
            // The harness itself fails where a widget has no name or a glyph is missing.
            harness.step();
            assert!(harness.state().viewer().state.messages.texts().next().is_none(), "{tab:?} at {size:?}");
        }
    }
}

#[test]
fn the_precision_that_is_chosen_changes_the_picture_and_the_copied_command() {
    let mut harness = window(Controls { count: 1, ..short() });
    wait(&mut harness, "the run in f32", finished);
    let plain = samples(harness.state().viewer());
    harness.get_by_label("Device").click();
    // It opens in a moment.
    harness.run_steps(30);
    harness.get_by_role_and_label(Role::ComboBox, "Precision").click();
    harness.run_steps(3);
    // Those of a GPU are not offered, as the device is the processor.
    assert!(harness.query_by_label("f16").is_none() && harness.query_by_label("f16-fast").is_none());
    let Some(choice) = harness.query_by_label("bf16") else {
        assert!(bf16_in_hardware().is_none());
        return;
    };
    choice.click();
    harness.run_steps(3);
    let done = |viewer: &etude::app::Viewer| {
        finished(viewer) && run(viewer).is_some_and(|run| run.controls.view.precision == Precision::Bf16)
    };
    wait(&mut harness, "the run in bf16", done);
    let rounded = samples(harness.state().viewer());
    let apart = plain[0].bytes().iter().zip(rounded[0].bytes()).map(|(a, b)| a.abs_diff(*b)).max();
    assert!(plain[0] != rounded[0] && apart < Some(16), "off by {apart:?}");
    assert!(command_line(&harness.state().viewer().state.controls).contains(" --device cpu --precision bf16 "));
}
