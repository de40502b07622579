//! The Explain panel, built without a window: what it says of a step, by its accessible names, and what its τ and plots ask for.

use eframe::egui::{self, Pos2, Vec2};
use egui_kittest::{Harness, kittest::Queryable};
use etude::{
    app::{
        Command,
        panels::explain::{View, explain_ui, tau_strip_ui},
        widgets::{fonts::install_fonts, texture_cache::TextureCache},
    },
    picture::Picture,
    schedule::{Prediction, Preset, Schedule, ScheduleRequest, SchedulerConfig, Spacing, StepCoefficients},
    session::{ModelFacts, Plan, Rms, StepRecord, Terms},
};
use std::sync::Arc;

/// What the panel is shown.
struct Shown {
    plan: Plan,
    schedule: Schedule,
    eta: f64,
    sigma_hat: bool,
    index: usize,
    record: Option<StepRecord>,
    next: Option<Picture>,
    rms: Vec<Option<Rms>>,
    textures: TextureCache,
    commands: Vec<Command>,
}

fn grey(level: u8) -> Picture {
    Picture::filled(8, 8, [level; 3])
}

fn record(step: &StepCoefficients) -> StepRecord {
    let optional = |factor: f64| (factor != 0.0).then(|| grey(90));
    let terms = Terms {
        x: optional(step.next_from_x),
        x0: grey(100),
        direction: optional(step.next_from_epsilon),
        noise: optional(step.sigma),
    };
    StepRecord { x_t: Arc::new(grey(10)), x0: Arc::new(grey(20)), terms: Some(Box::new(terms)), rms: Rms::default() }
}

impl Shown {
    fn new(config: SchedulerConfig, request: &ScheduleRequest, index: usize) -> Self {
        let schedule = Schedule::new(&config, request).expect("a schedule");
        let step = &schedule.steps[index.min(schedule.steps.len() - 1)];
        let (record, next) = (Some(record(step)), Some(grey(200)));
        let seen = Rms { x: 1.0, x0: 0.5, epsilon: Some(0.99) };
        let rms = (0..schedule.steps.len()).map(|i| (i <= index).then_some(seen)).collect();
        let model = ModelFacts {
            classes: None,
            key: "toy".to_owned(),
            name: "toy".to_owned(),
            channels: 3,
            size: (8, 8),
            parameters: 1,
            weights_crc32: "00000000".to_owned(),
            scheduler: config,
            card: None,
            notes: Vec::new(),
            picture_scale: 1.0,
        };
        let plan = Plan {
            id: 1,
            model: Arc::new(model),
            size: (8, 8),
            schedules: vec![Arc::new(schedule.clone())],
            latent_rms: vec![vec![1.0]],
            every: 1,
        };
        let (eta, sigma_hat) = (request.eta, request.sigma_hat);
        Self { plan, schedule, eta, sigma_hat, index, record, next, rms, textures: TextureCache::default(), commands: Vec::new() }
    }

    fn ui(&mut self, ui: &mut egui::Ui) {
        let view = View {
            plan: &self.plan,
            schedule: &self.schedule,
            index: self.index,
            eta: self.eta,
            sigma_hat: self.sigma_hat,
            record: self.record.as_ref(),
            next: self.next.as_ref(),
            rms: &self.rms,
            version: 1,
        };
        let asked = explain_ui(ui, &view, &mut self.textures);
        self.commands.extend(asked);
    }
}

/// The panel at a size where all of it is visible. A glyph that no font has makes the test fail.
fn panel(shown: Shown, width: f32) -> Harness<'static, Shown> {
    let mut harness = Harness::builder()
        .with_size(Vec2::new(width, 2000.0))
        .with_context_setup(install_fonts)
        .build_ui_state(|ui, shown: &mut Shown| shown.ui(ui), shown);
    harness.run_steps(3);
    harness
}

fn request(steps: usize) -> ScheduleRequest {
    ScheduleRequest { steps, ..ScheduleRequest::default() }
}

