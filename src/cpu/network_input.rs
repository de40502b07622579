//! Twin of shaders/network_input.wgsl.

use crate::program::ImageParams;

/// output = x·scale + shift.
pub fn network_input(p: &ImageParams, x: &[f32], output: &mut [f32]) {
    for (y, x) in output.iter_mut().zip(x) {
        *y = x * p.scale + p.shift;
    }
}
