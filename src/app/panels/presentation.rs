//! Presentation mode: η and S alone, large, for the back of a lecture hall.

use super::{controls_panel::STEPS, eta_slider::slider_ui};
use crate::{
    app::{
        state::{State, controls::Controls, written::plain},
        widgets::{own_keys, theme},
    },
    schedule::Spacing,
};
use eframe::egui::{self, RichText, Slider, Ui};

/// Draws the two sliders.
pub(crate) fn presentation_ui(ui: &mut Ui, state: &State, draft: &mut Controls) {
    let size = 28.0;
    if draft.has_sides() {
        ui.label(RichText::new("η and S: one per side").size(size).strong().color(theme::accent(ui)));
        return;
    }
    ui.columns(2, |columns| {
        let ui = &mut columns[0];
        let (eta, _) = draft.noisiness();
        let title = if draft.has_own_eta() { format!("η = {}", plain(eta)) } else { draft.noise_text() };
        if draft.has_rows_of_eta() {
            ui.label(RichText::new("η: one per row").size(size).strong().color(theme::accent(ui)));
        } else {
            let label = ui.label(RichText::new(title).size(size).strong().color(theme::accent(ui)));
            large(ui);
            slider_ui(ui, draft, label.id);
        }
        let ui = &mut columns[1];
        if draft.has_grid_of_steps() {
            ui.label(RichText::new("S: the grid's own").size(size).strong().color(theme::accent(ui)));
            return;
        }
        if let Some(Spacing::List(list)) = &draft.spacing {
            ui.label(RichText::new(format!("S = {}, τ by hand", list.len())).size(size).strong());
            return;
        }
        let label = ui.label(RichText::new(format!("S = {}", draft.steps)).size(size).strong().color(theme::accent(ui)));
        large(ui);
        let max_steps = state.train_timesteps().max(1) as usize;
        let response =
            ui.add(Slider::new(&mut draft.steps, 1..=max_steps).logarithmic(true).show_value(false)).labelled_by(label.id);
        response.widget_info(|| egui::WidgetInfo::slider(true, draft.steps as f64, "S, number of steps"));
        if response.has_focus() {
            own_keys::use_arrows(ui, response.id, false);
        }
        if response.dragged() {
            // Round numbers are hard to hit on a logarithmic slider, so it snaps to them.
            let near = STEPS.into_iter().find(|s| draft.steps.abs_diff(*s) * 40 <= *s);
            draft.steps = near.unwrap_or(draft.steps);
        }
    });
}

fn large(ui: &mut Ui) {
    ui.spacing_mut().slider_width = (ui.available_width() - 20.0).max(80.0);
    ui.spacing_mut().slider_rail_height = 12.0;
    ui.spacing_mut().interact_size.y = 36.0;
}
