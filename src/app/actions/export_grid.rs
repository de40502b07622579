//! Saving the comparison: its grid with the labels of rows and columns, as a picture or over its steps.

use super::export_content::{Content, MAX_FRAMES, missing, with_pictures};
use crate::{
    app::{
        figures::{grid_caption, grid_place_name, place_of},
        panels::{
            compare::{Shown, column_name},
            film_strip,
        },
        state::{
            State,
            command::Export,
            run_requests::{Purpose, compare_columns, compare_rows},
            run_view::RunView,
            view_settings::Axes,
        },
        widgets::lettering::{Beside, Lettering},
    },
    error::{Error, Result},
    picture::Picture,
};
use std::sync::Arc;

/// Cells are enlarged to about this many pixels per side.
const CELL: usize = 128;
/// An animation is no wider or higher than this, where that is possible.
const MAX_MOVING: usize = 1280;
/// A picture is no wider or higher than this: the largest texture every GPU shows.
const MAX_STILL: usize = 4096;
const GAP: usize = 6;
/// Height of the letters.
const LETTERS: f32 = 20.0;
/// As dark as the sheets of the other panels, and what is written on it.
const BACKGROUND: [u8; 3] = [34; 3];
const INK: [u8; 3] = [230; 3];
const FAINT: [u8; 3] = [160; 3];

/// A grid to be drawn: what is written around its cells, and their pictures at each of its places.
struct Grid {
    rows: Vec<String>,
    columns: Vec<String>,
    /// What the columns have in common, to be written once where they are narrow.
    what: &'static str,
    caption: String,
    /// For each place what it is called, and the cells row by row.
    frames: Vec<(String, Vec<Option<Arc<Picture>>>)>,
}

/// What is saved of the comparison.
///
/// # Errors
/// There is nothing yet, or the comparison has no such thing.
pub(super) fn grid(state: &State, export: Export) -> Result<(&RunView, Content)> {
    let run = with_pictures(state, Purpose::Compare)?;
    let last = run.stops.last();
    let places = match export {
        Export::Gif | Export::Apng => film_strip::positions_up_to(last, MAX_FRAMES),
        Export::Sheet => vec![run.stops.place(state.grid_playhead.position())],
        Export::Picture | Export::Strip => {
            return Err(Error::argument(
                "save: expected all pictures or an animation of the comparison, or a cell that is enlarged; choose one of them",
            ));
        }
    };
    let cells: Vec<[usize; 2]> = {
        let columns = compare_columns(&run.controls);
        (0..compare_rows(&run.controls).len()).flat_map(|row| (0..columns).map(move |column| [row, column])).collect()
    };
    let noisy = state.controls.view.compare.noisy;
    let mut frames = Vec::with_capacity(places.len());
    for place in places {
        let at = place as f64 / last.max(1) as f64;
        let there: Vec<_> = cells.iter().map(|cell| Shown::at(run, at, place_of(&run.controls, *cell))).collect();
        // Of an unfinished grid an animation ends where the slowest cell does; a picture has every cell as far as it is.
        if export.moves() && there.iter().any(Option::is_none) {
            break;
        }
        let pictures = there.into_iter().zip(&cells).map(|(shown, cell)| {
            let shown = shown.or_else(|| Shown::newest(run, place_of(&run.controls, *cell)))?;
            shown.picture(noisy).cloned()
        });
        frames.push((grid_place_name(run, place), pictures.collect()));
    }
    if frames.iter().all(|(_, pictures): &(_, Vec<Option<Arc<Picture>>>)| pictures.iter().all(Option::is_none)) {
        return Err(missing());
    }
    let by_seed = run.controls.view.compare.axes == Axes::EtaBySeed;
    let grid = Grid {
        // The word says which of the two variances it is.
        rows: compare_rows(&run.controls)
            .into_iter()
            .map(|(name, _)| if name == "σ̂" { format!("{name} larger") } else { name })
            .collect(),
        columns: (0..compare_columns(&run.controls)).map(|column| column_name(&run.controls, column)).collect(),
        what: if by_seed { "noise seed" } else { "τ" },
        caption: grid_caption(run, noisy),
        frames,
    };
    let content = match export {
        Export::Gif | Export::Apng => Content::Frames(Box::new(move || Box::new(drawn(grid, MAX_MOVING)))),
        _ => Content::Still(Box::new(move || drawn(grid, MAX_STILL).next().unwrap_or(Picture::filled(0, 0, BACKGROUND)))),
    };
    Ok((run, content))
}

/// Where the parts of a drawn grid are, in pixels.
struct Measures {
    /// Width of the labels at the left, and height of a line of text.
    label: usize,
    line: usize,
    /// A cell's size, and what its picture is enlarged by.
    cell: [usize; 2],
    scale: usize,
    /// Whether the columns are narrower than their names.
    is_narrow: bool,
    size: [usize; 2],
}

impl Measures {
    fn new(grid: &Grid, lettering: &mut Lettering, max_side: usize) -> Self {
        let pictures = || grid.frames.iter().flat_map(|(_, pictures)| pictures.iter().flatten());
        let [width, height] =
            [|p: &Picture| p.width, |p: &Picture| p.height].map(|of| pictures().map(|p| of(p)).max().unwrap_or(1).max(1));
        let names: Vec<&str> = grid.rows.iter().map(String::as_str).chain([grid.what]).collect();
        let label = names.into_iter().map(|name| lettering.width(name)).max().unwrap_or(0) + 2 * GAP;
        let line = lettering.height() + GAP;
        let (rows, columns) = (grid.rows.len().max(1), grid.columns.len().max(1));
        let size = |scale: usize| [label + columns * (width * scale + GAP) + GAP, 2 * line + rows * (height * scale + GAP) + GAP];
        let mut scale = (CELL / width.max(height)).max(1);
        while scale > 1 && size(scale).into_iter().any(|side| side > max_side) {
            scale -= 1;
        }
        let is_narrow = grid.columns.iter().any(|name| lettering.width(name) > width * scale);
        Self { label, line, cell: [width * scale, height * scale], scale, is_narrow, size: size(scale) }
    }

