//! The pointwise non-linearities: the twin of shaders/shared/activation.wgsl.

/// Applies the activation of `code` ([`crate::program::Activation::code`]) to each value.
#[inline(always)]
pub(super) fn activate(code: u32, values: &mut [f32]) {
    match code {
        1 => values.iter_mut().for_each(|x| *x /= 1.0 + exp(-*x)),
        2 => values.iter_mut().for_each(|x| *x = mish(*x)),
        3 => values.iter_mut().for_each(|x| *x = gelu(*x)),
        4 => values.iter_mut().for_each(|x| *x = x.max(0.0)),
        _ => {}
    }
}

/// eˣ by range reduction and a polynomial of degree six, within 2 units in the last place: unlike the library's it vectorises.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    const LOG2_E: f32 = std::f32::consts::LOG2_E;
    // ln 2 in two parts, the first exact in few bits, so that x - k·ln 2 keeps its digits.
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    let x = x.clamp(-87.3, 88.3);
    // Adding 1.5·2²³ rounds to the nearest whole number in the low bits.
    const ROUND: f32 = 12_582_912.0;
    let shifted = x * LOG2_E + ROUND;
    let k = shifted - ROUND;
    let r = x - k * LN2_HIGH - k * LN2_LOW;
    let p = 1.987_569_1e-4;
    let p = p * r + 1.398_199_9e-3;
    let p = p * r + 8.333_452e-3;
    let p = p * r + 4.166_579_6e-2;
    let p = p * r + 1.666_666_5e-1;
    let p = p * r + 0.5;
    let p = p * r * r + r + 1.0;
    let exponent = (shifted.to_bits() << 23).wrapping_add(0x3f80_0000);
    p * f32::from_bits(exponent)
}

/// x·tanh(ln(1 + eˣ)) = x·(e² + 2e)/(e² + 2e + 2) with e = eˣ; for large x the factor is 1.
#[inline(always)]
fn mish(x: f32) -> f32 {
    if x > 20.0 {
        return x;
    }
    let e = exp(x);
    let n = e * (e + 2.0);
    x * n / (n + 2.0)
}

/// x·(1 + erf(x/√2))/2.
#[inline(always)]
fn gelu(x: f32) -> f32 {
    0.5 * x * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2))
}

/// The error function by Abramowitz and Stegun 7.1.26, absolute error below 1.5e-7.
#[inline(always)]
fn erf(x: f32) -> f32 {
    let a = x.abs();
    let t = 1.0 / (1.0 + 0.327_591_1 * a);
    let p = ((((1.061_405_4 * t - 1.453_152) * t + 1.421_413_7) * t - 0.284_496_74) * t + 0.254_829_6) * t;
    (1.0 - p * exp(-a * a)).copysign(x)
}

#[cfg(test)]
mod tests {
    #[test]
    fn exp_is_close_to_the_library() {
        for i in -8700..8800 {
            let x = i as f32 * 0.01;
            let expected = f64::from(x).exp();
            let error = (f64::from(super::exp(x)) - expected).abs() / expected;
            assert!(error < 3e-7, "exp({x}): relative error {error}");
        }
    }
}
