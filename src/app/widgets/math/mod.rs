//! Formulas on screen: [`expression`] says what one is made of, [`typeset`] lays it out as a [`sheet`] of glyphs and [`strokes`],
//! and [`number`] writes the numbers in it.

pub(crate) mod expression;
pub(crate) mod number;
pub(crate) mod sheet;
pub(crate) mod strokes;
pub(crate) mod typeset;
