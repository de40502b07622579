//! Rows and grids of pictures that the pointer is dragged over.

use super::{
    end_controls::end_controls,
    modes::{COLOURS, NAMES},
    play::Playback,
    shown,
    view::View,
};
use crate::app::{
    state::{command::Command, controls::Controls, run_view::RunView},
    widgets::{own_keys, texture_cache::TextureCache, tile},
};
use eframe::egui::{self, Align2, Color32, FontId, Id, Key, Pos2, Rect, Response, Sense, Stroke, StrokeKind, Ui, Vec2};
use egui::WidgetInfo;

const GAP: f32 = 3.0;
/// Height of the line with ‖x_T‖/√d under a picture.
const FOOT: f32 = 18.0;
/// How far an arrow key moves the position.
const KEY: f64 = 0.02;

/// Width of a picture of a row of `count` pictures `width` wide.
pub(crate) fn picture_width(width: f32, count: u32, max_width: f32) -> f32 {
    ((width + GAP) / count.max(1) as f32 - GAP).clamp(10.0, max_width.max(10.0))
}

/// Height of a row of a strip.
pub(crate) fn row_height(picture: f32, aspect: f32) -> f32 {
    picture * aspect + FOOT
}

/// From a place on screen to t: the middle of the first picture is 0, the middle of the last is 1.
pub(crate) fn to_unit(at: f32, start: f32, picture: f32, count: u32) -> f64 {
    let span = (picture + GAP) * (count.max(2) - 1) as f32;
    f64::from(((at - start - picture / 2.0) / span).clamp(0.0, 1.0))
}

fn to_screen(t: f64, start: f32, picture: f32, count: u32) -> f32 {
    start + picture / 2.0 + t as f32 * (picture + GAP) * (count.max(2) - 1) as f32
}

/// Draws the row of `mode` (0 slerp, 1 lerp).
pub(crate) fn row_ui(
    ui: &mut Ui,
    view: &View<'_>,
    draft: &mut Controls,
    playback: &mut Playback,
    textures: &mut TextureCache,
    mode: usize,
    max_width: f32,
) -> Option<Command> {
    let count = draft.view.interpolate.columns.max(2);
    let like = |run: &&RunView| {
        let theirs = &run.controls.view.interpolate;
        !theirs.grid && theirs.columns == draft.view.interpolate.columns
    };
    let (run, previous) = (view.between.filter(like), view.previous.filter(like));
    let aspect = tile::aspect(run.or(previous).and_then(|r| r.plan.as_ref()));
    let picture = picture_width(ui.available_width(), count, max_width);
    let size = Vec2::new(count as f32 * (picture + GAP) - GAP, row_height(picture, aspect));
    let (space, _) = ui.allocate_exact_size(Vec2::new(ui.available_width(), size.y), Sense::hover());
    let rect = Rect::from_min_size(Pos2::new(space.center().x - size.x / 2.0, space.top()), size);
    let body = Rect::from_min_size(rect.min, Vec2::new(size.x, picture * aspect));
    let rms = run.or(previous).and_then(|r| r.plan.as_ref()?.latent_rms.get(mode));
    for i in 0..count as usize {
        let left = rect.left() + i as f32 * (picture + GAP);
        let cell = Rect::from_min_size(Pos2::new(left, rect.top()), Vec2::new(picture, picture * aspect));
        let tile = tile::of_runs(run, previous, (mode, i), false);
        tile::paint(ui, textures, cell, Id::unique(("interpolate strip", mode, i)), tile);
        // If the pictures are narrow, only some are labelled.
        let every = (34.0 / (picture + GAP)).ceil().max(1.0) as usize;
        if let Some(rms) = rms.and_then(|r| r.get(i)).filter(|_| i.is_multiple_of(every)) {
            let at = Pos2::new(cell.center().x, rect.bottom());
            let font = FontId::proportional(if picture > 60.0 { 14.0 } else { 12.0 });
            ui.painter().text(at, Align2::CENTER_BOTTOM, format!("{rms:.2}"), font, ui.visuals().text_color());
        }
    }
    let response = ui.interact(body, Id::unique(("interpolate strip", mode)), Sense::click_and_drag());
    let t = draft.view.interpolate.position[0];
    response.widget_info(|| WidgetInfo::slider(true, t, format!("strip of {}", NAMES[mode])));
    let x = to_screen(t, rect.left(), picture, count);
    mark(
        ui,
        &response,
        body,
        Rect::from_center_size(Pos2::new(x, body.center().y), Vec2::new(picture, body.height())),
        COLOURS[mode],
    );
    arrows(ui, &response, draft, playback, false);
    if let Some(at) = dragged(&response) {
        playback.playing = false;
        draft.view.interpolate.position[0] = to_unit(at.x, rect.left(), picture, count);
    }
    let index = |at: Pos2| (((at.x - rect.left()) / (picture + GAP)).max(0.0) as usize).min(count as usize - 1);
    let names = [0, 1].map(|end| draft.view.interpolate.end_name(end));
    let end = |i: usize| if i == 0 { Some(0) } else { (i == count as usize - 1).then_some(1) };
    let command =
        clicked(&response, draft, playback, |at| end(index(at)), |at| [to_unit(at.x, rect.left(), picture, count), f64::NAN]);
    let hovered = response.hover_pos().map(index);
    response.on_hover_ui_at_pointer(|ui| {
        let Some(i) = hovered else { return };
        let t = i as f64 / f64::from(count - 1);
        let length = rms.and_then(|r| r.get(i)).map_or(String::new(), |r| format!(", ‖x_T‖/√d = {r:.3}"));
        ui.strong(format!("{} of {} and {} at λ = {t:.2}{length}", NAMES[mode], names[0], names[1]));
        ui.label(match end(i) {
            Some(end) => format!("Click to use this end: the sample of {} itself, step by step", names[end]),
            None => "Drag, or use the arrow keys: the large picture follows".to_owned(),
        });
    });
    command
}

