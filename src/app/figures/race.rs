//! The race: both pictures at its end, or at moments of it.

use super::{Content, Saved, missing};
use crate::{
    app::{
        panels::race::{captions, seconds_text},
        state::{State, command::Export, figure_request::Part, run_requests::Purpose, run_view::RunView},
        widgets::tile,
    },
    error::Result,
    figure::{Label, Table},
    picture::Picture,
};
use std::sync::Arc;

/// Moments of a strip.
const COLUMNS: usize = 11;

/// What is drawn of the panel.
pub(super) fn content(state: &State, part: Part) -> Result<(Saved<'_>, Content)> {
    let run = state.runs.current(Purpose::Race).filter(|run| run.growth.first(0).is_some()).ok_or_else(missing)?;
    let noisy = state.controls.view.race.noisy;
    let end = run.growth.total();
    let of = &run.controls;
    let model = run.plan.as_ref().map_or("", |plan| &plan.model.name);
    let shows = if noisy { "x_t" } else { "x̂0" };
    let caption = format!("{model}, {}, image {}, {shows} by equal time of the device", of.latent_text(), of.image_number());
    let names = captions(run, &run.growth, end);
    let title = "Two samplers by equal time".to_owned();
    let table = if part == Part::Strip {
        let times: Vec<f64> = (0..COLUMNS).map(|i| end * i as f64 / (COLUMNS - 1) as f64).collect();
        let columns = times.iter().map(|at| Label::from(seconds_text(*at))).collect();
        let cells = [0, 1].iter().flat_map(|side| times.iter().map(move |at| picture(run, *side, *at, noisy))).collect();
        let rows = names.map(Label::from).to_vec();
        Table { title, rows, columns, cells, width: COLUMNS, caption, ..Table::default() }
    } else {
        let cells = [0, 1].map(|side| picture(run, side, end, noisy)).to_vec();
        Table {
            title,
            columns: names.map(|name| Label { short: name.clone(), text: name }).to_vec(),
            cells,
            width: 2,
            caption,
            ..Table::default()
        }
    };
    Ok((Saved::new(state, run, Export::Sheet), Content::Table(table)))
}

/// A side's picture when so many seconds have passed.
fn picture(run: &RunView, side: usize, at: f64, noisy: bool) -> Option<Arc<Picture>> {
    match run.growth.at(side, at) {
        Some(moment) => tile::of_update(&moment.update, 0, noisy).map(|picture| Arc::new(picture.clone())),
        // x_T, which both begin with.
        None => run.growth.first(side).and_then(|first| first.update.records.first()).map(|record| record.x_t.clone()),
    }
}
