//! Twin of shaders/conv2d.wgsl: im2col and a matrix product.

use super::matmul::{Matrix, matmul};
use crate::program::{Conv2dParams, Step};
use rayon::prelude::*;

/// output = (conv(upsample(a ++ b)) + bias + time + residual)·scale; layouts as in the shader.
pub fn conv2d(
    p: &Conv2dParams,
    step: &Step,
    weights: &[f32],
    bias: &[f32],
    a: &[f32],
    b: &[f32],
    temb: &[f32],
    residual: &[f32],
    output: &mut [f32],
) {
    let columns = p.out_c4 as usize * 4;
    let (a_width, b_width) = (p.a_c4 as usize * 4, p.b_c4 as usize * 4);
    let depth = (p.kernel * p.kernel) as usize * (a_width + b_width);
    let image_pixels = (p.out_h * p.out_w) as usize;
    let pixels = p.batch as usize * image_pixels;
    // Enough rows a piece to feed the product's kernel, few enough that all cores have work.
    let piece = pixels.div_ceil(rayon::current_num_threads() * 2).clamp(16, 512);
    let direct = p.kernel == 1 && p.stride == 1 && p.pad == 0 && p.upsample == 1 && p.b_c4 == 0;
    output.par_chunks_mut(piece * columns).enumerate().for_each_init(Vec::new, |gathered: &mut Vec<f32>, (i, out)| {
        let (first, count) = (i * piece, out.len() / columns);
        let rows = if direct {
            &a[first * a_width..(first + count) * a_width]
        } else {
            gathered.resize(count * depth, 0.0);
            for (pixel, row) in (first..).zip(gathered.chunks_exact_mut(depth)) {
                gather(p, pixel, a, b, row);
            }
            gathered.as_slice()
        };
        matmul(Matrix { values: rows, stride: depth }, Matrix { values: weights, stride: columns }, count, depth, columns, out);
        for (pixel, out) in (first..).zip(out.chunks_exact_mut(columns)) {
            epilogue(p, step, pixel, image_pixels, bias, temb, residual, out);
        }
    });
}

/// One row of the im2col matrix: all taps of one output pixel.
fn gather(p: &Conv2dParams, pixel: usize, a: &[f32], b: &[f32], row: &mut [f32]) {
    let (out_w, out_h) = (p.out_w as usize, p.out_h as usize);
    let (x, y, image) = (pixel % out_w, pixel / out_w % out_h, pixel / (out_w * out_h));
    let (a_width, b_width) = (p.a_c4 as usize * 4, p.b_c4 as usize * 4);
    let up = p.upsample as usize;
    for (tap, part) in row.chunks_exact_mut(a_width + b_width).enumerate() {
        let (ky, kx) = (tap / p.kernel as usize, tap % p.kernel as usize);
        let (in_y, in_x) =
            ((y * p.stride as usize + ky).wrapping_sub(p.pad as usize), (x * p.stride as usize + kx).wrapping_sub(p.pad as usize));
        if in_y < p.in_h as usize * up && in_x < p.in_w as usize * up {
            let at = (image * p.in_h as usize + in_y / up) * p.in_w as usize + in_x / up;
            part[..a_width].copy_from_slice(&a[at * a_width..][..a_width]);
            if b_width > 0 {
                part[a_width..].copy_from_slice(&b[at * b_width..][..b_width]);
            }
        } else {
            part.fill(0.0);
        }
    }
}

/// + bias + time + residual, times the scale, for one pixel.
fn epilogue(
    p: &Conv2dParams,
    step: &Step,
    pixel: usize,
    image_pixels: usize,
    bias: &[f32],
    temb: &[f32],
    residual: &[f32],
    out: &mut [f32],
) {
    for (o, b) in out.iter_mut().zip(bias) {
        *o += b;
    }
    if p.flags & 1 != 0 {
        let row = step.row_base as usize + pixel / image_pixels * step.row_stride as usize;
        let at = (row * p.temb_stride as usize + p.temb_offset as usize) * 4;
        for (o, t) in out.iter_mut().zip(&temb[at..]) {
            *o += t;
        }
    }
    if p.flags & 2 != 0 {
        let at = pixel * out.len();
        for (o, r) in out.iter_mut().zip(&residual[at..]) {
            *o += r;
        }
    }
    if p.scale != 1.0 {
        out.iter_mut().for_each(|o| *o *= p.scale);
    }
}
