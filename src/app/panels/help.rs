//! The list of keys.

use super::{introduction, keys};
use crate::app::state::command::Command;
use eframe::egui::{self, Context, Grid, RichText};

/// Draws the list while `open`; the user can close it, or ask what all this is.
pub(crate) fn help_ui(ctx: &Context, open: &mut bool) -> Option<Command> {
    let mut command = None;
    egui::Window::new("Keys").open(open).collapsible(false).resizable(false).anchor(egui::Align2::CENTER_CENTER, [0.0, 0.0]).show(
        ctx,
        |ui| {
            Grid::new("keys").num_columns(2).spacing([24.0, 6.0]).striped(true).show(ui, |ui| {
                for (key, meaning) in keys::HELP {
                    ui.label(RichText::new(key).strong());
                    ui.label(meaning);
                    ui.end_row();
                }
            });
            ui.separator();
            if ui.button(introduction::TITLE).clicked() {
                command = Some(Command::Introduce(true));
            }
        },
    );
    command
}
