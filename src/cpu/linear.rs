//! Twin of shaders/linear.wgsl.

use super::{
    activation::activate,
    matmul::{Left, Product, Right},
    memory::Scratch,
    team::for_each,
};
use crate::program::{LinearParams, StepParams};

/// output = activation(input)·weights + bias for the first `step.rows` rows.
pub fn linear(p: &LinearParams, step: &StepParams, input: &[f32], weights: &[f32], bias: &[f32], output: &mut [f32]) {
    let (depth, columns) = (p.in_c4 as usize * 4, p.out_c4 as usize * 4);
    let rows = (step.rows as usize).min(output.len() / columns);
    const PIECE: usize = 24;
    for_each(output[..rows * columns].chunks_mut(columns * PIECE).zip(input.chunks(depth * PIECE)), |(out, x)| {
        let rows = out.len() / columns;
        let mut activated = Scratch::new(rows * depth);
        activated.copy_from_slice(&x[..rows * depth]);
        activate(p.activation, &mut activated);
        Product {
            left: Left::matrix(&activated, depth, depth),
            right: Right { values: weights, stride: columns, transposed: false },
            rows,
            columns,
            summand: bias,
            residual: &[],
            scale: 1.0,
        }
        .write(out, columns);
    });
}
