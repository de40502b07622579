//! A block of output channels of a band of tiles: Gᵀ g G of its weights, n² matrix products, Aᵀ M A of what they give.

use super::{DEPTH, GROUP, Layer, Sources, V_PLACE, VECTORS, transforms};
use crate::cpu::{
    bf16::widen,
    memory::Scratch,
    packed::{BLOCK, Packing},
    parallel::ColumnBlock,
    simd::{load, store},
};
use pulp::{Simd, WithSimd};

/// See the module.
pub(super) struct Block<'a, const M: usize, const N: usize> {
    pub layer: Layer<'a>,
    pub sources: Sources<'a>,
    /// The first row of tiles of the band.
    pub row: usize,
    /// Tiles of the band.
    pub tiles: usize,
    /// The band's part of V.
    pub v: &'a [f32],
    /// The band's part of the output, from its first pixel on.
    pub out: ColumnBlock<'a>,
}

impl<const M: usize, const N: usize> WithSimd for Block<'_, M, N> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let width = VECTORS * S::F32_LANES;
        // As for V, a line more keeps the n² places of a tile apart.
        let (u_place, m_place) = (DEPTH * width + 16, GROUP * width + 16);
        let mut u = Scratch::new(N * N * u_place);
        let mut m = Scratch::new(self.tiles.div_ceil(GROUP) * N * N * m_place);
        let (columns, packed) = (self.out.columns(), self.sources.weights);
        let bf16 = matches!(packed.packing, Packing::Bf16Taps(_));
        let mut widened = Scratch::new(if bf16 { DEPTH * 9 * BLOCK } else { 0 });
        for chunk in 0..self.layer.chunks {
            let (first, depth) = (chunk * DEPTH * 9 * BLOCK, DEPTH.min(self.layer.inputs - chunk * DEPTH));
            let values = if bf16 {
                let packed = &packed.bf16_block(columns.start / BLOCK)[first..][..depth * 9 * BLOCK];
                widened.iter_mut().zip(packed).for_each(|(wide, value)| *wide = widen(*value));
                &widened[..depth * 9 * BLOCK]
            } else {
                &packed.block(columns.start / BLOCK)[first..][..depth * 9 * BLOCK]
            };
            let taps = Taps { values, first: columns.start % BLOCK, columns: columns.len() };
            taps.transform::<S, N>(simd, depth, &mut u, u_place);
            for place in 0..N * N {
                // What follows is this block's next piece, or most likely the next block's first.
                packed.prefetch(columns.start / BLOCK, (chunk + 1) * DEPTH, DEPTH, place, N * N);
                let right = &u[place * u_place..][..depth * width];
                for group in 0..self.tiles.div_ceil(GROUP) {
                    let left = &self.v[((group * self.layer.chunks + chunk) * N * N + place) * V_PLACE..][..GROUP * DEPTH];
                    let sums = &mut m[(group * N * N + place) * m_place..][..GROUP * width];
                    multiply(simd, left, right, sums, GROUP.min(self.tiles - group * GROUP), chunk == 0);
                }
            }
        }
        self.output(simd, &m, m_place);
    }
}

/// The nine weights of some input channels and a block of output channels.
struct Taps<'a> {
    /// `[input channels, taps, BLOCK]`.
    values: &'a [f32],
    /// The block's first output channel among those.
    first: usize,
    /// Output channels of the block.
    columns: usize,
}

impl Taps<'_> {
    /// U: `[n², depth, width]`, the n² `place` values apart.
    #[inline(always)]
    fn transform<S: Simd, const N: usize>(&self, simd: S, depth: usize, u: &mut [f32], place: usize) {
        for k in 0..depth {
            for v in 0..VECTORS {
                let lanes = (v * S::F32_LANES).min(self.columns)..self.columns.min((v + 1) * S::F32_LANES);
                let at = (k * VECTORS + v) * S::F32_LANES;
                let mut half = [[simd.splat_f32s(0.0); 3]; N];
                for x in 0..3 {
                    let mut column = [simd.splat_f32s(0.0); 3];
                    for y in 0..3 {
                        column[y] = load(simd, &self.values[(k * 9 + y * 3 + x) * BLOCK + self.first..][lanes.clone()]);
                    }
                    let column: [_; N] = transforms::weights(simd, column);
                    for i in 0..N {
                        half[i][x] = column[i];
                    }
                }
                for i in 0..N {
                    let row: [_; N] = transforms::weights(simd, half[i]);
                    for (j, value) in row.into_iter().enumerate() {
                        S::as_mut_simd_f32s(&mut u[(i * N + j) * place + at..][..S::F32_LANES]).0[0] = value;
                    }
                }
            }
        }
    }
}

