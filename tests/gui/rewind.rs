//! The Rewind panel: a picture goes up to x_T and comes back, and what is measured is what `etude reconstruct` measures.

use super::{Under, finished, says, short, wait, window, window_in};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use eframe::egui::{self, Key};
use egui_kittest::{
    Harness,
    kittest::{NodeT, Queryable},
};
use etude::{
    app::{
        Command, Controls, Start, Viewer,
        state::{
            command::Export,
            run_requests::Purpose,
            view_settings::{Convention, Tab},
        },
    },
    backend::Backend,
    engine::{Encode, Engine, Run},
    model::Model,
    picture::{Picture, decode, recipe::read_recipe, reconstruction},
    platform::block_on,
    program::Precision,
    sampler::{Classes, Flow, Reads, StepNoise},
    schedule::{EncodeAt, Preset, Schedule, ScheduleRequest},
};
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use std::{path::Path, sync::Arc};

/// 8 x 8 pixels of one red, as a JPEG of four inks.
const CMYK: &str = "/9j/7gAOQWRvYmUAZAAAAAAC/9sAQwANCQoLCggNCwoLDg4NDxMgFRMSEhMnHB4XIC4pMTAuKS0sMzpKPjM2RjcsLUBXQUZMTlJTUjI+WmFaUGBKUVJP/9\
    sAQwEODg4TERMmFRUmTzUtNU9PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09P/8AAFAgACAAIBAEiAAIRAQMRAQQi\
    AP/EABYAAQEBAAAAAAAAAAAAAAAAAAAEBv/EABQQAQAAAAAAAAAAAAAAAAAAAAD/xAAVAQEBAAAAAAAAAAAAAAAAAAAEBv/EABQRAQAAAAAAAAAAAAAAAA\
    AAAAD/2gAOBAEAAhEDEQQAAD8AsAKQbWAP/9k=";

fn rewinding() -> Controls {
    let mut controls = short();
    controls.view.tab = Tab::Rewind;
    controls.view.rewind.steps = vec![5, 10];
    controls
}

fn photograph(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| Rgb([(x * 2) as u8, (y * 4) as u8, if (x / 9 + y / 9) % 2 == 0 { 220 } else { 30 }]))
}

fn drop_file(harness: &mut Harness<'_, Under>, path: &Path, time: f64) {
    harness.state_mut().viewer_mut().apply_command(&egui::Context::default(), Command::Open(path.to_owned()), time);
}

/// S and error, in the order of the groups.
fn errors(viewer: &Viewer) -> Vec<(usize, f64)> {
    let run = viewer.state.runs.current(Purpose::Rewind).expect("a run");
    let schedules = &run.plan.as_ref().expect("a plan").schedules;
    let ends = run.groups.iter().map(|group| group.latest.as_ref().and_then(|update| update.end.as_ref()?.mse));
    schedules.iter().zip(ends).filter_map(|(schedule, mse)| Some((schedule.steps.len(), mse?))).collect()
}

/// What `etude reconstruct` does with a picture.
fn reconstructed(picture: &Picture, steps: usize, settings: &etude::app::state::view_settings::Rewind, noise_seed: u64) -> f64 {
    let model = Arc::new(Model::find("fashion").expect("the embedded model"));
    let mut engine = Engine::new(model.clone(), Backend::Cpu, Precision::default());
    let config = model.scheduler.clone().expect("a scheduler");
    let (at, preset) = match settings.convention {
        Convention::Official => (EncodeAt::Source, Preset::Etude),
        Convention::Diffusers => (EncodeAt::Target, Preset::Diffusers),
    };
    let up = Schedule::encode(&config, steps, None, at, preset).expect("a schedule");
    let request = ScheduleRequest { preset, steps, eta: settings.eta, ..ScheduleRequest::default() };
    let down = Schedule::new(&config, &request).expect("a schedule");
    let size = model.sample_size();
    let x_0 = decode::to_nchw(&decode::fit(picture, size.0 as usize, size.1 as usize).0, 1).expect("a grey");
    let (mut x_t, mut again) = (Vec::new(), Vec::new());
    let given = |_| x_0.clone();
    let encode = Encode { images: 1, size, schedule: &up, x_0: &given, classes: Classes::default(), refine: settings.refine };
    let mut take = |_, x: &[f32]| {
        x_t = x.to_vec();
        Ok(())
    };
    block_on(engine.encode(&encode, &mut |_, _, _| Ok(Flow::Continue), &mut take)).expect("encoded");
    let (from, reads) = (|_| x_t.clone(), |_| Reads::default());
    let noise = StepNoise::Seed(noise_seed);
    let run = Run { images: 1, first: 0, size, steps: &down.steps, x_t: &from, noise, classes: Classes::default(), reads: &reads };
    let mut take = |_, x: &[f32]| {
        again = x.to_vec();
        Ok(())
    };
    block_on(engine.sample(&run, &mut |_, _, _| Ok(Flow::Continue), &mut take)).expect("decoded");
    reconstruction::mse(&x_0, &again)
}

