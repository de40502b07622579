//! A few small pictures of what must not change its looks unnoticed. `UPDATE_SNAPSHOTS=true cargo test --test gui` takes them anew.

use super::short;
use eframe::egui::{self, Theme, Ui, vec2};
use egui_kittest::Harness;
use etude::app::{
    panels::{eta_slider, explain},
    state::State,
    widgets::{fonts, theme},
};

fn small(size: [f32; 2], looks: Theme, draw: impl FnMut(&mut Ui) + 'static) -> Harness<'static> {
    let setup = |ctx: &egui::Context| {
        fonts::install_fonts(ctx);
        theme::install(ctx);
    };
    Harness::builder().with_context_setup(setup).with_size(vec2(size[0], size[1])).with_theme(looks).wgpu().build_ui(draw)
}

fn eta(looks: Theme, name: &str) {
    let state = State::default();
    let mut controls = etude::app::Controls { eta: 0.2, ..short() };
    let mut harness = small([300.0, 110.0], looks, move |ui| eta_slider::eta_ui(ui, &state, &mut controls));
    harness.run_steps(3);
    harness.snapshot(name);
}

#[test]
fn the_eta_slider_in_the_dark() {
    eta(Theme::Dark, "eta_dark");
}

#[test]
fn the_eta_slider_in_the_light() {
    eta(Theme::Light, "eta_light");
}

#[test]
fn the_tau_strip() {
    let tau: Vec<u32> = (0..10).map(|i| i * i * 11).collect();
    let mut harness = small([400.0, 70.0], Theme::Dark, move |ui| {
        explain::tau_strip_ui(ui, 1000, &tau, Some(275));
    });
    harness.run_steps(3);
    harness.snapshot("tau_strip");
}
