//! Figures for a paper, a page or a slide: pictures, letters and lines on a page, written as SVG and PDF with real text and unsmoothed
//! pixels, or drawn as a picture for PNG and animations.
//!
//! ```text
//! Table (pictures with labels), Plot (curves), formulas ──> Figure (scene) ──> svg ──┬─> pdf
//!                                                                                    └─> raster ──> Picture
//! ```
//!
//! One file stands for all three: the PDF and the picture are made from the SVG, so that they cannot differ. The recipe is inside each.

pub mod caption;
pub mod csv;
pub mod fonts;
pub mod label;
pub mod pdf;
pub mod plot;
mod plot_layout;
pub mod raster;
pub mod scene;
pub mod svg;
pub mod table;
pub mod theme;

pub use plot::{Axis, Plot, Series, Style};
pub use scene::{Anchor, Area, Figure, Mark, Rgb};
pub use table::{Label, Table};
pub use theme::{Colours, Look, Role};
