//! A formula that is laid out: glyphs and lines around a baseline. x points to the right and y down, both in points.

use std::ops::{Add, Mul};

/// How high above the baseline fractions and minus signs lie, in em.
pub(super) const AXIS: f32 = 0.26;

/// A distance to the right and down.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Offset {
    /// To the right.
    pub x: f32,
    /// Down.
    pub y: f32,
}

/// A distance of `x` to the right and `y` down.
pub fn offset(x: f32, y: f32) -> Offset {
    Offset { x, y }
}

impl Add for Offset {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        offset(self.x + other.x, self.y + other.y)
    }
}

impl Mul<f32> for Offset {
    type Output = Self;

    fn mul(self, by: f32) -> Self {
        offset(self.x * by, self.y * by)
    }
}

/// Letters in one of the two faces of formulas.
#[derive(Clone, Debug, PartialEq)]
pub struct Glyphs {
    /// What is written.
    pub text: String,
    /// Slanted, as variables are.
    pub italic: bool,
    /// Their size.
    pub em: f32,
}

/// What is painted.
#[derive(Clone, Debug, PartialEq)]
pub enum Mark {
    /// Letters whose baseline begins there.
    Glyphs(Offset, Glyphs),
    /// A line through these points, so wide.
    Line(Vec<Offset>, f32),
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
    /// What is painted.
    pub marks: Vec<Mark>,
}

impl Sheet {
    /// From top to bottom.
    pub fn height(&self) -> f32 {
        self.ascent + self.descent
    }

    /// Adds another sheet whose baseline begins at `at`; the width stays.
    pub fn place(&mut self, at: Offset, other: Self) {
        self.ascent = self.ascent.max(other.ascent - at.y);
        self.descent = self.descent.max(other.descent + at.y);
        self.marks.extend(other.marks.into_iter().map(|mark| match mark {
            Mark::Glyphs(to, glyphs) => Mark::Glyphs(to + at, glyphs),
            Mark::Line(points, width) => Mark::Line(points.into_iter().map(|p| p + at).collect(), width),
        }));
    }

    /// Adds a line through `points`.
    pub fn line(&mut self, points: Vec<Offset>, width: f32) {
        self.marks.push(Mark::Line(points, width));
    }
}
