//! Formulas as widgets: the update rule with braces, labels and the same line in numbers below it, and single lines.

use super::{
    equation_layout::{self, Layout, rounded},
    formula::{Part, Reading, spoken},
};
use crate::{
    app::widgets::{hint::Hint, math::Letters},
    math::{expression::Math, typeset::Setter},
};
use eframe::egui::{Color32, Id, Pos2, Rect, Response, Role, Sense, Ui, WidgetInfo, pos2, vec2};

/// Draws the rule as large as it fits, up to letters of `largest` points; what does not fit on one line continues on the next.
pub(crate) fn rule_ui(ui: &mut Ui, parts: &[Part], largest: f32) {
    let (available, text) = (ui.available_width().max(40.0), ui.visuals().strong_text_color());
    let painter = ui.painter().clone();
    let letters = Letters::new(&painter);
    let layout = equation_layout::rule(&Setter::new(&letters), parts, available, largest, text);
    let (rect, response) = ui.allocate_exact_size(vec2(available, layout.height), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("Update rule: {}", spoken(parts))));
    if ui.is_rect_visible(rect) {
        let names = parts.iter().map(|part| (part.sign, part.tip.as_str()));
        paint(ui, &letters, &layout, rect, "rule", names);
    }
}

/// Lines that say what the rule's symbols are, as many side by side as fit, on a common baseline.
pub(crate) fn readings_ui(ui: &mut Ui, readings: &[Reading], em: f32) {
    let (available, painter) = (ui.available_width().max(40.0), ui.painter().clone());
    let letters = Letters::new(&painter);
    let layout = equation_layout::readings(&Setter::new(&letters), readings, available, em);
    let (rect, _) = ui.allocate_exact_size(vec2(available, layout.height), Sense::hover());
    paint(ui, &letters, &layout, rect, "reading", readings.iter().map(|reading| ("", reading.tip.as_str())));
}

/// Draws a layout into `rect`; each of its rooms has a sign, by which it is told from others, and a tip.
fn paint<'a>(
    ui: &Ui,
    letters: &Letters<'_>,
    layout: &Layout,
    rect: Rect,
    what: &str,
    names: impl Iterator<Item = (&'a str, &'a str)>,
) {
    let place = |[x, y]: [f32; 2]| pos2(rect.left() + x, (rect.top() + y).round());
    for piece in &layout.pieces {
        letters.paint(&piece.sheet, place(piece.at), piece.colour);
    }
    for ((corner, size), (sign, tip)) in layout.rooms.iter().zip(names) {
        let room = Rect::from_min_size(place(*corner), vec2(size[0], size[1]));
        let id = ui.scope_id().with((what, sign, room.left() as i32, room.top() as i32));
        name(ui.interact(room, id, Sense::hover()), tip);
    }
}

fn name(response: Response, tip: &str) -> Response {
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, tip));
    let text = tip.to_owned();
    response.hint(text)
}

/// Paints `math`, not wider than `width`, with its baseline centred at `centre`.
pub(crate) fn caption(ui: &Ui, math: &Math, em: f32, colour: Color32, centre: Pos2, width: f32) {
    let letters = Letters::new(ui.painter());
    let setter = Setter::new(&letters);
    let mut sheet = setter.set(math, em);
    if sheet.width > width {
        sheet = setter.set(math, rounded(em * width / sheet.width));
    }
    letters.paint(&sheet, pos2(centre.x - sheet.width / 2.0, centre.y.round()), colour);
}

/// The id of a part of this panel, for textures and pointers.
pub(crate) fn place(ui: &Ui, what: &str) -> Id {
    ui.scope_id().with("explain").with(what)
}