    fn corner(&self, row: usize, column: usize) -> [usize; 2] {
        [self.label + column * (self.cell[0] + GAP), self.line + GAP / 2 + row * (self.cell[1] + GAP)]
    }
}

/// The grid with its labels, place by place.
fn drawn(grid: Grid, max_side: usize) -> impl Iterator<Item = Picture> {
    let mut lettering = Lettering::new(LETTERS);
    let measures = Measures::new(&grid, &mut lettering, max_side);
    let mut empty = Picture::filled(measures.size[0], measures.size[1], BACKGROUND);
    for (column, name) in grid.columns.iter().enumerate() {
        let name = if measures.is_narrow { name.rsplit(' ').next().unwrap_or_default() } else { name };
        let at = [measures.corner(0, column)[0] + measures.cell[0] / 2, measures.line / 2];
        lettering.write(&mut empty, name, at, Beside::Middle, INK);
    }
    if measures.is_narrow {
        lettering.write(&mut empty, grid.what, [GAP, measures.line / 2], Beside::Right, FAINT);
    }
    for (row, name) in grid.rows.iter().enumerate() {
        let at = [GAP, measures.corner(row, 0)[1] + measures.cell[1] / 2];
        lettering.write(&mut empty, name, at, Beside::Right, INK);
    }
    let bottom = measures.size[1] - measures.line / 2;
    let right = measures.size[0] - GAP;
    let widest = grid.frames.iter().map(|(name, _)| lettering.width(name)).max().unwrap_or(0);
    // The caption where there is room for it beside the name of the place.
    if measures.label + lettering.width(&grid.caption) + widest + 4 * GAP < measures.size[0] {
        lettering.write(&mut empty, &grid.caption, [measures.label, bottom], Beside::Right, FAINT);
    }
    let columns = grid.columns.len().max(1);
    grid.frames.into_iter().map(move |(name, pictures)| {
        let mut frame = empty.clone();
        for (number, picture) in pictures.iter().enumerate() {
            let [left, top] = measures.corner(number / columns, number % columns);
            if let Some(picture) = picture {
                frame.paste(&picture.scaled(measures.scale), left, top);
            }
        }
        lettering.write(&mut frame, &name, [right, bottom], Beside::Left, INK);
        frame
    })
}

#[cfg(test)]
mod tests {
    use super::{Arc, BACKGROUND, Grid, Picture, drawn};

    fn grid(rows: &[&str], columns: &[&str], side: usize) -> Grid {
        let cell = |i: usize| Some(Arc::new(Picture::filled(side, side, [(i * 7 % 200) as u8 + 50, 0, 0])));
        let frame = |from: usize| (0..rows.len() * columns.len()).map(|i| cell(from + i)).collect();
        Grid {
            rows: rows.iter().map(|name| (*name).to_owned()).collect(),
            columns: columns.iter().map(|name| (*name).to_owned()).collect(),
            what: "noise seed",
            caption: "fashion, S = 10".to_owned(),
            frames: vec![("x_T".to_owned(), frame(0)), ("x_0".to_owned(), frame(1))],
        }
    }

    /// Whether something is written in a part of a picture.
    fn has_ink(picture: &Picture, [left, top]: [usize; 2], [width, height]: [usize; 2]) -> bool {
        (top..top + height).any(|y| (left..left + width).any(|x| picture.pixels[y * picture.width + x] != BACKGROUND))
    }

    #[test]
    fn rows_and_columns_have_their_labels_in_every_frame() {
        let frames: Vec<Picture> =
            drawn(grid(&["η = 0", "η = 1"], &["noise seed 1", "noise seed 2", "noise seed 3"], 32), 1280).collect();
        assert_eq!(frames.len(), 2);
        assert_ne!(frames[0], frames[1]);
        for frame in &frames {
            // A label left of each row, above each column, and the place at the bottom right.
            let red = |x: usize, y: usize| frame.pixels[y * frame.width + x][1] == 0;
            let first = (0..frame.height).find(|y| (0..frame.width).any(|x| red(x, *y))).expect("a cell");
            let left = (0..frame.width).find(|x| red(*x, first)).expect("a cell");
            for row in 0..2 {
                assert!(has_ink(frame, [0, first + row * 134], [left, 128]), "row {row}");
            }
            for column in 0..3 {
                assert!(has_ink(frame, [left + column * 134, 0], [128, first]), "column {column}");
            }
            assert!(has_ink(frame, [frame.width - 60, frame.height - 20], [55, 15]));
        }
    }

    #[test]
    fn narrow_columns_are_numbered_and_large_grids_stay_within_bounds() {
        let columns: Vec<String> = (1..=16).map(|i| format!("noise seed {i}")).collect();
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        let frame = drawn(grid(&["σ̂"], &columns, 32), 1280).next().expect("a frame");
        assert!(frame.width <= 1280 && frame.width > 16 * 64, "{}", frame.width);
        // One that cannot be smaller is as large as its pictures.
        let large = drawn(grid(&["σ̂"], &columns, 256), 1280).next().expect("a frame");
        assert!(large.width > 16 * 256);
    }
}
