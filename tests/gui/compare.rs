//! The Compare panel in the real app: its scrubber, the enlarged cell, the way to Trajectory and back, what is saved.

use super::{STEPS, Under, finished, run, says, short, wait, window, window_in};
use eframe::egui::{Key, Pos2, Rect, Vec2};
use egui_kittest::{Harness, kittest::Queryable};
use etude::{
    app::{
        Controls, Start, Viewer,
        state::{
            run_requests::Purpose,
            view_settings::{Axes, Tab},
        },
    },
    picture::recipe::read_recipe,
};
use std::{fs::File, path::Path};

fn comparing() -> Controls {
    let mut controls = short();
    controls.view.tab = Tab::Compare;
    (controls.view.compare.etas, controls.view.compare.seeds) = (vec![0.0, 0.5, 1.0], 3);
    controls
}

fn of_steps() -> Controls {
    let mut controls = comparing();
    controls.view.compare.axes = Axes::StepsBySpacing;
    controls.view.compare.steps = vec![3, 4, 5, 6];
    controls
}

/// The place of the scrubber.
fn place(harness: &Harness<'_, Under>) -> usize {
    let state = &harness.state().viewer().state;
    run(harness.state().viewer()).expect("a run").stops.place(state.grid_playhead.position())
}

fn press(harness: &mut Harness<'_, Under>, key: Key) {
    harness.key_press(key);
    harness.run_steps(2);
}

fn click(harness: &mut Harness<'_, Under>, label: &str) {
    harness.get_by_label(label).click();
    harness.run_steps(3);
}

fn enlarged(harness: &Harness<'_, Under>) -> Option<[usize; 2]> {
    harness.state().viewer().state.controls.view.compare.enlarged
}

#[test]
fn keys_walk_through_the_steps_of_all_cells_and_space_plays() {
    let mut harness = window(comparing());
    wait(&mut harness, "the comparison", finished);
    assert_eq!(place(&harness), 10);
    let walk =
        [(Key::ArrowLeft, 9), (Key::ArrowLeft, 8), (Key::ArrowRight, 9), (Key::Home, 0), (Key::ArrowLeft, 0), (Key::End, 10)];
    for (key, expected) in walk {
        press(&mut harness, key);
        assert_eq!(place(&harness), expected, "{key:?}");
    }
    press(&mut harness, Key::Home);
    assert!(says(&harness, "x_T"));
    press(&mut harness, Key::ArrowRight);
    assert!(says(&harness, "step 1 of 10, t = 800") && says(&harness, "bit for bit"));
    press(&mut harness, Key::Space);
    wait(&mut harness, "the cells to move", |viewer| viewer.state.grid_playhead.at > 0.4);
    press(&mut harness, Key::Space);
    assert!(!harness.state().viewer().state.grid_playhead.playing);
    // The trajectory's own place is another.
    assert_eq!(harness.state().viewer().state.playhead.at, 1.0);
    let rail = harness.get_by_label("Scrubber, step shown").rect();
    let to = |part: f32| Pos2::new(rail.left() + 10.0 + (rail.width() - 20.0) * part, rail.center().y);
    harness.drag_at(to(0.9));
    harness.step();
    harness.hover_at(to(0.31));
    harness.run_steps(2);
    harness.drop_at(to(0.31));
    harness.run_steps(2);
    assert_eq!(place(&harness), 3);
}

/// The scrubber can be moved while the grid is computed, and at its end it follows the run.
#[test]
fn the_scrubber_follows_the_run_while_it_is_computed() {
    let mut harness = window(Controls { steps: 100, ..comparing() });
    wait(&mut harness, "some steps", |viewer| {
        run(viewer)
            .is_some_and(|run| !run.groups.is_empty() && run.groups.iter().all(|g| g.latest.as_ref().is_some_and(|u| u.index > 2)))
    });
    press(&mut harness, Key::Home);
    press(&mut harness, Key::ArrowRight);
    assert_eq!(place(&harness), 1);
    let kept = |viewer: &Viewer| run(viewer).expect("a run").after_steps(2, 1).expect("it is kept").1.index;
    assert_eq!(kept(harness.state().viewer()), 0);
}