#[test]
fn a_middle_step_shows_rule_pictures_and_plots() {
    let harness = panel(Shown::new(SchedulerConfig::default(), &ScheduleRequest { eta: 0.5, ..request(50) }, 24), 960.0);
    harness.get_by_label("Step 25 of 50");
    harness.get_by_label("Update rule: x_480 = 0.308·x\u{302}_0 + 0.928·ε + 0.210·z");
    for name in ["x_t before the step", "Predicted x̂0", "Term of x̂0", "Direction term", "Noise term", "x_s after the step"] {
        let rect = harness.get_by_label(name).rect();
        assert!(rect.width() >= 100.0 && rect.width() == rect.height(), "{name}: {rect:?}");
    }
    for name in ["Timesteps τ: 50 of 0 to 999", "Plot of σ against the timestep t", "Plot of ᾱ against the timestep t"] {
        harness.get_by_label(name);
    }
    harness.get_by_label("Plot of log-SNR against the timestep t");
    harness.get_by_label("Plot of the lengths of x, x̂0 and ε against the timestep t");
    // Six pictures, six textures, and no more from frame to frame.
    assert_eq!(harness.state().textures.count(), 6);
    assert_eq!(harness.state().commands, []);
}

#[test]
fn absent_terms_are_zero() {
    let harness = panel(Shown::new(SchedulerConfig::default(), &request(10), 9), 960.0);
    harness.get_by_label("Update rule: x_0 = 1·x\u{302}_0 + 0·ε + 0·z");
    harness.get_by_label("Direction term: 0");
    harness.get_by_label("Noise term: 0");
    harness.get_by_label_contains("direction and noise vanish");
    assert_eq!(harness.state().textures.count(), 4);
}

#[test]
fn sigma_hat_shows_the_posterior_mean() {
    let request = ScheduleRequest { sigma_hat: true, ..request(10) };
    let harness = panel(Shown::new(SchedulerConfig::default(), &request, 5), 960.0);
    harness.get_by_label("Update rule: x_300 = 0.527·x_400 + 0.396·x\u{302}_0 + 0.713·z");
    harness.get_by_label("Term of x_t");
    assert!(harness.query_by_label_contains("Direction term").is_none());
    harness.get_by_label_contains("is clipped to ±1");
    harness.get_by_label_contains("posterior mean with the larger noise");
}

#[test]
fn other_predictions_and_thresholding() {
    let config = SchedulerConfig { prediction_type: Prediction::VPrediction, ..SchedulerConfig::default() };
    let request = ScheduleRequest { preset: Preset::Diffusers, ..request(10) };
    let harness = panel(Shown::new(config.clone(), &request, 3), 960.0);
    harness.get_by_label_contains("This model predicts v = ");
    harness.get_by_label_contains("is clipped to ±1");
    let config = SchedulerConfig { prediction_type: Prediction::Sample, thresholding: true, ..config };
    let harness = panel(Shown::new(config, &request, 3), 960.0);
    harness.get_by_label_contains("This model predicts");
    harness.get_by_label_contains("is thresholded");
}

#[test]
fn what_is_not_there_says_why() {
    let with = |change: fn(&mut Shown)| {
        let mut shown = Shown::new(SchedulerConfig::default(), &ScheduleRequest { eta: 1.0, ..request(10) }, 4);
        change(&mut shown);
        panel(shown, 960.0)
    };
    let harness = with(|shown| {
        (shown.record, shown.next) = (None, None);
        shown.rms = vec![None; 10];
    });
    harness.get_by_label("x_t before the step: not computed yet");
    harness.get_by_label("Noise term: not computed yet");
    let harness = with(|shown| shown.record = None);
    harness.get_by_label("Predicted x̂0: no pictures kept of this step");
    let harness = with(|shown| shown.record.iter_mut().for_each(|record| record.terms = None));
    harness.get_by_label("Term of x̂0: left out in a run this large");
    harness.get_by_label("Predicted x̂0");
}

