//! One request being carried out: the engine takes its steps, here they become pictures and numbers for the window.

use super::{
    event::{End, ModelFacts, Plan, StepUpdate},
    latents::Latent,
    memo::{Encodings, Memo},
    request::{Keep, Kind, Request},
    schedules::{schedules, whole},
    stage::{Stage, latents, way},
    step_record::{self, Shown},
};
use crate::{
    engine::{Engine, GroupStep},
    error::{Error, Result},
    picture::reconstruction,
    platform::Clock,
    recipe::ClassLabel,
    recipe::MAX_SIDE,
    sampler::{Classes, Reads},
};
use std::{sync::Arc, time::Duration};

/// A run of a long trajectory keeps so many bytes of pictures at most.
const MAX_BYTES: usize = 64 << 20;

/// A request on its way.
pub(super) struct Run {
    pub(super) request: Arc<Request>,
    plan: Plan,
    /// The groups on their way, and the number of the first of them: all at once, or one after the other.
    stage: Stage,
    first: usize,
    /// What the groups of a chained request that are done have come to.
    ends: Vec<Arc<End>>,
    /// x that the group on its way began with, in such a request.
    start: Vec<f32>,
    classes: Classes,
    /// What each group's next step starts from.
    before: Vec<Shown>,
    detail: Detail,
    /// The newest steps' duration.
    step_time: Duration,
    /// When it was started, by `clock`.
    began: Duration,
    clock: Clock,
    steps_shown: usize,
    /// How often the device was lost.
    pub(super) losses: u32,
}

/// How much of each step is kept as pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Detail {
    terms: bool,
    every: usize,
}

impl Detail {
    /// As much as fits [`MAX_BYTES`]: first the terms go, then pictures of every second step, of every fourth, …
    fn new(steps: usize, picture_bytes: usize) -> Self {
        // x_t, x̂0 and three terms, or two pictures.
        if steps * picture_bytes * 5 <= MAX_BYTES {
            return Self { terms: true, every: 1 };
        }
        let mut every = 1;
        while every < steps && steps.div_ceil(every) * picture_bytes * 2 > MAX_BYTES {
            every *= 2;
        }
        Self { terms: false, every }
    }
}

impl Run {
    /// Checks the request against its model and draws x_T. A draft gets as many steps as its budget has room for where one takes `step`.
    ///
    /// # Errors
    /// A schedule out of range, a size that fits no memory, a device fault.
    pub(super) fn start(
        request: Request,
        engine: &mut Engine,
        facts: Arc<ModelFacts>,
        step: Option<Duration>,
        memo: &Memo,
    ) -> Result<Self> {
        let size = request.size.unwrap_or(facts.size);
        let (height, width) = (size.0 as usize, size.1 as usize);
        if ![size.0, size.1].iter().all(|side| (1..=MAX_SIDE).contains(side)) {
            return Err(Error::argument(format!("size: expected sides from 1 to {MAX_SIDE}, got {height}x{width}")));
        }
        if request.groups.is_empty() || request.groups.iter().any(|g| g.members.is_empty()) {
            return Err(Error::argument("expected at least one picture to make, got none; add a row or a column"));
        }
        let classes = ClassLabel::classes(request.class, facts.classes)?;
        let mut encodings = Encodings::new(&request, &facts)?;
        let whole = schedules(&request, &facts, None)?;
        let mut plan = Plan { id: request.id, model: facts.clone(), size, schedules: whole, latent_rms: Vec::new(), every: 1 };
        if let Kind::Draft(budget) = request.kind {
            let known = known(&plan, &request, (memo, &mut encodings), classes)?;
            let left = request.groups.len() - known;
            let budget = if request.is_chained() { budget.divided(left) } else { budget };
            plan.schedules = schedules(&request, &facts, Some((budget, step)))?;
        }
        let steps = plan.schedules.iter().map(|s| s.steps.len()).max().unwrap_or(0);
        let members = request.groups.iter().map(|g| g.members.len()).max().unwrap_or(0);
        // A size that fits no memory shows here, before x_T is drawn and anything is promised.
        engine.network(engine.batch(members), size, steps)?;
        let detail = match request.keep {
            Keep::Trajectory => Detail::new(steps, members * height * width * 3),
            Keep::Latest | Keep::Grid => Detail { terms: false, every: 1 },
            Keep::Tree => {
                let all: usize = request.groups.iter().map(|g| g.members.len()).sum();
                Detail { terms: false, ..Detail::new(steps, all * height * width * 3) }
            }
            Keep::Rewind { .. } => Detail { terms: false, ..Detail::new(steps, members * height * width * 3) },
        };
        let clock = engine.clock().clone();
        plan.every = detail.every;
        // Where one begins with the end of another, each comes by itself.
        let together = if request.is_chained() { 1 } else { request.groups.len() };
        let x_t = latents(&plan, &request.groups[..together], &[], (memo, &mut encodings))?;
        let drawn = plan.model.drawn(size);
        let mut before: Vec<_> = x_t.iter().map(|x| Shown::new(drawn, x)).collect();
        before.resize(request.groups.len(), Shown { pictures: Vec::new(), rms: Vec::new() });
        plan.latent_rms = before.iter().map(|before| before.rms.clone()).collect();
        let start = if request.is_chained() { x_t.concat() } else { Vec::new() };
        let stage = match recall(&plan, &request, 0, &start, (memo, classes))? {
            Some(known) => known,
            None => Stage::new(engine, &plan, &request, (0, x_t), classes)?,
        };
        Ok(Self {
            request: Arc::new(request),
            plan,
            stage,
            first: 0,
            ends: Vec::new(),
            start,
            classes,
            before,
            detail,
            step_time: Duration::ZERO,
            began: clock.now(),
            clock,
            steps_shown: 0,
            losses: 0,
        })
    }

