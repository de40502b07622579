//! What goes into the device before a step: timesteps, latents, the noise z, and what tells one image from another.

use crate::{
    error::{Error, Result},
    program::{Executor, Handles, Stage, StepParams, TensorId, layout},
    schedule::StepCoefficients,
};
use std::{borrow::Cow, ops::Range};

/// Where the noise z of a whole run comes from.
#[derive(Clone, Copy)]
pub enum StepNoise<'a> {
    /// From counters: (seed, number of the image, index of the step or its interval of the noise path). A step that names a seed of its
    /// own has that.
    Seed(u64),
    /// Given for every step, `[K, N, C, H, W]`.
    Given(&'a [f32]),
    /// Asked for with a step's index and the images' numbers, `[n, C, H, W]`, the indices of a run rising.
    Drawn(&'a dyn Fn(usize, Range<usize>) -> Vec<f32>),
}

impl StepNoise<'_> {
    /// What the host knows of a step's noise, `len` values; none where the device draws it or the step adds none.
    pub(super) fn of_step(
        &self,
        steps: &[StepCoefficients],
        index: usize,
        images: Range<usize>,
        len: usize,
    ) -> Option<Cow<'_, [f32]>> {
        steps.get(index).filter(|step| step.next_from_noise != 0.0)?;
        match self {
            Self::Seed(_) => None,
            Self::Given(values) => values.get(index * len..(index + 1) * len).map(Cow::Borrowed),
            Self::Drawn(draw) => Some(Cow::Owned(draw(index, images))),
        }
    }
}

/// What tells one image of a batch from another: what counts its noise (z of a step is a function of (seed, image, index of the step
/// or its interval of the noise path)), and its class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImageKey {
    /// Seed of the steps' noise.
    pub seed: u64,
    /// The image's number in the whole run, whatever its place in the batch.
    pub image: u32,
    /// Its class, where the network has classes.
    pub class: u32,
}

/// The class of each image of a run, for a network that has classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Classes {
    /// All images are of this one; of the only one there is, where the network has none.
    One(u32),
    /// Each image's class is the next: image i has class i mod this number.
    Cycle(u32),
}

impl Default for Classes {
    fn default() -> Self {
        Self::One(0)
    }
}

impl Classes {
    /// The class of the image of this number.
    pub fn of(self, image: u32) -> u32 {
        match self {
            Self::One(class) => class,
            Self::Cycle(count) => image % count.max(1),
        }
    }
}

/// Computes the embedding of each of `timesteps`, which become the rows that [`super::submit_step`] picks from. [`super::run`] and [`super::epsilon`] do it
/// themselves; nothing is done for a network with classes, whose steps compute the rows anew, one for each image.
///
/// # Errors
/// More timesteps than the program has rows, or a device fault.
pub fn prepare(executor: &mut dyn Executor, handles: &Handles, timesteps: impl ExactSizeIterator<Item = f32>) -> Result<()> {
    if handles.conditional {
        return Ok(());
    }
    let step = StepParams { rows: timesteps.len() as u32, ..StepParams::default() };
    write_timesteps(executor, handles, timesteps)?;
    executor.submit(&[Stage::Prepare], &step, &[]).map(|_| ())
}

pub(super) fn write_timesteps(
    executor: &mut dyn Executor,
    handles: &Handles,
    timesteps: impl ExactSizeIterator<Item = f32>,
) -> Result<()> {
    let (rows, capacity) = (timesteps.len(), executor.program().shape(handles.timesteps).batch as usize);
    if rows > capacity {
        return Err(Error::argument(format!("expected at most {capacity} timesteps for this program, got {rows}")));
    }
    let mut values = vec![0.0; capacity * 4];
    for (row, t) in values.chunks_exact_mut(4).zip(timesteps) {
        row[0] = t;
    }
    executor.write(handles.timesteps, &values)
}

/// Writes a latent or its noise, `[N, C, H, W]`.
///
/// # Errors
/// A length that does not fit, or a device fault.
pub fn write_nchw(executor: &mut dyn Executor, tensor: TensorId, values: &[f32]) -> Result<()> {
    let shape = executor.program().shape(tensor);
    let expected = (shape.batch * shape.pixels() * shape.channels) as usize;
    if values.len() != expected {
        return Err(Error::argument(format!("expected {expected} values for a latent of {shape}, got {}", values.len())));
    }
    executor.write(tensor, &layout::nchw_to_c4(shape, values))
}

/// Writes what tells the images apart. The program's further images, where there are fewer keys, have the one of zeros; nobody looks
/// at them.
///
/// # Errors
/// A device fault.
pub fn write_keys(executor: &mut dyn Executor, handles: &Handles, keys: &[ImageKey]) -> Result<()> {
    let mut words = vec![0; executor.program().shape(handles.members).batch as usize * 4];
    for (words, key) in words.chunks_exact_mut(4).zip(keys) {
        words.copy_from_slice(&[key.seed as u32, (key.seed >> 32) as u32, key.image, key.class]);
    }
    executor.write_words(handles.members, &words)
}

/// Whether the step of an index has its noise from another seed than the one before it, so that [`write_keys_for`] is due.
pub fn seed_changes(steps: &[StepCoefficients], index: usize) -> bool {
    index == 0 || steps[index - 1].noise_seed != steps[index].noise_seed
}

/// Writes the keys as `step` wants them: with its own seed in the place of each image's, if it names one.
///
/// # Errors
/// A device fault.
pub fn write_keys_for(executor: &mut dyn Executor, handles: &Handles, keys: &[ImageKey], step: &StepCoefficients) -> Result<()> {
    let of_step = |key: &ImageKey| ImageKey { seed: step.noise_seed.unwrap_or(key.seed), ..*key };
    write_keys(executor, handles, &keys.iter().map(of_step).collect::<Vec<_>>())
}