impl<const M: usize, const N: usize> Block<'_, M, N> {
    /// Writes the tiles' pixels.
    #[inline(always)]
    fn output<S: Simd>(&mut self, simd: S, m: &[f32], m_place: usize) {
        let Self { layer, sources, row, tiles, .. } = *self;
        let (block, all) = (self.out.columns(), layer.p.out_c4 as usize * 4);
        let (height, width) = (layer.p.out_h as usize, layer.p.out_w as usize);
        let scale = simd.splat_f32s(layer.p.scale);
        let before = layer.first_pixel(row);
        for tile in 0..tiles {
            let (image, y, x) = layer.place(row * layer.tiles_x + tile);
            let m = &m[tile / GROUP * N * N * m_place..];
            for v in 0..VECTORS {
                let lanes = v * S::F32_LANES..block.len().min((v + 1) * S::F32_LANES);
                if lanes.is_empty() {
                    continue;
                }
                let at = (tile % GROUP * VECTORS + v) * S::F32_LANES;
                let mut half = [[simd.splat_f32s(0.0); N]; M];
                for j in 0..N {
                    let mut column = [simd.splat_f32s(0.0); N];
                    for i in 0..N {
                        column[i] = S::as_simd_f32s(&m[(i * N + j) * m_place + at..][..S::F32_LANES]).0[0];
                    }
                    let column: [_; M] = transforms::output(simd, column);
                    for i in 0..M {
                        half[i][j] = column[i];
                    }
                }
                let summand = load(simd, &sources.summands[image][block.start..][lanes.clone()]);
                for i in 0..M.min(height - y) {
                    let row: [_; M] = transforms::output(simd, half[i]);
                    for j in 0..M.min(width - x) {
                        let pixel = (image * height + y + i) * width + x + j;
                        let mut value = simd.add_f32s(row[j], summand);
                        if !sources.residual.is_empty() {
                            value = simd.add_f32s(value, load(simd, &sources.residual[pixel * all + block.start..][lanes.clone()]));
                        }
                        store(simd, &mut self.out.row(pixel - before)[lanes.clone()], simd.mul_f32s(value, scale));
                    }
                }
            }
        }
    }
}

/// sums += left·right for `rows` tiles of a group, or = where it is `first`.
#[inline(always)]
fn multiply<S: Simd>(simd: S, left: &[f32], right: &[f32], sums: &mut [f32], rows: usize, first: bool) {
    let mut row = 0;
    while row < rows {
        row += match rows - row {
            12.. if S::REGISTER_COUNT >= 32 => tile::<S, 12>(simd, left, right, sums, row, first),
            8.. if S::REGISTER_COUNT >= 32 => tile::<S, 8>(simd, left, right, sums, row, first),
            6.. if S::REGISTER_COUNT < 32 => tile::<S, 6>(simd, left, right, sums, row, first),
            4.. => tile::<S, 4>(simd, left, right, sums, row, first),
            2.. => tile::<S, 2>(simd, left, right, sums, row, first),
            _ => tile::<S, 1>(simd, left, right, sums, row, first),
        };
    }
}

/// `ROWS` of a group's tiles.
#[inline(always)]
fn tile<S: Simd, const ROWS: usize>(simd: S, left: &[f32], right: &[f32], sums: &mut [f32], row: usize, first: bool) -> usize {
    let left = &left.as_chunks::<DEPTH>().0[row..row + ROWS];
    let sums = &mut S::as_mut_simd_f32s(sums).0[row * VECTORS..][..ROWS * VECTORS];
    let right = S::as_simd_f32s(right).0;
    let mut acc = [[simd.splat_f32s(0.0); VECTORS]; ROWS];
    if !first {
        for r in 0..ROWS {
            for v in 0..VECTORS {
                acc[r][v] = sums[r * VECTORS + v];
            }
        }
    }
    for (k, weights) in right.chunks_exact(VECTORS).enumerate().take(DEPTH) {
        for r in 0..ROWS {
            let value = simd.splat_f32s(left[r][k]);
            for v in 0..VECTORS {
                acc[r][v] = simd.mul_add_e_f32s(value, weights[v], acc[r][v]);
            }
        }
    }
    for r in 0..ROWS {
        for v in 0..VECTORS {
            sums[r * VECTORS + v] = acc[r][v];
        }
    }
    ROWS
}
