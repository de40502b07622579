//! Twin of shaders/conv2d.wgsl: matrix products whose left rows are windows of a padded copy of a few rows of pixels.
//!
//! One task makes a band of output rows of one image, here two of a 3x3 convolution of stride 1:
//!
//! ```text
//!   a ++ b, upsampled               window: a padded copy             output [H', W', C_out]
//!   ┌───────────────┐               ┌─┬───────────────┬─┐            ┌───────────────┐
//!   │▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒│ y - pad       │0│ ■ ■ ■         │0│            │               │
//!   │▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒│    copy_row   │0│ ■ ■ ■         │0│  product   │▒▒▒■▒▒▒▒▒▒▒▒▒▒▒│ y
//!   │▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒│ ───────────>  │0│ ■ ■ ■         │0│ ────────>  │▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒│ y + 1
//!   │▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒│               │0│               │0│            │               │
//!   │               │               └─┴───────────────┴─┘            │               │
//!   └───────────────┘                                                └───────────────┘
//! ```
//!
//! The window is so wide and high that no tap (■) leaves it, so the product knows nothing of padding, stride, upsampling or
//! concatenation but the distances in `Left`. A 1x1 convolution of one source needs no copy: its left factor is the input itself.

use super::{
    matmul::{Left, Product, Right},
    memory::Scratch,
    parallel::piece,
    team::for_each,
    windows::{Sizes, copy_row},
};
use crate::program::{Conv2dParams, StepParams};

/// output = (conv(upsample(a ++ b)) + conv1x1(shortcut) + bias + time + residual)·scale; layouts as in the shader, so that a shortcut's
/// sources are `b` and `residual`.
pub fn conv2d(
    p: &Conv2dParams,
    step: &StepParams,
    weights: &[f32],
    bias: &[f32],
    a: &[f32],
    b: &[f32],
    temb: &[f32],
    residual: &[f32],
    output: &mut [f32],
) {
    let sizes = Sizes::of(p);
    let Sizes { out_w, out_h, inputs: width, columns, kernel, stride } = sizes;
    // One task: some rows of one picture.
    let rows = piece(p.batch as usize * out_h, out_w * kernel * kernel * width * columns / 16).min(out_h);
    let bands = output.chunks_exact_mut(out_h * out_w * columns).enumerate().flat_map(|(image, out)| {
        out.chunks_mut(rows * out_w * columns).enumerate().map(move |(band, out)| (image, band * rows, out))
    });
    for_each(bands, |(image, y, out)| {
        let first = (image * out_h + y) * out_w;
        let summand = summand(p, step, image, bias, temb);
        // A shortcut's share of the band is what a residual is otherwise.
        let mut shortcut = Scratch::new(if p.shortcut_a_c4 > 0 { out.len() } else { 0 });
        if p.shortcut_a_c4 > 0 {
            let behind = &weights[kernel * kernel * width * columns..];
            convolve_shortcut(p, first, behind, b, residual, &mut shortcut);
        }
        let product = |left| Product {
            left,
            right: Right { values: weights, stride: columns, transposed: false },
            rows: out.len() / columns,
            columns,
            summand: &summand,
            residual: match p.flags & 2 {
                _ if p.shortcut_a_c4 > 0 => &shortcut,
                0 => &[],
                _ => &residual[first * columns..],
            },
            scale: p.scale,
        };
        let direct = kernel == 1 && stride == 1 && p.pad == 0 && p.upsample == 1 && p.b_c4 == 0;
        if direct {
            let product = product(Left::matrix(&a[first * width..], width, width));
            return product.write(out, columns);
        }
        let (window_w, window_h) = sizes.window(out.len() / (columns * out_w));
        let pitch = window_w * width;
        let mut window = Scratch::new(window_h * pitch);
        for (i, row) in window.chunks_exact_mut(pitch).enumerate() {
            copy_row(p, image, (y * stride + i).checked_sub(p.pad as usize), a, b, row, <[f32]>::copy_from_slice);
        }
        let (row, pixel) = (stride * pitch, stride * width);
        let left = Left { values: &window, width: out_w, row, pixel, runs: kernel, run: kernel * width, pitch };
        product(left).write(out, columns);
    });
}

