//! A figure before it is written: marks on a page. Units are points, of which a PNG at scale 1 has one per pixel; x points to the right,
//! y down.

use crate::{
    math::sheet::{self, Glyphs, Sheet},
    picture::Picture,
};
use std::sync::Arc;

/// A colour: red, green, blue.
pub type Rgb = [u8; 3];

/// A rectangle.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Area {
    /// Of its left edge.
    pub x: f32,
    /// Of its upper edge.
    pub y: f32,
    /// From left to right.
    pub width: f32,
    /// From top to bottom.
    pub height: f32,
}

/// Which part of a line of text lies at its place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Anchor {
    /// Its beginning.
    #[default]
    Start,
    /// Its middle.
    Middle,
    /// Its end.
    End,
}

/// What is on the page.
#[derive(Clone, Debug)]
pub enum Mark {
    /// A picture, each pixel a rectangle.
    Picture {
        /// The picture.
        picture: Arc<Picture>,
        /// Where it is.
        at: Area,
    },
    /// Letters whose baseline begins at `at`.
    Text {
        /// The letters with their face and size.
        glyphs: Glyphs,
        /// Where the baseline begins.
        at: [f32; 2],
        /// Their colour.
        colour: Rgb,
    },
    /// A line through points.
    Line {
        /// The points.
        points: Vec<[f32; 2]>,
        /// How wide it is.
        width: f32,
        /// Its colour.
        colour: Rgb,
        /// Whether it is dashed.
        dashed: bool,
    },
    /// A filled rectangle.
    Fill {
        /// Where it is.
        at: Area,
        /// Its colour.
        colour: Rgb,
    },
    /// A disc, or a square on its corner.
    Dot {
        /// Its middle.
        at: [f32; 2],
        /// From the middle to the edge.
        radius: f32,
        /// Its colour.
        colour: Rgb,
        /// Whether it is a square on its corner.
        diamond: bool,
    },
}

/// A page.
#[derive(Clone, Debug, Default)]
pub struct Figure {
    /// What it shows, for screen readers and lists of files.
    pub title: String,
    /// From left to right.
    pub width: f32,
    /// From top to bottom.
    pub height: f32,
    /// The colour of the page.
    pub background: Rgb,
    /// What is on it, the later above the earlier.
    pub marks: Vec<Mark>,
}

impl Figure {
    /// Adds a formula whose baseline begins at `at`.
    pub fn formula(&mut self, sheet: &Sheet, at: [f32; 2], colour: Rgb) {
        let place = |offset: &sheet::Offset| [at[0] + offset.x, at[1] + offset.y];
        self.marks.extend(sheet.marks.iter().map(|mark| match mark {
            sheet::Mark::Glyphs(to, glyphs) => Mark::Text { glyphs: glyphs.clone(), at: place(to), colour },
            sheet::Mark::Line(points, width) => {
                Mark::Line { points: points.iter().map(place).collect(), width: *width, colour, dashed: false }
            }
        }));
    }

    /// As [`Self::formula`], where `anchor` of it lies at `at`.
    pub fn anchored(&mut self, sheet: &Sheet, at: [f32; 2], anchor: Anchor, colour: Rgb) {
        let left = match anchor {
            Anchor::Start => at[0],
            Anchor::Middle => at[0] - sheet.width / 2.0,
            Anchor::End => at[0] - sheet.width,
        };
        self.formula(sheet, [left, at[1]], colour);
    }

    /// Adds all of another with its corner at `at`; the page becomes as large as both need.
    pub fn place(&mut self, other: Self, at: [f32; 2]) {
        self.width = self.width.max(at[0] + other.width);
        self.height = self.height.max(at[1] + other.height);
        let place = |p: [f32; 2]| [p[0] + at[0], p[1] + at[1]];
        let area = |a: Area| Area { x: a.x + at[0], y: a.y + at[1], ..a };
        self.marks.extend(other.marks.into_iter().map(|mark| match mark {
            Mark::Picture { picture, at } => Mark::Picture { picture, at: area(at) },
            Mark::Text { glyphs, at, colour } => Mark::Text { glyphs, at: place(at), colour },
            Mark::Line { points, width, colour, dashed } => {
                Mark::Line { points: points.into_iter().map(place).collect(), width, colour, dashed }
            }
            Mark::Fill { at, colour } => Mark::Fill { at: area(at), colour },
            Mark::Dot { at, radius, colour, diamond } => Mark::Dot { at: place(at), radius, colour, diamond },
        }));
    }

    /// Figures of one width, one below the other.
    pub fn stacked(all: Vec<Self>) -> Self {
        let mut whole = Self::default();
        for figure in all {
            if whole.title.is_empty() {
                (whole.title, whole.background) = (figure.title.clone(), figure.background);
            }
            let below = whole.height;
            whole.place(figure, [0.0, below]);
        }
        whole
    }
}