/// From a phone's width to a projector's, a thousand steps and one, the first step and past the last, nothing sticks out.
#[test]
fn it_fits_and_never_fails() {
    for steps in [1, 2, 1000] {
        for index in [0, steps / 2, steps] {
            for width in [200.0, 340.0, 660.0, 1600.0] {
                let request = ScheduleRequest { eta: 1.0, ..request(steps) };
                let harness = panel(Shown::new(SchedulerConfig::default(), &request, index), width);
                let at = (index + 1).min(steps);
                harness.get_by_label(&format!("Step {at} of {steps}"));
                let rule = harness.get_by_label_contains("Update rule").rect();
                assert!(rule.right() <= width, "{steps} {index} {width}: {rule:?}");
                for picture in ["x_t before the step", "x_s after the step"] {
                    let rect = harness.get_by_label(picture).rect();
                    assert!(rect.left() >= 0.0 && rect.right() <= width, "{steps} {index} {width}: {rect:?}");
                }
            }
        }
    }
}

/// Without any signal at T−1 log-SNR is −∞ there; and a model may have been trained with one timestep, or very many.
#[test]
fn extreme_noise_schedules() {
    for train in [1, 2, 1000, 100_000] {
        let config = SchedulerConfig {
            num_train_timesteps: train,
            rescale_betas_zero_snr: train > 1,
            prediction_type: Prediction::VPrediction,
            ..SchedulerConfig::default()
        };
        let last = Some(Spacing::List(vec![train - 1]));
        let shown = Shown::new(config, &ScheduleRequest { spacing: last, eta: 1.0, ..request(1) }, 0);
        assert!(shown.schedule.steps[0].alpha_bar_t == 0.0 || train == 1);
        let harness = panel(shown, 960.0);
        harness.get_by_label("Step 1 of 1");
        harness.get_by_label(&format!("Timesteps τ: 1 of 0 to {}", train - 1));
        harness.get_by_label("Plot of log-SNR against the timestep t");
    }
}

#[test]
fn without_the_fonts_it_still_draws() {
    let shown = Shown::new(SchedulerConfig::default(), &request(10), 4);
    let mut harness = Harness::builder().allow_missing_glyphs().build_ui_state(|ui, shown: &mut Shown| shown.ui(ui), shown);
    harness.run_steps(2);
    harness.get_by_label("Step 5 of 10");
}

#[test]
fn a_click_into_a_plot_looks_at_a_step() {
    let mut harness = panel(Shown::new(SchedulerConfig::default(), &request(10), 4), 960.0);
    for name in ["Plot of σ against the timestep t", "Plot of the lengths of x, x̂0 and ε against the timestep t"] {
        let node = harness.get_by_label(name);
        let rect = node.rect();
        node.click();
        harness.run_steps(3);
        // The middle of the axis, 0 to 999, lies at t = 500, which is step 5, or nearly.
        let commands = std::mem::take(&mut harness.state_mut().commands);
        assert!(matches!(commands[..], [Command::Look(4 | 5)]), "{name} {rect:?}: {commands:?}");
    }
}

/// The wheel moves the page, also where the pointer is over a plot or the strip.
#[test]
fn the_wheel_scrolls_the_page() {
    for name in ["Plot of ᾱ against the timestep t", "Timesteps τ: 10 of 0 to 999"] {
        let shown = Shown::new(SchedulerConfig::default(), &request(10), 4);
        let mut harness = Harness::builder()
            .with_size(Vec2::new(960.0, 600.0))
            .with_context_setup(install_fonts)
            .build_ui_state(|ui, shown: &mut Shown| _ = egui::ScrollArea::vertical().show(ui, |ui| shown.ui(ui)), shown);
        harness.run_steps(3);
        let top = harness.get_by_label("Step 5 of 10").rect().top();
        let over = harness.get_by_label(name).rect();
        assert!(over.top() < 590.0, "{name} begins on the first page: {over:?}");
        harness.hover_at(over.center_top() + Vec2::new(0.0, 8.0));
        harness.step();
        harness.event(egui::Event::MouseWheel {
            unit: egui::MouseWheelUnit::Point,
            delta: Vec2::new(0.0, -60.0),
            phase: egui::TouchPhase::Move,
            source: egui::MouseWheelSource::Wheel,
            modifiers: egui::Modifiers::NONE,
        });
        harness.run_steps(10);
        let after = harness.get_by_label("Step 5 of 10").rect().top();
        assert!(after < top - 30.0, "{name}: {top} {after}");
    }
}

