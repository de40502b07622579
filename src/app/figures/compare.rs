//! The comparison: its grid, the spread of its rows against η, the enlarged cell.

use super::{Content, Saved, missing, with_pictures};
use crate::{
    app::{
        panels::compare::{Shown, View, column_name, compared, group_of, heat_map},
        state::{
            State,
            command::Export,
            controls::Controls,
            figure_request::Part,
            run_requests::{Purpose, cell_controls, compare_columns, compare_rows},
            run_view::RunView,
            view_settings::Axes,
        },
    },
    error::{Error, Result},
    figure::{Axis, Label, Plot, Role, Series, Style, Table},
    picture::Picture,
};
use std::sync::Arc;

/// Where σ̂, which is not an η, is drawn on the axis.
const SIGMA_HAT_AT: f64 = 1.2;

/// What is drawn of the panel.
pub(super) fn content(state: &State, part: Part) -> Result<(Saved<'_>, Content)> {
    let run = with_pictures(state, Purpose::Compare)?;
    let at = state.grid_playhead.position();
    match part {
        Part::Curve => Ok((Saved::new(state, run, Export::Sheet), Content::Plots(vec![curve(&view(state), run, at)?]))),
        Part::Maps => Ok((Saved::new(state, run, Export::Sheet), Content::Table(maps(&view(state), run, at)?))),
        Part::Picture => cell(state),
        _ => Ok((Saved::new(state, run, Export::Sheet), Content::Table(grid(run, at, state.controls.view.compare.noisy)?))),
    }
}

fn view(state: &State) -> View<'_> {
    View {
        run: state.runs.current(Purpose::Compare),
        previous: state.runs.previous(Purpose::Compare),
        train_timesteps: state.train_timesteps(),
    }
}

/// There are no rows of η.
fn no_rows() -> Error {
    Error::argument("figure: expected rows of η, whose spread is drawn, got a grid of S and τ; choose the grid")
}

/// Standard deviation over the noise seeds at each pixel, one map per row and one scale for all, which is beside them.
fn maps(view: &View<'_>, run: &RunView, at: f64) -> Result<Table> {
    let compared = compared(view, at).filter(|_| run.controls.view.compare.axes == Axes::EtaBySeed).ok_or_else(no_rows)?;
    let spreads = || compared.rows.iter().filter_map(|row| Some((row, row.spread.as_ref()?)));
    let largest = spreads().flat_map(|(_, spread)| &spread.map).fold(0.0_f32, |a, b| a.max(*b));
    let width = run.plan.as_ref().map_or(1, |plan| plan.size.1 as usize);
    let cells: Vec<_> = spreads().map(|(_, spread)| Some(Arc::new(heat_map(&spread.map, width, f64::from(largest))))).collect();
    if cells.is_empty() {
        return Err(missing());
    }
    let label = |name: &str, mean: f64| Label { text: format!("{name}, mean {mean:.3}"), short: name.to_owned() };
    Ok(Table {
        title: "Spread over noise seeds".to_owned(),
        columns: spreads().map(|(row, spread)| label(&row.name, spread.mean)).collect(),
        width: cells.len(),
        cells,
        caption: format!("{}, standard deviation over {} noise seeds", common(run), run.controls.view.compare.seeds),
        place: format!("black 0, pale yellow {largest:.2}; pixels span −1 to 1"),
        ..Table::default()
    })
}

/// The grid at `at`, from 0 (x_T) to 1 (the samples); where a cell has not come there, as far as it is.
pub(crate) fn grid(run: &RunView, at: f64, noisy: bool) -> Result<Table> {
    let (rows, columns) = (compare_rows(&run.controls), compare_columns(&run.controls));
    let cell = |row: usize, column: usize| {
        let place = place_of(&run.controls, [row, column]);
        Shown::at(run, at, place).or_else(|| Shown::newest(run, place))?.picture(noisy).cloned()
    };
    let cells: Vec<_> =
        (0..rows.len()).flat_map(|row| (0..columns).map(move |column| (row, column))).map(|(r, c)| cell(r, c)).collect();
    if cells.iter().all(Option::is_none) {
        return Err(missing());
    }
    let by_seed = run.controls.view.compare.axes == Axes::EtaBySeed;
    // The word says which of the two variances it is.
    let name = |name: String| if name == "σ̂" { "σ̂ (larger)".to_owned() } else { name };
    Ok(Table {
        title: "Comparison".to_owned(),
        rows: rows.into_iter().map(|(of, _)| name(of).into()).collect(),
        columns: (0..columns).map(|column| column_name(&run.controls, column).into()).collect(),
        columns_share: if by_seed { "noise seed" } else { "τ" }.to_owned(),
        cells,
        width: columns,
        caption: if at < 1.0 { caption(run, noisy) } else { common(run) },
        place: place_name(run, run.stops.place(at)),
        branches: Vec::new(),
    })
}

