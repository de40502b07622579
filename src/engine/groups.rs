//! Groups of images that advance together, a step at a time, each group with a schedule of its own.
//!
//! x stays on the device while one group goes on. The host keeps a copy of it after every step, so that groups take turns on one
//! executor and a run survives the loss of its device. While the host looks at a step, the device computes the next one.

mod branches;

pub use branches::Stem;

use super::{
    programs::Resident,
    sampling::{Engine, padded, unique},
};
use crate::{
    error::Result,
    noise::torch::TorchDraws,
    program::Shape,
    sampler::{self, At, ImageKey, NotFinite, Reads, StepTensors, StepTicket},
    schedule::{Schedule, StepCoefficients},
};
use std::{collections::VecDeque, ops::Range, sync::Arc, time::Duration};

/// Images that take the same steps.
#[derive(Debug)]
pub struct Group {
    /// Their steps.
    pub schedule: Arc<Schedule>,
    /// What counts the noise of each.
    pub keys: Vec<ImageKey>,
    /// What draws the steps' noise in the place of the counters.
    torch: Option<TorchDraws>,
    /// Where it branches off; `None` begins at x_T.
    stem: Option<Stem>,
    /// x after the steps taken so far, `[M, C, H, W]`.
    pub x: Vec<f32>,
    /// Steps taken.
    pub taken: usize,
    /// Steps submitted, and parts of the next one.
    submitted: usize,
    submitted_parts: usize,
    /// Parts of the step on its way that were collected, and what was read of them.
    collected_parts: usize,
    collected: StepTensors,
    /// When the step on its way began, by the engine's clock.
    began: Duration,
    /// How long the device has worked for it, and for its last step.
    used: Duration,
    last: Duration,
    /// Images in a part.
    part: usize,
}

impl Group {
    /// A group at x_T, `[M, C, H, W]`, one image per key.
    pub fn new(schedule: Arc<Schedule>, keys: Vec<ImageKey>, x_t: Vec<f32>) -> Self {
        Self {
            schedule,
            keys,
            torch: None,
            stem: None,
            x: x_t,
            taken: 0,
            submitted: 0,
            submitted_parts: 0,
            collected_parts: 0,
            collected: StepTensors::default(),
            began: Duration::ZERO,
            used: Duration::ZERO,
            last: Duration::ZERO,
            part: 1,
        }
    }

    /// With the steps' noise from torch's generator, where there is one.
    pub fn with_noise_of(self, torch: Option<TorchDraws>) -> Self {
        Self { torch, ..self }
    }

    /// How long the device has worked for the steps taken.
    pub fn used(&self) -> Duration {
        self.used
    }

    /// The same with the steps on their way, and how many these are.
    fn expected(&self) -> (Duration, usize) {
        let pending = self.submitted.saturating_sub(self.taken);
        (self.used + self.last * pending as u32, pending)
    }

    /// Whether every step is taken.
    pub fn is_done(&self) -> bool {
        self.taken == self.schedule.steps.len()
    }

    fn parts(&self) -> usize {
        self.keys.len().div_ceil(self.part)
    }

    fn images(&self, part: usize) -> Range<usize> {
        part * self.part..self.keys.len().min((part + 1) * self.part)
    }

    /// Noise of the images of a part for the step of an index, padded for a batch, where it does not come from the counters.
    fn torch_noise(&self, part: usize, index: usize, batch: usize) -> Option<Vec<f32>> {
        self.schedule.steps.get(index).filter(|step| step.next_from_noise != 0.0)?;
        let (torch, len) = (self.torch.as_ref()?, self.image_len());
        let of = |key: &ImageKey| torch.noise(index, key.image as usize * len..(key.image as usize + 1) * len);
        let noise: Vec<f32> = self.keys[self.images(part)].iter().flat_map(of).collect();
        Some(padded(&noise, batch * len))
    }

    /// Numbers of one image.
    fn image_len(&self) -> usize {
        self.x.len() / self.keys.len().max(1)
    }
}

/// In which order groups take their steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// All advance together: the one that is furthest behind is the next.
    #[default]
    Together,
    /// This one takes all its steps before the others take theirs.
    First(usize),
    /// All use the device for the same time: the one that has used it less is the next. A step before all of them, which counts for none,
    /// pays for what the first step of a device costs alone.
    EqualTime,
}

/// A step that a group has taken.
#[derive(Debug)]
pub struct GroupStep {
    /// Which group.
    pub group: usize,
    /// Which step, from 0.
    pub index: usize,
    /// x before it, `[M, C, H, W]`.
    pub x_t: Vec<f32>,
    /// What was read of it; x after it always is.
    pub tensors: StepTensors,
    /// How long it took.
    pub duration: Duration,
}

/// A part of a step on its way.
struct InFlight {
    group: usize,
    part: usize,
    ticket: StepTicket,
    submitted: Duration,
}

