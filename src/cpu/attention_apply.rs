//! Twin of shaders/attention_apply.wgsl.

use super::matmul::{Matrix, Strided, product};
use crate::program::AttentionParams;
use rayon::prelude::*;

/// output[i, head g] = Σ_j p[g, i, j]·v[j, head g] for the chunk's groups and rows.
pub fn attention_apply(p: &AttentionParams, qkv: &[f32], scores: &[f32], output: &mut [f32]) {
    let (tokens, head, heads) = (p.tokens as usize, p.head_c4 as usize * 4, p.heads as usize);
    let (width, row, rows) = (3 * heads * head, p.tokens4 as usize * 4, p.rows as usize);
    // Groups interleave in the output's rows, so each group's result is made apart and then put in its place.
    let results: Vec<Vec<f32>> = (0..p.groups as usize)
        .into_par_iter()
        .map(|g| {
            let group = p.group_base as usize + g;
            let values = &qkv[group / heads * tokens * width + (2 * heads + group % heads) * head..];
            let mut out = vec![0.0; rows * head];
            let probabilities = Matrix { values: &scores[g * rows * row..], stride: row };
            product(probabilities, Strided { values, row: width, column: 1 }, rows, tokens, head, &mut out, head, 1.0);
            out
        })
        .collect();
    for (g, result) in results.iter().enumerate() {
        let group = p.group_base as usize + g;
        let (image, h) = (group / heads, group % heads);
        for (i, values) in result.chunks_exact(head).enumerate() {
            let at = ((image * tokens + p.row_base as usize + i) * heads + h) * head;
            output[at..at + head].copy_from_slice(values);
        }
    }
}
