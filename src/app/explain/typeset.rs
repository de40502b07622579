//! A small typesetter: what a formula is made of ([`Math`]) becomes glyphs and lines around a baseline ([`Sheet`]). Distances are
//! in em, the size of the letters; y points down, as everywhere in egui.

use super::strokes;
use crate::app::fonts::Faces;
use eframe::egui::{Color32, Galley, Painter, Pos2, Shape, Stroke, Vec2, vec2};
use std::{fmt, sync::Arc};

/// How high above the baseline fractions and minus signs lie.
pub(super) const AXIS: f32 = 0.26;
/// Letters in subscripts and superscripts against those they belong to.
const SCRIPT: f32 = 0.7;

/// A piece of a formula.
#[derive(Clone, Debug, PartialEq)]
pub enum Math {
    /// Digits, signs and names, upright.
    Upright(String),
    /// A variable, slanted.
    Italic(String),
    /// Pieces from left to right.
    Row(Vec<Self>),
    /// Empty space of so many em.
    Gap(f32),
    /// The first over the second.
    Fraction(Box<Self>, Box<Self>),
    /// A square root.
    Root(Box<Self>),
    /// A piece with something at its lower right.
    Below(Box<Self>, Box<Self>),
    /// A piece with something at its upper right.
    Above(Box<Self>, Box<Self>),
    /// x̂.
    Hat(Box<Self>),
    /// ᾱ.
    Bar(Box<Self>),
    /// In parentheses as high as it is.
    Parens(Box<Self>),
}

/// Digits, signs and names.
pub fn upright(text: impl Into<String>) -> Math {
    Math::Upright(text.into())
}

/// A variable.
pub fn italic(text: impl Into<String>) -> Math {
    Math::Italic(text.into())
}

/// Pieces from left to right.
pub fn row(pieces: impl Into<Vec<Math>>) -> Math {
    Math::Row(pieces.into())
}

impl Math {
    /// With a subscript.
    pub fn below(self, script: Self) -> Self {
        Self::Below(Box::new(self), Box::new(script))
    }

    /// With a superscript.
    pub fn above(self, script: Self) -> Self {
        Self::Above(Box::new(self), Box::new(script))
    }

    /// With a hat.
    pub fn hat(self) -> Self {
        Self::Hat(Box::new(self))
    }

    /// With a bar.
    pub fn bar(self) -> Self {
        Self::Bar(Box::new(self))
    }

    /// Under a root.
    pub fn root(self) -> Self {
        Self::Root(Box::new(self))
    }

    /// Over something.
    pub fn over(self, divisor: Self) -> Self {
        Self::Fraction(Box::new(self), Box::new(divisor))
    }

    /// In parentheses.
    pub fn parens(self) -> Self {
        Self::Parens(Box::new(self))
    }
}

/// As text, for screen readers: x_480 = 0.308·x̂_0 + ….
impl fmt::Display for Math {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Upright(text) | Self::Italic(text) => f.write_str(text),
            Self::Row(pieces) => pieces.iter().try_for_each(|piece| piece.fmt(f)),
            // Wide gaps are those around signs.
            Self::Gap(width) => f.write_str(if *width > 0.2 { " " } else { "" }),
            Self::Fraction(over, under) => write!(f, "({over})/({under})"),
            Self::Root(under) => write!(f, "√({under})"),
            Self::Below(base, script) => write!(f, "{base}_{script}"),
            Self::Above(base, script) => write!(f, "{base}^{script}"),
            Self::Hat(under) => write!(f, "{under}\u{302}"),
            Self::Bar(under) if under.to_string() == "α" => f.write_str("ᾱ"),
            Self::Bar(under) => write!(f, "{under}\u{304}"),
            Self::Parens(within) => write!(f, "({within})"),
        }
    }
}

/// What is painted.
#[derive(Clone, Debug)]
pub(super) enum Mark {
    Glyphs(Vec2, Arc<Galley>),
    Line(Vec<Vec2>, Stroke),
}

/// A piece, laid out: its baseline begins at the origin.
#[derive(Clone, Debug, Default)]
pub struct Sheet {
    /// From left to right.
    pub width: f32,
    /// How far it reaches above the baseline.
    pub ascent: f32,
    /// How far it reaches below the baseline.
    pub descent: f32,
    pub(super) marks: Vec<Mark>,
}

impl Sheet {
    /// From top to bottom.
    pub fn height(&self) -> f32 {
        self.ascent + self.descent
    }

    /// Adds another sheet whose baseline begins at `at`; the width stays.
    pub fn place(&mut self, at: Vec2, other: Self) {
        self.ascent = self.ascent.max(other.ascent - at.y);
        self.descent = self.descent.max(other.descent + at.y);
        self.marks.extend(other.marks.into_iter().map(|mark| match mark {
            Mark::Glyphs(to, galley) => Mark::Glyphs(to + at, galley),
            Mark::Line(points, stroke) => Mark::Line(points.into_iter().map(|p| p + at).collect(), stroke),
        }));
    }

    /// Adds a line through `points`.
    pub fn line(&mut self, points: Vec<Vec2>, stroke: Stroke) {
        self.marks.push(Mark::Line(points, stroke));
    }

    /// Draws it with its baseline beginning at `origin`.
    pub fn paint(&self, painter: &Painter, origin: Pos2) {
        for mark in &self.marks {
            match mark {
                // The colour was set when the text was laid out; this one is for text without.
                Mark::Glyphs(at, galley) => painter.galley(origin + *at, galley.clone(), Color32::GRAY),
                Mark::Line(points, stroke) => {
                    let points = points.iter().map(|p| origin + *p).collect();
                    painter.add(Shape::line(points, *stroke));
                }
            }
        }
    }
}

/// Lays formulas out.
pub struct Setter<'a> {
    painter: &'a Painter,
    faces: Faces,
}

impl<'a> Setter<'a> {
    /// A setter that takes its fonts from where `painter` paints.
    pub fn new(painter: &'a Painter) -> Self {
        Self { painter, faces: Faces::of(painter.ctx()) }
    }

    /// Lays a piece out, with letters of `em` points.
    pub fn set(&self, math: &Math, em: f32, colour: Color32) -> Sheet {
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
        // What is drawn, not what the font reserves: roots and bars should lie close.
        let ink = line.row.visuals.mesh_bounds.translate(line.pos.to_vec2());
        let (ascent, descent) = if ink.is_finite() { (baseline - ink.top(), ink.bottom() - baseline) } else { (0.0, 0.0) };
        let width = galley.size().x;
        Sheet { width, ascent: ascent.max(0.0), descent: descent.max(0.0), marks: vec![Mark::Glyphs(vec2(0.0, -baseline), galley)] }
    }
}