/// Groups on their way.
pub struct Groups {
    groups: Vec<Group>,
    size: (u32, u32),
    channels: usize,
    /// Every timestep of every group once, falling: the rows of the embedding table.
    timesteps: Vec<f32>,
    order: Order,
    /// Whether the device has taken a step for nobody, where the order asks for it.
    warm: bool,
    /// Tells the x of these groups from that of others on the same executor.
    id: u64,
    /// The engine's when the groups were divided into parts.
    epoch: u64,
    in_flight: VecDeque<InFlight>,
    /// When the last step was collected.
    collected: Duration,
}

impl Groups {
    /// Groups of images of `size` on `engine`, which must have room for them: one that does not shows here, before anything is computed.
    ///
    /// # Errors
    /// As [`Engine::network`]; a branch that no earlier group comes to.
    pub fn new(engine: &mut Engine, size: (u32, u32), groups: Vec<Group>) -> Result<Self> {
        let mut timesteps: Vec<f32> = groups.iter().flat_map(|g| g.schedule.steps.iter().map(|step| step.timestep)).collect();
        timesteps.sort_by(|a, b| b.total_cmp(a));
        timesteps.dedup();
        let channels = engine.model().config.in_channels as usize;
        let (in_flight, collected) = (VecDeque::new(), engine.clock().now());
        let mut groups = Self {
            groups,
            size,
            channels,
            timesteps,
            order: Order::default(),
            warm: false,
            id: unique(),
            epoch: engine.epoch,
            in_flight,
            collected,
        };
        groups.check_stems()?;
        groups.branch_off();
        groups.restart(engine)?;
        Ok(groups)
    }

    /// Lets them take their steps in this order.
    pub fn in_order(self, order: Order) -> Self {
        Self { order, ..self }
    }

    /// The groups.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Whether every group is done.
    pub fn is_done(&self) -> bool {
        self.groups.iter().all(Group::is_done)
    }

    /// Steps still to be taken, of all groups together.
    pub fn steps_left(&self) -> usize {
        self.groups.iter().map(|g| g.schedule.steps.len() - g.taken).sum()
    }

    /// Goes back to the last whole steps and divides the groups into parts: at the start, and for another engine or one with other room.
    fn restart(&mut self, engine: &mut Engine) -> Result<()> {
        self.in_flight.clear();
        (self.epoch, self.warm) = (engine.epoch, false);
        for group in &mut self.groups {
            let asked = engine.batch(group.keys.len());
            group.part = engine.network(asked, self.size, self.timesteps.len())?.batch;
            (group.submitted, group.submitted_parts, group.collected_parts) = (group.taken, 0, 0);
            group.collected = StepTensors::default();
        }
        Ok(())
    }

    /// Takes a step of the group whose turn it is. `reads` says what is read of (group, index) beside x; `stop` is asked between
    /// the parts of a large group: `None` where it stopped, or where all is done.
    ///
    /// # Errors
    /// A device fault, which leaves the groups as they were before the step; a result that is not finite.
    pub async fn turn(
        &mut self,
        engine: &mut Engine,
        reads: &dyn Fn(usize, usize) -> Reads,
        stop: &dyn Fn() -> bool,
    ) -> Result<Option<GroupStep>> {
        if self.epoch != engine.epoch {
            self.restart(engine)?;
        }
        if self.order == Order::EqualTime && !self.warm {
            self.warm_up(engine).await?;
        }
        loop {
            self.submit(engine, reads)?;
            let Some(part) = self.in_flight.pop_front() else { return Ok(None) };
            if let Some(step) = self.collect(engine, part).await? {
                return Ok(Some(step));
            }
            if stop() {
                return Ok(None);
            }
        }
    }

    /// Takes a step that counts for nobody: what a device does once, as compiling shaders, is done then.
    async fn warm_up(&mut self, engine: &mut Engine) -> Result<()> {
        self.warm = true;
        let Some(number) = self.next() else { return Ok(()) };
        let group = &self.groups[number];
        let Some(coefficients) = group.schedule.steps.get(group.taken) else { return Ok(()) };
        let network = engine.network(engine.batch(group.keys.len()), self.size, self.timesteps.len())?;
        let batch = network.batch;
        network.prepare(&self.timesteps)?;
        network.resident = None;
        let (images, len) = (group.images(0), group.image_len());
        let given = group.torch_noise(0, group.taken, batch);
        let (executor, handles) = network.stepping();
        let x = padded(&group.x[images.start * len..images.end * len], batch * len);
        sampler::write_nchw(executor, handles.x, &x)?;
        sampler::write_keys(executor, &handles, &group.keys[images])?;
        let (at, reads) = (self.at(group.taken, coefficients), Reads { x: true, ..Reads::default() });
        let ticket = sampler::submit_step(executor, &handles, coefficients, at, given.as_deref(), reads)?;
        sampler::collect_step(executor, &handles, ticket).await?;
        self.collected = engine.clock().now();
        Ok(())
    }

