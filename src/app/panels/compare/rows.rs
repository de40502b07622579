//! The rows of a comparison by η, each with the spread of its pictures.

use super::{shown::Shown, view::View};
use crate::{
    app::{
        state::{run_requests::compare_rows, run_view::RunView, view_settings::Axes},
        widgets::tile,
    },
    session::Spread,
};
use std::borrow::Cow;

/// A row of the grid and its spread.
pub(crate) struct Row<'a> {
    /// η = …, or σ̂.
    pub(crate) name: String,
    /// η; `None` is σ̂.
    pub(crate) eta: Option<f64>,
    /// How its pictures differ, once it has taken a step.
    pub(crate) spread: Option<Cow<'a, Spread>>,
    /// A number that changes whenever the map does.
    pub(crate) version: u64,
    /// Whether it is from the run before.
    pub(crate) is_old: bool,
}

/// The rows as the grid shows them at `place`, from 0 (x_T) to 1 (the finished samples).
pub(crate) fn rows<'a>(view: &View<'a>, place: f64) -> Vec<Row<'a>> {
    let (run, older) = (view.newest(Axes::EtaBySeed).filter(|run| run.plan.is_some()), view.older(Axes::EtaBySeed));
    let Some(first) = run.or(older) else { return Vec::new() };
    let number = compare_rows(&first.controls).len();
    (0..number).filter_map(|row| row_of(first, row, Shown::choose(run, older, place, (row, 0)))).collect()
}

/// Row number `row`, of which `shown` is to be seen; where nothing is, of `run`.
fn row_of<'a>(run: &'a RunView, row: usize, shown: Option<Shown<'a>>) -> Option<Row<'a>> {
    let run = shown.map_or(run, |shown| shown.run);
    let (name, schedule) = compare_rows(&run.controls).into_iter().nth(row)?;
    Some(Row {
        name,
        eta: (!schedule.sigma_hat).then_some(schedule.eta),
        spread: shown.and_then(|shown| spread_of(&shown)),
        version: tile::version((run.id, row, shown.map(|shown| shown.taken))),
        is_old: shown.is_some_and(|shown| shown.is_old),
    })
}

/// How the members of a group differ after the steps taken.
fn spread_of<'a>(shown: &Shown<'a>) -> Option<Cow<'a, Spread>> {
    if shown.taken > 0 {
        return shown.update.spread.as_ref().map(Cow::Borrowed);
    }
    // All of a row begin with the same x_T.
    let pixels = shown.picture(false).map_or(1, |picture| picture.pixels.len());
    Some(Cow::Owned(Spread { map: vec![0.0; pixels], mean: 0.0 }))
}

/// The rows of one run, all after the same number of steps, so that they can be compared.
pub(crate) struct Compared<'a> {
    /// The rows.
    pub(crate) rows: Vec<Row<'a>>,
    /// After how many steps, and how many there are.
    pub(crate) taken: usize,
    pub(crate) total: usize,
}

/// The rows at `place` where the newest run has come there with all of them, else those of the run before, else the newest as far as the
/// slowest row has come. `None` before every row has taken a step.
pub(crate) fn compared<'a>(view: &View<'a>, place: f64) -> Option<Compared<'a>> {
    let (run, older) = (view.newest(Axes::EtaBySeed), view.older(Axes::EtaBySeed));
    let there = run.and_then(|run| all_at(run, place)).or_else(|| older.and_then(|run| all_at(run, place)));
    there.or_else(|| run.and_then(all_newest)).or_else(|| older.and_then(all_newest))
}

fn all_at(run: &RunView, place: f64) -> Option<Compared<'_>> {
    after(run, run.stops.place(place))
}

fn all_newest(run: &RunView) -> Option<Compared<'_>> {
    let taken = |row: usize| run.groups.get(row)?.latest.as_ref().map(|update| update.index + 1);
    let slowest = (0..run.groups.len()).map(taken).min()??;
    after(run, slowest)
}

fn after(run: &RunView, taken: usize) -> Option<Compared<'_>> {
    let shown = |row: usize| {
        let (taken, update) = run.after_steps(row, taken)?;
        Some(Shown { run, is_old: false, at: (row, 0), taken, update })
    };
    let shown: Vec<Shown<'_>> = (0..run.groups.len()).map(shown).collect::<Option<_>>()?;
    let (taken, total) = shown.first().map(|shown| (shown.taken, shown.total()))?;
    // Where steps were left out one row may have its newest and another only one before.
    let is_same = shown.iter().all(|shown| shown.taken == taken);
    let rows = || shown.iter().enumerate().filter_map(|(row, shown)| row_of(run, row, Some(*shown))).collect();
    is_same.then(|| Compared { rows: rows(), taken, total })
}
