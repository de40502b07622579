//! Twin of shaders/group_norm_stats.wgsl.

use super::{parallel::piece, simd::vectorised, team::for_each};
use crate::program::GroupNormParams;

/// Mean and sum of squared deviations of each channel over each chunk of pixels; layouts as in the shader.
pub fn group_norm_stats(p: &GroupNormParams, a: &[f32], b: &[f32], partials: &mut [f32]) {
    let (a_width, b_width) = (p.a_c4 as usize * 4, p.b_c4 as usize * 4);
    let width = a_width + b_width;
    let (pixels, chunk, chunks) = (p.pixels as usize, p.chunk as usize, p.chunks as usize);
    let all = p.batch as usize * chunks;
    let size = piece(all, chunk * width / 4);
    for_each(partials[..all * 2 * width].chunks_mut(size * 2 * width).enumerate(), |(i, out)| {
        vectorised(
            #[inline(always)]
            || {
                for (i, out) in (i * size..).zip(out.chunks_exact_mut(2 * width)) {
                    let (image, first) = (i / chunks, i % chunks * chunk);
                    let range = image * pixels + first..image * pixels + (first + chunk).min(pixels);
                    let (mean, deviation) = out.split_at_mut(width);
                    let (mean_a, mean_b) = mean.split_at_mut(a_width);
                    let (deviation_a, deviation_b) = deviation.split_at_mut(a_width);
                    moments(&a[range.start * a_width..range.end * a_width], mean_a, deviation_a);
                    if b_width > 0 {
                        moments(&b[range.start * b_width..range.end * b_width], mean_b, deviation_b);
                    }
                }
            },
        );
    });
}

/// Moments of each column of `values`: blocks of columns wide enough for vectors, then four columns at a time.
#[inline(always)]
fn moments(values: &[f32], mean: &mut [f32], deviation: &mut [f32]) {
    let width = mean.len();
    let (mean_blocks, mean_rest) = mean.as_chunks_mut::<32>();
    let (deviation_blocks, deviation_rest) = deviation.as_chunks_mut::<32>();
    let blocks = mean_blocks.len() * 32;
    for (i, (mean, deviation)) in mean_blocks.iter_mut().zip(deviation_blocks).enumerate() {
        (*mean, *deviation) = block_moments(values, width, i * 32);
    }
    for (i, (mean, deviation)) in mean_rest.as_chunks_mut::<4>().0.iter_mut().zip(deviation_rest.as_chunks_mut::<4>().0).enumerate()
    {
        (*mean, *deviation) = block_moments(values, width, blocks + i * 4);
    }
}

/// Two passes over `N` columns that are still in the cache: the mean, then the squared deviations from it.
#[inline(always)]
fn block_moments<const N: usize>(values: &[f32], width: usize, column: usize) -> ([f32; N], [f32; N]) {
    let rows = || values.chunks_exact(width).filter_map(|row| row[column..].first_chunk::<N>());
    let (mut mean, mut deviation) = ([0.0; N], [0.0; N]);
    for row in rows() {
        for i in 0..N {
            mean[i] += row[i];
        }
    }
    let count = (values.len() / width) as f32;
    mean.iter_mut().for_each(|m| *m /= count);
    for row in rows() {
        for i in 0..N {
            deviation[i] += (row[i] - mean[i]) * (row[i] - mean[i]);
        }
    }
    (mean, deviation)
}
