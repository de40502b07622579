//! One request being carried out: the engine takes its steps, here they become pictures and numbers for the window.

use super::{
    event::{End, ModelFacts, Plan, StepUpdate},
    request::{ForkAt, Group as RequestGroup, Keep, Kind, Latent, Member, Request, TorchLatents},
    step_record::{self, Shown},
};
use crate::{
    engine::{Encoding, Engine, Group, GroupStep, Groups, Stem},
    error::{Error, Result},
    noise::torch::TorchDraws,
    picture::{self, decode, reconstruction},
    platform::Clock,
    recipe::ClassLabel,
    recipe::MAX_SIDE,
    sampler::{Classes, ImageKey, Reads},
    schedule::{Schedule, ScheduleRequest},
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

/// What takes the steps of the groups on their way.
enum Stage {
    Groups(Groups),
    /// One group, encoded with passes after each step.
    Encoding(Encoding),
}

impl Stage {
    fn is_done(&self) -> bool {
        self.steps_left() == 0
    }

    fn steps_left(&self) -> usize {
        match self {
            Self::Groups(groups) => groups.steps_left(),
            Self::Encoding(encoding) => encoding.steps_left(),
        }
    }

    async fn turn(
        &mut self,
        engine: &mut Engine,
        reads: &dyn Fn(usize, usize) -> Reads,
        stop: &dyn Fn() -> bool,
    ) -> Result<Option<GroupStep>> {
        match self {
            Self::Groups(groups) => groups.turn(engine, reads, stop).await,
            Self::Encoding(encoding) => encoding.turn(engine).await,
        }
    }
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
    pub(super) fn start(request: Request, engine: &mut Engine, facts: Arc<ModelFacts>, step: Option<Duration>) -> Result<Self> {
        let size = request.size.unwrap_or(facts.size);
        let (height, width) = (size.0 as usize, size.1 as usize);
        if ![size.0, size.1].iter().all(|side| (1..=MAX_SIDE).contains(side)) {
            return Err(Error::argument(format!("size: expected sides from 1 to {MAX_SIDE}, got {height}x{width}")));
        }
        if request.groups.is_empty() || request.groups.iter().any(|g| g.members.is_empty()) {
            return Err(Error::argument("expected at least one picture to make, got none; add a row or a column"));
        }
        let max_steps = if request.fit_steps { facts.scheduler.num_train_timesteps as usize } else { usize::MAX };
        // Steps of a draft; a branch has as many of the stem's as its stem.
        let mut thin: Vec<Option<usize>> = Vec::new();
        let mut schedule = |group: &RequestGroup| {
            if let Some(encode) = group.encode {
                thin.push(None);
                let (steps, spacing) = (group.schedule.steps.min(max_steps), group.schedule.spacing.clone());
                return Schedule::encode(&facts.scheduler, steps, spacing, encode.at, group.schedule.preset).map(Arc::new);
            }
            let asked = ScheduleRequest { steps: group.schedule.steps.min(max_steps), ..group.schedule.clone() };
            let whole = fitted(&facts, &asked, request.fit_steps)?;
            let wanted = whole.steps.len();
            let steps = match (group.stem()?, request.kind) {
                (Some((stem, _)), _) => thin.get(stem).copied().flatten(),
                (None, Kind::Draft(budget)) => Some(budget.steps(wanted, step)).filter(|steps| *steps != wanted),
                _ => None,
            };
            thin.push(steps);
            let Some(steps) = steps else { return Ok(Arc::new(whole)) };
            // Placed as τ places them.
            fitted(&facts, &asked.thinned(steps), true).map(Arc::new)
        };
        let schedules = request.groups.iter().map(&mut schedule).collect::<Result<Vec<_>>>()?;
        let steps = schedules.iter().map(|s| s.steps.len()).max().unwrap_or(0);
        let members = request.groups.iter().map(|g| g.members.len()).max().unwrap_or(0);
        // A size that fits no memory shows here, before x_T is drawn and anything is promised.
        engine.network(engine.batch(members), size, steps)?;
        let classes = ClassLabel::classes(request.class, facts.classes)?;
        let detail = match request.keep {
            Keep::Trajectory => Detail::new(steps, members * height * width * 3),
            Keep::Latest => Detail { terms: false, every: 1 },
            Keep::Tree => {
                let all: usize = request.groups.iter().map(|g| g.members.len()).sum();
                Detail { terms: false, ..Detail::new(steps, all * height * width * 3) }
            }
            Keep::Rewind { .. } => Detail { terms: false, ..Detail::new(steps, members * height * width * 3) },
        };
        let clock = engine.clock().clone();
        let mut plan = Plan { id: request.id, model: facts, size, schedules, latent_rms: Vec::new(), every: detail.every };
        // Where one begins with the end of another, each comes by itself.
        let together = if request.is_chained() { 1 } else { request.groups.len() };
        let x_t = latents(&plan, &request.groups[..together], &[])?;
        let drawn = plan.model.drawn(size);
        let mut before: Vec<_> = x_t.iter().map(|x| Shown::new(drawn, x)).collect();
        before.resize(request.groups.len(), Shown { pictures: Vec::new(), rms: Vec::new() });
        plan.latent_rms = before.iter().map(|before| before.rms.clone()).collect();
        let start = if request.is_chained() { x_t.concat() } else { Vec::new() };
        let stage = stage(engine, &plan, &request, (0, x_t), classes)?;
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
    fn next_stage(&mut self, engine: &mut Engine) -> Result<()> {
        let next = self.first + 1;
        let drawn = self.plan.model.drawn(self.plan.size);
        let group = self.request.groups.get(next).ok_or_else(|| Error::argument("no group is left"))?;
        let x_t = latents(&self.plan, std::slice::from_ref(group), &self.ends)?;
        let start = x_t.concat();
        self.stage = stage(engine, &self.plan, &self.request, (next, x_t), self.classes)?;
        self.before[next] = Shown::new(drawn, &start);
        (self.first, self.start) = (next, start);
        Ok(())
    }

    /// The end of a group of a chained request, which x is.
    fn end(&mut self, group: usize, x: &[f32]) -> Arc<End> {
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
    pub(super) async fn advance(&mut self, engine: &mut Engine, stop: &dyn Fn() -> bool) -> Result<Option<StepUpdate>> {
        if self.stage.is_done() && !self.is_last_stage() {
            self.next_stage(engine)?;
        }
        let (keep, detail, first) = (self.request.keep, self.detail, self.first);
        let totals: Vec<usize> = self.plan.schedules.iter().map(|schedule| schedule.steps.len()).collect();
        let is_shown = |group: usize, index: usize| {
            let is_kept = keep == Keep::Latest || keep.keeps_steps(group) && index.is_multiple_of(detail.every);
            index + 1 == totals[group] || is_kept
        };
        let reads = |group: usize, index: usize| match keep {
            Keep::Latest => Reads::PICTURES,
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
        let spread = (keep == Keep::Latest && before.rms.len() > 1).then(|| {
            let values = if last { &step.tensors.x } else { &step.tensors.x0 };
            step_record::spread(drawn, values)
        });
        let end = (last && self.request.is_chained()).then(|| self.end(step.group, &step.tensors.x));
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

/// x_T of each of `groups`, `[M, C, H, W]`, where those before them have come to `ends`.
fn latents(plan: &Plan, groups: &[RequestGroup], ends: &[Arc<End>]) -> Result<Vec<Vec<f32>>> {
    let drawn = plan.model.drawn(plan.size);
    let (channels, height, width) = (drawn.channels, drawn.height, drawn.width);
    let (mut torch, len) = (TorchLatents::default(), drawn.len());
    let makes_pictures = drawn.scale == 1.0 && matches!(channels, 1 | 3);
    let mut of_group = |group: &RequestGroup| -> Result<Vec<f32>> {
        let mut all = Vec::with_capacity(group.members.len() * len);
        for Member { latent, .. } in &group.members {
            if matches!(latent, Latent::StepOf { .. }) {
                continue;
            }
            let Latent::EndOf { group: from, member } = latent else {
                all.extend(latent.x_t(channels, height, width, &mut torch)?);
                continue;
            };
            let missing = || Error::argument(format!("expected an earlier group with a member {member}, got number {from}"));
            let x = ends.get(*from).and_then(|end| end.x.get(member * len..(member + 1) * len)).ok_or_else(missing)?;
            // What is encoded is a picture as it would be saved; a latent is none.
            if group.encode.is_some() && makes_pictures {
                all.extend(decode::to_nchw(&picture::image_from_nchw(channels, height, width, x), channels)?);
            } else {
                all.extend_from_slice(x);
            }
        }
        Ok(all)
    };
    groups.iter().map(&mut of_group).collect()
}

/// The schedule that `asked` asks for. Where it is asked to `fit`, its forks are moved into the run.
fn fitted(facts: &ModelFacts, asked: &ScheduleRequest, fit: bool) -> Result<Schedule> {
    if !fit || asked.forks.is_empty() && asked.step_seeds.is_empty() {
        return Schedule::new(&facts.scheduler, asked);
    }
    let stem = Schedule::new(&facts.scheduler, &asked.stem())?;
    Schedule::new(&facts.scheduler, &asked.fitted(&stem.steps))
}

/// What takes the steps of the groups of `request` from number `first` on, which begin with `x_t`.
fn stage(
    engine: &mut Engine,
    plan: &Plan,
    request: &Request,
    (first, x_t): (usize, Vec<Vec<f32>>),
    classes: Classes,
) -> Result<Stage> {
    let (size, channels) = (plan.size, plan.model.channels as usize);
    let mut groups = Vec::with_capacity(x_t.len());
    for ((group, schedule), x_t) in request.groups[first..].iter().zip(&plan.schedules[first..]).zip(x_t) {
        if let Some(encode) = group.encode.filter(|encode| encode.refine > 0) {
            let classes = group.members.iter().map(|member| classes.of(member.image)).collect();
            return Ok(Stage::Encoding(Encoding::new(schedule.clone(), classes, size, encode.refine, x_t)));
        }
        let key = |member: &Member| ImageKey { seed: member.noise_seed, image: member.image, class: classes.of(member.image) };
        let torch = group
            .torch(&request.groups)?
            .map(|(seed, count)| TorchDraws::new(seed, count as usize * channels * size.0 as usize * size.1 as usize));
        let keys: Vec<_> = group.members.iter().map(key).collect();
        let begun = match group.stem()? {
            Some((from, at)) => Group::branch(schedule.clone(), keys, stem_of(plan, group, (from, at), first)?),
            None => Group::new(schedule.clone(), keys, x_t),
        };
        groups.push(begun.with_noise_of(torch));
    }
    Ok(Stage::Groups(Groups::new(engine, size, groups)?.beginning_with(request.first)))
}

/// Where a branch of a request leaves the group of number `from`, of groups that are counted from `first` on.
fn stem_of(plan: &Plan, branch: &RequestGroup, (from, at): (usize, ForkAt), first: usize) -> Result<Stem> {
    let missing = || Error::argument(format!("fork: expected an earlier group that comes to {at:?}, got number {from}"));
    let group = from.checked_sub(first).ok_or_else(missing)?;
    let schedule = plan.schedules.get(from).ok_or_else(missing)?;
    let steps = at.steps_before(&schedule.steps).ok_or_else(missing)?;
    let members = branch.members.iter().filter_map(|member| match member.latent {
        Latent::StepOf { member, .. } => Some(member),
        _ => None,
    });
    Ok(Stem { group, steps, members: members.collect() })
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