fn check_errors(viewer: &Viewer, picture: &Picture) {
    let (rewind, seed) = (&viewer.state.controls.view.rewind, viewer.state.controls.noise_seed);
    let measured = errors(viewer);
    assert_eq!(measured.iter().map(|(steps, _)| *steps).collect::<Vec<_>>(), [10, 5]);
    for (steps, error) in measured {
        let expected = reconstructed(picture, steps, rewind, seed);
        assert!((error - expected).abs() < 1e-6, "S = {steps}: {error} and {expected}");
    }
}

#[test]
fn a_dropped_picture_goes_up_and_comes_back_and_the_errors_are_those_of_the_command() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("photo.jpg");
    DynamicImage::from(photograph(90, 60)).save_with_format(&path, ImageFormat::Jpeg).expect("written");
    let picture = decode::decode(&std::fs::read(&path).expect("readable"), &path).expect("a picture");
    let mut harness = window(rewinding());
    wait(&mut harness, "the sample's way", finished);
    assert!(says(&harness, "η = 0: up and back follow the same ODE") && says(&harness, "seed 1, image 0"));
    drop_file(&mut harness, &path, 1.0);
    wait(&mut harness, "the picture", |viewer| viewer.state.controls.view.rewind.picture.is_some());
    harness.step();
    assert!(says(&harness, "photo.jpg is 90 x 60: cropped to 60 x 60 in the middle, scaled to 32 x 32 (Lanczos)"));
    wait(&mut harness, "the picture's way", |viewer| finished(viewer) && errors(viewer).len() == 2);
    harness.run_steps(3);
    assert!(says(&harness, "‖x_T‖/√d = ") && says(&harness, "x_0 again, error 0.") && says(&harness, "Error against S: S = 5: 0."));
    check_errors(harness.state().viewer(), &picture);
    // The other convention, with passes after each step.
    let mut controls = harness.state().viewer().state.controls.clone();
    (controls.view.rewind.convention, controls.view.rewind.refine) = (Convention::Diffusers, 2);
    harness.state_mut().viewer_mut().change(controls.clone(), 5.0);
    let with = |refine: usize, eta: f64| {
        move |viewer: &Viewer| {
            let run = viewer.state.runs.current(Purpose::Rewind);
            let is_it = |r: &etude::app::state::view_settings::Rewind| r.refine == refine && r.eta == eta;
            run.is_some_and(|run| run.finished && is_it(&run.controls.view.rewind))
        }
    };
    wait(&mut harness, "the run with passes", with(2, 0.0));
    check_errors(harness.state().viewer(), &picture);
    let exact = errors(harness.state().viewer());
    // Noise on the way back.
    (controls.view.rewind.convention, controls.view.rewind.refine) = (Convention::Official, 0);
    controls.set_eta(0.8);
    assert_eq!((controls.eta, controls.view.rewind.eta), (0.0, 0.8), "the sample keeps its own");
    harness.state_mut().viewer_mut().change(controls, 9.0);
    wait(&mut harness, "the noisy way back", with(0, 0.8));
    harness.run_steps(2);
    assert!(says(&harness, "η = 0.8: it does not return"));
    check_errors(harness.state().viewer(), &picture);
    assert!(errors(harness.state().viewer())[0].1 > 2.0 * exact[0].1);
    // One change after the other is undone, the picture last.
    for _ in 0..3 {
        harness.state_mut().viewer_mut().apply_command(&egui::Context::default(), Command::Undo, 20.0);
    }
    assert_eq!(harness.state().viewer().state.controls, rewinding());
}

