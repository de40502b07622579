//! A step: Eq. 12 with its numbers, the pictures of its terms, the curves of the run with the step marked.

use super::{
    Content, Saved, missing,
    step::{Step, Tile},
    trajectory::caption,
};
use crate::{
    app::{
        panels::explain::{
            Palette, Source, View, formula, larger, log_snr,
            symbols::{epsilon, x_at_s, x_at_t, x0, z},
            variance::{self, eq16},
        },
        state::{State, command::Export, figure_request::Part, written::plain},
    },
    error::Result,
    figure::{Axis, Plot, Role, Series, Style},
    math::number::product,
    picture::Picture,
    schedule::StepCoefficients,
};
use eframe::egui::Visuals;
use std::sync::Arc;

/// What is drawn of the panel.
pub(super) fn content(state: &State, part: Part, light: bool) -> Result<(Saved<'_>, Content)> {
    let source = Source::of(state).ok_or_else(missing)?;
    let run = source.shown.run;
    let view = source.view();
    let steps = &view.schedule.steps;
    let index = view.index.min(steps.len().saturating_sub(1));
    let step = steps.get(index).ok_or_else(missing)?;
    let plots = || curves(&view, step, caption(run));
    if part == Part::Curve {
        return Ok((Saved::new(state, run, Export::Picture), Content::Plots(plots())));
    }
    let palette = Palette::of(&if light { Visuals::light() } else { Visuals::dark() });
    let prediction = view.plan.model.scheduler.prediction_type;
    let noise = if view.sigma_hat { variance::name(view.schedule).to_owned() } else { format!("η = {}", plain(view.eta)) };
    let of = if view.sigma_hat { "DDPM's posterior" } else { "Eq. 12" };
    let explained = Step {
        title: format!("{of}, step {} of {}, t = {}, {noise}", index + 1, steps.len(), step.t),
        caption: caption(run),
        terms: formula::rule(step, prediction, view.sigma_hat, false, &palette),
        readings: formula::readings(step, prediction, view.sigma_hat, view.eta, &palette),
        pictures: if part == Part::Step { pictures(&view, step) } else { Vec::new() },
        plots: if part == Part::Step { plots() } else { Vec::new() },
    };
    Ok((Saved::new(state, run, Export::Picture), Content::Step(Box::new(explained))))
}

/// x_t and x̂0, and the terms whose sum is x_s.
fn pictures(view: &View<'_>, step: &StepCoefficients) -> Vec<Tile> {
    let (Some(record), Some(next)) = (view.record, view.next) else { return Vec::new() };
    let own = |picture: &Picture| Some(Arc::new(picture.clone()));
    let tile = |sign, picture, caption, role| Tile { sign, picture, caption, role };
    let mut tiles =
        vec![tile("", Some(record.x_t.clone()), x_at_t(step), Role::X), tile("→", Some(record.x0.clone()), x0(), Role::X0)];
    let Some(terms) = record.terms.as_deref() else { return tiles };
    let begin = tiles.len();
    let of = |picture: Option<&Picture>, factor: f64| if factor == 0.0 { None } else { picture.and_then(own) };
    if view.sigma_hat {
        tiles.push(tile("+", of(terms.x.as_ref(), step.next_from_x), product(step.next_from_x, x_at_t(step)), Role::X));
    }
    tiles.push(tile("+", of(Some(&terms.x0), step.next_from_x0), product(step.next_from_x0, x0()), Role::X0));
    if !view.sigma_hat {
        let picture = of(terms.direction.as_ref(), step.next_from_epsilon);
        tiles.push(tile("+", picture, product(step.next_from_epsilon, epsilon()), Role::Direction));
    }
    tiles.push(tile("+", of(terms.noise.as_ref(), step.sigma), product(step.sigma, z()), Role::Noise));
    tiles.push(tile("=", own(next), x_at_s(step), Role::X));
    // The sum is set apart from what the step saw.
    tiles[begin].sign = "";
    tiles
}

/// ᾱ, log-SNR, σ and lengths against t.
fn curves(view: &View<'_>, step: &StepCoefficients, caption: String) -> Vec<Plot> {
    let (steps, alpha_bar) = (&view.schedule.steps, &view.schedule.alpha_bar);
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
        verticals: vec![(f64::from(step.t), Role::Mark)],
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
