//! The Fork panel: branches of one run, what they share, when the picture is decided; and steps that are given other noise.

use super::{Under, finished, run, samples, says, short, wait, window};
use eframe::egui::{self, Key};
use egui_kittest::{Harness, kittest::Queryable};
use etude::{
    app::{
        Command, Controls, Viewer,
        state::{command::Export, run_requests::Purpose, view_settings::Tab},
    },
    picture::{Picture, recipe::read_recipe},
    recipe::Recipe,
    schedule::{Fork, StepSeed},
};

fn forking() -> Controls {
    let mut controls = short();
    (controls.view.tab, controls.eta) = (Tab::Fork, 1.0);
    controls.view.fork.branches.clear();
    controls
}

fn click(harness: &mut Harness<'_, Under>, name: &str) {
    harness.get_by_label(name).click();
    harness.run_steps(2);
}

/// The end of each row.
fn ends(viewer: &Viewer) -> Vec<Picture> {
    let run = run(viewer).expect("a run");
    let end = |group: &etude::app::state::run_view::GroupView| (*group.latest.as_ref().expect("an update").after[0]).clone();
    run.groups.iter().map(end).collect()
}

/// The finished sample that the Trajectory panel makes of these controls.
fn sample_of(controls: Controls) -> Picture {
    let mut controls = controls;
    (controls.view.tab, controls.count) = (Tab::Trajectory, 1);
    let mut harness = window(controls);
    wait(&mut harness, "the run", finished);
    samples(harness.state().viewer()).remove(0)
}

#[test]
fn a_click_on_a_step_branches_off_there_and_both_rows_are_runs_of_their_own() {
    let mut harness = window(forking());
    wait(&mut harness, "the stem", finished);
    let stem = ends(harness.state().viewer()).remove(0);
    click(&mut harness, "Branch off stem at t = 500");
    wait(&mut harness, "the branch", |viewer| finished(viewer) && ends(viewer).len() == 2);
    let controls = harness.state().viewer().state.controls.clone();
    let own = Fork { t: 500, noise_seed: Some(2), ..Fork::default() };
    assert_eq!(controls.view.fork.branches, [vec![own]]);
    let both = ends(harness.state().viewer());
    assert!(both[0] == stem && both[1] != stem, "the stem stays, the branch is another picture");
    assert!(both[1] == sample_of(Controls { forks: vec![own], ..forking() }), "and is that of `etude sample --fork`");
    // A branch of the branch, with another η by hand.
    click(&mut harness, "Branch off branch 1 at t = 300");
    wait(&mut harness, "the branch of the branch", |viewer| finished(viewer) && ends(viewer).len() == 3);
    let later = Fork { t: 300, noise_seed: Some(3), ..Fork::default() };
    assert_eq!(harness.state().viewer().state.controls.view.fork.branches[1], [own, later]);
    assert!(ends(harness.state().viewer())[2] == sample_of(Controls { forks: vec![own, later], ..forking() }));
    assert!(says(&harness, "noise seed of branch 2") && says(&harness, "End of branch 2"));
    // Undo takes it away again, and the first branch is still there to see.
    harness.state_mut().viewer_mut().apply_command(&egui::Context::default(), Command::Undo, 20.0);
    wait(&mut harness, "one branch", |viewer| finished(viewer) && ends(viewer).len() == 2);
    assert!(ends(harness.state().viewer()) == both);
    // Opened, it is the run of Trajectory, which says so and leads back.
    click(&mut harness, "open branch 1 in Trajectory");
    wait(&mut harness, "Trajectory", |viewer| viewer.state.controls.view.tab == Tab::Trajectory && finished(viewer));
    assert!(samples(harness.state().viewer())[0] == both[1]);
    assert!(says(&harness, "fork 500,noise-seed=2"));
    click(&mut harness, "Back to the stem");
    wait(&mut harness, "the stem again", |viewer| viewer.state.controls.forks.is_empty() && finished(viewer));
    assert!(samples(harness.state().viewer())[0] == stem);
    // And from a step of Trajectory back to Fork.
    harness.state_mut().viewer_mut().apply_command(&egui::Context::default(), Command::Look(7), 30.0);
    harness.run_steps(2);
    click(&mut harness, "Branch here");
    let viewer = harness.state().viewer();
    assert_eq!((viewer.state.controls.view.tab, viewer.state.controls.view.fork.branches[1][0].t), (Tab::Fork, 200));
}

