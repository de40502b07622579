//! Mean spread against η.

use super::rows::Row;
use crate::app::state::written::plain;
use crate::app::widgets::{ticks, tile};
use eframe::egui::{Color32, RichText, Ui, Vec2};
use egui_plot::{GridMark, HoverPosition, Line, MarkerShape, Plot, PlotPoints, Points};

/// Where σ̂, which is not an η, is drawn on the axis.
const SIGMA_HAT_AT: f64 = 1.2;

/// Draws the curve into `size`.
pub(crate) fn curve_ui(ui: &mut Ui, rows: &[Row<'_>], size: Vec2) {
    let mut points: Vec<[f64; 2]> = rows.iter().filter_map(|r| Some([r.eta?, r.spread?.mean])).collect();
    points.sort_by(|a, b| a[0].total_cmp(&b[0]));
    let sigma_hat = rows.iter().find(|r| r.eta.is_none()).and_then(|r| r.spread).map(|s| s.mean);
    let largest = points.iter().map(|p| p[1]).chain(sigma_hat).fold(0.0, f64::max);
    ui.label(RichText::new("Mean of the map against η").size(14.0));
    let colour = ui.visuals().hyperlink_color;
    let other = Color32::from_rgb(0xd9, 0x7a, 0x1e);
    let ticks: &[f64] = if size.x < 320.0 { &[0.0, 0.5, 1.0] } else { &[0.0, 0.25, 0.5, 0.75, 1.0] };
    let marks = move |_: egui_plot::GridInput| {
        let all = ticks.iter().copied().chain(sigma_hat.map(|_| SIGMA_HAT_AT));
        all.map(|value| GridMark { value, step_size: 0.5 }).collect()
    };
    let sigma_name = if size.x < 320.0 { "σ̂" } else { "σ̂ larger" };
    let plot = Plot::new("compare curve")
        .height(size.y - 22.0)
        .width(size.x.max(80.0))
        .show_axes(true)
        .allow_drag(false)
        .allow_zoom(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .include_x(-0.03)
        .include_x(if sigma_hat.is_some() { SIGMA_HAT_AT + 0.12 } else { 1.03 })
        .include_y(0.0)
        .include_y((largest * 1.12).max(0.01))
        .x_grid_spacer(marks)
        .y_grid_spacer(move |input| {
            let step = ticks::round_step(largest.max(0.01) / 5.0);
            let marks = (0..=8).map(|i| GridMark { value: f64::from(i) * step, step_size: step });
            marks.filter(|mark| mark.value <= input.bounds.1).collect()
        })
        .x_axis_formatter(move |mark, _| match mark.value {
            v if v > 1.1 => sigma_name.to_owned(),
            0.0 => "η = 0".to_owned(),
            v => format!("{v}"),
        })
        .y_axis_formatter(|mark, _| ticks::written(mark))
        .y_axis_min_width(36.0)
        .label_formatter(|at| match at {
            HoverPosition::NearDataPoint { position, .. } if position.x > 1.1 => Some(format!("σ̂\nmean {:.4}", position.y)),
            HoverPosition::NearDataPoint { position, .. } => Some(format!("η = {}\nmean {:.4}", plain(position.x), position.y)),
            HoverPosition::Elsewhere { .. } => None,
        });
    let shown = plot.show(ui, |plot| {
        plot.line(Line::new("", PlotPoints::from(points.clone())).color(colour).width(2.5).allow_hover(false));
        plot.points(Points::new("mean", PlotPoints::from(points)).color(colour).radius(5.0));
        if let Some(mean) = sigma_hat {
            let mark = Points::new("σ̂", PlotPoints::from(vec![[SIGMA_HAT_AT, mean]]));
            plot.points(mark.color(other).radius(7.0).shape(MarkerShape::Diamond));
        }
    });
    tile::named(
        shown.response,
        "mean spread against η",
        "How far the pictures of a row lie apart, on average over the pixels: 0 where η = 0, and more with every bit of noise",
    );
}
