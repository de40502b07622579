//! Formulas as widgets: the update rule with braces, labels and the same line in numbers below it, and single lines.

use super::formula::{Part, Reading, spoken};
use crate::app::widgets::{
    hint::Hint,
    math::{
        expression::{Math, upright},
        sheet::Sheet,
        strokes::brace,
        typeset::Setter,
    },
};
use eframe::egui::{Color32, Id, Pos2, Rect, Response, Role, Sense, Ui, WidgetInfo, pos2, vec2};

/// Letters are never smaller than this before the rule is broken into several lines.
const SMALLEST_EM: f32 = 17.0;
/// Size of the labels below braces, relative to the letters of the rule.
const LABEL: f32 = 0.56;
/// Empty space on either side of a sign, in em.
const SIGN_AIR: f32 = 0.32;
/// Size of the line of numbers, relative to the line of symbols.
const NUMBERS: f32 = 0.92;

/// One part, laid out; widths are of the part without its sign.
struct Column {
    sign: Sheet,
    symbols: Sheet,
    numbers: Sheet,
    label: Option<Sheet>,
    colour: Color32,
    width: f32,
}

impl Column {
    fn new(setter: &Setter<'_>, part: &Part, em: f32, text: Color32) -> Self {
        let mut sign = setter.set(&upright(part.sign), em, text);
        if !part.sign.is_empty() {
            sign.width += 2.0 * SIGN_AIR * em;
        }
        let symbols = setter.set(&part.symbols, em, part.colour);
        let numbers = setter.set(&part.numbers, em * NUMBERS, part.colour);
        let label = part.label.as_ref().map(|label| setter.set(label, (em * LABEL).max(11.0), part.colour));
        let width = symbols.width.max(numbers.width).max(label.as_ref().map_or(0.0, |l| l.width));
        Self { sign, symbols, numbers, label, colour: part.colour, width }
    }

    fn full_width(&self) -> f32 {
        self.sign.width + self.width
    }
}

/// A line of columns with its dimensions.
struct Line {
    columns: Vec<Column>,
    ascent: f32,
    /// From the symbols' baseline to the braces.
    braces: f32,
    /// From the symbols' baseline to the numbers'.
    numbers: f32,
    height: f32,
}

impl Line {
    fn new(columns: Vec<Column>, em: f32) -> Self {
        let largest = |of: fn(&Column) -> f32| columns.iter().map(of).fold(0.0, f32::max);
        let ascent = largest(|c| c.symbols.ascent);
        let braces = largest(|c| c.symbols.descent) + 0.22 * em;
        let labels = largest(|c| c.label.as_ref().map_or(0.0, Sheet::height));
        let numbers = braces + 0.4 * em + labels + 0.55 * em + largest(|c| c.numbers.ascent);
        let height = ascent + numbers + largest(|c| c.numbers.descent);
        Self { columns, ascent, braces, numbers, height }
    }

    fn width(&self) -> f32 {
        self.columns.iter().map(Column::full_width).sum()
    }
}

/// Rounds to half points, so that a growing window does not fill the font texture with every size in between.
fn rounded(em: f32) -> f32 {
    ((em * 2.0).floor() / 2.0).max(6.0)
}

/// Draws the rule as large as it fits, up to letters of `largest` points; what does not fit on one line continues on the next.
pub(crate) fn rule_ui(ui: &mut Ui, parts: &[Part], largest: f32) {
    let (available, text) = (ui.available_width().max(40.0), ui.visuals().strong_text_color());
    let painter = ui.painter().clone();
    let setter = Setter::new(&painter);
    let columns = |em: f32| parts.iter().map(|part| Column::new(&setter, part, em, text)).collect::<Vec<_>>();
    let measured = columns(largest);
    let (total, widest) = measured.iter().map(Column::full_width).fold((0.0, 1.0_f32), |(sum, max), w| (sum + w, max.max(w)));
    let whole = largest * (available / total).min(1.0);
    let em = if whole >= SMALLEST_EM { whole } else { SMALLEST_EM.min(largest).min(largest * available / widest) };
    let em = rounded(em);
    // The part that opens a line keeps its sign.
    let mut lines: Vec<Vec<Column>> = vec![Vec::new()];
    let mut used = 0.0;
    for column in if em == largest { measured } else { columns(em) } {
        if used + column.full_width() > available + 0.5 && used > 0.0 {
            lines.push(Vec::new());
            used = 0.0;
        }
        used += column.full_width();
        if let Some(line) = lines.last_mut() {
            line.push(column);
        }
    }
    let lines: Vec<Line> = lines.into_iter().map(|columns| Line::new(columns, em)).collect();
    let gap = 0.9 * em;
    let height = lines.iter().map(|line| line.height).sum::<f32>() + gap * (lines.len() as f32 - 1.0);
    let (rect, response) = ui.allocate_exact_size(vec2(available, height), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("Update rule: {}", spoken(parts))));
    if !ui.is_rect_visible(rect) {
        return;
    }
    let wraps = lines.len() > 1;
    let (mut top, mut tips) = (rect.top(), parts.iter());
    for line in &lines {
        let left = if wraps { rect.left() } else { rect.left() + (available - line.width()) / 2.0 };
        paint_line(ui, line, left, top, em, &mut tips);
        top += line.height + gap;
    }
}

