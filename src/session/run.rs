//! One request being carried out, step by step. Each group's x lives here between steps, not on the device: so groups with different
//! schedules advance together on one executor, and a run survives the loss of its device.

use super::{
    engine::Engine,
    event::{ModelFacts, Plan, StepRecord, StepUpdate},
    request::{Group, Keep, Request},
    step_record::{self, StepTensors},
};
use crate::{
    error::{Error, Result},
    latent,
    noise::{self, STREAM_STEP},
    picture::Picture,
    program::Shape,
    recipe::MAX_SIDE,
    sampler::{self, At, StepNoise},
    schedule::Schedule,
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// A run of a long trajectory keeps so many bytes of pictures at most.
const MAX_BYTES: usize = 64 << 20;

/// Where a group is.
struct GroupState {
    schedule: Arc<Schedule>,
    /// `[M, C, H, W]`.
    x: Vec<f32>,
    /// x as pictures, the next step's x_t.
    pictures: Vec<Arc<Picture>>,
    x_rms: Vec<f64>,
    /// Steps taken.
    index: usize,
}

/// A request on its way.
pub(super) struct Run {
    pub(super) request: Arc<Request>,
    plan: Plan,
    groups: Vec<GroupState>,
    /// Every timestep of every group once, falling: the rows of the embedding table.
    timesteps: Vec<f32>,
    detail: Detail,
    /// The newest steps' duration.
    step_time: Duration,
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
    /// Checks the request against its model and draws x_T.
    ///
    /// # Errors
    /// A device or model that does not open, a schedule out of range.
    pub(super) fn start(request: Request, engine: &mut Engine, facts: Arc<ModelFacts>) -> Result<Self> {
        let size = request.size.unwrap_or(facts.size);
        let (channels, height, width) = (facts.channels as usize, size.0 as usize, size.1 as usize);
        if ![size.0, size.1].iter().all(|side| (1..=MAX_SIDE).contains(side)) {
            return Err(Error::argument(format!("size: expected sides from 1 to {MAX_SIDE}, got {height}x{width}")));
        }
        if request.groups.is_empty() || request.groups.iter().any(|g| g.members.is_empty()) {
            return Err(Error::argument("expected at least one picture to make, got none; add a row or a column"));
        }
        let schedules = request
            .groups
            .iter()
            .map(|g| Schedule::new(&facts.scheduler, &g.schedule).map(Arc::new))
            .collect::<Result<Vec<_>>>()?;
        let mut timesteps: Vec<f32> = schedules.iter().flat_map(|s| s.steps.iter().map(|step| step.timestep)).collect();
        timesteps.sort_by(|a, b| b.total_cmp(a));
        timesteps.dedup();
        let members = request.groups.iter().map(|g| g.members.len()).max().unwrap_or(0);
        // A size that fits no memory shows here, before x_T is drawn and anything is promised.
        engine.executor(engine.batch(members), size, &timesteps)?;
        let begin = |(group, schedule): (&Group, Arc<Schedule>)| -> Result<GroupState> {
            let len = channels * height * width;
            let mut x = Vec::with_capacity(group.members.len() * len);
            for member in &group.members {
                x.extend(member.latent.x_t(channels, height, width)?);
            }
            let pictures = step_record::pictures(channels, height, width, &x);
            let x_rms = x.chunks_exact(len).map(latent::rms).collect();
            Ok(GroupState { schedule, x, pictures, x_rms, index: 0 })
        };
        let groups = request.groups.iter().zip(schedules).map(begin).collect::<Result<Vec<_>>>()?;
        let steps = groups.iter().map(|g| g.schedule.steps.len()).max().unwrap_or(0);
        let detail = match request.keep {
            Keep::Trajectory => Detail::new(steps, members * height * width * 3),
            Keep::Latest => Detail { terms: false, every: 1 },
        };
        let plan = Plan {
            id: request.id,
            model: facts,
            size,
            schedules: groups.iter().map(|g| g.schedule.clone()).collect(),
            latent_rms: groups.iter().map(|g| g.x_rms.clone()).collect(),
            every: detail.every,
        };
        Ok(Self { request: Arc::new(request), plan, groups, timesteps, detail, step_time: Duration::ZERO, losses: 0 })
    }

    /// What was accepted.
    pub(super) fn plan(&self) -> Plan {
        self.plan.clone()
    }

    /// Whether every group is done.
    pub(super) fn is_done(&self) -> bool {
        self.groups.iter().all(|g| g.index == g.schedule.steps.len())
    }

    /// How long the rest takes, by the newest step; `None` before the first.
    pub(super) fn remaining(&self) -> Option<Duration> {
        let steps: usize = self.groups.iter().map(|g| g.schedule.steps.len() - g.index).sum();
        (!self.step_time.is_zero()).then(|| self.step_time * steps as u32)
    }

    /// Takes a step of the group that is furthest behind. `stop` is asked between parts of a large batch; `None` where it stopped.
    ///
    /// # Errors
    /// A device fault, which leaves the run as it was before the step; a result that is not finite.
    pub(super) fn advance(&mut self, engine: &mut Engine, stop: &dyn Fn() -> bool) -> Result<Option<StepUpdate>> {
        let start = Instant::now();
        let behind = |g: &GroupState| g.index as f64 / g.schedule.steps.len().max(1) as f64;
        let Some(number) = (0..self.groups.len()).min_by(|a, b| behind(&self.groups[*a]).total_cmp(&behind(&self.groups[*b])))
        else {
            return Ok(None);
        };
        let (size, channels) = (self.plan.size, self.plan.model.channels as usize);
        let (height, width) = (size.0 as usize, size.1 as usize);
        let (group, state) = (&self.request.groups[number], &self.groups[number]);
        let (index, total) = (state.index, state.schedule.steps.len());
        let Some(coefficients) = state.schedule.steps.get(index) else { return Ok(None) };
        let row = self.timesteps.iter().position(|t| *t == coefficients.timestep).unwrap_or(0);
        let len = channels * height * width;
        let z = if coefficients.next_from_noise == 0.0 {
            Vec::new()
        } else {
            let mut z = vec![0.0; group.members.len() * len];
            for (member, z) in group.members.iter().zip(z.chunks_exact_mut(len)) {
                noise::fill_nchw(member.noise_seed, STREAM_STEP, member.image, index as u32, channels, height, width, z);
            }
            z
        };
        let mut done = StepTensors { x_t: &state.x, z: &z, x0: Vec::new(), model: Vec::new(), x_s: Vec::new() };
        let (mut first, members) = (0, group.members.len());
        let wanted = engine.batch(members);
        while first < members {
            if first > 0 && stop() {
                return Ok(None);
            }
            let (executor, handles, batch) = engine.executor(wanted, size, &self.timesteps)?;
            let now = batch.min(members - first);
            // The last part may be short: the executor's other places get zeros, and nobody looks at what becomes of them.
            let part = |values: &[f32]| {
                let mut part = values[first * len..(first + now) * len].to_vec();
                part.resize(batch * len, 0.0);
                part
            };
            sampler::write_nchw(executor, &handles, &part(&state.x))?;
            let at = At { index, row, rows: self.timesteps.len(), image_base: 0 };
            let z = if z.is_empty() { Vec::new() } else { part(&z) };
            sampler::step(executor, &handles, coefficients, at, StepNoise::Given(&z))?;
            for (all, tensor) in [(&mut done.x_s, handles.x), (&mut done.x0, handles.x0), (&mut done.model, handles.epsilon)] {
                all.extend_from_slice(&sampler::read_nchw(executor, tensor)?[..now * len]);
            }
            first += now;
        }
        // Every step, as every step is shown: NaN must not become a picture.
        sampler::check_finite(&done.x_s, Shape::new(members as u32, size.0, size.1, channels as u32), 0)?;
        let last = index + 1 == total;
        let shown = last || self.request.keep == Keep::Latest || index.is_multiple_of(self.detail.every);
        let after_rms: Vec<f64> = done.x_s.chunks_exact(len).map(latent::rms).collect();
        let after = step_record::pictures(channels, height, width, &done.x_s);
        let records: Vec<StepRecord> = if shown {
            let terms = self.detail.terms.then_some(coefficients);
            step_record::records(channels, height, width, &done, coefficients, terms.is_some(), &state.pictures, &state.x_rms)
        } else {
            Vec::new()
        };
        let spread = (self.request.keep == Keep::Latest && members > 1)
            .then(|| step_record::spread(channels, height, width, if last { &done.x_s } else { &done.x0 }));
        let x_s = done.x_s;
        let state = &mut self.groups[number];
        (state.x, state.index) = (x_s, index + 1);
        (state.pictures, state.x_rms) = (after.clone(), after_rms.clone());
        self.step_time = start.elapsed();
        Ok(Some(StepUpdate {
            id: self.request.id,
            group: number,
            index,
            total,
            seconds: self.step_time.as_secs_f64(),
            records,
            after: if shown { after } else { Vec::new() },
            after_rms,
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
