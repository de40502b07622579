//! Formulas on screen: [`expression`] says what one is made of, [`typeset`] lays it out as a [`sheet`] of glyphs and [`strokes`],
//! and [`number`] writes the numbers in it.

pub mod expression;
pub mod number;
pub mod sheet;
pub mod strokes;
pub mod typeset;
