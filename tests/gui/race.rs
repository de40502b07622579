//! The Race panel: two samplers from one x_T by equal time of the device.

use super::{Under, finished, run, says, short, slow::Slow, wait, window, window_in};
use eframe::egui::{self, Key, Modifiers, accesskit::Role};
use egui_kittest::{Harness, kittest::Queryable};
use etude::{
    app::{
        Command, Controls, Start, Viewer,
        state::{
            command::Export,
            race::{Method, Racer},
            run_requests::Purpose,
            run_view::RunView,
            view_settings::Tab,
        },
    },
    picture::{Picture, recipe::read_recipe},
};
use std::{path::PathBuf, time::Duration};

const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// The panel with sides of so many steps.
fn racing(steps: [usize; 2]) -> Controls {
    let mut controls = short();
    controls.view.tab = Tab::Race;
    for (side, steps) in controls.view.race.sides.iter_mut().zip(steps) {
        side.steps = steps;
    }
    controls
}

fn race(viewer: &Viewer) -> Option<&RunView> {
    viewer.state.runs.current(Purpose::Race)
}

fn is_over(viewer: &Viewer) -> bool {
    race(viewer).is_some_and(|run| run.finished)
}

fn taken(viewer: &Viewer) -> [usize; 2] {
    let groups = race(viewer).map(|run| &run.groups);
    [0, 1].map(|side| groups.and_then(|groups| groups.get(side)?.latest.as_ref()).map_or(0, |update| update.index + 1))
}

fn end(viewer: &Viewer, side: usize) -> Picture {
    let update = race(viewer).and_then(|run| run.groups[side].latest.as_ref()).expect("an update");
    assert_eq!(update.index + 1, update.total);
    (*update.after[0]).clone()
}

fn set(harness: &mut Harness<'_, Under>, time: f64, change: impl FnOnce(&mut Controls)) {
    let mut controls = harness.state().viewer().state.controls.clone();
    change(&mut controls);
    harness.state_mut().viewer_mut().change(controls, time);
    harness.run_steps(2);
}

#[test]
fn nothing_starts_by_itself_and_both_end_as_they_would_alone() {
    let mut harness = window(racing([4, 9]));
    harness.run_steps(30);
    assert!(race(harness.state().viewer()).is_none() && says(&harness, "Press Start to see it"));
    assert!(says(&harness, "not started") && says(&harness, "DDIM S = 4, η = 0") && says(&harness, "DDPM S = 9, η = 1"));
    harness.get_by_label("Start").click();
    harness.run_steps(2);
    wait(&mut harness, "the race", is_over);
    harness.run_steps(2);
    assert!(says(&harness, "times faster: ") || says(&harness, "equally fast"));
    assert!(says(&harness, "step 4 of 4, 4 evaluations of the network") && says(&harness, "step 9 of 9, 9 evaluations"));
    let ends = [0, 1].map(|side| end(harness.state().viewer(), side));
    assert!(says(&harness, "finished in "));
    for (side, (steps, eta)) in [(4, 0.0), (9, 1.0)].into_iter().enumerate() {
        let mut alone = window(Controls { steps, eta, count: 1, ..short() });
        wait(&mut alone, "the run", finished);
        assert!(super::samples(alone.state().viewer())[0] == ends[side], "side {side}");
    }
    // What is large can be exchanged.
    harness.get_by_label("show x_t large").click();
    harness.run_steps(2);
    assert!(
        harness.state().viewer().state.controls.view.race.noisy && is_over(harness.state().viewer()),
        "nothing is computed again"
    );
    // Again from the start, to the same.
    let first = race(harness.state().viewer()).expect("a race").id;
    harness.get_by_label("Again").click();
    harness.run_steps(2);
    wait(&mut harness, "the second race", |viewer| is_over(viewer) && race(viewer).is_some_and(|run| run.id > first));
    assert!([0, 1].map(|side| end(harness.state().viewer(), side)) == ends);
}

