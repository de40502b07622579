//! The strip: x on its way up from x_0 to x_T above, and on its way back below, the same timestep in the same column.

use super::view::View;
use crate::{
    app::{
        panels::film_strip::positions,
        widgets::{hint::Hint, texture_cache::TextureCache, theme, tile::version},
    },
    picture::Picture,
};
use eframe::egui::{Align2, Color32, FontId, Id, Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};

const GAP: f32 = 4.0;
/// Room for the timesteps below, and for the arrows at the left.
const BELOW: f32 = 18.0;
const ARROW: f32 = 22.0;

/// Height of a strip of pictures of this side.
pub(super) fn height(side: f32) -> f32 {
    2.0 * side + GAP + BELOW
}

/// Draws the strip.
pub(super) fn strip_ui(ui: &mut Ui, view: &View<'_>, textures: &mut TextureCache, height: f32, aspect: f32) {
    let side = height / aspect;
    let width = ui.available_width();
    let (rect, _) = ui.allocate_exact_size(vec2(width, self::height(height)), Sense::hover());
    let Some((run, steps)) = view.find(|shown| Some(shown.steps()).filter(|steps| *steps > 0)) else {
        ui.painter().rect_filled(rect, 3, theme::empty(ui));
        return;
    };
    let room = (((width - ARROW + GAP) / (side + GAP)).floor() as usize).max(2);
    let columns = positions(steps, room);
    let pitch = if columns.len() > 1 { ((width - ARROW - side) / (columns.len() - 1) as f32).min(side + 16.0) } else { 0.0 };
    let faint = theme::faint(ui);
    let rows = [("→", "way up, from x_0 to x_T"), ("←", "way back, from x_T to x_0")];
    for (row, (arrow, name)) in rows.into_iter().enumerate() {
        let top = rect.top() + row as f32 * (height + GAP);
        ui.painter().text(
            pos2(rect.left() + 8.0, top + height / 2.0),
            Align2::CENTER_CENTER,
            arrow,
            FontId::proportional(18.0),
            faint,
        );
        for (column, position) in columns.iter().copied().enumerate() {
            let place = Rect::from_min_size(pos2(rect.left() + ARROW + column as f32 * pitch, top), vec2(side, height));
            ui.painter().rect_filled(place, 2, theme::empty(ui));
            // A run of before may have had another S: its place as far along the way.
            let found = view.find_or_drafted(|shown| {
                let at = (position as f64 / steps as f64 * shown.steps() as f64).round() as usize;
                match (row, at) {
                    (0, 0) => shown.x_0(),
                    (0, at) => shown.going_up(at).map(|picture| Picture::clone(picture)),
                    (_, at) => shown.coming_back(at).map(|picture| Picture::clone(picture)),
                }
            });
            if let Some((shown, picture)) = found {
                let tint = if shown.old { theme::DIMMED } else { Color32::WHITE };
                let seen = version((shown.run.id, position, shown.up().is_some()));
                textures.paint_tinted(ui, place, Id::unique(("rewind strip", row, column)), seen, &picture, tint);
            }
        }
        let all = Rect::from_min_size(pos2(rect.left(), top), vec2(width, height));
        let response = ui.interact(all, Id::unique(("rewind row", row)), Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, name));
        response.hint(if row == 0 {
            "x on its way up, step by step"
        } else {
            "x on its way back; above it the same timestep on the way up"
        });
    }
    for (column, position) in columns.into_iter().enumerate() {
        let text = run.timestep(position).map_or("x_0".to_owned(), |t| t.to_string());
        let at = pos2(rect.left() + ARROW + column as f32 * pitch + side / 2.0, rect.top() + 2.0 * height + GAP + 2.0);
        ui.painter().text(at, Align2::CENTER_TOP, text, FontId::proportional(12.0), faint);
    }
}
