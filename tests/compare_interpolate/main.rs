//! The panels Compare and Interpolate, by what a screen reader says of their widgets, with pictures computed on the CPU.

mod runs;

use eframe::egui::{self, Key, Pos2, Vec2};
use egui_kittest::{
    Harness, HarnessBuilder,
    kittest::{NodeT, Queryable},
};
use etude::app::{
    Command, Controls,
    panels::{compare, interpolate},
    state::{
        playhead::Playhead,
        run_requests::Purpose,
        run_view::RunView,
        view_settings::{Axes, Tab},
    },
    widgets::{fonts::install_fonts, texture_cache::TextureCache},
};
use runs::{computed, computed_until, planned, sample};

/// A panel, with what it is given and what came out of it.
#[derive(Default)]
struct Panel {
    draft: Controls,
    textures: TextureCache,
    playback: interpolate::Playback,
    playhead: Playhead,
    run: Option<RunView>,
    previous: Option<RunView>,
    point: Option<RunView>,
    command: Option<Command>,
}

impl Panel {
    fn new(draft: Controls, run: Option<RunView>) -> Self {
        Self { draft, run, ..Self::default() }
    }

    fn ui(&mut self, ui: &mut egui::Ui) {
        self.textures.tidy();
        let (run, previous) = (self.run.as_ref(), self.previous.as_ref());
        let command = if self.draft.view.tab == Tab::Compare {
            let view = compare::View { run, previous, train_timesteps: 1000 };
            compare::compare_following_ui(ui, &view, None, &self.playhead, &mut self.draft, &mut self.textures)
        } else {
            let time = ui.input(|i| i.time);
            let view =
                interpolate::View { between: run, previous, point: self.point.as_ref(), point_previous: None, draft: None, time };
            interpolate::interpolate_ui(ui, &view, &mut self.draft, &mut self.playback, &mut self.textures)
        };
        self.command = command.or(self.command.take());
    }

    fn harness(self, size: [f32; 2]) -> Harness<'static, Self> {
        self.themed(size, egui::Theme::Light, 1.0)
    }

    /// As [`Self::harness`], and it can be rendered.
    fn drawn(self, size: [f32; 2]) -> Harness<'static, Self> {
        self.built(Harness::builder().wgpu(), size, egui::Theme::Light, 1.0)
    }

    fn themed(self, size: [f32; 2], theme: egui::Theme, scale: f32) -> Harness<'static, Self> {
        self.built(Harness::builder(), size, theme, scale)
    }

    fn built(self, builder: HarnessBuilder<Self>, size: [f32; 2], theme: egui::Theme, scale: f32) -> Harness<'static, Self> {
        let builder =
            builder.with_size(Vec2::from(size)).with_theme(theme).with_pixels_per_point(scale).with_context_setup(install_fonts);
        let ui = |ui: &mut egui::Ui, panel: &mut Self| {
            egui::CentralPanel::default().show(ui, |ui| panel.ui(ui));
        };
        let mut harness = builder.build_ui_state(ui, self);
        harness.run_steps(3);
        harness
    }

    fn used(&self) -> &Controls {
        match &self.command {
            Some(Command::Use(controls) | Command::OpenCell(controls, _)) => controls,
            other => panic!("expected controls, got {other:?}"),
        }
    }
}

const WIDE: [f32; 2] = [960.0, 700.0];

fn comparing(steps: usize) -> Controls {
    let mut controls = Controls { model: "fashion".to_owned(), steps, noise_seed: 7, ..Controls::default() };
    controls.view.tab = Tab::Compare;
    controls.view.compare.sigma_hat = true;
    controls
}

fn interpolating(steps: usize) -> Controls {
    let mut controls = Controls { model: "fashion".to_owned(), steps, ..Controls::default() };
    controls.view.interpolate.seeds = [1, 2, 3, 4];
    controls.view.tab = Tab::Interpolate;
    controls
}

fn click(harness: &mut Harness<'static, Panel>, label: &str) {
    harness.get_by_label(label).click();
    harness.run_steps(2);
}

