//! A run as the app knows it: what came out of the session so far.

use super::{
    controls::Controls,
    growth::Growth,
    kept_steps::kept_every,
    run_requests::{self, Purpose},
    stops::Stops,
    view_settings::Tab,
};
use crate::{
    picture::Picture,
    schedule::Schedule,
    session::{Event, Keep, MIN_DRAFT_STEPS, Plan, Request, StepRecord, StepUpdate},
};
use std::sync::Arc;

/// Where the steps of the shortest draft take longer than this, in seconds, each is shown as it comes.
const SLOW: f64 = 0.4;

/// One run.
#[derive(Clone, Debug)]
pub struct RunView {
    /// The request's number.
    pub id: u64,
    /// What it is for.
    pub purpose: Purpose,
    /// The controls that asked for it: its pictures belong to these, whatever the sliders say now.
    pub controls: Controls,
    /// What the picture looked at asks for under these controls: two runs with the same have the same picture of it.
    pub(crate) focus: Option<Request>,
    /// Its schedules, once it was accepted.
    pub plan: Option<Plan>,
    /// Its groups.
    pub groups: Vec<GroupView>,
    /// How the pictures of a race grew.
    pub growth: Growth,
    /// The places that a scrubber over all groups has.
    pub stops: Stops,
    /// Whether the session was asked, too; until then it waits for the controls to rest.
    pub submitted: bool,
    /// Seconds a step takes, all groups together.
    pub step_seconds: f64,
    /// Whether every group is done.
    pub finished: bool,
    /// Whether the user cancelled it.
    pub cancelled: bool,
    /// Whether another panel's run has replaced it on the device.
    pub displaced: bool,
    /// Whether it is shown in the place of a picture near it, which nobody has computed.
    pub stands_in: bool,
    /// Row and column of the comparison's picture that it is a draft of.
    pub cell: Option<[usize; 2]>,
    /// Why it could not go on.
    pub failed: Option<String>,
}

/// One group's updates.
#[derive(Clone, Debug, Default)]
pub struct GroupView {
    /// One per step; empty where the run keeps only its newest pictures.
    pub updates: Vec<Option<Arc<StepUpdate>>>,
    /// Of the steps every so many are kept (all: 1), and the last.
    pub every: usize,
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
    /// What the step saw and did to an image of the batch.
    pub fn record(&self, image: usize) -> Option<&StepRecord> {
        self.update.records.get(self.run.member(image)?)
    }

    /// An image of the batch after the step.
    pub fn after(&self, image: usize) -> Option<&Arc<Picture>> {
        self.update.after.get(self.run.member(image)?)
    }

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
    /// A run that was just asked for.
    pub fn new(id: u64, purpose: Purpose, controls: Controls) -> Self {
        Self {
            id,
            purpose,
            focus: run_requests::request(0, Purpose::Focus, &controls).ok(),
            controls,
            plan: None,
            groups: Vec::new(),
            growth: Growth::default(),
            stops: Stops::default(),
            submitted: false,
            step_seconds: 0.0,
            finished: false,
            cancelled: false,
            displaced: false,
            stands_in: false,
            cell: None,
            failed: None,
        }
    }

    /// Whether it is a draft: fewer steps than its controls ask for, unless they are quick.
    pub fn is_draft(&self) -> bool {
        self.purpose == Purpose::Draft
    }

    /// The controls that make its very pictures: a draft's have fewer steps.
    pub fn made_with(&self) -> Controls {
        let steps = self.steps();
        if !self.is_draft() || steps == 0 || steps == self.controls.step_count() {
            return self.controls.clone();
        }
        let thinned = self.controls.schedule().thinned(steps);
        Controls { steps, spacing: thinned.spacing, ..self.controls.clone() }
    }

    /// The place of an image of the batch in its updates; `None` where it has another image alone.
    pub fn member(&self, image: usize) -> Option<usize> {
        match self.purpose {
            Purpose::Pinned | Purpose::Focus | Purpose::Draft | Purpose::Ahead => {
                (self.controls.view.image as usize == image).then_some(0)
            }
            _ => Some(image),
        }
    }

    /// The finished trajectory of one of its images alone, without the terms, as it is kept for `controls` that make the same.
    pub(crate) fn alone(&self, image: usize, controls: &Controls) -> Option<Self> {
        let member = self.member(image)?;
        let one = |update: &Arc<StepUpdate>| {
            let record = |r: &StepRecord| StepRecord { x_t: r.x_t.clone(), x0: r.x0.clone(), terms: None, rms: r.rms };
            Arc::new(StepUpdate {
                records: update.records.get(member).map(record).into_iter().collect(),
                after: update.after.get(member).cloned().into_iter().collect(),
                after_rms: update.after_rms.get(member).copied().into_iter().collect(),
                end: None,
                spread: None,
                ..**update
            })
        };
        let of = |group: &GroupView| GroupView {
            updates: group.updates.iter().map(|update| update.as_ref().map(one)).collect(),
            latest: group.latest.as_ref().map(one),
            every: group.every,
        };
        let groups = self.groups.iter().map(of).collect();
        let (plan, step_seconds) = (self.plan.clone(), self.step_seconds);
        let (submitted, finished) = (true, true);
        Some(Self { plan, groups, submitted, finished, step_seconds, ..Self::new(self.id, Purpose::Pinned, controls.clone()) })
    }

