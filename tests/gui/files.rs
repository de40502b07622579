//! Saving, dropping, copying.

use super::{Under, finished, samples, says, short, wait, window_in};
use eframe::egui;
use egui_kittest::{Harness, kittest::Queryable};
use etude::{
    app::{
        Command, Controls, Start,
        state::{command::Export, view_settings::Tab},
    },
    picture::recipe::read_recipe,
    program::Precision,
};
use image::AnimationDecoder;
use std::{
    io::BufReader,
    path::{Path, PathBuf},
};

fn window_saving_in(folder: &Path, controls: Controls) -> Harness<'static, Under> {
    window_in(Start { controls: Some(controls), save_folder: Some(folder.to_owned()), ..Start::default() })
}

fn save(harness: &mut Harness<'_, Under>, entry: &str) -> PathBuf {
    let saved = |viewer: &etude::app::Viewer| -> Vec<String> {
        viewer.state.messages.texts().filter_map(|text| text.strip_prefix("Saved ")).map(str::to_owned).collect()
    };
    let before = saved(harness.state().viewer());
    harness.get_by_label("Save").click();
    harness.step();
    harness.step();
    harness.get_by_label(entry).click();
    harness.step();
    wait(harness, "the file", |viewer| saved(viewer).len() > before.len());
    PathBuf::from(saved(harness.state().viewer()).pop().expect("saved"))
}

#[test]
fn a_saved_picture_dropped_on_the_window_restores_every_control() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut controls = Controls { eta: 0.35, seed: 77, noise_seed: 5, count: 3, clip: Some(true), ..short() };
    controls.view.image = 2;
    let mut harness = window_saving_in(folder.path(), controls.clone());
    wait(&mut harness, "the run", finished);
    let pictures = samples(harness.state().viewer());
    let path = save(&mut harness, "Picture (PNG)");
    assert!(path.starts_with(folder.path()) && says(&harness, "Saved"));
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1, "no half-made file beside it");

    let mut other = window_saving_in(folder.path(), short());
    wait(&mut other, "another run", finished);
    other.state_mut().viewer_mut().apply_command(&egui::Context::default(), Command::Open(path), 1.0);
    wait(&mut other, "the recipe", |viewer| viewer.state.controls.eta == 0.35);
    let restored = &other.state().viewer().state.controls;
    // The size is written into the recipe.
    assert_eq!(*restored, Controls { size: Some((32, 32)), ..controls });
    wait(&mut other, "the same run", finished);
    assert!(samples(other.state().viewer()) == pictures);
    other.get_by_label("Undo").click();
    other.step();
    other.step();
    assert_eq!(other.state().viewer().state.controls, short());
}

#[test]
fn a_picture_from_another_machine_is_computed_on_this_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut harness = window_in(Start { controls: Some(short()), ..Start::default() });
    wait(&mut harness, "the run", finished);
    let mut theirs = Controls { eta: 0.35, size: Some((48, 48)), model: Controls::default().model, ..short() };
    (theirs.view.device, theirs.view.precision) = ("a gpu of theirs".to_owned(), Precision::F16);
    let recipe = theirs.recipe("00000000", (48, 48)).expect("a recipe").json().expect("JSON");
    let path = folder.path().join("theirs.png");
    let picture = etude::picture::Picture::filled(4, 4, [0; 3]);
    etude::picture::png::write_png(&path, &picture, Some(&recipe)).expect("written");
    harness.state_mut().viewer_mut().apply_command(&egui::Context::default(), Command::Open(path), 1.0);
    // The weights are not theirs.
    wait(&mut harness, "a note", |viewer| viewer.state.messages.texts().any(|text| text.contains("made with other weights of")));
    wait(&mut harness, "their run", |viewer| viewer.state.controls.eta == 0.35 && finished(viewer));
    // Another model, its size and all, but the device of here.
    let view = short().view;
    assert_eq!(harness.state().viewer().state.controls, Controls { view, ..theirs });
}

#[test]
fn everything_that_can_be_saved_is_a_picture_with_a_recipe() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut harness = window_saving_in(folder.path(), short());
    wait(&mut harness, "the run", finished);
    for (entry, extension) in
        [("All pictures (PNG)", "png"), ("Strip (PNG)", "png"), ("Animation (GIF)", "gif"), ("Animation (APNG)", "apng")]
    {
        let path = save(&mut harness, entry);
        assert_eq!(path.extension().expect("one"), extension);
        let recipe = read_recipe(&path).expect("a picture").expect("a recipe");
        let recipe: etude::recipe::Recipe = serde_json::from_str(&recipe).expect("understood");
        assert_eq!((recipe.steps, recipe.count, recipe.viewer.is_some()), (10, 2, true));
    }
}

