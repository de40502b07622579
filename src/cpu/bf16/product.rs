//! Products of windows of pixels and a block of weights, both bf16, on any processor: what `x86.rs` does with instructions for it.

use super::widen;
use crate::cpu::{packed::BLOCK, parallel::ColumnBlock, simd::vectorised};
use std::ops::Range;

/// The rows of the left factor: windows of a padded copy of the pictures, as in `matmul::Left` but in words of two bf16 each.
#[derive(Clone, Copy)]
pub(super) struct Windows<'a> {
    pub words: &'a [u32],
    /// Windows of a line, lines of a picture.
    pub width: usize,
    pub height: usize,
    /// From a window to the one beside it, to the one below, to the next picture's.
    pub pixel: usize,
    pub row: usize,
    pub image: usize,
    /// A window is `runs` pieces of `run` words, `pitch` apart.
    pub runs: usize,
    pub run: usize,
    pub pitch: usize,
}

impl Windows<'_> {
    /// Where the windows of `ROWS` output pixels from `first` on begin.
    #[inline(always)]
    pub(super) fn starts<const ROWS: usize>(&self, first: usize) -> [usize; ROWS] {
        let mut x = first % self.width;
        let (mut y, mut image) = (first / self.width % self.height, first / self.width / self.height);
        let mut starts = [0; ROWS];
        for start in &mut starts {
            *start = image * self.image + y * self.row + x * self.pixel;
            x += 1;
            if x == self.width {
                (x, y) = (0, y + 1);
                if y == self.height {
                    (y, image) = (0, image + 1);
                }
            }
        }
        starts
    }
}

/// out = (windows·weights + summand + residual)·scale for a block of output channels.
pub(super) struct Product<'a> {
    pub windows: Windows<'a>,
    /// `[pairs, BLOCK, 2]`, a pair to a word.
    pub weights: &'a [u32],
    /// The block's that this core most likely takes next; empty after the last.
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code, reason = "only x86 has the instruction"))]
    pub next: &'a [u32],
    /// The output pixels, counted as the windows are.
    pub pixels: Range<usize>,
    /// Of each image.
    pub summands: &'a [Vec<f32>],
    /// Laid out as the whole output; empty for none. `stride` values a pixel.
    pub residual: &'a [f32],
    pub stride: usize,
    pub scale: f32,
    /// The pixels' rows.
    pub out: ColumnBlock<'a>,
}

impl Product<'_> {
    /// Adds what is to be added to the sums of pixel `at` and writes them.
    #[inline(always)]
    pub(super) fn finish(&mut self, at: usize, sums: &[f32; BLOCK]) {
        let columns = self.out.columns();
        let image = at / (self.windows.width * self.windows.height);
        let summand = &self.summands[image][columns.clone()];
        let out = self.out.row(at - self.pixels.start);
        if self.residual.is_empty() {
            for ((out, sum), summand) in out.iter_mut().zip(sums).zip(summand) {
                *out = (sum + summand) * self.scale;
            }
        } else {
            let residual = &self.residual[at * self.stride..][columns];
            for (((out, sum), summand), residual) in out.iter_mut().zip(sums).zip(summand).zip(residual) {
                *out = (sum + summand + residual) * self.scale;
            }
        }
    }

    /// The part of the next block's weights that is asked for while the pixels from `first` on are computed.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    pub(super) fn ahead(&self, first: usize) -> &[u32] {
        let (rows, pixels) = (self.next.len() / BLOCK, self.pixels.len());
        let at = |pixel: usize| rows * (pixel - self.pixels.start).min(pixels) / pixels * BLOCK;
        &self.next[at(first)..at(first + 12)]
    }

    /// With plain f32 arithmetic on widened values.
    pub(super) fn write_widened(mut self) {
        vectorised(
            #[inline(always)]
            || {
                for at in self.pixels.clone() {
                    let [start] = self.windows.starts::<1>(at);
                    let mut sums = [0.0; BLOCK];
                    for run in 0..self.windows.runs {
                        let left = &self.windows.words[start + run * self.windows.pitch..][..self.windows.run];
                        let right = &self.weights[run * self.windows.run * BLOCK..][..self.windows.run * BLOCK];
                        for (word, weights) in left.iter().zip(right.as_chunks::<BLOCK>().0) {
                            let (low, high) = (widen(*word as u16), widen((word >> 16) as u16));
                            for (sum, weight) in sums.iter_mut().zip(weights) {
                                *sum += low * widen(*weight as u16) + high * widen((weight >> 16) as u16);
                            }
                        }
                    }
                    self.finish(at, &sums);
                }
            },
        );
    }
}
