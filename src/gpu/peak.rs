//! The device's multiply-add peak, measured: what `etude bench` compares the network with.

use super::{Gpu, pipeline::Slot, tune::Dispatch};
use crate::error::{Error, Result};
use std::time::Instant;

/// Operations one invocation of shaders/peak.wgsl does: 16 chains of vec4 multiply-adds.
const OPERATIONS: f64 = 2.0 * 4.0 * 16.0 * 1024.0;

/// Multiply-add peak in operations a second (a multiply-add counts as two), the best of a few runs of about 50 ms.
///
/// # Errors
/// A device fault.
pub fn measure_peak(gpu: &Gpu) -> Result<f64> {
    let dispatch = Dispatch { shader: "peak", constants: Vec::new(), workgroups: 1 };
    let pipeline = gpu.pipeline(&dispatch, &[Slot::Write], false)?;
    let most = 16384u32;
    let buffer = gpu.device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("peak"),
        size: u64::from(most) * 64 * 16,
        usage: wgpu::BufferUsages::STORAGE,
        mapped_at_creation: false,
    });
    let bind_group = gpu.device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: Some("peak"),
        layout: &pipeline.layout,
        entries: &[wgpu::BindGroupEntry { binding: 0, resource: buffer.as_entire_binding() }],
    });
    let time = |workgroups: u32| -> Result<f64> {
        let start = Instant::now();
        let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            pass.set_pipeline(&pipeline.pipeline);
            pass.set_bind_group(0, &bind_group, &[]);
            pass.dispatch_workgroups(workgroups, 1, 1);
        }
        gpu.queue.submit([encoder.finish()]);
        gpu.device
            .poll(wgpu::PollType::wait_indefinitely())
            .map_err(|e| Error::device(&gpu.info.name, format!("measuring its peak failed: {e}")))?;
        gpu.check()?;
        Ok(start.elapsed().as_secs_f64())
    };
    // Grow until a run is long enough for its start-up not to matter.
    let mut workgroups = 16;
    time(workgroups)?;
    let mut seconds = time(workgroups)?;
    while seconds < 0.05 && workgroups < most {
        workgroups = (workgroups * 2).min(most);
        seconds = time(workgroups)?;
    }
    for _ in 0..4 {
        seconds = seconds.min(time(workgroups)?);
    }
    Ok(f64::from(workgroups) * 64.0 * OPERATIONS / seconds)
}