#[test]
fn the_device_is_shared_by_equal_time_until_one_is_done_and_the_quotient_is_told() {
    let step = ms(10);
    let mut slow = Slow::new(racing([5, 40]), step);
    slow.frames(ms(100), |_| ());
    assert_eq!(slow.time.steps(), 0, "nothing starts by itself");
    slow.harness.get_by_label("Start").click();
    let mut shared = 0;
    slow.until("the end", Duration::from_secs(3), |slow| {
        let viewer = slow.harness.state().viewer();
        let [a, b] = taken(viewer);
        if let Some(run) = race(viewer)
            && a < 5
        {
            let apart = (run.growth.seconds(0) - run.growth.seconds(1)).abs();
            assert!(apart <= step.as_secs_f64() + 1e-9, "A {a}, B {b}: {apart} s apart");
        } else if b < 40 && race(viewer).is_some() {
            assert!(says(&slow.harness, "A finished in 0.05 s; B has had ") || says(&slow.harness, "finished in 0.05 s"));
        }
        is_over(viewer)
    });
    slow.frame();
    let run = race(slow.harness.state().viewer()).expect("a race");
    for at in 1..=5 {
        let at = f64::from(at) * 2.0 * step.as_secs_f64();
        let both = [0, 1].map(|side| run.growth.at(side, at).map_or(0, |moment| moment.update.index + 1));
        shared += usize::from(both[0] == both[1]);
    }
    assert_eq!(shared, 5, "both had taken as many steps whenever both had had the device");
    assert!(says(&slow.harness, "A was 8.0 times faster: 0.05 s against 0.40 s."));
    // Both, and the one that counts for nobody.
    assert_eq!(slow.time.steps(), 46);
}

#[test]
fn a_race_can_be_stopped_and_a_changed_setting_stops_it() {
    let mut slow = Slow::new(racing([20, 400]), ms(10));
    slow.frames(ms(50), |_| ());
    slow.harness.key_press(Key::F7);
    slow.harness.key_press_modifiers(Modifiers::COMMAND, Key::R);
    slow.until("some steps", Duration::from_secs(2), |slow| taken(slow.harness.state().viewer())[1] > 3);
    slow.harness.get_by_label("Stop").click();
    slow.frames(ms(60), |_| ());
    let stopped = taken(slow.harness.state().viewer());
    slow.frames(ms(200), |_| ());
    assert_eq!(taken(slow.harness.state().viewer()), stopped);
    assert!(says(&slow.harness, "Stopped.") && says(&slow.harness, "Neither has finished."));
    slow.harness.get_by_label("Again").click();
    slow.frames(ms(200), |_| ());
    assert!(race(slow.harness.state().viewer()).is_some_and(RunView::is_running));
    // Other settings for one side, while it runs.
    set(&mut slow.harness, 50.0, |controls| controls.view.race.sides[1] = Racer { method: Method::SigmaHat, steps: 6, eta: 0.0 });
    slow.frames(ms(50), |_| ());
    assert!(says(&slow.harness, "Stopped: the settings have changed."));
    assert!(race(slow.harness.state().viewer()).is_some_and(|run| run.cancelled));
    slow.frames(ms(300), |_| ());
    slow.harness.get_by_label("Again").click();
    slow.until("the end", Duration::from_secs(3), |slow| is_over(slow.harness.state().viewer()));
    slow.frame();
    assert!(says(&slow.harness, "DDPM S = 6, σ̂") && says(&slow.harness, "B was 3.3 times faster"));
    // What is large, a lock, the panel: none of them stops it.
    slow.harness.get_by_label("Again").click();
    slow.frames(ms(40), |_| ());
    set(&mut slow.harness, 60.0, |controls| (controls.view.race.noisy, controls.view.seed_locked) = (true, true));
    slow.until("the end", Duration::from_secs(3), |slow| is_over(slow.harness.state().viewer()));
    slow.harness.key_press(Key::Escape);
    slow.frame();
    assert!(is_over(slow.harness.state().viewer()));
    // Undone, the settings are the given ones again.
    for _ in 0..2 {
        slow.harness.state_mut().viewer_mut().apply_command(&egui::Context::default(), Command::Undo, 90.0);
    }
    assert_eq!(slow.harness.state().viewer().state.controls.view.race, racing([20, 400]).view.race);
}

#[test]
fn a_race_goes_on_while_another_panel_has_what_it_needs_and_gives_way_where_it_has_not() {
    let mut controls = Controls { count: 1, ..short() };
    controls.view.ahead = false;
    controls.view.race.sides[0].steps = 10;
    controls.view.race.sides[1].steps = 300;
    let mut slow = Slow::opened(controls, ms(10));
    slow.harness.key_press(Key::F7);
    slow.frame();
    slow.harness.get_by_label("Start").click();
    slow.until("some steps", Duration::from_secs(2), |slow| taken(slow.harness.state().viewer())[1] > 2);
    slow.harness.key_press(Key::F1);
    slow.frames(ms(100), |_| ());
    let before = taken(slow.harness.state().viewer());
    slow.frames(ms(300), |_| ());
    assert!(taken(slow.harness.state().viewer()) > before, "the trajectory is there: the race has the device");
    slow.harness.key_press(Key::Num5);
    slow.frames(ms(600), |_| ());
    assert!(race(slow.harness.state().viewer()).is_some_and(|run| run.displaced));
    assert!(run(slow.harness.state().viewer()).is_some_and(|run| run.finished && run.controls.eta == 0.5));
    slow.harness.key_press(Key::F7);
    slow.frames(ms(300), |_| ());
    assert!(says(&slow.harness, "Stopped: "), "it does not begin again by itself");
    slow.harness.get_by_label("Again");
}

