//! A convolution as products of windows of a padded copy in bf16. First the copy, then blocks of output channels and bands of rows beside
//! each other.

use super::{
    Instructions,
    product::{Product, Windows},
    round,
};
use crate::{
    cpu::{
        conv2d::summands,
        memory::Scratch,
        packed::{BLOCK, Packed},
        parallel::column_blocks,
        simd::vectorised,
        team::for_each,
        windows::{Sizes, copy_row},
    },
    program::{Conv2dParams, StepParams},
};

/// Words of the copy that is made at once, about: what the caches hold.
const WORDS: usize = 1 << 20;

/// Pixels of a band at most: a core makes the blocks of a band one after the other, and finds its windows and the lines of its output in
/// its cache after the first. Without bound a step of 64, 128, 96, 96 channels at batch 8 took an eighth longer with AMX.
const BAND: usize = 512;

/// As [`crate::cpu::conv2d::conv2d`] with weights in pairs, for a convolution without a shortcut.
pub(in crate::cpu) fn conv2d(
    packed: &Packed,
    p: &Conv2dParams,
    step: &StepParams,
    bias: &[f32],
    a: &[f32],
    b: &[f32],
    temb: &[f32],
    residual: &[f32],
    output: &mut [f32],
) {
    convolve(packed, p, step, bias, a, b, temb, residual, output, Instructions::best());
}

/// As [`conv2d`], by these instructions.
fn convolve(
    packed: &Packed,
    p: &Conv2dParams,
    step: &StepParams,
    bias: &[f32],
    a: &[f32],
    b: &[f32],
    temb: &[f32],
    residual: &[f32],
    output: &mut [f32],
    by: Instructions,
) {
    let sizes = Sizes::of(p);
    let (Sizes { out_w, out_h, columns, kernel, stride, .. }, words) = (sizes, sizes.inputs / 2);
    let (window_w, window_h) = sizes.window(out_h);
    let (pitch, image) = (window_w * words, window_w * window_h * words);
    let residual = if p.flags & 2 != 0 { residual } else { &[] };
    let summands = summands(p, step, bias, temb);
    let images = (WORDS / image).max(1);
    for (first, output) in (0..).step_by(images).zip(output.chunks_mut(images * out_h * out_w * columns)) {
        let pixels = output.len() / columns;
        let mut copy = Scratch::new(pixels / (out_h * out_w) * image);
        for_each(copy.chunks_exact_mut(pitch).enumerate(), |(i, row)| {
            let y = (i % window_h).checked_sub(p.pad as usize);
            let row: &mut [u16] = bytemuck::cast_slice_mut(row);
            vectorised(
                #[inline(always)]
                || copy_row(p, first + i / window_h, y, a, b, row, round_all),
            );
        });
        let windows = Windows {
            words: bytemuck::cast_slice(&copy),
            width: out_w,
            height: out_h,
            pixel: stride * words,
            row: stride * pitch,
            image,
            runs: kernel,
            run: kernel * words,
            pitch,
        };
        // Where the blocks are too few for all cores more bands make up for it.
        let bands = (2 * rayon::current_num_threads()).div_ceil(columns.div_ceil(BLOCK)).max(1);
        let band = pixels.div_ceil(bands).min(BAND).next_multiple_of(by.pixels());
        let tasks = output.chunks_mut(band * columns).enumerate().flat_map(|(i, out)| {
            let count = out.len() / columns;
            column_blocks(out, columns, BLOCK).map(move |block| (i * band, count, block))
        });
        let before = first * out_h * out_w;
        for_each(tasks, |(from, count, out)| {
            let block = out.columns().start / BLOCK;
            let next = if out.columns().end < columns { bytemuck::cast_slice(packed.bf16_block(block + 1)) } else { &[] };
            by.write(Product {
                windows,
                weights: bytemuck::cast_slice(packed.bf16_block(block)),
                next,
                pixels: from..from + count,
                summands: &summands[first..],
                residual: if residual.is_empty() { &[] } else { &residual[before * columns..] },
                stride: columns,
                scale: p.scale,
                out,
            });
        });
    }
}

