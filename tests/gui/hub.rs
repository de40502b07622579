//! Models from the Hub in the viewer: the list, the field, the bar, Esc, and what goes on meanwhile.

use super::{Under, finished, run, says, short, wait, window_in};
use crate::hub_server::{COMMIT, FakeHub, Fault};
use eframe::egui;
use egui_kittest::{Harness, kittest::Queryable};
use etude::{
    app::{Command, Controls, Start, Viewer},
    hub::Settings,
    session::Instruments,
};
use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

const NAME: &str = "someone/a-model";

struct Place {
    hub: FakeHub,
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let hub = FakeHub::new();
        let fixture = |name: &str| {
            fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/trajectories/model").join(name)).expect("a fixture")
        };
        let (config, weights) = (fixture("config.json"), fixture("diffusion_pytorch_model.safetensors"));
        let files: [(&str, &[u8]); 3] =
            [("config.json", &config), ("diffusion_pytorch_model.safetensors", &weights), ("scheduler_config.json", b"{}")];
        hub.add(NAME, &files);
        hub.add("google/ddpm-cifar10-32", &files);
        Self { hub, folder: tempfile::tempdir().expect("a folder") }
    }

    fn window(&self) -> Harness<'static, Under> {
        let hub = Settings {
            cache: self.folder.path().to_owned(),
            endpoint: self.hub.endpoint.clone(),
            token: None,
            offline: false,
            links: true,
            silence: Duration::from_secs(20),
            pause: Duration::from_millis(5),
        };
        let instruments = Instruments { hub, ..Instruments::default() };
        let mut harness = window_in(Start { controls: Some(short()), instruments, ..Start::default() });
        wait(&mut harness, "the run", finished);
        harness
    }
}

/// Opens the window from the list of models.
fn open_list(harness: &mut Harness<'_, Under>) {
    harness.get_by_label("Model").click();
    harness.step();
    harness.step();
    harness.get_by_label("From the Hub …").click();
    wait(harness, "the list", |viewer| viewer.state.models.open);
    // Until it has found its place in the middle.
    harness.step();
    harness.step();
    harness.step();
}

fn type_name(harness: &mut Harness<'_, Under>, name: &str) {
    harness.get_by_label("Another").focus();
    harness.step();
    harness.get_by_label("Another").type_text(name);
    harness.step();
    harness.step();
}

fn uses(viewer: &Viewer, name: &str) -> bool {
    viewer.state.controls.model == format!("{name}@{COMMIT}") && viewer.state.model.as_ref().is_some_and(|model| model.name == name)
}

#[test]
fn a_model_of_the_list_is_fetched_while_the_run_goes_on() {
    let place = Place::new();
    let switch = Arc::new(AtomicBool::new(false));
    place.hub.fault("storage GET", Fault::Held(60_000, switch.clone()));
    let mut harness = place.window();
    open_list(&mut harness);
    assert!(says(&harness, "google/ddpm-ema-church-256") && says(&harness, "455 MB") && says(&harness, "apache-2.0"));
    harness.get_by_label("Fetch google/ddpm-cifar10-32").click();
    wait(&mut harness, "the bar", |viewer| viewer.state.download.is_some());
    harness.get_by_label("Download");
    wait(&mut harness, "bytes", |viewer| {
        viewer.state.download.as_ref().is_some_and(|download| download.watch.progress().left.is_some())
    });
    assert!(says(&harness, "kB/s") && says(&harness, " left"), "bytes, rate and time");
    // Meanwhile another seed of the model before.
    harness.get_by_label("Throw x_T seed").click();
    harness.step();
    wait(&mut harness, "another run", |viewer| viewer.state.controls.seed != short().seed && finished(viewer));
    assert!(harness.state().viewer().state.download.is_some());
    switch.store(true, Ordering::SeqCst);
    wait(&mut harness, "the model", |viewer| uses(viewer, "google/ddpm-cifar10-32") && finished(viewer));
    let viewer = harness.state().viewer();
    assert!(viewer.state.download.is_none() && says(&harness, "is here now"));
    let recipe = viewer.state.controls.recipe("00000000", (8, 8)).expect("a recipe");
    assert_eq!(recipe.model, format!("google/ddpm-cifar10-32@{COMMIT}"));
    // And now it is here.
    place.hub.seen();
    open_list(&mut harness);
    wait(&mut harness, "the cache's", |viewer| !viewer.state.models.cached.is_empty());
    harness.get_by_label("In use google/ddpm-cifar10-32");
    harness.key_press(egui::Key::Escape);
    harness.step();
    harness.step();
    assert!(!harness.state().viewer().state.models.open);
    assert!(place.hub.seen().is_empty());
}

