//! Twin of shaders/group_norm_apply.wgsl.

use super::activation::activate;
use crate::program::GroupNormParams;
use rayon::prelude::*;

/// output = activation(x·factor + summand) on the concatenation of a and b.
pub fn group_norm_apply(p: &GroupNormParams, a: &[f32], b: &[f32], folded: &[f32], output: &mut [f32]) {
    let (a_width, b_width) = (p.a_c4 as usize * 4, p.b_c4 as usize * 4);
    let width = a_width + b_width;
    let pixels = p.pixels as usize;
    const PIECE: usize = 64;
    output.par_chunks_mut(PIECE * width).enumerate().for_each(|(i, out)| {
        for (pixel, out) in (i * PIECE..).zip(out.chunks_exact_mut(width)) {
            let at = pixel / pixels * 2 * width;
            let (factor, summand) = folded[at..at + 2 * width].split_at(width);
            let (out_a, out_b) = out.split_at_mut(a_width);
            let sources =
                [(out_a, &a[pixel * a_width..], 0), (out_b, if b_width > 0 { &b[pixel * b_width..] } else { b }, a_width)];
            for (out, x, from) in sources {
                for (((o, x), f), s) in out.iter_mut().zip(x).zip(&factor[from..]).zip(&summand[from..]) {
                    *o = x * f + s;
                }
            }
        }
        activate(p.activation, out);
    });
}
