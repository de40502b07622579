//! Twin of shaders/class_embedding.wgsl.

use crate::program::{ClassEmbeddingParams, StepParams};

/// embedding += the row of `table` of each image's class, in place. `members` are words, kept as the bits of an f32.
pub fn class_embedding(p: &ClassEmbeddingParams, step: &StepParams, members: &[f32], table: &[f32], embedding: &mut [f32]) {
    let columns = p.c4 as usize * 4;
    let rows = embedding.chunks_exact_mut(columns).zip(members.chunks_exact(4));
    for (row, member) in rows.take(step.rows.min(p.images) as usize) {
        let class = member[3].to_bits().min(p.classes - 1) as usize;
        for (value, summand) in row.iter_mut().zip(&table[class * columns..]) {
            *value += summand;
        }
    }
}
