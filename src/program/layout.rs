//! From PyTorch's layouts to ours and back: NCHW and NHWC in C4, packed convolution and linear weights.

use super::Shape;

/// `[N, C, H, W]` to padded `[N, H, W, ⌈C/4⌉·4]`; `values` has N·C·H·W entries.
pub fn nchw_to_c4(shape: Shape, values: &[f32]) -> Vec<f32> {
    let (pixels, channels, stride) = (shape.pixels() as usize, shape.channels as usize, shape.c4() as usize * 4);
    let mut padded = vec![0.0; shape.len()];
    for (image, plane) in values.chunks_exact(pixels * channels).zip(padded.chunks_exact_mut(pixels * stride)) {
        for c in 0..channels {
            for p in 0..pixels {
                plane[p * stride + c] = image[c * pixels + p];
            }
        }
    }
    padded
}

/// Padded NHWC to `[N, C, H, W]`.
pub fn c4_to_nchw(shape: Shape, padded: &[f32]) -> Vec<f32> {
    let (pixels, channels, stride) = (shape.pixels() as usize, shape.channels as usize, shape.c4() as usize * 4);
    let mut values = vec![0.0; shape.batch as usize * pixels * channels];
    for (image, plane) in values.chunks_exact_mut(pixels * channels).zip(padded.chunks_exact(pixels * stride)) {
        for c in 0..channels {
            for p in 0..pixels {
                image[c * pixels + p] = plane[p * stride + c];
            }
        }
    }
    values
}

/// Channels padded to whole C4.
pub fn padded(channels: u32) -> usize {
    channels.div_ceil(4) as usize * 4
}

/// Packs `[C_out, C_in, k, k]` as a row-major matrix `[k·k·Σ padded(part), padded(C_out)]`: rows tap by tap, within a tap the
/// input channels of each concatenated part, every part padded to whole C4 with zero rows.
pub fn pack_conv(weights: &[f32], out: u32, parts: &[u32], kernel: u32) -> Vec<f32> {
    let inputs: usize = parts.iter().map(|&p| p as usize).sum();
    let taps = (kernel * kernel) as usize;
    let columns = padded(out);
    let rows_a_tap: usize = parts.iter().map(|&p| padded(p)).sum();
    let mut packed = vec![0.0; taps * rows_a_tap * columns];
    for tap in 0..taps {
        let (mut row, mut input) = (tap * rows_a_tap, 0);
        for &part in parts {
            for i in 0..part as usize {
                for o in 0..out as usize {
                    packed[(row + i) * columns + o] = weights[(o * inputs + input + i) * taps + tap];
                }
            }
            row += padded(part);
            input += part as usize;
        }
    }
    packed
}

/// A vector with its parts padded to whole C4.
pub fn pack_vector(values: &[f32], parts: &[u32]) -> Vec<f32> {
    let mut packed = Vec::new();
    let mut rest = values;
    for &part in parts {
        let (head, tail) = rest.split_at(part as usize);
        packed.extend_from_slice(head);
        packed.resize(packed.len() + padded(part) - part as usize, 0.0);
        rest = tail;
    }
    packed
}
