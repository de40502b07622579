//! Twin of shaders/attention_scores.wgsl.

use super::{
    matmul::{Left, Product, Right},
    parallel::piece,
    team::for_each,
};
use crate::program::AttentionParams;

/// scores[g, i, j] = scale·Σ_d q[i, d]·k[j, d] for the chunk's groups and rows.
pub fn attention_scores(p: &AttentionParams, qkv: &[f32], scores: &mut [f32]) {
    let (tokens, head, heads) = (p.tokens as usize, p.head_c4 as usize * 4, p.heads as usize);
    let (width, row, rows) = (3 * heads * head, p.tokens4 as usize * 4, p.rows as usize);
    // One task: some rows of a group, not few, for each task transposes all keys.
    let size = piece(p.groups as usize * rows, tokens * head / 16).max(128).min(rows);
    let tasks = scores[..p.groups as usize * rows * row]
        .chunks_exact_mut(rows * row)
        .enumerate()
        .flat_map(move |(g, out)| out.chunks_mut(size * row).enumerate().map(move |(i, out)| (g, i * size, out)));
    for_each(tasks, |(g, first, out)| {
        let (image, h) = ((p.group_base as usize + g) / heads, (p.group_base as usize + g) % heads);
        let base = image * tokens * width + h * head;
        Product {
            left: Left::matrix(&qkv[base + (p.row_base as usize + first) * width..], width, head),
            right: Right { values: &qkv[base + heads * head..], stride: width, transposed: true },
            rows: out.len() / row,
            columns: tokens,
            summand: &[],
            residual: &[],
            scale: p.scale,
        }
        .write(out, row);
    });
}