#[test]
fn while_eta_is_dragged_every_end_changes_and_none_is_lost() {
    let mut controls = forking();
    controls.view.fork.branches = vec![vec![Fork { t: 500, noise_seed: Some(9), ..Fork::default() }]];
    let mut harness = window(controls);
    wait(&mut harness, "the tree", finished);
    let rest = ends(harness.state().viewer());
    let (mut drafts, mut seen) = (0, Vec::new());
    for i in 1..=25 {
        harness.get_by_label(super::ETA).set_value_accesskit(1.0 - 0.02 * f64::from(i));
        for _ in 0..4 {
            harness.step();
            std::thread::sleep(std::time::Duration::from_millis(8));
            // The newest that has ended is on screen while the next is computed.
            let runs = &harness.state().viewer().state.runs;
            let ended =
                [runs.current(Purpose::Draft), runs.previous(Purpose::Draft)].into_iter().flatten().find(|run| run.finished);
            if let Some(draft) = ended.filter(|run| run.groups.len() == 2) {
                drafts += 1;
                seen.extend(draft.groups[1].latest.as_ref().map(|update| (*update.after[0]).clone()));
            }
            assert!(says(&harness, "End of branch 1"));
        }
    }
    seen.dedup();
    assert!(drafts > 5 && seen.len() > 2, "{drafts} frames with a draft of the whole tree, {} ends of its branch", seen.len());
    wait(&mut harness, "rest", |viewer| finished(viewer) && viewer.state.controls.eta == 0.5);
    let now = ends(harness.state().viewer());
    assert!(now[0] != rest[0] && now[1] != rest[1]);
}

#[test]
fn the_controls_of_a_row_change_it_and_those_that_leave_it() {
    let mut controls = forking();
    let (own, later) =
        (Fork { t: 600, noise_seed: Some(2), ..Fork::default() }, Fork { t: 300, eta: Some(0.0), ..Fork::default() });
    controls.view.fork.branches = vec![vec![own], vec![own, later]];
    let mut harness = window(controls);
    wait(&mut harness, "the tree", finished);
    for (name, text) in
        [("noise seed of branch 1", "11"), ("timestep of branch 1", "500"), ("steps of branch 2", "2"), ("η of branch 2", "0.5")]
    {
        click(&mut harness, name);
        let field = harness.get_by_label(name);
        field.focus();
        harness.step();
        harness.key_press_modifiers(egui::Modifiers::COMMAND, Key::A);
        harness.step();
        harness.event(egui::Event::Text(text.to_owned()));
        harness.step();
        harness.key_press(Key::Enter);
        harness.run_steps(3);
    }
    let branches = harness.state().viewer().state.controls.view.fork.branches.clone();
    let own = Fork { t: 500, noise_seed: Some(11), ..Fork::default() };
    assert_eq!(branches, [vec![own], vec![own, Fork { t: 300, eta: Some(0.5), steps: Some(2), ..Fork::default() }]]);
    wait(&mut harness, "the tree as it is now", |viewer| {
        finished(viewer) && run(viewer).is_some_and(|run| run.controls.view.fork.branches == branches)
    });
    click(&mut harness, "remove branch 1");
    let viewer = harness.state().viewer();
    assert_eq!(viewer.state.controls.view.fork.branches, branches[1..], "the branch that left it stays what it is");
    wait(&mut harness, "what is left", |viewer| finished(viewer) && ends(viewer).len() == 2);
    click(&mut harness, "remove all branches");
    assert!(harness.state().viewer().state.controls.view.fork.branches.is_empty());
}

#[test]
fn the_measurement_tells_when_the_picture_is_decided() {
    let mut controls = forking();
    (controls.view.fork.places, controls.view.fork.seeds) = (5, 3);
    let mut harness = window(controls);
    wait(&mut harness, "the stem", finished);
    assert!(says(&harness, "Not measured yet"));
    click(&mut harness, "measure when the picture is decided");
    let measured = |viewer: &Viewer| viewer.state.runs.current(Purpose::Decided).is_some_and(|run| run.finished);
    wait(&mut harness, "the measurement", measured);
    harness.run_steps(2);
    assert!(says(&harness, "Ends lie up to 0."));
    let run = harness.state().viewer().state.runs.current(Purpose::Decided).expect("a run");
    let apart = |group: usize| {
        let ends: Vec<&Picture> = run.groups[group].latest.as_ref().expect("done").after.iter().map(|end| &**end).collect();
        assert_eq!(ends.len(), 3);
        etude::picture::distance::mean_rms(&ends)
    };
    let apart: Vec<f64> = (1..=5).map(apart).collect();
    assert!(apart[0] > 3.0 * apart[4], "early forks come further apart: {apart:?}");
    // Without noise there is nothing to measure, and the panel says why.
    let mut still = harness.state().viewer().state.controls.clone();
    still.eta = 0.0;
    harness.state_mut().viewer_mut().change(still, 50.0);
    harness.run_steps(2);
    assert!(says(&harness, "x_T has decided the picture before the first step"));
}

