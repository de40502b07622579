//! Timing each kernel call by timestamp queries.

use super::GpuExecutor;
use crate::{
    error::{Error, Result},
    program::{CallTime, Stage, StepParams},
};

impl GpuExecutor {
    /// Runs `stages` once with a timestamp around each kernel call.
    ///
    /// # Errors
    /// The device cannot time kernels, or a device fault.
    pub async fn profile(&mut self, stages: &[Stage], step: &StepParams) -> Result<Vec<CallTime>> {
        if !self.gpu.timestamps {
            return Err(Error::device(&self.gpu.info.name, "cannot time single kernels (no timestamp queries)"));
        }
        self.gpu.queue.write_buffer(&self.step_buffer, 0, bytemuck::bytes_of(step));
        let indices: Vec<usize> = stages.iter().flat_map(|s| self.indices(*s)).collect();
        let mut times = Vec::with_capacity(indices.len());
        // A query set holds 4096 timestamps at most.
        for part in indices.chunks(2048) {
            let count = part.len() as u32 * 2;
            let queries =
                self.gpu.device.create_query_set(&wgpu::QuerySetDescriptor { label: None, ty: wgpu::QueryType::Timestamp, count });
            let resolved = self.gpu.device.create_buffer(&wgpu::BufferDescriptor {
                label: None,
                size: u64::from(count) * 8,
                usage: wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC,
                mapped_at_creation: false,
            });
            let mut encoder = self.gpu.encoder();
            for (i, &index) in (0..).zip(part) {
                let timestamp_writes = Some(wgpu::ComputePassTimestampWrites {
                    query_set: &queries,
                    beginning_of_pass_write_index: Some(2 * i),
                    end_of_pass_write_index: Some(2 * i + 1),
                });
                let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor { label: None, timestamp_writes });
                self.encode(&mut pass, index, step.rows);
            }
            encoder.resolve_query_set(&queries, 0..count, &resolved, 0);
            self.gpu.submit(encoder);
            let bytes = self.gpu.read_bytes(&resolved, u64::from(count) * 8).await?;
            let ticks: Vec<u64> = bytes.as_chunks::<8>().0.iter().map(|b| u64::from_le_bytes(*b)).collect();
            let nanoseconds = f64::from(self.gpu.queue.get_timestamp_period());
            for (pair, &index) in ticks.as_chunks::<2>().0.iter().zip(part) {
                let (_, kernel, label) = &self.program.calls()[index];
                times.push(CallTime {
                    kernel: kernel.name(),
                    label: label.clone(),
                    milliseconds: pair[1].saturating_sub(pair[0]) as f64 * nanoseconds * 1e-6,
                    flops: kernel.flops(&self.program, step.rows),
                    bytes: kernel.bytes(&self.program, self.precision.c4_bytes()) as f64,
                });
            }
        }
        Ok(times)
    }
}
