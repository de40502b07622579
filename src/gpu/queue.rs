//! Submitting and waiting: the only place that submits to a queue or waits for a device, and counts both.

use super::Gpu;
use crate::error::{Error, Result};
use std::sync::atomic::{AtomicU64, Ordering};

/// How much has been asked of a device so far: the tests see that a step is one submission with one wait and allocates nothing.
#[derive(Debug, Default)]
pub(super) struct Counters {
    submissions: AtomicU64,
    waits: AtomicU64,
    buffers: AtomicU64,
    weight_bytes: AtomicU64,
}

/// What [`Gpu::counts`] read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Command buffers submitted.
    pub submissions: u64,
    /// Times the host waited for the device.
    pub waits: u64,
    /// Buffers created.
    pub buffers: u64,
    /// Bytes of weights uploaded.
    pub weight_bytes: u64,
}

impl Gpu {
    /// What was asked of the device since it was opened.
    pub fn counts(&self) -> Counts {
        let Counters { submissions, waits, buffers, weight_bytes } = &self.counters;
        let [submissions, waits, buffers, weight_bytes] =
            [submissions, waits, buffers, weight_bytes].map(|count| count.load(Ordering::Relaxed));
        Counts { submissions, waits, buffers, weight_bytes }
    }

    /// Notes that so many bytes of weights are on their way to the device.
    pub(super) fn count_weights(&self, bytes: u64) {
        self.counters.weight_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn create_buffer(&self, label: &str, bytes: u64, usage: wgpu::BufferUsages) -> wgpu::Buffer {
        self.counters.buffers.fetch_add(1, Ordering::Relaxed);
        self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some(label),
            size: bytes.max(16),
            usage,
            mapped_at_creation: false,
        })
    }

    pub(super) fn encoder(&self) -> wgpu::CommandEncoder {
        self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default())
    }

    pub(super) fn submit(&self, encoder: wgpu::CommandEncoder) -> wgpu::SubmissionIndex {
        self.counters.submissions.fetch_add(1, Ordering::Relaxed);
        self.queue.submit([encoder.finish()])
    }

    /// Waits until `submission`, or everything submitted so far, has finished.
    ///
    /// # Errors
    /// A device fault.
    #[cfg(not(target_arch = "wasm32"))]
    pub(super) async fn settle(&self, submission: Option<wgpu::SubmissionIndex>) -> Result<()> {
        self.block_until(submission)
    }

    /// Waits until everything submitted so far has finished. The browser calls back; nothing may block there.
    ///
    /// # Errors
    /// A device fault.
    #[cfg(target_arch = "wasm32")]
    pub(super) async fn settle(&self, _submission: Option<wgpu::SubmissionIndex>) -> Result<()> {
        self.counters.waits.fetch_add(1, Ordering::Relaxed);
        let (sender, done) = futures_channel::oneshot::channel();
        self.queue.on_submitted_work_done(move || {
            let _ = sender.send(());
        });
        let answer = done.await;
        self.check()?;
        answer.map_err(|_| Error::device(&self.info.name, "stopped answering; load the page again, or choose the CPU"))
    }

    /// Submits what ends with a copy to `readable`, waits, and returns that: for a thread beside the steps, whose counts and faults are
    /// none of its business. `None` where the driver refuses.
    #[cfg(not(target_arch = "wasm32"))]
    pub(super) fn read_apart(&self, encoder: wgpu::CommandEncoder, readable: &wgpu::Buffer) -> Option<Vec<u8>> {
        /// Another thread that waits for the device may be the one that calls back, just now.
        const PATIENCE: std::time::Duration = std::time::Duration::from_secs(1);
        let submission_index = Some(self.queue.submit([encoder.finish()]));
        let (sender, mapped) = std::sync::mpsc::channel();
        readable.map_async(wgpu::MapMode::Read, .., move |result| {
            let _ = sender.send(result);
        });
        self.device.poll(wgpu::PollType::Wait { submission_index, timeout: None }).ok()?;
        mapped.recv_timeout(PATIENCE).ok()?.ok()?;
        let bytes = readable.get_mapped_range(..).ok()?.to_vec();
        readable.unmap();
        Some(bytes)
    }

    /// Waits for the last but one submission of a long step: its parts follow each other without a pause, but never are many of them in
    /// the queue, where a window on the same device would wait for all of them.
    ///
    /// # Errors
    /// A device fault.
    pub(super) fn limit_queue(&self, oldest: wgpu::SubmissionIndex) -> Result<()> {
        #[cfg(not(target_arch = "wasm32"))]
        return self.block_until(Some(oldest));
        // A browser's window is another process's business.
        #[cfg(target_arch = "wasm32")]
        {
            drop(oldest);
            Ok(())
        }
    }

    /// A native device calls back only while somebody polls it, so waiting for it is this call.
    ///
    /// # Errors
    /// A device fault.
    #[cfg(not(target_arch = "wasm32"))]
    fn block_until(&self, submission_index: Option<wgpu::SubmissionIndex>) -> Result<()> {
        self.counters.waits.fetch_add(1, Ordering::Relaxed);
        let result = self.device.poll(wgpu::PollType::Wait { submission_index, timeout: None });
        self.check()?;
        result.map(|_| ()).map_err(|e| Error::device(&self.info.name, format!("stopped answering: {e}; use --device cpu")))
    }
}