#[inline(always)]
fn round_all(out: &mut [u16], values: &[f32]) {
    out.iter_mut().zip(values).for_each(|(out, value)| *out = round(*value));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::{bf16::widen, conv2d::conv2d as plain, packed::Packing, test_values::values};

    /// Products of bf16 are exact in f32, so that only the order of up to 1700 sums differs from the plain twin's on rounded values.
    const BOUND: f32 = 2e-6;

    #[test]
    fn every_shape_equals_the_plain_convolution_of_rounded_values() {
        let step = StepParams { row_stride: 1, ..StepParams::default() };
        let mut worst = 0.0_f32;
        for (batch, h, w, a_c4, b_c4, out_c4, kernel, stride, pad, upsample) in [
            (1, 8, 8, 16, 0, 16, 3, 1, 1, 1),
            (3, 4, 4, 32, 16, 9, 3, 1, 1, 1),
            (2, 5, 7, 3, 2, 1, 3, 1, 1, 1),
            (2, 6, 10, 5, 0, 17, 3, 2, 0, 1),
            (2, 6, 10, 5, 0, 8, 3, 2, 1, 1),
            (1, 6, 14, 4, 3, 10, 3, 1, 1, 2),
            (2, 9, 3, 20, 0, 24, 1, 1, 0, 1),
            (1, 1, 1, 8, 8, 3, 1, 1, 0, 1),
            // Tiles of one line, of parts of two, of lines that are shorter, of what is left over.
            (1, 4, 32, 8, 0, 16, 3, 1, 1, 1),
            (2, 3, 40, 8, 8, 12, 3, 1, 1, 1),
            (3, 3, 6, 16, 8, 8, 3, 1, 1, 1),
            (2, 4, 16, 8, 0, 24, 3, 2, 0, 1),
            (1, 8, 24, 8, 8, 8, 3, 1, 1, 2),
            (2, 5, 17, 24, 0, 9, 1, 1, 0, 1),
            // More bands than cores ask for.
            (2, 24, 28, 8, 0, 16, 3, 1, 1, 1),
        ] {
            let p = Conv2dParams {
                batch,
                out_h: h,
                out_w: w,
                out_c4,
                in_h: h * stride / upsample,
                in_w: w * stride / upsample,
                a_c4,
                b_c4,
                kernel,
                stride,
                pad,
                upsample,
                temb_offset: 1,
                temb_stride: out_c4 + 1,
                flags: 3,
                scale: 0.5,
                ..Conv2dParams::default()
            };
            let (inputs, columns) = ((a_c4 + b_c4) as usize * 4, out_c4 as usize * 4);
            let pixels = (batch * p.in_h * p.in_w) as usize;
            let rows = (kernel * kernel) as usize * inputs;
            let weights: Vec<f32> = values(rows * columns, 1).iter().map(|v| v / (rows as f32 / 3.0).sqrt()).collect();
            let (a, b) = (values(pixels * a_c4 as usize * 4, 2), values(pixels * b_c4 as usize * 4, 3));
            let (bias, temb) = (values(columns, 4), values((batch * p.temb_stride) as usize * 4, 5));
            let residual = values((batch * h * w) as usize * columns, 6);
            let rounded = |values: &[f32]| values.iter().map(|v| widen(round(*v))).collect::<Vec<_>>();
            let mut expected = vec![0.0; residual.len()];
            plain(&p, &step, &rounded(&weights), &bias, &rounded(&a), &rounded(&b), &temb, &residual, &mut expected);
            let largest = expected.iter().fold(0.0_f32, |m, v| m.max(v.abs()));
            let packed = Packed::new(&weights, inputs, columns, Packing::Bf16Pairs);
            for by in Instructions::all() {
                let mut got = vec![f32::NAN; residual.len()];
                convolve(&packed, &p, &step, &bias, &a, &b, &temb, &residual, &mut got, by);
                for (at, (got, expected)) in got.iter().zip(&expected).enumerate() {
                    let error = (got - expected).abs() / largest;
                    assert!(error <= BOUND, "{p:?}, {by:?} [{at}]: {got}, expected {expected}");
                    worst = worst.max(error);
                }
            }
        }
        println!("off by at most {worst:e}, allowed {BOUND:e}");
    }
}
