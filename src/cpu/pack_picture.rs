//! Twin of shaders/pack_picture.wgsl.

use crate::program::ImageParams;

/// RGBA8 of x in [-1, 1], one u32 per pixel (kept as the bits of an f32): clamp(x/2 + 0.5)·255, rounded half to even.
pub fn pack_picture(p: &ImageParams, x: &[f32], pixels: &mut [f32]) {
    let byte = |v: f32| u32::from((((v * 0.5 + 0.5).clamp(0.0, 1.0)) * 255.0).round_ties_even() as u8);
    for (pixel, out) in x.chunks_exact(p.c4 as usize * 4).zip(pixels) {
        let [r, g, b] = if p.channels < 3 { [pixel[0]; 3] } else { [pixel[0], pixel[1], pixel[2]] };
        *out = f32::from_bits(byte(r) | byte(g) << 8 | byte(b) << 16 | 0xff00_0000);
    }
}
