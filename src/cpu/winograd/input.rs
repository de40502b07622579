//! Bᵀ d B of a group of tiles.

use super::{DEPTH, Layer, Sources, V_PLACE, transforms};
use pulp::{Simd, WithSimd};
use std::ops::Range;

/// Writes a group's part of V: `[pieces of the input channels, n², GROUP tiles, DEPTH]`, with a line more at the end of each of the n².
pub(super) struct Transform<'a, const N: usize> {
    pub layer: Layer<'a>,
    pub sources: Sources<'a>,
    /// At most GROUP.
    pub tiles: Range<usize>,
    pub v: &'a mut [f32],
}

impl<const N: usize> WithSimd for Transform<'_, N> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { layer, sources, tiles, v } = self;
        for (r, tile) in tiles.enumerate() {
            let pixels = pixels::<N>(&layer, tile);
            for channel in (0..layer.inputs).step_by(S::F32_LANES) {
                let d = |y: usize, x: usize| match pixels[y][x] {
                    Some(pixel) => load::<S>(&layer, sources, pixel, channel),
                    None => simd.splat_f32s(0.0),
                };
                let mut half = [[simd.splat_f32s(0.0); N]; N];
                for x in 0..N {
                    let mut column = [simd.splat_f32s(0.0); N];
                    for y in 0..N {
                        column[y] = d(y, x);
                    }
                    let column = transforms::input(simd, column);
                    for i in 0..N {
                        half[i][x] = column[i];
                    }
                }
                let at = channel / DEPTH * N * N * V_PLACE + r * DEPTH + channel % DEPTH;
                for i in 0..N {
                    for (j, value) in transforms::input(simd, half[i]).into_iter().enumerate() {
                        S::as_mut_simd_f32s(&mut v[at + (i * N + j) * V_PLACE..][..S::F32_LANES]).0[0] = value;
                    }
                }
            }
        }
    }
}

/// The pixels of the sources below a tile, `None` where it lies outside.
fn pixels<const N: usize>(layer: &Layer, tile: usize) -> [[Option<usize>; N]; N] {
    let (p, (image, y, x)) = (layer.p, layer.place(tile));
    let (up, h, w) = (p.upsample as usize, p.in_h as usize, p.in_w as usize);
    let inside = |at: usize, side: usize| at.checked_sub(p.pad as usize).filter(|at| *at < side * up).map(|at| at / up);
    let mut pixels = [[None; N]; N];
    for (i, row) in pixels.iter_mut().enumerate() {
        for (j, pixel) in row.iter_mut().enumerate() {
            *pixel = inside(y + i, h).and_then(|y| inside(x + j, w).map(|x| (image * h + y) * w + x));
        }
    }
    pixels
}

/// A vector of a ++ b from `channel` on, zero beyond the last.
#[inline(always)]
fn load<S: Simd>(layer: &Layer, sources: Sources, pixel: usize, channel: usize) -> S::f32s {
    let (a_width, b_width) = (layer.p.a_c4 as usize * 4, layer.p.b_c4 as usize * 4);
    if channel + S::F32_LANES <= a_width {
        return S::as_simd_f32s(&sources.a[pixel * a_width + channel..][..S::F32_LANES]).0[0];
    }
    if channel >= a_width && channel + S::F32_LANES <= a_width + b_width {
        return S::as_simd_f32s(&sources.b[pixel * b_width + channel - a_width..][..S::F32_LANES]).0[0];
    }
    let mut values = [0.0; 64];
    for (i, value) in values[..S::F32_LANES].iter_mut().enumerate() {
        let channel = channel + i;
        if channel < a_width {
            *value = sources.a[pixel * a_width + channel];
        } else if channel < a_width + b_width {
            *value = sources.b[pixel * b_width + channel - a_width];
        }
    }
    S::as_simd_f32s(&values[..S::F32_LANES]).0[0]
}
