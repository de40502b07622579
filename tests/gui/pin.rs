//! A run pinned as A beside the one that follows the controls, B.

use super::{ETA, Under, finished, run, says, short, slow::Slow, wait, window, window_in};
use eframe::egui::{self, Key, Modifiers, accesskit::Role};
use egui_kittest::{
    Harness,
    kittest::{AccessKitNode, By, Queryable},
};
use etude::{
    app::{
        Command, Controls, Start, Viewer,
        state::{command::Export, pinned_controls::controls_of_a, run_requests::Purpose, run_view::RunView, view_settings::Tab},
    },
    picture::{Picture, difference::Distance, recipe::read_recipe},
    schedule::Spacing,
};
use std::{path::PathBuf, time::Duration};

/// The labels of the three pictures: A, B and their difference.
fn captions(harness: &Harness<'_, Under>) -> [String; 3] {
    let of = |begins: &dyn Fn(&str) -> bool| {
        let is_it = |node: &AccessKitNode<'_>| node.role() == Role::Image && node.label().is_some_and(|label| begins(&label));
        let found = harness.query_all(By::new().predicate(is_it)).next();
        found.and_then(|node| egui_kittest::kittest::NodeT::accesskit_node(&node).label()).unwrap_or_default()
    };
    [of(&|label| label.starts_with("A:")), of(&|label| label.starts_with("B:")), of(&|label| label.contains("(B − A)"))]
}

fn pinned(viewer: &Viewer) -> Option<&RunView> {
    viewer.state.runs.current(Purpose::Pinned)
}

fn sample(run: &RunView, image: usize) -> Picture {
    let shown = run.at(1.0).expect("finished");
    (**shown.after(image).expect("a sample")).clone()
}

fn set(harness: &mut Harness<'_, Under>, time: f64, change: impl FnOnce(&mut Controls)) {
    let mut controls = harness.state().viewer().state.controls.clone();
    change(&mut controls);
    harness.state_mut().viewer_mut().change(controls, time);
    harness.run_steps(2);
}

/// A window whose run is finished and pinned by its button.
fn with_a(controls: Controls) -> Harness<'static, Under> {
    let mut harness = window(controls);
    wait(&mut harness, "the first run", finished);
    harness.get_by_label("Pin as A").click();
    harness.run_steps(3);
    assert!(pinned(harness.state().viewer()).is_some_and(|run| run.finished), "what is on screen is not computed again");
    harness
}

/// The distance that is written below the difference.
fn distance(a: &Picture, b: &Picture) -> String {
    let apart = Distance::between(a, b).expect("one size");
    let mean = a.bytes().iter().zip(b.bytes()).map(|(a, b)| (f64::from(*a) - f64::from(*b)).abs() / 255.0).sum::<f64>();
    assert!((apart.mean_absolute - mean / a.bytes().len() as f64).abs() < 1e-12);
    let square = a.bytes().iter().zip(b.bytes()).map(|(a, b)| ((f64::from(*a) - f64::from(*b)) / 255.0).powi(2)).sum::<f64>();
    let psnr = 10.0 * (a.bytes().len() as f64 / square).log10();
    format!("{} × (B − A), mean |B − A| = {:.4}, PSNR {psnr:.1} dB", apart.factor(), apart.mean_absolute)
}

