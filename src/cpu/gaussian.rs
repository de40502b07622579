//! Twin of shaders/gaussian.wgsl.

use crate::{
    noise,
    program::{ImageParams, StepParams},
};
use rayon::prelude::*;

/// z ~ N(0, 1) addressed by (seed, image, step); padding channels are zero.
pub fn gaussian(p: &ImageParams, step: &StepParams, output: &mut [f32]) {
    let seed = u64::from(step.seed[0]) | u64::from(step.seed[1]) << 32;
    let (pixel_c4, image_len) = (p.c4, (p.pixels * p.c4 * 4) as usize);
    output.par_chunks_exact_mut(image_len).enumerate().for_each(|(n, image)| {
        for (c4, out) in (0..).zip(image.as_chunks_mut::<4>().0) {
            *out = noise::normal_c4(seed, noise::STREAM_STEP, step.image_base + n as u32, step.step, c4);
            let real = (p.channels - c4 % pixel_c4 * 4).min(4) as usize;
            out[real..].fill(0.0);
        }
    });
}
