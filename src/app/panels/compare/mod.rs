//! The Compare panel: one x_T in a grid of runs that advance together, and how far the noise takes them apart.

mod colour;
mod curve;
mod grid;
mod options;
mod rows;
mod spread;
mod view;

use crate::app::{
    state::{command::Command, controls::Controls, run_view::RunView, view_settings::Axes},
    widgets::texture_cache::TextureCache,
};
use eframe::egui::{self, RichText, ScrollArea, Vec2};
pub(crate) use grid::{group_of, looked_at};
pub use view::View;

/// Draws the panel; `draft` takes what the user changes.
pub fn compare_ui(ui: &mut egui::Ui, view: &View<'_>, draft: &mut Controls, textures: &mut TextureCache) -> Option<Command> {
    compare_following_ui(ui, view, None, draft, textures)
}

/// As [`compare_ui`], with the draft of one cell, which follows the hand.
pub(crate) fn compare_following_ui(
    ui: &mut egui::Ui,
    view: &View<'_>,
    follows: Option<&RunView>,
    draft: &mut Controls,
    textures: &mut TextureCache,
) -> Option<Command> {
    let room = ui.available_size();
    let mut command = None;
    ScrollArea::vertical().id_salt("compare").auto_shrink(false).show(ui, |ui| {
        let top = ui.cursor().top();
        options::options_ui(ui, view, draft);
        ui.add_space(4.0);
        if let Some(message) = view.run.and_then(|run| run.failed.as_deref()) {
            ui.label(RichText::new(format!("This comparison stopped: {message}")).color(ui.visuals().error_fg_color).size(15.0));
        }
        let width = ui.available_width();
        let high = |below: f32| Vec2::new(width, room.y - (ui.cursor().top() - top) - below);
        if draft.view.compare.axes == Axes::StepsBySpacing {
            let room = high(72.0);
            command = sideways(ui, |ui| grid::grid_ui(ui, view, follows, draft, textures, room));
            steps_sentence(ui, draft);
            return;
        }
        // The spread is placed beside the grid if that makes the pictures larger.
        let (under, side) = (high(spread::height(width)), (width * 0.27).clamp(230.0, 520.0));
        let beside = Vec2::new(width - side - 12.0, high(36.0).y);
        let (cell_beside, grid_beside) = grid::widths(view, draft, beside);
        if grid_beside > beside.x || cell_beside < 1.15 * grid::widths(view, draft, under).0 {
            command = sideways(ui, |ui| grid::grid_ui(ui, view, follows, draft, textures, under));
            spread::sentence_ui(ui, view, draft);
            spread::spread_ui(ui, view, textures, Vec2::new(width, 0.0));
            return;
        }
        let side = width - grid_beside - 12.0;
        ui.horizontal_top(|ui| {
            ui.allocate_ui(Vec2::new(grid_beside, beside.y), |ui| {
                ui.vertical(|ui| {
                    ui.set_width(grid_beside);
                    command = grid::grid_ui(ui, view, follows, draft, textures, beside);
                });
            });
            ui.vertical(|ui| {
                ui.set_width(side.min(ui.available_width()));
                spread::spread_ui(ui, view, textures, Vec2::new(ui.available_width().min(640.0), beside.y));
            });
        });
        spread::sentence_ui(ui, view, draft);
    });
    command
}

/// A grid with more columns than fit scrolls sideways.
fn sideways<R>(ui: &mut egui::Ui, grid: impl FnOnce(&mut egui::Ui) -> R) -> R {
    ScrollArea::horizontal().id_salt("grid").show(ui, grid).inner
}

/// What to look at if there is no spread.
fn steps_sentence(ui: &mut egui::Ui, draft: &Controls) {
    ui.add_space(6.0);
    let first = "Every picture starts from the same x_T. Read across: τ only chooses where the steps lie, and matters most where S is \
                 small. Read down: more steps S";
    let text = if draft.eta == 0.0 && !draft.sigma_hat {
        format!("{first} sharpen the detail, while the picture stays the same one: at η = 0 x_T has decided it.")
    } else {
        format!("{first} add noise more often, which changes the picture, too. Set η = 0 to see S and τ alone.")
    };
    ui.label(RichText::new(text).size(16.0));
}
