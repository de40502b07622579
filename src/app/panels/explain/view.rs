//! What the Explain panel explains.

use crate::{
    picture::Picture,
    schedule::Schedule,
    session::{Plan, Rms, StepRecord},
};

/// What is explained.
pub struct View<'a> {
    /// The run.
    pub plan: &'a Plan,
    /// Its group's steps.
    pub schedule: &'a Schedule,
    /// The step to explain, from 0 in the order of execution; the number of steps is the finished sample, which the last step made.
    pub index: usize,
    /// η of the group.
    pub eta: f64,
    /// Whether the group runs with σ̂.
    pub sigma_hat: bool,
    /// What the step saw and did, where it is known.
    pub record: Option<&'a StepRecord>,
    /// x after the step.
    pub next: Option<&'a Picture>,
    /// Lengths, one per step, as far as the run has got.
    pub rms: &'a [Option<Rms>],
    /// A number that changes whenever the pictures do.
    pub version: u64,
}
