//! Where the grid's cells are: how many there are, how large, and which way round.

use super::view::View;
use crate::app::{
    state::{
        controls::Controls,
        run_requests::{compare_columns, compare_rows},
        view_settings::Axes,
    },
    widgets::tile,
};
use eframe::egui::{Rect, Vec2};

/// Width of the labels before a line of cells.
pub(super) const LABEL: f32 = 86.0;
/// Height of the labels above the cells.
pub(super) const HEADER: f32 = 22.0;
pub(super) const GAP: f32 = 5.0;
/// Height of the progress bar under a line of cells.
pub(super) const BAR: f32 = 9.0;
const MIN_SIDE: f32 = 44.0;
/// If there is too little height, pictures do not get smaller than this: the panel scrolls instead.
const COMFORTABLE: f32 = 72.0;
/// The grid lies on its side where that makes its pictures larger by this factor.
const WORTH_TURNING: f32 = 1.1;

/// The width of a picture at which `lines` of `across` of them fit into `room`, but not less than what can still be recognised: then
/// the grid scrolls. `aspect` is height over width.
pub(crate) fn cell_width(room: Vec2, lines: usize, across: usize, aspect: f32) -> f32 {
    let (lines, across) = (lines.max(1) as f32, across.max(1) as f32);
    let wide = (room.x - LABEL) / across - GAP;
    let high = ((room.y - HEADER) / lines - GAP - BAR) / aspect.max(0.01);
    wide.min(high.max(COMFORTABLE)).max(MIN_SIDE)
}

/// Which group and member of the run a cell is.
pub(super) fn place_of(controls: &Controls, [row, column]: [usize; 2]) -> (usize, usize) {
    match controls.view.compare.axes {
        Axes::EtaBySeed => (row, column),
        Axes::StepsBySpacing => (row * controls.view.compare.spacings.len() + column, 0),
    }
}

/// The group that a cell is in.
pub(crate) fn group_of(controls: &Controls, cell: [usize; 2]) -> usize {
    place_of(controls, cell).0
}

/// The name of a column.
pub(crate) fn column_name(controls: &Controls, column: usize) -> String {
    match controls.view.compare.axes {
        Axes::EtaBySeed => format!("noise seed {}", controls.noise_seed.wrapping_add(column as u64)),
        Axes::StepsBySpacing => format!("τ {}", controls.view.compare.spacings.get(column).map_or("", String::as_str)),
    }
}

/// The grid's rows and columns, and how it lies on screen.
pub(super) struct Layout {
    /// The names of its rows (η or S) and columns (seeds or τ).
    pub(super) rows: Vec<String>,
    pub(super) columns: Vec<String>,
    /// Whether its rows are shown from left to right, and its columns from the top down.
    pub(super) is_turned: bool,
    /// Height of a picture over its width.
    aspect: f32,
}

impl Layout {
    /// The grid of the newest run, or of the one that `draft` asks for; of S and τ the way round that suits `room`.
    pub(super) fn new(view: &View<'_>, draft: &Controls, room: Vec2) -> Self {
        let axes = draft.view.compare.axes;
        let run = view.newest(axes);
        let of = run.map_or(draft, |run| &run.controls);
        let rows: Vec<String> = compare_rows(of).into_iter().map(|(name, _)| name).collect();
        let columns: Vec<String> = (0..compare_columns(of)).map(|column| column_name(of, column)).collect();
        let aspect = tile::aspect(run.or(view.older(axes)).and_then(|run| run.plan.as_ref()));
        let [upright, turned] = [(rows.len(), columns.len()), (columns.len(), rows.len())]
            .map(|(lines, across)| cell_width(room, lines, across, aspect));
        let is_turned = axes == Axes::StepsBySpacing && turned >= WORTH_TURNING * upright;
        Self { rows, columns, is_turned, aspect }
    }

    /// Names of the lines from the top down.
    pub(super) fn lines(&self) -> &[String] {
        if self.is_turned { &self.columns } else { &self.rows }
    }

