//! Twin of shaders/group_norm_stats.wgsl.

use crate::program::GroupNormParams;
use rayon::prelude::*;

/// Mean and sum of squared deviations of each channel over each chunk of pixels; layouts as in the shader.
pub fn group_norm_stats(p: &GroupNormParams, a: &[f32], b: &[f32], partials: &mut [f32]) {
    let (a_width, b_width) = (p.a_c4 as usize * 4, p.b_c4 as usize * 4);
    let width = a_width + b_width;
    let (pixels, chunk, chunks) = (p.pixels as usize, p.chunk as usize, p.chunks as usize);
    partials.par_chunks_mut(2 * width).enumerate().take(p.batch as usize * chunks).for_each(|(i, out)| {
        let (image, first) = (i / chunks, i % chunks * chunk);
        let range = image * pixels + first..image * pixels + (first + chunk).min(pixels);
        let (mean, deviation) = out.split_at_mut(width);
        let (mean_a, mean_b) = mean.split_at_mut(a_width);
        let (deviation_a, deviation_b) = deviation.split_at_mut(a_width);
        moments(&a[range.start * a_width..range.end * a_width], a_width, mean_a, deviation_a);
        if b_width > 0 {
            moments(&b[range.start * b_width..range.end * b_width], b_width, mean_b, deviation_b);
        }
    });
}

/// Two passes over a piece that is still in the cache: the mean, then the squared deviations from it.
fn moments(values: &[f32], width: usize, mean: &mut [f32], deviation: &mut [f32]) {
    mean.fill(0.0);
    deviation.fill(0.0);
    let count = values.len() / width;
    for row in values.chunks_exact(width) {
        mean.iter_mut().zip(row).for_each(|(m, v)| *m += v);
    }
    mean.iter_mut().for_each(|m| *m /= count as f32);
    for row in values.chunks_exact(width) {
        for ((d, m), v) in deviation.iter_mut().zip(&*mean).zip(row) {
            *d += (v - m) * (v - m);
        }
    }
}