/// Draws the grid between four seeds.
pub(crate) fn grid_ui(
    ui: &mut Ui,
    view: &View<'_>,
    draft: &mut Controls,
    playback: &mut Playback,
    textures: &mut TextureCache,
    width: f32,
) -> Option<Command> {
    let side = draft.view.interpolate.side.max(2);
    let like = |run: &&RunView| {
        let theirs = &run.controls.view.interpolate;
        theirs.grid && theirs.side == draft.view.interpolate.side
    };
    let (run, previous) = (view.between.filter(like), view.previous.filter(like));
    let aspect = tile::aspect(run.or(previous).and_then(|r| r.plan.as_ref()));
    let cell = Vec2::new(1.0, aspect) * picture_width(width, side, f32::INFINITY);
    let size = (cell + Vec2::splat(GAP)) * side as f32 - Vec2::splat(GAP);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click_and_drag());
    for i in 0..side * side {
        let corner = Vec2::new((i % side) as f32 * (cell.x + GAP), (i / side) as f32 * (cell.y + GAP));
        let tile = tile::of_runs(run, previous, (0, i as usize), false);
        tile::paint(ui, textures, Rect::from_min_size(rect.min + corner, cell), Id::unique(("interpolate grid", i)), tile);
    }
    let [u, v] = draft.view.interpolate.position;
    response.widget_info(|| WidgetInfo::slider(true, u, "grid between four seeds, pictures"));
    let at = Pos2::new(to_screen(u, rect.left(), cell.x, side), to_screen(v, rect.top(), cell.y, side));
    mark(ui, &response, rect, Rect::from_center_size(at, cell), COLOURS[0]);
    arrows(ui, &response, draft, playback, true);
    let position = |at: Pos2| [to_unit(at.x, rect.left(), cell.x, side), to_unit(at.y, rect.top(), cell.y, side)];
    if let Some(at) = dragged(&response) {
        playback.playing = false;
        draft.view.interpolate.position = position(at);
    }
    let names = [0, 1, 2, 3].map(|end| draft.view.interpolate.end_name(end));
    let index = |at: Pos2| {
        let of = |x: f32, step: f32| ((x / (step + GAP)).max(0.0) as u32).min(side - 1);
        of(at.y - rect.top(), cell.y) * side + of(at.x - rect.left(), cell.x)
    };
    let corner = |i: u32| [0, side - 1, side * (side - 1), side * side - 1].iter().position(|c| *c == i);
    let command = clicked(&response, draft, playback, |at| corner(index(at)), position);
    let hovered = response.hover_pos().map(index);
    response.on_hover_ui_at_pointer(|ui| {
        let Some(i) = hovered else { return };
        let [u, v] = shown::stops(&draft.view.interpolate).get(i as usize).copied().unwrap_or_default();
        let rms = run.and_then(|r| r.plan.as_ref()?.latent_rms.first()?.get(i as usize));
        let length = rms.map_or(String::new(), |r| format!(", ‖x_T‖/√d = {r:.3}"));
        ui.strong(format!("u = {u:.2}, v = {v:.2}{length}"));
        ui.label(match corner(i) {
            Some(end) => format!("Click to use this end: the sample of {} itself, step by step", names[end]),
            None => "Drag, or use the arrow keys: the large picture follows".to_owned(),
        });
    });
    command
}

