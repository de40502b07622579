//! From numbers to pictures: tensors in [-1, 1] become RGB bytes; the files beside this one lay them out and write them.

pub mod animation;
pub mod apng;
pub mod decode;
pub mod difference;
pub mod distance;
mod frames;
pub mod gif;
pub mod npz;
pub mod npz_input;
pub mod pdf;
pub mod png;
pub mod recipe;
mod recipe_text;
pub mod reconstruction;
pub mod sheet;
pub mod svg;

use serde::{Deserialize, Serialize};

/// A picture of 8-bit RGB pixels, rows from the top, each from the left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// `width * height` pixels, red, green and blue.
    pub pixels: Vec<[u8; 3]>,
}

impl Picture {
    /// A picture of one colour.
    pub fn filled(width: usize, height: usize, colour: [u8; 3]) -> Self {
        Self { width, height, pixels: vec![colour; width * height] }
    }

    /// The bytes R G B R G B …, three a pixel.
    pub fn bytes(&self) -> &[u8] {
        self.pixels.as_flattened()
    }

    /// Whether every pixel is a grey.
    pub fn is_grey(&self) -> bool {
        self.pixels.iter().all(|[r, g, b]| r == g && g == b)
    }

    /// Each pixel as a square of `factor` by `factor`; 0 counts as 1.
    pub fn scaled(&self, factor: usize) -> Self {
        let factor = factor.max(1);
        let (width, height) = (self.width * factor, self.height * factor);
        let mut pixels = Vec::with_capacity(width * height);
        for row in self.pixels.chunks_exact(self.width.max(1)) {
            let start = pixels.len();
            pixels.extend(row.iter().flat_map(|&pixel| std::iter::repeat_n(pixel, factor)));
            for _ in 1..factor {
                pixels.extend_from_within(start..start + width);
            }
        }
        Self { width, height, pixels }
    }

    /// Copies `other` in with its top left corner at (`left`, `top`); what does not fit is cut off.
    pub fn paste(&mut self, other: &Self, left: usize, top: usize) {
        let width = other.width.min(self.width.saturating_sub(left));
        for y in 0..other.height.min(self.height.saturating_sub(top)) {
            let (to, from) = ((top + y) * self.width + left, y * other.width);
            self.pixels[to..to + width].copy_from_slice(&other.pixels[from..from + width]);
        }
    }
}

/// The byte for a network value: clamp(x / 2 + 0.5) · 255, halves to the even neighbour, as diffusers rounds. NaN becomes 0, black:
/// the sampler stops before a NaN reaches a picture, and this is the least surprising byte if one did.
pub fn to_byte(x: f32) -> u8 {
    // `as` saturates and takes NaN to 0.
    ((x / 2.0 + 0.5).clamp(0.0, 1.0) * 255.0).round_ties_even() as u8
}

/// One image, `values` in [-1, 1] of shape [C, H, W]: one channel is a grey, of two the first is shown as a grey, of three and more
/// the first three are red, green and blue.
///
/// # Panics
/// If `channels` is 0 or `values` has another length than C·H·W: the caller mixed up its tensors.
pub fn image_from_nchw(channels: usize, height: usize, width: usize, values: &[f32]) -> Picture {
    assert!(channels > 0, "a picture needs at least one channel");
    assert_eq!(values.len(), channels * height * width, "values of a [{channels}, {height}, {width}] image");
    let plane = height * width;
    let (green, blue) = if channels < 3 { (0, 0) } else { (plane, 2 * plane) };
    let pixels = (0..plane).map(|i| [values[i], values[i + green], values[i + blue]].map(to_byte)).collect();
    Picture { width, height, pixels }
}

/// Every image of a batch, `values` of shape [N, C, H, W]; see [`image_from_nchw`].
///
/// # Panics
/// If C·H·W is 0 or `values` is no whole number of images.
pub fn images_from_nchw(channels: usize, height: usize, width: usize, values: &[f32]) -> Vec<Picture> {
    let size = channels * height * width;
    assert!(
        size > 0 && values.len().is_multiple_of(size),
        "{} values are no [N, {channels}, {height}, {width}] batch",
        values.len()
    );
    values.chunks_exact(size).map(|image| image_from_nchw(channels, height, width, image)).collect()
}

