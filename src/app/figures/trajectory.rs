//! A run step by step: its strip, its batch, its large pictures; beside a pinned run A, B and their difference.

use super::{
    Content, Saved,
    captions::{caption, caption_of_batch, step_label},
    curves::curves,
    missing,
};
use crate::{
    app::{
        panels::{explain::Source, film_strip},
        state::{State, command::Export, figure_request::Part, pinned::Pair, run_view::Shown},
    },
    error::{Error, Result},
    figure::{Label, Table},
    picture::{Picture, difference},
};
use std::sync::Arc;

/// Steps of a strip.
const COLUMNS: usize = 11;

/// Two pictures of one moment.
type Two = (Arc<Picture>, Arc<Picture>);

/// What is drawn of the panel.
pub(super) fn content(state: &State, part: Part) -> Result<(Saved<'_>, Content)> {
    let shown = state.shown().ok_or_else(missing)?;
    if part == Part::Curve {
        let source = Source::of(state).ok_or_else(missing)?;
        return Ok((Saved::new(state, shown.run, Export::Picture), Content::Plots(curves(&source.view(), caption(shown.run)))));
    }
    if let Some(pair) = state.pair() {
        return Ok((Saved::new(state, shown.run, Export::Picture), Content::Table(pinned(&pair, &shown, state.image(), part)?)));
    }
    let (run, image) = (shown.run, state.image());
    let title = format!("Trajectory, {}", caption(run));
    let (run, export, table) = match part {
        Part::Sheet => {
            let batch = state.shown_batch().ok_or_else(missing)?;
            let cells: Vec<_> = if batch.finished {
                batch.update.after.iter().cloned().map(Some).collect()
            } else {
                batch.update.records.iter().map(|record| Some(record.x0.clone())).collect()
            };
            let width = (cells.len() as f64).sqrt().ceil() as usize;
            let caption = caption_of_batch(batch.run);
            (batch.run, Export::Sheet, Table { title, cells, width, caption, place: place(&batch), ..Table::default() })
        }
        Part::Picture => {
            let (upper, predicted) = film_strip::pair(&shown, image).ok_or_else(missing)?;
            let (columns, cells) = if shown.finished {
                (vec!["x_0".into()], vec![Some(upper)])
            } else {
                (vec!["x_t".into(), "x̂0".into()], vec![Some(upper), Some(predicted)])
            };
            let (width, caption) = (cells.len(), caption(run));
            (run, Export::Picture, Table { title, columns, cells, width, caption, place: place(&shown), ..Table::default() })
        }
        _ => {
            let positions = film_strip::positions_up_to(run.steps(), COLUMNS);
            let of = |position: &usize| {
                let shown = run.at_position(*position)?;
                Some((step_label(run, *position), film_strip::pair(&shown, image)?))
            };
            let all: Vec<(Label, Two)> = positions.iter().filter_map(of).collect();
            if all.is_empty() {
                return Err(missing());
            }
            let table = Table {
                title,
                rows: vec!["x_t".into(), "x̂0".into()],
                columns: all.iter().map(|(label, _)| label.clone()).collect(),
                columns_share: "t".to_owned(),
                cells: all
                    .iter()
                    .map(|(_, pair)| Some(pair.0.clone()))
                    .chain(all.iter().map(|(_, pair)| Some(pair.1.clone())))
                    .collect(),
                width: all.len(),
                caption: caption(run),
                ..Table::default()
            };
            (run, Export::Strip, table)
        }
    };
    Ok((Saved::new(state, run, export), Content::Table(table)))
}

fn place(shown: &Shown<'_>) -> String {
    if shown.finished { "x_0".to_owned() } else { step_label(shown.run, shown.position()).text }
}

/// A and B at one moment.
fn both(pair: &Pair<'_>, b: &Shown<'_>, image: usize) -> Option<Two> {
    Some((pair.picture_of_a(&pair.beside(b)?)?, pair.picture(b, image)?))
}

/// A, B and their difference: in one row at the step shown, or in three rows over the steps.
fn pinned(pair: &Pair<'_>, shown: &Shown<'_>, image: usize, part: Part) -> Result<Table> {
    let positions =
        if part == Part::Strip { film_strip::positions_up_to(shown.run.steps(), COLUMNS) } else { vec![shown.position()] };
    let at = |position: &usize| Some((step_label(shown.run, *position), both(pair, &shown.run.at_position(*position)?, image)?));
    let all: Vec<_> = positions.iter().filter_map(at).collect();
    if all.is_empty() {
        return Err(Error::argument("save: expected both A and B, but A is still being computed; wait for it"));
    }
    // One for all, so that they can be compared; pictures of other sizes have no difference.
    let fits = all.iter().filter_map(|(_, (a, b))| Some(difference::Distance::between(a, b)?.factor())).min().unwrap_or(1);
    let factor = pair.pin.enlarged.unwrap_or(fits);
    let apart: Vec<_> = all.iter().map(|(_, (a, b))| difference::difference(a, b, factor).map(Arc::new)).collect();
    let names: [Label; 3] = ["A".into(), "B".into(), format!("difference × {factor}").into()];
    let of = |which: usize| -> Vec<Option<Arc<Picture>>> {
        match which {
            0 => all.iter().map(|(_, (a, _))| Some(a.clone())).collect(),
            1 => all.iter().map(|(_, (_, b))| Some(b.clone())).collect(),
            _ => apart.clone(),
        }
    };
    let cells = (0..3).flat_map(of).collect();
    let run = pair.run.map(caption).unwrap_or_default();
    let caption = format!("A: {run}; B: {}", caption(shown.run));
    let shows = if pair.pin.noisy { "x_t" } else { "x̂0" };
    let table = Table { title: "Two runs and their difference".to_owned(), cells, caption, ..Table::default() };
    Ok(if part == Part::Strip {
        let columns = all.iter().map(|(label, _)| label.clone()).collect();
        Table { rows: names.to_vec(), columns, columns_share: "t".to_owned(), width: all.len(), place: shows.to_owned(), ..table }
    } else {
        Table { columns: names.to_vec(), width: 3, place: place(shown), ..table }
    })
}