    /// Whether it is a run of trajectories with this image of the batch.
    pub(crate) fn has_image(&self, image: usize) -> bool {
        let step_by_step = matches!(self.controls.view.tab, Tab::Trajectory | Tab::Explain);
        match self.purpose {
            Purpose::Trajectory => image < self.controls.count as usize,
            Purpose::Compare | Purpose::Between | Purpose::Rewind | Purpose::Race => false,
            Purpose::Pinned | Purpose::Fork | Purpose::Decided => false,
            _ if self.cell.is_some() => false,
            _ => step_by_step && self.member(image).is_some(),
        }
    }

    /// A draft on a device where even its few steps take long: as far as it has come.
    pub(crate) fn slow_draft(&self) -> Option<Shown<'_>> {
        let slow = self.is_draft() && !self.finished && self.step_seconds * MIN_DRAFT_STEPS as f64 > SLOW;
        if slow { self.newest() } else { None }
    }

    /// Seconds that its steps have taken.
    pub(crate) fn seconds(&self) -> f64 {
        let steps = |group: &GroupView| group.updates.iter().flatten().map(|update| update.seconds).sum::<f64>();
        self.groups.iter().map(steps).sum::<f64>().max(self.step_seconds * self.steps() as f64)
    }

    /// Bytes of its pictures.
    pub(crate) fn bytes(&self) -> usize {
        let Some(plan) = &self.plan else { return 0 };
        let picture = plan.size.0 as usize * plan.size.1 as usize * 3;
        let updates = self.groups.iter().flat_map(|group| group.updates.iter().flatten().chain(&group.latest));
        // x_t, x̂0 and three terms.
        updates.map(|update| update.records.len() * picture * 5).sum()
    }

    /// Whether it waits for the controls to rest, or for the picture that is looked at first.
    pub(crate) fn waits(&self) -> bool {
        !self.submitted && !self.finished && !self.cancelled
    }

    /// Whether it still brings updates.
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

    /// What a group had come to after so many steps, and after how many that was: where not every step is kept, the nearest before. After
    /// 0 steps it is what the first began with. `None` where the group has not come that far.
    pub fn after_steps(&self, group: usize, taken: usize) -> Option<(usize, &StepUpdate)> {
        let GroupView { updates, latest, .. } = self.groups.get(group)?;
        let latest = latest.as_deref()?;
        if taken == 0 {
            let first = updates.first().and_then(Option::as_deref).unwrap_or(latest);
            return (first.index == 0).then_some((0, first));
        }
        if taken == latest.index + 1 {
            return Some((taken, latest));
        }
        let kept = updates.get(..taken)?.iter().rev().flatten().next()?;
        (taken <= latest.index).then_some((kept.index + 1, kept))
    }

    /// Takes in an event that belongs to this run.
    pub fn apply(&mut self, event: &Event, keep: Keep) {
        match event {
            Event::Planned(plan) => {
                self.submitted = true;
                self.stops = Stops::of(&plan.schedules);
                let every = if keep == Keep::Grid { kept_every(plan) } else { vec![1; plan.schedules.len()] };
                let group = |(group, (schedule, every)): (usize, (&Arc<Schedule>, usize))| GroupView {
                    updates: vec![None; if keep.keeps_steps(group) { schedule.steps.len() } else { 0 }],
                    every,
                    latest: None,
                };
                self.groups = plan.schedules.iter().zip(every).enumerate().map(group).collect();
                self.plan = Some(plan.clone());
            }
            Event::Step(update) => {
                let Some(group) = self.groups.get_mut(update.group) else { return };
                if self.purpose == Purpose::Race {
                    self.growth.take(update);
                }
                // A slow start (shaders compile at the first dispatch) says nothing about later steps.
                self.step_seconds = match (self.step_seconds, update.index) {
                    (_, 0..2) => update.seconds,
                    (old, _) => 0.8 * old + 0.2 * update.seconds,
                };
                let is_kept = update.index + 1 == update.total || update.index.is_multiple_of(group.every.max(1));
                if let Some(place) = group.updates.get_mut(update.index).filter(|_| is_kept) {
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