/// How a tensor of images is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drawn {
    /// C.
    pub channels: usize,
    /// H.
    pub height: usize,
    /// W.
    pub width: usize,
    /// What each value is multiplied by: 1 for pictures, less for latents, which go beyond [-1, 1].
    pub scale: f32,
}

impl Drawn {
    /// One image, as [`image_from_nchw`] draws the scaled values.
    ///
    /// # Panics
    /// As [`image_from_nchw`].
    pub fn image(&self, values: &[f32]) -> Picture {
        if self.scale == 1.0 {
            return image_from_nchw(self.channels, self.height, self.width, values);
        }
        let values: Vec<f32> = values.iter().map(|v| v * self.scale).collect();
        image_from_nchw(self.channels, self.height, self.width, &values)
    }

    /// Every image of a batch, `[N, C, H, W]`.
    ///
    /// # Panics
    /// As [`images_from_nchw`].
    pub fn images(&self, values: &[f32]) -> Vec<Picture> {
        if self.scale == 1.0 {
            return images_from_nchw(self.channels, self.height, self.width, values);
        }
        values.chunks_exact(self.len().max(1)).map(|image| self.image(image)).collect()
    }

    /// Numbers of one image.
    pub fn len(&self) -> usize {
        self.channels * self.height * self.width
    }

    /// Whether an image has no numbers at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// k / 255 is where a byte begins to be itself; x = 2 (k + 0.5) / 255 - 1 lies between two bytes where f32 can say so.
    #[test]
    fn bytes_round_half_to_even_and_saturate() {
        assert_eq!([-1.0, 1.0, -7.0, 7.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN].map(to_byte), [0, 255, 0, 255, 255, 0, 0]);
        // x = 0 is 127.5 exactly: to the even 128, also from -0.
        assert_eq!([0.0, -0.0].map(to_byte), [128, 128]);
        // Every x whose f32 result is a half exactly goes to the even side; there must be some on both sides for the test to bite.
        let (mut up, mut down) = (0, 0);
        for k in 0..255_u8 {
            let x = 2.0 * (f32::from(k) + 0.5) / 255.0 - 1.0;
            let scaled = (x / 2.0 + 0.5) * 255.0;
            if scaled == f32::from(k) + 0.5 {
                assert_eq!(to_byte(x), k + k % 2);
                if k % 2 == 1 { up += 1 } else { down += 1 }
            }
            assert_eq!(to_byte(2.0 * f32::from(k) / 255.0 - 1.0), k);
        }
        assert!(up > 20 && down > 20, "{up} {down}");
    }

    #[test]
    fn channels_become_colours() {
        let values: Vec<f32> = [-1.0, 1.0, 0.0, -0.5, 1.0, -1.0, 0.5, 0.25].into();
        let image = |channels| image_from_nchw(channels, 1, 2, &values[..channels * 2]).pixels;
        assert_eq!(image(1), [[0; 3], [255; 3]]);
        assert_eq!(image(2), image(1));
        assert_eq!(image(3), [[0, 128, 255], [255, 64, 0]]);
        assert_eq!(image(4), image(3));
        assert_eq!(images_from_nchw(1, 1, 2, &values).len(), 4);
        let latents = Drawn { channels: 1, height: 1, width: 2, scale: 1.0 / 3.0 };
        assert_eq!(latents.image(&[3.0, -3.0]).pixels, [[255; 3], [0; 3]]);
        assert_eq!(latents.images(&values).len(), 4);
    }

    #[test]
    fn scaling_and_pasting() {
        let small = Picture { width: 2, height: 1, pixels: vec![[1; 3], [2; 3]] };
        assert_eq!(small.scaled(2).pixels, [[1; 3], [1; 3], [2; 3], [2; 3], [1; 3], [1; 3], [2; 3], [2; 3]]);
        let mut canvas = Picture::filled(3, 2, [0; 3]);
        canvas.paste(&small, 2, 1);
        canvas.paste(&small, 9, 9);
        assert_eq!(canvas.pixels, [[0; 3], [0; 3], [0; 3], [0; 3], [0; 3], [1; 3]]);
    }
}
