//! The run as plots: σ of each step, and how long x, x̂0 and ε are from step to step. A click looks at a step.

use super::{
    colours::Palette,
    plots::{along_t, curve, frame, mark, name, over, still, title_ui},
    variance::{self, beta, eq16},
    view::View,
};
use crate::{
    app::state::{command::Command, written},
    math::number::plain,
    schedule::StepCoefficients,
    session::Rms,
};
use eframe::egui::{Color32, CursorIcon, Rangef, Ui};
use egui_plot::{HLine, LineStyle, MarkerShape, Plot, PlotPoints, PlotResponse, Points};

/// With at most this many steps, each has a dot.
const DOTS: usize = 60;

/// σ̂, the larger of the two: √(1 − ᾱ_t/ᾱ_s).
pub(crate) fn larger(step: &StepCoefficients) -> f64 {
    beta(step).sqrt()
}

/// The step whose timestep is nearest to a position on the axis.
fn nearest_step(t: f64, steps: &[StepCoefficients]) -> usize {
    let apart = |step: &StepCoefficients| (f64::from(step.t) - t).abs();
    let nearest = steps.iter().enumerate().min_by(|a, b| apart(a.1).total_cmp(&apart(b.1)));
    nearest.map_or(0, |(index, _)| index)
}

/// A value for each step, at its timestep.
fn series(steps: &[StepCoefficients], values: impl Iterator<Item = f64>) -> Vec<[f64; 2]> {
    steps.iter().zip(values).map(|(step, y)| [f64::from(step.t), y]).filter(|p| p[1].is_finite()).collect()
}

/// A plot over all steps of the run.
fn over_steps<'a>(title: &str, (width, height): (f32, f32), view: &View<'_>, palette: &Palette) -> Plot<'a> {
    along_t(still(title, (width, height), palette), width - 34.0, view).include_y(0.0)
}

/// The timestep of the step that is explained.
fn timestep_shown(view: &View<'_>) -> f64 {
    let steps = &view.schedule.steps;
    steps.get(view.index.min(steps.len().saturating_sub(1))).map_or(0.0, |step| f64::from(step.t))
}

/// A line, with dots if there is room for them.
fn dotted(plot: &mut egui_plot::PlotUi<'_>, points: Vec<[f64; 2]>, colour: Color32, dots: bool) {
    if dots {
        let dots = Points::new("", PlotPoints::from(points.clone()));
        plot.points(dots.shape(MarkerShape::Circle).radius(3.0).color(colour).allow_hover(false));
    }
    plot.line(curve(points, colour, 2.0));
}

/// The step that was clicked.
fn clicked(plot: &PlotResponse<()>, steps: &[StepCoefficients]) -> Option<Command> {
    let pointer = plot.response.interact_pointer_pos().filter(|_| plot.response.clicked())?;
    Some(Command::Look(nearest_step(plot.transform.value_from_position(pointer).x, steps)))
}

/// σ of each step, with σ̂ and σ at η = 1 for comparison.
pub(super) fn sigma_ui(ui: &mut Ui, view: &View<'_>, height: f32, palette: &Palette, hover: &str) -> (Rangef, Option<Command>) {
    let (steps, count) = (&view.schedule.steps, view.schedule.steps.len());
    let own = if view.sigma_hat {
        format!("this run ({})", variance::name(view.schedule))
    } else {
        format!("σ at η = {}", written::plain(view.eta))
    };
    title_ui(ui, "Noise per step", hover, &[(&own, palette.noise), ("– – σ̂", palette.faint), ("— η = 1", palette.text)]);
    let (ours, hat, at_one) = (
        series(steps, steps.iter().map(|s| s.sigma)),
        series(steps, steps.iter().map(larger)),
        series(steps, steps.iter().map(|s| eq16(s, 1.0))),
    );
    let (colours, at) = (*palette, timestep_shown(view));
    let title = "Plot of σ against the timestep t";
    let plot = over_steps(title, (ui.available_width(), height), view, palette)
        .include_y(0.1)
        .label_formatter(move |position| {
            let index = nearest_step(over(position).x, steps);
            let step = steps.get(index)?;
            let [own, hat, at_one] = [step.sigma, larger(step), eq16(step, 1.0)].map(plain);
            let values = format!("σ = {own}\nσ̂ = {hat}\nσ at η = 1: {at_one}");
            Some(format!("step {}, t = {}\n{values}\nClick to look at it.", index + 1, step.t))
        })
        .show(ui, move |plot| {
            mark(plot, at, &colours);
            plot.line(curve(at_one, colours.text, 1.0));
            plot.line(curve(hat, colours.faint, 1.5).style(LineStyle::dashed_loose()));
            dotted(plot, ours, colours.noise, count <= DOTS);
        });
    name(&plot.response, title);
    if plot.response.hovered() {
        ui.set_cursor_icon(CursorIcon::PointingHand);
    }
    (frame(&plot.transform), clicked(&plot, steps))
}

