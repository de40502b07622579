//! τ with the curves below it, all along one axis of timesteps: as many as there is room for, else the one that is chosen.

use super::{colours::Palette, plots, run_plots, tau_strip::tau_strip_ui, view::View};
use crate::{
    app::{state::command::Command, widgets::tile::named},
    schedule::StepCoefficients,
};
use eframe::egui::{Id, Rangef, RichText, Ui, UiBuilder};

/// Height of τ with its title, and of a curve's title.
const TAU: f32 = 96.0;
const TITLE: f32 = 30.0;
/// The least and the greatest height of a curve.
const HEIGHT: [f32; 2] = [92.0, 230.0];

/// The curves, with what each is.
const CURVES: [(&str, &str, &str); 4] = [
    ("ᾱ", "show ᾱ", "The share of the picture in x_t's variance, for every timestep"),
    ("log-SNR", "show log-SNR", "ln ᾱ/(1 − ᾱ): how much more picture than noise x_t holds, as the network sees it"),
    ("σ", "show σ", "How much fresh noise each step of this run adds, beside η = 1 and σ̂"),
    ("lengths", "show lengths", "‖·‖/√d of x_t, x̂0 and ε in each step: 1 is as long as noise"),
];

/// Draws both into what is `left` of the page.
pub(super) fn along_tau_ui(ui: &mut Ui, view: &View<'_>, step: &StepCoefficients, palette: &Palette, left: f32) -> Option<Command> {
    let tau: Vec<u32> = view.schedule.steps.iter().rev().map(|step| step.t).collect();
    let train_timesteps = view.schedule.alpha_bar.len() as u32;
    let all = left > TAU + CURVES.len() as f32 * (TITLE + HEIGHT[0] + 16.0);
    let (chosen_id, axis_id) = (Id::unique("explain curve"), ui.scope_id().with("explain axis"));
    let mut chosen = ui.data(|data| data.get_temp::<usize>(chosen_id)).unwrap_or(0).min(CURVES.len() - 1);
    ui.horizontal_wrapped(|ui| {
        ui.label(RichText::new("Timesteps τ").strong().size(15.0));
        ui.label(RichText::new("drag a tick; double-click adds one, right-click removes one").weak().size(14.0));
        if !all {
            ui.separator();
            for (number, (name, accessible, hover)) in CURVES.into_iter().enumerate() {
                if named(ui.selectable_label(chosen == number, name), accessible, hover).clicked() {
                    chosen = number;
                }
            }
        }
    });
    ui.data_mut(|data| data.insert_temp(chosen_id, chosen));
    // The strip stands above the frame of the curves, which is known once they were drawn.
    let room = ui.available_rect_before_wrap();
    let frame = ui.data(|data| data.get_temp::<Rangef>(axis_id)).unwrap_or(room.x_range());
    let frame = Rangef::new(frame.min.max(room.left()), frame.max.min(room.right()));
    let frame = if frame.span() > 60.0 { frame } else { room.x_range() };
    let place = room.with_min_x(frame.min).with_max_x(frame.max);
    let mut command = None;
    let strip =
        ui.scope_builder(UiBuilder::new().max_rect(place), |ui| command = tau_strip_ui(ui, train_timesteps, &tau, Some(step.t)));
    // What follows begins at the left edge again.
    let below = strip.response.rect.bottom() + ui.spacing().item_spacing.y;
    let rest = UiBuilder::new().max_rect(room.with_min_y(below).with_max_y(f32::INFINITY));
    let shown: Vec<usize> = if all { (0..CURVES.len()).collect() } else { vec![chosen] };
    let each = ((left - TAU) / shown.len() as f32 - TITLE - 12.0).clamp(HEIGHT[0], HEIGHT[1]).floor();
    ui.scope_builder(rest, |ui| {
        for which in shown {
            let (frame, asked) = match which {
                0 => (plots::alpha_ui(ui, view, step, each, palette, CURVES[0].2), None),
                1 => (plots::snr_ui(ui, view, step, each, palette, CURVES[1].2), None),
                2 => run_plots::sigma_ui(ui, view, each, palette, CURVES[2].2),
                _ => run_plots::lengths_ui(ui, view, each, palette, CURVES[3].2),
            };
            ui.data_mut(|data| data.insert_temp(axis_id, frame));
            command = command.take().or(asked);
        }
    });
    command
}

#[cfg(test)]
mod tests {
    use super::CURVES;

    #[test]
    fn every_curve_says_what_it_is() {
        assert!(CURVES.iter().all(|(name, accessible, hover)| accessible.ends_with(name) && hover.len() > 30));
    }
}
