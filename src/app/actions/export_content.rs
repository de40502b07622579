//! What is to be written when something on screen is saved.

use crate::picture::Picture;
pub(super) use crate::{
    app::figures::{missing, with_pictures},
    picture::sheet::enlarged,
};

/// An animation has at most this many steps; a GIF of a thousand would be more than a minute long.
pub(super) const MAX_FRAMES: usize = 120;

/// Steps of a saved strip.
pub(super) const COLUMNS: usize = 11;

/// The work of drawing it, which is done outside the window's thread.
pub(super) enum Content {
    /// A picture.
    Still(Box<dyn FnOnce() -> Picture + Send>),
    /// An animation, frame by frame.
    Moving(Box<dyn FnOnce() -> Vec<Frame> + Send>),
    /// An animation with labels of its own, whose pictures are made one by one as they are written: all of them at once would take much
    /// memory.
    Frames(Box<dyn FnOnce() -> Box<dyn Iterator<Item = Picture>> + Send>),
}

/// A frame of an animation.
pub(super) struct Frame {
    /// What it shows.
    pub(super) picture: Picture,
    /// What its caption says of it; empty where the labels in the picture say it.
    pub(super) place: String,
}
