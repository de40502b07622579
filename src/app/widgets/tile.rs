//! A picture among others on screen: the newest one, an earlier one until the newest comes, or an empty frame.

use super::hint::Hint;
use super::texture_cache::TextureCache;
use crate::{
    app::state::{controls::Controls, run_view::RunView},
    picture::Picture,
    session::{Plan, StepUpdate},
};
use eframe::egui::{self, Align2, Color32, FontId, Id, Rect, Response, Stroke, StrokeKind, Ui, vec2};
use std::hash::{DefaultHasher, Hash, Hasher};

/// What a place shows.
#[derive(Clone, Copy)]
pub(crate) enum Tile<'a> {
    /// This picture, in this version.
    Now(&'a Picture, u64),
    /// What it showed before, because this step's pictures are left out.
    Same,
    /// A picture of the previous run, dimmed.
    Old(&'a Picture, u64),
    /// Nothing yet.
    Waiting,
}

/// Paints a tile with its frame.
pub(crate) fn paint(ui: &Ui, textures: &mut TextureCache, rect: Rect, place: Id, tile: Tile<'_>) {
    let dim = Color32::from_gray(if ui.visuals().dark_mode { 150 } else { 190 });
    match tile {
        Tile::Now(picture, version) => textures.paint(ui, rect, place, version, picture),
        Tile::Same if textures.paint_again(ui, rect, place, Color32::WHITE) => {}
        Tile::Old(picture, version) => textures.paint_tinted(ui, rect, place, version, picture, dim),
        Tile::Same | Tile::Waiting => {
            let visuals = ui.visuals();
            ui.painter().rect_filled(rect, 2.0, visuals.faint_bg_color);
            let font = FontId::proportional((rect.height() * 0.3).clamp(10.0, 28.0));
            ui.painter().text(rect.center(), Align2::CENTER_CENTER, "…", font, visuals.weak_text_color());
        }
    }
    let line = ui.visuals().widgets.noninteractive.bg_stroke;
    ui.painter().rect_stroke(rect, 0.0, line, StrokeKind::Outside);
}

/// Draws a frame around a tile that the pointer is over or that has the focus.
pub(crate) fn highlight(ui: &Ui, rect: Rect, response: &Response) {
    if response.hovered() || response.has_focus() {
        let stroke = Stroke::new(2.0, ui.visuals().selection.stroke.color);
        ui.painter().rect_stroke(rect, 0.0, stroke, StrokeKind::Outside);
    }
}

/// The picture of one member: x_t or x̂0 of the step, and the sample after the last step. `None` if this step's pictures are left
/// out.
pub(crate) fn of_update(update: &StepUpdate, member: usize, noisy: bool) -> Option<&Picture> {
    let after = || update.after.get(member).map(|p| &**p);
    if update.index + 1 >= update.total {
        return after();
    }
    update.records.get(member).map(|m| if noisy { &*m.x_t } else { &*m.x0 })
}

/// The tile of a run's member: from `run` if it has finished it, else a finished one of the run before, else from `run` as far as it has
/// come. A finished picture is never replaced by less.
pub(crate) fn of_runs<'a>(
    run: Option<&'a RunView>,
    previous: Option<&'a RunView>,
    (group, member): (usize, usize),
    noisy: bool,
) -> Tile<'a> {
    let newest = |run: &'a RunView| run.groups.get(group).and_then(|g| g.latest.as_deref()).map(|update| (run.id, update));
    let show = |(id, update): (u64, &'a StepUpdate)| {
        of_update(update, member, noisy).map(|picture| (picture, version((id, group, member, update.index, noisy))))
    };
    let found = run.and_then(newest);
    let is_finished = |(_, update): &(u64, &StepUpdate)| update.index + 1 >= update.total;
    let old = previous.and_then(newest).filter(is_finished).filter(|_| !found.as_ref().is_some_and(is_finished));
    if let Some((picture, version)) = old.and_then(show) {
        return Tile::Old(picture, version);
    }
    if let Some(found) = found {
        return show(found).map_or(Tile::Same, |(picture, version)| Tile::Now(picture, version));
    }
    previous.and_then(newest).and_then(show).map_or(Tile::Waiting, |(picture, version)| Tile::Old(picture, version))
}

/// A version for [`TextureCache`], from everything that decides what is shown.
pub(crate) fn version(of: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

/// Gives a widget a name for screen readers and a tooltip.
pub(crate) fn named(response: Response, name: impl Into<String>, tooltip: impl Into<egui::WidgetText>) -> Response {
    let name = name.into();
    response.ctx.accesskit_node_builder(response.id, |node| node.set_label(name));
    response.hint(tooltip)
}

/// The largest rectangle with the picture's aspect ratio in the middle of `rect`.
pub(crate) fn fitted(rect: Rect, picture: &Picture) -> Rect {
    let (w, h) = (picture.width.max(1) as f32, picture.height.max(1) as f32);
    let scale = (rect.width() / w).min(rect.height() / h);
    Rect::from_center_size(rect.center(), vec2(w * scale, h * scale))
}

/// Height over width of the pictures.
pub(crate) fn aspect(plan: Option<&Plan>) -> f32 {
    plan.map_or(1.0, |plan| plan.size.0.max(1) as f32 / plan.size.1.max(1) as f32)
}

/// How to call τ: by the control, or as the preset's.
pub(crate) fn spacing_name(controls: &Controls) -> String {
    match &controls.spacing {
        None => format!("as preset {}", controls.preset),
        Some(crate::schedule::Spacing::List(list)) => format!("a list of {}", list.len()),
        Some(spacing) => spacing.to_string(),
    }
}
