//! The cell that is shown large, beside the grid.

use super::grid::{Grid, recipe_text};
use crate::app::{
    state::command::Command,
    widgets::{
        hint::Hint,
        texture_cache::TextureCache,
        theme,
        tile::{self, Tile},
    },
};
use eframe::egui::{
    self, Align, Button, Id, Layout, Rect, RichText, Role, Sense, TextStyle, TextWrapMode, Ui, Vec2, WidgetInfo, WidgetText,
};

/// Height of what is written above and below a picture of some width, where its words take three lines.
pub(super) const TEXT: f32 = 166.0;
/// The height of the title and of the button, in points.
const LINE: f32 = 30.0;
/// The picture is no smaller than this where it is wide enough: the panel scrolls instead.
const SMALLEST: f32 = 220.0;

/// What was asked for.
pub(super) enum Asked {
    /// The large picture is closed.
    Close,
    /// Another command.
    Command(Command),
}

/// Draws the large picture of `cell` with what makes it, into `size`.
pub(super) fn enlarged_ui(
    ui: &mut Ui,
    grid: &Grid<'_>,
    cell: [usize; 2],
    textures: &mut TextureCache,
    size: Vec2,
) -> Option<Asked> {
    let name = grid.layout.name(cell)?;
    let controls = grid.controls(cell)?;
    let shown = grid.shown(cell);
    let mut asked = None;
    ui.set_width(size.x);
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let close = ui.add(Button::new("×")).hint("Close the large picture (Esc, or a click on its cell)");
            close.widget_info(|| WidgetInfo::labeled(Role::Button, true, "Close the large picture"));
            if close.clicked() {
                asked = Some(Asked::Close);
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let title = name.replacen(", ", " · ", 1);
                ui.add(egui::Label::new(RichText::new(title).strong().size(18.0)).truncate());
            });
        });
    });
    let what = match shown {
        Some(shown) if shown.taken == 0 || shown.is_finished() => "",
        _ if grid.is_noisy() => "x_t ",
        _ => "x̂0 ",
    };
    let words = [
        RichText::new(format!("{what}{}", grid.step_text(cell))).size(16.0),
        RichText::new(recipe_text(&controls)).color(theme::faint(ui)),
    ];
    // The picture takes what the words leave.
    let written = |text: &RichText| {
        WidgetText::from(text.clone()).into_galley(ui, Some(TextWrapMode::Wrap), size.x, TextStyle::Body).size().y
    };
    let gaps = 5.0 * ui.spacing().item_spacing.y;
    let height = (size.y - words.iter().map(written).sum::<f32>() - 2.0 * LINE - gaps).max(size.x.min(SMALLEST));
    let picture = grid.layout.fitted(Rect::from_min_size(egui::Pos2::ZERO, Vec2::new(size.x, height))).size();
    let (rect, response) = ui.allocate_exact_size(picture, Sense::hover());
    let tile = shown.map_or(Tile::Waiting, |shown| shown.tile(grid.is_noisy()));
    tile::paint(ui, textures, rect, Id::unique("compare enlarged"), tile);
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, format!("Large picture: {name}")));
    for text in words {
        ui.label(text);
    }
    let hint = "Leaves for the panel Trajectory with these controls, at this step. The grid stays: a button there brings it back";
    if ui.button("Open in Trajectory").hint(hint).clicked() {
        let place = shown.map_or(1.0, |shown| shown.taken as f64 / shown.total().max(1) as f64);
        asked = Some(Asked::Command(Command::OpenCell(Box::new(controls), place)));
    }
    asked
}
