//! Twin of shaders/group_norm_apply.wgsl.

use super::{activation::activate, parallel::piece, simd::vectorised, team::for_each};
use crate::program::GroupNormParams;

/// output = activation(x·factor + summand) on the concatenation of a and b.
pub fn group_norm_apply(p: &GroupNormParams, a: &[f32], b: &[f32], folded: &[f32], output: &mut [f32]) {
    let (a_width, b_width) = (p.a_c4 as usize * 4, p.b_c4 as usize * 4);
    let width = a_width + b_width;
    let pixels = p.pixels as usize;
    let size = piece(output.len() / width, width * 2);
    for_each(output.chunks_mut(size * width).enumerate(), |(i, out)| {
        vectorised(
            #[inline(always)]
            || {
                for (pixel, out) in (i * size..).zip(out.chunks_exact_mut(width)) {
                    let (factor, summand) = folded[pixel / pixels * 2 * width..][..2 * width].split_at(width);
                    let (out_a, out_b) = out.split_at_mut(a_width);
                    scale(out_a, &a[pixel * a_width..], factor, summand);
                    if b_width > 0 {
                        scale(out_b, &b[pixel * b_width..], &factor[a_width..], &summand[a_width..]);
                    }
                    activate(p.activation, out);
                }
            },
        );
    });
}

/// out = x·factor + summand.
#[inline(always)]
fn scale(out: &mut [f32], x: &[f32], factor: &[f32], summand: &[f32]) {
    for (((out, x), factor), summand) in out.iter_mut().zip(x).zip(factor).zip(summand) {
        *out = x * factor + summand;
    }
}