#[test]
fn a_cell_is_enlarged_by_mouse_and_keys_and_escape_closes_it_before_it_cancels() {
    let mut harness = window(Controls { steps: 1000, ..comparing() });
    wait(&mut harness, "some steps", |viewer| run(viewer).is_some_and(|run| run.progress().0 > 2));
    let id = run(harness.state().viewer()).expect("a run").id;
    click(&mut harness, "η = 0.5, noise seed 2");
    assert_eq!(enlarged(&harness), Some([1, 1]));
    assert!(says(&harness, "Large picture: η = 0.5, noise seed 2") && says(&harness, "noise seed 2, η = 0.5, S = 1000"));
    harness.get_by_label("η = 1, noise seed 3");
    press(&mut harness, Key::Escape);
    let now = run(harness.state().viewer()).expect("a run");
    assert_eq!((enlarged(&harness), now.cancelled, now.id), (None, false, id), "the grid goes on");
    // By keys alone: Tab comes to the cells, Enter opens and closes.
    harness.get_by_label("η = 0, noise seed 2").focus();
    harness.run_steps(2);
    press(&mut harness, Key::Enter);
    assert_eq!(enlarged(&harness), Some([0, 1]));
    press(&mut harness, Key::Tab);
    press(&mut harness, Key::Enter);
    assert_eq!(enlarged(&harness), Some([0, 2]), "the next cell");
    press(&mut harness, Key::Enter);
    assert_eq!(enlarged(&harness), None);
    press(&mut harness, Key::Escape);
    assert!(run(harness.state().viewer()).expect("a run").cancelled);
}

#[test]
fn a_cell_opens_in_trajectory_and_the_grid_is_there_when_one_comes_back() {
    let mut harness = window(comparing());
    wait(&mut harness, "the comparison", finished);
    let (id, grid) = (run(harness.state().viewer()).expect("a run").id, harness.state().viewer().state.controls.clone());
    let open = |harness: &mut Harness<'_, Under>| {
        if enlarged(harness).is_none() {
            click(harness, "η = 0.5, noise seed 3");
        }
        click(harness, "Open in Trajectory");
        let controls = &harness.state().viewer().state.controls;
        assert_eq!((controls.view.tab, controls.eta, controls.noise_seed), (Tab::Trajectory, 0.5, 3));
    };
    let is_back = |harness: &Harness<'_, Under>, id: u64| {
        let state = &harness.state().viewer().state;
        assert_eq!((state.controls.noise_seed, state.controls.view.tab, enlarged(harness)), (1, Tab::Compare, Some([1, 2])));
        let run = state.runs.current(Purpose::Compare).expect("a run");
        assert!(run.id == id && run.finished && state.runs.running().is_none(), "nothing is computed again");
    };
    press(&mut harness, Key::Home);
    for _ in 0..4 {
        press(&mut harness, Key::ArrowRight);
    }
    open(&mut harness);
    wait(&mut harness, "the trajectory", finished);
    assert_eq!(harness.state().viewer().state.shown().expect("shown").position(), 4, "at the step that the grid showed");
    click(&mut harness, "← Back to the grid");
    is_back(&harness, id);
    assert_eq!(place(&harness), 4);
    // The tab and undo lead there, too.
    open(&mut harness);
    wait(&mut harness, "the trajectory", finished);
    press(&mut harness, Key::F2);
    is_back(&harness, id);
    for _ in 0..60 {
        harness.step();
    }
    open(&mut harness);
    wait(&mut harness, "the trajectory", finished);
    click(&mut harness, "Undo");
    is_back(&harness, id);
    // With another control the panel has another grid, and there is no way back to the one before; undo brings it as it was.
    for _ in 0..60 {
        harness.step();
    }
    open(&mut harness);
    wait(&mut harness, "the trajectory", finished);
    press(&mut harness, Key::Num7);
    press(&mut harness, Key::F2);
    wait(&mut harness, "another grid", |viewer| finished(viewer) && run(viewer).is_some_and(|run| run.id != id));
    assert_eq!(harness.state().viewer().state.controls.noise_seed, 3);
    press(&mut harness, Key::F1);
    assert!(harness.query_by_label("← Back to the grid").is_none());
    let back = Controls { view: etude::app::state::view_settings::ViewSettings { tab: Tab::Compare, ..grid.view.clone() }, ..grid };
    harness.state_mut().viewer_mut().change(back, 1e6);
    harness.run_steps(2);
    let state = &harness.state().viewer().state;
    let run = state.runs.current(Purpose::Compare).expect("a run");
    assert!(run.finished && run.controls.noise_seed == 1 && run.progress() == (30, 30), "it was kept");
}

fn saved(harness: &mut Harness<'_, Under>, folder: &Path, entry: &str) -> std::path::PathBuf {
    let files = |folder: &Path| -> Vec<_> {
        let all = std::fs::read_dir(folder).expect("a folder").map(|file| file.expect("readable").path());
        all.filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("etude-"))).collect()
    };
    let before = files(folder);
    click(harness, "Save");
    click(harness, entry);
    wait(harness, "the file", |_| files(folder).len() > before.len());
    files(folder).into_iter().find(|path| !before.contains(path)).expect("a new file")
}

