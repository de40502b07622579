//! A small typesetter: what a formula is made of ([`Math`]) becomes glyphs and lines around a baseline ([`Sheet`]). Distances are
//! in em, the size of the letters; y points down.

use super::{
    expression::Math,
    sheet::{Glyphs, Mark, Offset, Sheet, offset},
    strokes,
};

/// Size of subscripts and superscripts, relative to the letters they belong to.
const SCRIPT: f32 = 0.7;

/// How much room letters take, in points.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Extent {
    /// To the next letter.
    pub width: f32,
    /// Of the ink above the baseline: roots and bars should lie close.
    pub ascent: f32,
    /// Of the ink below it.
    pub descent: f32,
}

/// Who knows how wide letters are: a window's fonts, or a file's.
pub trait Metrics {
    /// The room that the letters take.
    fn extent(&self, glyphs: &Glyphs) -> Extent;
}

/// Lays formulas out.
pub struct Setter<'a> {
    metrics: &'a dyn Metrics,
}

impl<'a> Setter<'a> {
    /// A setter that uses these fonts.
    pub fn new(metrics: &'a dyn Metrics) -> Self {
        Self { metrics }
    }

    /// Lays a piece out, with letters of `em` points.
    pub fn set(&self, math: &Math, em: f32) -> Sheet {
        let inner = |math: &Math| self.set(math, em);
        match math {
            Math::Upright(text) => self.glyphs(text, false, em),
            Math::Italic(text) => self.glyphs(text, true, em),
            Math::Gap(width) => Sheet { width: width * em, ..Sheet::default() },
            Math::Row(pieces) => pieces.iter().fold(Sheet::default(), |mut sheet, piece| {
                let piece = inner(piece);
                let width = sheet.width + piece.width;
                sheet.place(offset(sheet.width, 0.0), piece);
                sheet.width = width;
                sheet
            }),
            Math::Fraction(over, under) => strokes::fraction(inner(over), inner(under), em),
            Math::Root(under) => strokes::root(inner(under), em),
            Math::Hat(under) => strokes::hat(inner(under), em),
            Math::Bar(under) => strokes::bar(inner(under), em),
            Math::Parens(within) => strokes::parens(inner(within), em, |text| self.glyphs(text, false, em)),
            Math::Below(base, script) => self.script(inner(base), script, em, 0.2),
            Math::Above(base, script) => self.script(inner(base), script, em, -0.4),
        }
    }

    fn script(&self, mut base: Sheet, script: &Math, em: f32, shift: f32) -> Sheet {
        let script = self.set(script, em * SCRIPT);
        let at = base.width + 0.03 * em;
        base.width = at + script.width;
        base.place(offset(at, shift * em), script);
        base
    }

    fn glyphs(&self, text: &str, italic: bool, em: f32) -> Sheet {
        let glyphs = Glyphs { text: text.to_owned(), italic, em };
        let Extent { width, ascent, descent } = self.metrics.extent(&glyphs);
        Sheet { width, ascent: ascent.max(0.0), descent: descent.max(0.0), marks: vec![Mark::Glyphs(Offset::default(), glyphs)] }
    }
}
