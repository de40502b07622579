//! The controls of a window that is tall and narrow, as a phone's is: η and S below the open panel, and all of them in the same place after
//! a tap on a button.

use super::{controls_panel, presentation};
use crate::app::{
    state::{State, command::Command, controls::Controls},
    widgets::{hint::Hint, texture_cache::TextureCache},
};
use eframe::egui::{self, Color32, Frame, Panel, Ui, Vec2};

/// A narrower window has no room for controls beside the open panel.
const NARROW: f32 = 560.0;
/// All controls have at most this share of the window's height, and scroll.
const SHARE: f32 = 0.46;

/// Whether a window of this size is one.
pub(crate) fn is_phone(window: Vec2) -> bool {
    window.x < NARROW && window.y > window.x
}

/// Draws the controls; `draft` is changed where the user changes something.
pub(crate) fn phone_ui(ui: &mut Ui, state: &State, draft: &mut Controls, textures: &mut TextureCache) -> Option<Command> {
    let height = ui.available_height();
    let frame = Frame::side_top_panel(ui.style()).fill(Color32::TRANSPARENT);
    // Either has its own place in egui's memory, so that one does not take on the other's height.
    let panel = Panel::bottom(if state.unfolded { "all controls" } else { "two controls" }).frame(frame);
    let panel = if state.unfolded { panel.exact_size(height * SHARE) } else { panel };
    panel
        .show(ui, |ui| {
            let command = fold_ui(ui, state);
            if state.unfolded {
                return controls_panel::controls_ui(ui, state, draft, textures).or(command);
            }
            presentation::sliders_ui(ui, state, draft);
            ui.add_space(4.0);
            command
        })
        .inner
}

/// The button that shows all controls, or those of the open panel alone.
fn fold_ui(ui: &mut Ui, state: &State) -> Option<Command> {
    let (sign, hover) = if state.unfolded {
        ("⏷ Fewer controls", "η and S alone, and more room for the pictures")
    } else {
        ("⏶ All controls", "The model, seeds, the number of images, conventions and the device")
    };
    let button = egui::Button::new(sign).min_size(Vec2::new(0.0, 28.0));
    ui.add(button).hint(hover).clicked().then_some(Command::Unfold(!state.unfolded))
}