#[test]
fn without_noise_all_columns_are_the_same_picture_and_the_panel_says_so() {
    let controls = comparing(5);
    let run = computed(1, Purpose::Compare, &controls);
    let first = sample(&run, 0, 0);
    assert!((1..6).all(|column| sample(&run, 0, column) == first), "the row of η = 0");
    assert_ne!(sample(&run, 3, 0), sample(&run, 3, 1), "the row of η = 1");
    assert_eq!(run.groups[0].latest.as_ref().and_then(|f| f.spread.as_ref()).map(|s| s.mean), Some(0.0));
    let harness = Panel::new(controls, Some(run)).harness(WIDE);
    harness.get_by_label_contains("all 6 columns are the same picture, bit for bit");
    harness.get_by_label("spread of row η = 0: mean 0.000");
}

#[test]
fn a_row_that_differs_is_not_called_the_same() {
    let controls = comparing(3);
    let mut run = computed(1, Purpose::Compare, &controls);
    let mut update = (**run.groups[0].latest.as_ref().expect("an update")).clone();
    update.spread.as_mut().expect("a spread").mean = 1e-6;
    run.groups[0].latest = Some(update.into());
    let harness = Panel::new(controls, Some(run)).harness(WIDE);
    assert!(harness.query_by_label_contains("bit for bit").is_none());
    harness.get_by_label_contains("should be the same picture, and are not");
}

/// Opens the cell with this name in the panel Trajectory.
fn open(harness: &mut Harness<'static, Panel>, cell: &str) {
    click(harness, cell);
    click(harness, "Open in Trajectory");
}

#[test]
fn a_click_enlarges_a_cell_keeps_the_grid_and_leads_to_exactly_what_makes_it() {
    let mut controls = comparing(4);
    controls.view.image = 2;
    let run = computed(1, Purpose::Compare, &controls);
    let shown = sample(&run, 2, 3);
    let mut harness = Panel::new(controls, Some(run)).harness(WIDE);
    assert!(harness.query_by_label("Open in Trajectory").is_none());
    click(&mut harness, "η = 0.5, noise seed 10");
    assert!(harness.state().command.is_none(), "the grid stays");
    assert_eq!(harness.state().draft.view.compare.enlarged, Some([2, 3]));
    let large = harness.get_by_label("Large picture: η = 0.5, noise seed 10").rect();
    let cells = ["η = 0, noise seed 7", "η = 0.5, noise seed 10", "σ̂, noise seed 12"].map(|cell| harness.get_by_label(cell).rect());
    assert!(cells.iter().all(|cell| cell.width() * 2.0 < large.width() && !cell.intersects(large)), "{large} {cells:?}");
    harness.get_by_label_contains("seed 32, image 2, noise seed 10, η = 0.5, S = 4");
    click(&mut harness, "Open in Trajectory");
    let used = harness.state().used();
    assert_eq!((used.eta, used.sigma_hat, used.noise_seed, used.view.image), (0.5, false, 10, 2));
    assert_eq!(used.view.tab, Tab::Trajectory);
    assert_eq!(sample(&computed(2, Purpose::Trajectory, used), 0, 2), shown);
    open(&mut harness, "σ̂, noise seed 7");
    assert!(harness.state().used().sigma_hat);
    // A click on it again, or the button, closes it.
    click(&mut harness, "σ̂, noise seed 7");
    assert_eq!(harness.state().draft.view.compare.enlarged, None);
    click(&mut harness, "σ̂, noise seed 7");
    click(&mut harness, "Close the large picture");
    assert_eq!(harness.state().draft.view.compare.enlarged, None);
}

#[test]
fn a_cell_is_enlarged_wherever_the_room_is() {
    let controls = comparing(2);
    let run = computed(1, Purpose::Compare, &controls);
    for size in [[1600.0, 860.0], [960.0, 640.0], [640.0, 700.0], [420.0, 500.0]] {
        let mut harness = Panel::new(controls.clone(), Some(run.clone())).harness(size);
        let before = harness.get_by_label("η = 0.2, noise seed 8").rect();
        click(&mut harness, "η = 0.2, noise seed 8");
        let (cell, large) = (
            harness.get_by_label("η = 0.2, noise seed 8").rect(),
            harness.get_by_label("Large picture: η = 0.2, noise seed 8").rect(),
        );
        assert!(large.width() > 1.9 * cell.width() && cell.width() >= 44.0, "{size:?}: {before} {cell} {large}");
    }
}

