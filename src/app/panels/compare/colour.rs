//! The colours of the heat maps: matplotlib's inferno, whose lightness rises evenly.

use crate::picture::Picture;

/// The colour of `x` from 0 (nearly black) to 1 (pale yellow); values outside take the colour of the end, and NaN that of 0.
pub(crate) fn inferno(x: f64) -> [u8; 3] {
    let x = if x.is_nan() { 0.0 } else { x.clamp(0.0, 1.0) };
    colorous::INFERNO.eval_continuous(x).into_array()
}

/// A map `[H, W]` as a picture, with `largest` as the brightest.
pub(crate) fn heat_map(map: &[f32], width: usize, largest: f64) -> Picture {
    let scale = if largest > 0.0 { 1.0 / largest } else { 0.0 };
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
        assert_eq!(inferno(0.0), [0, 0, 4], "black to the eye");
        assert!(all[64] > 90.0, "{}", all[64]);
        assert_eq!([inferno(-1.0), inferno(2.0), inferno(f64::NAN)], [inferno(0.0), inferno(1.0), inferno(0.0)]);
    }

    #[test]
    fn one_scale_for_all_maps() {
        let map = heat_map(&[0.0, 0.5, 1.0, 2.0], 2, 2.0);
        assert_eq!((map.width, map.height), (2, 2));
        assert_eq!(map.pixels, [0.0, 0.25, 0.5, 1.0].map(inferno));
        assert_eq!(heat_map(&[0.0; 4], 2, 0.0), Picture::filled(2, 2, inferno(0.0)));
        assert_eq!((bar().pixels[0], bar().pixels[127]), (inferno(0.0), inferno(1.0)));
    }
}
