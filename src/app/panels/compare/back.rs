//! The way back to the grid, from the panel that one of its cells was opened in.

use crate::app::{
    state::{State, command::Command},
    widgets::hint::Hint,
};
use eframe::egui::Ui;

/// Draws the button where a grid was left.
pub(crate) fn back_ui(ui: &mut Ui, state: &State) -> Option<Command> {
    state.left_grid.as_ref()?;
    let hint =
        "The comparison that this picture is a cell of, as it was: nothing of it is computed again. Undo (Ctrl+Z) leads there, too";
    ui.button("← Back to the grid").hint(hint).clicked().then_some(Command::BackToGrid)
}
