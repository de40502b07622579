//! What is to be written when something on screen is saved.

pub(super) use crate::picture::sheet::enlarged;
use crate::{
    app::state::{State, run_requests::Purpose, run_view::RunView},
    error::{Error, Result},
    picture::Picture,
};

/// An animation has at most this many steps; a GIF of a thousand would be more than a minute long.
pub(super) const MAX_FRAMES: usize = 120;

/// Steps of a saved strip.
pub(super) const COLUMNS: usize = 11;

/// The work of drawing it, which is done outside the window's thread.
pub(super) enum Content {
    /// A picture.
    Still(Box<dyn FnOnce() -> Picture + Send>),
    /// An animation, picture by picture.
    Moving(Box<dyn FnOnce() -> Vec<Picture> + Send>),
    /// An animation whose pictures are made one by one as they are written: all of them at once would take much memory.
    Frames(Box<dyn FnOnce() -> Box<dyn Iterator<Item = Picture>> + Send>),
}

/// There is nothing to save yet.
pub(super) fn missing() -> Error {
    Error::argument("save: expected pictures on screen, got none yet; wait for the run to bring some")
}

/// The newest run of a purpose if it has pictures, else the previous one.
pub(super) fn with_pictures(state: &State, purpose: Purpose) -> Result<&RunView> {
    let found = [state.runs.current(purpose), state.runs.previous(purpose)].into_iter().flatten().find(|run| run.has_updates());
    found.ok_or_else(missing)
}
