//! Reading a buffer back: copy into a mappable one, wait, take the bytes.

use super::Gpu;
use crate::error::{Error, Result};

impl Gpu {
    /// The first `bytes` bytes of `buffer`; waits for the work submitted before.
    ///
    /// # Errors
    /// A device fault.
    pub(super) fn read_bytes(&self, buffer: &wgpu::Buffer, bytes: u64) -> Result<Vec<u8>> {
        let fault = |what: String| {
            Error::device(&self.info.name, format!("reading results back failed: {what}; try again, or use --device cpu"))
        };
        let staging = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("readback"),
            size: bytes.next_multiple_of(4),
            usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let mut encoder = self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        encoder.copy_buffer_to_buffer(buffer, 0, &staging, 0, bytes.next_multiple_of(4));
        self.queue.submit([encoder.finish()]);
        let (sender, receiver) = std::sync::mpsc::channel();
        staging.map_async(wgpu::MapMode::Read, .., move |result| {
            // The receiver waits below; if it is gone nobody needs the answer.
            let _ = sender.send(result);
        });
        self.device.poll(wgpu::PollType::wait_indefinitely()).map_err(|e| fault(e.to_string()))?;
        self.check()?;
        // Another thread's poll of this device may have taken the answer and be about to deliver it.
        match receiver.recv_timeout(std::time::Duration::from_secs(10)) {
            Ok(Ok(())) => {}
            Ok(Err(e)) => return Err(fault(e.to_string())),
            Err(_) => return Err(fault("no answer from the driver".to_owned())),
        }
        let view = staging.get_mapped_range(..).map_err(|e| fault(e.to_string()))?;
        Ok(view[..bytes as usize].to_vec())
    }
}