#[test]
fn the_settings_of_either_side_are_in_the_panel() {
    let mut harness = window(racing([20, 1000]));
    harness.run_steps(3);
    assert!(says(&harness, "η and S: one per side"));
    harness.get_by_label("S of A").set_value_accesskit(12.0);
    harness.run_steps(2);
    harness.get_by_label("η of A").set_value_accesskit(0.25);
    harness.run_steps(2);
    harness.get_by_role_and_label(Role::ComboBox, "B").click();
    harness.run_steps(3);
    harness.get_by_label("preset ddpm").click();
    harness.run_steps(3);
    let sides = harness.state().viewer().state.controls.view.race.sides.clone();
    assert_eq!(sides[0], Racer { method: Method::Eta, steps: 12, eta: 0.25 });
    assert_eq!((sides[1].method, sides[1].steps), (Method::Ddpm, 1000));
    assert!(says(&harness, "DDPM S = 1000, preset ddpm") && harness.query_by_label("η of B").is_none());
    // A model of fewer timesteps, or none at all, is one line.
    set(&mut harness, 30.0, |controls| controls.model = "gone".to_owned());
    assert!(race(harness.state().viewer()).is_none());
    harness.key_press_modifiers(Modifiers::COMMAND, Key::R);
    harness.run_steps(2);
    wait(&mut harness, "the refusal", |viewer| viewer.state.messages.texts().any(|text| text.contains("gone")));
    assert_ne!(harness.state().viewer().state.controls.model, "gone");
}

#[test]
fn what_is_saved_brings_the_settings_back_and_starts_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let start = Start { controls: Some(racing([4, 12])), save_folder: Some(folder.path().to_owned()), ..Start::default() };
    let mut harness = window_in(start);
    harness.run_steps(2);
    harness.state_mut().viewer_mut().apply_command(&egui::Context::default(), Command::Save(Export::Gif), 1.0);
    harness.run_steps(2);
    assert!(says(&harness, "save: expected pictures on screen"));
    harness.get_by_label("Start").click();
    harness.run_steps(2);
    wait(&mut harness, "the race", is_over);
    let files = |viewer: &Viewer| -> Vec<PathBuf> {
        viewer.state.messages.texts().filter_map(|text| text.strip_prefix("Saved ")).map(PathBuf::from).collect()
    };
    for (count, export) in [Export::Gif, Export::Picture, Export::Sheet, Export::Strip].into_iter().enumerate() {
        harness.state_mut().viewer_mut().apply_command(&egui::Context::default(), Command::Save(export), 2.0);
        wait(&mut harness, "the file", |viewer| files(viewer).len() > count);
    }
    let saved = files(harness.state().viewer());
    assert!(saved[0].extension().is_some_and(|end| end == "gif") && saved.len() == 4);
    harness.state_mut().viewer_mut().apply_command(&egui::Context::default(), Command::Save(Export::Apng), 2.0);
    let animated = folder.path().join("etude-0001.apng");
    wait(&mut harness, "the file", |_| animated.exists());
    for file in [&saved[0], &saved[1], &animated] {
        assert!(read_recipe(file).expect("a picture").is_some());
        let mut other = window(short());
        wait(&mut other, "its run", finished);
        other.state_mut().viewer_mut().apply_command(&egui::Context::default(), Command::Open(file.clone()), 1.0);
        wait(&mut other, "the recipe", |viewer| viewer.state.controls.view.tab == Tab::Race);
        other.run_steps(20);
        assert_eq!(other.state().viewer().state.controls.view.race, harness.state().viewer().state.controls.view.race);
        assert!(race(other.state().viewer()).is_none());
        other.get_by_label("Start").click();
        wait(&mut other, "the same race", is_over);
        for side in 0..2 {
            assert!(end(other.state().viewer(), side) == end(harness.state().viewer(), side));
        }
    }
}

#[test]
fn the_panel_fits_every_window_before_and_after_the_race() {
    for (size, theme) in
        [([480.0, 360.0], "light"), ([640.0, 400.0], "dark"), ([1280.0, 800.0], "dark"), ([1920.0, 1080.0], "light")]
    {
        let mut harness = window(racing([2, 5]));
        harness.set_size(size.into());
        harness.ctx.set_theme(if theme == "light" { egui::ThemePreference::Light } else { egui::ThemePreference::Dark });
        harness.run_steps(5);
        harness.get_by_label("Start").click();
        harness.run_steps(2);
        wait(&mut harness, "the race", is_over);
        harness.run_steps(2);
        assert!(harness.state().viewer().state.messages.texts().next().is_none(), "{size:?}");
    }
}
