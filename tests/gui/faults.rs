//! Faults: a message that says what to do, the last good state kept.

use super::{finished, run, samples, says, short, wait, window};
use eframe::egui;
use etude::{
    app::{
        Command, Controls,
        state::{command::Export, view_settings::Tab},
    },
    schedule::Spacing,
};

/// Whether a message with this text is on screen.
fn told(viewer: &etude::app::Viewer, text: &str) -> bool {
    viewer.state.messages.texts().any(|message| message.contains(text))
}

#[test]
fn a_bad_model_dropped_in_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut harness = window(short());
    wait(&mut harness, "the first run", finished);
    let before = samples(harness.state().viewer());
    for content in [None, Some("{}"), Some("not json")] {
        if let Some(content) = content {
            std::fs::write(folder.path().join("config.json"), content).expect("written");
        }
        harness.state_mut().viewer_mut().state.messages.clear_faults();
        harness.state_mut().viewer_mut().apply_command(&egui::Context::default(), Command::Open(folder.path().to_owned()), 0.0);
        let tail = folder.path().display().to_string();
        wait(&mut harness, "a message", |viewer| told(viewer, &tail));
        wait(&mut harness, "the old model", |viewer| viewer.state.controls == short() && finished(viewer));
        assert!(samples(harness.state().viewer()) == before);
        assert!(says(&harness, &tail), "the message names the folder");
    }
}

#[test]
fn a_refused_model_leaves_the_panel_and_the_locks() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut harness = window(short());
    wait(&mut harness, "the first run", finished);
    let mut controls = short();
    (controls.view.tab, controls.view.seed_locked) = (Tab::Explain, true);
    harness.state_mut().viewer_mut().change(controls.clone(), 100.0);
    harness.step();
    harness.state_mut().viewer_mut().apply_command(&egui::Context::default(), Command::Open(folder.path().to_owned()), 100.0);
    let tail = folder.path().display().to_string();
    wait(&mut harness, "a message", |viewer| told(viewer, &tail));
    wait(&mut harness, "the controls", |viewer| viewer.state.controls == controls && finished(viewer));
}

#[test]
fn a_start_with_what_is_gone_ends_at_what_works() {
    let mut gone = Controls { model: "no such model".to_owned(), seed: 9, ..short() };
    gone.view.device = "no such adapter".to_owned();
    let mut harness = window(gone.clone());
    // On any device the default model is found.
    wait(&mut harness, "a message", |viewer| told(viewer, "no such model"));
    wait(&mut harness, "a run", finished);
    let mut usual = Controls { model: Controls::default().model, ..gone };
    usual.view.device = "auto".to_owned();
    assert_eq!(harness.state().viewer().state.controls, usual);
    // A run takes a number when it is wanted and another when it begins: the batch that was refused, the picture of this batch that comes
    // first, and this batch, which waited for it. A larger number would say that something was asked for twice.
    let id = run(harness.state().viewer()).expect("a run").id;
    assert!(id <= 7, "{id}");
}

#[test]
fn a_file_without_a_recipe_is_told_apart() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut harness = window(short());
    wait(&mut harness, "the first run", finished);
    let text = folder.path().join("notes.txt");
    std::fs::write(&text, "no picture").expect("written");
    let plain = folder.path().join("plain.png");
    etude::picture::png::write_png(&plain, &etude::picture::Picture::filled(4, 4, [0; 3]), None).expect("written");
    let wrong = folder.path().join("wrong.png");
    let picture = etude::picture::Picture::filled(4, 4, [0; 3]);
    etude::picture::png::write_png(&wrong, &picture, Some("{\"program\": 1}")).expect("written");
    let missing = folder.path().join("missing.png");
    for (path, says) in [(text, "notes.txt"), (plain, "got one without"), (wrong, "wrong.png"), (missing, "missing.png")] {
        harness.state_mut().viewer_mut().apply_command(&egui::Context::default(), Command::Open(path), 0.0);
        wait(&mut harness, "a message", |viewer| told(viewer, says));
        assert_eq!(harness.state().viewer().state.controls, short());
    }
}

#[test]
fn refused_controls_go_back_to_the_last_good_ones() {
    let mut harness = window(short());
    wait(&mut harness, "the first run", finished);
    let mut elsewhere = short();
    elsewhere.view.device = "no such adapter".to_owned();
    for (controls, text) in [
        (Controls { spacing: Some(Spacing::List(vec![9, 9])), ..short() }, "9 twice"),
        (elsewhere, "no such adapter"),
        (Controls { size: Some((8192, 8192)), ..short() }, "smaller pictures"),
    ] {
        harness.state_mut().viewer_mut().change(controls, 100.0);
        harness.step();
        wait(&mut harness, "a message", |viewer| told(viewer, text));
        wait(&mut harness, "the good controls", |viewer| viewer.state.controls == short() && finished(viewer));
        assert!(harness.state().viewer().state.shown().is_some());
    }
}

#[test]
fn saving_where_nothing_can_be_written_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let gone = folder.path().join("file");
    std::fs::write(&gone, "a file, not a folder").expect("written");
    let start = etude::app::Start { controls: Some(short()), save_folder: Some(gone), ..Default::default() };
    let mut harness = super::window_in(start);
    wait(&mut harness, "the run", finished);
    harness.state_mut().viewer_mut().apply_command(&egui::Context::default(), Command::Save(Export::Picture), 0.0);
    wait(&mut harness, "a message", |viewer| told(viewer, "etude-0001.png"));
}

#[test]
fn a_lost_device_is_told_and_the_run_ends_with_the_same_picture() {
    // Long enough that the loss comes before the end.
    let mut controls = Controls { steps: 80, ..short() };
    controls.view.device = "software".to_owned();
    let mut harness = window(controls);
    wait(&mut harness, "the run on the software adapter", finished);
    assert!(says(&harness, "software GPU"), "the badge");
    let before = samples(harness.state().viewer());
    harness.state_mut().viewer_mut().apply_command(&egui::Context::default(), Command::Restart, 0.0);
    wait(&mut harness, "some steps", |viewer| run(viewer).is_some_and(|run| run.progress().0 >= 2));
    harness.state().viewer().session().lose_device();
    wait(&mut harness, "word of the loss", |viewer| told(viewer, "It was opened again"));
    wait(&mut harness, "the run", finished);
    assert!(samples(harness.state().viewer()) == before);
}