    /// Begins the group after the one that is done.
    fn next_stage(&mut self, engine: &mut Engine, memo: &Memo) -> Result<()> {
        let next = self.first + 1;
        let drawn = self.plan.model.drawn(self.plan.size);
        let group = self.request.groups.get(next).ok_or_else(|| Error::argument("no group is left"))?;
        let mut encodings = Encodings::new(&self.request, &self.plan.model)?;
        let x_t = latents(&self.plan, std::slice::from_ref(group), &self.ends, (memo, &mut encodings))?;
        let start = x_t.concat();
        self.stage = match recall(&self.plan, &self.request, next, &start, (memo, self.classes))? {
            Some(known) => known,
            None => Stage::new(engine, &self.plan, &self.request, (next, x_t), self.classes)?,
        };
        self.before[next] = Shown::new(drawn, &start);
        (self.first, self.start) = (next, start);
        Ok(())
    }

    /// The end of a group of a chained request, which x is. What all its steps have led to is noted.
    fn end(&mut self, group: usize, x: &[f32], memo: &mut Memo) -> Arc<End> {
        let (of, schedule) = (&self.request.groups[group], &self.plan.schedules[group]);
        let is_draft = matches!(self.request.kind, Kind::Draft(_));
        if let Some(way) = way(of, schedule, &self.start, self.plan.size, self.classes).filter(|_| !is_draft) {
            memo.note(way, x.to_vec());
        }
        // What was decoded is compared with what was encoded.
        let from = self.request.groups[group].members.first().and_then(|member| match member.latent {
            Latent::EndOf { group, .. } if self.request.groups[group].encode.is_some() => self.ends.get(group),
            _ => None,
        });
        let mse = from.map(|end| reconstruction::mse(&end.start, x));
        let end = Arc::new(End { start: std::mem::take(&mut self.start), x: x.to_vec(), mse });
        self.ends.push(end.clone());
        end
    }

    /// What was accepted.
    pub(super) fn plan(&self) -> Plan {
        self.plan.clone()
    }

    /// Whether every group is done.
    pub(super) fn is_done(&self) -> bool {
        self.stage.is_done() && self.is_last_stage()
    }

    fn is_last_stage(&self) -> bool {
        !self.request.is_chained() || self.first + 1 == self.request.groups.len()
    }

    /// How long ago it was started.
    pub(super) fn age(&self) -> Duration {
        self.clock.now().saturating_sub(self.began)
    }

    /// Whether a step of it has been told.
    pub(super) fn has_shown(&self) -> bool {
        self.steps_shown > 0
    }

    /// How long the newest step took.
    pub(super) fn step_time(&self) -> Duration {
        self.step_time
    }

    /// How long the rest takes, by the newest step; `None` before the first.
    pub(super) fn remaining(&self) -> Option<Duration> {
        let waiting = if self.is_last_stage() { &[] } else { &self.plan.schedules[self.first + 1..] };
        let left = self.stage.steps_left() + waiting.iter().map(|schedule| schedule.steps.len()).sum::<usize>();
        (!self.step_time.is_zero()).then(|| self.step_time * left as u32)
    }