#[test]
fn any_other_is_typed_and_esc_stops_it() {
    let place = Place::new();
    place.hub.fault("storage GET", Fault::Slow(3_000));
    let mut harness = place.window();
    open_list(&mut harness);
    type_name(&mut harness, "no name");
    assert!(says(&harness, "Expected owner/name"));
    harness.state_mut().viewer_mut().state.models.typed.clear();
    type_name(&mut harness, NAME);
    harness.get_by_label("Open this model").click();
    wait(&mut harness, "bytes", |viewer| {
        viewer.state.download.as_ref().is_some_and(|download| download.watch.progress().done > 10_000)
    });
    harness.key_press(egui::Key::Escape);
    harness.step();
    harness.step();
    let viewer = harness.state().viewer();
    assert!(viewer.state.download.is_none() && says(&harness, "goes on from there"));
    assert_eq!(viewer.state.controls, short());
    // The next one goes on, and the button stops as well as the key.
    place.hub.fault("storage GET", Fault::Slow(3_000));
    let ctx = harness.ctx.clone();
    let name = etude::hub::HubName::parse(NAME).expect("a name");
    harness.state_mut().viewer_mut().apply_command(&ctx, Command::UseModel(name.clone(), None), 1.0);
    wait(&mut harness, "more bytes", |viewer| {
        viewer.state.download.as_ref().is_some_and(|download| download.watch.progress().done > 30_000)
    });
    harness.get_by_label("Cancel the download").click();
    wait(&mut harness, "its end", |viewer| viewer.state.download.is_none());
    harness.state_mut().viewer_mut().apply_command(&ctx, Command::UseModel(name, None), 2.0);
    wait(&mut harness, "the model", |viewer| uses(viewer, NAME) && finished(viewer));
    let ranges: Vec<_> =
        place.hub.seen().into_iter().filter(|seen| seen.storage).map(|seen| seen.headers.contains_key("range")).collect();
    assert_eq!(ranges, [false, true, true]);
}

#[test]
fn what_cannot_be_had_is_a_message_and_changes_nothing() {
    let place = Place::new();
    place.hub.gate(NAME, "hf_x");
    let mut harness = place.window();
    let ctx = harness.ctx.clone();
    for (name, word) in [(NAME, "gated"), ("someone/nothing", "does not exist, or is private")] {
        let name = etude::hub::HubName::parse(name).expect("a name");
        harness.state_mut().viewer_mut().apply_command(&ctx, Command::UseModel(name, None), 1.0);
        wait(&mut harness, "a message", |viewer| viewer.state.messages.texts().any(|text| text.contains(word)));
        let viewer = harness.state().viewer();
        assert!(viewer.state.download.is_none() && viewer.state.controls == short() && run(viewer).is_some_and(|run| run.finished));
    }
}

#[test]
fn a_dropped_picture_brings_its_model() {
    let place = Place::new();
    let mut harness = place.window();
    let model = format!("{NAME}@{COMMIT}");
    let theirs = Controls { eta: 0.25, model: model.clone(), size: Some((16, 16)), ..short() };
    let recipe = theirs.recipe("00000000", (16, 16)).expect("a recipe").json().expect("JSON");
    let path = place.folder.path().join("theirs.png");
    etude::picture::png::write_png(&path, &etude::picture::Picture::filled(4, 4, [0; 3]), Some(&recipe)).expect("written");
    let ctx = harness.ctx.clone();
    harness.state_mut().viewer_mut().apply_command(&ctx, Command::Open(path), 1.0);
    wait(&mut harness, "their run", |viewer| uses(viewer, NAME) && finished(viewer));
    assert_eq!(harness.state().viewer().state.controls, theirs);
    assert!(says(&harness, "made with other weights of"));
    // The start with it is from the cache.
    place.hub.seen();
    let name = etude::hub::HubName::parse(&model).expect("a name");
    let hub = Settings { cache: place.folder.path().to_owned(), endpoint: place.hub.endpoint.clone(), ..Settings::default() };
    let instruments = Instruments { hub, ..Instruments::default() };
    let start = Start { controls: Some(short()), instruments, model: Some((name, None)), ..Start::default() };
    let mut again = window_in(start);
    wait(&mut again, "the model", |viewer| uses(viewer, NAME) && finished(viewer));
    assert!(place.hub.seen().is_empty());
}