/// The 1x1 convolution of a ++ b at the pixels from `first` on.
fn convolve_shortcut(p: &Conv2dParams, first: usize, weights: &[f32], a: &[f32], b: &[f32], out: &mut [f32]) {
    let columns = p.out_c4 as usize * 4;
    let product = |values: &[f32], weights: &[f32], width: usize, residual: &[f32], out: &mut [f32]| {
        let product = Product {
            left: Left::matrix(&values[first * width..], width, width),
            right: Right { values: weights, stride: columns, transposed: false },
            rows: out.len() / columns,
            columns,
            summand: &[],
            residual,
            scale: 1.0,
        };
        product.write(out, columns);
    };
    let (a_width, b_width) = (p.shortcut_a_c4 as usize * 4, p.shortcut_b_c4 as usize * 4);
    product(a, weights, a_width, &[], out);
    if b_width > 0 {
        let of_a = Scratch::copy(out);
        product(b, &weights[a_width * columns..], b_width, &of_a, out);
    }
}

/// As [`summand`], of every image.
pub(super) fn summands(p: &Conv2dParams, step: &StepParams, bias: &[f32], temb: &[f32]) -> Vec<Vec<f32>> {
    (0..p.batch as usize).map(|image| summand(p, step, image, bias, temb)).collect()
}

/// What is added to every pixel of an image: the bias, and the time embedding's projection.
fn summand(p: &Conv2dParams, step: &StepParams, image: usize, bias: &[f32], temb: &[f32]) -> Vec<f32> {
    let mut summand = bias[..p.out_c4 as usize * 4].to_vec();
    if p.flags & 1 != 0 {
        let row = step.row_base as usize + image * step.row_stride as usize;
        let at = (row * p.temb_stride as usize + p.temb_offset as usize) * 4;
        summand.iter_mut().zip(&temb[at..]).for_each(|(s, t)| *s += t);
    }
    summand
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition, one output at a time.
    fn expected(p: &Conv2dParams, weights: &[f32], bias: &[f32], a: &[f32], residual: &[f32], at: usize) -> f32 {
        let (width, columns) = (p.a_c4 as usize * 4, p.out_c4 as usize * 4);
        let (c, x) = (at % columns, at / columns % p.out_w as usize);
        let (y, image) = (at / columns / p.out_w as usize % p.out_h as usize, at / columns / (p.out_w * p.out_h) as usize);
        let mut sum = bias[c] + residual[at];
        for tap in 0..(p.kernel * p.kernel) as usize {
            let in_y = (y + tap / p.kernel as usize).wrapping_sub(p.pad as usize);
            let in_x = (x + tap % p.kernel as usize).wrapping_sub(p.pad as usize);
            if in_y < p.in_h as usize && in_x < p.in_w as usize {
                let pixel = &a[((image * p.in_h as usize + in_y) * p.in_w as usize + in_x) * width..][..width];
                sum += (0..width).map(|k| pixel[k] * weights[(tap * width + k) * columns + c]).sum::<f32>();
            }
        }
        sum * p.scale
    }

    #[test]
    fn the_product_equals_the_definition() {
        for (batch, h, w, a_c4, out_c4) in
            [(2, 13, 11, 4, 8), (1, 16, 16, 12, 4), (2, 7, 20, 8, 12), (1, 5, 7, 4, 4), (2, 13, 11, 3, 5)]
        {
            let p = Conv2dParams {
                batch,
                out_h: h,
                out_w: w,
                out_c4,
                in_h: h,
                in_w: w,
                a_c4,
                kernel: 3,
                stride: 1,
                pad: 1,
                upsample: 1,
                flags: 2,
                scale: 0.5,
                ..Default::default()
            };
            let values =
                |len: u32, seed: u32| -> Vec<f32> { (0..len).map(|i| ((i * 37 + seed) % 101) as f32 * 0.02 - 1.0).collect() };
            let (a, weights) = (values(batch * h * w * a_c4 * 4, 1), values(9 * a_c4 * out_c4 * 16, 2));
            let (bias, residual) = (values(out_c4 * 4, 3), values(batch * h * w * out_c4 * 4, 4));
            let mut out = vec![0.0; residual.len()];
            conv2d(&p, &StepParams::default(), &weights, &bias, &a, &a, &bias, &residual, &mut out);
            for (at, out) in out.iter().enumerate() {
                let expected = expected(&p, &weights, &bias, &a, &residual, at);
                assert!(
                    (out - expected).abs() < 5e-5,
                    "{batch}x{h}x{w}, {a_c4} to {out_c4} C4, [{at}]: {out}, expected {expected}"
                );
            }
        }
    }
}
