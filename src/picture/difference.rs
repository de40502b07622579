//! How far two pictures lie apart, in numbers and as a picture.

use super::Picture;

/// By how much a difference can be enlarged.
pub const FACTORS: [u32; 7] = [1, 2, 5, 10, 20, 50, 100];

/// How far two pictures of one size lie apart, over all pixels and channels, with pixels in [0, 1].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Distance {
    /// Mean of |b − a|.
    pub mean_absolute: f64,
    /// Mean of (b − a)².
    pub mean_square: f64,
    /// The largest |b − a|.
    pub largest: f64,
}

impl Distance {
    /// From `a` to `b`; `None` where they have different sizes, or no pixels.
    pub fn between(a: &Picture, b: &Picture) -> Option<Self> {
        if (a.width, a.height) != (b.width, b.height) || a.pixels.is_empty() {
            return None;
        }
        let (mut sum, mut squares, mut largest) = (0_u64, 0_u64, 0_u64);
        for (a, b) in a.bytes().iter().zip(b.bytes()) {
            let apart = u64::from(a.abs_diff(*b));
            (sum, squares, largest) = (sum + apart, squares + apart * apart, largest.max(apart));
        }
        let count = a.bytes().len() as f64;
        Some(Self {
            mean_absolute: sum as f64 / count / 255.0,
            mean_square: squares as f64 / count / (255.0 * 255.0),
            largest: largest as f64 / 255.0,
        })
    }

    /// Whether no pixel differs.
    pub fn is_none(&self) -> bool {
        self.largest == 0.0
    }

    /// Peak signal-to-noise ratio, 10 log10(1 / mean square), in dB; infinite where no pixel differs.
    pub fn psnr(&self) -> f64 {
        -10.0 * self.mean_square.log10()
    }

    /// The largest of [`FACTORS`] at which no pixel of the difference is cut off.
    pub fn factor(&self) -> u32 {
        let fits = |factor: &u32| f64::from(*factor) * self.largest * 255.0 <= 127.5;
        FACTORS.into_iter().rfind(fits).unwrap_or(1)
    }
}

/// `factor` times b − a around a mid grey (128), cut off at black and white; `None` where the two have different sizes.
pub fn difference(a: &Picture, b: &Picture, factor: u32) -> Option<Picture> {
    if (a.width, a.height) != (b.width, b.height) {
        return None;
    }
    let of = |a: u8, b: u8| (128 + (i64::from(b) - i64::from(a)) * i64::from(factor)).clamp(0, 255) as u8;
    let pixels = a.pixels.iter().zip(&b.pixels).map(|(a, b)| std::array::from_fn(|channel| of(a[channel], b[channel])));
    Some(Picture { width: a.width, height: a.height, pixels: pixels.collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(pixels: &[[u8; 3]]) -> Picture {
        Picture { width: pixels.len(), height: 1, pixels: pixels.to_vec() }
    }

    #[test]
    fn black_and_white_are_1_apart_and_equal_ones_infinitely_alike() {
        let (black, white) = (row(&[[0; 3], [0; 3]]), row(&[[255; 3], [0; 3]]));
        let half = Distance::between(&black, &white).expect("one size");
        assert_eq!((half.mean_absolute, half.mean_square, half.largest, half.factor()), (0.5, 0.5, 1.0, 1));
        assert!((half.psnr() - 10.0 * 2.0_f64.log10()).abs() < 1e-12);
        let none = Distance::between(&white, &white).expect("one size");
        assert!(none.is_none() && none.psnr() == f64::INFINITY && none.factor() == 100);
        assert_eq!(Distance::between(&black, &row(&[[0; 3]])), None);
        assert_eq!(Distance::between(&row(&[]), &row(&[])), None);
    }

    #[test]
    fn a_difference_is_enlarged_around_grey_as_far_as_it_fits() {
        let (a, b) = (row(&[[100, 100, 100], [7; 3]]), row(&[[103, 90, 100], [7; 3]]));
        assert_eq!(Distance::between(&a, &b).expect("one size").factor(), 10);
        assert_eq!(difference(&a, &b, 10).expect("one size").pixels, [[158, 28, 128], [128; 3]]);
        assert_eq!(difference(&b, &a, 100).expect("one size").pixels, [[0, 255, 128], [128; 3]]);
        assert_eq!(difference(&a, &row(&[[0; 3]]), 1), None);
    }
}
