//! A step on a page: Eq. 12 with its numbers, the pictures of its terms, the curves of the run; and as LaTeX.

use crate::{
    app::panels::explain::{
        equation_layout,
        formula::{Part as Term, Reading},
    },
    figure::{Anchor, Area, Colours, Figure, Look, Mark, Plot, Rgb, Role, fonts::Letters, label::label},
    math::{
        expression::{Math, upright},
        latex::latex,
        typeset::Setter,
    },
    picture::Picture,
};
use eframe::egui::Color32;
use std::sync::Arc;

/// Width of the page inside its margins, and of letters, in points.
const WIDTH: f32 = 860.0;
const MARGIN: f32 = 14.0;
const LARGEST: f32 = 27.0;
const READING: f32 = 15.0;
const TITLE: f32 = 17.0;
/// Width of a curve's frame: two of them stand side by side.
const PLOT: f32 = 340.0;
/// Side of a picture, and the room of a sign between two.
const SIDE: f32 = 112.0;
const SIGN: f32 = 28.0;

/// A step, or some of it.
pub(crate) struct Step {
    pub(super) title: String,
    pub(super) caption: String,
    /// The formula's terms and what its symbols are.
    pub(super) terms: Vec<Term>,
    pub(super) readings: Vec<Reading>,
    pub(super) pictures: Vec<Tile>,
    /// The curves of the run.
    pub(super) plots: Vec<Plot>,
}

/// A picture with the sign before it and the formula below.
pub(super) struct Tile {
    pub(super) sign: &'static str,
    /// `None` is a term that is 0.
    pub(super) picture: Option<Arc<Picture>>,
    pub(super) caption: Math,
    pub(super) role: Role,
}

fn rgb(colour: Color32) -> Rgb {
    [colour.r(), colour.g(), colour.b()]
}

impl Step {
    /// The page: formula, what its symbols are, pictures, curves in two columns.
    pub(super) fn figure(&self, look: Look) -> Figure {
        let colours = Colours::new(look.light);
        let letters = Letters::default();
        let setter = Setter::new(&letters);
        let mut page = Figure { title: self.title.clone(), background: colours.background, ..Figure::default() };
        page.width = WIDTH + 2.0 * MARGIN;
        page.height = MARGIN;
        if look.labels {
            page.formula(&setter.set(&label(&self.title), TITLE), [MARGIN, page.height + TITLE], colours.ink);
            page.height += TITLE + 14.0;
        }
        let ink = Color32::from_rgb(colours.ink[0], colours.ink[1], colours.ink[2]);
        let rule = equation_layout::rule(&setter, &self.terms, WIDTH, LARGEST, ink);
        let readings = equation_layout::readings(&setter, &self.readings, WIDTH, READING);
        for (layout, gap) in [(&rule, 12.0), (&readings, 10.0)] {
            for piece in &layout.pieces {
                page.formula(&piece.sheet, [MARGIN + piece.at[0], page.height + piece.at[1]], rgb(piece.colour));
            }
            page.height += layout.height + gap;
        }
        if !self.pictures.is_empty() {
            self.place_pictures(&mut page, &setter, &colours);
        }
        for (number, plot) in self.plots.iter().enumerate() {
            // Two by two.
            let figure = Plot { caption: String::new(), width: PLOT, ..plot.clone() }.figure(look);
            let (left, top) = (MARGIN + (number % 2) as f32 * WIDTH / 2.0, page.height);
            let height = figure.height;
            let (width, before) = (page.width, page.height);
            page.place(figure, [left - 8.0, top]);
            page.width = width.max(page.width);
            page.height = if number % 2 == 1 || number + 1 == self.plots.len() { before + height } else { before };
        }
        if look.labels {
            page.formula(&setter.set(&label(&self.caption), 12.5), [MARGIN, page.height + 10.0], colours.faint);
            page.height += 14.0;
        }
        page.height = (page.height + MARGIN).ceil();
        page
    }

    fn place_pictures(&self, page: &mut Figure, setter: &Setter<'_>, colours: &Colours) {
        let largest =
            self.pictures.iter().filter_map(|tile| tile.picture.as_ref()).map(|p| p.width.max(p.height)).max().unwrap_or(1);
        let count = self.pictures.len() as f32;
        let room = ((WIDTH - SIGN * (count - 1.0)) / count).min(SIDE);
        let by = (room / largest as f32).floor().max(1.0);
        let side = |tile: &Tile| tile.picture.as_ref().map(|p| [p.width as f32 * by, p.height as f32 * by]);
        let usual = self.pictures.iter().find_map(side).unwrap_or([room; 2]);
        let mut x = MARGIN + ((WIDTH - usual[0] * count - SIGN * (count - 1.0)) / 2.0).max(0.0).floor();
        let y = page.height.ceil();
        for (number, tile) in self.pictures.iter().enumerate() {
            if number > 0 {
                let middle = y + usual[1] / 2.0;
                if tile.sign.is_empty() {
                    let points = vec![[x + SIGN / 2.0, middle - 30.0], [x + SIGN / 2.0, middle + 30.0]];
                    page.marks.push(Mark::Line { points, width: 1.0, colour: colours.rule, dashed: false });
                } else {
                    let sign = setter.set(&upright(tile.sign), 22.0);
                    page.anchored(&sign, [x + SIGN / 2.0, middle + 7.0], Anchor::Middle, colours.ink);
                }
                x += SIGN;
            }
            let at = Area { x, y, width: usual[0], height: usual[1] };
            let edge = Area { x: x - 2.0, y: y - 2.0, width: at.width + 4.0, height: at.height + 4.0 };
            page.marks.push(Mark::Fill { at: edge, colour: colours.of(tile.role) });
            match &tile.picture {
                Some(picture) => page.marks.push(Mark::Picture { picture: picture.clone(), at }),
                // A mid grey is 0.
                None => {
                    page.marks.push(Mark::Fill { at, colour: [128; 3] });
                    let zero = setter.set(&upright("0"), 26.0);
                    page.anchored(&zero, [x + at.width / 2.0, y + at.height / 2.0 + 9.0], Anchor::Middle, [0; 3]);
                }
            }
            let caption = setter.set(&tile.caption, 16.0);
            page.anchored(&caption, [x + at.width / 2.0, y + at.height + 22.0], Anchor::Middle, colours.of(tile.role));
            x += usual[0];
        }
        page.height = y + usual[1] + 40.0;
    }

    /// The formula in symbols and in numbers, and what its symbols are, for a paper with amsmath.
    pub(super) fn latex(&self, recipe: &str) -> String {
        let side = |of: fn(&Term) -> &Math| -> String {
            self.terms
                .iter()
                .map(|term| if term.sign.is_empty() { latex(of(term)) } else { format!(" {} {}", term.sign, latex(of(term))) })
                .collect()
        };
        let aligned = |text: String| text.replacen(" = ", " &= ", 1);
        let mut lines = vec![aligned(side(|term| &term.symbols)), aligned(side(|term| &term.numbers))];
        lines.extend(self.readings.iter().map(|reading| latex(&reading.math).replacen('=', "&=", 1)));
        let recipe: String = recipe.lines().map(|line| format!("% {line}\n")).collect();
        format!(
            "% {}\n% {}\n% The recipe that makes the run:\n{recipe}\\begin{{align*}}\n  {}\n\\end{{align*}}\n",
            self.title,
            self.caption,
            lines.join(" \\\\\n  ")
        )
    }
}
