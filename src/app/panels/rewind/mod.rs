//! The Rewind panel: a picture goes up to the x_T that leads to it and comes back, and what it misses is measured at several S.

mod large;
mod options;
mod plots;
mod strip;
mod view;

use crate::app::{
    state::{command::Command, controls::Controls, written::plain},
    widgets::{texture_cache::TextureCache, theme},
};
use eframe::egui::{RichText, ScrollArea, Ui, vec2};
pub(crate) use plots::{density, gaussian, middle};
pub(crate) use view::{Rewound, View, error_text};

/// Heights in points: the plots with their titles, the captions below the large pictures, and the rows of the strip.
const PLOTS: f32 = 196.0;
/// In a narrower panel one plot is below the other.
const PLOTS_BESIDE: f32 = 520.0;
const CAPTION: f32 = 44.0;
const STRIP: [f32; 2] = [26.0, 46.0];
const MIN_SIDE: f32 = 84.0;
const GAP: f32 = 12.0;

/// Draws the panel; `draft` takes what the user changes.
pub(crate) fn rewind_ui(ui: &mut Ui, view: &View<'_>, draft: &mut Controls, textures: &mut TextureCache) -> Option<Command> {
    let room = ui.available_size();
    let mut command = None;
    ScrollArea::both().id_salt("rewind").auto_shrink(false).show(ui, |ui| {
        let top = ui.cursor().top();
        command = options::options_ui(ui, view, draft);
        if let Some(message) = view.run.and_then(|run| run.failed.as_deref()) {
            ui.label(RichText::new(format!("This run stopped: {message}")).color(theme::fault(ui)));
        }
        sentence_ui(ui, view, draft);
        ui.add_space(4.0);
        let left = vec2(ui.available_width(), room.y - (ui.cursor().top() - top));
        let small = (left.y * 0.08).clamp(STRIP[0], STRIP[1]);
        let strip = strip::height(small);
        let aspect = view.aspect();
        let across = (left.x - 3.0 * GAP) / 4.0;
        let side = ((left.y - strip - PLOTS - CAPTION - 24.0) / aspect).max(MIN_SIDE).min(across).max(40.0);
        large::large_ui(ui, view, textures, side, aspect, GAP);
        ui.add_space(4.0);
        strip::strip_ui(ui, view, textures, small, aspect);
        ui.add_space(4.0);
        if ui.available_width() < PLOTS_BESIDE {
            plots::errors_ui(ui, view, PLOTS - 26.0);
            plots::histogram_ui(ui, view, PLOTS - 26.0);
        } else {
            ui.columns(2, |columns| {
                plots::errors_ui(&mut columns[0], view, PLOTS - 26.0);
                plots::histogram_ui(&mut columns[1], view, PLOTS - 26.0);
            });
        }
    });
    command
}

/// Says in one sentence why the picture returns, or why it does not.
fn sentence_ui(ui: &mut Ui, view: &View<'_>, draft: &Controls) {
    let rewind = &draft.view.rewind;
    let steps = draft.step_count();
    let text = if rewind.eta > 0.0 {
        format!(
            "η = {}: it does not return, since every step back adds fresh noise that the way up knows nothing of, and x_T alone no \
             longer decides the picture.",
            plain(rewind.eta)
        )
    } else if rewind.refine > 0 {
        format!(
            "η = 0: {} passes after each step solve it for the x_t that the step back comes from, so the picture returns more exactly \
             than {steps} steps alone could do.",
            rewind.refine
        )
    } else {
        let error = view.newest().and_then(|shown| shown.back()?.mse).map_or_else(String::new, |e| format!(" ({})", error_text(e)));
        format!(
            "η = 0: up and back follow the same ODE, so x_T leads to the picture again; what is missed{error} is the error of taking it \
             in {steps} steps, and falls with more of them."
        )
    };
    let text = RichText::new(text).size(15.5);
    ui.label(if rewind.eta > 0.0 { text.color(theme::caution(ui)) } else { text });
}
