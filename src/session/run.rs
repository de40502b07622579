//! One request being carried out: the engine takes its steps, here they become pictures and numbers for the window.

use super::{
    event::{ModelFacts, Plan, StepUpdate},
    request::{Group as RequestGroup, Keep, Kind, Member, Request, TorchLatents},
    step_record::{self, Shown},
};
use crate::{
    engine::{Engine, Group, Groups},
    error::{Error, Result},
    noise::torch::TorchDraws,
    platform::Clock,
    recipe::ClassLabel,
    recipe::MAX_SIDE,
    sampler::{ImageKey, Reads},
    schedule::{Schedule, ScheduleRequest},
};
use std::{sync::Arc, time::Duration};

/// A run of a long trajectory keeps so many bytes of pictures at most.
const MAX_BYTES: usize = 64 << 20;

/// A request on its way.
pub(super) struct Run {
    pub(super) request: Arc<Request>,
    plan: Plan,
    groups: Groups,
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
    pub(super) fn start(request: Request, engine: &mut Engine, facts: Arc<ModelFacts>, step: Option<Duration>) -> Result<Self> {
        let size = request.size.unwrap_or(facts.size);
        let (channels, height, width) = (facts.channels as usize, size.0 as usize, size.1 as usize);
        if ![size.0, size.1].iter().all(|side| (1..=MAX_SIDE).contains(side)) {
            return Err(Error::argument(format!("size: expected sides from 1 to {MAX_SIDE}, got {height}x{width}")));
        }
        if request.groups.is_empty() || request.groups.iter().any(|g| g.members.is_empty()) {
            return Err(Error::argument("expected at least one picture to make, got none; add a row or a column"));
        }
        let max_steps = if request.fit_steps { facts.scheduler.num_train_timesteps as usize } else { usize::MAX };
        let schedule = |group: &RequestGroup| {
            let asked = ScheduleRequest { steps: group.schedule.steps.min(max_steps), ..group.schedule.clone() };
            let whole = Schedule::new(&facts.scheduler, &asked)?;
            let wanted = whole.steps.len();
            let steps = if let Kind::Draft(budget) = request.kind { budget.steps(wanted, step) } else { wanted };
            // Placed as τ places them.
            Ok(Arc::new(if steps == wanted { whole } else { Schedule::new(&facts.scheduler, &asked.thinned(steps))? }))
        };
        let schedules = request.groups.iter().map(schedule).collect::<Result<Vec<_>>>()?;
        let steps = schedules.iter().map(|s| s.steps.len()).max().unwrap_or(0);
        let members = request.groups.iter().map(|g| g.members.len()).max().unwrap_or(0);
        // A size that fits no memory shows here, before x_T is drawn and anything is promised.
        engine.network(engine.batch(members), size, steps)?;
        let mut torch = TorchLatents::default();
        let classes = ClassLabel::classes(request.class, facts.classes)?;
        let begin = |(group, schedule): (&RequestGroup, Arc<Schedule>)| -> Result<Group> {
            let mut x_t = Vec::with_capacity(group.members.len() * channels * height * width);
            for member in &group.members {
                x_t.extend(member.latent.x_t(channels, height, width, &mut torch)?);
            }
            let key = |member: &Member| ImageKey { seed: member.noise_seed, image: member.image, class: classes.of(member.image) };
            let torch = group.torch()?.map(|(seed, count)| TorchDraws::new(seed, count as usize * channels * height * width));
            Ok(Group::new(schedule, group.members.iter().map(key).collect(), x_t).with_noise_of(torch))
        };
        let groups = request.groups.iter().zip(schedules).map(begin).collect::<Result<Vec<_>>>()?;
        let detail = match request.keep {
            Keep::Trajectory => Detail::new(steps, members * height * width * 3),
            Keep::Latest => Detail { terms: false, every: 1 },
        };
        let drawn = facts.drawn(size);
        let before: Vec<_> = groups.iter().map(|group| Shown::new(drawn, &group.x)).collect();
        let plan = Plan {
            id: request.id,
            model: facts,
            size,
            schedules: groups.iter().map(|group| group.schedule.clone()).collect(),
            latent_rms: before.iter().map(|before| before.rms.clone()).collect(),
            every: detail.every,
        };
        let clock = engine.clock().clone();
        let groups = Groups::new(engine, size, groups)?.beginning_with(request.first);
        Ok(Self {
            request: Arc::new(request),
            plan,
            groups,
            before,
            detail,
            step_time: Duration::ZERO,
            began: clock.now(),
            clock,
            steps_shown: 0,
            losses: 0,
        })
    }

    /// What was accepted.
    pub(super) fn plan(&self) -> Plan {
        self.plan.clone()
    }

    /// Whether every group is done.
    pub(super) fn is_done(&self) -> bool {
        self.groups.is_done()
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
        (!self.step_time.is_zero()).then(|| self.step_time * self.groups.steps_left() as u32)
    }

    /// Takes a step of the group that is furthest behind. `stop` is asked between parts of a large batch; `None` where it stopped.
    ///
    /// # Errors
    /// A device fault, which leaves the run as it was before the step; a result that is not finite.
    pub(super) async fn advance(&mut self, engine: &mut Engine, stop: &dyn Fn() -> bool) -> Result<Option<StepUpdate>> {
        let (keep, detail) = (self.request.keep, self.detail);
        let totals: Vec<usize> = self.plan.schedules.iter().map(|schedule| schedule.steps.len()).collect();
        let is_shown =
            |group: usize, index: usize| index + 1 == totals[group] || keep == Keep::Latest || index.is_multiple_of(detail.every);
        let reads = |group: usize, index: usize| match keep {
            Keep::Latest => Reads::PICTURES,
            Keep::Trajectory if is_shown(group, index) => Reads { model: true, noise: detail.terms, ..Reads::PICTURES },
            Keep::Trajectory => Reads { x: true, ..Reads::default() },
        };
        let Some(step) = self.groups.turn(engine, &reads, stop).await? else { return Ok(None) };
        let drawn = self.plan.model.drawn(self.plan.size);
        let coefficients = &self.plan.schedules[step.group].steps[step.index];
        let total = totals[step.group];
        let (last, shown) = (step.index + 1 == total, is_shown(step.group, step.index));
        let after = Shown::new(drawn, &step.tensors.x);
        let before = std::mem::replace(&mut self.before[step.group], after.clone());
        let records = if shown { step_record::records(drawn, &step, coefficients, detail.terms, &before) } else { Vec::new() };
        let spread = (keep == Keep::Latest && before.rms.len() > 1).then(|| {
            let values = if last { &step.tensors.x } else { &step.tensors.x0 };
            step_record::spread(drawn, values)
        });
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
            spread,
        }))
    }
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
