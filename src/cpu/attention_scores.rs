//! Twin of shaders/attention_scores.wgsl.

use super::matmul::{Matrix, Strided, product};
use crate::program::AttentionParams;
use rayon::prelude::*;

/// scores[g, i, j] = scale·Σ_d q[i, d]·k[j, d] for the chunk's groups and rows.
pub fn attention_scores(p: &AttentionParams, qkv: &[f32], scores: &mut [f32]) {
    let (tokens, head) = (p.tokens as usize, p.head_c4 as usize * 4);
    let (width, row, rows) = (3 * p.heads as usize * head, p.tokens4 as usize * 4, p.rows as usize);
    const PIECE: usize = 64;
    let pieces = rows.div_ceil(PIECE);
    let all: Vec<(usize, &mut [f32])> = scores[..p.groups as usize * rows * row]
        .chunks_exact_mut(rows * row)
        .flat_map(|g| g.chunks_mut(PIECE * row))
        .enumerate()
        .collect();
    all.into_par_iter().for_each(|(i, out)| {
        let (group, first) = (p.group_base as usize + i / pieces, i % pieces * PIECE);
        let (image, h) = (group / p.heads as usize, group % p.heads as usize);
        let base = image * tokens * width + h * head;
        let q = &qkv[base + (p.row_base as usize + first) * width..];
        let k = &qkv[base + p.heads as usize * head..];
        let keys = Strided { values: k, row: 1, column: width };
        product(Matrix { values: q, stride: width }, keys, out.len() / row, head, tokens, out, row, p.scale);
    });
}
