//! The parts of a formula that are lines: roots, fractions, hats, bars, parentheses and braces. Those of a font would not stretch.

use super::sheet::{AXIS, Offset, Sheet, offset};

/// Width of a rule, in em.
const RULE: f32 = 0.048;

fn thin(em: f32) -> f32 {
    (RULE * em).max(1.0)
}

/// A quadratic Bézier curve as a line through nine points.
fn curve(from: Offset, bend: Offset, to: Offset) -> impl Iterator<Item = Offset> {
    (0..=8_u8).map(move |i| {
        let t = f32::from(i) / 8.0;
        from * (1.0 - t).powi(2) + bend * (2.0 * t * (1.0 - t)) + to * t.powi(2)
    })
}

/// One over the other, with the rule at the height of minus signs.
pub(super) fn fraction(over: Sheet, under: Sheet, em: f32) -> Sheet {
    let (axis, gap, side) = (AXIS * em, 0.17 * em, 0.1 * em);
    let width = over.width.max(under.width) + 2.0 * side;
    let mut sheet = Sheet { width: width + 0.1 * em, ..Sheet::default() };
    let left = 0.05 * em;
    let (up, down) = (-axis - gap - over.descent, gap + under.ascent - axis);
    sheet.place(offset(left + (width - over.width) / 2.0, up), over);
    sheet.place(offset(left + (width - under.width) / 2.0, down), under);
    sheet.line(vec![offset(left, -axis), offset(left + width, -axis)], thin(em));
    sheet
}

/// A root sign over all of `under`.
pub(super) fn root(under: Sheet, em: f32) -> Sheet {
    let top = -(under.ascent.max(0.55 * em) + 0.16 * em);
    let bottom = under.descent + 0.06 * em;
    let knee = bottom - 0.48 * (bottom - top).min(1.3 * em);
    let (foot, roof) = (0.32 * em, 0.56 * em);
    let width = roof + 0.06 * em + under.width + 0.06 * em;
    let mut sheet = Sheet { width: width + 0.06 * em, ascent: -top + RULE * em, descent: bottom, ..Sheet::default() };
    let thick = (0.085 * em).max(1.5);
    sheet.line(vec![offset(0.03 * em, knee + 0.08 * em), offset(0.15 * em, knee)], thin(em));
    sheet.line(vec![offset(0.15 * em, knee), offset(foot, bottom)], thick);
    sheet.line(vec![offset(foot, bottom), offset(roof, top), offset(width, top)], thin(em));
    sheet.place(offset(roof + 0.06 * em, 0.0), under);
    sheet
}

/// The hat of an estimate. Slanted letters lean to the right, and so does what is above them.
pub(super) fn hat(mut under: Sheet, em: f32) -> Sheet {
    let (middle, low) = (under.width / 2.0 + 0.05 * em, -under.ascent - 0.07 * em);
    let (half, high) = (0.17 * em, low - 0.15 * em);
    under.line(vec![offset(middle - half, low), offset(middle, high), offset(middle + half, low)], thin(em));
    under.ascent = -high + RULE * em;
    under
}

/// The bar of a cumulative product.
pub(super) fn bar(mut under: Sheet, em: f32) -> Sheet {
    let high = -under.ascent - 0.11 * em;
    under.line(vec![offset(0.08 * em, high), offset(under.width - 0.02 * em, high)], thin(em));
    under.ascent = -high + RULE * em;
    under
}

/// Parentheses: the font's own if they are high enough, else curves. `glyph` sets one of the font's.
pub(super) fn parens(within: Sheet, em: f32, glyph: impl Fn(&str) -> Sheet) -> Sheet {
    let axis = AXIS * em;
    let half = (within.ascent - axis).max(within.descent + axis) + 0.06 * em;
    let mut sheet = Sheet::default();
    if half < 0.7 * em {
        let (open, close) = (glyph("("), glyph(")"));
        let after = open.width + within.width;
        sheet.width = after + close.width;
        let inside = offset(open.width, 0.0);
        sheet.place(Offset::default(), open);
        sheet.place(inside, within);
        sheet.place(offset(after, 0.0), close);
        return sheet;
    }
    let (depth, side) = (0.16 * em + 0.06 * half, 0.08 * em);
    let after = side + depth + within.width;
    sheet.width = after + depth + side;
    let stroke = (1.3 * RULE * em).max(1.2);
    let mut bow = |tip: f32, belly: f32| {
        sheet.line(curve(offset(tip, -axis - half), offset(belly, -axis), offset(tip, half - axis)).collect(), stroke);
    };
    bow(side + depth, side - depth);
    bow(after, after + 2.0 * depth);
    sheet.ascent = half + axis;
    sheet.descent = half - axis;
    sheet.place(offset(side + depth, 0.0), within);
    sheet
}

/// A brace under something `width` wide: its tip points down from the middle. Its top lies at 0.
pub fn brace(width: f32, em: f32) -> Sheet {
    let height = 0.34 * em;
    let (mid, radius) = (height / 2.0, (0.3 * em).min(width / 4.0));
    let middle = width / 2.0;
    let points = curve(offset(0.0, 0.0), offset(0.0, mid), offset(radius, mid))
        .chain(curve(offset(middle - radius, mid), offset(middle, mid), offset(middle, height)))
        .chain(curve(offset(middle, height), offset(middle, mid), offset(middle + radius, mid)))
        .chain(curve(offset(width - radius, mid), offset(width, mid), offset(width, 0.0)));
    let mut sheet = Sheet { width, descent: height, ..Sheet::default() };
    sheet.line(points.collect(), (1.4 * RULE * em).max(1.2));
    sheet
}