/// The frame around the position, and one around everything if it has the focus.
fn mark(ui: &Ui, response: &Response, body: Rect, rect: Rect, colour: Color32) {
    ui.painter().rect_stroke(rect, 1.0, Stroke::new(4.0, Color32::WHITE), StrokeKind::Inside);
    ui.painter().rect_stroke(rect, 1.0, Stroke::new(2.5, colour), StrokeKind::Inside);
    if response.has_focus() {
        ui.painter().rect_stroke(body.expand(2.0), 1.0, ui.visuals().selection.stroke, StrokeKind::Outside);
    }
}

fn dragged(response: &Response) -> Option<Pos2> {
    if response.drag_started() {
        response.request_focus();
    }
    if response.dragged() { response.interact_pointer_pos() } else { None }
}

/// A click on an end uses that end; elsewhere it moves the position. A coordinate that `position` gives as NaN stays as it is.
fn clicked(
    response: &Response,
    draft: &mut Controls,
    playback: &mut Playback,
    end: impl Fn(Pos2) -> Option<usize>,
    position: impl Fn(Pos2) -> [f64; 2],
) -> Option<Command> {
    if !response.clicked() {
        return None;
    }
    let at = response.interact_pointer_pos()?;
    if let Some(end) = end(at) {
        return Some(Command::Use(Box::new(end_controls(draft, end))));
    }
    response.request_focus();
    playback.playing = false;
    for (old, new) in draft.view.interpolate.position.iter_mut().zip(position(at)) {
        if new.is_finite() {
            *old = new;
        }
    }
    None
}

/// Arrow keys move the position if the strip or grid has the focus.
fn arrows(ui: &Ui, response: &Response, draft: &mut Controls, playback: &mut Playback, both: bool) {
    if !response.has_focus() {
        return;
    }
    own_keys::use_arrows(ui, response.id, both);
    let pressed = |key: Key| ui.input(|input| input.num_presses(key)) as f64;
    let mut moved = [pressed(Key::ArrowRight) - pressed(Key::ArrowLeft), 0.0];
    if both {
        moved[1] = pressed(Key::ArrowDown) - pressed(Key::ArrowUp);
    }
    for (x, moved) in draft.view.interpolate.position.iter_mut().zip(moved) {
        if moved != 0.0 {
            playback.playing = false;
            *x = (*x + moved * KEY).clamp(0.0, 1.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_positions_are_inverse() {
        let width = picture_width(900.0, 9, 200.0);
        assert!((9.0 * (width + GAP) - GAP - 900.0).abs() < 1e-3);
        assert_eq!(picture_width(900.0, 9, 50.0), 50.0);
        assert_eq!(picture_width(20.0, 33, 50.0), 10.0);
        for t in [0.0, 0.25, 0.5, 1.0] {
            let x = to_screen(t, 7.0, width, 9);
            assert!((to_unit(x, 7.0, width, 9) - t).abs() < 1e-5);
        }
        assert_eq!(to_unit(-100.0, 0.0, width, 9), 0.0);
        assert_eq!(to_unit(5000.0, 0.0, width, 9), 1.0);
    }
}
