//! The open panel, and what is drawn over all panels.

use super::{compare, explain, fork, interpolate, race, rewind, scrubber, trajectory};
use crate::app::{
    state::{State, command::Command, controls::Controls, run_requests::Purpose, view_settings::Tab},
    widgets::{texture_cache::TextureCache, theme},
};
use eframe::egui::{self, Ui};

/// Draws the open panel; `draft` is changed where the user changes something.
pub(crate) fn panel_ui(
    ui: &mut Ui,
    state: &State,
    draft: &mut Controls,
    playback: &mut interpolate::Playback,
    textures: &mut TextureCache,
    now: f64,
) -> Option<Command> {
    match state.controls.view.tab {
        Tab::Trajectory => {
            let back = compare::back_ui(ui, state);
            trajectory::trajectory_ui(ui, state, draft, textures).or(back)
        }
        Tab::Explain => {
            let back = compare::back_ui(ui, state);
            explain_panel_ui(ui, state, textures).or(back)
        }
        Tab::Compare => {
            let runs = &state.runs;
            let view = compare::View {
                run: runs.current(Purpose::Compare),
                previous: runs.previous(Purpose::Compare),
                train_timesteps: state.train_timesteps(),
            };
            compare::compare_following_ui(ui, &view, runs.cell_draft(), &state.grid_playhead, draft, textures)
        }
        Tab::Rewind => rewind::rewind_ui(ui, &rewind::View::new(&state.runs), draft, textures),
        Tab::Fork => fork::fork_ui(ui, &fork::View::new(&state.runs), draft, textures),
        Tab::Race => race::race_ui(ui, state, draft, textures),
        Tab::Interpolate => {
            let view = interpolate::View::new(&state.runs, now);
            interpolate::interpolate_ui(ui, &view, draft, playback, textures)
        }
    }
}

/// The Explain panel for the step shown, with the scrubber above it.
fn explain_panel_ui(ui: &mut Ui, state: &State, textures: &mut TextureCache) -> Option<Command> {
    let command = scrubber::scrubber_ui(ui, state);
    let Some(source) = explain::Source::of(state) else {
        ui.label("The first step has not come yet.");
        return command;
    };
    let view = source.view();
    let asked = egui::ScrollArea::both().auto_shrink(false).show(ui, |ui| explain::explain_ui(ui, &view, textures)).inner;
    asked.or(command)
}

/// Over everything while a file hovers over the window.
pub(crate) fn drop_hint_ui(ui: &Ui, tab: Tab) {
    let rect = ui.ctx().content_rect();
    let layer = egui::LayerId::new(egui::Order::Foreground, egui::Id::unique("drop hint"));
    let painter = ui.ctx().layer_painter(layer);
    painter.rect_filled(rect, 0, ui.visuals().panel_fill.gamma_multiply(0.85));
    let text = match tab {
        Tab::Rewind => "Drop a picture to rewind it,\nor a model's folder to rewind with it",
        _ => "Drop a picture to set every control as it was made,\nor a model's folder to sample from it",
    };
    painter.text(rect.center(), egui::Align2::CENTER_CENTER, text, egui::FontId::proportional(24.0), theme::accent(ui));
}
