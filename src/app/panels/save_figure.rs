//! The window in which a figure is chosen and saved. It stays open: who needs one figure often needs several.

use crate::app::{
    state::{
        command::Command,
        figure_request::{FigureRequest, Format, MAX_SCALE, parts},
        view_settings::Tab,
    },
    widgets::{hint::Hint, tile::named},
};
use eframe::egui::{Align2, Context, Grid, RichText, Slider, Ui, Window, vec2};

/// Draws the window for the open panel; `request` takes what is chosen.
pub(crate) fn save_figure_ui(ctx: &Context, request: &mut FigureRequest, tab: Tab) -> Option<Command> {
    let (mut open, mut command) = (true, None);
    *request = request.fitted(tab);
    let room = ctx.content_rect();
    let window = Window::new("Save a figure").open(&mut open).collapsible(false).resizable(false).pivot(Align2::RIGHT_TOP);
    window.default_pos(room.right_top() + vec2(-14.0, 52.0)).max_width(room.width() - 40.0).show(ctx, |ui| {
        Grid::new("figure").num_columns(2).spacing([12.0, 8.0]).show(ui, |ui| rows_ui(ui, request, tab));
        ui.separator();
        ui.horizontal_wrapped(|ui| {
            let name = format!("Save {}", request.format.name());
            if ui.button(RichText::new(name).strong()).hint("Into the folder that pictures are saved in").clicked() {
                command = Some(Command::SaveFigure(*request));
            }
            ui.label(RichText::new(note(request.format)).weak());
        });
    });
    if open { command } else { Some(Command::ShowFigure(false)) }
}

fn rows_ui(ui: &mut Ui, request: &mut FigureRequest, tab: Tab) {
    ui.label("Show");
    ui.horizontal_wrapped(|ui| {
        for (part, name) in parts(tab) {
            let chosen = ui.selectable_label(request.part == *part, *name);
            if named(chosen, format!("figure of {name}"), "What the figure shows").clicked() {
                request.part = *part;
            }
        }
    });
    ui.end_row();
    *request = request.fitted(tab);
    ui.label("As");
    ui.horizontal_wrapped(|ui| {
        for format in request.part.formats() {
            let chosen = ui.selectable_label(request.format == *format, format.name());
            if named(chosen, format!("figure as {}", format.name()), note(*format)).clicked() {
                request.format = *format;
            }
        }
    });
    ui.end_row();
    if matches!(request.format, Format::Csv | Format::Tex) {
        return;
    }
    ui.label("Page");
    ui.horizontal_wrapped(|ui| {
        for (light, name) in [(true, "light"), (false, "dark")] {
            let chosen = ui.selectable_label(request.light == light, name);
            if named(chosen, format!("{name} page"), "The colour of the page and of what is written on it").clicked() {
                request.light = light;
            }
        }
        ui.checkbox(&mut request.labels, "labels")
            .hint("η, S, t, seeds: what tells the pictures apart, and what they have in common");
    });
    ui.end_row();
    if request.format == Format::Png {
        ui.label("Pixels");
        let slider = ui.add(Slider::new(&mut request.scale, 1..=MAX_SCALE).suffix("x"));
        named(slider, "pixels per point", "How many pixels a point has. Pixels of pictures stay squares of one colour");
        ui.end_row();
    }
}

fn note(format: Format) -> &'static str {
    match format {
        Format::Png => "pixels, as many as you choose",
        Format::Svg => "real text, pixels that nothing smooths",
        Format::Pdf => "a page for LaTeX's \\includegraphics",
        Format::Csv => "the curves' numbers, with units",
        Format::Tex => "the equation with its numbers, for amsmath",
    }
}