#[test]
fn a_cell_that_is_opened_leaves_what_no_picture_depends_on() {
    let controls = comparing(4);
    let run = computed(1, Purpose::Compare, &controls);
    let mut draft = controls;
    draft.view.seed_locked = true;
    draft.view.interpolate.columns = 17;
    let mut harness = Panel::new(draft, Some(run)).harness(WIDE);
    open(&mut harness, "η = 0.5, noise seed 10");
    let used = harness.state().used();
    assert!(used.view.seed_locked && used.view.interpolate.columns == 17 && used.noise_seed == 10);
}

#[test]
fn a_cell_of_steps_and_spacings_can_be_opened_too() {
    let mut controls = comparing(50);
    controls.view.compare.axes = Axes::StepsBySpacing;
    controls.view.compare.steps = vec![2, 5];
    let run = computed(1, Purpose::Compare, &controls);
    let shown = sample(&run, 5, 0);
    let mut harness = Panel::new(controls, Some(run)).harness(WIDE);
    open(&mut harness, "S = 5, τ trailing");
    let used = harness.state().used();
    assert_eq!((used.steps, used.spacing.as_ref().map(ToString::to_string)), (5, Some("trailing".to_owned())));
    assert_eq!(sample(&computed(2, Purpose::Trajectory, used), 0, 0), shown);
}

/// What a picture of 32 x 32 pixels looks like on screen, at the middle of each of its pixels.
fn pixels(harness: &mut Harness<'static, Panel>, label: &str) -> Vec<[u8; 4]> {
    let rect = harness.get_by_label(label).rect();
    let screen = harness.render().expect("a picture of the window");
    // The outermost pixels may be under a frame.
    let middle = |from: f32, side: f32, i: usize| (from + side * (i as f32 + 0.5) / 32.0) as u32;
    let at = |x: usize, y: usize| screen.get_pixel(middle(rect.left(), rect.width(), x), middle(rect.top(), rect.height(), y)).0;
    (1..31).flat_map(|y| (1..31).map(move |x| (x, y))).map(|(x, y)| at(x, y)).collect()
}

fn scrub_to(harness: &mut Harness<'static, Panel>, at: f64) {
    harness.state_mut().playhead.at = at;
    harness.run_steps(2);
}

#[test]
fn the_scrubber_takes_all_cells_from_x_t_to_their_samples() {
    let controls = comparing(4);
    let run = computed(1, Purpose::Compare, &controls);
    let mut panel = Panel::new(controls, Some(run));
    panel.playhead.at = 0.0;
    let mut harness = panel.drawn(WIDE);
    let all = ["η = 0, noise seed 7", "η = 0, noise seed 9", "η = 1, noise seed 7", "η = 1, noise seed 9", "σ̂, noise seed 12"];
    let x_t = all.map(|cell| pixels(&mut harness, cell));
    assert!(x_t.iter().all(|cell| *cell == x_t[0]), "every cell starts from one x_T");
    harness.get_by_label("spread of row η = 1: mean 0.000");
    scrub_to(&mut harness, 0.5);
    let middle = all.map(|cell| pixels(&mut harness, cell));
    assert!(middle[0] == middle[1] && middle[2] != middle[3] && middle.iter().zip(&x_t).all(|(a, b)| a != b));
    harness.get_by_label_contains("step 2 of 4, t = ");
    harness.get_by_label_contains("Mean against η, after step 2");
    scrub_to(&mut harness, 1.0);
    let end = all.map(|cell| pixels(&mut harness, cell));
    assert!(end[0] == end[1] && end[2] != end[3] && end[2] != middle[2]);
    // x instead of x̂0: not at the ends, where they are the same.
    harness.state_mut().draft.view.compare.noisy = true;
    harness.run_steps(2);
    assert!(pixels(&mut harness, all[2]) == end[2]);
    scrub_to(&mut harness, 0.5);
    assert!(pixels(&mut harness, all[2]) != middle[2]);
    scrub_to(&mut harness, 0.0);
    assert!(pixels(&mut harness, all[4]) == x_t[4]);
}

