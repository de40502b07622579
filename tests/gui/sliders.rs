//! From controls to pictures.

use super::{ETA, STEPS, finished, run, samples, says, short, wait, window};
use eframe::egui;
use egui_kittest::kittest::Queryable;
use etude::{app::Controls, schedule::Spacing};

#[test]
fn a_moved_slider_starts_a_run_and_its_first_step_comes_within_a_step() {
    let mut harness = window(short());
    wait(&mut harness, "the first run", finished);
    let before = samples(harness.state().viewer());
    let id = run(harness.state().viewer()).expect("a run").id;
    harness.get_by_label(ETA).set_value_accesskit(0.5);
    harness.step();
    harness.step();
    let viewer = harness.state().viewer();
    assert_eq!(viewer.state.controls.eta, 0.5);
    assert!(run(viewer).expect("a run").id > id, "it started in the frame of the change");
    // The picture of before stays until there is another.
    assert_eq!(viewer.state.shown().expect("a picture").run.controls.eta, 0.0);
    wait(&mut harness, "a first step", |viewer| run(viewer).is_some_and(|run| run.progress().0 >= 1));
    wait(&mut harness, "the run", finished);
    let after = samples(harness.state().viewer());
    assert!(before != after, "noise changes the picture");
    assert!(says(&harness, "η = 0.5, S = 10, seed 1, noise seed 1, image 0"), "the recipe of what is shown");
    // And back to the same picture, bit for bit.
    harness.get_by_label(ETA).set_value_accesskit(0.0);
    harness.step();
    harness.step();
    wait(&mut harness, "the run back", finished);
    assert!(samples(harness.state().viewer()) == before);
}

#[test]
fn buttons_set_the_papers_values() {
    let mut harness = window(short());
    wait(&mut harness, "the first run", finished);
    for (label, eta, sigma_hat) in [("0.2", 0.2, false), ("1 DDPM", 1.0, false), ("σ̂", 1.0, true), ("0 DDIM", 0.0, false)] {
        harness.get_by_label(label).click();
        harness.step();
        harness.step();
        let controls = &harness.state().viewer().state.controls;
        assert_eq!((controls.eta, controls.sigma_hat), (eta, sigma_hat), "{label}");
    }
    harness.get_by_label("20").click();
    harness.step();
    harness.step();
    assert_eq!(harness.state().viewer().state.controls.steps, 20);
    harness.get_by_label(STEPS).set_value_accesskit(7.0);
    harness.step();
    wait(&mut harness, "seven steps", |viewer| finished(viewer) && run(viewer).is_some_and(|run| run.steps() == 7));
}

#[test]
fn undo_and_redo_bring_controls_and_pictures_back() {
    let mut harness = window(short());
    wait(&mut harness, "the first run", finished);
    let before = samples(harness.state().viewer());
    harness.get_by_label("1 DDPM").click();
    harness.step();
    harness.step();
    wait(&mut harness, "the noisy run", finished);
    let noisy = samples(harness.state().viewer());
    harness.get_by_label("Undo").click();
    harness.step();
    harness.step();
    assert_eq!(harness.state().viewer().state.controls, short());
    wait(&mut harness, "the first run again", finished);
    assert!(samples(harness.state().viewer()) == before);
    harness.get_by_label("Redo").click();
    harness.step();
    harness.step();
    wait(&mut harness, "the noisy run again", finished);
    assert!(samples(harness.state().viewer()) == noisy);
}

#[test]
fn dice_throw_what_is_not_locked() {
    let mut harness = window(short());
    wait(&mut harness, "the first run", finished);
    harness.get_by_label("Lock noise seed").click();
    harness.step();
    harness.step();
    harness.get_by_label("Throw x_T seed").click();
    harness.step();
    harness.step();
    let controls = harness.state().viewer().state.controls.clone();
    assert!(controls.seed != 1 && controls.noise_seed == 1, "{} {}", controls.seed, controls.noise_seed);
    harness.key_press(egui::Key::N);
    harness.step();
    harness.step();
    let again = &harness.state().viewer().state.controls;
    assert!(again.seed != controls.seed && again.noise_seed == 1);
}

#[test]
fn a_hand_made_tau_runs_and_goes_back() {
    let mut harness = window(Controls { spacing: Some(Spacing::List(vec![0, 100, 450, 980])), ..short() });
    wait(&mut harness, "four steps", |viewer| finished(viewer) && run(viewer).is_some_and(|run| run.steps() == 4));
    assert!(says(&harness, "S = 4 steps, chosen by hand"));
    harness.get_by_label("Back to evenly spaced").click();
    harness.step();
    harness.step();
    let controls = &harness.state().viewer().state.controls;
    assert_eq!((controls.spacing.clone(), controls.steps), (None, 4));
}

#[test]
fn clicking_an_image_of_the_batch_enlarges_it_without_a_new_run() {
    let mut harness = window(short());
    wait(&mut harness, "the first run", finished);
    let id = run(harness.state().viewer()).expect("a run").id;
    harness.get_by_label("Image 1").click();
    harness.step();
    harness.step();
    let viewer = harness.state().viewer();
    assert_eq!((viewer.state.image(), run(viewer).expect("a run").id), (1, id));
    assert!(says(&harness, "image 1"));
}

#[test]
fn restarts_do_not_make_textures() {
    let mut harness = window(short());
    wait(&mut harness, "the first run", finished);
    let textures = harness.state().viewer().textures();
    for i in 0..60 {
        harness.get_by_label(ETA).set_value_accesskit(f64::from(i % 50) / 50.0 + 0.003);
        harness.step();
        harness.step();
        // At once for every second: some runs are replaced before they have anything to show.
        if i % 2 == 0 {
            wait(&mut harness, "a first step", |viewer| run(viewer).is_some_and(|run| run.progress().0 >= 1));
        }
    }
    wait(&mut harness, "the last run", finished);
    assert!(harness.state().viewer().textures() <= textures + 2, "{} grew from {textures}", harness.state().viewer().textures());
}
