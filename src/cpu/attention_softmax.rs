//! Twin of shaders/attention_softmax.wgsl.

use super::{activation::exp, parallel::piece, simd::vectorised, team::for_each};
use crate::program::AttentionParams;

/// Softmax of each row of the chunk in place; entries past the last token become zero.
pub fn attention_softmax(p: &AttentionParams, scores: &mut [f32]) {
    let (tokens, row, rows) = (p.tokens as usize, p.tokens4 as usize * 4, (p.groups * p.rows) as usize);
    for_each(scores[..rows * row].chunks_mut(piece(rows, row * 2) * row), |rows| {
        vectorised(
            #[inline(always)]
            || {
                for row in rows.chunks_exact_mut(row) {
                    let (row, padding) = row.split_at_mut(tokens);
                    softmax(row);
                    padding.fill(0.0);
                }
            },
        );
    });
}

/// With partial maxima and sums in each of 32 lanes, so that the loops vectorise.
#[inline(always)]
fn softmax(row: &mut [f32]) {
    /// What is less than e to this power of the largest is zero. It is far below the last digit of the sum, and near the least f32 there
    /// is, where processors multiply a hundred times as slowly.
    const LEAST: f32 = -64.0;
    let larger = |a: f32, b: f32| if a > b { a } else { b };
    let largest = reduce(row, f32::NEG_INFINITY, larger);
    row.iter_mut().for_each(|v| *v = if *v - largest < LEAST { 0.0 } else { exp(*v - largest) });
    let inverse = 1.0 / reduce(row, 0.0, |a, b| a + b);
    row.iter_mut().for_each(|v| *v *= inverse);
}

/// All values joined by `join`, in an order that suits vectors.
#[inline(always)]
fn reduce(values: &[f32], start: f32, join: impl Fn(f32, f32) -> f32) -> f32 {
    let (chunks, rest) = values.as_chunks::<32>();
    let mut lanes = [start; 32];
    for chunk in chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane = join(*lane, *value);
        }
    }
    lanes.iter().chain(rest).copied().fold(start, join)
}

#[cfg(test)]
mod tests {
    #[test]
    fn small_shares_are_none_and_no_number_stays_none() {
        let mut row: Vec<f32> = (0..40).map(|i| i as f32 * -2.5).collect();
        super::softmax(&mut row);
        let exact = |i: usize| (i as f64 * -2.5).exp() * (1.0 - (-2.5_f64).exp());
        for (i, value) in row.iter().enumerate() {
            assert!((f64::from(*value) - exact(i)).abs() <= 1e-6 * exact(i) + 1e-27, "{i}: {value:e}, expected {:e}", exact(i));
            assert!(*value == 0.0 || value.is_normal(), "{i}: {value:e}");
        }
        let mut row = vec![0.0, f32::NAN, 1.0];
        super::softmax(&mut row);
        assert!(row.iter().all(|value| value.is_nan()));
    }
}
