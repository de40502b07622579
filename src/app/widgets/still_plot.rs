//! A plot that stays where it is.

use egui_plot::Plot;

/// A plot of this height that can neither be moved nor zoomed: the wheel scrolls the page.
pub(crate) fn still_plot<'a>(name: &str, height: f32) -> Plot<'a> {
    Plot::new(name.to_owned())
        .height(height)
        .allow_zoom(false)
        .allow_scroll(false)
        .allow_drag(false)
        .allow_boxed_zoom(false)
        .allow_axis_zoom_drag(false)
        .allow_double_click_reset(false)
}
