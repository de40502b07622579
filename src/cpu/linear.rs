//! Twin of shaders/linear.wgsl.

use super::{
    activation::activate,
    matmul::{Matrix, matmul},
};
use crate::program::{LinearParams, Step};
use rayon::prelude::*;

/// output = activation(input)·weights + bias for the first `step.rows` rows.
pub fn linear(p: &LinearParams, step: &Step, input: &[f32], weights: &[f32], bias: &[f32], output: &mut [f32]) {
    let (depth, columns) = (p.in_c4 as usize * 4, p.out_c4 as usize * 4);
    let rows = (step.rows as usize).min(output.len() / columns);
    output[..rows * columns].par_chunks_mut(columns * 32).zip(input.par_chunks(depth * 32)).for_each(|(out, x)| {
        let count = out.len() / columns;
        let mut x = x[..count * depth].to_vec();
        activate(p.activation, &mut x);
        matmul(Matrix { values: &x, stride: depth }, Matrix { values: weights, stride: columns }, count, depth, columns, out);
        for row in out.chunks_exact_mut(columns) {
            row.iter_mut().zip(bias).for_each(|(y, b)| *y += b);
        }
    });
}
