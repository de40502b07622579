//! Presentation mode: η and S alone, large, for the back of a lecture hall; below them the panels, and what Esc does.

use super::{controls_panel::STEPS, eta_slider::slider_ui, keys, top_bar::TABS};
use crate::{
    app::{
        state::{State, command::Command, controls::Controls, written::plain},
        widgets::{hint::Hint, own_keys, theme},
    },
    schedule::Spacing,
};
use eframe::egui::{self, Align, Layout, RichText, Slider, Ui};

/// Height of the words beside a slider, in points.
const SIZE: f32 = 26.0;
/// Width of those words: the slider beside them stays where it is while they change.
const WORDS: f32 = 170.0;
/// From this width on the panels and what Esc does share a line.
const ONE_LINE: f32 = 860.0;
/// A slider has at least this width; else it is below its words.
const MIN_SLIDER: f32 = 160.0;

/// Draws the two sliders, and the panels below them.
pub(crate) fn presentation_ui(ui: &mut Ui, state: &State, draft: &mut Controls) -> Option<Command> {
    sliders_ui(ui, state, draft);
    ui.add_space(2.0);
    let tabs_and_rest = |ui: &mut Ui| {
        for (tab, name, hover) in TABS {
            let text = RichText::new(name).size(15.0);
            if ui.selectable_label(draft.view.tab == tab, text).hint(hover).clicked() {
                draft.view.tab = tab;
            }
        }
        let does = keys::escape_does(state, draft);
        let width = ui.available_width().max(0.0);
        let rest = egui::vec2(width, ui.spacing().interact_size.y);
        ui.allocate_ui_with_layout(rest, Layout::right_to_left(Align::Center), |ui| {
            let leave = ui.button("Leave").hint("Leaves the presentation, whatever is being computed goes on (F11)").clicked();
            ui.label(RichText::new(format!("Esc {does}")).size(15.0).color(theme::faint(ui)));
            leave.then_some(Command::Present(false))
        })
        .inner
    };
    if ui.available_width() > ONE_LINE { ui.horizontal(tabs_and_rest).inner } else { ui.horizontal_wrapped(tabs_and_rest).inner }
}

/// Draws η and S side by side.
pub(crate) fn sliders_ui(ui: &mut Ui, state: &State, draft: &mut Controls) {
    if draft.has_sides() {
        title_ui(ui, "η and S: one per side".to_owned());
        return;
    }
    ui.columns(2, |columns| {
        eta_ui(&mut columns[0], draft);
        steps_ui(&mut columns[1], state, draft);
    });
}

fn title_ui(ui: &mut Ui, text: String) -> egui::Response {
    let colour = theme::accent(ui);
    ui.add(egui::Label::new(RichText::new(text).size(SIZE).strong().color(colour)).truncate())
}

/// Words and their slider, side by side where there is the width.
fn beside_ui(ui: &mut Ui, text: String, slider: impl FnOnce(&mut Ui, egui::Id)) {
    if ui.available_width() < WORDS + MIN_SLIDER {
        let label = title_ui(ui, text);
        large(ui);
        return slider(ui, label.id);
    }
    ui.horizontal(|ui| {
        let left = ui.cursor().left();
        let label = ui.scope(|ui| {
            ui.set_max_width(WORDS);
            title_ui(ui, text)
        });
        ui.add_space((left + WORDS - ui.cursor().left()).max(0.0));
        large(ui);
        slider(ui, label.inner.id);
    });
}

fn eta_ui(ui: &mut Ui, draft: &mut Controls) {
    if draft.has_rows_of_eta() {
        title_ui(ui, "η: one per row".to_owned());
        return;
    }
    let (eta, _) = draft.noisiness();
    let title = if draft.has_own_eta() { format!("η = {}", plain(eta)) } else { draft.noise_text() };
    beside_ui(ui, title, |ui, label| {
        slider_ui(ui, draft, label);
    });
}

fn steps_ui(ui: &mut Ui, state: &State, draft: &mut Controls) {
    if draft.has_grid_of_steps() {
        title_ui(ui, "S: the grid's own".to_owned());
        return;
    }
    if let Some(Spacing::List(list)) = &draft.spacing {
        title_ui(ui, format!("S = {}, τ by hand", list.len()));
        return;
    }
    beside_ui(ui, format!("S = {}", draft.steps), |ui, label| {
        let max_steps = state.train_timesteps().max(1) as usize;
        let slider = Slider::new(&mut draft.steps, 1..=max_steps).logarithmic(true).show_value(false);
        let response = ui.add(slider).labelled_by(label);
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
    ui.spacing_mut().interact_size.y = 34.0;
}