#[test]
fn the_sample_is_rewound_as_the_file_that_it_would_be_saved_in() {
    let mut harness = window(short());
    wait(&mut harness, "the run", finished);
    let sample = super::samples(harness.state().viewer()).remove(1);
    let mut controls = harness.state().viewer().state.controls.clone();
    controls.view.image = 1;
    controls.view.rewind.steps = vec![5];
    harness.state_mut().viewer_mut().change(controls, 3.0);
    harness.run_steps(2);
    harness.get_by_label("Rewind it").click();
    harness.run_steps(2);
    wait(&mut harness, "its way", |viewer| viewer.state.controls.view.tab == Tab::Rewind && finished(viewer));
    check_errors(harness.state().viewer(), &sample);
}

#[test]
fn what_is_no_picture_is_one_line_and_nothing_is_lost() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).expect("written");
        path
    };
    let mut whole = std::io::Cursor::new(Vec::new());
    DynamicImage::from(photograph(60, 60)).write_to(&mut whole, ImageFormat::Png).expect("written");
    let whole = whole.into_inner();
    // A header that promises more pixels than anybody has memory for.
    let mut huge = whole.clone();
    huge[16..24].copy_from_slice(&[0, 1, 0, 0, 0, 1, 0, 0]);
    let crc = crc32fast::hash(&huge[12..29]).to_be_bytes();
    huge[29..33].copy_from_slice(&crc);
    let wrong = [
        file("text.png", b"hello"),
        file("empty.gif", b""),
        file("cut.png", &whole[..whole.len() / 2]),
        file("huge.png", &huge),
        folder.path().join("missing.png"),
    ];
    let mut harness = window(rewinding());
    wait(&mut harness, "the run", finished);
    let before = errors(harness.state().viewer());
    for (number, path) in wrong.iter().enumerate() {
        drop_file(&mut harness, path, number as f64);
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        wait(&mut harness, &name, |viewer| viewer.state.messages.texts().any(|text| text.contains(&name)));
        let viewer = harness.state().viewer();
        let told: Vec<_> = viewer.state.messages.texts().filter(|text| text.contains(&name)).collect();
        assert!(told.len() == 1 && !told[0].contains('\n'), "{told:?}");
        assert_eq!(viewer.state.controls, rewinding());
        assert_eq!(errors(viewer), before);
    }
    // What is unusual is no fault: 16 bits, a grey with transparency, one line of pixels, an animation, four inks.
    let deep = image::ImageBuffer::<Rgb<u16>, _>::from_fn(50, 50, |x, _| Rgb([(x * 1300) as u16, 0, 9]));
    let mut frames = std::io::Cursor::new(Vec::new());
    {
        let mut encoder = image::codecs::gif::GifEncoder::new(&mut frames);
        let frame = |grey| image::Frame::new(image::RgbaImage::from_pixel(20, 30, image::Rgba([grey, 0, 0, 255])));
        encoder.encode_frames([frame(10), frame(250)]).expect("written");
    }
    let unusual: [(&str, DynamicImage); 3] = [
        ("deep.png", DynamicImage::ImageRgb16(deep)),
        ("clear.png", image::GrayAlphaImage::from_pixel(33, 44, image::LumaA([10, 60])).into()),
        ("line.png", photograph(500, 1).into()),
    ];
    let mut paths: Vec<_> = unusual.into_iter().map(|(name, image)| (file(name, b""), image)).collect();
    for (path, image) in &mut paths {
        image.save(path).expect("written");
    }
    let mut paths: Vec<_> = paths.into_iter().map(|(path, _)| path).collect();
    paths.push(file("moves.gif", &frames.into_inner()));
    paths.push(file("inks.jpg", &BASE64_STANDARD.decode(CMYK).expect("bytes")));
    for (number, path) in paths.iter().enumerate() {
        drop_file(&mut harness, path, 100.0 + number as f64);
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        wait(&mut harness, &name, |viewer| {
            viewer.state.controls.view.rewind.picture.as_ref().is_some_and(|given| given.name == name)
        });
    }
    let given = harness.state().viewer().state.controls.view.rewind.picture.clone().expect("given");
    let [red, green, blue] = given.picture.pixels[0];
    assert!(red > 150 && green < 90 && blue < 110, "{:?}", given.picture.pixels[0]);
    wait(&mut harness, "the last one's way", finished);
}

