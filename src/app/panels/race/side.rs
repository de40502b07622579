//! One side of the race: its picture as it grows, and what it has cost so far.

use super::view::{Stage, View, seconds_text};
use crate::{
    app::{
        state::racers::SIDES,
        widgets::{
            hint::Hint,
            texture_cache::TextureCache,
            theme,
            tile::{self, fitted, version},
        },
    },
    picture::Picture,
    session::StepUpdate,
};
use eframe::egui::{Align2, FontId, Id, Label, ProgressBar, Rect, RichText, Role, Sense, Ui, Vec2, WidgetInfo, vec2};
use std::sync::Arc;

/// The side of the small picture as a part of the large one's.
const SMALL: f32 = 0.34;
const BETWEEN: f32 = 8.0;

/// The width of the large picture in `room`.
pub(super) fn picture_side(room: Vec2, aspect: f32) -> f32 {
    ((room.x - BETWEEN) / (1.0 + SMALL)).min(room.y / aspect.max(0.01))
}

/// The pictures and the counters.
pub(super) fn side_ui(ui: &mut Ui, view: &View<'_>, textures: &mut TextureCache, side: usize, width: f32) {
    let update = view.latest(side);
    let large = vec2(width, width * view.aspect());
    let name = SIDES[side];
    let (shown, small) = pictures(update, view.is_noisy());
    let what = if view.is_noisy() { ["x_t", "x̂0"] } else { ["x̂0", "x_t"] };
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = BETWEEN;
        let caption = format!("{name}: {}, {}", view.caption(side), what[0]);
        picture_ui(ui, textures, ("race large", side), large, update, shown, &caption);
        if !view.is_done(side) {
            picture_ui(ui, textures, ("race small", side), large * SMALL, update, small, &format!("{name}, {}", what[1]));
        }
    });
    let (taken, total) = view.steps(side);
    let done = view.is_done(side);
    let colour = theme::accent(ui).gamma_multiply(if done { 1.0 } else { 0.7 });
    let bar = ProgressBar::new(taken as f32 / total.max(1) as f32).desired_width(width).desired_height(8.0).fill(colour);
    ui.add(bar).widget_info(|| WidgetInfo::labeled(Role::ProgressIndicator, true, format!("steps of {name}")));
    let seconds = seconds_text(view.seconds(side));
    let line = match view.stage() {
        _ if done => format!("finished in {seconds}"),
        Stage::Ready => "not started".to_owned(),
        _ => format!("{seconds} of the device"),
    };
    let colour = if done { theme::accent(ui) } else { ui.visuals().text_color() };
    ui.label(RichText::new(line).strong().size(19.0).color(colour)).hint("The time that the device has worked for this side alone");
    let evaluations = if taken == 1 { "1 evaluation".to_owned() } else { format!("{taken} evaluations") };
    let count = if total > 0 { format!("step {taken} of {total}, {evaluations} of the network") } else { String::new() };
    for text in [view.caption(side), count] {
        ui.add(Label::new(RichText::new(text).size(14.5).color(theme::faint(ui))).wrap());
    }
}

/// The large picture and the small one: after the last step the sample is both.
fn pictures(update: Option<&Arc<StepUpdate>>, noisy: bool) -> (Option<&Picture>, Option<&Picture>) {
    let of = |noisy: bool| update.and_then(|update| tile::of_update(update, 0, noisy));
    (of(noisy), of(!noisy))
}

fn picture_ui(
    ui: &mut Ui,
    textures: &mut TextureCache,
    place: (&str, usize),
    size: Vec2,
    update: Option<&Arc<StepUpdate>>,
    picture: Option<&Picture>,
    name: &str,
) {
    let (rect, response): (Rect, _) = ui.allocate_exact_size(size, Sense::hover());
    ui.painter().rect_filled(rect, 4, theme::empty(ui));
    match (picture, update) {
        (Some(picture), Some(update)) => {
            let seen = version((update.id, update.group, update.index, name));
            textures.paint(ui, fitted(rect, picture), Id::unique(place), seen, picture);
        }
        _ => {
            let font = FontId::proportional((size.y * 0.16).clamp(12.0, 40.0));
            ui.painter().text(rect.center(), Align2::CENTER_CENTER, "x_T", font, theme::faint(ui));
        }
    }
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, name));
}
