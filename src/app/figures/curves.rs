//! The curves of a run along t: its schedule, its noise, the lengths of what it went through.

use crate::{
    app::{
        panels::explain::{
            View, larger, log_snr,
            variance::{self, eq16},
        },
        state::written::plain,
    },
    figure::{Axis, Plot, Role, Series, Style},
    schedule::StepCoefficients,
};

/// ᾱ, log-SNR, σ and lengths against t.
pub(super) fn curves(view: &View<'_>, caption: String) -> Vec<Plot> {
    let (steps, alpha_bar) = (&view.schedule.steps, &view.schedule.alpha_bar);
    let shown = steps.get(view.index.min(steps.len().saturating_sub(1)));
    let last = alpha_bar.len().saturating_sub(1).max(1) as f64;
    let finite = |points: Vec<[f64; 2]>| points.into_iter().filter(|p| p[1].is_finite()).collect::<Vec<_>>();
    let level = |of: fn(f64) -> f64| finite(alpha_bar.iter().enumerate().map(|(t, value)| [t as f64, of(*value)]).collect());
    let by_step = |values: Vec<f64>| finite(steps.iter().zip(values).map(|(step, y)| [f64::from(step.t), y]).collect());
    let rms = |of: fn(&crate::session::Rms) -> Option<f64>| {
        by_step(view.rms.iter().map(|rms| rms.as_ref().and_then(of).unwrap_or(f64::NAN)).collect())
    };
    let plot = |title: &str, y: &str, series: Vec<Series>| Plot {
        title: title.to_owned(),
        x: Axis {
            label: "t".to_owned(),
            column: "t [timestep]".to_owned(),
            range: Some([0.0, last]),
            min_step: 1.0,
            ..Axis::default()
        },
        y: Axis { label: y.to_owned(), ..Axis::default() },
        series,
        verticals: shown.map(|step| (f64::from(step.t), Role::Mark)).into_iter().collect(),
        ticks: steps.iter().map(|step| f64::from(step.t)).collect(),
        ..Plot::default()
    };
    let line = |name: &str, column: &str, points, role| Series {
        name: name.to_owned(),
        column: column.to_owned(),
        points,
        role,
        ..Series::default()
    };
    let dots = |series: Series| Series { style: if steps.len() <= 60 { Style::LineAndDots } else { Style::Line }, ..series };
    let own = if view.sigma_hat { variance::name(view.schedule).to_owned() } else { format!("this run, η = {}", plain(view.eta)) };
    let sigma = |of: &dyn Fn(&StepCoefficients) -> f64| by_step(steps.iter().map(of).collect());
    let hat = Series { style: Style::Dashed, ..line("σ̂", "sigma-hat [1]", sigma(&larger), Role::Faint) };
    let mut lengths = plot(
        "Lengths",
        "‖·‖/√d",
        vec![
            dots(line("x̂0", "|x0|/sqrt(d) [1]", rms(|rms| Some(rms.x0)), Role::X0)),
            dots(line("ε", "|epsilon|/sqrt(d) [1]", rms(|rms| rms.epsilon), Role::Direction)),
            dots(line("x_t", "|x_t|/sqrt(d) [1]", rms(|rms| Some(rms.x)), Role::X)),
        ],
    );
    lengths.horizontals = vec![1.0];
    lengths.y.range = Some([0.0, 1.1]);
    lengths.caption = caption;
    let mut noise = plot(
        "Noise per step",
        "σ",
        vec![
            line("η = 1", "sigma at eta = 1 [1]", sigma(&|step| eq16(step, 1.0)), Role::Ink),
            hat,
            dots(line(&own, "sigma of this run [1]", sigma(&|step| step.sigma), Role::Noise)),
        ],
    );
    noise.y.range = Some([0.0, 0.1]);
    vec![
        plot("Signal", "ᾱ", vec![line("", "alpha_bar [1]", level(|value| value), Role::X0)]),
        plot("log-SNR", "ln ᾱ/(1 − ᾱ)", vec![line("", "log-SNR [nat]", level(log_snr), Role::X0)]),
        noise,
        lengths,
    ]
}
