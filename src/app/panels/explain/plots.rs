//! The noise schedule as plots: ᾱ_t and log-SNR against t, with τ as ticks and the current step marked; and what all plots share.

use super::{colours::Palette, view::View};
use crate::{
    app::widgets::{hint::Hint, still_plot::still_plot, ticks},
    math::{axis, number::plain},
    schedule::StepCoefficients,
};
use eframe::egui::{Color32, Mesh, Rangef, Rect, Response, RichText, Role, Sense, Shape, Ui, WidgetInfo, pos2, vec2};
use egui_plot::{
    GridInput, GridMark, HoverPosition, Line, LineStyle, MarkerShape, Plot, PlotPoint, PlotPoints, PlotTransform, PlotUi, Points,
    VLine,
};

/// A curve over all T timesteps is drawn through at most this many.
const CURVE: usize = 240;
/// Width of the numbers beside a plot, and what the strip of τ leaves free on either side.
const Y_AXIS: f32 = 34.0;
const AXIS_MARGIN: f32 = 10.0;

/// A plot whose grid and ticks are the panel's; it can be clicked on.
pub(super) fn still<'a>(name: &str, (width, height): (f32, f32), palette: &Palette) -> Plot<'a> {
    let across = f64::from((width / 70.0).clamp(1.5, 8.0));
    still_plot(name, height)
        .sense(Sense::click())
        .grid_spacing(Rangef::new(8.0, 20.0))
        .x_grid_spacer(move |input| marks(&input, across, 1.0))
        .y_grid_spacer(|input| marks(&input, 4.0, 0.0))
        .x_axis_formatter(|mark, _| ticks::written(mark))
        .y_axis_formatter(|mark, _| ticks::written(mark))
        .grid_color(palette.faint.gamma_multiply(0.35))
        .y_axis_min_width(Y_AXIS)
}

/// Grid lines at about this many round numbers, at least `min_step` apart, as there is no half step and no half t.
fn marks(input: &GridInput, about: f64, min_step: f64) -> Vec<GridMark> {
    let (values, step) = axis::marks(input.bounds.0, input.bounds.1, about, min_step);
    values.into_iter().map(|value| GridMark { value, step_size: step }).collect()
}

/// A plot's name and, in their colours, the names of its lines.
pub(super) fn title_ui(ui: &mut Ui, title: &str, hover: &str, legend: &[(&str, Color32)]) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 10.0;
        ui.label(RichText::new(title).strong().size(15.0)).hint(hover);
        for (text, colour) in legend {
            let text = text.to_owned();
            ui.label(RichText::new(text).color(*colour).size(14.0));
        }
    });
}

/// Gives a plot its accessible name.
pub(super) fn name(response: &Response, text: &str) {
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, text));
}

/// Adds the axis of timesteps: 0 … T−1, which begin and end where the strip of τ above has them.
pub(super) fn along_t<'a>(plot: Plot<'a>, width: f32, view: &View<'_>) -> Plot<'a> {
    let last = view.schedule.alpha_bar.len().saturating_sub(1).max(1) as f64;
    // The strip leaves a margin on both sides.
    let inside = f64::from((width - 2.0 * AXIS_MARGIN).max(1.0));
    let margin = f64::from(AXIS_MARGIN) / inside * last;
    plot.include_x(-margin).include_x(last + margin).set_margin_fraction(vec2(0.0, 0.06)).x_axis_label("t")
}

/// From the left to the right edge of a plot's frame.
pub(super) fn frame(transform: &PlotTransform) -> Rangef {
    transform.frame().x_range()
}

/// The position of the pointer in the plot.
pub(super) fn over(position: &HoverPosition<'_>) -> PlotPoint {
    match position {
        HoverPosition::NearDataPoint { position, .. } | HoverPosition::Elsewhere { position } => *position,
    }
}

/// A curve in a colour.
pub(super) fn curve<'a>(points: Vec<[f64; 2]>, colour: Color32, width: f32) -> Line<'a> {
    Line::new("", PlotPoints::from(points)).color(colour).width(width).allow_hover(false)
}

/// The current step, as a line from top to bottom.
pub(super) fn mark(plot: &mut PlotUi<'_>, x: f64, palette: &Palette) {
    plot.vline(VLine::new("", x).color(palette.mark).width(1.5).style(LineStyle::Solid).allow_hover(false));
}

/// ln(ᾱ/(1 − ᾱ)).
pub(crate) fn log_snr(alpha_bar: f64) -> f64 {
    (alpha_bar / (1.0 - alpha_bar)).ln()
}

/// ᾱ_t against t.
pub(super) fn alpha_ui(
    ui: &mut Ui,
    view: &View<'_>,
    step: &StepCoefficients,
    height: f32,
    palette: &Palette,
    hover: &str,
) -> Rangef {
    title_ui(ui, "Signal ᾱ", hover, &[("ᾱ of t", palette.x0), ("this step", palette.mark)]);
    level_plot(ui, view, step, height, palette, "ᾱ", "Plot of ᾱ against the timestep t", |alpha_bar| alpha_bar)
}

