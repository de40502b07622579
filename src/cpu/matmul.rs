//! The matrix product of the CPU twins: tiles of the result that stay in registers while the two factors stream past.
//!
//! ```text
//!                          columns
//!                       ┌──┬──┬──┬──┐
//!                right  │  │▓▓│  │  │ depth     The columns go in blocks of two vectors (▓): [`Write::block`]. Down a block
//!                       │  │▓▓│  │  │           go tiles of up to 12 rows (█): [`Write::tile`], whose sums stay in
//!                       └──┴──┴──┴──┘           registers while k runs over the depth:
//!             depth
//!          ┌─────────┐  ┌──┬──┬──┬──┐           sums[r][v] += left[row + r][k] · right[k][column + v]
//!   left   │         │  │  │  │  │  │
//!     rows │▓▓▓▓▓▓▓▓▓│  │  │██│  │  │ out       for all rows r and both vectors v of the tile.
//!          │         │  │  │  │  │  │
//!          └─────────┘  └──┴──┴──┴──┘
//! ```

use super::{
    memory::Scratch,
    simd::{dispatch, load, store},
};
use pulp::{Simd, WithSimd};

/// The left factor. Row r is `runs` pieces of `run` values `pitch` apart, the first of which begins at
/// `r / width · row + r % width · pixel`: the windows of a convolution are rows without being copied out.
///
/// A 3x3 convolution of stride 1 with an output three pixels wide, over rows of input pixels of C values:
///
/// ```text
///            ├─ pixel = C
///          ┌───┬───┬───┬───┬───┐ ┬
///          │ ■ │ ■ │ ■ │   │   │ │ pitch = 5 C        ■ row 0 of the factor: three runs of 3 C values each, at
///          ├───┼───┼───┼───┼───┤ ┴                      0, pitch and 2 pitch
///          │ ■ │ ■ │ ■ │   │   │                        row 1 the same one pixel further right, row 2 another
///          ├───┼───┼───┼───┼───┤ row = pitch            row 3 = width: the first window one line down, at row
///          │ ■ │ ■ │ ■ │   │   │
///          ├───┼───┼───┼───┼───┤
///          │   │   │   │   │   │
///          └───┴───┴───┴───┴───┘
///          ├─ run = 3 C ─┤
/// ```
///
/// With stride 2, `pixel` is 2 C and `row` 2 pitch. A plain matrix is one run per row, and never wraps.
#[derive(Clone, Copy)]
pub(super) struct Left<'a> {
    pub values: &'a [f32],
    /// Rows of the factor before the window moves down: the output's width.
    pub width: usize,
    /// From a window to the one below.
    pub row: usize,
    /// From a window to the one beside it.
    pub pixel: usize,
    /// Pieces of a row: the kernel's height.
    pub runs: usize,
    /// Values of a piece, which lie side by side.
    pub run: usize,
    /// From a piece to the next.
    pub pitch: usize,
}

impl<'a> Left<'a> {
    /// A matrix of `depth` columns with rows `stride` apart.
    pub(super) fn matrix(values: &'a [f32], stride: usize, depth: usize) -> Self {
        Self { values, width: usize::MAX, row: 0, pixel: stride, runs: 1, run: depth, pitch: 0 }
    }

    fn depth(&self) -> usize {
        self.runs * self.run
    }
}

/// The right factor, row k, column j at `k·stride + j`; transposed at `j·stride + k`.
#[derive(Clone, Copy)]
pub(super) struct Right<'a> {
    pub values: &'a [f32],
    pub stride: usize,
    pub transposed: bool,
}

/// out = (left·right + summand + residual)·scale, on this thread.
#[derive(Clone, Copy)]
pub(super) struct Product<'a> {
    pub left: Left<'a>,
    pub right: Right<'a>,
    pub rows: usize,
    pub columns: usize,
    /// Added to every row; empty for none.
    pub summand: &'a [f32],
    /// Laid out as the result; empty for none.
    pub residual: &'a [f32],
    pub scale: f32,
}

impl Product<'_> {
    /// Writes the result into rows of `out` that begin `stride` apart.
    pub(super) fn write(&self, out: &mut [f32], stride: usize) {
        dispatch(Write { product: self, out, stride });
    }
}

struct Write<'a> {
    product: &'a Product<'a>,
    out: &'a mut [f32],
    stride: usize,
}

impl WithSimd for Write<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (right, columns) = (self.product.right, self.product.columns);
        let width = 2 * S::F32_LANES;
        // A last block that is narrower than a tile, or a transposed one, is copied out and padded with zeros.
        let packed = |count| right.transposed || count < width;
        let mut panel = Scratch::new(if packed(columns % width) { self.product.left.depth() * width } else { 0 });
        let mut target = self;
        for first in (0..columns).step_by(width) {
            let count = width.min(columns - first);
            let factor = if packed(count) {
                pack(right, first, count, &mut panel, width);
                Right { values: &panel, stride: width, transposed: false }
            } else {
                Right { values: &right.values[first..], ..right }
            };
            if count > S::F32_LANES {
                target.block::<S, 2>(simd, first, count, factor);
            } else {
                target.block::<S, 1>(simd, first, count, factor);
            }
        }
    }
}

/// Copies columns `first..first + count` of `right` into rows of `width`, the rest of each zero.
#[inline(always)]
fn pack(right: Right, first: usize, count: usize, panel: &mut [f32], width: usize) {
    for (k, row) in panel.chunks_exact_mut(width).enumerate() {
        if right.transposed {
            for (j, value) in row[..count].iter_mut().enumerate() {
                *value = right.values[(first + j) * right.stride + k];
            }
        } else {
            row[..count].copy_from_slice(&right.values[k * right.stride + first..][..count]);
        }
        row[count..].fill(0.0);
    }
}

