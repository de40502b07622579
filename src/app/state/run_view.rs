//! A run as the app knows it: what came out of the session so far.

use super::{controls::Controls, run_requests::Purpose};
use crate::session::{Event, Keep, Plan, StepUpdate};
use std::sync::Arc;

/// One run.
#[derive(Clone, Debug)]
pub struct RunView {
    /// The request's number.
    pub id: u64,
    /// What it is for.
    pub purpose: Purpose,
    /// The controls that asked for it: its pictures belong to these, whatever the sliders say now.
    pub controls: Controls,
    /// Its schedules, once it was accepted.
    pub plan: Option<Plan>,
    /// Its groups.
    pub groups: Vec<GroupView>,
    /// When it was asked for, in egui's time.
    pub asked: f64,
    /// Seconds a step takes, all groups together.
    pub step_seconds: f64,
    /// Whether every group is done.
    pub finished: bool,
    /// Whether the user cancelled it.
    pub cancelled: bool,
    /// Whether another panel's run has replaced it on the device.
    pub displaced: bool,
    /// Why it could not go on.
    pub failed: Option<String>,
}

/// One group's updates.
#[derive(Clone, Debug, Default)]
pub struct GroupView {
    /// One per step; empty where the run keeps only its newest pictures.
    pub updates: Vec<Option<Arc<StepUpdate>>>,
    /// The newest.
    pub latest: Option<Arc<StepUpdate>>,
}

/// What of a trajectory to draw.
#[derive(Clone, Copy)]
pub struct Shown<'a> {
    /// The run it is from.
    pub run: &'a RunView,
    /// The step to draw.
    pub update: &'a Arc<StepUpdate>,
    /// Whether to draw the finished sample after the last step, and not x_t before the step.
    pub finished: bool,
}

impl Shown<'_> {
    /// Position in the run: the step's index, or the number of steps for the finished sample.
    pub fn position(&self) -> usize {
        self.update.index + usize::from(self.finished)
    }

    /// Differs whenever something else is to be drawn.
    pub fn version(&self) -> u64 {
        self.run.id << 20 | (self.position() as u64) << 1
    }
}

impl RunView {
    /// A run that was asked for at `asked`, in egui's time.
    pub fn new(id: u64, purpose: Purpose, controls: Controls, asked: f64) -> Self {
        Self {
            id,
            purpose,
            controls,
            plan: None,
            groups: Vec::new(),
            asked,
            step_seconds: 0.0,
            finished: false,
            cancelled: false,
            displaced: false,
            failed: None,
        }
    }

    /// Whether updates are still to come.
    pub fn is_running(&self) -> bool {
        !self.finished && !self.cancelled && !self.displaced && self.failed.is_none()
    }

    /// Whether there is anything to show.
    pub fn has_updates(&self) -> bool {
        self.groups.iter().any(|group| group.latest.is_some())
    }

    /// Steps of the first group.
    pub fn steps(&self) -> usize {
        self.plan.as_ref().and_then(|plan| plan.schedules.first()).map_or(0, |schedule| schedule.steps.len())
    }

    /// What to draw at `at`, from 0 (x_T) to 1 (the finished sample), if the run has got that far.
    pub fn at(&self, at: f64) -> Option<Shown<'_>> {
        let steps = self.steps();
        let position = (at * steps as f64).round() as usize;
        self.at_position(position)
    }

    /// As [`Self::at`], by the step's index; the number of steps is the finished sample. Where a step's pictures were left out, the
    /// last before it that has some.
    pub fn at_position(&self, position: usize) -> Option<Shown<'_>> {
        let (steps, updates) = (self.steps(), &self.groups.first()?.updates);
        if position >= steps {
            return Some(Shown { run: self, update: updates.last()?.as_ref()?, finished: true });
        }
        updates.get(position)?.as_ref()?;
        let with_pictures = updates[..=position].iter().rev().flatten().find(|update| !update.records.is_empty());
        Some(Shown { run: self, update: with_pictures?, finished: false })
    }

    /// The newest step there is.
    pub fn newest(&self) -> Option<Shown<'_>> {
        let done = self.groups.first()?.latest.as_ref()?.index;
        if done + 1 == self.steps() { self.at_position(self.steps()) } else { self.at_position(done) }
    }

    /// Takes in an event that belongs to this run.
    pub fn apply(&mut self, event: &Event, keep: Keep) {
        match event {
            Event::Planned(plan) => {
                self.groups = plan
                    .schedules
                    .iter()
                    .map(|s| GroupView {
                        updates: vec![None; if keep == Keep::Trajectory { s.steps.len() } else { 0 }],
                        latest: None,
                    })
                    .collect();
                self.plan = Some(plan.clone());
            }
            Event::Step(update) => {
                let Some(group) = self.groups.get_mut(update.group) else { return };
                // A slow start (shaders compile at the first dispatch) says nothing about later steps.
                self.step_seconds = match (self.step_seconds, update.index) {
                    (_, 0..2) => update.seconds,
                    (old, _) => 0.8 * old + 0.2 * update.seconds,
                };
                if let Some(place) = group.updates.get_mut(update.index) {
                    *place = Some(update.clone());
                }
                group.latest = Some(update.clone());
            }
            Event::Finished { .. } => self.finished = true,
            Event::Failed { message, .. } => self.failed = Some(message.clone()),
            _ => {}
        }
    }

    /// Steps taken and steps in all, over all groups.
    pub fn progress(&self) -> (usize, usize) {
        let Some(plan) = &self.plan else { return (0, 0) };
        let total = plan.schedules.iter().map(|s| s.steps.len()).sum();
        let done = self.groups.iter().map(|g| g.latest.as_ref().map_or(0, |f| f.index + 1)).sum();
        (done, total)
    }
}
