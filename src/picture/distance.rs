//! How far several pictures lie apart, and where along a run that is measured.

use super::{Picture, difference::Distance};
use std::borrow::Borrow;

/// The root mean square difference of two pictures, pixels in [0, 1]; 0 where they have different sizes.
pub fn rms(a: &Picture, b: &Picture) -> f64 {
    Distance::between(a, b).map_or(0.0, |distance| distance.mean_square.sqrt())
}

/// The mean of [`rms`] over all pairs of `pictures`; 0 of fewer than two.
pub fn mean_rms(pictures: &[impl Borrow<Picture>]) -> f64 {
    let pairs = pictures.iter().enumerate().flat_map(|(i, a)| pictures[i + 1..].iter().map(move |b| rms(a.borrow(), b.borrow())));
    let (sum, count) = pairs.fold((0.0, 0u32), |(sum, count), distance| (sum + distance, count + 1));
    sum / f64::from(count.max(1))
}

/// The index of each step of a run of `steps` at which it is measured how far branches come apart: the first, and others evenly after it,
/// `places` of them where there are as many.
pub fn places(steps: usize, places: u32) -> Vec<usize> {
    let count = (places as usize).min(steps).max(1);
    (0..count).map(|i| i * steps / count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn black_and_white_are_1_apart() {
        let [black, white] = [0, 255].map(|value| Picture::filled(2, 2, [value; 3]));
        assert_eq!((rms(&black, &white), rms(&white, &white)), (1.0, 0.0));
        // Of three pairs two are apart.
        assert!((mean_rms(&[black.clone(), black, white]) - 2.0 / 3.0).abs() < 1e-12);
        assert_eq!(mean_rms(&[] as &[Picture]), 0.0);
    }

    #[test]
    fn places_are_spread_over_the_run() {
        assert_eq!(places(50, 10), [0, 5, 10, 15, 20, 25, 30, 35, 40, 45]);
        assert_eq!((places(3, 10), places(1, 2)), (vec![0, 1, 2], vec![0]));
    }
}
