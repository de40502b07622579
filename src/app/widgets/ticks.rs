//! Marks on a plot's axes as egui_plot takes them.

use crate::math::axis;
pub(crate) use crate::math::axis::round_step;
use egui_plot::GridMark;

/// A mark's number with as many decimals as distinguish it from the next; egui_plot's own format writes 0.15 at a step of 0.05 as
/// 0.2.
pub(crate) fn written(mark: GridMark) -> String {
    axis::written(mark.value, mark.step_size)
}