#[test]
fn a_stays_while_b_follows_the_controls_and_their_distance_is_told() {
    let mut harness = with_a(short());
    let [a, b, apart] = captions(&harness);
    assert_eq!((a.as_str(), b.as_str()), ("A: x_0 after 10 steps, the same controls", "B: x_0 after 10 steps, the same controls"));
    assert!(apart.ends_with("(B − A), identical, PSNR ∞ dB"), "{apart}");
    let first = sample(pinned(harness.state().viewer()).expect("pinned"), 0);
    harness.key_press(Key::D);
    harness.run_steps(3);
    wait(&mut harness, "B", |viewer| finished(viewer) && run(viewer).is_some_and(|run| run.controls.eta == 1.0));
    harness.run_steps(2);
    let viewer = harness.state().viewer();
    let second = sample(run(viewer).expect("a run"), 0);
    assert!(sample(pinned(viewer).expect("pinned"), 0) == first && second != first);
    let [a, b, apart] = captions(&harness);
    assert_eq!((a.as_str(), b.as_str()), ("A: x_0 after 10 steps, η = 0", "B: x_0 after 10 steps, η = 1"));
    assert_eq!(apart, distance(&first, &second));
    // Another factor is written below it, and is part of what is stored.
    harness.get_by_role_and_label(Role::ComboBox, "difference").click();
    harness.run_steps(3);
    harness.get_by_label("2 ×").click();
    harness.run_steps(3);
    assert!(captions(&harness)[2].starts_with("2 × (B − A), mean"), "{:?}", captions(&harness));
    assert_eq!(harness.state().viewer().state.controls.view.pin.as_ref().and_then(|pin| pin.enlarged), Some(2));
    // Another image of the batch as B.
    harness.get_by_label("Image 1").click();
    harness.run_steps(3);
    assert_eq!(captions(&harness)[1], "B: x_0 after 10 steps, η = 1, image 1");
    harness.get_by_label("Back to A").click();
    harness.run_steps(3);
    let controls = harness.state().viewer().state.controls.clone();
    assert_eq!((controls.eta, controls.view.image, controls.size), (0.0, 0, None));
    wait(&mut harness, "B as A was", |viewer| finished(viewer) && run(viewer).is_some_and(|run| run.controls.eta == 0.0));
    harness.run_steps(2);
    assert!(captions(&harness)[2].ends_with("identical, PSNR ∞ dB"), "{:?}", captions(&harness));
    harness.get_by_label("Unpin").click();
    harness.run_steps(3);
    assert!(harness.query_by_label("Unpin").is_none() && pinned(harness.state().viewer()).is_none());
    // Undone, A is there again.
    harness.state_mut().viewer_mut().apply_command(&egui::Context::default(), Command::Undo, 90.0);
    harness.run_steps(3);
    wait(&mut harness, "A again", |viewer| pinned(viewer).is_some_and(|run| run.finished));
    assert!(sample(pinned(harness.state().viewer()).expect("pinned"), 0) == first);
}

#[test]
fn keys_pin_unpin_and_go_back() {
    let mut harness = window(short());
    wait(&mut harness, "the first run", finished);
    harness.key_press(Key::P);
    harness.run_steps(2);
    assert!(says(&harness, "A is pinned"));
    harness.key_press(Key::Num5);
    harness.run_steps(2);
    assert_eq!(harness.state().viewer().state.controls.eta, 0.5);
    harness.key_press_modifiers(Modifiers::SHIFT, Key::P);
    harness.run_steps(2);
    let viewer = harness.state().viewer();
    assert!(viewer.state.controls.eta == 0.0 && viewer.state.controls.view.pin.is_some());
    harness.key_press(Key::P);
    harness.run_steps(2);
    assert!(harness.state().viewer().state.controls.view.pin.is_none());
    harness.key_press_modifiers(Modifiers::SHIFT, Key::Questionmark);
    harness.run_steps(2);
    assert!(says(&harness, "pin this run as A or unpin it, back to A"));
}

