//! A colour map whose lightness rises evenly: matplotlib's inferno as a polynomial of degree 6 a channel (Matt Zucker, public
//! domain), largest error about 0.01.

use crate::picture::Picture;

const RED: [f64; 7] = [0.000219, 0.106513, 11.602493, -41.703996, 77.162936, -71.319428, 25.131126];
const GREEN: [f64; 7] = [0.001651, 0.563956, -3.972854, 17.436399, -33.402359, 32.626064, -12.242669];
const BLUE: [f64; 7] = [-0.019481, 3.932712, -15.942394, 44.354145, -81.807309, 73.209520, -23.070325];

/// The colour of `x` from 0 (black) to 1 (pale yellow); what lies outside takes the end's colour, and NaN is black.
pub(crate) fn inferno(x: f64) -> [u8; 3] {
    let x = if x.is_nan() { 0.0 } else { x.clamp(0.0, 1.0) };
    let channel = |c: &[f64; 7]| (c.iter().rev().fold(0.0, |sum, c| sum * x + c) * 255.0).round().clamp(0.0, 255.0) as u8;
    [&RED, &GREEN, &BLUE].map(channel)
}

/// A map `[H, W]` as a picture, with `most` as the brightest.
pub(crate) fn heat_map(map: &[f32], width: usize, most: f64) -> Picture {
    let scale = if most > 0.0 { 1.0 / most } else { 0.0 };
    let pixels: Vec<_> = map.iter().map(|v| inferno(f64::from(*v) * scale)).collect();
    Picture { width, height: pixels.len() / width.max(1), pixels }
}

/// The legend's bar, from 0 at the left.
pub(crate) fn bar() -> Picture {
    const STEPS: usize = 128;
    let pixels = (0..STEPS).map(|i| inferno(i as f64 / (STEPS - 1) as f64)).collect();
    Picture { width: STEPS, height: 1, pixels }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lightness L* of CIE 1976 of an sRGB colour.
    fn lightness(rgb: [u8; 3]) -> f64 {
        let linear = |v: u8| {
            let v = f64::from(v) / 255.0;
            if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
        };
        let y = 0.2126 * linear(rgb[0]) + 0.7152 * linear(rgb[1]) + 0.0722 * linear(rgb[2]);
        if y > 0.008856 { 116.0 * y.cbrt() - 16.0 } else { 903.3 * y }
    }

    #[test]
    fn lightness_rises_evenly() {
        let all: Vec<f64> = (0..=64).map(|i| lightness(inferno(f64::from(i) / 64.0))).collect();
        for (i, pair) in all.windows(2).enumerate() {
            assert!(pair[1] > pair[0] && pair[1] - pair[0] < 4.5, "{i}: {pair:?}");
        }
        assert_eq!(inferno(0.0), [0, 0, 0]);
        assert!(all[64] > 90.0, "{}", all[64]);
        assert_eq!([inferno(-1.0), inferno(2.0), inferno(f64::NAN)], [inferno(0.0), inferno(1.0), inferno(0.0)]);
    }

    #[test]
    fn one_scale_for_all_maps() {
        let map = heat_map(&[0.0, 0.5, 1.0, 2.0], 2, 2.0);
        assert_eq!((map.width, map.height), (2, 2));
        assert_eq!(map.pixels, [0.0, 0.25, 0.5, 1.0].map(inferno));
        assert_eq!(heat_map(&[0.0; 4], 2, 0.0), Picture::filled(2, 2, [0; 3]));
        assert_eq!((bar().pixels[0], bar().pixels[127]), (inferno(0.0), inferno(1.0)));
    }
}
