//! The film strip: x_t above x̂0 at steps spread over the run, filling as steps arrive.

use crate::{
    app::{
        state::{
            State,
            command::Command,
            run_view::{RunView, Shown},
        },
        widgets::{hint::Hint, texture_cache::TextureCache, theme, tile::fitted},
    },
    picture::{Picture, sheet::evenly_spaced},
};
use eframe::egui::{self, Align2, Color32, FontId, Id, Rect, Sense, Ui, Vec2, pos2, vec2};
use std::sync::Arc;

/// Space between two steps.
const GAP: f32 = 4.0;
/// The smallest and the largest side of a picture: it fills the height, and the width decides how many steps are shown.
const SIDE: [f32; 2] = [28.0, 104.0];

/// The positions of a run of `steps` that a strip with room for `room` of them shows: the last is the finished sample.
pub(crate) fn positions(steps: usize, room: usize) -> Vec<usize> {
    positions_up_to(steps, room.clamp(2, 64))
}

/// At most `max_count` positions of a run of `steps`, evenly spread, both ends included.
pub(crate) fn positions_up_to(steps: usize, max_count: usize) -> Vec<usize> {
    evenly_spaced(steps + 1, max_count)
}

/// Side of the strip's pictures in `room`, and from one to the next, for a run of `steps`.
fn pitch(room: Vec2, steps: usize) -> (f32, Vec<usize>, f32) {
    let side = ((room.y - 26.0) / 2.0).clamp(SIDE[0], SIDE[1]);
    let count = ((room.x + GAP) / (side + GAP)).floor().max(2.0) as usize;
    let positions = positions(steps, count);
    let pitch = if positions.len() > 1 { ((room.x - side) / (positions.len() - 1) as f32).min(side + 14.0) } else { 0.0 };
    (side, positions, pitch)
}

/// Where the strip that stands above `below` has its x_T and its finished sample: the steps lie between the middles of the two.
pub(crate) fn span(below: Rect, steps: usize, strip: f32) -> [f32; 2] {
    let (side, positions, pitch) = pitch(vec2(below.width(), strip), steps);
    let left = below.left() + side / 2.0;
    [left, left + pitch * positions.len().saturating_sub(1) as f32]
}

/// Both pictures of a step.
pub(crate) fn pair(shown: &Shown<'_>, image: usize) -> Option<(Arc<Picture>, Arc<Picture>)> {
    let record = shown.record(image)?;
    let upper = if shown.finished { shown.after(image)?.clone() } else { record.x_t.clone() };
    Some((upper, record.x0.clone()))
}

/// Draws the strip, `height` points high with its timesteps; a click looks at a step.
pub(crate) fn film_strip_ui(ui: &mut Ui, state: &State, textures: &mut TextureCache, height: f32) -> Option<Command> {
    // Drafts do not touch the strip: it keeps what it has, dimmed, until a full run has better.
    let runs = state.runs.strip(state.image());
    let steps = runs.first().map_or(0, |run| run.steps());
    let room = vec2(ui.available_width(), height);
    let (side, positions, pitch) = pitch(room, steps.max(1));
    let (rect, _) = ui.allocate_exact_size(vec2(room.x, 2.0 * side + GAP + 18.0), Sense::hover());
    if steps == 0 {
        ui.painter().rect_filled(rect, 4, theme::empty(ui));
        return None;
    }
    let looked = state.shown().map(|s| (s.position() as f64 / s.run.steps().max(1) as f64 * steps as f64).round() as usize);
    let nearest = looked.and_then(|at| positions.iter().copied().min_by_key(|p| p.abs_diff(at)));
    let mut command = None;
    for (column, position) in positions.into_iter().enumerate() {
        let left = rect.left() + column as f32 * pitch;
        let upper = Rect::from_min_size(pos2(left, rect.top()), Vec2::splat(side));
        let lower = upper.translate(vec2(0.0, side + GAP));
        let both = upper.union(lower);
        let scaled = |run: &RunView| (position as f64 / steps as f64 * run.steps() as f64).round() as usize;
        let shown = runs.iter().find_map(|run| run.at_position(scaled(run)));
        for place in [upper, lower] {
            ui.painter().rect_filled(place, 2, theme::empty(ui));
        }
        // What the new run has not reached yet shows the run before, faded.
        let newest = shown.is_some_and(|shown| state.is_newest(shown.run));
        let tint = if newest { Color32::WHITE } else { theme::DIMMED };
        if let Some((shown, (noisy, predicted))) = shown.and_then(|s| Some((s, pair(&s, state.image())?))) {
            let version = shown.version() ^ (state.image() as u64) << 50;
            textures.paint_tinted(ui, fitted(upper, &noisy), Id::unique(("film x", column)), version, &noisy, tint);
            textures.paint_tinted(ui, fitted(lower, &predicted), Id::unique(("film x0", column)), version, &predicted, tint);
        }
        let t = runs.first().and_then(|run| run.plan.as_ref()?.schedules.first()?.steps.get(position).map(|s| s.t));
        let text = t.map_or("x_0".to_owned(), |t| t.to_string());
        let colour = if nearest == Some(position) { theme::accent(ui) } else { theme::faint(ui) };
        ui.painter().text(pos2(both.center().x, both.bottom() + 2.0), Align2::CENTER_TOP, text, FontId::proportional(12.0), colour);
        let response = ui.interact(both, Id::unique(("film", column)), Sense::click());
        if nearest == Some(position) || response.hovered() || response.has_focus() {
            ui.painter().rect_stroke(both, 3, (2.0, colour), egui::StrokeKind::Outside);
        }
        let name = if position == steps { "Finished sample".to_owned() } else { format!("Step {}", position + 1) };
        response.widget_info(|| egui::WidgetInfo::selected(egui::Role::Button, true, nearest == Some(position), &name));
        let hover = match t {
            None => format!("{name}: x_0 above, what the last step has made; below the x̂0 that this step predicted"),
            Some(t) if position + 1 == steps => {
                format!("{name}, t = {t}: what the last step starts from, above, and the x̂0 that it predicts")
            }
            Some(t) => format!("{name}, t = {t}: x_t above, the predicted x̂0 below"),
        };
        if response.hint(hover).clicked() {
            command = Some(Command::Look(position));
        }
    }
    command
}

#[cfg(test)]
mod tests {
    use super::positions;

    #[test]
    fn a_strip_begins_with_x_t_and_ends_with_the_sample() {
        assert_eq!(positions(50, 6), [0, 10, 20, 30, 40, 50]);
        assert_eq!(positions(3, 20), [0, 1, 2, 3]);
        assert_eq!(positions(1000, 2), [0, 1000]);
    }
}