#[test]
fn a_saved_picture_brings_back_the_one_that_was_rewound() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.png");
    photograph(32, 32).save(&path).expect("written");
    let start = Start { controls: Some(rewinding()), save_folder: Some(folder.path().to_owned()), ..Start::default() };
    let mut harness = window_in(start);
    wait(&mut harness, "the run", finished);
    drop_file(&mut harness, &path, 1.0);
    wait(&mut harness, "its way", |viewer| viewer.state.controls.view.rewind.picture.is_some() && finished(viewer));
    let before = errors(harness.state().viewer());
    let mut saved = Vec::new();
    for export in [Export::Picture, Export::Sheet, Export::Strip, Export::Gif] {
        harness.state_mut().viewer_mut().apply_command(&egui::Context::default(), Command::Save(export), 2.0);
        let count = saved.len();
        let files = |viewer: &Viewer| -> Vec<String> {
            viewer.state.messages.texts().filter_map(|text| text.strip_prefix("Saved ")).map(str::to_owned).collect()
        };
        wait(&mut harness, "the file", |viewer| files(viewer).len() > count);
        saved = files(harness.state().viewer());
    }
    for (number, file) in saved.iter().enumerate() {
        assert!(read_recipe(Path::new(file)).expect("a picture").is_some(), "{file}");
        let mut other = window(rewinding());
        wait(&mut other, "another run", finished);
        drop_file(&mut other, Path::new(file), 1.0);
        wait(&mut other, file, |viewer| viewer.state.controls.view.rewind.picture.is_some() && finished(viewer));
        assert_eq!(errors(other.state().viewer()), before, "{file}");
        let (ours, theirs) = (&other.state().viewer().state.controls, &harness.state().viewer().state.controls);
        assert_eq!(ours.view, theirs.view);
        if number == 1 {
            break;
        }
    }
}

#[test]
fn the_keyboard_reaches_everything_of_the_panel() {
    let mut harness = window(short());
    wait(&mut harness, "the run", finished);
    harness.key_press(Key::F5);
    harness.run_steps(2);
    assert_eq!(harness.state().viewer().state.controls.view.tab, Tab::Rewind);
    wait(&mut harness, "the way", finished);
    let mut reached = std::collections::BTreeSet::new();
    for _ in 0..80 {
        harness.key_press(Key::Tab);
        harness.step();
        let focused = harness.query_all(egui_kittest::kittest::By::new().predicate(|node| node.is_focused())).next();
        if let Some(node) = focused {
            reached.extend(node.accesskit_node().label());
        }
    }
    for name in ["Choose a picture …", "The sample", "passes after each step", "measure at S = 200"] {
        assert!(reached.contains(name), "{name} is not among {reached:?}");
    }
    // By keyboard alone: another S is measured.
    harness.get_by_label("measure at S = 200").focus();
    harness.step();
    harness.key_press(Key::Enter);
    harness.run_steps(2);
    assert_eq!(harness.state().viewer().state.controls.view.rewind.steps, [10, 20, 50, 100, 200]);
}

/// A window that has rewound a picture of 32 x 32 pixels.
fn rewound(folder: &Path) -> Harness<'static, Under> {
    let path = folder.join("a.png");
    photograph(32, 32).save(&path).expect("written");
    let mut controls = rewinding();
    controls.view.rewind.steps = Vec::new();
    (controls.view.interpolate.columns, controls.view.compare.seeds) = (3, 2);
    let start = Start { controls: Some(controls), save_folder: Some(folder.to_owned()), ..Start::default() };
    let mut harness = window_in(start);
    wait(&mut harness, "the run", finished);
    drop_file(&mut harness, &path, 1.0);
    wait(&mut harness, "its way", |viewer| viewer.state.controls.view.rewind.picture.is_some() && finished(viewer));
    harness.run_steps(2);
    harness
}

/// What came back on the panel.
fn returned(viewer: &Viewer) -> Picture {
    let run = viewer.state.runs.current(Purpose::Rewind).expect("a run");
    let update = run.groups[1].latest.as_ref().expect("the way back");
    (*update.after[0]).clone()
}