/// A strip that does what it is asked for.
struct Strip {
    tau: Vec<u32>,
    /// Whether it takes its time.
    slow: bool,
    asked: usize,
}

fn strip(tau: &[u32]) -> Harness<'static, Strip> {
    // A quarter of a second a frame would be too slow for a double click.
    let builder = Harness::builder().with_size(Vec2::new(1036.0, 300.0)).with_step_dt(1.0 / 60.0).with_context_setup(install_fonts);
    let mut harness = builder.build_ui_state(
        |ui, strip: &mut Strip| {
            ui.add_space(100.0);
            if let Some(Command::SetTau(tau)) = tau_strip_ui(ui, 1000, &strip.tau, Some(200)) {
                if !strip.slow {
                    strip.tau = tau;
                }
                strip.asked += 1;
            }
        },
        Strip { tau: tau.to_vec(), slow: false, asked: 0 },
    );
    harness.run_steps(2);
    harness
}

/// Where timestep `t` is on the strip.
fn place(harness: &Harness<'_, Strip>, t: u32) -> Pos2 {
    let rect = harness.get_by_label_contains("Timesteps τ").rect();
    egui::pos2(rect.left() + 10.0 + t as f32 / 999.0 * (rect.width() - 20.0), rect.center().y)
}

fn drag(harness: &mut Harness<'_, Strip>, path: &[Pos2]) {
    harness.drag_at(path[0]);
    harness.step();
    for point in &path[1..] {
        harness.hover_at(*point);
        harness.step();
    }
    harness.drop_at(path[path.len() - 1]);
    harness.run_steps(2);
}

#[test]
fn a_tick_is_dragged_between_its_neighbours() {
    let mut harness = strip(&[0, 200, 400, 900]);
    let [from, half, to, far] = [200, 250, 300, 600].map(|t| place(&harness, t));
    drag(&mut harness, &[from, half, to]);
    let strip = harness.state();
    assert!(strip.tau[1].abs_diff(300) <= 1 && strip.tau.len() == 4, "{:?}", strip.tau);
    // It asked on the way, not only at the end.
    assert!(strip.asked >= 2, "{}", strip.asked);
    drag(&mut harness, &[to, far]);
    assert_eq!(harness.state().tau, [0, 399, 400, 900]);
}

/// The run that τ is for may begin much later than the next frame.
#[test]
fn each_place_is_asked_for_once() {
    let mut harness = strip(&[0, 200, 400]);
    harness.state_mut().slow = true;
    let [from, half, to] = [200, 250, 300].map(|t| place(&harness, t));
    drag(&mut harness, &[from, half, half, half, to, to, to]);
    let asked = harness.state().asked;
    assert!((2..=3).contains(&asked), "{asked}");
}

#[test]
fn a_tick_dragged_out_is_gone() {
    let mut harness = strip(&[0, 200, 400]);
    let from = place(&harness, 200);
    drag(&mut harness, &[from, from + Vec2::new(3.0, 30.0), from + Vec2::new(3.0, 100.0)]);
    assert_eq!(harness.state().tau, [0, 400]);
    // Away and back again: it stays.
    let (from, to) = (place(&harness, 400), place(&harness, 500));
    drag(&mut harness, &[from, from + Vec2::new(0.0, 100.0), to]);
    assert!(harness.state().tau[1].abs_diff(500) <= 1, "{:?}", harness.state().tau);
    // The last one cannot be dragged out.
    let mut harness = strip(&[400]);
    let from = place(&harness, 400);
    drag(&mut harness, &[from, from + Vec2::new(0.0, 100.0)]);
    assert_eq!(harness.state().tau, [400]);
}

