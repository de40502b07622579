//! A formula that is laid out: glyphs and lines around a baseline. y points down, as everywhere in egui.

use eframe::egui::{Color32, Galley, Painter, Pos2, Shape, Stroke, Vec2};
use std::sync::Arc;

/// How high above the baseline fractions and minus signs lie.
pub(super) const AXIS: f32 = 0.26;

/// What is painted.
#[derive(Clone, Debug)]
pub(super) enum Mark {
    Glyphs(Vec2, Arc<Galley>),
    Line(Vec<Vec2>, Stroke),
}

/// A piece, laid out: its baseline begins at the origin.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sheet {
    /// From left to right.
    pub(crate) width: f32,
    /// How far it reaches above the baseline.
    pub(crate) ascent: f32,
    /// How far it reaches below the baseline.
    pub(crate) descent: f32,
    pub(super) marks: Vec<Mark>,
}

impl Sheet {
    /// From top to bottom.
    pub(crate) fn height(&self) -> f32 {
        self.ascent + self.descent
    }

    /// Adds another sheet whose baseline begins at `at`; the width stays.
    pub(crate) fn place(&mut self, at: Vec2, other: Self) {
        self.ascent = self.ascent.max(other.ascent - at.y);
        self.descent = self.descent.max(other.descent + at.y);
        self.marks.extend(other.marks.into_iter().map(|mark| match mark {
            Mark::Glyphs(to, galley) => Mark::Glyphs(to + at, galley),
            Mark::Line(points, stroke) => Mark::Line(points.into_iter().map(|p| p + at).collect(), stroke),
        }));
    }

    /// Adds a line through `points`.
    pub(crate) fn line(&mut self, points: Vec<Vec2>, stroke: Stroke) {
        self.marks.push(Mark::Line(points, stroke));
    }

    /// Draws it with its baseline beginning at `origin`.
    pub(crate) fn paint(&self, painter: &Painter, origin: Pos2) {
        for mark in &self.marks {
            match mark {
                // The colour was set when the text was laid out; this one is only a fallback.
                Mark::Glyphs(at, galley) => painter.galley(origin + *at, galley.clone(), Color32::GRAY),
                Mark::Line(points, stroke) => {
                    let points = points.iter().map(|p| origin + *p).collect();
                    painter.add(Shape::line(points, *stroke));
                }
            }
        }
    }
}
