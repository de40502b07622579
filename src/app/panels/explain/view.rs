//! What the Explain panel explains.

use crate::{
    app::state::{State, run_view::Shown},
    picture::Picture,
    schedule::Schedule,
    session::{Plan, Rms, StepRecord, StepUpdate},
};
use std::sync::Arc;

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

/// Where a [`View`] is from: the step shown of the run.
pub(crate) struct Source<'a> {
    /// The step.
    pub(crate) shown: Shown<'a>,
    plan: &'a Plan,
    schedule: &'a Schedule,
    image: usize,
    rms: Vec<Option<Rms>>,
}

impl<'a> Source<'a> {
    /// The step that the playhead is at, once it has come.
    pub(crate) fn of(state: &'a State) -> Option<Self> {
        let shown = state.shown()?;
        let plan = shown.run.plan.as_ref()?;
        let (schedule, image) = (plan.schedules.first()?, state.image());
        let member = shown.run.member(image);
        let rms = |update: &Option<Arc<StepUpdate>>| {
            update.as_ref().and_then(|update| update.records.get(member?)).map(|record| record.rms)
        };
        let rms = shown.run.groups.first().map(|group| group.updates.iter().map(rms).collect()).unwrap_or_default();
        Some(Self { shown, plan, schedule, image, rms })
    }

    /// What is explained of it.
    pub(crate) fn view(&self) -> View<'_> {
        let steps = &self.schedule.steps;
        let position = self.shown.position();
        let t = steps.get(position.min(steps.len().saturating_sub(1))).map_or(0, |step| step.t);
        let (eta, sigma_hat) = self.shown.run.controls.noisiness_at(t);
        View {
            plan: self.plan,
            schedule: self.schedule,
            index: position,
            eta,
            sigma_hat,
            record: self.shown.record(self.image),
            next: self.shown.after(self.image).map(|picture| &**picture),
            rms: &self.rms,
            version: self.shown.version() ^ (self.image as u64) << 50,
        }
    }
}
