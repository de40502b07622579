//! The Explain panel: one step of the update rule as a formula, as pictures and within the run's curves. Everything in it follows
//! from what a [`View`] borrows; the panel keeps no state but the tick of τ that is being dragged or was chosen by key.

mod along_tau;
mod colours;
mod equation;
pub(crate) mod equation_layout;
pub(crate) mod formula;
mod plots;
mod run_plots;
mod sentences;
pub(crate) mod symbols;
mod tau_edit;
mod tau_keys;
mod tau_strip;
mod terms;
pub(crate) mod variance;
mod view;

use crate::{
    app::{
        state::{command::Command, written},
        widgets::{hint::Hint, texture_cache::TextureCache},
    },
    schedule::{Prediction, StepCoefficients},
};
pub(crate) use colours::Palette;
use eframe::egui::{Frame, Id, Margin, RichText, Ui};
pub(crate) use plots::log_snr;
pub(crate) use run_plots::larger;
pub use tau_strip::tau_strip_ui;
pub(crate) use view::Source;
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
    let top = ui.cursor().top();
    header_ui(ui, view, step, index);
    rule_ui(ui, view, step, &palette);
    ui.add_space(4.0);
    terms::terms_ui(ui, view, step, textures, &palette);
    ui.add_space(4.0);
    let left = ui.clip_rect().height() - (ui.cursor().top() - top);
    along_tau::along_tau_ui(ui, view, step, &palette, left)
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
        let (name, hover) = if view.sigma_hat {
            ("DDPM's posterior", "Not Eq. 12: the mean of what DDPM believes x_s to be, given x_t and x̂0, plus noise")
        } else {
            (
                "Eq. 12 of the paper",
                "Denoising Diffusion Implicit Models (Song, Meng, Ermon 2020): one step from x_t to x_s, here t − 1 in the paper",
            )
        };
        ui.label(RichText::new(name).size(15.0).weak()).hint(hover);
        form_ui(ui, view);
    });
}

fn form_id() -> Id {
    Id::unique("Eq. 12 in epsilon")
}

/// Whether Eq. 12 is written in ε, as the paper has it, whatever the network predicts.
fn is_in_epsilon(ui: &Ui) -> bool {
    ui.data(|data| data.get_temp(form_id())).unwrap_or(false)
}

/// The choice of how Eq. 12 is written, where the network predicts something other than ε.
fn form_ui(ui: &mut Ui, view: &View<'_>) {
    let name = match view.plan.model.scheduler.prediction_type {
        Prediction::VPrediction => "in v",
        Prediction::Sample => "in x̂0",
        Prediction::Epsilon => return,
    };
    if view.sigma_hat {
        return;
    }
    let in_epsilon = is_in_epsilon(ui);
    let own = ui.selectable_label(!in_epsilon, name).hint("With what this network predicts").clicked();
    let paper = ui
        .selectable_label(in_epsilon, "in ε")
        .hint("As the paper writes it: the ε is that which the network's output means")
        .clicked();
    if own || paper {
        ui.data_mut(|data| data.insert_temp(form_id(), paper));
    }
}

/// The update rule with its numbers, and below it what its symbols are.
fn rule_ui(ui: &mut Ui, view: &View<'_>, step: &StepCoefficients, palette: &Palette) {
    let prediction = view.plan.model.scheduler.prediction_type;
    let in_epsilon = is_in_epsilon(ui);
    let parts = formula::rule(step, prediction, view.sigma_hat, in_epsilon, palette);
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