#[test]
fn cells_of_other_s_stand_at_the_same_timestep() {
    let mut controls = comparing(50);
    controls.view.compare.axes = Axes::StepsBySpacing;
    (controls.view.compare.steps, controls.view.compare.spacings) = (vec![2, 4], vec!["linear".to_owned()]);
    let run = computed(1, Purpose::Compare, &controls);
    // Linear: 500, 0 and 750, 500, 250, 0.
    assert_eq!(
        (0..=run.stops.last()).map(|place| run.stops.timestep(place)).collect::<Vec<_>>(),
        [Some(750), Some(500), Some(250), Some(0), None]
    );
    let mut panel = Panel::new(controls, Some(run));
    (panel.playhead.at, panel.draft.view.compare.enlarged) = (0.25, Some([1, 0]));
    let mut harness = panel.harness(WIDE);
    harness.get_by_label("t = 500");
    harness.get_by_label_contains("after step 1 of 4, from t = 750 to 500");
    harness.state_mut().draft.view.compare.enlarged = Some([0, 0]);
    harness.run_steps(2);
    harness.get_by_label_contains("x_T, the noise that every cell starts from, at t = 500");
    scrub_to(&mut harness, 0.5);
    // It stays where it is until t has come down to its next timestep.
    harness.get_by_label_contains("x_T, the noise");
    scrub_to(&mut harness, 0.75);
    harness.get_by_label_contains("after step 1 of 2, from t = 500 to 0");
    scrub_to(&mut harness, 1.0);
    harness.get_by_label_contains("the finished sample, after 2 steps");
}

#[test]
fn the_scrubber_is_dragged_and_has_the_buttons_of_the_other_panels() {
    let controls = comparing(4);
    let run = computed(1, Purpose::Compare, &controls);
    let mut harness = Panel::new(controls, Some(run)).harness(WIDE);
    let rail = harness.get_by_label("Scrubber, step shown").rect();
    drag(&mut harness, rail.right_center() - Vec2::new(10.0, 0.0), rail.center());
    assert_eq!(harness.state().command, Some(Command::Look(2)));
    for (button, command) in [("Play", Command::Play), ("Loop", Command::Loop(false))] {
        click(&mut harness, button);
        assert_eq!(harness.state().command, Some(command));
    }
}

/// The rows of an unfinished grid stand at different steps: means of different steps make no curve.
#[test]
fn a_curve_is_of_one_step_of_all_rows() {
    let controls = comparing(4);
    let finished = computed(1, Purpose::Compare, &controls);
    let mut uneven = computed_until(2, Purpose::Compare, &controls, 1);
    uneven.groups[3] = finished.groups[3].clone();
    let harness = Panel::new(controls.clone(), Some(uneven.clone())).harness(WIDE);
    harness.get_by_label_contains("Mean against η, after step 1");
    uneven.groups[1].latest = None;
    let harness = Panel::new(controls.clone(), Some(uneven.clone())).harness(WIDE);
    harness.get_by_label_contains("once every row began");
    // Where there is a finished grid of before, its curve stays.
    let mut panel = Panel::new(controls, Some(uneven));
    panel.previous = Some(finished);
    let harness = panel.harness(WIDE);
    assert!(harness.query_by_label_contains("once every").is_none());
    assert!(harness.query_by_label_contains("after step").is_none());
}

#[test]
fn options_change_the_draft() {
    let mut harness = Panel::new(comparing(4), None).harness(WIDE);
    let compare = |h: &Harness<'static, Panel>| h.state().draft.view.compare.clone();
    click(&mut harness, "remove row η = 0.2");
    assert_eq!(compare(&harness).etas, [0.0, 0.5, 1.0]);
    click(&mut harness, "add a row of η");
    assert_eq!(compare(&harness).etas.len(), 4);
    click(&mut harness, "row σ̂");
    assert!(!compare(&harness).sigma_hat);
    click(&mut harness, "show x_t");
    assert!(compare(&harness).noisy);
    click(&mut harness, "S by τ");
    assert_eq!(compare(&harness).axes, Axes::StepsBySpacing);
    click(&mut harness, "column τ linspace");
    assert_eq!(compare(&harness).spacings, ["linear", "quadratic", "trailing", "linspace"]);
    click(&mut harness, "column τ linear");
    click(&mut harness, "remove row S = 5");
    assert_eq!((compare(&harness).spacings.len(), compare(&harness).steps.len()), (3, 3));
    harness.get_by_label_contains("Every picture starts from the same x_T");
}

