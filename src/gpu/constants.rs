//! Uploading a program's packed weights.

use super::{Gpu, Precision};
use crate::{
    error::Result,
    program::{Element, Life, Program, TensorId},
};
use half::f16;
use std::collections::HashMap;

/// Weights are uploaded in buffers of about this size.
const ARENA_BYTES: u64 = 64 << 20;

/// A part of a buffer.
#[derive(Clone)]
pub(super) struct Region {
    pub buffer: wgpu::Buffer,
    pub offset: u64,
    pub bytes: u64,
}

/// Uploads every constant once, side by side in a few buffers.
pub(super) fn upload_constants(
    gpu: &Gpu,
    program: &Program,
    precision: Precision,
    usage: wgpu::BufferUsages,
    create: &mut impl FnMut(&str, u64, wgpu::BufferUsages) -> wgpu::Buffer,
) -> Result<HashMap<TensorId, Region>> {
    let align = u64::from(gpu.limits.min_storage_buffer_offset_alignment).max(16);
    let arena_bytes = ARENA_BYTES.min(gpu.max_binding());
    // First the places: (arena, offset) of each constant.
    let mut arenas: Vec<u64> = Vec::new();
    let mut places = Vec::new();
    for (id, tensor) in program.tensors() {
        if let Life::Constant(values) = &tensor.life {
            let bytes = tensor.bytes(precision.c4_bytes()).max(16);
            match arenas.last_mut() {
                Some(end) if end.next_multiple_of(align) + bytes <= arena_bytes => *end = end.next_multiple_of(align),
                _ => arenas.push(0),
            }
            let arena = arenas.len() - 1;
            places.push((id, tensor.element, values, arena, arenas[arena], bytes));
            arenas[arena] += bytes;
        }
    }
    let buffers: Vec<_> = arenas.iter().map(|&bytes| create("weights", bytes, usage)).collect();
    gpu.check()?;
    let mut regions = HashMap::new();
    for (id, element, values, arena, offset, bytes) in places {
        if element == Element::C4 && precision == Precision::F16 {
            // What f16 cannot hold becomes its largest number, not an infinity.
            let half: Vec<f16> = values.iter().map(|v| f16::from_f32(v.clamp(-65504.0, 65504.0))).collect();
            gpu.queue.write_buffer(&buffers[arena], offset, bytemuck::cast_slice(&half));
        } else {
            gpu.queue.write_buffer(&buffers[arena], offset, bytemuck::cast_slice(values.as_slice()));
        }
        regions.insert(id, Region { buffer: buffers[arena].clone(), offset, bytes });
    }
    Ok(regions)
}
