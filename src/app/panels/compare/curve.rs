//! Mean spread against η.

use super::rows::Compared;
use crate::app::{
    state::written::plain,
    widgets::{still_plot::still_plot, ticks, tile},
};
use eframe::egui::{Color32, RichText, Ui, Vec2};
use egui_plot::{GridMark, HoverPosition, Line, MarkerShape, PlotPoints, Points};

/// Where σ̂, which is not an η, is drawn on the axis.
const SIGMA_HAT_AT: f64 = 1.2;
/// Two numbers of an axis are at least so many points apart: the plot leaves out all of them where they are nearer than 20.
const MIN_SPACING: f32 = 34.0;
/// What of the plot's height the numbers below it take.
const BELOW: f32 = 22.0;

/// Draws the curve into `size`.
pub(crate) fn curve_ui(ui: &mut Ui, compared: Option<&Compared<'_>>, size: Vec2) {
    let rows = compared.map_or(&[][..], |compared| &compared.rows);
    let mut points: Vec<[f64; 2]> = rows.iter().filter_map(|r| Some([r.eta?, r.spread.as_ref()?.mean])).collect();
    points.sort_by(|a, b| a[0].total_cmp(&b[0]));
    let sigma_hat = rows.iter().find(|r| r.eta.is_none()).and_then(|r| r.spread.as_ref()).map(|s| s.mean);
    let largest = points.iter().map(|p| p[1]).chain(sigma_hat).fold(0.0, f64::max);
    let title = match compared {
        None => "Mean against η, once every row began".to_owned(),
        Some(Compared { taken: 0, .. }) => "Mean against η, at x_T".to_owned(),
        Some(Compared { taken, total, .. }) if taken < total => format!("Mean against η, after step {taken}"),
        Some(_) => "Mean of the map against η".to_owned(),
    };
    ui.label(RichText::new(title).size(14.0));
    let colour = ui.visuals().hyperlink_color;
    let other = Color32::from_rgb(0xd9, 0x7a, 0x1e);
    let ticks: &[f64] = if size.x < 320.0 { &[0.0, 0.5, 1.0] } else { &[0.0, 0.25, 0.5, 0.75, 1.0] };
    let marks = move |_: egui_plot::GridInput| {
        let all = ticks.iter().copied().chain(sigma_hat.map(|_| SIGMA_HAT_AT));
        all.map(|value| GridMark { value, step_size: 0.5 }).collect()
    };
    let sigma_name = if size.x < 320.0 { "σ̂" } else { "σ̂ larger" };
    let height = size.y - 22.0;
    let top = (largest * 1.12).max(0.01);
    let step = y_step(top, height - BELOW);
    let hint = hint(&points, compared.is_some_and(|compared| compared.taken == 0));
    let plot = still_plot("compare curve", height)
        .width(size.x.max(80.0))
        .show_axes(true)
        .include_x(-0.03)
        .include_x(if sigma_hat.is_some() { SIGMA_HAT_AT + 0.12 } else { 1.03 })
        .include_y(0.0)
        .include_y(top)
        .x_grid_spacer(marks)
        .y_grid_spacer(move |input| {
            let marks = (0..=16).map(|i| GridMark { value: f64::from(i) * step, step_size: step });
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
    tile::named(shown.response, "mean spread against η", hint);
}

/// The step between the numbers of an axis from 0 to `top` that is `height` points long: round, and with at least one number beside 0.
fn y_step(top: f64, height: f32) -> f64 {
    let room = f64::from((height / MIN_SPACING).floor().max(1.0));
    let step = ticks::round_step(top / room);
    // A very low plot: half of it rather than none.
    if step <= top { step } else { ticks::round_step(top / 2.5).min(top) }
}

/// What the curve is, and what is so of this one.
fn hint(points: &[[f64; 2]], at_x_t: bool) -> String {
    let what = "How far the pictures of a row lie apart, on average over the pixels.";
    if at_x_t {
        return format!("{what} At x_T they do not: every picture starts from the same noise.");
    }
    let zero = points.first().is_some_and(|point| *point == [0.0, 0.0]);
    let zero = if zero { " At η = 0 they are the same, as no noise is added." } else { "" };
    let fall = points.windows(2).find(|pair| pair[1][1] < pair[0][1]);
    let course = match fall {
        Some([from, to]) => format!(
            " More noise does not take them further apart everywhere: from η = {} to {} the mean falls.",
            plain(from[0]),
            plain(to[0])
        ),
        _ if points.len() > 1 => " Here every bit of noise takes them further apart.".to_owned(),
        _ => String::new(),
    };
    format!("{what}{zero}{course}")
}

#[cfg(test)]
mod tests {
    use super::{hint, y_step};

    #[test]
    fn the_hint_says_what_the_curve_does() {
        let rising = hint(&[[0.0, 0.0], [0.5, 0.1], [1.0, 0.2]], false);
        assert!(rising.contains("At η = 0 they are the same") && rising.contains("every bit of noise"), "{rising}");
        let falling = hint(&[[0.0, 0.0], [0.5, 0.2], [1.0, 0.1]], false);
        assert!(falling.contains("from η = 0.5 to 1 the mean falls") && !falling.contains("every bit"), "{falling}");
        assert!(!hint(&[[0.2, 0.1]], false).contains("noise is added"));
        assert!(hint(&[[0.0, 0.0], [1.0, 0.0]], true).contains("At x_T"));
    }

    /// Two numbers nearer than 20 points are left out by the plot, and then all are.
    #[test]
    fn there_are_always_numbers() {
        for height in [60.0_f32, 90.0, 106.0, 128.0, 200.0, 338.0] {
            for largest in [1e-4, 0.0132, 0.0499, 0.05, 0.0501, 0.09, 0.1, 0.2, 0.21, 0.37, 0.49, 1.0, 1.7] {
                let top: f64 = largest * 1.12;
                let step = y_step(top, height);
                // The plot leaves a margin of a twentieth on both sides.
                assert!(step <= top && f64::from(height) * step / (1.1 * top) > 20.0, "{largest} in {height}: {step}");
            }
        }
    }
}
