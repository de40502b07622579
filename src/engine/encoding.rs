//! Encoding: pictures to the latents that lead to them, through the same networks as sampling.

use super::{
    groups::GroupStep,
    sampling::{Engine, OnImages, OnStep, Run, padded},
};
use crate::{
    error::{Error, Result},
    program::Shape,
    sampler::{Classes, Flow, NotFinite, Reads, StepNoise, StepTensors},
    schedule::{FixedPoint, Schedule, StepCoefficients},
};
use std::{ops::Range, sync::Arc};

/// The pictures of a run of [`Engine::encode`].
#[derive(Clone, Copy)]
pub struct Encode<'a> {
    /// How many.
    pub images: usize,
    /// Height and width.
    pub size: (u32, u32),
    /// What [`Schedule::encode`] made.
    pub schedule: &'a Schedule,
    /// Some of the pictures, `[n, C, H, W]` in [-1, 1].
    pub x_0: &'a dyn Fn(Range<usize>) -> Vec<f32>,
    /// The class of each.
    pub classes: Classes,
    /// Passes of [`FixedPoint`] after each step; 0 leaves the step as its convention has it.
    pub refine: usize,
}

impl Encode<'_> {
    /// Evaluations of the network for each image.
    pub fn evaluations(&self) -> usize {
        self.schedule.steps.len() * (1 + self.refine)
    }
}

impl Engine {
    /// Encodes all pictures of `run`, some at a time. `on_step` sees the x of each step of each part and may stop the run;
    /// `on_images` takes x_T.
    ///
    /// # Errors
    /// As [`Engine::sample`].
    pub async fn encode(&mut self, run: &Encode<'_>, on_step: &mut OnStep<'_>, on_images: &mut OnImages<'_>) -> Result<()> {
        let &Encode { images, size, schedule, x_0, classes, refine } = run;
        let reads = |_| Reads { x: true, ..Reads::default() };
        let steps = &schedule.steps;
        if refine == 0 {
            let sample = Run { images, first: 0, size, steps, x_t: x_0, noise: StepNoise::Seed(0), classes, reads: &reads };
            return self.sample(&sample, on_step, on_images).await;
        }
        let asked = self.batch(images);
        let batch = self.network(asked, size, asked)?.batch;
        let channels = self.model().config.in_channels;
        for first in (0..images).step_by(batch) {
            let part = first..images.min(first + batch);
            let mut x = x_0(part.clone());
            let len = x.len() / part.len();
            let classes: Vec<u32> = part.clone().map(|image| classes.of(image as u32)).collect();
            for (index, step) in steps.iter().enumerate() {
                x = self.refined(&x, step, &classes, (size, batch), refine).await?;
                if let Some(fault) = NotFinite::in_images(&x, Shape::new(part.len() as u32, size.0, size.1, channels)) {
                    return Err(fault.error(first as u32, index, steps));
                }
                let tensors = StepTensors { x: x.clone(), ..StepTensors::default() };
                if on_step(part.clone(), index, &tensors)? == Flow::Stop {
                    return Err(Error::Cancelled);
                }
            }
            on_images(part.clone(), &x[..part.len() * len])?;
        }
        Ok(())
    }

    /// The x of a part of a batch after a step and its passes.
    async fn refined(
        &mut self,
        source: &[f32],
        step: &StepCoefficients,
        classes: &[u32],
        (size, batch): ((u32, u32), usize),
        refine: usize,
    ) -> Result<Vec<f32>> {
        let mut x = source.to_vec();
        let model = self.output_at(&x, step.timestep, classes, size, batch).await?;
        take(step, &mut x, &model[..source.len()]);
        let pass = FixedPoint::new(step, self.prediction());
        for _ in 0..refine {
            let model = self.output_at(&x, pass.timestep, classes, size, batch).await?;
            pass.apply(source, &mut x, &model[..source.len()]);
        }
        Ok(x)
    }

    fn prediction(&self) -> crate::schedule::Prediction {
        self.model().scheduler.as_ref().map(|scheduler| scheduler.prediction_type).unwrap_or_default()
    }

    /// The network's output for a part of a batch, all at one timestep.
    async fn output_at(&mut self, x: &[f32], timestep: f32, classes: &[u32], size: (u32, u32), batch: usize) -> Result<Vec<f32>> {
        let len = x.len() / classes.len().max(1);
        let network = self.network(batch, size, batch)?;
        network.epsilon(&padded(x, len * batch), &vec![timestep; batch], classes).await
    }
}

/// Pictures that are encoded a step at a time with passes after each, for a viewer that shows every step. Without passes
/// [`Groups`](super::Groups) take the same steps with x on the device.
#[derive(Debug)]
pub struct Encoding {
    schedule: Arc<Schedule>,
    classes: Vec<u32>,
    size: (u32, u32),
    refine: usize,
    x: Vec<f32>,
    taken: usize,
}

impl Encoding {
    /// Pictures `x_0`, `[M, C, H, W]`, one per class, by the steps of [`Schedule::encode`] with `refine` passes after each.
    pub fn new(schedule: Arc<Schedule>, classes: Vec<u32>, size: (u32, u32), refine: usize, x_0: Vec<f32>) -> Self {
        Self { schedule, classes, size, refine, x: x_0, taken: 0 }
    }

    /// Whether every step is taken.
    pub fn is_done(&self) -> bool {
        self.steps_left() == 0
    }

    /// Steps still to be taken.
    pub fn steps_left(&self) -> usize {
        self.schedule.steps.len() - self.taken
    }

    /// Takes a step; `None` where all are taken.
    ///
    /// # Errors
    /// As [`Groups::turn`](super::Groups::turn); a device fault leaves it as it was before the step.
    pub async fn turn(&mut self, engine: &mut Engine) -> Result<Option<GroupStep>> {
        let Some(step) = self.schedule.steps.get(self.taken) else { return Ok(None) };
        let clock = engine.clock().clone();
        let (began, images) = (clock.now(), self.classes.len());
        let asked = engine.batch(images);
        let batch = engine.network(asked, self.size, asked)?.batch;
        let len = self.x.len() / images.max(1);
        let mut x = Vec::with_capacity(self.x.len());
        for (source, classes) in self.x.chunks(len * batch).zip(self.classes.chunks(batch)) {
            x.extend(engine.refined(source, step, classes, (self.size, batch), self.refine).await?);
        }
        let channels = engine.model().config.in_channels;
        if let Some(fault) = NotFinite::in_images(&x, Shape::new(images as u32, self.size.0, self.size.1, channels)) {
            return Err(fault.error(0, self.taken, &self.schedule.steps));
        }
        let x_t = std::mem::replace(&mut self.x, x.clone());
        let index = self.taken;
        self.taken += 1;
        let duration = clock.now().saturating_sub(began);
        Ok(Some(GroupStep { group: 0, index, x_t, tensors: StepTensors { x, ..StepTensors::default() }, duration }))
    }
}

/// The step as the kernel takes it, on the host.
fn take(step: &StepCoefficients, x: &mut [f32], model: &[f32]) {
    for (x, m) in x.iter_mut().zip(model) {
        let (at, m) = (f64::from(*x), f64::from(*m));
        let x0 = step.x0_from_x * at + step.x0_from_model * m;
        let x0 = step.clip.map_or(x0, |range| x0.clamp(-range, range));
        let epsilon = step.epsilon_from_x * at + step.epsilon_from_model * m;
        *x = (step.next_from_x * at + step.next_from_x0 * x0 + step.next_from_epsilon * epsilon) as f32;
    }
}
