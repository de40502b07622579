//! The DDIM loop: program + steps + noise -> one output per step. Pure: x_T and the noise come in, a callback sees every step.
//!
//! The same loop encodes (DDIM inversion) when it is given [`crate::schedule::Schedule::encode`]'s steps and a picture as x.

use crate::{
    error::{Error, Result},
    program::{Executor, Handles, Shape, Stage, StepParams, layout},
    schedule::StepCoefficients,
};

/// Where the steps' noise z comes from.
#[derive(Clone, Copy, Debug)]
pub enum StepNoise<'a> {
    /// From counters: (seed, number of the image, index of the step).
    Seed(u64),
    /// Given for every step, `[K, N, C, H, W]`.
    Given(&'a [f32]),
}

/// Whether to go on after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Take the next step.
    Continue,
    /// Stop here; [`run`] returns [`Error::Cancelled`].
    Stop,
}

/// What the callback sees after each step. The tensors are read only where it asks for them.
pub struct Frame<'a> {
    /// Index of the step just taken, from 0.
    pub index: usize,
    /// Steps of the run.
    pub total: usize,
    /// Its coefficients.
    pub coefficients: &'a StepCoefficients,
    executor: &'a mut dyn Executor,
    handles: Handles,
}

impl Frame<'_> {
    /// x_s, `[N, C, H, W]`.
    ///
    /// # Errors
    /// A device fault.
    pub fn x(&mut self) -> Result<Vec<f32>> {
        read_nchw(self.executor, self.handles.x)
    }

    /// The predicted x0 the step used, after clipping, `[N, C, H, W]`.
    ///
    /// # Errors
    /// A device fault.
    pub fn x0(&mut self) -> Result<Vec<f32>> {
        read_nchw(self.executor, self.handles.x0)
    }
}

/// Reads a tensor as `[N, C, H, W]`.
///
/// # Errors
/// A device fault.
pub fn read_nchw(executor: &mut dyn Executor, tensor: crate::program::TensorId) -> Result<Vec<f32>> {
    let shape = executor.program().shape(tensor);
    Ok(layout::c4_to_nchw(shape, &executor.read(tensor)?))
}

/// Computes the time embedding of each of `timesteps`, which become the rows that [`step`] picks from. [`run`] and [`epsilon`] do
/// it themselves.
///
/// # Errors
/// More timesteps than the program has rows, or a device fault.
pub fn prepare(executor: &mut dyn Executor, handles: &Handles, timesteps: impl ExactSizeIterator<Item = f32>) -> Result<()> {
    let (rows, capacity) = (timesteps.len(), executor.program().shape(handles.timesteps).batch as usize);
    if rows > capacity {
        return Err(Error::argument(format!("expected at most {capacity} timesteps for this program, got {rows}")));
    }
    let mut table = vec![0.0; capacity * 4];
    for (row, t) in table.chunks_exact_mut(4).zip(timesteps) {
        row[0] = t;
    }
    executor.write(handles.timesteps, &table)?;
    let step = StepParams { rows: rows as u32, ..StepParams::default() };
    executor.run(&[Stage::Prepare], &step)
}

/// The network's output for `x` `[N, C, H, W]` at one timestep per image, `[N, C_out, H, W]`.
///
/// # Errors
/// Lengths that do not fit the program, or a device fault.
pub fn epsilon(executor: &mut dyn Executor, handles: &Handles, x: &[f32], timesteps: &[f32]) -> Result<Vec<f32>> {
    prepare(executor, handles, timesteps.iter().copied())?;
    let step = StepParams { row_stride: 1, rows: timesteps.len() as u32, ..StepParams::default() };
    write_nchw(executor, handles, x)?;
    executor.run(&[Stage::Network], &step)?;
    read_nchw(executor, handles.epsilon)
}

/// Writes x, `[N, C, H, W]`.
///
/// # Errors
/// A length that does not fit, or a device fault.
pub fn write_nchw(executor: &mut dyn Executor, handles: &Handles, x: &[f32]) -> Result<()> {
    let shape = executor.program().shape(handles.x);
    check_length(shape, x)?;
    executor.write(handles.x, &layout::nchw_to_c4(shape, x))
}

fn check_length(shape: Shape, values: &[f32]) -> Result<()> {
    let expected = (shape.batch * shape.pixels() * shape.channels) as usize;
    if values.len() == expected {
        return Ok(());
    }
    Err(Error::argument(format!("expected {expected} values for a latent of {shape}, got {}", values.len())))
}

