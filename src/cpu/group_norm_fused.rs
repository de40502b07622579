//! Twin of shaders/group_norm_fused.wgsl: the three kernels it is made of, one after the other.

use super::{
    group_norm_apply::group_norm_apply, group_norm_fold::group_norm_fold, group_norm_stats::group_norm_stats, memory::Scratch,
};
use crate::program::{GroupNormParams, StepParams};

/// output = activation(norm(a ++ b)); layouts as in the shader.
pub fn group_norm_fused(
    p: &GroupNormParams,
    step: &StepParams,
    a: &[f32],
    b: &[f32],
    affine: &[f32],
    temb: &[f32],
    output: &mut [f32],
) {
    let width = (p.a_c4 + p.b_c4) as usize * 4;
    let mut partials = Scratch::new((p.batch * p.chunks * 2) as usize * width);
    let mut folded = Scratch::new(p.batch as usize * 2 * width);
    group_norm_stats(p, a, b, &mut partials);
    group_norm_fold(p, step, &partials, affine, temb, &mut folded);
    group_norm_apply(p, a, b, &folded, output);
}
