//! The Interpolate panel: pictures between two seeds, or four, and why the arc between them is the right way.

pub mod end_controls;
mod large;
mod modes;
mod norms;
mod options;
mod play;
mod shown;
mod strip;
mod view;

use crate::app::{
    state::{command::Command, controls::Controls, written::plain},
    widgets::texture_cache::TextureCache,
};
use eframe::egui::{self, RichText, ScrollArea};
pub(crate) use options::end_names;
pub use play::Playback;
pub(crate) use shown::{large, stops};
pub use view::View;

/// Draws the panel; `draft` takes what the user changes.
pub fn interpolate_ui(
    ui: &mut egui::Ui,
    view: &View<'_>,
    draft: &mut Controls,
    playback: &mut Playback,
    textures: &mut TextureCache,
) -> Option<Command> {
    let room = ui.available_size();
    let mut command = None;
    if playback.advance(view.time, &mut draft.view.interpolate) {
        ui.ctx().request_repaint();
    }
    ScrollArea::both().id_salt("interpolate").auto_shrink(false).show(ui, |ui| {
        let top = ui.cursor().top();
        command = options::options_ui(ui, draft, playback, textures);
        let failed = [view.between, view.point].into_iter().flatten().find_map(|run| run.failed.as_deref());
        if let Some(message) = failed {
            ui.label(RichText::new(format!("This run stopped: {message}")).color(ui.visuals().error_fg_color).size(15.0));
        }
        ui.add_space(4.0);
        sentence(ui, view, draft);
        ui.add_space(4.0);
        let left = egui::vec2(ui.available_width(), room.y - (ui.cursor().top() - top));
        let clicked = if draft.view.interpolate.grid {
            large::grid_ui(ui, view, draft, playback, textures, left)
        } else {
            large::strip_ui(ui, view, draft, playback, textures, left)
        };
        command = clicked.or(command.take());
    });
    command
}

/// The smallest ‖x_T‖/√d of lerp.
fn shortest(view: &View<'_>) -> Option<f64> {
    let run = view.between.filter(|run| !run.controls.view.interpolate.grid)?;
    run.plan.as_ref()?.latent_rms.get(1)?.iter().copied().min_by(f64::total_cmp)
}

/// Explains what can be seen.
fn sentence(ui: &mut egui::Ui, view: &View<'_>, draft: &Controls) {
    let interpolate = &draft.view.interpolate;
    let text = if interpolate.eta > 0.0 {
        format!(
            "η = {}: it falls apart. Every step adds fresh noise, and with η above 0 that noise, not x_T, decides more and more what \
             comes out; the pictures no longer lead from one end to the other. At η = 0 x_T alone decides.",
            plain(interpolate.eta)
        )
    } else if interpolate.grid {
        "η = 0: each picture is decoded from its own x_T, between four ends along the arc. Since x_T alone decides, neighbours look \
         alike and the corners are the ends' own samples."
            .to_owned()
    } else if interpolate.pictures[..interpolate.ends()].iter().any(Option::is_some) {
        format!(
            "η = 0: an end is what a picture is encoded to, whose length need not be noise's, √d. Slerp goes from one end's length to the \
             other's; lerp's way is shorter in between ({}), and its pictures lose detail.",
            shortest(view).map_or("as the plot shows".to_owned(), |r| format!("down to {r:.2} √d"))
        )
    } else {
        format!(
            "Why slerp: the network was trained on latents of length √d. Slerp keeps that length all the way; lerp's middle is too \
             short ({}), and its pictures lose detail.",
            shortest(view).map_or("about 0.71 √d".to_owned(), |r| format!("here {r:.2} √d"))
        )
    };
    let text = RichText::new(text).size(16.0);
    ui.label(if interpolate.eta > 0.0 { text.color(ui.visuals().warn_fg_color) } else { text });
}
