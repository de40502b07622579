//! Twin of shaders/gaussian.wgsl.

use crate::{
    noise::{self, PathInterval},
    program::{ImageParams, StepParams},
};
use rayon::prelude::*;

/// z ~ N(0, 1) addressed by (seed, image, step), the step being its index or an interval of the noise path; padding channels are zero.
/// `members` holds the bits of four words per image: the seed's low and high half, the image's number, one unused.
pub fn gaussian(p: &ImageParams, step: &StepParams, members: &[f32], output: &mut [f32]) {
    let (pixel_c4, image_len) = (p.c4, (p.pixels * p.c4 * 4) as usize);
    let interval = PathInterval { start: step.path_start, end: step.path_end, span: step.path_span };
    let terms = if interval.span == 0 { Vec::new() } else { interval.terms() };
    output.par_chunks_exact_mut(image_len).zip(members.as_chunks::<4>().0).for_each(|(image, member)| {
        let [low, high, number, _] = member.map(f32::to_bits);
        let seed = u64::from(low) | u64::from(high) << 32;
        for (c4, out) in (0..).zip(image.as_chunks_mut::<4>().0) {
            *out = if terms.is_empty() {
                noise::normal_c4(seed, noise::STREAM_STEP, number, step.step, c4)
            } else {
                noise::path_c4(seed, number, &terms, c4)
            };
            let real = (p.channels - c4 % pixel_c4 * 4).min(4) as usize;
            out[real..].fill(0.0);
        }
    });
}