/// Says what each image's noise is drawn from, as (seed, number of the image), one pair per image of the batch.
///
/// # Errors
/// Another number of pairs than the program has images, or a device fault.
pub fn write_members(executor: &mut dyn Executor, handles: &Handles, members: impl Iterator<Item = (u64, u32)>) -> Result<()> {
    let words: Vec<u32> = members.flat_map(|(seed, image)| [seed as u32, (seed >> 32) as u32, image, 0]).collect();
    executor.write_words(handles.members, &words)
}

/// Takes every step of `steps` from `x` `[N, C, H, W]`; returns the last x. `image_base` is the number of the first image in the
/// whole run, so that image 7 has the same noise in any batch. `on_step` sees each step and may stop the run.
///
/// # Errors
/// [`Error::Cancelled`] where `on_step` stops it; lengths that do not fit; a device fault; a result that is not finite; whatever
/// `on_step` returns.
pub fn run(
    executor: &mut dyn Executor,
    handles: &Handles,
    steps: &[StepCoefficients],
    x: &[f32],
    noise: StepNoise,
    image_base: u32,
    on_step: &mut dyn FnMut(&mut Frame) -> Result<Flow>,
) -> Result<Vec<f32>> {
    let shape = executor.program().shape(handles.x);
    let len = (shape.batch * shape.pixels() * shape.channels) as usize;
    if let StepNoise::Given(values) = noise
        && values.len() != len * steps.len()
    {
        return Err(Error::argument(format!("expected noise of {} steps x {len} values, got {}", steps.len(), values.len())));
    }
    prepare(executor, handles, steps.iter().map(|s| s.timestep))?;
    write_nchw(executor, handles, x)?;
    let total = steps.len();
    for (index, coefficients) in steps.iter().enumerate() {
        let noise = match noise {
            StepNoise::Seed(seed) => StepNoise::Seed(seed),
            StepNoise::Given(values) => StepNoise::Given(&values[index * len..(index + 1) * len]),
        };
        step(executor, handles, coefficients, At { index, row: index, rows: total, image_base }, noise)?;
        if on_step(&mut Frame { index, total, coefficients, executor, handles: *handles })? == Flow::Stop {
            return Err(Error::Cancelled);
        }
    }
    let x = read_nchw(executor, handles.x)?;
    check_finite(&x, shape, image_base)?;
    Ok(x)
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
    /// The number of the first image in the whole run.
    pub image_base: u32,
}

/// Takes one step from the x that the executor holds: x, x0 and epsilon of `handles` are the step's afterwards. Given noise is this
/// step's alone, `[N, C, H, W]`.
///
/// # Errors
/// A length that does not fit, or a device fault.
pub fn step(
    executor: &mut dyn Executor,
    handles: &Handles,
    coefficients: &StepCoefficients,
    at: At,
    noise: StepNoise,
) -> Result<()> {
    let shape = executor.program().shape(handles.x);
    let mut stages = vec![Stage::Network];
    if coefficients.next_from_noise != 0.0 {
        match noise {
            StepNoise::Seed(seed) => {
                write_members(executor, handles, (0..shape.batch).map(|image| (seed, at.image_base.wrapping_add(image))))?;
                stages.push(Stage::Noise);
            }
            StepNoise::Given(values) => {
                check_length(shape, values)?;
                executor.write(handles.noise, &layout::nchw_to_c4(shape, values))?;
            }
        }
    }
    if coefficients.threshold.is_some() {
        stages.push(Stage::Threshold);
    }
    stages.push(Stage::Update);
    executor.run(&stages, &step_params(coefficients, at))
}

/// NaN must not become a picture.
///
/// # Errors
/// An image with a value that is not finite.
pub fn check_finite(x: &[f32], shape: Shape, image_base: u32) -> Result<()> {
    let Some(bad) = x.iter().position(|v| !v.is_finite()) else { return Ok(()) };
    let image = image_base as usize + bad / (shape.pixels() * shape.channels) as usize;
    Err(Error::argument(format!(
        "image {image}: expected finite numbers from the network, got {}; its weights may be damaged, or too large for --precision f16",
        x[bad]
    )))
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
        b: [c.next_from_x, c.next_from_x0, c.next_from_epsilon, c.next_from_noise].map(|v| v as f32),
        c: [c.clip.unwrap_or(0.0), c.threshold.map_or(0.0, |t| t.ratio), c.threshold.map_or(0.0, |t| t.max), 0.0].map(|v| v as f32),
        ..StepParams::default()
    }
}
