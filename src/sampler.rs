//! The DDIM loop: program + steps + noise -> tensors of every step. Pure: x_T and the noise come in, a callback sees each step.
//!
//! The same loop encodes (DDIM inversion) when it is given [`crate::schedule::Schedule::encode`]'s steps and a picture as x.
//!
//! A step is submitted and collected in two calls, [`submit_step`] and [`collect_step`]: where the device computes while the host goes
//! on, the next step is on its way before the host looks at this one.

mod inputs;
mod not_finite;

pub use inputs::{Classes, ImageKey, StepNoise, prepare, seed_changes, write_keys, write_keys_for, write_nchw};
pub use not_finite::NotFinite;

use crate::{
    error::{Error, Result},
    program::{Executor, Handles, Stage, StepParams, TensorId, Ticket, layout},
    schedule::StepCoefficients,
};
use inputs::write_timesteps;
use std::{collections::VecDeque, ops::Range};

/// Whether to go on after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Take the next step.
    Continue,
    /// Stop here; [`run`] returns [`Error::Cancelled`].
    Stop,
}

/// Which tensors of a step the host reads. Nothing but what is asked for leaves the device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reads {
    /// x_s, the latent after the step.
    pub x: bool,
    /// The predicted x0 that the step used, after clipping.
    pub x0: bool,
    /// The network's output.
    pub model: bool,
    /// The noise z, where the step adds some.
    pub noise: bool,
}

impl Reads {
    /// x_s and x0.
    pub const PICTURES: Self = Self { x: true, x0: true, model: false, noise: false };

    /// The tensors, in the order of [`StepTensors`]' fields.
    fn tensors(self, handles: &Handles) -> Vec<TensorId> {
        let all = [(self.x, handles.x), (self.x0, handles.x0), (self.model, handles.epsilon), (self.noise, handles.noise)];
        all.into_iter().filter(|(wanted, _)| *wanted).map(|(_, tensor)| tensor).collect()
    }
}

/// What was read of a step, each `[N, C, H, W]`; what was not asked for is empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StepTensors {
    /// x_s, the latent after the step.
    pub x: Vec<f32>,
    /// The predicted x0 that the step used, after clipping.
    pub x0: Vec<f32>,
    /// The network's output.
    pub model: Vec<f32>,
    /// The noise z.
    pub noise: Vec<f32>,
}

impl StepTensors {
    /// Appends the first `images` of `part`'s `batch` images.
    pub fn append(&mut self, part: &Self, images: usize, batch: usize) {
        let pairs =
            [(&mut self.x, &part.x), (&mut self.x0, &part.x0), (&mut self.model, &part.model), (&mut self.noise, &part.noise)];
        for (all, part) in pairs {
            all.extend_from_slice(&part[..part.len() / batch * images]);
        }
    }
}

/// A step on its way.
#[derive(Debug)]
pub struct StepTicket {
    ticket: Ticket,
    reads: Reads,
}

/// Reads a tensor as `[N, C, H, W]`.
///
/// # Errors
/// A device fault.
pub async fn read_nchw(executor: &mut dyn Executor, tensor: TensorId) -> Result<Vec<f32>> {
    let values = executor.read(tensor).await?;
    Ok(layout::c4_to_nchw(executor.program().shape(tensor), &values))
}

/// The network's output for `x` `[N, C, H, W]` at one timestep and of one class per image, `[N, C_out, H, W]`. Classes that are missing
/// are 0; a network without classes does not look at them.
///
/// # Errors
/// Lengths that do not fit the program, or a device fault.
pub async fn epsilon(
    executor: &mut dyn Executor,
    handles: &Handles,
    x: &[f32],
    timesteps: &[f32],
    classes: &[u32],
) -> Result<Vec<f32>> {
    write_timesteps(executor, handles, timesteps.iter().copied())?;
    if handles.conditional {
        let keys: Vec<_> = classes.iter().map(|&class| ImageKey { class, ..ImageKey::default() }).collect();
        write_keys(executor, handles, &keys)?;
    }
    write_nchw(executor, handles.x, x)?;
    let step = StepParams { row_stride: 1, rows: timesteps.len() as u32, ..StepParams::default() };
    let ticket = executor.submit(&[Stage::Prepare, Stage::Network], &step, &[handles.epsilon])?;
    let values = executor.collect(ticket).await?.pop().unwrap_or_default();
    Ok(layout::c4_to_nchw(executor.program().shape(handles.epsilon), &values))
}

