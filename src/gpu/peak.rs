//! The device's multiply-add peak, measured: what `etude bench` compares the network with.

use super::{
    Gpu,
    pipeline::{BindingKind, Pipeline},
    tune::Dispatch,
};
use crate::{error::Result, platform::Instant};
use std::sync::Arc;

/// Operations one invocation of shaders/peak.wgsl does: 16 chains of vec4 multiply-adds.
const OPERATIONS: f64 = 2.0 * 4.0 * 16.0 * 1024.0;

/// A ready measurement, about 50 ms long, to be taken between the steps of a benchmark: on a shared machine both see the same noise.
pub struct Peak<'g> {
    gpu: &'g Gpu,
    pipeline: Arc<Pipeline>,
    bind_group: wgpu::BindGroup,
    workgroups: u32,
}

/// Bytes that are copied to measure the bandwidth, more than caches hold, and how often before the device is waited for.
const COPIED: u64 = 64 << 20;
const COPIES: u64 = 4;

/// The most workgroups of one measurement.
const MAX_WORKGROUPS: u32 = 16384;

impl<'g> Peak<'g> {
    /// Prepares the measurement and finds how much work takes 50 ms.
    ///
    /// # Errors
    /// A device fault.
    pub async fn new(gpu: &'g Gpu) -> Result<Self> {
        let dispatch = Dispatch { shader: "peak", constants: Vec::new(), assumed: Vec::new(), workgroup: 64, workgroups: 1 };
        let pipeline = gpu.pipeline(&dispatch, &[BindingKind::Write], false)?;
        let buffer = gpu.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("peak"),
            size: u64::from(MAX_WORKGROUPS) * 64 * 16,
            usage: wgpu::BufferUsages::STORAGE,
            mapped_at_creation: false,
        });
        let bind_group = gpu.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("peak"),
            layout: &pipeline.layout,
            entries: &[wgpu::BindGroupEntry { binding: 0, resource: buffer.as_entire_binding() }],
        });
        let mut peak = Self { gpu, pipeline, bind_group, workgroups: 16 };
        peak.seconds().await?;
        // Grow until a run is long enough for its start-up not to matter.
        while peak.seconds().await? < 0.05 && peak.workgroups < MAX_WORKGROUPS {
            peak.workgroups = (peak.workgroups * 2).min(MAX_WORKGROUPS);
        }
        Ok(peak)
    }

    async fn seconds(&self) -> Result<f64> {
        let start = Instant::now();
        let mut encoder = self.gpu.encoder();
        {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            pass.set_pipeline(&self.pipeline.pipeline);
            pass.set_bind_group(0, &self.bind_group, &[]);
            pass.dispatch_workgroups(self.workgroups, 1, 1);
        }
        let submitted = self.gpu.submit(encoder);
        self.gpu.settle(Some(submitted)).await?;
        Ok(start.elapsed().as_secs_f64())
    }

    /// Bytes a second that the device reads and writes when it copies 64 MiB, the best of three times.
    ///
    /// # Errors
    /// A device fault.
    pub async fn bandwidth(&self) -> Result<f64> {
        let size = COPIED.min(self.gpu.device.limits().max_buffer_size);
        let usage = wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST;
        let label = Some("bandwidth");
        let [from, to] = [0; 2]
            .map(|_| self.gpu.device.create_buffer(&wgpu::BufferDescriptor { label, size, usage, mapped_at_creation: false }));
        let mut best = 0.0_f64;
        for _ in 0..4 {
            let start = Instant::now();
            let mut encoder = self.gpu.encoder();
            for _ in 0..COPIES {
                encoder.copy_buffer_to_buffer(&from, 0, &to, 0, size);
            }
            let submitted = self.gpu.submit(encoder);
            self.gpu.settle(Some(submitted)).await?;
            best = best.max(2.0 * (size * COPIES) as f64 / start.elapsed().as_secs_f64());
        }
        Ok(best)
    }

    /// Multiply-add peak in operations per second (a multiply-add counts as two), measured now.
    ///
    /// # Errors
    /// A device fault.
    pub async fn measure(&self) -> Result<f64> {
        Ok(f64::from(self.workgroups) * 64.0 * OPERATIONS / self.seconds().await?)
    }
}
