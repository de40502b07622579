//! The engine, and how it takes images through all their steps.

use super::programs::{AroundExecutor, Network, Programs};
use crate::{
    backend::Backend,
    error::{Error, Result},
    model::Model,
    platform::Clock,
    program::{Precision, Shape},
    sampler::{self, Classes, Flow, NotFinite, Reads, StepNoise, StepTensors},
    schedule::StepCoefficients,
};
use std::{
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// A model on a device.
pub struct Engine {
    model: Arc<Model>,
    backend: Backend,
    programs: Programs,
    clock: Clock,
    /// Images at a time, where fewer than suit the device are asked for or memory has run out before.
    max_batch: Option<usize>,
    /// Images at a time of the program that was used last.
    last_batch: usize,
    /// Changes with everything that the parts of [`Groups`] depend on.
    pub(super) epoch: u64,
}

/// The images of a run of [`Engine::sample`].
#[derive(Clone, Copy)]
pub struct Run<'a> {
    /// How many.
    pub images: usize,
    /// The number of the first, which counts the noise.
    pub first: u32,
    /// Height and width.
    pub size: (u32, u32),
    /// The steps they all take.
    pub steps: &'a [StepCoefficients],
    /// x_T of some of them, `[n, C, H, W]`.
    pub x_t: &'a dyn Fn(Range<usize>) -> Vec<f32>,
    /// z of every step, `[K, N, C, H, W]`, or the seed it is drawn from, or who is asked for it by the images' numbers.
    pub noise: StepNoise<'a>,
    /// The class of each.
    pub classes: Classes,
    /// What the callback sees of the step of an index.
    pub reads: &'a dyn Fn(usize) -> Reads,
}

/// Sees a step of some images: which they are, the step's index, what was asked for of it.
pub type OnStep<'a> = dyn FnMut(Range<usize>, usize, &StepTensors) -> Result<Flow> + 'a;

/// Takes finished images: which they are, and the last x, `[n, C, H, W]`.
pub type OnImages<'a> = dyn FnMut(Range<usize>, &[f32]) -> Result<()> + 'a;

impl Engine {
    /// A model on a device; nothing is allocated yet.
    pub fn new(model: Arc<Model>, backend: Backend, precision: Precision) -> Self {
        Self {
            model,
            backend,
            programs: Programs::new(precision),
            clock: Clock::default(),
            max_batch: None,
            last_batch: 1,
            epoch: unique(),
        }
    }

    /// Measures its steps by `clock`, and puts `around` around every executor.
    pub fn with(mut self, clock: Clock, around: Option<AroundExecutor>) -> Self {
        (self.clock, self.programs.around) = (clock, around);
        self
    }

    /// What measures its steps.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The model.
    pub fn model(&self) -> &Arc<Model> {
        &self.model
    }

    /// The device.
    pub fn backend(&self) -> &Backend {
        &self.backend
    }

    /// Lets no more than `max` images be computed at a time, whatever suits the device; `None` is as many as suit it.
    pub fn limit_batch(&mut self, max: Option<usize>) {
        (self.max_batch, self.epoch) = (max.map(|max| max.max(1)), unique());
    }

    /// The limit that is set.
    pub fn batch_limit(&self) -> Option<usize> {
        self.max_batch
    }

    /// Halves the images at a time from now on: memory may be what is short.
    pub fn shrink(&mut self) {
        self.programs.clear();
        self.limit_batch(Some(self.last_batch / 2));
    }

    /// Images at a time for `images` of them: as many as suit the device, in equal parts.
    pub fn batch(&self, images: usize) -> usize {
        let suits = self.backend.default_batch() as usize;
        let max = self.max_batch.unwrap_or(suits);
        images.div_ceil(images.div_ceil(max.max(1)).max(1)).max(1)
    }

    /// The network for `batch` images at a time (perhaps fewer, where they do not fit the device: [`Network::batch`]) of `size`, with
    /// room for the embeddings of `rows` timesteps. Of a network that learns its variance it has the prediction alone.
    ///
    /// # Errors
    /// As [`Backend::record`] and [`Backend::executor`].
    pub fn network(&mut self, batch: usize, size: (u32, u32), rows: usize) -> Result<&mut Network> {
        self.last_batch = batch;
        self.programs.network(&self.backend, &self.model, batch, size, rows, true)
    }

