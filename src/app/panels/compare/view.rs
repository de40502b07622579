//! What the Compare panel shows.

use crate::app::state::{run_view::RunView, view_settings::Axes};

/// What the panel shows.
pub struct View<'a> {
    /// The newest comparison, perhaps unfinished.
    pub run: Option<&'a RunView>,
    /// The previous one, whose pictures are shown dimmed where the new one has none yet.
    pub previous: Option<&'a RunView>,
    /// T of the model.
    pub train_timesteps: u32,
}

impl<'a> View<'a> {
    /// The previous run, if its grid has these axes.
    pub(super) fn older(&self, axes: Axes) -> Option<&'a RunView> {
        self.previous.filter(|run| run.controls.view.compare.axes == axes)
    }

    /// The newest run, if its grid has these axes.
    pub(super) fn newest(&self, axes: Axes) -> Option<&'a RunView> {
        self.run.filter(|run| run.controls.view.compare.axes == axes)
    }
}