#[test]
fn comparison_and_interpolation_can_be_saved_too() {
    let folder = tempfile::tempdir().expect("a folder");
    for (tab, exports) in [
        (Tab::Compare, &[Export::Sheet, Export::Gif, Export::Apng][..]),
        (Tab::Interpolate, &[Export::Picture, Export::Sheet, Export::Strip, Export::Gif]),
    ] {
        let mut controls = short();
        controls.view.tab = tab;
        controls.view.interpolate.columns = 3;
        let mut harness = window_saving_in(folder.path(), controls);
        wait(&mut harness, "the runs", |viewer| {
            finished(viewer)
                && (tab == Tab::Compare
                    || viewer.state.runs.current(etude::app::state::run_requests::Purpose::Focus).is_some_and(|run| run.finished))
        });
        for export in exports {
            let pictures = || {
                let names = std::fs::read_dir(folder.path()).expect("a folder").map(|e| e.expect("readable").file_name());
                names.filter(|name| name.to_string_lossy().starts_with("etude-")).count()
            };
            let before = pictures();
            harness.state_mut().viewer_mut().apply_command(&egui::Context::default(), Command::Save(*export), 0.0);
            wait(&mut harness, "the file", |_| pictures() > before);
        }
    }
}

/// How many frames the newest file of a folder has; GIF and APNG are decoded whole.
fn frames(path: &Path) -> usize {
    let input = BufReader::new(std::fs::File::open(path).expect("readable"));
    let frames = if path.extension().is_some_and(|e| e == "gif") {
        image::codecs::gif::GifDecoder::new(input).expect("a GIF").into_frames()
    } else {
        image::codecs::png::PngDecoder::new(input).expect("a PNG").apng().expect("an animated one").into_frames()
    };
    frames.collect_frames().expect("whole frames").len()
}

#[test]
fn every_panel_saves_what_moves_in_it_in_both_formats() {
    let folder = tempfile::tempdir().expect("a folder");
    for (tab, expected) in [
        // A frame per step and the sample; its terms per step; so many places there and back.
        (Tab::Trajectory, 11),
        (Tab::Explain, 10),
        (Tab::Interpolate, 4),
        (Tab::Compare, 11),
        (Tab::Fork, 11),
        (Tab::Rewind, 21),
    ] {
        let mut controls = short();
        controls.view.tab = tab;
        controls.view.interpolate.columns = 3;
        controls.view.rewind.steps = vec![];
        let mut harness = window_saving_in(folder.path(), controls);
        for entry in ["Animation (GIF)", "Animation (APNG)"] {
            wait(&mut harness, "the runs", finished);
            let path = save(&mut harness, entry);
            assert_eq!(frames(&path), expected, "{tab:?}, {entry}");
            assert!(read_recipe(&path).expect("a picture").is_some(), "{tab:?}, {entry}");
        }
    }
}

#[test]
fn captions_stand_below_the_frames_if_they_are_wanted() {
    let folder = tempfile::tempdir().expect("a folder");
    let size = |path: &Path| image::image_dimensions(path).expect("a picture");
    for tab in [Tab::Trajectory, Tab::Explain, Tab::Interpolate, Tab::Rewind] {
        let mut controls = Controls { eta: 0.5, ..short() };
        controls.view.tab = tab;
        controls.view.interpolate.columns = 3;
        controls.view.rewind.steps = vec![];
        let mut harness = window_saving_in(folder.path(), controls);
        wait(&mut harness, "the runs", finished);
        let plain = save(&mut harness, "Animation (APNG)");
        harness.get_by_label("Save").click();
        harness.step();
        harness.step();
        harness.get_by_label("Captions in animations").click();
        harness.run_steps(3);
        assert!(harness.state().viewer().state.captions);
        harness.key_press(egui::Key::Escape);
        harness.run_steps(3);
        let captioned = save(&mut harness, "Animation (APNG)");
        assert_eq!(frames(&captioned), frames(&plain), "{tab:?}");
        let ((width, height), (wide, high)) = (size(&plain), size(&captioned));
        assert!(width == wide && high > height + 15, "{tab:?}: {:?} {:?}", size(&plain), size(&captioned));
        // The pictures are as they were.
        let [plain, captioned] = [plain, captioned].map(|path| image::open(path).expect("a picture").into_rgb8());
        assert!(image::imageops::crop_imm(&captioned, 0, 0, width, height).to_image() == plain, "{tab:?}");
    }
}

#[test]
fn the_command_line_is_copied() {
    let mut harness = super::window(short());
    wait(&mut harness, "the run", finished);
    harness.get_by_label("Save").click();
    harness.step();
    harness.step();
    harness.get_by_label("Copy command line").click();
    harness.step();
    let copied = harness.output().platform_output.commands.iter().find_map(|command| match command {
        egui::OutputCommand::CopyText(text) => Some(text.clone()),
        _ => None,
    });
    let copied = copied.expect("copied");
    assert_eq!(
        copied,
        "etude sample --model fashion --steps 10 --eta 0 --seed 1 --noise-seed 1 --device cpu --count 2 --out etude.png"
    );
}
