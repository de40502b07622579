//! Twin of shaders/group_norm_fold.wgsl.

use crate::program::{GroupNormParams, Step};

/// Group statistics from the partials, folded with γ, β and the time embedding into a factor and a summand a channel.
pub fn group_norm_fold(p: &GroupNormParams, step: &Step, partials: &[f32], affine: &[f32], temb: &[f32], folded: &mut [f32]) {
    let width = (p.a_c4 + p.b_c4) as usize * 4;
    let (chunks, size) = (p.chunks as usize, (p.channels / p.groups) as usize);
    // Where a real channel lies in the padded concatenation.
    let place = |c: usize| if c < p.a_c as usize { c } else { p.a_c4 as usize * 4 + c - p.a_c as usize };
    folded.fill(0.0);
    for image in 0..p.batch as usize {
        let row = step.row_base as usize + image * step.row_stride as usize;
        let time = (row * p.temb_stride as usize + p.temb_offset as usize) * 4;
        for group in 0..p.groups as usize {
            let channels = group * size..(group + 1) * size;
            let parts = || {
                (0..chunks).flat_map(|k| {
                    let count = (p.pixels as usize - k * p.chunk as usize).min(p.chunk as usize) as f32;
                    let at = (image * chunks + k) * 2 * width;
                    channels.clone().map(move |c| (count, partials[at + place(c)], partials[at + width + place(c)]))
                })
            };
            let total = p.pixels as f32 * size as f32;
            let mean = parts().map(|(count, mean, _)| count * mean).sum::<f32>() / total;
            // Chan's combination of partial variances.
            let squares: f32 = parts().map(|(count, m, d)| d + count * (m - mean) * (m - mean)).sum();
            let inverse = 1.0 / (squares / total + p.eps).sqrt();
            for c in channels.clone() {
                let at = place(c);
                let mut factor = affine[at] * inverse;
                let mut summand = affine[width + at] - mean * factor;
                if p.scale_shift != 0 {
                    // With scale_shift there is one source, so the shift's lanes begin right after the scale's.
                    let scale = 1.0 + temb[time + at];
                    factor *= scale;
                    summand = summand * scale + temb[time + width + at];
                }
                folded[image * 2 * width + at] = factor;
                folded[(image * 2 + 1) * width + at] = summand;
            }
        }
    }
}
