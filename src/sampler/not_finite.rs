//! Numbers that are not finite.

use super::StepTensors;
use crate::{error::Error, program::Shape, schedule::StepCoefficients};

/// A number that is not finite in what was read of a step: NaN must not become a picture, nor a file of numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NotFinite {
    /// Which of the batch's images.
    image: usize,
    /// The first such number.
    value: f32,
}

impl NotFinite {
    /// The first in any of `tensors`.
    pub fn of(tensors: &StepTensors, shape: Shape) -> Option<Self> {
        [&tensors.x, &tensors.x0, &tensors.model, &tensors.noise].into_iter().find_map(|values| Self::in_images(values, shape))
    }

    /// The first in `values`, `[N, C, H, W]` with pixels and channels as in `shape`.
    pub fn in_images(values: &[f32], shape: Shape) -> Option<Self> {
        let at = values.iter().position(|v| !v.is_finite())?;
        Some(Self { image: at / ((shape.pixels() * shape.channels) as usize).max(1), value: values[at] })
    }

    /// Which of the batch's images.
    pub fn image(self) -> usize {
        self.image
    }

    /// The error for the step of an index; `image_base` is the number of the batch's first image.
    pub fn error(self, image_base: u32, index: usize, steps: &[StepCoefficients]) -> Error {
        let t = steps.get(index).map_or(0.0, |step| step.timestep);
        self.error_at(image_base, &format!("step {} of {} (t = {t})", index + 1, steps.len()))
    }

    /// The error for a place that has a name.
    pub fn error_at(self, image_base: u32, place: &str) -> Error {
        Error::argument(format!(
            "image {}, {place}: expected finite numbers from the network, got {}; try --precision f32 if this was f16, which ends at \
             65504, else its weights may be damaged",
            image_base as usize + self.image,
            self.value
        ))
    }
}
