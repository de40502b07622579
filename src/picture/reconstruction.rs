//! How far a picture that was encoded and decoded lies from what it was, and what the paper measured.

/// Table 2 of the paper (CIFAR-10): S, and the mean square error per dimension of pictures that were encoded and decoded in S steps each
/// way, pixels in [0, 1].
pub const PAPER: [(usize, f64); 7] =
    [(10, 0.014), (20, 0.0065), (50, 0.0023), (100, 0.0009), (200, 0.0004), (500, 0.0001), (1000, 0.0001)];

/// How much a difference is enlarged where it is shown.
pub const ENLARGED: f32 = 10.0;

/// Mean over all numbers of ((a − b)/2)²: [-1, 1] is twice as wide as [0, 1].
pub fn mse(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| ((f64::from(*a) - f64::from(*b)) / 2.0).powi(2)).sum::<f64>() / a.len().max(1) as f64
}

/// x − x_0, [`ENLARGED`]; where they are equal it is 0, a mid grey.
pub fn difference(x: &[f32], x_0: &[f32]) -> Vec<f32> {
    x.iter().zip(x_0).map(|(x, x_0)| ENLARGED * (x - x_0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn black_and_white_are_1_apart() {
        assert_eq!(mse(&[-1.0, 0.5], &[1.0, 0.5]), 0.5);
        assert_eq!(difference(&[0.25, 1.0], &[0.5, 1.0]), [-2.5, 0.0]);
    }
}
