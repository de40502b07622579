//! The presentation, and small windows.

use super::{Under, finished, run, says, short, wait, window};
use eframe::egui::{Key, Rect, Vec2, accesskit::Role};
use egui_kittest::{Harness, kittest::Queryable};
use etude::app::{
    Controls,
    state::{run_requests::Purpose, view_settings::Tab},
};

/// What a presentation enlarges everything by.
const ZOOM: f32 = 1.2;

fn press(harness: &mut Harness<'_, Under>, key: Key) {
    harness.key_press(key);
    harness.run_steps(2);
}

fn place(harness: &Harness<'_, Under>, name: &str) -> Rect {
    harness.get_by_role_and_label(Role::Image, name).rect()
}

#[test]
fn in_a_presentation_pictures_are_larger_nothing_is_cut_off_and_tabs_lead_on() {
    let screen = Vec2::new(1920.0, 1080.0);
    let mut controls = Controls { count: 8, ..short() };
    controls.view.interpolate.columns = 5;
    let mut harness = window(controls);
    for (tab, pictures) in
        [("Trajectory", ["x_0, the sample", "x_0, the sample"]), ("Interpolate", ["large picture, slerp", "large picture, lerp"])]
    {
        harness.set_size(screen);
        harness.state_mut().viewer_mut().state.presenting = false;
        harness.run_steps(2);
        harness.get_by_label(tab).click();
        harness.run_steps(2);
        wait(&mut harness, tab, finished);
        harness.run_steps(3);
        let before = pictures.map(|name| place(&harness, name).width());
        // As F11 does, but that no test enlarges: the screen has fewer points instead.
        harness.set_size(screen / ZOOM);
        harness.state_mut().viewer_mut().state.presenting = true;
        harness.run_steps(3);
        for (name, before) in pictures.iter().zip(before) {
            let now = place(&harness, name).width() * ZOOM;
            assert!(now > before, "{name}: {now} after {before}");
        }
        if tab == "Interpolate" {
            let strip = harness.get_by_label("strip of lerp").rect();
            let slider = harness.get_by_label(super::ETA).rect();
            assert!(strip.height() > 40.0 && strip.bottom() < slider.top(), "{strip:?} above {slider:?}");
        }
    }
    harness.get_by_label("Compare").click();
    harness.run_steps(2);
    assert_eq!(harness.state().viewer().state.controls.view.tab, Tab::Compare);
    harness.get_by_label("Leave").click();
    harness.run_steps(2);
    assert!(!harness.state().viewer().state.presenting);
}

#[test]
fn escape_says_what_it_does_in_a_presentation() {
    let mut harness = window(Controls { steps: 1000, ..short() });
    wait(&mut harness, "steps", |viewer| run(viewer).is_some_and(|run| run.progress().0 > 1));
    press(&mut harness, Key::F11);
    assert!(says(&harness, "Esc stops the run, then leaves"));
    press(&mut harness, Key::Escape);
    let state = &harness.state().viewer().state;
    assert!(state.presenting && state.runs.running().is_none());
    assert!(says(&harness, "Esc leaves the presentation"));
    press(&mut harness, Key::Escape);
    assert!(!harness.state().viewer().state.presenting);
}

#[test]
fn undo_is_before_redo_and_a_small_window_has_its_panels_on_one_line() {
    let mut harness = window(short());
    for size in [Vec2::new(1280.0, 800.0), Vec2::new(900.0, 600.0), Vec2::new(640.0, 480.0), Vec2::new(640.0, 400.0)] {
        harness.set_size(size);
        harness.run_steps(3);
        let rect = |name: &str| harness.get_by_label(name).rect();
        let names = ["Undo", "Redo", "Save", "Light or dark", "Presentation mode", "Keys"].map(|name| rect(name).center());
        assert!(names.windows(2).all(|two| two[0].x < two[1].x && (two[0].y - two[1].y).abs() < 4.0), "{size}: {names:?}");
        let (first, last) = (rect("Trajectory"), rect("Race"));
        assert!((first.center().y - last.center().y).abs() < 1.0 && last.right() <= size.x, "{size}");
    }
}

/// A place in a grid that is still being computed is looked at, and the grid goes on.
#[test]
fn a_click_on_an_unfinished_grid_does_not_begin_it_again() {
    let mut controls = Controls { steps: 100, ..short() };
    controls.view.tab = Tab::Interpolate;
    (controls.view.interpolate.grid, controls.view.interpolate.side) = (true, 3);
    let mut harness = window(controls);
    let between = |viewer: &etude::app::Viewer| viewer.state.runs.current(Purpose::Between).map(|run| (run.id, run.progress().0));
    wait(&mut harness, "the grid's first steps", |viewer| between(viewer).is_some_and(|(_, done)| done > 1));
    let (id, done) = between(harness.state().viewer()).expect("a run");
    let before = harness.state().viewer().state.controls.view.interpolate.position;
    let grid = harness.get_by_label("grid between four seeds, pictures").rect();
    let at = grid.min + grid.size() * Vec2::new(0.5, 0.85);
    harness.drag_at(at);
    harness.step();
    harness.drop_at(at);
    harness.run_steps(3);
    assert_ne!(harness.state().viewer().state.controls.view.interpolate.position, before, "the click moves the position");
    wait(&mut harness, "more steps", |viewer| between(viewer).is_some_and(|(_, now)| now > done + 3));
    assert_eq!(between(harness.state().viewer()).expect("a run").0, id, "the same run goes on");
}

/// A phone's window, upright: the panel has the width, η and S are below it, and all other controls come there after a click.
#[test]
fn a_tall_and_narrow_window_has_its_controls_below_the_panel() {
    let mut harness = window(Controls { count: 4, ..short() });
    let size = Vec2::new(390.0, 844.0);
    harness.set_size(size);
    wait(&mut harness, "a run", finished);
    harness.run_steps(3);
    let picture = place(&harness, "x̂0");
    assert!(picture.width() > 150.0 && picture.right() <= size.x, "{picture:?}");
    let (eta, steps) = (harness.get_by_label(super::ETA).rect(), harness.get_by_label(super::STEPS).rect());
    assert!(eta.top() > picture.bottom() && steps.top() > picture.bottom() && steps.right() <= size.x, "{eta:?} {steps:?}");
    assert!(!says(&harness, "Conventions"));
    harness.get_by_label_contains("All controls").click();
    harness.run_steps(3);
    assert!(says(&harness, "Conventions"));
    let (picture, eta) = (place(&harness, "x̂0"), harness.get_by_label(super::ETA).rect());
    assert!(picture.width() >= 96.0 && eta.top() > picture.bottom(), "{picture:?} {eta:?}");
    harness.get_by_label_contains("Fewer controls").click();
    harness.run_steps(3);
    assert!(!says(&harness, "Conventions"));
    for tab in ["Compare", "Interpolate", "Explain", "Rewind", "Fork", "Race", "Trajectory"] {
        harness.get_by_label(tab).click();
        harness.run_steps(3);
        let all = harness.get_by_label_contains("All controls").rect();
        assert!(all.right() <= size.x && all.bottom() < size.y, "{tab}: {all:?}");
    }
    // On its side it has the room for them.
    harness.set_size(Vec2::new(844.0, 390.0));
    harness.run_steps(3);
    assert!(says(&harness, "Conventions"));
}
