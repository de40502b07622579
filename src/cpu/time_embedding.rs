//! Twin of shaders/time_embedding.wgsl.

use crate::program::{StepParams, TimeEmbeddingParams};

/// Rows of [sin, cos] of t·exp(-ln 10⁴·i/(half - freq_shift)), swapped where `flip` is set.
pub fn time_embedding(p: &TimeEmbeddingParams, step: &StepParams, timesteps: &[f32], frequencies: &[f32], output: &mut [f32]) {
    let (half, columns) = (p.half as usize, p.out_c4 as usize * 4);
    for (row, t) in output.chunks_exact_mut(columns).zip(timesteps.iter().step_by(4)).take(step.rows as usize) {
        row.fill(0.0);
        for (i, frequency) in frequencies[..half].iter().enumerate() {
            let (sin, cos) = (t * frequency).sin_cos();
            let (first, second) = if p.flip != 0 { (cos, sin) } else { (sin, cos) };
            row[i] = first;
            row[half + i] = second;
        }
    }
}
