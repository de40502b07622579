//! The tree: its rows over the steps with the lines of its branches, its ends, and how far branches come apart.

use super::{Content, Saved, captions::caption, missing};
use crate::{
    app::{
        panels::{film_strip, fork},
        state::{State, command::Export, controls::Controls, figure_request::Part, run_view::RunView, written::plain},
    },
    error::{Error, Result},
    figure::{Axis, Label, Plot, Role, Series, Style, Table},
    picture::distance,
    schedule::Fork,
};

/// Steps of a tree.
const COLUMNS: usize = 11;

/// What is drawn of the panel.
pub(super) fn content(state: &State, part: Part) -> Result<(Saved<'_>, Content)> {
    let view = fork::View::new(&state.runs);
    let tree = &state.controls.view.fork;
    let names: Vec<Option<&[Fork]>> =
        std::iter::once(None).chain(tree.branches.iter().map(|forks| Some(forks.as_slice()))).collect();
    if part == Part::Picture {
        let number = tree.chosen.map_or(0, |branch| branch + 1);
        let chosen = names.get(number).copied().flatten();
        let (row, end) = view.rows(chosen).find_map(|row| Some((row, row.end()?.clone()))).ok_or_else(missing)?;
        let caption = format!("{}, {}", row_name(&state.controls, number), caption(row.run));
        let table = Table { title: "A branch".to_owned(), cells: vec![Some(end)], width: 1, caption, ..Table::default() };
        return Ok((Saved::new(state, row.run, Export::Picture), Content::Table(table)));
    }
    // All of one run, so that they belong together.
    let whole = |run: &RunView| names.iter().all(|forks| view.rows(*forks).any(|row| row.run.id == run.id && row.end().is_some()));
    let run = view.rows(None).map(|row| row.run).find(|run| whole(run)).ok_or_else(missing)?;
    let rows: Vec<_> = names.iter().filter_map(|forks| view.rows(*forks).find(|row| row.run.id == run.id)).collect();
    let labels: Vec<Label> = (0..rows.len()).map(|number| label(&state.controls, number)).collect();
    let title = "A run and its branches".to_owned();
    let content = match part {
        Part::Curve => Content::Plots(vec![curve(state, &view, run, &rows)?]),
        Part::Sheet => {
            let cells: Vec<_> = rows.iter().map(|row| row.end().cloned()).collect();
            let width = (cells.len() as f64).sqrt().ceil() as usize;
            // Labels stand above columns alone: a single row has them all.
            let (width, columns) = if cells.len() <= 5 { (cells.len(), labels) } else { (width, Vec::new()) };
            Content::Table(Table {
                title,
                columns,
                cells,
                width,
                caption: caption(run),
                place: "x_0".to_owned(),
                ..Table::default()
            })
        }
        _ => {
            let stem = rows.first().ok_or_else(missing)?;
            let steps = &stem.schedule.steps;
            let times: Vec<Option<u32>> =
                film_strip::positions_up_to(steps.len(), COLUMNS).into_iter().map(|at| steps.get(at).map(|step| step.t)).collect();
            // Before its fork a branch is the row that it leaves.
            let begins = |number: usize, t: Option<u32>| {
                number == 0 || t.is_none_or(|t| names[number].is_none_or(|forks| forks.iter().all(|fork| t <= fork.t)))
            };
            let cells = rows.iter().enumerate().flat_map(|(number, row)| {
                times.iter().map(move |t| row.at(*t, tree.noisy).filter(|_| begins(number, *t)).map(|(_, picture)| picture.clone()))
            });
            let branches = (1..rows.len()).filter_map(|number| {
                let column = times.iter().position(|t| begins(number, *t))?;
                Some([tree.parent(number - 1).0.map_or(0, |parent| parent + 1), number, column])
            });
            let columns = times.iter().map(|t| match t {
                Some(t) => Label { text: format!("t = {t}"), short: t.to_string() },
                None => "x_0".into(),
            });
            Content::Table(Table {
                title,
                rows: labels,
                columns: columns.collect(),
                columns_share: "t".to_owned(),
                cells: cells.collect(),
                width: times.len(),
                caption: caption(run),
                place: if tree.noisy { "x_t" } else { "x̂0" }.to_owned(),
                branches: branches.collect(),
            })
        }
    };
    let export = if part == Part::Sheet { Export::Sheet } else { Export::Strip };
    Ok((Saved::new(state, run, export), content))
}

/// What a row has of its own: where it leaves, its noise seed, η and steps.
fn row_name(controls: &Controls, number: usize) -> String {
    let Some(fork) = number.checked_sub(1).and_then(|branch| controls.view.fork.branches.get(branch)?.last()) else {
        return format!("stem, noise seed {}", controls.noise_seed);
    };
    let seed = fork.noise_seed.map(|seed| format!("noise seed {seed}"));
    let eta = fork.eta.map(|eta| format!("η = {}", plain(eta)));
    let steps = fork.steps.map(|steps| format!("{steps} steps"));
    let own: Vec<String> = [seed, eta, steps].into_iter().flatten().collect();
    format!("from t = {}: {}", fork.t, own.join(", "))
}

fn label(controls: &Controls, number: usize) -> Label {
    let short = if number == 0 { "stem".to_owned() } else { number.to_string() };
    Label { text: row_name(controls, number), short }
}

/// How far branches come apart, by the timestep at which they leave, with this tree's own.
fn curve(state: &State, view: &fork::View<'_>, run: &RunView, rows: &[fork::Row<'_>]) -> Result<Plot> {
    let points = view.measured();
    let own = rows
        .iter()
        .skip(1)
        .zip(&state.controls.view.fork.branches)
        .filter_map(|(row, forks)| Some([f64::from(forks.first()?.t), distance::rms(row.end()?, rows.first()?.end()?)]));
    let own: Vec<[f64; 2]> = own.collect();
    if points.is_empty() && own.is_empty() {
        return Err(Error::argument(
            "figure: expected branches or a measurement, got none; branch off, or choose \"measure this\"",
        ));
    }
    let unit = "RMS distance of the ends, pixels in [0, 1]";
    let high = rows.first().and_then(|row| row.schedule.steps.first()).map_or(1000.0, |step| f64::from(step.t));
    let series =
        |name: &str, points, style, role| Series { name: name.to_owned(), column: format!("{unit}: {name}"), points, style, role };
    let all = [
        series("several noise seeds from one step", points, Style::LineAndDots, Role::X0),
        series("branch and stem", own, Style::Diamonds, Role::Direction),
    ];
    Ok(Plot {
        title: "When the picture is decided".to_owned(),
        x: Axis {
            label: "timestep t of the fork".to_owned(),
            column: "t [timestep]".to_owned(),
            range: Some([0.0, high]),
            is_reversed: true,
            min_step: 1.0,
            ..Axis::default()
        },
        y: Axis {
            label: "RMS distance of the ends".to_owned(),
            column: unit.to_owned(),
            range: Some([0.0, 0.05]),
            ..Axis::default()
        },
        series: all.into_iter().filter(|series| !series.points.is_empty()).collect(),
        caption: caption(run),
        ..Plot::default()
    })
}