    /// Takes a step of the group that is furthest behind. `stop` is asked between parts of a large batch; `None` where it stopped.
    ///
    /// # Errors
    /// A device fault, which leaves the run as it was before the step; a result that is not finite.
    pub(super) async fn advance(
        &mut self,
        engine: &mut Engine,
        memo: &mut Memo,
        stop: &dyn Fn() -> bool,
    ) -> Result<Option<StepUpdate>> {
        if self.stage.is_done() && !self.is_last_stage() {
            self.next_stage(engine, memo)?;
        }
        let (keep, detail, first) = (self.request.keep, self.detail, self.first);
        let totals: Vec<usize> = self.plan.schedules.iter().map(|schedule| schedule.steps.len()).collect();
        let is_shown = |group: usize, index: usize| {
            let is_kept = keep.tells_pictures() || keep.keeps_steps(group) && index.is_multiple_of(detail.every);
            index + 1 == totals[group] || is_kept
        };
        let reads = |group: usize, index: usize| match keep {
            Keep::Latest | Keep::Grid => Reads::PICTURES,
            Keep::Tree if is_shown(group, index) => Reads::PICTURES,
            Keep::Trajectory if is_shown(group, index) => Reads { model: true, noise: detail.terms, ..Reads::PICTURES },
            Keep::Trajectory | Keep::Tree | Keep::Rewind { .. } => Reads { x: true, ..Reads::default() },
        };
        let reads = |group: usize, index: usize| reads(first + group, index);
        let Some(step) = self.stage.turn(engine, &reads, stop).await? else { return Ok(None) };
        let step = GroupStep { group: first + step.group, ..step };
        let drawn = self.plan.model.drawn(self.plan.size);
        let coefficients = &self.plan.schedules[step.group].steps[step.index];
        let total = totals[step.group];
        let (last, shown) = (step.index + 1 == total, is_shown(step.group, step.index));
        let after = Shown::new(drawn, &step.tensors.x);
        let mut before = std::mem::replace(&mut self.before[step.group], after.clone());
        if before.pictures.is_empty() {
            // A branch begins.
            before = Shown::new(drawn, &step.x_t);
        }
        let with_records = shown && !matches!(keep, Keep::Rewind { .. });
        let records =
            if with_records { step_record::records(drawn, &step, coefficients, detail.terms, &before) } else { Vec::new() };
        let spread = (keep.tells_pictures() && before.rms.len() > 1).then(|| {
            let values = if last { &step.tensors.x } else { &step.tensors.x0 };
            step_record::spread(drawn, values)
        });
        let end = (last && self.request.is_chained()).then(|| self.end(step.group, &step.tensors.x, memo));
        self.step_time = step.duration;
        self.steps_shown += 1;
        Ok(Some(StepUpdate {
            id: self.request.id,
            group: step.group,
            index: step.index,
            total,
            seconds: step.duration.as_secs_f64(),
            records,
            after: if shown { after.pictures } else { Vec::new() },
            after_rms: after.rms,
            end,
            spread,
        }))
    }
}

/// Of a chained request, the stage of a group whose end is known: of drafts any, of others those whose steps nobody wants to see.
fn recall(plan: &Plan, request: &Request, group: usize, start: &[f32], (memo, classes): (&Memo, Classes)) -> Result<Option<Stage>> {
    let is_draft = matches!(request.kind, Kind::Draft(_));
    if !request.is_chained() || (!is_draft && request.keep.keeps_steps(group)) {
        return Ok(None);
    }
    let of = &request.groups[group];
    // A draft's own steps are fewer.
    let whole = whole(request, of, &plan.model)?;
    let end = way(of, &Arc::new(whole), start, plan.size, classes).and_then(|way| memo.find(&way).cloned());
    Ok(end.map(|end| Stage::Known(Some((plan.schedules[group].steps.len().saturating_sub(1), start.to_vec(), end)))))
}

/// How many of the first groups of a chained draft have ends that are known; `plan` has whole schedules.
fn known(plan: &Plan, request: &Request, (memo, encodings): (&Memo, &mut Encodings<'_>), classes: Classes) -> Result<usize> {
    let mut ends = Vec::new();
    for group in request.groups.iter().filter(|_| request.is_chained()) {
        let start = latents(plan, std::slice::from_ref(group), &ends, (memo, &mut *encodings))?.concat();
        let way = way(group, &plan.schedules[ends.len()], &start, plan.size, classes);
        let Some(end) = way.and_then(|way| memo.find(&way).cloned()) else { break };
        ends.push(Arc::new(End { start, x: end.to_vec(), mse: None }));
    }
    Ok(ends.len())
}

#[cfg(test)]
mod tests {
    use super::{Detail, MAX_BYTES};

    #[test]
    fn a_long_run_of_large_pictures_keeps_fewer_of_them() {
        let detail = |steps, bytes| {
            let Detail { terms, every } = Detail::new(steps, bytes);
            (terms, every)
        };
        assert_eq!(detail(50, 32 * 32 * 3 * 8), (true, 1));
        assert_eq!(detail(100, MAX_BYTES / 200), (false, 1));
        assert_eq!(detail(100, MAX_BYTES / 100), (false, 2));
        // One step's pictures alone are more: the first and the last are kept, whatever they take.
        assert_eq!(detail(50, MAX_BYTES), (false, 64));
        assert_eq!(detail(1, usize::MAX / 16), (false, 1));
    }
}
