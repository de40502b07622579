//! Twin of shaders/gaussian.wgsl.

use super::{simd::vectorised, team::for_each};
use crate::{
    noise::{self, PathInterval},
    program::{ImageParams, StepParams},
};

/// z ~ N(0, 1) addressed by (seed, image, step), the step being its index or an interval of the noise path; padding channels are zero.
/// `members` holds the bits of four words per image: the seed's low and high half, the image's number, one unused.
pub fn gaussian(p: &ImageParams, step: &StepParams, members: &[f32], output: &mut [f32]) {
    let (pixel_c4, image_len) = (p.c4, (p.pixels * p.c4 * 4) as usize);
    let (stream, terms) = match step.path_span {
        0 => (noise::STREAM_STEP, vec![(step.step, 1.0)]),
        span => (noise::STREAM_PATH, PathInterval { start: step.path_start, end: step.path_end, span }.terms()),
    };
    for_each(output.chunks_exact_mut(image_len).zip(members.as_chunks::<4>().0), |(image, member)| {
        let [low, high, number, _] = member.map(f32::to_bits);
        let seed = u64::from(low) | u64::from(high) << 32;
        let image = image.as_chunks_mut::<4>().0;
        vectorised(|| noise::sums_c4(seed, stream, number, &terms, 0, image));
        for (c4, out) in (0..).zip(image) {
            let real = (p.channels - c4 % pixel_c4 * 4).min(4) as usize;
            out[real..].fill(0.0);
        }
    });
}
