//! The Compare panel: one x_T in a grid of runs that advance together, and how far the noise takes them apart.

mod colour;
mod curve;
mod grid;
mod options;
mod spread;

pub use colour::inferno;

use super::{Command, Controls, controls::Axes, pictures::Pictures, run_view::RunView};
use eframe::egui::{self, RichText, ScrollArea, Vec2};

/// What the panel shows.
pub struct View<'a> {
    /// The newest comparison, perhaps unfinished.
    pub run: Option<&'a RunView>,
    /// The one before, whose pictures stay, dimmed, where the new one has none yet.
    pub previous: Option<&'a RunView>,
    /// T of the model.
    pub train_timesteps: u32,
}

impl<'a> View<'a> {
    /// The one before, if its grid has the same axes.
    fn older(&self, axes: Axes) -> Option<&'a RunView> {
        self.previous.filter(|run| run.controls.viewer.compare.axes == axes)
    }

    /// The newest run, if its grid has these axes.
    fn newest(&self, axes: Axes) -> Option<&'a RunView> {
        self.run.filter(|run| run.controls.viewer.compare.axes == axes)
    }
}

/// Draws the panel; `draft` takes what the user changes.
pub fn compare_ui(ui: &mut egui::Ui, view: &View<'_>, draft: &mut Controls, pictures: &mut Pictures) -> Option<Command> {
    let room = ui.available_size();
    let mut command = None;
    ScrollArea::vertical().id_salt("compare").auto_shrink(false).show(ui, |ui| {
        let top = ui.cursor().top();
        options::options_ui(ui, view, draft);
        ui.add_space(4.0);
        if let Some(message) = view.run.and_then(|run| run.failed.as_deref()) {
            ui.label(RichText::new(format!("This comparison stopped: {message}")).color(ui.visuals().error_fg_color).size(15.0));
        }
        let axes = draft.viewer.compare.axes;
        let below = match axes {
            Axes::EtaBySeed => spread::height(room.x),
            Axes::StepsBySpacing => 64.0,
        };
        let left = Vec2::new(ui.available_width(), room.y - (ui.cursor().top() - top) - below);
        command = grid::grid_ui(ui, view, draft, pictures, left);
        match axes {
            Axes::EtaBySeed => spread::spread_ui(ui, view, draft, pictures),
            Axes::StepsBySpacing => steps_sentence(ui),
        }
    });
    command
}

fn steps_sentence(ui: &mut egui::Ui) {
    ui.add_space(6.0);
    let text = "Every picture starts from the same x_T. Read down: more steps S sharpen the detail while the garment stays the same one, \
                because x_T has fixed it (at η = 0). Read across: τ only chooses where the steps lie, and matters most where S is small.";
    ui.label(RichText::new(text).size(15.0));
}