fn click(harness: &mut Harness<'_, Strip>, pos: Pos2, button: egui::PointerButton, times: usize) {
    harness.hover_at(pos);
    for _ in 0..times {
        for pressed in [true, false] {
            harness.event(egui::Event::PointerButton { pos, button, pressed, modifiers: egui::Modifiers::NONE });
        }
    }
    harness.run_steps(3);
}

#[test]
fn clicks_add_and_remove_ticks() {
    let mut harness = strip(&[0, 400]);
    let at = place(&harness, 700);
    click(&mut harness, at, egui::PointerButton::Primary, 1);
    assert_eq!(harness.state().tau, [0, 400], "a single click does nothing");
    harness.run_steps(60);
    click(&mut harness, at, egui::PointerButton::Primary, 2);
    let tau = &harness.state().tau;
    assert!(tau.len() == 3 && tau[2].abs_diff(700) <= 1, "{tau:?}");
    let at = place(&harness, 400);
    click(&mut harness, at, egui::PointerButton::Secondary, 1);
    assert_eq!(harness.state().tau.len(), 2);
    assert_eq!(harness.state().tau[0], 0);
}

/// The strip with the focus, `current` (200) chosen.
fn focused(tau: &[u32]) -> Harness<'static, Strip> {
    let mut harness = strip(tau);
    harness.get_by_label_contains("Timesteps τ").focus();
    harness.run_steps(3);
    harness
}

fn press(harness: &mut Harness<'_, Strip>, keys: &[(egui::Modifiers, egui::Key)]) {
    for (modifiers, key) in keys {
        harness.key_press_modifiers(*modifiers, *key);
        harness.run_steps(2);
    }
}

#[test]
fn keys_choose_move_add_and_remove_ticks() {
    use egui::{Key, Modifiers};
    let (none, shift, far) = (Modifiers::NONE, Modifiers::SHIFT, Modifiers::COMMAND | Modifiers::SHIFT);
    let mut harness = focused(&[0, 200, 400]);
    assert!(harness.query_by_label_contains("t = 200 is chosen").is_some());
    press(&mut harness, &[(shift, Key::ArrowRight), (far, Key::ArrowRight), (far, Key::ArrowRight), (shift, Key::ArrowLeft)]);
    assert_eq!(harness.state().tau, [0, 220, 400]);
    // The next one, and beyond the last: it stays the last.
    press(&mut harness, &[(none, Key::ArrowRight), (none, Key::ArrowRight), (far, Key::ArrowLeft)]);
    assert_eq!(harness.state().tau, [0, 220, 390]);
    press(&mut harness, &[(none, Key::Home), (none, Key::Plus)]);
    assert_eq!(harness.state().tau, [0, 110, 220, 390]);
    // The new one is chosen.
    press(&mut harness, &[(shift, Key::ArrowRight)]);
    assert_eq!(harness.state().tau, [0, 111, 220, 390]);
    press(&mut harness, &[(none, Key::Delete), (none, Key::End), (none, Key::Delete), (none, Key::Delete), (none, Key::Delete)]);
    assert_eq!(harness.state().tau, [0], "the last one stays");
    let asked = harness.state().asked;
    press(&mut harness, &[(none, Key::Delete), (shift, Key::ArrowLeft), (none, Key::ArrowLeft), (none, Key::Home)]);
    assert_eq!(harness.state().asked, asked, "what changes nothing is not asked for");
}

/// Keys pressed faster than runs begin add up; what no run has taken up after a second is forgotten.
#[test]
fn keys_do_not_wait_for_the_run() {
    use egui::{Key, Modifiers};
    let mut harness = focused(&[0, 200, 400]);
    harness.state_mut().slow = true;
    press(&mut harness, &[(Modifiers::SHIFT, Key::ArrowRight); 5]);
    assert_eq!(harness.state().asked, 5);
    assert!(harness.query_by_label_contains("t = 205 is chosen").is_some());
    harness.run_steps(90);
    assert!(harness.query_by_label_contains("t = 200 is chosen").is_some());
}