/// x leaves the device after every so many steps, so that numbers that are not finite are noticed long before a long run ends. One
/// that is not stays so to the end.
const CHECKED: usize = 32;

/// Takes every step of `steps` from `x` `[N, C, H, W]`; returns the last x. `image_base` is the number of the first image in the
/// whole run, so that image 7 has the same noise and class in any batch. `on_step` sees of each step what `reads` asks for at its index
/// (of some x as well), and may stop the run.
///
/// # Errors
/// [`Error::Cancelled`] where `on_step` stops it; lengths that do not fit; a device fault; a result that is not finite, with the step
/// it first appeared in; whatever `on_step` returns.
pub async fn run(
    executor: &mut dyn Executor,
    handles: &Handles,
    steps: &[StepCoefficients],
    x: &[f32],
    noise: StepNoise<'_>,
    image_base: u32,
    classes: Classes,
    reads: &dyn Fn(usize) -> Reads,
    on_step: &mut dyn FnMut(usize, &StepTensors) -> Result<Flow>,
) -> Result<Vec<f32>> {
    let shape = executor.program().shape(handles.x);
    let len = (shape.batch * shape.pixels() * shape.channels) as usize;
    if let StepNoise::Given(values) = noise
        && values.len() != len * steps.len()
    {
        return Err(Error::argument(format!("expected noise of {} steps x {len} values, got {}", steps.len(), values.len())));
    }
    prepare(executor, handles, steps.iter().map(|s| s.timestep))?;
    write_nchw(executor, handles.x, x)?;
    let seed = if let StepNoise::Seed(seed) = noise { seed } else { 0 };
    let key = |image| ImageKey { seed, image, class: classes.of(image) };
    let keys: Vec<_> = (image_base..image_base + shape.batch).map(key).collect();
    let (total, most) = (steps.len(), in_flight(executor));
    let images = image_base as usize..image_base as usize + shape.batch as usize;
    let mut on_the_way = VecDeque::new();
    // The newest x that is known to be finite, and the steps it has behind it.
    let mut good = (0, x.to_vec());
    for (index, coefficients) in steps.iter().enumerate() {
        let mut wanted = reads(index);
        wanted.x |= index + 1 == total || index.is_multiple_of(CHECKED);
        let at = At { index, row: index, rows: total };
        let given = noise.of_step(steps, index, images.clone(), len);
        if seed_changes(steps, index) {
            write_keys_for(executor, handles, &keys, coefficients)?;
        }
        on_the_way.push_back((index, submit_step(executor, handles, coefficients, at, given.as_deref(), wanted)?));
        while on_the_way.len() >= most || index + 1 == total {
            let Some((index, ticket)) = on_the_way.pop_front() else { break };
            let tensors = collect_step(executor, handles, ticket).await?;
            if let Some(fault) = NotFinite::of(&tensors, shape) {
                while let Some((_, ticket)) = on_the_way.pop_front() {
                    collect_step(executor, handles, ticket).await?;
                }
                let first = first_fault(executor, handles, steps, good, noise, &keys, images, index).await?;
                return Err(first.map_or_else(|| fault.error(image_base, index, steps), |(i, f)| f.error(image_base, i, steps)));
            }
            if on_step(index, &tensors)? == Flow::Stop {
                return Err(Error::Cancelled);
            }
            if !tensors.x.is_empty() {
                good = (index + 1, tensors.x);
            }
        }
    }
    Ok(good.1)
}

