//! Twin of shaders/ddim_step.wgsl.

use super::team::for_each;
use crate::program::{ImageParams, StepParams};

/// x0 and epsilon from the network's output, x0 clipped or thresholded, then x_s; in place on `x` (paper, Eq. 12).
pub fn ddim_step(
    p: &ImageParams,
    step: &StepParams,
    model: &[f32],
    noise: &[f32],
    threshold: &[f32],
    x: &mut [f32],
    x0: &mut [f32],
) {
    let (width, model_width) = (p.c4 as usize * 4, p.model_c4 as usize * 4);
    let ([x0_x, x0_m, e_x, e_m], [n_x, n_x0, n_e, n_z]) = (step.a, step.b);
    let image_len = p.pixels as usize * width;
    for_each(x.chunks_exact_mut(image_len).zip(x0.chunks_exact_mut(image_len)).enumerate(), |(n, (x, x0))| {
        let model = &model[n * p.pixels as usize * model_width..];
        let noise = &noise[n * image_len..];
        for i in 0..image_len {
            let m = model[i / width * model_width + i % width];
            let mut predicted = x0_x * x[i] + x0_m * m;
            let epsilon = e_x * x[i] + e_m * m;
            if step.flags & 2 != 0 {
                let s = threshold[n * 4];
                predicted = predicted.max(-s).min(s) / s;
            }
            if step.flags & 1 != 0 {
                predicted = predicted.max(-step.c[0]).min(step.c[0]);
            }
            x0[i] = predicted;
            let mut next = n_x * x[i] + n_x0 * predicted + n_e * epsilon;
            if n_z != 0.0 {
                next += n_z * noise[i];
            }
            x[i] = next;
        }
    });
}
