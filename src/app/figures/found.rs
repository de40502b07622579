//! The run that something is saved of.

use crate::{
    app::state::{State, run_requests::Purpose, run_view::RunView},
    error::{Error, Result},
};

/// There is nothing to save yet.
pub(crate) fn missing() -> Error {
    Error::argument("save: expected pictures on screen, got none yet; wait for the run to bring some")
}

/// The newest run of a purpose if it has pictures, else the previous one.
pub(crate) fn with_pictures(state: &State, purpose: Purpose) -> Result<&RunView> {
    let found = [state.runs.current(purpose), state.runs.previous(purpose)].into_iter().flatten().find(|run| run.has_updates());
    found.ok_or_else(missing)
}
