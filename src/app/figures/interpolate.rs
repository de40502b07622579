//! The interpolation: its strips or its grid, the length of x_T along it, the large picture.

use super::{Content, Saved, missing, with_pictures};
use crate::{
    app::{
        panels::interpolate,
        state::{State, command::Export, figure_request::Part, run_requests::Purpose, run_view::RunView, written::plain},
    },
    error::{Error, Result},
    figure::{Axis, Label, Plot, Role, Series, Style, Table},
    picture::Picture,
    session::InterpolationMode,
};
use std::sync::Arc;

/// What is drawn of the panel.
pub(super) fn content(state: &State, part: Part) -> Result<(Saved<'_>, Content)> {
    if part == Part::Picture {
        let view = interpolate::View::new(&state.runs, 0.0);
        let (picture, run, position) = interpolate::large(&view, &state.controls).ok_or_else(missing)?;
        let [u, v] = position.map(plain);
        let of = &run.controls.view.interpolate;
        let place = if of.grid { format!("({u}, {v})") } else { format!("λ = {u}") };
        let caption = format!("{}, slerp at {place}", caption(run));
        let cells = vec![Some(Arc::new(picture.clone()))];
        let table = Table { title: "Between latents".to_owned(), cells, width: 1, caption, ..Table::default() };
        return Ok((Saved { position, ..Saved::new(state, run, Export::Picture) }, Content::Table(table)));
    }
    let run = with_pictures(state, Purpose::Between)?;
    let content = if part == Part::Curve { Content::Plots(vec![lengths(run)?]) } else { Content::Table(table(run)) };
    Ok((Saved::new(state, run, Export::Sheet), content))
}

/// The newest pictures of a group: the samples after the last step, before that the predicted x̂0.
fn newest(run: &RunView, group: usize) -> Vec<Option<Arc<Picture>>> {
    let Some(update) = run.groups.get(group).and_then(|g| g.latest.as_ref()) else { return Vec::new() };
    if update.index + 1 == update.total {
        update.after.iter().cloned().map(Some).collect()
    } else {
        update.records.iter().map(|record| Some(record.x0.clone())).collect()
    }
}

fn mode_name(mode: InterpolationMode) -> &'static str {
    match mode {
        InterpolationMode::Slerp => "slerp",
        InterpolationMode::Lerp => "lerp",
    }
}

fn caption(run: &RunView) -> String {
    let of = &run.controls.view.interpolate;
    let model = run.plan.as_ref().map_or("", |plan| &plan.model.name);
    let ends: Vec<String> = (0..of.ends()).map(|end| of.end_name(end)).collect();
    format!("{model}, S = {}, η = {}, between {}", run.steps(), plain(of.eta), ends.join(", "))
}

/// The strips, one per mode, with λ above; or the grid with a place beside each row and column.
fn table(run: &RunView) -> Table {
    let of = &run.controls.view.interpolate;
    let place = |i: u32, count: u32| plain(f64::from(i) / f64::from(count.max(2) - 1));
    let lambda = |value: String| Label { text: format!("λ = {value}"), short: value };
    let (rows, columns) = if of.grid {
        let places = |of: u32| (0..of).map(|i| place(i, of)).collect::<Vec<_>>();
        (places(of.side).into_iter().map(Label::from).collect(), places(of.side).into_iter().map(Label::from).collect())
    } else {
        let columns: Vec<Label> = (0..of.columns).map(|i| lambda(place(i, of.columns))).collect();
        (of.modes().iter().map(|mode| mode_name(*mode).into()).collect(), columns)
    };
    let width = columns.len();
    Table {
        title: "Between latents".to_owned(),
        rows,
        columns,
        columns_share: if of.grid { String::new() } else { "λ".to_owned() },
        cells: (0..run.groups.len()).flat_map(|group| newest(run, group)).collect(),
        width,
        caption: caption(run),
        ..Table::default()
    }
}

/// ‖x_T‖/√d along the strips.
fn lengths(run: &RunView) -> Result<Plot> {
    let of = &run.controls.view.interpolate;
    if of.grid {
        return Err(Error::argument("figure: expected a strip, whose curve is drawn, got a grid; choose the grid itself"));
    }
    let rms = &run.plan.as_ref().ok_or_else(missing)?.latent_rms;
    let roles = [Role::X0, Role::Direction];
    let series = of.modes().iter().zip(rms).zip(roles).map(|((mode, rms), role)| Series {
        name: mode_name(*mode).to_owned(),
        column: format!("|x_T|/sqrt(d), {} [1]", mode_name(*mode)),
        points: of.stops().into_iter().zip(rms).map(|(at, rms)| [at, *rms]).collect(),
        style: Style::LineAndDots,
        role,
    });
    Ok(Plot {
        title: "Length of x_T".to_owned(),
        x: Axis { label: "λ".to_owned(), column: "lambda [1]".to_owned(), range: Some([0.0, 1.0]), ..Axis::default() },
        y: Axis {
            label: "‖x_T‖/√d".to_owned(),
            column: "|x_T|/sqrt(d) [1]".to_owned(),
            range: Some([0.6, 1.1]),
            ..Axis::default()
        },
        series: series.collect(),
        horizontals: vec![1.0],
        caption: caption(run),
        ..Plot::default()
    })
}
