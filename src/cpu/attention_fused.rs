//! Twin of shaders/attention_fused.wgsl: the three kernels it is made of, one after the other.

use super::{
    attention_apply::attention_apply, attention_scores::attention_scores, attention_softmax::attention_softmax, memory::Scratch,
};
use crate::program::AttentionParams;

/// output[i, head g] = Σ_j softmax_j(scale·Σ_d q[i, d]·k[j, d])·v[j, head g] for the chunk's groups and rows.
pub fn attention_fused(p: &AttentionParams, qkv: &[f32], output: &mut [f32]) {
    let mut scores = Scratch::new((p.groups * p.rows * p.tokens4) as usize * 4);
    attention_scores(p, qkv, &mut scores);
    attention_softmax(p, &mut scores);
    attention_apply(p, qkv, &scores, output);
}
