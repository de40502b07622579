//! The three transforms of Winograd's minimal filtering in one dimension, on vectors of channels.
//!
//! An m x m piece of the output of a 3x3 convolution g of the n x n piece d of the input, n = m + 2, is Aᵀ[(G g Gᵀ) ⊙ (Bᵀ d B)]A: n²
//! products in the place of 9 m² (Lavin and Gray 2016, arXiv:1509.09308). The matrices follow from n - 1 points and infinity (Toom and
//! Cook). For m = 2 the points are 0, 1, -1, as in the paper. For m = 4 they are 0, ±3/4, ±3/2 and not the paper's 0, ±1, ±2: their
//! powers stay near 1, so that the rounding errors of sums of products grow to 1.6 times those of the plain convolution, where the
//! paper's give 3.5 times (Barabasz and others 2020, arXiv:1803.10986, choose points so). Bᵀ and Aᵀ are exact in f32.

use pulp::Simd;

/// Bᵀ d.
#[inline(always)]
pub(super) fn input<S: Simd, const N: usize>(simd: S, d: [S::f32s; N]) -> [S::f32s; N] {
    let (add, sub) = (|a, b| simd.add_f32s(a, b), |a, b| simd.sub_f32s(a, b));
    let fma = |factor: f32, a, b| simd.mul_add_e_f32s(simd.splat_f32s(factor), a, b);
    let mut t = d;
    if N == 4 {
        t[0] = sub(d[0], d[2]);
        t[1] = add(d[1], d[2]);
        t[2] = sub(d[2], d[1]);
        t[3] = sub(d[3], d[1]);
        return t;
    }
    // With p = 3/4, q = 3/2: p²q² = 81/64, p² + q² = 45/16.
    t[0] = fma(1.265_625, d[0], fma(-2.8125, d[2], d[4]));
    let (even, odd) = (fma(-2.25, d[2], d[4]), fma(-2.25, d[1], d[3]));
    t[1] = fma(0.75, odd, even);
    t[2] = fma(-0.75, odd, even);
    let (even, odd) = (fma(-0.5625, d[2], d[4]), fma(-0.5625, d[1], d[3]));
    t[3] = fma(1.5, odd, even);
    t[4] = fma(-1.5, odd, even);
    t[5] = fma(1.265_625, d[1], fma(-2.8125, d[3], d[5]));
    t
}

/// G g.
#[inline(always)]
pub(super) fn weights<S: Simd, const N: usize>(simd: S, g: [S::f32s; 3]) -> [S::f32s; N] {
    let (add, sub) = (|a, b| simd.add_f32s(a, b), |a, b| simd.sub_f32s(a, b));
    let times = |factor: f32, a| simd.mul_f32s(simd.splat_f32s(factor), a);
    let fma = |factor: f32, a, b| simd.mul_add_e_f32s(simd.splat_f32s(factor), a, b);
    let mut u = [g[0]; N];
    if N == 4 {
        let (even, odd) = (times(0.5, add(g[0], g[2])), times(0.5, g[1]));
        u[1] = add(even, odd);
        u[2] = sub(even, odd);
        u[3] = g[2];
        return u;
    }
    u[0] = times((64.0 / 81.0) as f32, g[0]);
    let even = fma((-128.0 / 243.0) as f32, g[0], times((-8.0 / 27.0) as f32, g[2]));
    u[1] = fma((-32.0 / 81.0) as f32, g[1], even);
    u[2] = fma((32.0 / 81.0) as f32, g[1], even);
    let even = fma((32.0 / 243.0) as f32, g[0], times((8.0 / 27.0) as f32, g[2]));
    u[3] = fma((16.0 / 81.0) as f32, g[1], even);
    u[4] = fma((-16.0 / 81.0) as f32, g[1], even);
    u[5] = g[2];
    u
}

/// Aᵀ m.
#[inline(always)]
pub(super) fn output<S: Simd, const N: usize, const M: usize>(simd: S, m: [S::f32s; N]) -> [S::f32s; M] {
    let (add, sub) = (|a, b| simd.add_f32s(a, b), |a, b| simd.sub_f32s(a, b));
    let times = |factor: f32, a| simd.mul_f32s(simd.splat_f32s(factor), a);
    let fma = |factor: f32, a, b| simd.mul_add_e_f32s(simd.splat_f32s(factor), a, b);
    let mut y = [m[0]; M];
    if N == 4 {
        y[0] = add(add(m[0], m[1]), m[2]);
        y[1] = add(sub(m[1], m[2]), m[3]);
        return y;
    }
    let (even, even2) = (add(m[1], m[2]), add(m[3], m[4]));
    let (odd, odd2) = (sub(m[1], m[2]), sub(m[3], m[4]));
    y[0] = add(m[0], add(even, even2));
    y[1] = fma(0.75, odd, times(1.5, odd2));
    y[2] = fma(0.5625, even, times(2.25, even2));
    y[3] = fma(0.421_875, odd, fma(3.375, odd2, m[5]));
    y
}