#[test]
fn one_scrubber_moves_both_by_their_timesteps() {
    // 10 steps of 100 and 25 of 40.
    let mut harness = with_a(short());
    set(&mut harness, 20.0, |controls| controls.steps = 25);
    wait(&mut harness, "B", |viewer| finished(viewer) && run(viewer).is_some_and(|run| run.controls.steps == 25));
    for (position, t_b, t_a) in [(0, 960, 900), (10, 560, 600), (12, 480, 500), (24, 0, 0)] {
        harness.state_mut().viewer_mut().apply_command(&egui::Context::default(), Command::Look(position), 30.0);
        harness.run_steps(2);
        let [a, b, apart] = captions(&harness);
        let expected = (format!("A: x̂0 at t = {t_a}, S = 10"), format!("B: x̂0 at t = {t_b}, S = 25"));
        assert_eq!((a, b), expected);
        assert!(apart.contains("mean |B − A| = 0."), "{apart}");
    }
    harness.get_by_label("show x_t of A and B").click();
    harness.run_steps(3);
    assert_eq!(captions(&harness)[0], "A: x_t at t = 0, S = 10");
    // By keys, too: one step of B back.
    harness.key_press(Key::ArrowLeft);
    harness.run_steps(2);
    assert_eq!(captions(&harness)[1], "B: x_t at t = 40, S = 25");
    // A τ by hand has steps where it has them.
    set(&mut harness, 60.0, |controls| controls.spacing = Some(Spacing::List(vec![0, 310, 999])));
    wait(&mut harness, "B by hand", |viewer| finished(viewer) && run(viewer).is_some_and(|run| run.steps() == 3));
    harness.state_mut().viewer_mut().apply_command(&egui::Context::default(), Command::Look(1), 61.0);
    harness.run_steps(2);
    assert!(captions(&harness)[0].starts_with("A: x_t at t = 300"), "{:?}", captions(&harness));
}

#[test]
fn beside_a_drafts_follow_the_hand() {
    let mut controls = Controls { steps: 50, ..short() };
    controls.view.ahead = false;
    let mut slow = Slow::opened(controls, Duration::from_millis(8));
    slow.harness.get_by_label("Pin as A").click();
    slow.frames(Duration::from_millis(50), |_| ());
    let first = sample(pinned(slow.harness.state().viewer()).expect("pinned"), 0);
    let mut seen = std::collections::BTreeSet::new();
    for frame in 1..=60 {
        slow.harness.get_by_label(ETA).set_value_accesskit(f64::from(frame) / 60.0);
        slow.frame();
        let viewer = slow.harness.state().viewer();
        assert!(sample(pinned(viewer).expect("pinned"), 0) == first, "A stays");
        let shown = viewer.state.shown().expect("shown");
        if shown.run.is_draft() {
            let [a, b, apart] = captions(&slow.harness);
            assert!(a.starts_with("A: x_0 after 50 steps") && b.starts_with("B: x_0 after "), "{a} {b}");
            seen.insert(apart);
        }
    }
    assert!(seen.len() >= 5, "the difference moves with the hand: {seen:?}");
    slow.until("all of B", Duration::from_secs(5), |slow| captions(&slow.harness)[1].starts_with("B: x_0 after 50 steps, η = 1"));
}

#[test]
fn another_model_size_or_precision_as_b_is_told_and_never_fails() {
    let mut harness = with_a(short());
    set(&mut harness, 20.0, |controls| controls.size = Some((16, 48)));
    wait(&mut harness, "another size", |viewer| finished(viewer) && run(viewer).is_some_and(|run| run.controls.size.is_some()));
    harness.run_steps(2);
    assert!(says(&harness, "A is 32 x 32, B is 48 x 16: no difference"));
    set(&mut harness, 25.0, |controls| (controls.model, controls.size) = ("emoji".to_owned(), None));
    wait(&mut harness, "another model", |viewer| finished(viewer) && run(viewer).is_some_and(|run| run.controls.model == "emoji"));
    harness.run_steps(2);
    let [a, b, _] = captions(&harness);
    assert!(a.contains("model fashion") && b.contains("model emoji"), "{a} {b}");
    set(&mut harness, 30.0, |controls| controls.class = Some(etude::recipe::ClassLabel::One(2)));
    harness.run_steps(5);
    set(&mut harness, 35.0, |controls| controls.model = "gone".to_owned());
    wait(&mut harness, "the refusal", |viewer| viewer.state.messages.texts().any(|text| text.contains("gone")));
    harness.get_by_label("Back to A").click();
    harness.run_steps(2);
    wait(&mut harness, "A's model", |viewer| finished(viewer) && run(viewer).is_some_and(|run| run.controls.model == "fashion"));
    harness.run_steps(2);
    assert!(captions(&harness)[2].ends_with("identical, PSNR ∞ dB"), "{:?}", captions(&harness));
}

