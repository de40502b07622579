//! What the Interpolate panel shows.

use crate::app::state::{run_requests::Purpose, run_view::RunView, runs::Runs};

/// What the panel shows.
pub struct View<'a> {
    /// The strip or grid.
    pub between: Option<&'a RunView>,
    /// The one before.
    pub previous: Option<&'a RunView>,
    /// The picture at the controls' position.
    pub point: Option<&'a RunView>,
    /// The one before.
    pub point_previous: Option<&'a RunView>,
    /// The same in few steps, while something moves.
    pub draft: Option<&'a RunView>,
    /// egui's time, in seconds.
    pub time: f64,
}

impl<'a> View<'a> {
    /// Of all runs at `time`.
    pub fn new(runs: &'a Runs, time: f64) -> Self {
        Self {
            between: runs.current(Purpose::Between),
            previous: runs.previous(Purpose::Between),
            point: runs.current(Purpose::Focus),
            point_previous: runs.previous(Purpose::Focus),
            draft: runs.draft(),
            time,
        }
    }
}
