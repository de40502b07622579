//! Figures of the panels: what is on screen, gathered as tables, curves and formulas, and written with its recipe. The command line
//! makes the same.

mod captions;
mod compare;
mod content;
mod curves;
mod explain;
mod fork;
mod found;
mod interpolate;
mod race;
mod recipe;
mod rewind;
mod step;
mod trajectory;

pub(crate) use compare::{caption as grid_caption, enlarged_cell, place_name as grid_place_name, place_of};
pub(crate) use content::Content;
pub(crate) use found::{missing, with_pictures};
pub(crate) use recipe::{Saved, recipe};

use crate::{
    app::state::{
        State,
        figure_request::{FigureRequest, parts},
        view_settings::Tab,
    },
    error::{Error, Result},
};

/// The work of making a figure's file, to be done outside the window's thread.
///
/// # Errors
/// There is nothing to draw yet, or the open panel has no such figure.
pub(crate) fn figure(state: &State, request: &FigureRequest) -> Result<impl FnOnce() -> Result<Vec<u8>> + Send + use<>> {
    let (tab, part) = (state.controls.view.tab, request.part);
    if !parts(tab).iter().any(|(has, _)| *has == part) || !part.formats().contains(&request.format) {
        return Err(Error::argument("figure: this panel has no such figure in this format; choose another"));
    }
    let (saved, content) = match tab {
        Tab::Trajectory => trajectory::content(state, part)?,
        Tab::Explain => explain::content(state, part, request.light)?,
        Tab::Compare => compare::content(state, part)?,
        Tab::Interpolate => interpolate::content(state, part)?,
        Tab::Rewind => rewind::content(state, part)?,
        Tab::Fork => fork::content(state, part)?,
        Tab::Race => race::content(state, part)?,
    };
    let recipe = recipe(state, &saved)?.json()?;
    let request = *request;
    Ok(move || content.bytes(&request, &recipe))
}
