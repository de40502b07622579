//! How the panel is laid out: the large picture that follows the position, beside the plot, above the strips or beside the grid.

use super::{
    modes::{COLOURS, NAMES},
    norms,
    play::Playback,
    shown, strip,
    view::View,
};
use crate::app::{
    panels::trajectory::ready_line,
    state::{command::Command, controls::Controls, written::plain},
    widgets::{
        hint::Hint,
        presenting,
        texture_cache::TextureCache,
        tile::{self, Tile},
    },
};
use eframe::egui::{Id, Label, Rect, RichText, Role, Sense, Ui, Vec2, WidgetInfo};

const CAPTION: f32 = 44.0;
const LABEL: f32 = 24.0;
/// From this width on, pictures and plot are placed side by side.
const WIDE: f32 = 640.0;
const LEAST: f32 = 120.0;
/// From this width of a picture on, the line below it has room for ‖x_T‖/√d.
const WITH_LENGTH: f32 = 300.0;

/// Between two seeds: the large pictures and the plot above, the strips below.
pub(crate) fn strip_ui(
    ui: &mut Ui,
    view: &View<'_>,
    draft: &mut Controls,
    playback: &mut Playback,
    textures: &mut TextureCache,
    room: Vec2,
) -> Option<Command> {
    let modes = draft.view.interpolate.modes().len();
    let aspect = tile::aspect(view.between.or(view.previous).and_then(|r| r.plan.as_ref()));
    // The strips get what they need, the large pictures the rest: in a presentation more of it.
    let share = if presenting::is_on(ui.ctx()) { 0.09 } else { 0.18 };
    let small = strip::picture_width(room.x, draft.view.interpolate.columns, (room.y * share).max(40.0));
    let strips = modes as f32 * (strip::row_height(small, aspect) + LABEL + 2.0 + 3.0 * ui.spacing().item_spacing.y);
    let plot = if room.x >= WIDE { (room.x * 0.34).clamp(220.0, 520.0) } else { 0.0 };
    let wide = (room.x - plot - 12.0) / modes as f32 - 12.0;
    let side = ((room.y - strips - CAPTION - 12.0) / aspect).max(LEAST).max(200.0f32.min(room.y * 0.4)).min(wide).max(60.0);
    ui.horizontal_top(|ui| {
        for mode in 0..modes {
            large(ui, view, (draft, playback), textures, mode, side, aspect);
        }
        if plot > 0.0 {
            let size = Vec2::new(ui.available_width(), side * aspect + CAPTION - 8.0);
            ui.vertical(|ui| norms::norms_ui(ui, view, &draft.view.interpolate, size));
        }
    });
    let mut command = None;
    for mode in 0..modes {
        ui.horizontal(|ui| {
            ui.label(RichText::new(NAMES[mode]).strong().size(15.0).color(COLOURS[mode]));
            ui.label(RichText::new("‖x_T‖/√d under each picture").weak().size(13.0));
        });
        command = strip::row_ui(ui, view, draft, playback, textures, mode, small).or(command.take());
        ui.add_space(2.0);
    }
    if plot == 0.0 {
        ui.add_space(6.0);
        let size = Vec2::new(ui.available_width(), 160.0);
        norms::norms_ui(ui, view, &draft.view.interpolate, size);
    }
    command
}

/// Between four seeds: the grid, and the large picture beside it.
pub(crate) fn grid_ui(
    ui: &mut Ui,
    view: &View<'_>,
    draft: &mut Controls,
    playback: &mut Playback,
    textures: &mut TextureCache,
    room: Vec2,
) -> Option<Command> {
    let aspect = tile::aspect(view.between.or(view.previous).and_then(|r| r.plan.as_ref()));
    let side = ((room.y - 8.0) / aspect).min(room.x * if room.x < WIDE { 0.55 } else { 0.62 }).max(LEAST);
    let mut command = None;
    ui.horizontal_top(|ui| {
        command = strip::grid_ui(ui, view, draft, playback, textures, side);
        ui.add_space(12.0);
        let large_side = (ui.available_width() - 4.0).min((room.y - CAPTION - 12.0) / aspect).max(LEAST);
        large(ui, view, (draft, playback), textures, 0, large_side, aspect);
    });
    command
}

