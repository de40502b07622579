//! A step: Eq. 12 with its numbers, the pictures of its terms, the curves of the run with the step marked.

use super::{
    Content, Saved,
    captions::caption,
    curves::curves,
    missing,
    step::{Step, Tile},
};
use crate::{
    app::{
        panels::explain::{
            Palette, Source, View, formula,
            symbols::{epsilon, x_at_s, x_at_t, x0, z},
            variance,
        },
        state::{State, command::Export, figure_request::Part, written::plain},
    },
    error::Result,
    figure::Role,
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
    let plots = || curves(&view, caption(run));
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