/// Group and member of a cell.
pub(crate) fn place_of(controls: &Controls, cell: [usize; 2]) -> (usize, usize) {
    let member = if controls.view.compare.axes == Axes::EtaBySeed { cell[1] } else { 0 };
    (group_of(controls, cell), member)
}

/// What a place of the scrubber is called.
pub(crate) fn place_name(run: &RunView, place: usize) -> String {
    match run.stops.timestep(place) {
        _ if place == 0 => "x_T".to_owned(),
        Some(t) => format!("t = {t}"),
        None => "x_0".to_owned(),
    }
}

/// What all cells have in common, with what they show.
pub(crate) fn caption(run: &RunView, noisy: bool) -> String {
    format!("{}, {}", common(run), if noisy { "x_t" } else { "x̂0" })
}

/// What all cells have in common.
fn common(run: &RunView) -> String {
    let controls = &run.controls;
    let model = run.plan.as_ref().map_or("", |plan| &plan.model.name);
    let from = controls.latent_text();
    match controls.view.compare.axes {
        Axes::EtaBySeed => format!("{model}, S = {}, {from}", controls.step_count()),
        Axes::StepsBySpacing => format!("{model}, {}, {from}", controls.noise_text()),
    }
}

/// The mean spread of each row against its η.
fn curve(view: &View<'_>, run: &RunView, at: f64) -> Result<Plot> {
    let compared = compared(view, at).filter(|_| run.controls.view.compare.axes == Axes::EtaBySeed).ok_or_else(no_rows)?;
    let mean = |row: &crate::app::panels::compare::Row<'_>| row.spread.as_ref().map(|spread| spread.mean);
    let mut points: Vec<[f64; 2]> = compared.rows.iter().filter_map(|row| Some([row.eta?, mean(row)?])).collect();
    points.sort_by(|a, b| a[0].total_cmp(&b[0]));
    let sigma_hat = compared.rows.iter().find(|row| row.eta.is_none()).and_then(mean);
    let mut marks: Vec<(f64, String)> = [0.0, 0.25, 0.5, 0.75, 1.0].map(|eta| (eta, eta.to_string())).to_vec();
    let unit = "standard deviation over noise seeds, mean over pixels [-1 to 1]";
    let mut series = vec![Series { column: unit.to_owned(), points, style: Style::LineAndDots, ..Series::default() }];
    if let Some(mean) = sigma_hat {
        marks.push((SIGMA_HAT_AT, "σ̂".to_owned()));
        let points = vec![[SIGMA_HAT_AT, mean]];
        let column = format!("the same of sigma-hat (drawn at {SIGMA_HAT_AT})");
        series.push(Series { column, points, style: Style::Diamonds, role: Role::Direction, ..Series::default() });
    }
    let after = if compared.taken < compared.total {
        format!(", after step {} of {}", compared.taken, compared.total)
    } else {
        String::new()
    };
    Ok(Plot {
        title: "Spread of the pictures over noise seeds".to_owned(),
        x: Axis { label: "η".to_owned(), column: "eta [1]".to_owned(), range: Some([-0.02, 1.02]), marks, ..Axis::default() },
        y: Axis { label: "mean over pixels".to_owned(), column: unit.to_owned(), range: Some([0.0, 0.01]), ..Axis::default() },
        series,
        caption: format!("{}, {} noise seeds{after}", common(run), run.controls.view.compare.seeds),
        ..Plot::default()
    })
}

/// The enlarged cell: the controls that make it, its run and its picture as it is shown.
///
/// # Errors
/// None is enlarged, or it has no picture yet.
pub(crate) fn enlarged_cell(state: &State) -> Result<(Controls, &RunView, Arc<Picture>)> {
    let none =
        || Error::argument("save: expected a cell of the comparison to be enlarged, got none; click one, or save the whole grid");
    let compare = &state.controls.view.compare;
    let cell = compare.enlarged.ok_or_else(none)?;
    let run = with_pictures(state, Purpose::Compare)?;
    let controls = cell_controls(&run.controls, cell[0], cell[1]).ok_or_else(none)?;
    let place = place_of(&run.controls, cell);
    let shown = Shown::at(run, state.grid_playhead.position(), place).or_else(|| Shown::newest(run, place)).ok_or_else(missing)?;
    Ok((controls, run, shown.picture(compare.noisy).ok_or_else(missing)?.clone()))
}

/// The enlarged cell on a page.
fn cell(state: &State) -> Result<(Saved<'_>, Content)> {
    let (controls, run, picture) = enlarged_cell(state)?;
    let compare = &state.controls.view.compare;
    let [row, column] = compare.enlarged.unwrap_or_default();
    let row = compare_rows(&run.controls).into_iter().nth(row).map(|(name, _)| name).unwrap_or_default();
    let table = Table {
        title: "A cell of the comparison".to_owned(),
        cells: vec![Some(picture)],
        width: 1,
        caption: format!("{row}, {}, {}", column_name(&run.controls, column), caption(run, compare.noisy)),
        ..Table::default()
    };
    Ok((Saved { cell: Some(controls), ..Saved::new(state, run, Export::Picture) }, Content::Table(table)))
}