fn paint_line<'p>(ui: &Ui, line: &Line, left: f32, top: f32, em: f32, tips: &mut impl Iterator<Item = &'p Part>) {
    let painter = ui.painter();
    let (baseline, mut x) = ((top + line.ascent).round(), left);
    for column in &line.columns {
        for down in [0.0, line.numbers] {
            column.sign.paint(painter, pos2(x + SIGN_AIR * em, baseline + down));
        }
        x += column.sign.width;
        // What has no brace is the left side, which ends at the sign.
        let centred = |width: f32| x + (column.width - width) / if column.label.is_some() { 2.0 } else { 1.0 };
        column.symbols.paint(painter, pos2(centred(column.symbols.width), baseline));
        column.numbers.paint(painter, pos2(centred(column.numbers.width), baseline + line.numbers));
        if let Some(label) = &column.label {
            let under = baseline + line.braces;
            brace(column.symbols.width, em, column.colour).paint(painter, pos2(centred(column.symbols.width), under));
            label.paint(painter, pos2(centred(label.width), under + 0.46 * em + label.ascent));
        }
        if let Some(part) = tips.next() {
            let rect = Rect::from_min_size(pos2(x, top), vec2(column.width, line.height));
            name(ui.interact(rect, ui.scope_id().with(("rule", part.sign, x as i32, top as i32)), Sense::hover()), &part.tip);
        }
        x += column.width;
    }
}

fn name(response: Response, tip: &str) -> Response {
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, tip));
    let text = tip.to_owned();
    response.hint(text)
}

/// Lines that say what the rule's symbols are, as many side by side as fit, on a common baseline.
pub(crate) fn readings_ui(ui: &mut Ui, readings: &[Reading], em: f32) {
    let (available, painter) = (ui.available_width().max(40.0), ui.painter().clone());
    let setter = Setter::new(&painter);
    let mut lines: Vec<(f32, Vec<(Sheet, &Reading)>)> = Vec::new();
    for reading in readings {
        let mut sheet = setter.set(&reading.math, em, reading.colour);
        if sheet.width > available {
            sheet = setter.set(&reading.math, rounded(em * available / sheet.width), reading.colour);
        }
        let width = sheet.width + 1.4 * em;
        match lines.last_mut() {
            Some((used, line)) if *used + sheet.width <= available => {
                *used += width;
                line.push((sheet, reading));
            }
            _ => lines.push((width, vec![(sheet, reading)])),
        }
    }
    for (_, line) in lines {
        let largest = |of: fn(&Sheet) -> f32| line.iter().map(|(sheet, _)| of(sheet)).fold(0.0, f32::max);
        let (ascent, descent) = (largest(|s| s.ascent), largest(|s| s.descent));
        let (rect, _) = ui.allocate_exact_size(vec2(available, ascent + descent), Sense::hover());
        let mut x = rect.left();
        for (sheet, reading) in line {
            let place = Rect::from_min_size(pos2(x, rect.top()), vec2(sheet.width, rect.height()));
            sheet.paint(ui.painter(), pos2(x, (rect.top() + ascent).round()));
            let id = ui.scope_id().with(("reading", x as i32, rect.top() as i32));
            name(ui.interact(place, id, Sense::hover()), &reading.tip);
            x += sheet.width + 1.4 * em;
        }
    }
}

/// Paints `math`, not wider than `width`, with its baseline centred at `centre`.
pub(crate) fn caption(ui: &Ui, math: &Math, em: f32, colour: Color32, centre: Pos2, width: f32) {
    let setter = Setter::new(ui.painter());
    let mut sheet = setter.set(math, em, colour);
    if sheet.width > width {
        sheet = setter.set(math, rounded(em * width / sheet.width), colour);
    }
    sheet.paint(ui.painter(), pos2(centre.x - sheet.width / 2.0, centre.y.round()));
}

/// The id of a part of this panel, for textures and pointers.
pub(crate) fn place(ui: &Ui, what: &str) -> Id {
    ui.scope_id().with("explain").with(what)
}
