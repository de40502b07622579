//! Under the grid of η: how far the columns of each row lie apart, as heat maps of one scale.

use super::{
    colour, curve,
    rows::{Row, compared, rows},
    view::View,
};
use crate::app::{
    state::{controls::Controls, run_view::RunView, view_settings::Axes},
    widgets::{hint::Hint, texture_cache::TextureCache, theme, tile},
};
use eframe::egui::{self, Align2, Color32, FontId, Id, Pos2, Rect, RichText, Role, Sense, Ui, Vec2, WidgetInfo};

/// From this width on, the curve is placed beside the maps.
const BESIDE: f32 = 680.0;
const CURVE: f32 = 150.0;
const MAP: f32 = 88.0;
/// Beside the grid, maps and curve take at least this height.
pub(super) const MIN_BESIDE: f32 = 300.0;

/// Height of this part of the panel.
pub(crate) fn height(width: f32) -> f32 {
    if width >= BESIDE { CURVE + 70.0 } else { 110.0 }
}

/// What the row of η = 0 shows, and whether its pictures are identical, as they should be.
fn deterministic(rows: &[Row<'_>], seeds: u32) -> Option<(bool, String)> {
    let row = rows.iter().find(|row| row.eta == Some(0.0))?;
    let mean = row.spread.as_ref()?.mean;
    Some(if mean == 0.0 {
        let text = format!(
            "η = 0: all {seeds} columns are the same picture, bit for bit, because no noise enters: x_T alone decides. \
             Its map is black."
        );
        (true, text)
    } else {
        let text = format!(
            "η = 0: the columns should be the same picture, and are not: they differ by {mean:.2e} on average. \
             No noise enters at η = 0, so the computation itself differs from column to column on this device."
        );
        (false, text)
    })
}

/// The run whose spread is shown.
fn run<'a>(view: &View<'a>) -> Option<&'a RunView> {
    view.newest(Axes::EtaBySeed).filter(|r| r.plan.is_some()).or(view.older(Axes::EtaBySeed))
}

/// Says what the row of η = 0 shows.
pub(crate) fn sentence_ui(ui: &mut Ui, view: &View<'_>, place: f64, draft: &Controls) {
    let said = run(view).and_then(|run| deterministic(&rows(view, place), run.controls.view.compare.seeds));
    match said {
        Some((true, text)) => ui.label(RichText::new(text).strong().size(16.0)),
        Some((false, text)) => ui.label(RichText::new(text).color(ui.visuals().error_fg_color).size(16.0)),
        None if draft.view.compare.etas.contains(&0.0) => ui.label(RichText::new("η = 0: no step taken yet").weak().size(16.0)),
        None => ui.label(RichText::new("Add a row η = 0 to see that without noise x_T alone decides").weak().size(16.0)),
    };
    ui.add_space(2.0);
}

/// Draws maps, legend and curve at `place` of the scrubber, 0 to 1. A `room` whose height is not 0 is the space beside the grid.
pub(crate) fn spread_ui(ui: &mut Ui, view: &View<'_>, place: f64, textures: &mut TextureCache, room: Vec2) {
    let Some(run) = run(view) else {
        ui.weak("How far the pictures of a row lie apart shows here, once it has taken a step.");
        return;
    };
    let (rows, compared) = (rows(view, place), compared(view, place));
    let curve_ui = |ui: &mut Ui, size: Vec2| curve::curve_ui(ui, compared.as_ref(), size);
    // The largest of all rows: one scale, so that the maps can be compared.
    let largest = rows.iter().filter_map(|r| r.spread.as_ref()).flat_map(|s| &s.map).fold(0.0f32, |a, b| a.max(*b));
    let largest = f64::from(largest);
    let width = run.plan.as_ref().map_or(1, |plan| plan.size.1 as usize);
    if room.y > 0.0 {
        let top = ui.cursor().top();
        let (across, down) = arrangement(rows.len());
        let high = (room.y * 0.62 - 50.0) / down - 24.0;
        let side = ((room.x + 6.0) / across - 7.0).min(high).clamp(36.0, 160.0);
        maps(ui, textures, &rows, width, largest, side);
        ui.add_space(8.0);
        let left = (room.y - (ui.cursor().top() - top)).clamp(CURVE, 360.0);
        curve_ui(ui, Vec2::new(room.x, left));
    } else if ui.available_width() >= BESIDE {
        ui.horizontal_top(|ui| {
            let curve_width = (ui.available_width() * 0.4).clamp(250.0, 460.0);
            let left = ui.available_width() - curve_width - 16.0;
            ui.allocate_ui(Vec2::new(left, CURVE), |ui| {
                ui.vertical(|ui| {
                    ui.set_max_width(left);
                    maps(ui, textures, &rows, width, largest, below_side(left, rows.len()));
                });
            });
            ui.vertical(|ui| curve_ui(ui, Vec2::new(ui.available_width(), CURVE)));
        });
    } else {
        let side = below_side(ui.available_width(), rows.len());
        maps(ui, textures, &rows, width, largest, side);
        ui.add_space(6.0);
        curve_ui(ui, Vec2::new(ui.available_width(), CURVE + 30.0));
    }
}