/// Saves what is on screen; its file.
fn saved(harness: &mut Harness<'_, Under>, export: Export) -> String {
    let files = |viewer: &Viewer| -> Vec<String> {
        viewer.state.messages.texts().filter_map(|text| text.strip_prefix("Saved ")).map(str::to_owned).collect()
    };
    let before = files(harness.state().viewer());
    harness.state_mut().viewer_mut().apply_command(&egui::Context::default(), Command::Save(export), 50.0);
    let new = |viewer: &Viewer| files(viewer).into_iter().find(|file| !before.contains(file));
    wait(harness, "the file", |viewer| new(viewer).is_some());
    new(harness.state().viewer()).expect("saved")
}

/// The command line makes the same picture of a saved one's recipe, bit for bit.
fn is_made_again(folder: &Path, file: &str) {
    let again = folder.join("again.png");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_etude"));
    command.args(["sample", "--device", "cpu", "--recipe", file, "--out"]).arg(&again).env("XDG_RUNTIME_DIR", std::env::temp_dir());
    let run = command.output().expect("started");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let pixels = |path: &Path| image::open(path).expect("a picture").into_rgb8();
    assert!(pixels(&again) == pixels(Path::new(file)), "{file}");
}

#[test]
fn the_pictures_x_t_takes_the_place_of_the_seed_in_the_other_panels() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut harness = rewound(folder.path());
    let back = returned(harness.state().viewer());
    harness.get_by_label("Use as x_T").click();
    harness.run_steps(2);
    let done = |viewer: &Viewer| viewer.state.controls.view.tab == Tab::Trajectory && finished(viewer);
    wait(&mut harness, "the trajectory", done);
    harness.run_steps(2);
    assert!(says(&harness, "x_T: encoded picture a.png") && says(&harness, "x_T of a.png"));
    assert!(super::samples(harness.state().viewer()).iter().all(|sample| *sample == back), "all start from it, and η is 0");
    // A row of η: the first starts from it as well.
    harness.key_press(Key::F2);
    harness.run_steps(2);
    wait(&mut harness, "the comparison", |viewer| viewer.state.controls.view.tab == Tab::Compare && finished(viewer));
    let run = harness.state().viewer().state.runs.current(Purpose::Compare).expect("a run");
    assert_eq!(*run.groups[0].latest.as_ref().expect("a row").after[0], back);
    assert_ne!(*run.groups[3].latest.as_ref().expect("η = 1").after[0], back);
    // What is saved is made again by another window, and by the command line's recipe.
    harness.key_press(Key::F1);
    harness.run_steps(2);
    wait(&mut harness, "the trajectory again", done);
    let file = saved(&mut harness, Export::Sheet);
    is_made_again(folder.path(), &file);
    let json = read_recipe(Path::new(&file)).expect("a picture").expect("a recipe");
    let recipe = etude::recipe::Recipe::from_json(&json).expect("understood");
    assert_eq!(recipe.encoded, harness.state().viewer().state.controls.encoded);
    let mut other = window(short());
    wait(&mut other, "another run", finished);
    drop_file(&mut other, Path::new(&file), 1.0);
    wait(&mut other, "the recipe's run", |viewer| viewer.state.controls.encoded.is_some() && finished(viewer));
    assert_eq!(super::samples(other.state().viewer())[0], back);
    // And back to the seed.
    harness.get_by_label("Back to the seed").click();
    harness.run_steps(2);
    wait(&mut harness, "the seed's", |viewer| viewer.state.controls.encoded.is_none() && finished(viewer));
    assert!(super::samples(harness.state().viewer())[0] != back && !says(&harness, "x_T: encoded picture"));
    harness.state_mut().viewer_mut().apply_command(&egui::Context::default(), Command::Undo, 80.0);
    assert!(harness.state().viewer().state.controls.encoded.is_some());
    // New seeds take the picture's place.
    harness.run_steps(2);
    harness.key_press(Key::N);
    harness.run_steps(2);
    assert!(harness.state().viewer().state.controls.encoded.is_none());
}