#[test]
fn what_is_saved_brings_a_and_b_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let start = Start { controls: Some(short()), save_folder: Some(folder.path().to_owned()), ..Start::default() };
    let mut harness = window_in(start);
    wait(&mut harness, "the first run", finished);
    harness.get_by_label("Pin as A").click();
    harness.run_steps(3);
    set(&mut harness, 20.0, |controls| (controls.eta, controls.view.image) = (0.7, 1));
    wait(&mut harness, "B", |viewer| finished(viewer) && run(viewer).is_some_and(|run| run.controls.eta == 0.7));
    harness.run_steps(2);
    let (before, controls) = (captions(&harness), harness.state().viewer().state.controls.clone());
    let files = |viewer: &Viewer| -> Vec<PathBuf> {
        viewer.state.messages.texts().filter_map(|text| text.strip_prefix("Saved ")).map(PathBuf::from).collect()
    };
    for (count, export) in [Export::Picture, Export::Sheet, Export::Strip, Export::Gif].into_iter().enumerate() {
        harness.state_mut().viewer_mut().apply_command(&egui::Context::default(), Command::Save(export), 21.0);
        wait(&mut harness, "the file", |viewer| files(viewer).len() > count);
    }
    let saved = files(harness.state().viewer());
    let size = |path: &PathBuf| image::open(path).map(|image| (image.width(), image.height())).expect("a picture");
    // Three pictures side by side, with two pixels around and between them; eleven steps in three rows.
    assert_eq!([size(&saved[0]), size(&saved[2])], [(4 * 104, 4 * 36), (4 * (11 * 34 + 2), 4 * (3 * 34 + 2))]);
    assert_eq!(size(&saved[3]), (4 * 104, 4 * 36));
    for file in [&saved[0], &saved[3]] {
        assert!(read_recipe(file).expect("a picture").is_some());
        let mut other = window(Controls { seed: 77, ..short() });
        wait(&mut other, "another run", finished);
        other.state_mut().viewer_mut().apply_command(&egui::Context::default(), Command::Open(file.clone()), 1.0);
        wait(&mut other, "both", |viewer| {
            viewer.state.controls.eta == 0.7 && finished(viewer) && pinned(viewer).is_some_and(|run| run.finished)
        });
        other.run_steps(2);
        assert_eq!(captions(&other), before);
        assert_eq!(other.state().viewer().state.controls.view, controls.view);
        assert_eq!(controls_of_a(&other.state().viewer().state.controls), controls_of_a(&controls));
    }
    // A's model is gone: one line, and B is there.
    let mut gone = controls.clone();
    if let Some(pin) = &mut gone.view.pin {
        pin.recipe.model = "/no/such/model".to_owned();
    }
    let mut other = window(gone.clone());
    wait(&mut other, "B", finished);
    wait(&mut other, "the message", |viewer| viewer.state.messages.texts().any(|text| text.contains("/no/such/model")));
    other.run_steps(10);
    assert!(says(&other, "A cannot be computed: ") && other.state().viewer().state.controls == gone);
    assert_eq!(other.state().viewer().state.messages.texts().count(), 1);
}

#[test]
fn three_pictures_have_room_in_every_window() {
    for size in [[480.0, 360.0], [640.0, 400.0], [1280.0, 800.0], [1920.0, 1080.0]] {
        let mut harness = with_a(short());
        harness.set_size(size.into());
        harness.run_steps(3);
        let width = harness.ctx.content_rect().width();
        for name in ["A: x_0", "B: x_0"] {
            let is_it = |node: &AccessKitNode<'_>| node.label().is_some_and(|label| label.starts_with(name));
            let rect = harness.query_all(By::new().predicate(is_it)).next().expect("a picture").rect();
            assert!(rect.width() >= 40.0 && rect.right() <= width, "{name} at {size:?}: {rect:?}");
        }
        assert_eq!(harness.state().viewer().state.controls.view.tab, Tab::Trajectory);
    }
}