/// Number of maps across and down beside the grid.
fn arrangement(rows: usize) -> (f32, f32) {
    let across = if rows <= 4 { 2 } else { 3 };
    (across as f32, rows.max(1).div_ceil(across) as f32)
}

fn below_side(width: f32, rows: usize) -> f32 {
    ((width + 6.0) / rows.max(1) as f32 - 7.0).clamp(36.0, MAP)
}

fn maps(ui: &mut Ui, textures: &mut TextureCache, rows: &[Row<'_>], width: usize, largest: f64, side: f32) {
    ui.label(RichText::new("Standard deviation over the noise seeds").size(14.0));
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        for (i, row) in rows.iter().enumerate() {
            map(ui, textures, i, row, width, largest, side);
        }
    });
    legend(ui, textures, largest);
}

fn map(ui: &mut Ui, textures: &mut TextureCache, i: usize, row: &Row<'_>, width: usize, largest: f64, side: f32) {
    let height = row.spread.as_ref().map_or(width, |s| s.map.len() / width.max(1));
    let aspect = height as f32 / width.max(1) as f32;
    let (all, response) = ui.allocate_exact_size(Vec2::new(side, side * aspect + 16.0), Sense::hover());
    let rect = Rect::from_min_size(all.min, Vec2::new(side, side * aspect));
    let mut name = format!("spread of row {}", row.name);
    match &row.spread {
        Some(spread) => {
            let version = tile::version((row.version, largest.to_bits()));
            let make = || colour::heat_map(&spread.map, width, largest);
            let tint = if row.is_old { theme::DIMMED } else { Color32::WHITE };
            textures.paint_tinted_with(ui, rect, Id::unique(("compare spread", i)), version, [width, height], tint, make);
            name = format!("{name}: mean {:.3}", spread.mean);
        }
        None => tile::paint(ui, textures, rect, Id::unique(("compare spread", i)), tile::Tile::Waiting),
    }
    let at = Pos2::new(rect.center().x, all.bottom());
    ui.painter().text(
        at,
        Align2::CENTER_BOTTOM,
        if row.eta.is_none() { "σ̂ larger" } else { &row.name },
        FontId::proportional(13.0),
        ui.visuals().text_color(),
    );
    let tooltip = format!(
        "{name}. Standard deviation at each pixel; pictures span −1 to 1. Bright pixels are those that the noise of the steps decides"
    );
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &name));
    response.hint(tooltip);
}

/// The bar from 0 to the largest value.
fn legend(ui: &mut Ui, textures: &mut TextureCache, largest: f64) {
    let narrow = ui.available_width() < 300.0;
    let bar = if narrow { 90.0 } else { 140.0 };
    ui.horizontal(|ui| {
        ui.label(RichText::new("0").size(13.0));
        let (rect, response) = ui.allocate_exact_size(Vec2::new(bar, 10.0), Sense::hover());
        textures.paint_with(ui, rect, Id::unique("compare legend"), 0, [128, 1], colour::bar);
        let line = ui.visuals().widgets.noninteractive.bg_stroke;
        ui.painter().rect_stroke(rect, 0.0, line, egui::StrokeKind::Outside);
        response.hint("One scale for all rows: the largest value of any pixel of any row");
        let span = if narrow { "pixels: −1 … 1" } else { "pixels span −1 … 1" };
        ui.label(RichText::new(format!("{largest:.2}  ({span})")).size(if narrow { 12.0 } else { 13.0 }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Spread;
    use std::borrow::Cow;

    #[test]
    fn the_sentence_says_what_is_so() {
        let (same, other) = (Spread { map: vec![0.0], mean: 0.0 }, Spread { map: vec![1e-7], mean: 1e-7 });
        let (same, other) = (Cow::Owned(same), Cow::Owned(other));
        let row = |spread: Option<Cow<'static, Spread>>| Row {
            name: "η = 0".to_owned(),
            eta: Some(0.0),
            spread,
            version: 0,
            is_old: false,
        };
        let (good, text) = deterministic(&[row(Some(same))], 6).expect("a sentence");
        assert!(good && text.contains("all 6 columns are the same picture, bit for bit"), "{text}");
        let (good, text) = deterministic(&[row(Some(other))], 6).expect("a sentence");
        assert!(!good && text.contains("are not"), "{text}");
        assert!(deterministic(&[row(None)], 6).is_none());
    }
}