#[test]
fn drafts_start_from_the_pictures_x_t_while_eta_moves() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut harness = rewound(folder.path());
    let back = returned(harness.state().viewer());
    harness.get_by_label("Use as x_T").click();
    harness.run_steps(2);
    wait(&mut harness, "the trajectory", |viewer| viewer.state.controls.view.tab == Tab::Trajectory && finished(viewer));
    let mut controls = harness.state().viewer().state.controls.clone();
    for (number, eta) in [0.1, 0.2, 0.3].into_iter().enumerate() {
        controls.eta = eta;
        harness.state_mut().viewer_mut().change(controls.clone(), 60.0 + number as f64);
        harness.step();
        let drafted = |viewer: &Viewer| viewer.state.runs.current(Purpose::Draft).is_some_and(|run| run.finished);
        wait(&mut harness, "a draft", move |viewer| drafted(viewer) || finished(viewer));
    }
    wait(&mut harness, "the whole", finished);
    let noisy = super::samples(harness.state().viewer());
    assert!(noisy[0] != back && noisy[0] != noisy[1], "from one x_T, each with its own noise");
}

#[test]
fn a_picture_is_an_end_of_an_interpolation() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut harness = rewound(folder.path());
    let back = returned(harness.state().viewer());
    harness.get_by_label("Use as an end").click();
    harness.run_steps(3);
    harness.get_by_label("right end").click();
    harness.run_steps(2);
    let done = |viewer: &Viewer| viewer.state.controls.view.tab == Tab::Interpolate && finished(viewer);
    wait(&mut harness, "the strip", done);
    harness.run_steps(2);
    assert!(says(&harness, "picture right: a.png"));
    let ends = |harness: &Harness<'_, Under>| {
        let run = harness.state().viewer().state.runs.current(Purpose::Between).expect("a run");
        let update = run.groups[0].latest.clone().expect("slerp");
        (update.after.first().expect("an end").clone(), update.after.last().expect("an end").clone())
    };
    assert_eq!(*ends(&harness).1, back);
    // The ends change places.
    harness.get_by_label("swap the ends").click();
    harness.run_steps(2);
    wait(&mut harness, "the strip the other way", done);
    assert_eq!(*ends(&harness).0, back);
    // What is saved brings it back.
    let file = saved(&mut harness, Export::Sheet);
    is_made_again(folder.path(), &file);
    let mut other = window(short());
    wait(&mut other, "another run", finished);
    drop_file(&mut other, Path::new(&file), 1.0);
    wait(&mut other, "the recipe's run", done);
    assert_eq!(ends(&other), ends(&harness));
    // The end opens as the trajectory of the picture.
    harness.get_by_label("use this end: seed left").click();
    harness.run_steps(2);
    wait(&mut harness, "its trajectory", |viewer| viewer.state.controls.view.tab == Tab::Trajectory && finished(viewer));
    assert_eq!(super::samples(harness.state().viewer()), [back]);
    harness.key_press(Key::F3);
    harness.run_steps(2);
    harness.get_by_label("back to the seed left").click();
    harness.run_steps(2);
    assert!(harness.state().viewer().state.controls.view.interpolate.pictures.iter().all(Option::is_none));
}

#[test]
fn the_way_back_follows_its_controls_in_few_steps() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut harness = rewound(folder.path());
    let measured = errors(harness.state().viewer());
    let mut controls = harness.state().viewer().state.controls.clone();
    for change in [|c: &mut Controls| c.view.rewind.eta = 0.9, |c: &mut Controls| c.steps = 30] {
        change(&mut controls);
        // As a hand that goes on moving: a small change every few frames, so that nothing comes to rest.
        let start = std::time::Instant::now();
        while !says(&harness, "x_0 again, draft") {
            assert!(start.elapsed() < super::PATIENCE, "no draft came");
            controls.noise_seed ^= 1;
            let time = harness.ctx.input(|input| input.time);
            harness.state_mut().viewer_mut().change(controls.clone(), time);
            harness.run_steps(2);
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        // The numbers are those of the last whole run, and say so.
        assert!(says(&harness, ", before the change"));
        wait(&mut harness, "the whole way", finished);
        harness.run_steps(2);
        assert!(!says(&harness, "before the change") && !says(&harness, "x_0 again, draft"));
    }
    assert_ne!(errors(harness.state().viewer()), measured);
    assert!(says(&harness, "η = 0.9: it does not return"));
}