/// ‖x_t‖, ‖x̂0‖ and ‖ε‖ over √d of each step, as far as the run has come.
pub(super) fn lengths_ui(ui: &mut Ui, view: &View<'_>, height: f32, palette: &Palette, hover: &str) -> (Rangef, Option<Command>) {
    let (rms, count) = (view.rms, view.schedule.steps.len());
    title_ui(ui, "Lengths ‖·‖ / √d", hover, &[("x_t", palette.x), ("x̂0", palette.x0), ("ε (expected: 1)", palette.direction)]);
    let steps = &view.schedule.steps;
    let of = |value: fn(&Rms) -> f64| series(steps, rms.iter().map(|r| r.as_ref().map_or(f64::NAN, value)));
    let (x, x0, epsilon) = (of(|r| r.x), of(|r| r.x0), of(|r| r.epsilon.unwrap_or(f64::NAN)));
    let (colours, at) = (*palette, timestep_shown(view));
    let title = "Plot of the lengths of x, x̂0 and ε against the timestep t";
    let plot = over_steps(title, (ui.available_width(), height), view, palette)
        .include_y(1.1)
        .label_formatter(move |position| {
            let index = nearest_step(over(position).x, steps);
            let (t, of) = (steps.get(index)?.t, rms.get(index).copied().flatten());
            let values = of.map_or("not here yet".to_owned(), |of| {
                format!(
                    "‖x_t‖/√d = {}\n‖x̂0‖/√d = {}\n‖ε‖/√d = {}",
                    plain(of.x),
                    plain(of.x0),
                    plain(of.epsilon.unwrap_or(f64::NAN))
                )
            });
            Some(format!("step {}, t = {t}\n{values}\nClick to look at it.", index + 1))
        })
        .show(ui, move |plot| {
            plot.hline(HLine::new("", 1.0).color(colours.direction.gamma_multiply(0.5)).width(1.0).allow_hover(false));
            mark(plot, at, &colours);
            let dots = count <= DOTS;
            dotted(plot, x0, colours.x0, dots);
            dotted(plot, epsilon, colours.direction, dots);
            dotted(plot, x, colours.x, dots);
        });
    name(&plot.response, title);
    if plot.response.hovered() {
        ui.set_cursor_icon(CursorIcon::PointingHand);
    }
    (frame(&plot.transform), clicked(&plot, steps))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::{Schedule, ScheduleRequest, SchedulerConfig};

    /// The curves for comparison are the sampler's own numbers.
    #[test]
    fn sigmas_are_the_schedules() {
        let config = SchedulerConfig::default();
        let schedule = |eta, sigma_hat| {
            Schedule::new(&config, &ScheduleRequest { steps: 13, eta, sigma_hat, ..ScheduleRequest::default() })
                .expect("a schedule")
        };
        for eta in [0.0, 0.3, 1.0] {
            for step in &schedule(eta, false).steps {
                assert!((eq16(step, eta) - step.sigma).abs() < 1e-15, "{eta} {step:?}");
            }
        }
        let hat = schedule(0.0, true).steps;
        let (last, others) = hat.split_last().expect("steps");
        assert!(others.iter().all(|step| larger(step) == step.sigma));
        assert!(last.sigma == 0.0 && larger(last) > 0.0);
    }

    #[test]
    fn a_click_means_the_nearest_step() {
        let request = ScheduleRequest { steps: 10, ..ScheduleRequest::default() };
        let steps = Schedule::new(&SchedulerConfig::default(), &request).expect("a schedule").steps;
        assert_eq!([1e9, 900.0, 851.0, 849.0, 30.0, -5.0].map(|t| nearest_step(t, &steps)), [0, 0, 0, 1, 9, 9]);
        assert_eq!(nearest_step(5.0, &[]), 0);
    }
}
