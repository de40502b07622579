//! The Fork panel: one run, the branches that leave it, and when the picture is decided.

mod branch;
mod curve;
mod tree;
mod view;

use crate::app::{
    state::{command::Command, controls::Controls, view_settings::MAX_BRANCHES, written::plain},
    widgets::{texture_cache::TextureCache, theme, tile::named},
};
use eframe::egui::{Button, RichText, ScrollArea, Ui};
pub(crate) use view::{Row, View};

/// Height of the curve with its title and options.
const CURVE: f32 = 176.0;

/// Draws the panel; `draft` takes what the user changes.
pub(crate) fn fork_ui(ui: &mut Ui, view: &View<'_>, draft: &mut Controls, textures: &mut TextureCache) -> Option<Command> {
    let room = ui.available_size();
    let mut command = None;
    ScrollArea::both().id_salt("fork").auto_shrink(false).show(ui, |ui| {
        let top = ui.cursor().top();
        options_ui(ui, draft);
        if let Some(message) = view.run.and_then(|run| run.failed.as_deref()) {
            ui.label(RichText::new(format!("This run stopped: {message}")).color(theme::fault(ui)));
        }
        ui.add_space(2.0);
        let left = room.y - (ui.cursor().top() - top) - CURVE - 12.0;
        command = tree::tree_ui(ui, view, draft, textures, left);
        ui.add_space(6.0);
        // On a large screen the curve has the rest.
        let rest = room.y - (ui.cursor().top() - top) - 4.0;
        curve::curve_ui(ui, view, draft, rest.clamp(CURVE, 2.0 * CURVE));
    });
    command
}

fn options_ui(ui: &mut Ui, draft: &mut Controls) {
    let eta = if draft.is_posterior() { String::new() } else { format!(", stem at η = {}", plain(draft.eta)) };
    ui.horizontal_wrapped(|ui| {
        let tree = &mut draft.view.fork;
        ui.label(RichText::new("Click a step of a row to branch off there").strong());
        ui.label(RichText::new(format!("{} of {MAX_BRANCHES} branches{eta}", tree.branches.len())).color(theme::faint(ui)));
        ui.separator();
        ui.label("show");
        let predicted = ui.selectable_value(&mut tree.noisy, false, "predicted x̂0");
        named(predicted, "show x̂0 in the tree", "The picture that each step predicts from x_t");
        let noisy = ui.selectable_value(&mut tree.noisy, true, "x_t");
        named(noisy, "show x_t in the tree", "What each step starts from");
        ui.separator();
        let clear = ui.add_enabled(!tree.branches.is_empty(), Button::new("Remove all"));
        if named(clear, "remove all branches", "Leaves the stem alone; undo brings them back").clicked() {
            (tree.branches, tree.chosen) = (Vec::new(), None);
        }
    });
}