#[test]
fn the_grid_is_saved_over_its_steps_with_its_labels_and_its_recipe() {
    let folder = tempfile::tempdir().expect("a folder");
    for (controls, frames) in [(comparing(), 11), (of_steps(), 0)] {
        let start = Start { controls: Some(controls.clone()), save_folder: Some(folder.path().to_owned()), ..Start::default() };
        let mut harness = window_in(start);
        wait(&mut harness, "the comparison", finished);
        let frames = if frames == 0 { run(harness.state().viewer()).expect("a run").stops.last() + 1 } else { frames };
        let path = saved(&mut harness, folder.path(), "Animation (GIF)");
        let recipe: etude::recipe::Recipe =
            serde_json::from_str(&read_recipe(&path).expect("a GIF").expect("a recipe")).expect("understood");
        let restored = Controls::from_recipe(&recipe, &Controls::default().view).expect("controls");
        assert_eq!(restored.view.compare, controls.view.compare);
        let decoder =
            image::codecs::gif::GifDecoder::new(std::io::BufReader::new(File::open(&path).expect("readable"))).expect("a GIF");
        let pictures: Vec<_> =
            image::AnimationDecoder::into_frames(decoder).map(|frame| frame.expect("a frame").into_buffer()).collect();
        assert_eq!(pictures.len(), frames);
        assert!(pictures.windows(2).all(|pair| pair[0] != pair[1]), "every step is another picture");
        // The labels at the left and above are there in all frames, and the same.
        let label =
            |of: &image::RgbaImage| -> Vec<u8> { image::imageops::crop_imm(of, 0, 0, of.width(), 24).to_image().into_raw() };
        let first = label(&pictures[0]);
        assert!(first.iter().collect::<std::collections::BTreeSet<_>>().len() > 10, "letters with soft edges");
        assert!(pictures.iter().all(|picture| label(picture) == first));
        // A sheet has them as well, at the place of the scrubber.
        press(&mut harness, Key::Home);
        let sheet = saved(&mut harness, folder.path(), "All pictures (PNG)");
        let sheet = image::open(&sheet).expect("a PNG").into_rgba8();
        assert_eq!(sheet.dimensions(), pictures[0].dimensions());
        assert!(sheet == pictures[0], "x_T, with the same labels");
    }
}

#[test]
fn the_enlarged_cell_is_saved_with_what_makes_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let start = Start { controls: Some(comparing()), save_folder: Some(folder.path().to_owned()), ..Start::default() };
    let mut harness = window_in(start);
    wait(&mut harness, "the comparison", finished);
    click(&mut harness, "η = 0.5, noise seed 3");
    let path = saved(&mut harness, folder.path(), "Picture (PNG)");
    let recipe: etude::recipe::Recipe =
        serde_json::from_str(&read_recipe(&path).expect("a PNG").expect("a recipe")).expect("understood");
    assert_eq!((recipe.eta, recipe.noise_seed, recipe.image), (0.5, 3, Some(0)));
    let viewer = harness.state().viewer();
    let sample = run(viewer).expect("a run").groups[1].latest.as_ref().expect("an update").after[2].clone();
    let sample = sample.scaled(256 / sample.width);
    assert_eq!(image::open(&path).expect("a PNG").into_rgb8().into_raw(), sample.bytes());
}

/// The cells are as large as the room allows, whatever the window, and the S that has no effect there cannot be set.
#[test]
fn a_grid_of_s_and_tau_fills_the_panel() {
    for size in [Vec2::new(1280.0, 800.0), Vec2::new(1920.0, 1080.0)] {
        let mut harness = window(of_steps());
        harness.set_size(size);
        wait(&mut harness, "the comparison", finished);
        harness.run_steps(3);
        let cells: Vec<Rect> = [3, 4, 5, 6]
            .into_iter()
            .flat_map(|steps| ["linear", "quadratic", "trailing"].map(|tau| format!("S = {steps}, τ {tau}")))
            .map(|cell| harness.get_by_label(&cell).rect())
            .collect();
        let all = cells.iter().fold(Rect::NOTHING, |all, cell| all.union(*cell));
        let sentence = harness.get_by_label_contains("Every picture starts from the same x_T").rect();
        assert!(sentence.top() - all.bottom() < 40.0 || size.x - all.right() < 24.0, "{size}: {all}, {sentence}");
        assert!(sentence.bottom() < size.y - 30.0, "all of it is in sight: {sentence}");
        let area: f32 = cells.iter().map(|cell| cell.area()).sum();
        // Of the window, bars and controls included.
        assert!(area > 0.29 * size.x * size.y, "{size}: {area}");
        assert!(harness.query_by_label(STEPS).is_none() && says(&harness, "S: the grid's own"));
    }
    let mut harness = window(comparing());
    harness.step();
    harness.get_by_label(STEPS);
}