    /// Submits parts of steps until as many are on their way as are worth it.
    fn submit(&mut self, engine: &mut Engine, reads: &dyn Fn(usize, usize) -> Reads) -> Result<()> {
        while let Some(number) = self.next() {
            let group = &self.groups[number];
            let (index, part) = (group.submitted, group.submitted_parts);
            let Some(coefficients) = group.schedule.steps.get(index) else { return Ok(()) };
            // Before the submission, which on the CPU is the computation itself.
            let now = engine.clock().now();
            let network = engine.network(engine.batch(group.keys.len()), self.size, self.timesteps.len())?;
            let here = Resident { groups: self.id, group: number, part, steps: index };
            let came_back = group.taken == index;
            let is_resident = network.resident == Some(here);
            let batch = network.batch;
            // The step before must have come back whole, or its x be there already.
            if self.in_flight.len() >= sampler::in_flight(network.stepping().0) || !(came_back || is_resident) {
                return Ok(());
            }
            let given = group.torch_noise(part, index, batch);
            network.prepare(&self.timesteps)?;
            let (executor, handles) = network.stepping();
            if !is_resident {
                let (images, len) = (group.images(part), group.image_len());
                let x = padded(&group.x[images.start * len..images.end * len], batch * len);
                sampler::write_nchw(executor, handles.x, &x)?;
            }
            if !is_resident || sampler::seed_changes(&group.schedule.steps, index) {
                sampler::write_keys_for(executor, &handles, &group.keys[group.images(part)], coefficients)?;
            }
            let at = self.at(index, coefficients);
            let reads = Reads { x: true, ..reads(number, index) };
            let ticket = sampler::submit_step(executor, &handles, coefficients, at, given.as_deref(), reads)?;
            network.resident = Some(Resident { steps: index + 1, ..here });
            self.in_flight.push_back(InFlight { group: number, part, ticket, submitted: now });
            let group = &mut self.groups[number];
            group.submitted_parts += 1;
            if group.submitted_parts == group.parts() {
                (group.submitted, group.submitted_parts) = (index + 1, 0);
            }
        }
        Ok(())
    }

    /// The group whose turn it is: one with a step half submitted, else as the order says.
    fn next(&self) -> Option<usize> {
        let behind = |g: &Group| g.submitted as f64 / g.schedule.steps.len().max(1) as f64;
        let numbers = 0..self.groups.len();
        let is_open = |n: &usize| self.groups[*n].has_begun() && self.groups[*n].submitted < self.groups[*n].schedule.steps.len();
        let half = numbers.clone().find(|n| self.groups[*n].submitted_parts > 0);
        let open = numbers.filter(is_open);
        half.or_else(|| match self.order {
            Order::First(first) if open.clone().any(|n| n == first) => Some(first),
            Order::EqualTime => open.min_by_key(|n| self.groups[*n].expected()),
            _ => open.min_by(|a, b| behind(&self.groups[*a]).total_cmp(&behind(&self.groups[*b]))),
        })
    }

    fn at(&self, index: usize, coefficients: &StepCoefficients) -> At {
        let row = self.timesteps.iter().position(|t| *t == coefficients.timestep).unwrap_or(0);
        At { index, row, rows: self.timesteps.len() }
    }

    /// Waits for a part; the step, where that was its last one.
    async fn collect(&mut self, engine: &mut Engine, part: InFlight) -> Result<Option<GroupStep>> {
        let clock = engine.clock().clone();
        let group = &mut self.groups[part.group];
        let network = engine.network(engine.batch(group.keys.len()), self.size, self.timesteps.len())?;
        let batch = network.batch;
        let (executor, handles) = network.stepping();
        let tensors = sampler::collect_step(executor, &handles, part.ticket).await?;
        group.collected.append(&tensors, group.images(part.part).len(), batch);
        if group.collected_parts == 0 {
            group.began = part.submitted.max(self.collected);
        }
        group.collected_parts += 1;
        if group.collected_parts < group.parts() {
            return Ok(None);
        }
        group.collected_parts = 0;
        let tensors = std::mem::take(&mut group.collected);
        // Every step, as every step is shown: NaN must not become a picture.
        let shape = Shape::new(group.keys.len() as u32, self.size.0, self.size.1, self.channels as u32);
        if let Some(fault) = NotFinite::of(&tensors, shape) {
            let first = group.keys.first().map_or(0, |key| key.image);
            return Err(fault.error(first, group.taken, &group.schedule.steps));
        }
        let x_t = std::mem::replace(&mut group.x, tensors.x.clone());
        let index = group.taken;
        group.taken += 1;
        let now = clock.now();
        let duration = now.saturating_sub(group.began);
        (group.used, group.last) = (group.used + duration, duration);
        self.collected = now;
        self.branch_off();
        Ok(Some(GroupStep { group: part.group, index, x_t, tensors, duration }))
    }
}
