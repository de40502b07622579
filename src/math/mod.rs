//! Formulas and numbers: [`expression`] says what a formula is made of, [`number`] writes the numbers in it and [`axis`] those along an
//! axis, [`latex`] writes it for a paper, and [`typeset`] lays it out as a [`sheet`] of glyphs and [`strokes`]. Pure: who paints a sheet,
//! a window or a file, says how wide its letters are.

pub mod axis;
pub mod expression;
pub mod latex;
pub mod number;
pub mod sheet;
pub mod strokes;
pub mod typeset;
