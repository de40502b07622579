//! The viewer, driven as a user drives it: by the names that a screen reader would say.

#[path = "../common/around.rs"]
mod around;
mod compare;
mod faults;
mod figures;
mod files;
mod fork;
mod hints;
mod hub;
#[path = "../hub/server.rs"]
mod hub_server;
mod keys;
mod live;
mod look;
mod messages;
mod panels;
mod pin;
mod presenting;
mod promises;
mod race;
mod rewind;
mod sliders;
mod slow;

use eframe::egui;
use egui_kittest::{
    Harness,
    kittest::{AccessKitNode, By, Queryable},
};
use etude::app::{
    Controls, Start, Viewer,
    state::{run_requests::Purpose, run_view::RunView},
};
use std::time::{Duration, Instant};

/// Nothing here takes longer, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// The viewer under test: it is made in the first frame, when there is a context.
pub struct Under {
    start: Option<Start>,
    viewer: Option<Viewer>,
}

impl Under {
    fn viewer(&self) -> &Viewer {
        self.viewer.as_ref().expect("made in the first frame")
    }

    fn viewer_mut(&mut self) -> &mut Viewer {
        self.viewer.as_mut().expect("made in the first frame")
    }
}

/// Controls for a short run on the CPU.
pub fn short() -> Controls {
    let mut controls = Controls { model: "fashion".to_owned(), steps: 10, seed: 1, count: 2, ..Controls::default() };
    controls.view.interpolate.seeds = [1, 2, 3, 4];
    controls.view.device = "cpu".to_owned();
    controls
}

/// A window of 1280 x 800 with these controls.
pub fn window(controls: Controls) -> Harness<'static, Under> {
    window_in(Start { controls: Some(controls), ..Start::default() })
}

/// A window that starts so.
pub fn window_in(start: Start) -> Harness<'static, Under> {
    let frame = |ui: &mut egui::Ui, under: &mut Under| {
        if let Some(start) = under.start.take() {
            under.viewer = Some(Viewer::new(ui.ctx(), start).expect("a viewer"));
        }
        let viewer = under.viewer_mut();
        viewer.logic(ui.ctx());
        viewer.ui(ui);
    };
    let under = Under { start: Some(start), viewer: None };
    Harness::builder().with_size(egui::vec2(1280.0, 800.0)).with_step_dt(1.0 / 60.0).build_ui_state(frame, under)
}

/// Draws frames until `enough`.
pub fn wait(harness: &mut Harness<'_, Under>, what: &str, enough: impl Fn(&Viewer) -> bool) {
    let start = Instant::now();
    while !enough(harness.state().viewer()) {
        let messages: Vec<_> = harness.state().viewer().state.messages.texts().map(str::to_owned).collect();
        assert!(start.elapsed() < PATIENCE, "waited for {what}; on screen: {messages:?}");
        std::thread::sleep(Duration::from_millis(3));
        harness.step();
    }
    harness.step();
}

/// The newest run of the open panel.
pub fn run(viewer: &Viewer) -> Option<&RunView> {
    viewer.state.runs.current(viewer.state.purpose())
}

/// Whether the newest run of the open panel is finished.
pub fn finished(viewer: &Viewer) -> bool {
    run(viewer).is_some_and(|run| run.finished)
}

/// The finished samples of the trajectory.
pub fn samples(viewer: &Viewer) -> Vec<etude::picture::Picture> {
    let run = viewer.state.runs.current(Purpose::Trajectory).expect("a run");
    let shown = run.at(1.0).expect("finished");
    shown.update.after.iter().map(|picture| (**picture).clone()).collect()
}

/// Whether a text is on screen, in full or as a part.
pub fn says(harness: &Harness<'_, Under>, text: &str) -> bool {
    let contains = |node: &AccessKitNode<'_>| [node.label(), node.value()].into_iter().flatten().any(|said| said.contains(text));
    harness.query_all(By::new().predicate(contains)).next().is_some()
}

const ETA: &str = "η, from deterministic to stochastic";
const STEPS: &str = "S, number of steps";