impl Write<'_> {
    /// All rows of the result in the `count` columns from `column` on; `right` begins with these.
    #[inline(always)]
    fn block<S: Simd, const VECTORS: usize>(&mut self, simd: S, column: usize, count: usize, right: Right) {
        let mut row = 0;
        while row < self.product.rows {
            // The sums of the largest tile, two vectors of the right factor and one of the left fill the 32 or 16 registers.
            row += match self.product.rows - row {
                12.. if S::REGISTER_COUNT >= 32 => self.tile::<S, 12, VECTORS>(simd, row, column, count, right),
                8.. if S::REGISTER_COUNT >= 32 => self.tile::<S, 8, VECTORS>(simd, row, column, count, right),
                6.. if S::REGISTER_COUNT < 32 => self.tile::<S, 6, VECTORS>(simd, row, column, count, right),
                4.. => self.tile::<S, 4, VECTORS>(simd, row, column, count, right),
                2.. => self.tile::<S, 2, VECTORS>(simd, row, column, count, right),
                _ => self.tile::<S, 1, VECTORS>(simd, row, column, count, right),
            };
        }
    }

    /// `ROWS` rows of a block.
    #[inline(always)]
    fn tile<S: Simd, const ROWS: usize, const VECTORS: usize>(
        &mut self,
        simd: S,
        first: usize,
        column: usize,
        count: usize,
        right: Right,
    ) -> usize {
        let Product { left, summand, residual, scale, .. } = *self.product;
        let (mut y, mut x) = (first / left.width, first % left.width);
        let mut starts = [0; ROWS];
        for start in &mut starts {
            *start = y * left.row + x * left.pixel;
            x += 1;
            if x == left.width {
                (y, x) = (y + 1, 0);
            }
        }
        let mut sums = [[simd.splat_f32s(0.0); VECTORS]; ROWS];
        for run in 0..left.runs {
            let mut rows: [&[f32]; ROWS] = [&[]; ROWS];
            for r in 0..ROWS {
                rows[r] = &left.values[starts[r] + run * left.pitch..][..left.run];
            }
            let right = right.values[run * left.run * right.stride..].chunks(right.stride).take(left.run);
            for (k, weights) in right.enumerate() {
                let (weights, _) = S::as_simd_f32s(&weights[..VECTORS * S::F32_LANES]);
                for r in 0..ROWS {
                    let value = simd.splat_f32s(rows[r][k]);
                    for v in 0..VECTORS {
                        sums[r][v] = simd.mul_add_e_f32s(value, weights[v], sums[r][v]);
                    }
                }
            }
        }
        let scale = simd.splat_f32s(scale);
        for (r, sums) in sums.into_iter().enumerate() {
            let from = (first + r) * self.stride + column;
            for (v, mut sum) in sums.into_iter().enumerate() {
                let lanes = v * S::F32_LANES..count.min((v + 1) * S::F32_LANES);
                if lanes.is_empty() {
                    continue;
                }
                if !summand.is_empty() {
                    sum = simd.add_f32s(sum, load(simd, &summand[column..][lanes.clone()]));
                }
                if !residual.is_empty() {
                    sum = simd.add_f32s(sum, load(simd, &residual[from..][lanes.clone()]));
                }
                store(simd, &mut self.out[from..][lanes], simd.mul_f32s(sum, scale));
            }
        }
        ROWS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_of_tile_equals_the_definition() {
        for (rows, depth, columns) in [(1, 4, 4), (7, 8, 20), (30, 12, 68), (27, 5, 64), (13, 64, 3)] {
            let value = |i: usize| (i * 37 % 101) as f32 * 0.02 - 1.0;
            let a: Vec<f32> = (0..rows * depth).map(value).collect();
            let b: Vec<f32> = (0..depth * columns).map(|i| value(i + 50)).collect();
            let transposed: Vec<f32> = (0..columns * depth).map(|i| b[i % depth * columns + i / depth]).collect();
            let summand: Vec<f32> = (0..columns).map(value).collect();
            let residual: Vec<f32> = (0..rows * columns).map(|i| value(i + 9)).collect();
            for right in [
                Right { values: &b, stride: columns, transposed: false },
                Right { values: &transposed, stride: depth, transposed: true },
            ] {
                let left = Left::matrix(&a, depth, depth);
                let product = Product { left, right, rows, columns, summand: &summand, residual: &residual, scale: 0.5 };
                let check = |out: &[f32]| {
                    for (i, out) in out.iter().enumerate() {
                        let (r, c) = (i / columns, i % columns);
                        let sum: f32 = (0..depth).map(|k| a[r * depth + k] * b[k * columns + c]).sum();
                        let expected = (sum + summand[c] + residual[i]) * 0.5;
                        assert!((out - expected).abs() < 1e-5, "{rows}x{depth}x{columns} [{r}, {c}]: {out}, expected {expected}");
                    }
                };
                let mut out = vec![0.0; rows * columns];
                product.write(&mut out, columns);
                check(&out);
                // The ways of older processors.
                out.fill(0.0);
                pulp::Scalar::new().vectorize(Write { product: &product, out: &mut out, stride: columns });
                check(&out);
                #[cfg(target_arch = "x86_64")]
                if let Some(avx2) = pulp::x86::V3::try_new() {
                    out.fill(0.0);
                    Simd::vectorize(avx2, Write { product: &product, out: &mut out, stride: columns });
                    check(&out);
                }
            }
        }
    }
}
