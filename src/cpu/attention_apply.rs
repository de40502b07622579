//! Twin of shaders/attention_apply.wgsl.

use super::{
    matmul::{Left, Product, Right},
    parallel::piece,
    team::for_each,
};
use crate::program::AttentionParams;

/// output[i, head g] = Σ_j p[g, i, j]·v[j, head g] for the chunk's groups and rows.
pub fn attention_apply(p: &AttentionParams, qkv: &[f32], scores: &[f32], output: &mut [f32]) {
    let (tokens, head, heads) = (p.tokens as usize, p.head_c4 as usize * 4, p.heads as usize);
    let (row, rows) = (p.tokens4 as usize * 4, p.rows as usize);
    let groups = p.group_base as usize..(p.group_base + p.groups) as usize;
    // One task: some rows of one image, all heads of the chunk, for the heads lie side by side in the output's rows.
    let size = piece(p.groups as usize * rows / heads.max(1), tokens * head * heads / 16).min(rows);
    let tasks = output
        .chunks_exact_mut(tokens * heads * head)
        .enumerate()
        .skip(groups.start / heads)
        .take(groups.end.div_ceil(heads) - groups.start / heads)
        .flat_map(move |(image, out)| {
            let out = &mut out[p.row_base as usize * heads * head..][..rows * heads * head];
            out.chunks_mut(size * heads * head).enumerate().map(move |(i, out)| (image, i * size, out))
        });
    for_each(tasks, |(image, first, out)| {
        for h in 0..heads {
            let group = image * heads + h;
            if groups.contains(&group) {
                let probabilities = &scores[((group - groups.start) * rows + first) * row..];
                let values = &qkv[image * tokens * 3 * heads * head + (2 * heads + h) * head..];
                Product {
                    left: Left::matrix(probabilities, row, tokens),
                    right: Right { values, stride: 3 * heads * head, transposed: false },
                    rows: out.len() / (heads * head),
                    columns: head,
                    summand: &[],
                    residual: &[],
                    scale: 1.0,
                }
                .write(&mut out[h * head..], heads * head);
            }
        }
    });
}
