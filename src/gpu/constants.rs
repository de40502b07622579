//! Packed weights on a device: uploaded once, however many programs use them.

use super::Gpu;
use crate::{
    error::Result,
    program::{Element, Life, Precision, Program, TensorId},
};
use half::f16;
use std::{
    collections::HashMap,
    sync::{Arc, Weak},
};

/// Weights are uploaded in buffers of about this size.
const ARENA_BYTES: u64 = 64 << 20;

/// A part of a buffer.
#[derive(Clone, Debug)]
pub(super) struct Region {
    pub buffer: wgpu::Buffer,
    pub offset: u64,
    pub bytes: u64,
}

impl Region {
    /// As what a shader binds.
    pub fn binding(&self) -> wgpu::BindingResource<'_> {
        wgpu::BindingResource::Buffer(wgpu::BufferBinding {
            buffer: &self.buffer,
            offset: self.offset,
            size: std::num::NonZeroU64::new(self.bytes),
        })
    }
}

/// The weights that are on a device, shared by all programs recorded of one model in one precision.
#[derive(Debug, Default)]
pub struct DeviceWeights(Vec<(Weak<Vec<f32>>, Region)>);

impl DeviceWeights {
    /// Where the packed weights lie on the device.
    fn find(&self, values: &Arc<Vec<f32>>) -> Option<&Region> {
        self.0.iter().find(|(known, _)| std::ptr::eq(known.as_ptr(), Arc::as_ptr(values))).map(|(_, region)| region)
    }

    /// Uploads the constants of `program` that are not on the device yet, side by side in a few buffers; where each of them lies.
    ///
    /// # Errors
    /// No memory, a driver fault.
    pub(super) fn upload(&mut self, gpu: &Gpu, program: &Program, precision: Precision) -> Result<HashMap<TensorId, Region>> {
        // What no program and no model holds any more is of no use; a new tensor may come to lie at its address.
        self.0.retain(|(values, _)| values.strong_count() > 0);
        let constants = || {
            program.tensors().filter_map(|(id, t)| if let Life::Constant(values) = &t.life { Some((id, t, values)) } else { None })
        };
        let align = u64::from(gpu.limits.min_storage_buffer_offset_alignment).max(16);
        let arena_bytes = ARENA_BYTES.min(gpu.max_binding());
        // First the places: (arena, offset) of each.
        let mut arenas: Vec<u64> = Vec::new();
        let mut places = Vec::new();
        for (_, tensor, values) in constants().filter(|(_, _, values)| self.find(values).is_none()) {
            let bytes = tensor.bytes(precision.c4_bytes()).max(16);
            match arenas.last_mut() {
                Some(end) if end.next_multiple_of(align) + bytes <= arena_bytes => *end = end.next_multiple_of(align),
                _ => arenas.push(0),
            }
            let arena = arenas.len() - 1;
            places.push((tensor.element, values, arena, arenas[arena], bytes));
            arenas[arena] += bytes;
        }
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::COPY_SRC;
        let buffers: Vec<_> = arenas.iter().map(|&bytes| gpu.create_buffer("weights", bytes, usage)).collect();
        gpu.check()?;
        for (element, values, arena, offset, bytes) in places {
            if element == Element::C4 && precision.is_f16() {
                // What f16 cannot hold becomes its largest number, not an infinity.
                let half: Vec<f16> = values.iter().map(|v| f16::from_f32(v.clamp(-65504.0, 65504.0))).collect();
                gpu.queue.write_buffer(&buffers[arena], offset, bytemuck::cast_slice(&half));
            } else {
                gpu.queue.write_buffer(&buffers[arena], offset, bytemuck::cast_slice(values.as_slice()));
            }
            gpu.count_weights(bytes);
            self.0.push((Arc::downgrade(values), Region { buffer: buffers[arena].clone(), offset, bytes }));
        }
        Ok(constants().filter_map(|(id, _, values)| Some((id, self.find(values)?.clone()))).collect())
    }
}
