//! The Race panel: two samplers start from one x_T and get the device in turns, by equal time; what one needs until its picture is done
//! stands beside what the other needs.

mod settings;
mod side;
mod verdict;
mod view;

use crate::app::{
    state::{State, command::Command, controls::Controls},
    widgets::{hint::Hint, texture_cache::TextureCache, theme, tile::named},
};
use eframe::egui::{Button, RichText, ScrollArea, Ui, Vec2, vec2};
pub(crate) use view::{Stage, View, captions, seconds_text};

/// Room between the two sides, and for what stands above and below a picture, in points.
const GAP: f32 = 18.0;
const AROUND: f32 = 124.0;
const MIN_SIDE: f32 = 96.0;

/// Draws the panel; `draft` takes what the user changes.
pub(crate) fn race_ui(ui: &mut Ui, state: &State, draft: &mut Controls, textures: &mut TextureCache) -> Option<Command> {
    let view = View::new(state);
    let room = ui.available_size();
    let mut command = None;
    ScrollArea::both().id_salt("race").auto_shrink(false).show(ui, |ui| {
        let top = ui.cursor().top();
        ui.label(RichText::new(intro(draft)).size(15.5));
        command = start_ui(ui, &view, draft);
        verdict::verdict_ui(ui, &view);
        ui.add_space(2.0);
        let left = room.y - (ui.cursor().top() - top);
        let width = (ui.available_width() - GAP) / 2.0;
        let picture = side::picture_side(vec2(width, left - AROUND), view.aspect()).max(MIN_SIDE);
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = GAP;
            for side in 0..2 {
                ui.allocate_ui(Vec2::new(width, left.max(0.0)), |ui| {
                    ui.vertical(|ui| {
                        ui.set_width(width);
                        ui.spacing_mut().item_spacing.x = 8.0;
                        settings::settings_ui(ui, &view, draft, side);
                        side::side_ui(ui, &view, textures, side, picture);
                    });
                });
            }
        });
    });
    command
}

fn intro(draft: &Controls) -> String {
    format!(
        "Two samplers start from one x_T ({}, image {}) and share the device by equal time: whoever has used it less is next.",
        draft.latent_text(),
        draft.image_number()
    )
}

/// The button that starts or stops, and what is shown large.
fn start_ui(ui: &mut Ui, view: &View<'_>, draft: &mut Controls) -> Option<Command> {
    let mut command = None;
    ui.horizontal_wrapped(|ui| {
        let big = |text: &str| Button::new(RichText::new(text).size(19.0).strong()).min_size(vec2(110.0, 36.0));
        if view.stage() == Stage::Running {
            if ui.add(big("Stop")).hint("Stops after the step in flight (Esc); what is there stays").clicked() {
                command = Some(Command::Cancel);
            }
        } else {
            let (name, hover) = match view.run {
                Some(_) => ("Again", "Both start once more from x_T (Ctrl + R)"),
                None => ("Start", "Both start from x_T (Ctrl + R)"),
            };
            let start = big(name).fill(ui.visuals().selection.bg_fill);
            if ui.add(start).hint(hover).clicked() {
                command = Some(Command::Restart);
            }
        }
        ui.add_space(6.0);
        ui.label("large");
        let race = &mut draft.view.race;
        let predicted = ui.selectable_value(&mut race.noisy, false, "x̂0");
        named(predicted, "show x̂0 large", "The picture that each step predicts; x_t is small beside it");
        let noisy = ui.selectable_value(&mut race.noisy, true, "x_t");
        named(noisy, "show x_t large", "What each step starts from; the predicted x̂0 is small beside it");
        if let Some(text) = view.note() {
            ui.label(RichText::new(text).color(theme::caution(ui)));
        }
    });
    command
}
