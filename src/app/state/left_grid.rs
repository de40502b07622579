//! The comparison that was left for the trajectory of one of its cells, so that one can go back to it.

use super::{
    controls::Controls,
    view_settings::{Tab, ViewSettings},
};

/// A comparison that was left for one of its cells.
#[derive(Clone, Debug, PartialEq)]
pub struct LeftGrid {
    /// Its controls.
    grid: Controls,
    /// Those of the cell.
    cell: Controls,
}

impl LeftGrid {
    /// The comparison of `grid` is left for the trajectory of `cell`.
    pub(crate) fn new(grid: &Controls, cell: &Controls) -> Self {
        Self { grid: grid.clone(), cell: cell.clone() }
    }

    /// The controls that bring it back. What no picture of it depends on (locks, the other panels) is as in `now`.
    pub(crate) fn grid(&self, now: &Controls) -> Controls {
        let ViewSettings { device, precision, image, compare, .. } = self.grid.view.clone();
        Controls {
            view: ViewSettings { device, precision, image, compare, tab: Tab::Compare, ..now.view.clone() },
            ..self.grid.clone()
        }
    }

    /// Whether `now` still makes the cell's picture: then the way to the panel Compare leads back to the comparison, and not to one that
    /// begins with the cell's own noise seed.
    pub(crate) fn is_unchanged(&self, now: &Controls) -> bool {
        let (view, of) = (&now.view, &self.cell.view);
        (&view.device, view.precision, view.image, &view.compare) == (&of.device, of.precision, of.image, &of.compare)
            && Controls { view: of.clone(), ..now.clone() } == self.cell
    }
}

#[cfg(test)]
mod tests {
    use super::{Controls, LeftGrid, Tab};
    use crate::app::state::run_requests::cell_controls;

    #[test]
    fn it_comes_back_with_the_locks_of_now() {
        let mut grid = Controls { noise_seed: 7, ..Controls::default() };
        (grid.view.tab, grid.view.compare.enlarged) = (Tab::Compare, Some([1, 2]));
        let cell = cell_controls(&grid, 1, 2).expect("a cell");
        let left = LeftGrid::new(&grid, &cell);
        assert!(left.is_unchanged(&cell) && !left.is_unchanged(&Controls { steps: 7, ..cell.clone() }));
        let (mut locked, mut other) = (cell.clone(), cell.clone());
        (locked.view.seed_locked, other.view.image) = (true, 3);
        assert!(left.is_unchanged(&locked) && !left.is_unchanged(&other));
        let back = left.grid(&locked);
        assert_eq!((back.noise_seed, back.view.tab, back.view.seed_locked, back.view.image), (7, Tab::Compare, true, 0));
    }
}
