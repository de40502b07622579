//! Twin of shaders/quantile.wgsl.

use super::team::for_each;
use crate::program::{ImageParams, StepParams};

/// The quantile c.y of |x0| of each image, interpolated as torch.quantile does it, clamped to [1, c.z].
pub fn quantile(p: &ImageParams, step: &StepParams, x: &[f32], model: &[f32], threshold: &mut [f32]) {
    let (width, model_width) = (p.c4 as usize * 4, p.model_c4 as usize * 4);
    let pixels = p.pixels as usize;
    for_each(threshold.chunks_exact_mut(4).enumerate(), |(n, out)| {
        let mut values: Vec<f32> = (n * pixels..(n + 1) * pixels)
            .flat_map(|at| (0..p.channels as usize).map(move |c| (at * width + c, at * model_width + c)))
            .map(|(i, j)| (step.a[0] * x[i] + step.a[1] * model[j]).abs())
            .collect();
        let position = step.c[1] * (values.len() - 1) as f32;
        let low = (position.floor() as usize).min(values.len() - 1);
        let (_, &mut first, rest) = values.select_nth_unstable_by(low, f32::total_cmp);
        let second = rest.iter().copied().fold(f32::INFINITY, f32::min);
        let second = if second.is_finite() { second } else { first };
        let quantile = first + (second - first) * (position - low as f32);
        out[0] = quantile.clamp(1.0, step.c[2].max(1.0));
    });
}
