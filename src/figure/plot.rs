//! Curves: what is drawn, with its units, before it is laid out or written as numbers.

use super::theme::Role;

/// How a series is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// A line.
    #[default]
    Line,
    /// A thin line, dashed.
    Dashed,
    /// A line through discs.
    LineAndDots,
    /// Discs.
    Dots,
    /// Squares on their corners.
    Diamonds,
    /// Bars from 0, so wide.
    Bars,
}

/// Numbers along x.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// What they are, as it is written beside the plot; none where it goes without saying.
    pub name: String,
    /// The head of its column of numbers, with its unit: "sigma at eta = 1 [1]".
    pub column: String,
    /// x and y.
    pub points: Vec<[f64; 2]>,
    /// How it is drawn.
    pub style: Style,
    /// Its colour.
    pub role: Role,
}

/// An axis.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Axis {
    /// What is along it, with symbols.
    pub label: String,
    /// The head of its column of numbers, with its unit.
    pub column: String,
    /// It reaches at least from here to there.
    pub range: Option<[f64; 2]>,
    /// From right to left.
    pub is_reversed: bool,
    /// By powers of ten.
    pub is_logarithmic: bool,
    /// Marks with names in the place of round numbers.
    pub marks: Vec<(f64, String)>,
    /// No two marks are nearer than this: there is no half timestep.
    pub min_step: f64,
}

/// Curves in a frame.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plot {
    /// Above it.
    pub title: String,
    /// Below it.
    pub x: Axis,
    /// On its left.
    pub y: Axis,
    /// The curves, the later above the earlier.
    pub series: Vec<Series>,
    /// Lines from top to bottom, with their colour: the step that is shown.
    pub verticals: Vec<(f64, Role)>,
    /// Lines from left to right, for comparison.
    pub horizontals: Vec<f64>,
    /// Short marks along the bottom: τ.
    pub ticks: Vec<f64>,
    /// What all curves have in common, below.
    pub caption: String,
    /// Width of the frame, in points; 0 is the usual one.
    pub width: f32,
}
