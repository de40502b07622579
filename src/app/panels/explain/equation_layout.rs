//! Where the pieces of the update rule are: with braces, labels and the same line in numbers below it. The window and saved figures draw
//! the same.

use super::formula::{Part, Reading};
use crate::math::{expression::upright, sheet::Sheet, strokes::brace, typeset::Setter};
use eframe::egui::Color32;

/// Letters are never smaller than this before the rule is broken into several lines.
const SMALLEST_EM: f32 = 17.0;
/// Size of the labels below braces, relative to the letters of the rule.
const LABEL: f32 = 0.56;
/// Empty space on either side of a sign, in em.
const SIGN_AIR: f32 = 0.32;
/// Size of the line of numbers, relative to the line of symbols.
const NUMBERS: f32 = 0.92;

/// Between two lines of readings, in points.
const BETWEEN: f32 = 8.0;

/// A piece of it.
pub(crate) struct Piece {
    pub(crate) sheet: Sheet,
    /// Where its baseline begins.
    pub(crate) at: [f32; 2],
    pub(crate) colour: Color32,
}

/// All pieces, from the upper left corner on.
#[derive(Default)]
pub(crate) struct Layout {
    pub(crate) pieces: Vec<Piece>,
    /// The room of each part or reading: its corner and its size.
    pub(crate) rooms: Vec<([f32; 2], [f32; 2])>,
    pub(crate) height: f32,
}

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
    fn new(setter: &Setter<'_>, part: &Part, em: f32) -> Self {
        let mut sign = setter.set(&upright(part.sign), em);
        if !part.sign.is_empty() {
            sign.width += 2.0 * SIGN_AIR * em;
        }
        let symbols = setter.set(&part.symbols, em);
        let numbers = setter.set(&part.numbers, em * NUMBERS);
        let label = part.label.as_ref().map(|label| setter.set(label, (em * LABEL).max(11.0)));
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
pub(crate) fn rounded(em: f32) -> f32 {
    ((em * 2.0).floor() / 2.0).max(6.0)
}

/// The rule as large as it fits, up to letters of `largest` points; what does not fit on one line continues on the next. Signs have the
/// colour `text`.
pub(crate) fn rule(setter: &Setter<'_>, parts: &[Part], available: f32, largest: f32, text: Color32) -> Layout {
    let columns = |em: f32| parts.iter().map(|part| Column::new(setter, part, em)).collect::<Vec<_>>();
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
    let mut layout = Layout::default();
    let wraps = lines.len() > 1;
    for line in lines {
        if layout.height > 0.0 {
            layout.height += gap;
        }
        let left = if wraps { 0.0 } else { (available - line.width()) / 2.0 };
        let height = line.height;
        layout.line(line, left, em, text);
        layout.height += height;
    }
    layout
}

impl Layout {
    fn put(&mut self, sheet: Sheet, at: [f32; 2], colour: Color32) {
        self.pieces.push(Piece { sheet, at, colour });
    }

    fn line(&mut self, line: Line, left: f32, em: f32, text: Color32) {
        let top = self.height;
        let (baseline, mut x) = ((top + line.ascent).round(), left);
        for column in line.columns {
            for down in [0.0, line.numbers] {
                self.put(column.sign.clone(), [x + SIGN_AIR * em, baseline + down], text);
            }
            x += column.sign.width;
            // What has no brace is the left side, which ends at the sign.
            let share = if column.label.is_some() { 2.0 } else { 1.0 };
            let centred = |width: f32| x + (column.width - width) / share;
            let width = column.symbols.width;
            if let Some(label) = column.label {
                let under = baseline + line.braces;
                self.put(brace(width, em), [centred(width), under], column.colour);
                let at = [centred(label.width), under + 0.46 * em + label.ascent];
                self.put(label, at, column.colour);
            }
            self.put(column.symbols, [centred(width), baseline], column.colour);
            let at = [centred(column.numbers.width), baseline + line.numbers];
            self.put(column.numbers, at, column.colour);
            self.rooms.push(([x, top], [column.width, line.height]));
            x += column.width;
        }
    }
}

/// Lines that say what the rule's symbols are, as many side by side as fit, on a common baseline.
pub(crate) fn readings(setter: &Setter<'_>, readings: &[Reading], available: f32, em: f32) -> Layout {
    let mut lines: Vec<(f32, Vec<(Sheet, Color32)>)> = Vec::new();
    for reading in readings {
        let mut sheet = setter.set(&reading.math, em);
        if sheet.width > available {
            sheet = setter.set(&reading.math, rounded(em * available / sheet.width));
        }
        let width = sheet.width + 1.4 * em;
        match lines.last_mut() {
            Some((used, line)) if *used + sheet.width <= available => {
                *used += width;
                line.push((sheet, reading.colour));
            }
            _ => lines.push((width, vec![(sheet, reading.colour)])),
        }
    }
    let mut layout = Layout::default();
    for (_, line) in lines {
        let largest = |of: fn(&Sheet) -> f32| line.iter().map(|(sheet, _)| of(sheet)).fold(0.0, f32::max);
        let (ascent, descent) = (largest(|s| s.ascent), largest(|s| s.descent));
        if layout.height > 0.0 {
            layout.height += BETWEEN;
        }
        let (top, mut x) = (layout.height, 0.0);
        for (sheet, colour) in line {
            let width = sheet.width;
            layout.rooms.push(([x, top], [width, ascent + descent]));
            layout.put(sheet, [x, (top + ascent).round()], colour);
            x += width + 1.4 * em;
        }
        layout.height += ascent + descent;
    }
    layout
}
