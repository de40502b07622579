//! Latents as vectors: lerp, slerp, and the root mean square.

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// How to go from one latent to another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InterpolationMode {
    /// Spherical: the length stays.
    #[default]
    Slerp,
    /// Straight: the length sinks in the middle.
    Lerp,
}

impl InterpolationMode {
    /// From `a` (t = 0) to `b` (t = 1).
    ///
    /// # Errors
    /// Lengths that differ.
    pub fn between(self, a: &[f32], b: &[f32], t: f64) -> Result<Vec<f32>> {
        match self {
            Self::Slerp => slerp(a, b, t),
            Self::Lerp => lerp(a, b, t),
        }
    }
}

/// Below this sine of the angle between two latents their arc has no direction, and slerp is lerp: at 1e-4 the two differ by less
/// than an f32 holds where the angle is small. (Where it is near π every arc is as good, and lerp passes near 0.)
const PARALLEL: f64 = 1e-4;

/// (1−t) a + t b, elementwise; `a` and `b` themselves at 0 and 1.
///
/// # Errors
/// Lengths that differ.
pub fn lerp(a: &[f32], b: &[f32], t: f64) -> Result<Vec<f32>> {
    same_length("lerp", a, b)?;
    Ok(combine(a, b, 1.0 - t, t))
}

/// Along the great arc from `a` (t = 0) to `b` (t = 1): sin((1−t)θ)/sin θ a + sin(tθ)/sin θ b, with θ the angle between the two as
/// flat vectors (DDIM paper, appendix on interpolation; Shoemake 1985). Unlike lerp it keeps the length that a normal
/// latent has. Exactly `a` and `b` at the ends; lerp where the two are nearly parallel or one is 0.
///
/// # Errors
/// Lengths that differ.
pub fn slerp(a: &[f32], b: &[f32], t: f64) -> Result<Vec<f32>> {
    same_length("slerp", a, b)?;
    let norms = dot(a, a).sqrt() * dot(b, b).sqrt();
    let theta = if norms > 0.0 { (dot(a, b) / norms).clamp(-1.0, 1.0).acos() } else { 0.0 };
    let sine = theta.sin();
    if sine < PARALLEL {
        return Ok(combine(a, b, 1.0 - t, t));
    }
    Ok(combine(a, b, ((1.0 - t) * theta).sin() / sine, (t * theta).sin() / sine))
}

/// ‖x‖/√d, near 1 for a latent that is N(0, 1); 0 of nothing.
pub fn rms(x: &[f32]) -> f64 {
    if x.is_empty() { 0.0 } else { (dot(x, x) / x.len() as f64).sqrt() }
}

fn same_length(what: &str, a: &[f32], b: &[f32]) -> Result<()> {
    if a.len() == b.len() {
        return Ok(());
    }
    let (a, b) = (a.len(), b.len());
    Err(Error::argument(format!("{what}: expected two latents of the same shape, got {a} and {b} values; encode them at one size")))
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}

/// A factor of 0 leaves the other side alone, even where the factor's own side is infinite: the ends are exact.
fn combine(a: &[f32], b: &[f32], of_a: f64, of_b: f64) -> Vec<f32> {
    if of_b == 0.0 && of_a == 1.0 {
        return a.to_vec();
    }
    if of_a == 0.0 && of_b == 1.0 {
        return b.to_vec();
    }
    a.iter().zip(b).map(|(a, b)| (of_a * f64::from(*a) + of_b * f64::from(*b)) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::{lerp, rms, slerp};

    const A: [f32; 4] = [1.0, 0.0, 0.0, 0.0];
    const B: [f32; 4] = [0.0, 2.0, 0.0, 0.0];

    #[test]
    fn ends_are_exact() {
        let (a, b) = ([0.1f32, -1.7, 0.3], [2.5f32, 0.7, -0.9]);
        for between in [lerp, slerp] {
            assert_eq!(between(&a, &b, 0.0).expect("same length"), a);
            assert_eq!(between(&a, &b, 1.0).expect("same length"), b);
        }
    }

    #[test]
    fn slerp_of_equal_lengths_keeps_the_length() {
        let b = [0.6f32, 0.8, 0.0, 0.0];
        for i in 0..=10 {
            let middle = slerp(&A, &b, f64::from(i) / 10.0).expect("same length");
            assert!((rms(&middle) - 0.5).abs() < 1e-7, "t = {i}/10: {}", rms(&middle));
        }
        let half = slerp(&A, &B, 0.5).expect("same length");
        let sqrt_half = 0.5f32.sqrt();
        assert!((half[0] - sqrt_half).abs() < 1e-6 && (half[1] - 2.0 * sqrt_half).abs() < 1e-6, "{half:?}");
    }

    #[test]
    fn parallel_opposite_and_zero_fall_back_to_lerp() {
        for b in [[3.0f32, 0.0, 0.0, 0.0], [-1.0, 0.0, 0.0, 0.0], [1.0, 1e-6, 0.0, 0.0], [0.0; 4]] {
            let (s, l) = (slerp(&A, &b, 0.3).expect("same length"), lerp(&A, &b, 0.3).expect("same length"));
            assert_eq!(s, l);
            assert!(s.iter().all(|v| v.is_finite()));
        }
    }

    #[test]
    fn lengths_must_agree() {
        let message = slerp(&A, &B[..3], 0.5).expect_err("lengths differ").to_string();
        assert!(message.contains("got 4 and 3 values"), "{message}");
        assert_eq!(rms(&[]), 0.0);
        assert!((rms(&[3.0, -3.0]) - 3.0).abs() < 1e-15);
    }
}
