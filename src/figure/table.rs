//! Pictures in rows and columns with their labels: grids, strips, trees.

use super::{
    fonts::Letters,
    label::label,
    scene::{Anchor, Area, Figure, Mark},
    theme::{Colours, Look},
};
use crate::{
    math::{sheet::Sheet, typeset::Setter},
    picture::Picture,
};
use std::sync::Arc;

/// Size of labels and of what is said below.
const EM: f32 = 15.0;
const SMALL: f32 = 12.5;
/// Around the page, between pictures, and between labels and pictures.
const MARGIN: f32 = 10.0;
const GAP: f32 = 4.0;
/// Between the columns of a tree, for its lines.
const TREE_GAP: f32 = 12.0;
const BESIDE: f32 = 8.0;
/// Pictures are enlarged to about so many points a side; a few to more.
const CELL: f32 = 96.0;
const LARGE: f32 = 192.0;

/// What is written beside a row or above a column.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Label {
    /// In full.
    pub text: String,
    /// Where there is little room.
    pub short: String,
}

impl<T: Into<String>> From<T> for Label {
    fn from(text: T) -> Self {
        let text = text.into();
        Self { short: text.rsplit(' ').next().unwrap_or_default().to_owned(), text }
    }
}

/// Pictures in rows and columns.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// What it shows, in a few words.
    pub title: String,
    /// Beside each row; none, or as many as there are rows.
    pub rows: Vec<Label>,
    /// Above each column; none, or as many as there are columns.
    pub columns: Vec<Label>,
    /// What the columns have in common, to be written once where they are narrow.
    pub columns_share: String,
    /// The pictures, row by row; `None` stays empty.
    pub cells: Vec<Option<Arc<Picture>>>,
    /// How many columns there are.
    pub width: usize,
    /// What all pictures have in common, below on the left.
    pub caption: String,
    /// What this very state of them is, below on the right.
    pub place: String,
    /// Rows that leave another: the row that is left, the one that leaves, and its first column.
    pub branches: Vec<[usize; 3]>,
}

/// Where the parts of the page are.
struct Measures {
    /// Of the first cell.
    left: f32,
    top: f32,
    cell: [f32; 2],
    gap: [f32; 2],
}

impl Measures {
    fn corner(&self, row: usize, column: usize) -> [f32; 2] {
        [self.left + column as f32 * (self.cell[0] + self.gap[0]), self.top + row as f32 * (self.cell[1] + self.gap[1])]
    }
}

impl Table {
    /// How many rows there are.
    pub fn height(&self) -> usize {
        self.cells.len().div_ceil(self.width.max(1))
    }

    /// Of each picture pixel so many points make a side: whole ones, so that pixels stay squares of one colour at any scale.
    fn enlargement(&self) -> f32 {
        let side = self.cells.iter().flatten().map(|p| p.width.max(p.height)).max().unwrap_or(1).max(1) as f32;
        let wanted = if self.cells.len() <= 4 { LARGE } else { CELL };
        (wanted / side).floor().max(1.0)
    }

