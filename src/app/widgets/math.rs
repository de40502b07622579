//! Formulas on screen: [`crate::math`] laid out with the window's fonts, and painted.

use super::fonts::Faces;
use crate::math::{
    sheet::{Glyphs, Mark, Offset, Sheet},
    typeset::{Extent, Metrics},
};
use eframe::egui::{Color32, FontId, Galley, Painter, Pos2, Shape, Stroke, Vec2, vec2};
use std::sync::Arc;

/// The fonts of a window.
pub(crate) struct Letters<'a> {
    painter: &'a Painter,
    faces: Faces,
}

impl<'a> Letters<'a> {
    /// Those of `painter`'s context.
    pub(crate) fn new(painter: &'a Painter) -> Self {
        Self { painter, faces: Faces::of(painter.ctx()) }
    }

    /// The letters with the distance from their top to the baseline.
    fn galley(&self, glyphs: &Glyphs, colour: Color32) -> (Arc<Galley>, f32) {
        let font: FontId = if glyphs.italic { self.faces.italic(glyphs.em) } else { self.faces.upright(glyphs.em) };
        let galley = self.painter.layout_no_wrap(glyphs.text.clone(), font, colour);
        let baseline =
            galley.rows.first().map_or(0.0, |line| line.pos.y + line.row.glyphs.first().map_or(0.0, |glyph| glyph.pos.y));
        (galley, baseline)
    }

    /// Draws a sheet with its baseline beginning at `origin`.
    pub(crate) fn paint(&self, sheet: &Sheet, origin: Pos2, colour: Color32) {
        for mark in &sheet.marks {
            match mark {
                Mark::Glyphs(at, glyphs) => {
                    let (galley, baseline) = self.galley(glyphs, colour);
                    self.painter.galley(origin + to_vec(*at) - vec2(0.0, baseline), galley, colour);
                }
                Mark::Line(points, width) => {
                    let points = points.iter().map(|p| origin + to_vec(*p)).collect();
                    self.painter.add(Shape::line(points, Stroke::new(*width, colour)));
                }
            }
        }
    }
}

impl Metrics for Letters<'_> {
    fn extent(&self, glyphs: &Glyphs) -> Extent {
        let (galley, baseline) = self.galley(glyphs, Color32::GRAY);
        let Some(line) = galley.rows.first() else { return Extent::default() };
        // The extent of the ink, not of the line.
        let ink = line.row.visuals.mesh_bounds.translate(line.pos.to_vec2());
        let (ascent, descent) = if ink.is_finite() { (baseline - ink.top(), ink.bottom() - baseline) } else { (0.0, 0.0) };
        Extent { width: galley.size().x, ascent, descent }
    }
}

fn to_vec(offset: Offset) -> Vec2 {
    vec2(offset.x, offset.y)
}
