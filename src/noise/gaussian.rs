//! N(0, 1) from Philox words by Box–Muller, in f32 with arithmetic that a shader repeats: no library function but the square root.
//!
//! One counter (c4, image, step, stream) gives four channels of one pixel; the key is the seed. `c4` is pixel · ⌈C/4⌉ +
//! channel/4, the index of an NHWC tensor with its channels padded to four, so place and channel alone decide a value.
//! `shaders/shared/philox.wgsl` has the same constants in the same order. Adding, subtracting and multiplying are exact to half an
//! ulp on a GPU too, so what differs there is the square root, and an ulp where a compiler fuses a product with a sum.
//!
//! Everything here is inlined and without branches, so that [`sums_c4`] is as wide as the instructions its caller is compiled for.

use super::philox::philox4x32_10;
use std::f32::consts::{PI, SQRT_2};

/// The stream of x_T; its step is 0.
pub const STREAM_X_T: u32 = 0;
/// The stream of the noise z of each step; its step counts from 0 in the order of execution.
pub const STREAM_STEP: u32 = 1;

/// ln 2 in two parts: the first has 9 bits, so its product with an exponent is exact.
const LN_2_HIGH: f32 = 355.0 / 512.0;
const LN_2_LOW: f32 = -2.121_944_4e-4;
/// ln(1+t) = t − t²/2 + t³ P(t) for √½ − 1 ≤ t ≤ √2 − 1; P from the highest power down (Cephes logf).
const LN: [f32; 9] = [
    7.037_683_6e-2,
    -1.151_461e-1,
    1.167_699_9e-1,
    -1.242_014_1e-1,
    1.424_932_3e-1,
    -1.666_805_8e-1,
    2.000_071_5e-1,
    -2.499_999_4e-1,
    3.333_333e-1,
];
/// sin(a) = a + a³ S(a²) and cos(a) = 1 − a²/2 + a⁴ C(a²) for |a| ≤ π/4 (Cephes sinf, cosf).
const SIN: [f32; 3] = [-1.951_529_6e-4, 8.332_161e-3, -1.666_665_5e-1];
const COS: [f32; 3] = [2.443_315_7e-5, -1.388_731_6e-3, 4.166_664_6e-2];

/// Four independent normals: channels `c4` of picture `image`'s noise in `stream` at `step`.
#[inline(always)]
pub fn normal_c4(seed: u64, stream: u32, image: u32, step: u32, c4: u32) -> [f32; 4] {
    let words = philox4x32_10([c4, image, step, stream], [seed as u32, (seed >> 32) as u32]);
    let [a, b] = box_muller(words[0], words[1]);
    let [c, d] = box_muller(words[2], words[3]);
    [a, b, c, d]
}

/// √(−2 ln u) times the cosine and the sine of a uniform angle. At most 5.77, as u is at least 2⁻²⁴.
#[inline(always)]
fn box_muller(radius_word: u32, angle_word: u32) -> [f32; 2] {
    // The odd multiples of 2⁻²⁴ below 1: the midpoints of 2²³ equal intervals, each exactly an f32, never 0 or 1.
    let radius = (-2.0 * ln_of_24_bits((radius_word >> 8) | 1)).sqrt();
    let [cos, sin] = cos_sin_of_turn(angle_word);
    [radius * cos, radius * sin]
}

/// ln(n / 2²⁴) for 0 < n < 2²⁴.
#[inline(always)]
fn ln_of_24_bits(n: u32) -> f32 {
    // n is exact in f32: its bits hold the exponent and the mantissa. Both are small enough to convert as signed, which is one instruction.
    let bits = (n as i32 as f32).to_bits();
    let mut exponent = (bits >> 23) as i32 as f32 - (127.0 + 24.0);
    let mut mantissa = f32::from_bits((bits & 0x007f_ffff) | 0x3f80_0000);
    if mantissa > SQRT_2 {
        mantissa *= 0.5;
        exponent += 1.0;
    }
    let t = mantissa - 1.0;
    let square = t * t;
    let tail = (horner(&LN, t) * t) * square + exponent * LN_2_LOW;
    ((tail - 0.5 * square) + t) + exponent * LN_2_HIGH
}

/// Cosine and sine of `word` / 2³² of a turn, less a half of the lowest of the 24 bits that count. The quarter of the turn is
/// taken off as an integer, so the polynomials see at most π/4 either side of it.
#[inline(always)]
fn cos_sin_of_turn(word: u32) -> [f32; 2] {
    // 22 bits below the quarter, signed; odd multiples of 2⁻²⁴ half turns, exact in f32.
    let below = (word << 2) as i32 >> 10;
    let angle = (2 * below + 1) as f32 * (PI / 16_777_216.0);
    let square = angle * angle;
    let sin = angle + (angle * square) * horner(&SIN, square);
    let cos = (1.0 - 0.5 * square) + (square * square) * horner(&COS, square);
    // The quarters: [cos, sin], [−sin, cos], [−cos, −sin], [sin, −cos].
    let (x, y) = if word & 1 << 30 == 0 { (cos, sin) } else { (sin, cos) };
    let (x_is_negative, y_is_negative) = ((word ^ word << 1) & 1 << 31, word & 1 << 31);
    [f32::from_bits(x.to_bits() ^ x_is_negative), f32::from_bits(y.to_bits() ^ y_is_negative)]
}

