//! Twin of shaders/resample.wgsl.

use super::team::for_each;
use crate::program::ResampleParams;

/// Half the sides, each pixel the mean of four, or twice the sides, each pixel repeated.
pub fn resample(p: &ResampleParams, input: &[f32], output: &mut [f32]) {
    let channels = p.c4 as usize * 4;
    let (height, width) = (p.height as usize, p.width as usize);
    for_each(output.chunks_exact_mut(width * channels).enumerate(), |(row, output)| {
        let (image, y) = (row / height, row % height);
        for (x, out) in output.chunks_exact_mut(channels).enumerate() {
            if p.down != 0 {
                let pixel = |dy: usize, dx: usize| {
                    let at = ((image * height + y) * 2 + dy) * 2 * width + 2 * x + dx;
                    &input[at * channels..][..channels]
                };
                let (above, below) = ([pixel(0, 0), pixel(0, 1)], [pixel(1, 0), pixel(1, 1)]);
                for (c, out) in out.iter_mut().enumerate() {
                    *out = 0.25 * ((above[0][c] + above[1][c]) + (below[0][c] + below[1][c]));
                }
            } else {
                let at = (image * (height / 2) + y / 2) * (width / 2) + x / 2;
                out.copy_from_slice(&input[at * channels..][..channels]);
            }
        }
    });
}