/// log-SNR against t.
pub(super) fn snr_ui(ui: &mut Ui, view: &View<'_>, step: &StepCoefficients, height: f32, palette: &Palette, hover: &str) -> Rangef {
    title_ui(ui, "log-SNR", hover, &[("ln ᾱ/(1−ᾱ) of t", palette.x0), ("this step", palette.mark)]);
    level_plot(ui, view, step, height, palette, "log-SNR", "Plot of log-SNR against the timestep t", log_snr)
}

fn level_plot(
    ui: &mut Ui,
    view: &View<'_>,
    step: &StepCoefficients,
    height: f32,
    palette: &Palette,
    what: &'static str,
    title: &str,
    of: fn(f64) -> f64,
) -> Rangef {
    let alpha_bar = &view.schedule.alpha_bar;
    let last = alpha_bar.len().saturating_sub(1);
    let at = |t: usize| [t as f64, of(alpha_bar[t])];
    let count = alpha_bar.len().min(CURVE);
    // The first and the last timestep are always among them.
    let shown = (0..count).map(|i| if count > 1 { i * last / (count - 1) } else { 0 });
    let points: Vec<[f64; 2]> = shown.filter(|t| *t <= last).map(at).filter(|p| p[1].is_finite()).collect();
    let ends: Vec<[f64; 2]> =
        [Some(step.t), step.previous].into_iter().flatten().map(|t| at(t as usize)).filter(|p| p[1].is_finite()).collect();
    let (t, s, colours) = (f64::from(step.t), step.previous, *palette);
    let dark = ui.visuals().extreme_bg_color;
    let width = ui.available_width();
    let plot = along_t(still(title, (width, height), palette), width - Y_AXIS, view)
        .label_formatter(move |position| {
            let t = over(position).x.round().clamp(0.0, last as f64) as usize;
            alpha_bar.get(t).map(|value| format!("t = {t}\n{what} = {}", plain(of(*value))))
        })
        .show(ui, move |plot| {
            if let Some(s) = s {
                let faint = colours.mark.gamma_multiply(0.5);
                plot.vline(
                    VLine::new("", f64::from(s)).color(faint).width(1.0).style(LineStyle::dashed_dense()).allow_hover(false),
                );
            }
            mark(plot, t, &colours);
            plot.line(curve(points, colours.x0, 2.5));
            let dots = |points, colour, radius| {
                Points::new("", PlotPoints::from(points)).shape(MarkerShape::Circle).color(colour).radius(radius).allow_hover(false)
            };
            plot.points(dots(ends.clone(), colours.mark, 5.0));
            plot.points(dots(ends.into_iter().skip(1).collect::<Vec<_>>(), dark, 3.0));
        });
    let rect = *plot.transform.frame();
    let tau: Vec<u32> = view.schedule.steps.iter().map(|step| step.t).collect();
    ticks(ui, &plot.transform, rect, &tau, palette);
    name(&plot.response, title);
    frame(&plot.transform)
}

/// τ along the bottom of a plot.
fn ticks(ui: &Ui, transform: &PlotTransform, rect: Rect, tau: &[u32], palette: &Palette) {
    let mut mesh = Mesh::default();
    let mut bar = |left: f32, right: f32, colour| {
        mesh.add_colored_rect(Rect::from_min_max(pos2(left, rect.bottom() - 7.0), pos2(right, rect.bottom())), colour);
    };
    let x = |t: u32| transform.position_from_point(&PlotPoint::new(f64::from(t), 0.0)).x;
    if let (Some(first), Some(last)) = (tau.first(), tau.last())
        && (x(*first) - x(*last)).abs() < 3.0 * tau.len() as f32
    {
        // So many ticks would only look like stripes.
        bar(x(*last), x(*first), palette.x0.gamma_multiply(0.6));
    } else {
        tau.iter().for_each(|&t| bar(x(t) - 0.75, x(t) + 0.75, palette.x0));
    }
    ui.painter().with_clip_rect(rect.intersect(ui.clip_rect())).add(Shape::mesh(mesh));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_lie_on_round_numbers() {
        let values: Vec<f64> =
            marks(&GridInput { bounds: (-50.0, 1050.0), base_step_size: 1.0 }, 5.6, 1.0).iter().map(|m| m.value).collect();
        assert_eq!(values, [0.0, 200.0, 400.0, 600.0, 800.0, 1000.0]);
        let one: Vec<f64> =
            marks(&GridInput { bounds: (0.4, 1.6), base_step_size: 0.1 }, 5.6, 1.0).iter().map(|m| m.value).collect();
        assert_eq!(one, [1.0]);
        assert!(marks(&GridInput { bounds: (1.0, 1.0), base_step_size: 1.0 }, 5.0, 0.0).is_empty());
    }

    #[test]
    fn as_much_signal_as_noise_is_zero() {
        assert_eq!(log_snr(0.5), 0.0);
        assert!((log_snr(0.9) - 9.0_f64.ln()).abs() < 1e-12);
        assert!(log_snr(1.0).is_infinite() && log_snr(0.0).is_infinite());
    }
}