    /// The table on a page.
    pub fn figure(&self, look: Look) -> Figure {
        let colours = Colours::new(look.light);
        let letters = Letters::default();
        let setter = Setter::new(&letters);
        let set = |text: &str, em: f32| setter.set(&label(text), em);
        let by = self.enlargement();
        let size = |of: fn(&Picture) -> usize| self.cells.iter().flatten().map(|p| of(p)).max().unwrap_or(1).max(1) as f32 * by;
        let cell = [size(|p| p.width), size(|p| p.height)];
        let gap = [if self.branches.is_empty() { GAP } else { TREE_GAP }, GAP];
        let (rows, columns) = (self.height(), self.width.max(1));

        let row_labels: Vec<Sheet> = self.rows.iter().filter(|_| look.labels).map(|row| set(&row.text, EM)).collect();
        let mut column_labels: Vec<Sheet> =
            self.columns.iter().filter(|_| look.labels).map(|column| set(&column.text, EM)).collect();
        let is_narrow = column_labels.iter().any(|sheet| sheet.width > cell[0] + gap[0] - 6.0);
        if is_narrow {
            column_labels = self.columns.iter().map(|column| set(&column.short, EM)).collect();
            // As small as they must be to stand beside each other.
            let widest = column_labels.iter().map(|sheet| sheet.width).fold(1.0, f32::max);
            let em = (EM * (cell[0] + gap[0] - 4.0) / widest).clamp(6.0, EM);
            column_labels = self.columns.iter().map(|column| set(&column.short, em)).collect();
        }
        let share = if is_narrow && !column_labels.is_empty() { set(&self.columns_share, SMALL) } else { Sheet::default() };
        let label_width = row_labels.iter().map(|sheet| sheet.width).fold(share.width, f32::max);
        let left = MARGIN + if label_width > 0.0 { label_width.ceil() + BESIDE } else { 0.0 };
        let top = MARGIN + if column_labels.is_empty() { 0.0 } else { EM + BESIDE };
        let measures = Measures { left, top, cell, gap };
        let [right, bottom] = measures.corner(rows.max(1) - 1, columns - 1);
        let (right, bottom) = (right + cell[0], bottom + cell[1]);

        let mut figure = Figure { title: self.title.clone(), background: colours.background, ..Figure::default() };
        figure.width = right + MARGIN;
        figure.height = bottom + MARGIN;
        for (row, sheet) in row_labels.iter().enumerate() {
            let middle = measures.corner(row, 0)[1] + cell[1] / 2.0;
            figure.formula(sheet, [MARGIN, middle + 0.3 * EM], colours.ink);
        }
        for (column, sheet) in column_labels.iter().enumerate() {
            let middle = measures.corner(0, column)[0] + cell[0] / 2.0;
            figure.anchored(sheet, [middle, top - BESIDE], Anchor::Middle, colours.ink);
        }
        figure.formula(&share, [MARGIN, top - BESIDE], colours.faint);
        for [parent, child, column] in &self.branches {
            figure.marks.extend(branch(&measures, *parent, *child, *column, &colours));
        }
        for (number, picture) in self.cells.iter().enumerate() {
            let Some(picture) = picture else { continue };
            let [x, y] = measures.corner(number / columns, number % columns);
            let (width, height) = (picture.width as f32 * by, picture.height as f32 * by);
            let at = Area { x: x + (cell[0] - width) / 2.0, y: y + (cell[1] - height) / 2.0, width, height };
            // A picture as light, or as dark, as the page needs an edge.
            let edge = Area { x: at.x - 0.5, y: at.y - 0.5, width: width + 1.0, height: height + 1.0 };
            figure.marks.push(Mark::Fill { at: edge, colour: colours.rule });
            figure.marks.push(Mark::Picture { picture: picture.clone(), at });
        }
        if look.labels && !(self.caption.is_empty() && self.place.is_empty()) {
            below(&mut figure, &set(&self.caption, SMALL), &set(&self.place, SMALL), left, &colours);
        }
        figure.width = figure.width.ceil();
        figure.height = figure.height.ceil();
        figure
    }
}

/// The caption and the place on one line below, or on two.
fn below(figure: &mut Figure, caption: &Sheet, place: &Sheet, left: f32, colours: &Colours) {
    let line = SMALL + 6.0;
    let first = if caption.width + left + MARGIN <= figure.width { left } else { MARGIN };
    figure.width = figure.width.max(caption.width + 2.0 * MARGIN).max(place.width + 2.0 * MARGIN);
    let is_one_line = first + caption.width + place.width + 3.0 * MARGIN <= figure.width;
    let mut baseline = figure.height + SMALL - 2.0;
    figure.formula(caption, [first, baseline], colours.faint);
    if !is_one_line && caption.width > 0.0 && place.width > 0.0 {
        baseline += line;
    }
    if is_one_line || place.width > 0.0 {
        figure.anchored(place, [figure.width - MARGIN, baseline], Anchor::End, colours.ink);
    }
    figure.height = baseline + 0.3 * SMALL + MARGIN;
}