#[inline(always)]
fn horner(coefficients: &[f32], x: f32) -> f32 {
    coefficients.iter().fold(0.0, |sum, c| sum * x + c)
}

/// C4 that are computed together.
const BLOCK: usize = 64;

/// For each C4 from `first` on the sum of normals of one picture and stream: of each of `terms` its step and its weight.
#[inline(always)]
pub fn sums_c4(seed: u64, stream: u32, image: u32, terms: &[(u32, f32)], first: u32, out: &mut [[f32; 4]]) {
    for (first, out) in (first..).step_by(BLOCK).zip(out.chunks_mut(BLOCK)) {
        let mut sums = [[0.0; BLOCK]; 4];
        for (step, weight) in terms {
            for i in 0..BLOCK {
                let normals = normal_c4(seed, stream, image, *step, first + i as u32);
                for channel in 0..4 {
                    sums[channel][i] += weight * normals[channel];
                }
            }
        }
        for (i, out) in out.iter_mut().enumerate() {
            *out = [sums[0][i], sums[1][i], sums[2][i], sums[3][i]];
        }
    }
}

/// One picture's noise as `[C, H, W]`, the layout of files. `out` holds C·H·W values; what lies beyond is left alone.
pub fn fill_nchw(seed: u64, stream: u32, image: u32, step: u32, channels: usize, height: usize, width: usize, out: &mut [f32]) {
    fill_sums_nchw(seed, stream, image, &[(step, 1.0)], channels, height * width, out);
}

/// As [`fill_nchw`], of the sums of [`sums_c4`].
pub(super) fn fill_sums_nchw(
    seed: u64,
    stream: u32,
    image: u32,
    terms: &[(u32, f32)],
    channels: usize,
    pixels: usize,
    out: &mut [f32],
) {
    let pixel_c4 = channels.div_ceil(4);
    let mut values = [[0.0; 4]; BLOCK];
    for block in (0..pixels * pixel_c4).step_by(BLOCK) {
        sums_c4(seed, stream, image, terms, block as u32, &mut values);
        for (i, values) in (block..pixels * pixel_c4).zip(values) {
            let (pixel, first) = (i / pixel_c4, i % pixel_c4 * 4);
            for (channel, value) in (first..channels).zip(values) {
                if let Some(place) = out.get_mut(channel * pixels + pixel) {
                    *place = value;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{box_muller, cos_sin_of_turn, ln_of_24_bits};
    use std::f64::consts::PI;

    /// Every 97th and both ends of the 24-bit integers. ln is good to an ulp where it is small, which the radius needs.
    #[test]
    fn ln_is_exact_to_an_ulp() {
        let ends = (1..2000).chain((1 << 24) - 2000..1 << 24);
        for n in (1u32..1 << 24).step_by(97).chain(ends) {
            let exact = (f64::from(n) / 16_777_216.0).ln();
            let error = (f64::from(ln_of_24_bits(n)) - exact).abs();
            assert!(error <= 1.2e-7 * exact.abs(), "ln({n}/2^24): error {error:e} of {exact}");
        }
    }

    #[test]
    fn cos_and_sin_are_exact_to_an_ulp_and_the_quarters_join() {
        for i in 0..1u32 << 22 {
            let word = i << 10;
            let below = f64::from((word << 2) as i32 >> 10);
            let turn = f64::from(word >> 30) / 4.0 + (below + 0.5) / 16_777_216.0;
            let [cos, sin] = cos_sin_of_turn(word);
            let error = (f64::from(cos) - (2.0 * PI * turn).cos()).abs().max((f64::from(sin) - (2.0 * PI * turn).sin()).abs());
            assert!(error < 1.2e-7, "word {word:#x}: error {error:e}");
        }
    }

    #[test]
    fn the_extremes_are_finite() {
        for radius in [0, 1, 0x1ff, u32::MAX, u32::MAX - 0x1ff] {
            for angle in [0, 1, 0x1fff_ffff, 0x2000_0000, 0x7fff_ffff, 0x8000_0000, u32::MAX] {
                let [a, b] = box_muller(radius, angle);
                assert!(a.hypot(b) <= 5.77 && a.hypot(b) > 0.0, "{radius:#x} {angle:#x}: {a} {b}");
            }
        }
    }
}