    /// The network's output for each of the images `x` `[N, C, H, W]` of `size` at the timestep and of the class of its own,
    /// `[N, C_out, H, W]`. Without classes that list may be empty.
    ///
    /// # Errors
    /// As [`Self::network`]; a length that does not fit; a device fault; a result that is not finite.
    pub async fn epsilon(&mut self, x: &[f32], timesteps: &[f32], classes: &[u32], size: (u32, u32)) -> Result<Vec<f32>> {
        let images = timesteps.len();
        if images == 0 || !x.len().is_multiple_of(images) {
            return Err(Error::argument(format!("expected one timestep per image, got {images} for {} numbers", x.len())));
        }
        let len = x.len() / images;
        let batch = self.batch(images);
        // Whoever compares it with another implementation compares all its outputs.
        self.last_batch = batch;
        let network = self.programs.network(&self.backend, &self.model, batch, size, batch, false)?;
        let mut all = Vec::new();
        for first in (0..images).step_by(network.batch) {
            let now = network.batch.min(images - first);
            let mut timesteps = timesteps[first..first + now].to_vec();
            timesteps.resize(network.batch, 0.0);
            let x = padded(&x[first * len..(first + now) * len], len * network.batch);
            let classes = classes.get(first..first + now).unwrap_or_default();
            let output = network.epsilon(&x, &timesteps, classes).await?;
            let output = &output[..output.len() / network.batch * now];
            // A shape of as many numbers as one image's output has.
            let shape = Shape::new(now as u32, size.0, size.1, (output.len() / now) as u32 / (size.0 * size.1).max(1));
            if let Some(fault) = NotFinite::in_images(output, shape) {
                return Err(fault.error_at(first as u32, &format!("t = {}", timesteps[fault.image()])));
            }
            all.extend_from_slice(output);
        }
        Ok(all)
    }

    /// Images at a time that [`Self::sample`] will compute of `run`.
    ///
    /// # Errors
    /// As [`Self::network`].
    pub fn sample_batch(&mut self, run: &Run) -> Result<usize> {
        let batch = self.batch(run.images);
        Ok(self.network(batch, run.size, run.steps.len())?.batch)
    }

    /// Samples all images of `run`, some at a time. `on_step` sees each step of each part and may stop the run; `on_images` takes the
    /// finished ones.
    ///
    /// # Errors
    /// [`Error::Cancelled`] where `on_step` stops it; as [`Self::network`] and [`sampler::run`]; whatever the callbacks return.
    pub async fn sample(&mut self, run: &Run<'_>, on_step: &mut OnStep<'_>, on_images: &mut OnImages<'_>) -> Result<()> {
        let batch = self.batch(run.images);
        let network = self.network(batch, run.size, run.steps.len())?;
        let room = network.batch;
        for first in (0..run.images).step_by(room) {
            let images = first..run.images.min(first + room);
            let x_t = (run.x_t)(images.clone());
            let len = x_t.len() / images.len();
            let x_t = padded(&x_t, len * room);
            // Each step's noise of these images, padded as they are.
            let given = match run.noise {
                StepNoise::Given(noise) => noise
                    .chunks_exact(run.images * len)
                    .flat_map(|step| padded(&step[images.start * len..images.end * len], len * room))
                    .collect(),
                _ => Vec::new(),
            };
            let base = run.first as usize;
            let draw = |index: usize, _: Range<usize>| match run.noise {
                StepNoise::Drawn(draw) => padded(&draw(index, base + images.start..base + images.end), len * room),
                _ => Vec::new(),
            };
            let noise = match run.noise {
                StepNoise::Seed(seed) => StepNoise::Seed(seed),
                StepNoise::Given(_) => StepNoise::Given(&given),
                StepNoise::Drawn(_) => StepNoise::Drawn(&draw),
            };
            let mut step = |index: usize, tensors: &StepTensors| {
                if images.len() == room {
                    return on_step(images.clone(), index, tensors);
                }
                let mut real = StepTensors::default();
                real.append(tensors, images.len(), room);
                on_step(images.clone(), index, &real)
            };
            let (executor, handles) = network.parts();
            let x = sampler::run(
                executor,
                &handles,
                run.steps,
                &x_t,
                noise,
                run.first + first as u32,
                run.classes,
                run.reads,
                &mut step,
            )
            .await?;
            on_images(images.clone(), &x[..images.len() * len])?;
        }
        Ok(())
    }
}

/// A number that no other call returns.
pub(super) fn unique() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// `values` with zeros behind them up to `len`: images that nobody looks at.
pub(super) fn padded(values: &[f32], len: usize) -> Vec<f32> {
    let mut padded = values.to_vec();
    padded.resize(len, 0.0);
    padded
}