/// The line from a row to one that leaves it before `column`: down between the columns, then into the first picture.
fn branch(measures: &Measures, parent: usize, child: usize, column: usize, colours: &Colours) -> [Mark; 1] {
    let half = [measures.cell[0] / 2.0, measures.cell[1] / 2.0];
    let [x, from] = measures.corner(parent, column);
    let [_, to] = measures.corner(child, column);
    let between = x - measures.gap[0] / 2.0;
    let points = vec![[between, from + half[1]], [between, to + half[1]], [x, to + half[1]]];
    // It begins at the edge of the picture before, where there is one.
    let start = if column > 0 { [between - measures.gap[0] / 2.0, from + half[1]] } else { points[0] };
    [Mark::Line { points: [vec![start], points].concat(), width: 1.5, colour: colours.faint, dashed: false }]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::raster;

    fn table(rows: &[&str], columns: &[&str], side: usize) -> Table {
        let cell = |i: usize| Some(Arc::new(Picture::filled(side, side, [(i * 7 % 200) as u8 + 50, 0, 0])));
        Table {
            title: "a grid".to_owned(),
            rows: rows.iter().map(|row| (*row).into()).collect(),
            columns: columns.iter().map(|column| (*column).into()).collect(),
            columns_share: "noise seed".to_owned(),
            cells: (0..rows.len() * columns.len()).map(cell).collect(),
            width: columns.len(),
            caption: "fashion, S = 10".to_owned(),
            place: "x_0".to_owned(),
            branches: Vec::new(),
        }
    }

    /// Whether something dark is in a part of a light page.
    fn has_ink(picture: &Picture, [left, top]: [usize; 2], [width, height]: [usize; 2]) -> bool {
        (top..top + height).any(|y| (left..left + width).any(|x| picture.pixels[y * picture.width + x].iter().all(|c| *c < 120)))
    }

    #[test]
    fn rows_and_columns_have_their_labels() {
        let table = table(&["η = 0", "η = 1"], &["noise seed 1", "noise seed 2", "noise seed 3"], 32);
        let figure = table.figure(Look::default());
        let picture = raster::picture(&figure, 1).expect("drawn");
        let is_red = |x: usize, y: usize| {
            let p = picture.pixels[y * picture.width + x];
            p[1] == 0 && p[2] == 0 && p[0] >= 50
        };
        let top = (0..picture.height).find(|y| (0..picture.width).any(|x| is_red(x, *y))).expect("a cell");
        let left = (0..picture.width).find(|x| is_red(*x, top)).expect("a cell");
        for row in 0..2 {
            assert!(has_ink(&picture, [0, top + row * 100], [left - 2, 96]), "row {row}");
        }
        for column in 0..3 {
            assert!(has_ink(&picture, [left + column * 100, 0], [96, top - 2]), "column {column}");
        }
        assert!(has_ink(&picture, [picture.width - 40, picture.height - 22], [38, 20]));
        // Every pixel of a picture is a square of one colour, at any scale.
        let large = raster::picture(&figure, 3).expect("drawn");
        assert_eq!((large.width, large.height), (3 * picture.width, 3 * picture.height));
        let at = |x: usize, y: usize| large.pixels[y * large.width + x];
        assert_eq!(at(3 * left, 3 * top), at(3 * (left + 96) - 1, 3 * (top + 96) - 1));
        // Without labels the pictures alone are left.
        let bare = table.figure(Look { labels: false, ..Look::default() });
        assert_eq!((bare.width, bare.height), (3.0 * 96.0 + 8.0 + 20.0, 2.0 * 96.0 + 4.0 + 20.0));
        assert!(!bare.marks.iter().any(|mark| matches!(mark, Mark::Text { .. })));
    }

    #[test]
    fn many_columns_are_numbered_and_have_room() {
        let columns: Vec<String> = (1..=16).map(|i| format!("seed of the noise {i}")).collect();
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        let figure = table(&["σ̂"], &columns, 256).figure(Look::default());
        assert!(figure.width > 16.0 * 256.0);
        let narrow = table(&["σ̂"], &columns, 32).figure(Look::default());
        assert!(narrow.marks.iter().any(|mark| matches!(mark, Mark::Text { glyphs, .. } if glyphs.text == "16")));
    }
}