/// Takes the steps from the newest good x to `last` once more, each looked at, to find where the first number is that is not finite.
async fn first_fault(
    executor: &mut dyn Executor,
    handles: &Handles,
    steps: &[StepCoefficients],
    (taken, x): (usize, Vec<f32>),
    noise: StepNoise<'_>,
    keys: &[ImageKey],
    images: Range<usize>,
    last: usize,
) -> Result<Option<(usize, NotFinite)>> {
    let shape = executor.program().shape(handles.x);
    write_nchw(executor, handles.x, &x)?;
    for index in taken..last {
        let at = At { index, row: index, rows: steps.len() };
        let given = noise.of_step(steps, index, images.clone(), x.len());
        if index == taken || seed_changes(steps, index) {
            write_keys_for(executor, handles, keys, &steps[index])?;
        }
        let ticket = submit_step(executor, handles, &steps[index], at, given.as_deref(), Reads::PICTURES)?;
        if let Some(fault) = NotFinite::of(&collect_step(executor, handles, ticket).await?, shape) {
            return Ok(Some((index, fault)));
        }
    }
    Ok(None)
}

/// Steps that are worth having on their way at once: two where the device computes while the host looks at the one before.
pub fn in_flight(executor: &dyn Executor) -> usize {
    if executor.runs_ahead() { 2 } else { 1 }
}

/// Where in a run a step stands.
#[derive(Clone, Copy, Debug, Default)]
pub struct At {
    /// Index of the step, from 0: it counts the noise.
    pub index: usize,
    /// The step's row among those [`prepare`] was given.
    pub row: usize,
    /// How many rows those were.
    pub rows: usize,
}

/// Submits one step from the x that the executor holds, which it replaces. Its noise is drawn on the device from the keys last
/// written, unless it is given, `[N, C, H, W]`.
///
/// # Errors
/// A length that does not fit, or a device fault.
pub fn submit_step(
    executor: &mut dyn Executor,
    handles: &Handles,
    coefficients: &StepCoefficients,
    at: At,
    given: Option<&[f32]>,
    reads: Reads,
) -> Result<StepTicket> {
    let adds_noise = coefficients.next_from_noise != 0.0;
    let mut stages = vec![Stage::Network];
    let mut params = step_params(coefficients, at);
    if handles.conditional {
        let images = executor.program().shape(handles.x).batch;
        write_timesteps(executor, handles, (0..images as usize).map(|_| coefficients.timestep))?;
        stages.insert(0, Stage::Prepare);
        params = StepParams { row_base: 0, row_stride: 1, rows: images, ..params };
    }
    match given {
        Some(values) if adds_noise => write_nchw(executor, handles.noise, values)?,
        None if adds_noise => stages.push(Stage::Noise),
        _ => {}
    }
    if coefficients.threshold.is_some() {
        stages.push(Stage::Threshold);
    }
    stages.push(Stage::Update);
    let reads = Reads { noise: reads.noise && adds_noise, ..reads };
    let ticket = executor.submit(&stages, &params, &reads.tensors(handles))?;
    Ok(StepTicket { ticket, reads })
}

/// Waits for a step and takes what was asked for of it.
///
/// # Errors
/// A device fault.
pub async fn collect_step(executor: &mut dyn Executor, handles: &Handles, step: StepTicket) -> Result<StepTensors> {
    let values = executor.collect(step.ticket).await?;
    let mut read = step.reads.tensors(handles).into_iter().zip(values);
    let program = executor.program();
    let mut next = |wanted: bool| {
        let found = if wanted { read.next() } else { None };
        found.map_or_else(Vec::new, |(tensor, values)| layout::c4_to_nchw(program.shape(tensor), &values))
    };
    let Reads { x, x0, model, noise } = step.reads;
    Ok(StepTensors { x: next(x), x0: next(x0), model: next(model), noise: next(noise) })
}

/// A step's numbers as the kernels read them.
fn step_params(c: &StepCoefficients, at: At) -> StepParams {
    StepParams {
        row_base: at.row as u32,
        row_stride: 0,
        rows: at.rows as u32,
        step: at.index as u32,
        flags: u32::from(c.clip.is_some()) | u32::from(c.threshold.is_some()) << 1,
        a: [c.x0_from_x, c.x0_from_model, c.epsilon_from_x, c.epsilon_from_model].map(|v| v as f32),
        b: c.update().map(|v| v as f32),
        c: [c.clip.unwrap_or(0.0), c.threshold.map_or(0.0, |t| t.ratio), c.threshold.map_or(0.0, |t| t.max), 0.0].map(|v| v as f32),
        path_start: c.path.map_or(0, |path| path.start),
        path_end: c.path.map_or(0, |path| path.end),
        path_span: c.path.map_or(0, |path| path.span),
    }
}