#[test]
fn ends_and_corners_are_the_seeds_own_samples() {
    let mut controls = interpolating(3);
    controls.view.interpolate.columns = 3;
    controls.view.interpolate.side = 3;
    let own = [0, 1, 2, 3].map(|number| {
        let end = interpolate::end_controls::end_controls(&controls, number);
        sample(&computed(number as u64, Purpose::Trajectory, &end), 0, 0)
    });
    let strip = computed(10, Purpose::Between, &controls);
    for mode in 0..2 {
        assert_eq!((sample(&strip, mode, 0), sample(&strip, mode, 2)), (own[0].clone(), own[1].clone()));
    }
    controls.view.interpolate.grid = true;
    let grid = computed(11, Purpose::Between, &controls);
    assert_eq!([0, 2, 6, 8].map(|member| sample(&grid, 0, member)), own);
}

#[test]
fn a_click_on_an_end_uses_it() {
    let controls = interpolating(2);
    let run = computed(1, Purpose::Between, &controls);
    let mut harness = Panel::new(controls, Some(run)).harness(WIDE);
    click(&mut harness, "use this end: seed right");
    assert_eq!((harness.state().used().seed, harness.state().used().count), (2, 1));
    let strip = harness.get_by_label("strip of slerp").rect();
    let left = strip.left_center() + Vec2::new(8.0, 0.0);
    harness.drag_at(left);
    harness.run_steps(1);
    harness.drop_at(left);
    harness.run_steps(2);
    let used = harness.state().used();
    assert_eq!((used.seed, used.eta, used.view.tab), (1, 0.0, Tab::Trajectory));
    assert_eq!(harness.state().draft.view.interpolate.position[0], 0.5, "a click on an end does not move");
}

fn drag(harness: &mut Harness<'static, Panel>, from: Pos2, to: Pos2) {
    harness.drag_at(from);
    harness.run_steps(1);
    for i in 1..=4 {
        harness.hover_at(from + (to - from) * (i as f32 / 4.0));
        harness.run_steps(1);
    }
    harness.drop_at(to);
    harness.run_steps(2);
}

#[test]
fn dragging_and_arrow_keys_move_the_position() {
    let controls = interpolating(2);
    let run = computed(1, Purpose::Between, &controls);
    let mut harness = Panel::new(controls, Some(run)).harness(WIDE);
    harness.state_mut().playback.playing = true;
    let strip = harness.get_by_label("strip of slerp").rect();
    drag(&mut harness, strip.center(), strip.left_center() + Vec2::new(strip.width() * 0.75, 0.0));
    let t = |h: &Harness<'static, Panel>| h.state().draft.view.interpolate.position[0];
    assert!((t(&harness) - 0.78).abs() < 0.03, "{}", t(&harness));
    assert!(!harness.state().playback.playing && harness.state().command.is_none());
    let before = t(&harness);
    harness.key_press(Key::ArrowLeft);
    harness.run_steps(2);
    assert!((before - t(&harness) - 0.02).abs() < 1e-9, "{before} {}", t(&harness));
    harness.key_press(Key::ArrowRight);
    harness.key_press(Key::ArrowRight);
    harness.run_steps(2);
    assert!((t(&harness) - before - 0.02).abs() < 1e-9);
}

#[test]
fn the_grid_follows_the_pointer() {
    let mut controls = interpolating(2);
    controls.view.interpolate.grid = true;
    let run = computed(1, Purpose::Between, &controls);
    let mut harness = Panel::new(controls, Some(run)).harness(WIDE);
    let grid = harness.get_by_label("grid between four seeds, pictures").rect();
    drag(&mut harness, grid.center(), grid.lerp_inside(Vec2::new(0.1, 0.7)));
    let [u, v] = harness.state().draft.view.interpolate.position;
    assert!(u < 0.05 && (v - 0.75).abs() < 0.03, "{u} {v}");
}

