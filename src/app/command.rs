//! What panels ask for beside changed controls. The app carries it out between frames.

use super::controls::Controls;

/// A wish of the user's.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Use these timesteps as τ, rising.
    SetTau(Vec<u32>),
    /// Look at this moment of the run: index of the step, from 0; the number of steps is the finished sample.
    Look(usize),
    /// Use these controls: a cell of a comparison was clicked, say.
    Use(Box<Controls>),
    /// Save what is on screen.
    Save(Export),
}

/// What can be saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Export {
    /// The picture shown large.
    Picture,
    /// All pictures shown: the batch, the grid of the comparison or the interpolation.
    Sheet,
    /// The film strip, or the strip of the interpolation.
    Strip,
    /// The trajectory or the interpolation as an animation.
    Gif,
}
