//! The Explain panel: one step of the update rule as a formula, as pictures and within the run's curves. Everything in it follows
//! from what a [`View`] borrows; the panel keeps no state but the tick of τ that is being dragged or was chosen by key.

mod colours;
mod equation;
mod formula;
mod plots;
mod run_plots;
mod sentences;
mod symbols;
mod tau_edit;
mod tau_keys;
mod tau_strip;
mod terms;
mod variance;
mod view;

use crate::{
    app::{
        state::{command::Command, written},
        widgets::texture_cache::TextureCache,
    },
    schedule::StepCoefficients,
};
pub(crate) use colours::Palette;
use eframe::egui::{Frame, Margin, RichText, Ui};
pub use tau_strip::tau_strip_ui;
pub use view::View;

/// Draws the panel and says what the user asked for.
pub fn explain_ui(ui: &mut Ui, view: &View<'_>, textures: &mut TextureCache) -> Option<Command> {
    let palette = Palette::of(ui.visuals());
    let steps = &view.schedule.steps;
    let index = view.index.min(steps.len().saturating_sub(1));
    let Some(step) = steps.get(index) else {
        ui.label("This run has no steps.");
        return None;
    };
    ui.spacing_mut().item_spacing.y = 8.0;
    header_ui(ui, view, step, index);
    rule_ui(ui, view, step, &palette);
    ui.add_space(4.0);
    terms::terms_ui(ui, view, step, textures, &palette);
    ui.add_space(4.0);
    plots_ui(ui, view, step, &palette)
}

fn header_ui(ui: &mut Ui, view: &View<'_>, step: &StepCoefficients, index: usize) {
    let total = view.schedule.steps.len();
    ui.horizontal_wrapped(|ui| {
        ui.label(RichText::new(format!("Step {} of {total}", index + 1)).strong().size(22.0));
        if view.index >= total {
            ui.label(RichText::new("the finished sample, as the last step made it:").size(17.0));
        }
        ui.label(RichText::new(sentences::from_to(step)).size(17.0));
        let noise = if view.sigma_hat {
            format!("with {}", variance::name(view.schedule))
        } else {
            format!("with η = {}", written::plain(view.eta))
        };
        ui.label(RichText::new(noise).size(17.0));
    });
}

/// The update rule with its numbers, and below it what its symbols are.
fn rule_ui(ui: &mut Ui, view: &View<'_>, step: &StepCoefficients, palette: &Palette) {
    let prediction = view.plan.model.scheduler.prediction_type;
    let parts = formula::rule(step, prediction, view.sigma_hat, palette);
    let readings = formula::readings(step, prediction, view.sigma_hat, view.eta, palette);
    let frame = Frame::new().fill(ui.visuals().extreme_bg_color).corner_radius(6.0).inner_margin(Margin::symmetric(14, 12));
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        let largest = (ui.available_width() / 32.0).clamp(20.0, 44.0).floor();
        equation::rule_ui(ui, &parts, largest);
        ui.add_space(0.35 * largest);
        equation::readings_ui(ui, &readings, (0.62 * largest).max(15.0).floor());
        for line in sentences::remarks(view.schedule, step, prediction, view.sigma_hat, view.eta) {
            ui.label(RichText::new(line).size((0.42 * largest).max(15.0).floor()).color(palette.text.gamma_multiply(0.85)));
        }
    });
}

/// τ and the curves, as many beside each other as are readable.
fn plots_ui(ui: &mut Ui, view: &View<'_>, step: &StepCoefficients, palette: &Palette) -> Option<Command> {
    let tau: Vec<u32> = view.schedule.steps.iter().rev().map(|step| step.t).collect();
    let train_timesteps = view.schedule.alpha_bar.len() as u32;
    ui.horizontal_wrapped(|ui| {
        ui.label(RichText::new("Timesteps τ").strong().size(15.0));
        ui.label(RichText::new("drag a tick; double-click adds one, right-click removes one").weak().size(14.0));
    });
    let mut command = tau_strip_ui(ui, train_timesteps, &tau, Some(step.t));
    let available = ui.available_width();
    let across = if available < 520.0 {
        1
    } else if available < 1300.0 {
        2
    } else {
        4
    };
    let height = (available / across as f32 * 0.4).clamp(140.0, 260.0).floor();
    for first in (0..4).step_by(across) {
        ui.columns(across, |columns| {
            for (which, ui) in (first..).zip(columns) {
                let asked = match which {
                    0 => {
                        plots::alpha_ui(ui, view, step, height, palette);
                        None
                    }
                    1 => {
                        plots::snr_ui(ui, view, step, height, palette);
                        None
                    }
                    2 => run_plots::sigma_ui(ui, view, height, palette),
                    _ => run_plots::lengths_ui(ui, view, height, palette),
                };
                command = command.take().or(asked);
            }
        });
    }
    command
}