#[test]
fn the_other_controls_of_the_interpolation() {
    let mut harness = Panel::new(interpolating(2), None).harness(WIDE);
    click(&mut harness, "swap the ends");
    assert_eq!(harness.state().draft.view.interpolate.seeds[..2], [2, 1]);
    click(&mut harness, "dice left");
    assert_ne!(harness.state().draft.view.interpolate.seeds[0], 2);
    click(&mut harness, "show lerp beside slerp");
    assert!(!harness.state().draft.view.interpolate.lerp);
    click(&mut harness, "play");
    harness.run_steps(3);
    assert!(harness.state().playback.playing && harness.state().draft.view.interpolate.position[0] > 0.5);
    click(&mut harness, "pause");
    harness.state_mut().draft.view.interpolate.eta = 0.5;
    harness.run_steps(2);
    harness.get_by_label_contains("it falls apart");
    click(&mut harness, "grid between four seeds");
    assert!(harness.state().draft.view.interpolate.grid);
    harness.get_by_label("seed bottom right");
}

#[test]
fn the_large_picture_is_the_one_decoded_there() {
    let mut controls = interpolating(2);
    controls.view.interpolate.position = [0.31, 0.5];
    let mut panel = Panel::new(controls.clone(), Some(computed(1, Purpose::Between, &controls)));
    let note = |panel: Panel| {
        let harness = panel.harness(WIDE);
        (
            harness.query_all_by_label_contains("decoded here").count(),
            harness.query_all_by_label_contains("nearest picture").count(),
        )
    };
    panel.point = Some(computed(2, Purpose::Focus, &controls));
    assert_eq!(note(panel), (2, 0));
    let panel = Panel::new(controls.clone(), Some(computed(1, Purpose::Between, &controls)));
    assert_eq!(note(panel), (0, 2));
    // With another S what is there is from before, however near it is.
    let mut panel = Panel::new(Controls { steps: 7, ..controls.clone() }, Some(computed(1, Purpose::Between, &controls)));
    panel.point = Some(computed(2, Purpose::Focus, &controls));
    let harness = panel.harness(WIDE);
    assert_eq!(harness.query_all_by_label_contains("from before the change").count(), 2);
}

/// Whatever a run lacks, the panels draw.
#[test]
fn panels_build_whatever_is_missing() {
    for base in [comparing(3), interpolating(3)] {
        let purpose = Purpose::of(base.view.tab);
        for other in [false, true] {
            let mut controls = base.clone();
            controls.view.interpolate.grid = other;
            if other {
                controls.view.compare.axes = Axes::StepsBySpacing;
                controls.view.compare.steps = vec![2, 3];
            }
            let half = computed_until(3, purpose, &controls, 1);
            let mut failed = half.clone();
            failed.failed = Some("the device was lost".to_owned());
            failed.groups.last_mut().expect("a group").latest = None;
            let mut bare = half.clone();
            for group in &mut bare.groups {
                let mut update = (**group.latest.as_ref().expect("an update")).clone();
                (update.records, update.after) = (Vec::new(), Vec::new());
                group.latest = Some(update.into());
            }
            let new = RunView::new(4, purpose, controls.clone());
            let runs = [None, Some(new), Some(planned(2, purpose, &controls).0), Some(half.clone()), Some(failed), Some(bare)];
            for (i, run) in runs.into_iter().enumerate() {
                for size in [WIDE, [480.0, 500.0], [200.0, 150.0]] {
                    let stopped = run.as_ref().is_some_and(|r| r.failed.is_some());
                    let mut panel = Panel::new(controls.clone(), run.clone());
                    panel.previous = (i % 2 == 1).then(|| half.clone());
                    let harness = panel.harness(size);
                    assert_eq!(harness.query_by_label_contains("the device was lost").is_some(), stopped);
                }
            }
        }
    }
}

/// The values that the sliders and drag values have are said, too.
#[test]
fn strips_say_where_they_are() {
    let harness = Panel::new(interpolating(2), None).harness(WIDE);
    let node = harness.get_by_label("strip of slerp");
    assert_eq!(node.accesskit_node().numeric_value(), Some(0.5));
}
