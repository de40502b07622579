//! The rows of a comparison by η, each with the spread of its pictures.

use crate::{
    app::{
        state::{run_requests::compare_rows, run_view::RunView},
        widgets::tile,
    },
    schedule::ScheduleRequest,
    session::Spread,
};

/// A row of the grid and its spread.
pub(crate) struct Row<'a> {
    /// η = …, or σ̂.
    pub(crate) name: String,
    /// η; `None` is σ̂.
    pub(crate) eta: Option<f64>,
    /// How its pictures differ, once it has taken a step.
    pub(crate) spread: Option<&'a Spread>,
    /// A number that changes whenever the map does.
    pub(crate) version: u64,
}

/// The rows of a run.
pub(crate) fn rows<'a>(run: &'a RunView) -> Vec<Row<'a>> {
    let of = |(i, (name, schedule)): (usize, (String, ScheduleRequest))| {
        let update = run.groups.get(i).and_then(|g| g.latest.as_deref());
        Row {
            name,
            eta: (!schedule.sigma_hat).then_some(schedule.eta),
            spread: update.and_then(|update| update.spread.as_ref()),
            version: tile::version((run.id, i, update.map(|update| update.index))),
        }
    };
    compare_rows(&run.controls).into_iter().enumerate().map(of).collect()
}
