//! A small typesetter: what a formula is made of ([`Math`]) becomes glyphs and lines around a baseline ([`Sheet`]). Distances are
//! in em, the size of the letters; y points down, as everywhere in egui.

use super::{
    expression::Math,
    sheet::{Mark, Sheet},
    strokes,
};
use crate::app::widgets::fonts::Faces;
use eframe::egui::{Color32, Painter, vec2};

/// Size of subscripts and superscripts, relative to the letters they belong to.
const SCRIPT: f32 = 0.7;

/// Lays formulas out.
pub(crate) struct Setter<'a> {
    painter: &'a Painter,
    faces: Faces,
}

impl<'a> Setter<'a> {
    /// A setter that uses the fonts of `painter`'s context.
    pub(crate) fn new(painter: &'a Painter) -> Self {
        Self { painter, faces: Faces::of(painter.ctx()) }
    }

    /// Lays a piece out, with letters of `em` points.
    pub(crate) fn set(&self, math: &Math, em: f32, colour: Color32) -> Sheet {
        let inner = |math: &Math| self.set(math, em, colour);
        match math {
            Math::Upright(text) => self.glyphs(text, false, em, colour),
            Math::Italic(text) => self.glyphs(text, true, em, colour),
            Math::Gap(width) => Sheet { width: width * em, ..Sheet::default() },
            Math::Row(pieces) => pieces.iter().fold(Sheet::default(), |mut sheet, piece| {
                let piece = inner(piece);
                let width = sheet.width + piece.width;
                sheet.place(vec2(sheet.width, 0.0), piece);
                sheet.width = width;
                sheet
            }),
            Math::Fraction(over, under) => strokes::fraction(inner(over), inner(under), em, colour),
            Math::Root(under) => strokes::root(inner(under), em, colour),
            Math::Hat(under) => strokes::hat(inner(under), em, colour),
            Math::Bar(under) => strokes::bar(inner(under), em, colour),
            Math::Parens(within) => strokes::parens(inner(within), em, colour, |text| self.glyphs(text, false, em, colour)),
            Math::Below(base, script) => self.script(inner(base), script, em, colour, 0.2),
            Math::Above(base, script) => self.script(inner(base), script, em, colour, -0.4),
        }
    }

    fn script(&self, mut base: Sheet, script: &Math, em: f32, colour: Color32, shift: f32) -> Sheet {
        let script = self.set(script, em * SCRIPT, colour);
        let at = base.width + 0.03 * em;
        base.width = at + script.width;
        base.place(vec2(at, shift * em), script);
        base
    }

    fn glyphs(&self, text: &str, italic: bool, em: f32, colour: Color32) -> Sheet {
        let font = if italic { self.faces.italic(em) } else { self.faces.upright(em) };
        let galley = self.painter.layout_no_wrap(text.to_owned(), font, colour);
        let Some(line) = galley.rows.first() else { return Sheet::default() };
        let baseline = line.pos.y + line.row.glyphs.first().map_or(0.0, |glyph| glyph.pos.y);
        // The extent of the ink, not of the line: roots and bars should lie close.
        let ink = line.row.visuals.mesh_bounds.translate(line.pos.to_vec2());
        let (ascent, descent) = if ink.is_finite() { (baseline - ink.top(), ink.bottom() - baseline) } else { (0.0, 0.0) };
        let width = galley.size().x;
        Sheet { width, ascent: ascent.max(0.0), descent: descent.max(0.0), marks: vec![Mark::Glyphs(vec2(0.0, -baseline), galley)] }
    }
}