#[test]
fn a_saved_branch_is_made_again_by_its_recipe() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut controls = forking();
    let own = Fork { t: 500, noise_seed: Some(9), ..Fork::default() };
    controls.view.fork.branches = vec![vec![own]];
    let mut harness = window(controls);
    harness.state_mut().viewer_mut().state.save_folder = folder.path().to_owned();
    wait(&mut harness, "the tree", finished);
    click(&mut harness, "End of branch 1");
    let end = ends(harness.state().viewer()).remove(1);
    let save = |harness: &mut Harness<'_, Under>, export, name: &str| {
        harness.state_mut().viewer_mut().apply_command(&egui::Context::default(), Command::Save(export), 5.0);
        let path = folder.path().join(name);
        wait(harness, name, |_| path.exists());
        path
    };
    let picture = save(&mut harness, Export::Picture, "etude-0001.png");
    let recipe = Recipe::from_json(read_recipe(&picture).expect("readable").expect("a recipe")).expect("valid");
    assert_eq!((recipe.forks.as_slice(), recipe.image), ([own].as_slice(), Some(0)));
    let again = Controls::from_recipe(&recipe, &Default::default()).expect("controls");
    assert!(sample_of(again) == end);
    let saved = image::open(&picture).expect("a picture").into_rgb8();
    assert!(saved.width() == saved.height() && (saved.width() as usize).is_multiple_of(end.width));
    // The whole tree, as a sheet, a strip and an animation: their recipe is the stem's, with the tree in the viewer's part.
    for (export, name) in [(Export::Sheet, "etude-0002.png"), (Export::Strip, "etude-0003.png"), (Export::Gif, "etude-0001.gif")] {
        let path = save(&mut harness, export, name);
        let recipe = Recipe::from_json(read_recipe(&path).expect("readable").expect("a recipe")).expect("valid");
        assert!(recipe.forks.is_empty(), "{name}");
        let controls = Controls::from_recipe(&recipe, &Default::default()).expect("controls");
        assert_eq!((controls.view.tab, controls.view.fork.branches), (Tab::Fork, vec![vec![own]]), "{name}");
    }
}

#[test]
fn a_chip_gives_a_step_other_noise_and_its_own_back() {
    let mut controls = forking();
    (controls.view.tab, controls.count) = (Tab::Trajectory, 1);
    let mut harness = window(controls);
    wait(&mut harness, "the run", finished);
    let before = samples(harness.state().viewer()).remove(0);
    let chips =
        |harness: &Harness<'_, Under>| harness.get_by(|node| node.label().is_some_and(|l| l.starts_with("Noise of step"))).rect();
    let rect = chips(&harness);
    // The fifth of ten.
    let at = egui::pos2(rect.left() + rect.width() * 0.45, rect.center().y);
    for pressed in [true, false] {
        harness.event(egui::Event::PointerMoved(at));
        let button =
            egui::Event::PointerButton { pos: at, button: egui::PointerButton::Primary, pressed, modifiers: Default::default() };
        harness.event(button);
        harness.step();
    }
    assert_eq!(harness.state().viewer().state.controls.step_seeds, [StepSeed::at(500, 2)]);
    wait(&mut harness, "the run with it", |viewer| {
        finished(viewer) && run(viewer).is_some_and(|run| !run.controls.step_seeds.is_empty())
    });
    assert!(samples(harness.state().viewer())[0] != before && says(&harness, "other noise in some steps"));
    // By keyboard: the first and all after it; then each its own.
    harness.get_by(|node| node.label().is_some_and(|l| l.starts_with("Noise of step"))).focus();
    harness.run_steps(3);
    harness.key_press(Key::ArrowRight);
    harness.run_steps(2);
    harness.key_press_modifiers(egui::Modifiers::SHIFT, Key::Enter);
    harness.run_steps(2);
    assert_eq!(harness.state().viewer().state.controls.step_seeds, [StepSeed { from: 800, to: 0, seed: 3 }]);
    harness.get_by_label("Back to the stem").click();
    harness.run_steps(2);
    wait(&mut harness, "the run as it was", |viewer| finished(viewer) && viewer.state.controls.step_seeds.is_empty());
    assert!(samples(harness.state().viewer())[0] == before);
    // Without noise there are no chips.
    let mut still = harness.state().viewer().state.controls.clone();
    still.eta = 0.0;
    harness.state_mut().viewer_mut().change(still, 50.0);
    wait(&mut harness, "the run without noise", |viewer| {
        finished(viewer) && run(viewer).is_some_and(|run| run.controls.eta == 0.0)
    });
    harness.step();
    assert!(!says(&harness, "Noise of step"));
}
