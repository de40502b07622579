//! What panels ask for. The app carries it out between frames; panels change nothing themselves.

/// A wish of the user's.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Use these timesteps as τ, rising.
    SetTau(Vec<u32>),
    /// Look at this moment of the run: index of the step, from 0; the number of steps is the finished sample.
    Look(usize),
}