/// The large picture of `mode` with its caption.
fn large(
    ui: &mut Ui,
    view: &View<'_>,
    (draft, playback): (&Controls, &Playback),
    textures: &mut TextureCache,
    mode: usize,
    side: f32,
    aspect: f32,
) {
    let interpolate = &draft.view.interpolate;
    let found = shown::at(view, draft, mode, playback.direction());
    let size = Vec2::new(side, side * aspect);
    ui.allocate_ui(Vec2::new(side, size.y + CAPTION), |ui| {
        ui.vertical(|ui| {
            ui.set_width(side);
            let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
            let tile = found.as_ref().map_or(Tile::Waiting, |s| {
                if s.old && !follows(s) { Tile::Old(s.picture, s.version) } else { Tile::Now(s.picture, s.version) }
            });
            tile::paint(ui, textures, Rect::from_min_size(rect.min, size), Id::unique(("interpolate large", mode)), tile);
            let name = if interpolate.grid { "grid".to_owned() } else { NAMES[mode].to_owned() };
            response.widget_info(|| WidgetInfo::labeled(Role::Image, true, format!("large picture, {name}")));
            let made_by = found.as_ref().map_or(draft, |s| &s.run.controls);
            response.hint(caption_tooltip(made_by.view.interpolate.eta, made_by.step_count()));
            let place = |[u, v]: [f64; 2]| if interpolate.grid { format!("u {u:.2}, v {v:.2}") } else { format!("λ = {u:.2}") };
            let heading = RichText::new(format!("{name}, {}", place(interpolate.position))).strong();
            let heading = heading.size(if side < 200.0 { 13.0 } else { 16.0 });
            // Words that come and go move nothing: each has a line, and what does not fit is in the tooltip.
            let heading = if interpolate.grid { heading } else { heading.color(COLOURS[mode]) };
            ui.add(Label::new(heading).truncate());
            let note = match &found {
                None => "waiting for the first picture".to_owned(),
                Some(s) if s.old && s.run.stands_in => ready_line(&s.run.controls, draft),
                Some(s) if s.old && s.run.is_draft() => {
                    let (made, all, eta) = (s.run.steps(), s.run.controls.step_count(), s.run.controls.noisiness().0);
                    format!("draft, {made} of {all} steps, η = {}", plain(eta))
                }
                Some(s) if s.old => "from before the change".to_owned(),
                Some(s)
                    if s.position == interpolate.position || (!interpolate.grid && s.position[0] == interpolate.position[0]) =>
                {
                    match (s.finished, s.run.is_draft()) {
                        (true, false) => "decoded here".to_owned(),
                        (true, true) => format!("draft, {} of {} steps", s.run.steps(), s.run.controls.step_count()),
                        (false, _) => "being decoded".to_owned(),
                    }
                }
                Some(s) => format!("nearest picture so far: {}", place(s.position)),
            };
            // A small picture has no room for both; its length is under the strip and in the plot.
            let rms = found.as_ref().filter(|s| !s.old && side >= WITH_LENGTH).and_then(|s| s.rms);
            let length = rms.map_or(String::new(), |rms| format!("‖x_T‖/√d = {rms:.2}, "));
            ui.add(Label::new(RichText::new(length + &note).weak().size(13.0)).truncate());
        });
    });
}

/// Whether it follows the hand, a little behind it.
fn follows(shown: &shown::Shown<'_>) -> bool {
    shown.run.is_draft() || shown.run.stands_in
}

fn caption_tooltip(eta: f64, steps: usize) -> String {
    let decides = if eta == 0.0 { "x_T alone decides" } else { "the noise of the steps has a say" };
    format!("Decoded with S = {steps} steps at η = {}: {decides}", plain(eta))
}
