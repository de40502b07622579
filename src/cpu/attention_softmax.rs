//! Twin of shaders/attention_softmax.wgsl.

use super::activation::exp;
use crate::program::AttentionParams;
use rayon::prelude::*;

/// Softmax of each row of the chunk in place; entries past the last token become zero.
pub fn attention_softmax(p: &AttentionParams, scores: &mut [f32]) {
    let (tokens, row) = (p.tokens as usize, p.tokens4 as usize * 4);
    scores[..(p.groups * p.rows) as usize * row].par_chunks_mut(row).for_each(|row| {
        let (row, padding) = row.split_at_mut(tokens);
        let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        row.iter_mut().for_each(|v| *v = exp(*v - largest));
        let inverse = 1.0 / row.iter().sum::<f32>();
        row.iter_mut().for_each(|v| *v *= inverse);
        padding.fill(0.0);
    });
}