    /// Names of the cells of a line, from left to right.
    pub(super) fn across(&self) -> &[String] {
        if self.is_turned { &self.rows } else { &self.columns }
    }

    /// Row and column of the cell that is number `across` of line `line`.
    pub(super) fn cell(&self, line: usize, across: usize) -> [usize; 2] {
        if self.is_turned { [across, line] } else { [line, across] }
    }

    /// The size of a cell in `room`.
    pub(super) fn cell_size(&self, room: Vec2) -> Vec2 {
        let width = cell_width(room, self.lines().len(), self.across().len(), self.aspect);
        Vec2::new(width, width * self.aspect)
    }

    /// The size of the whole grid of cells of that size.
    pub(super) fn size(&self, cell: Vec2) -> Vec2 {
        let (lines, across) = (self.lines().len() as f32, self.across().len() as f32);
        Vec2::new(LABEL + across * (cell.x + GAP), HEADER + lines * (cell.y + GAP + BAR))
    }

    /// The name of a cell; `None` where there is no such cell.
    pub(super) fn name(&self, [row, column]: [usize; 2]) -> Option<String> {
        Some(format!("{}, {}", self.rows.get(row)?, self.columns.get(column)?))
    }

    /// The largest picture in the middle of `rect`.
    pub(super) fn fitted(&self, rect: Rect) -> Rect {
        let width = rect.width().min(rect.height() / self.aspect.max(0.01));
        Rect::from_center_size(rect.center(), Vec2::new(width, width * self.aspect))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(rows: usize, columns: usize, is_turned: bool) -> Layout {
        let names = |count: usize| (0..count).map(|i| i.to_string()).collect();
        Layout { rows: names(rows), columns: names(columns), is_turned, aspect: 1.0 }
    }

    #[test]
    fn pictures_fill_the_smaller_direction() {
        // Wide room: the height decides.
        let width = cell_width(Vec2::new(2000.0, 422.0), 4, 6, 1.0);
        assert!((width - (400.0 / 4.0 - GAP - BAR)).abs() < 1e-3, "{width}");
        // High room: the width decides.
        let width = cell_width(Vec2::new(686.0, 2000.0), 4, 6, 1.0);
        assert!((width - (100.0 - GAP)).abs() < 1e-3, "{width}");
        // Too small a room: pictures stay visible and the grid scrolls.
        assert_eq!(cell_width(Vec2::new(100.0, 100.0), 8, 16, 1.0), MIN_SIDE);
        assert_eq!(cell_width(Vec2::new(-5.0, 0.0), 0, 0, 1.0), MIN_SIDE);
    }

    #[test]
    fn a_grid_of_s_and_tau_lies_as_the_room_does() {
        let mut draft = Controls::default();
        draft.view.compare.axes = Axes::StepsBySpacing;
        let view = View { run: None, previous: None, train_timesteps: 1000 };
        let (wide, high) = (Vec2::new(960.0, 560.0), Vec2::new(500.0, 900.0));
        let turned = |draft: &Controls, room| Layout::new(&view, draft, room).is_turned;
        assert!(turned(&draft, wide) && !turned(&draft, high), "four S and three τ");
        let wide = Layout::new(&view, &draft, wide);
        assert_eq!((wide.lines().len(), wide.across().len()), (3, 4));
        assert_eq!(wide.name(wide.cell(2, 0)).as_deref(), Some("S = 5, τ trailing"));
        draft.view.compare.axes = Axes::EtaBySeed;
        assert!(!turned(&draft, Vec2::new(300.0, 900.0)), "seeds are read across");
    }

    #[test]
    fn a_grid_is_as_large_as_its_cells() {
        for layout in [layout(4, 6, false), layout(4, 3, true)] {
            let room = Vec2::new(800.0, 500.0);
            let size = layout.size(layout.cell_size(room));
            assert!((size.x - room.x).abs().min((size.y - room.y).abs()) < 0.01 && size.x <= 800.01 && size.y <= 500.01, "{size}");
        }
        assert!(layout(2, 2, false).name([2, 0]).is_none());
    }
}
