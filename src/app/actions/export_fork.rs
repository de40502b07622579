//! What is saved of the Fork panel: the chosen row's end, all ends, or the tree, as it stands or as it grows.

use super::export_content::{Content, Frame, MAX_FRAMES, enlarged, missing};
use crate::{
    app::{
        panels::{film_strip, fork},
        state::{State, command::Export, run_view::RunView},
    },
    error::Result,
    figure::caption,
    picture::{Picture, sheet},
    schedule::Fork,
};

/// Columns of a saved tree.
const COLUMNS: usize = 11;

/// The run that is saved, and what of it.
pub(super) fn forked(state: &State, export: Export) -> Result<(&RunView, Content)> {
    let view = fork::View::new(&state.runs);
    let tree = &state.controls.view.fork;
    let names: Vec<Option<&[Fork]>> =
        std::iter::once(None).chain(tree.branches.iter().map(|forks| Some(forks.as_slice()))).collect();
    if export == Export::Picture {
        let chosen = names.get(tree.chosen.map_or(0, |branch| branch + 1)).copied().flatten();
        let (row, end) = view.rows(chosen).find_map(|row| Some((row, row.end()?.clone()))).ok_or_else(missing)?;
        return Ok((row.run, Content::Still(Box::new(move || enlarged(&end)))));
    }
    // All of one run, so that they belong together.
    let whole = |run: &RunView| names.iter().all(|forks| view.rows(*forks).any(|row| row.run.id == run.id && row.end().is_some()));
    let run = view.rows(None).map(|row| row.run).find(|run| whole(run)).ok_or_else(missing)?;
    let rows: Vec<_> = names.iter().filter_map(|forks| view.rows(*forks).find(|row| row.run.id == run.id)).collect();
    if export == Export::Sheet {
        let ends: Vec<Picture> = rows.iter().filter_map(|row| row.end()).map(|end| (**end).clone()).collect();
        return Ok((run, Content::Still(Box::new(move || sheet::contact_sheet(&ends, None, None)))));
    }
    let stem = rows.first().ok_or_else(missing)?;
    let steps = &stem.schedule.steps;
    let count = if export.moves() { MAX_FRAMES } else { COLUMNS };
    let positions = film_strip::positions_up_to(steps.len(), count);
    let times = positions.iter().map(|at| steps.get(*at).map(|step| step.t));
    let places: Vec<String> =
        positions.iter().map(|at| caption::at_step(steps.get(*at).map(|step| step.t), *at, steps.len())).collect();
    // Before its fork a branch is the row that it leaves: in a strip its place stays empty, in an animation that row is shown.
    let blank = stem.end().map(|end| Picture::filled(end.width, end.height, [0x20; 3])).ok_or_else(missing)?;
    let mut columns: Vec<Vec<Picture>> = Vec::new();
    for t in times {
        let mut column: Vec<Picture> = Vec::new();
        for (number, row) in rows.iter().enumerate() {
            let has_begun = number == 0 || t.is_none_or(|t| names[number].is_none_or(|forks| forks.iter().all(|fork| t <= fork.t)));
            let picture = match row.at(t, tree.noisy).filter(|_| has_begun) {
                Some((_, picture)) => (**picture).clone(),
                None if export.moves() => {
                    let parent = number.checked_sub(1).and_then(|branch| tree.parent(branch).0).map_or(0, |parent| parent + 1);
                    column.get(parent).cloned().unwrap_or_else(|| blank.clone())
                }
                None => blank.clone(),
            };
            column.push(picture);
        }
        columns.push(column);
    }
    let content = if export.moves() {
        let frame = |(column, place): (Vec<Picture>, String)| Frame { picture: sheet::contact_sheet(&column, None, None), place };
        Content::Moving(Box::new(move || columns.into_iter().zip(places).map(frame).collect()))
    } else {
        Content::Still(Box::new(move || {
            let rows = columns.first().map_or(0, Vec::len);
            let pictures: Vec<Picture> = (0..rows).flat_map(|row| columns.iter().map(move |column| column[row].clone())).collect();
            sheet::contact_sheet(&pictures, Some(columns.len()), None)
        }))
    };
    Ok((run, content))
}
