//! Twin of shaders/group_norm_fold.wgsl.

use super::{parallel::piece, team::for_each};
use crate::program::{GroupNormParams, StepParams};

/// Group statistics from the partials, folded with γ, β and the time embedding into a factor and a summand per channel.
pub fn group_norm_fold(p: &GroupNormParams, step: &StepParams, partials: &[f32], affine: &[f32], temb: &[f32], folded: &mut [f32]) {
    let width = (p.a_c4 + p.b_c4) as usize * 4;
    let size = piece(p.batch as usize, p.chunks as usize * width / 2);
    for_each(folded.chunks_mut(size * 2 * width).enumerate(), |(i, folded)| {
        for (image, folded) in (i * size..).zip(folded.chunks_exact_mut(2 * width)) {
            let partials = &partials[image * p.chunks as usize * 2 * width..][..p.chunks as usize * 2 * width];
            let row = step.row_base as usize + image * step.row_stride as usize;
            let time = (row * p.temb_stride as usize + p.temb_offset as usize) * 4;
            fold_image(p, partials, affine, temb.get(time..).unwrap_or_default(), folded);
        }
    });
}

/// The factors and summands of one image.
fn fold_image(p: &GroupNormParams, partials: &[f32], affine: &[f32], temb: &[f32], folded: &mut [f32]) {
    let width = folded.len() / 2;
    let total = p.pixels as f32 * (p.channels / p.groups) as f32;
    let chunks = || {
        partials.chunks_exact(2 * width).enumerate().map(|(k, chunk)| {
            let count = (p.pixels as usize - k * p.chunk as usize).min(p.chunk as usize) as f32;
            (count, chunk.split_at(width))
        })
    };
    // The two halves of the result hold the groups' means, then their squared deviations, until the end.
    let (means, squares) = folded.split_at_mut(width);
    means.fill(0.0);
    for (count, (mean, _)) in chunks() {
        for (sum, m) in means.iter_mut().zip(mean) {
            *sum += count * m;
        }
    }
    sum_groups(p, means);
    means.iter_mut().for_each(|m| *m /= total);
    // Chan's combination of partial variances.
    squares.fill(0.0);
    for (count, (mean, deviation)) in chunks() {
        for (((sum, m), d), all) in squares.iter_mut().zip(mean).zip(deviation).zip(&*means) {
            *sum += d + count * (m - all) * (m - all);
        }
    }
    sum_groups(p, squares);
    for at in 0..width {
        let mut factor = affine[at] / (squares[at] / total + p.eps).sqrt();
        let mut summand = affine[width + at] - means[at] * factor;
        if p.scale_shift != 0 {
            // With scale_shift there is one source, so the shift's C4 begin right after the scale's.
            let scale = 1.0 + temb[at];
            factor *= scale;
            summand = summand * scale + temb[width + at];
        }
        (means[at], squares[at]) = (factor, summand);
    }
    let (a, a_width, channels) = (p.a_c as usize, p.a_c4 as usize * 4, p.channels as usize);
    for padding in [a..a_width, a_width + channels - a..width] {
        means[padding.clone()].fill(0.0);
        squares[padding].fill(0.0);
    }
}

/// Puts in the place of each channel the sum over its group.
fn sum_groups(p: &GroupNormParams, values: &mut [f32]) {
    // Where a real channel lies in the padded concatenation.
    let place = |c: usize| if c < p.a_c as usize { c } else { p.a_c4 as usize * 4 + c - p.a_c as usize };
    let size = (p.channels / p.groups) as usize;
    for first in (0..p.channels as usize).step_by(size) {
        let sum: f32 = (first..first + size).map(|c| values[place(c)]).sum();
        (first..first + size).for_each(|c| values[place(c)] = sum);
    }
}
