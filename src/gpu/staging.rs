//! Reading tensors back: a submission's copies go into a mappable buffer that is kept for the next one, so that a step allocates
//! nothing after the first.

use super::Gpu;
use crate::error::{Error, Result};
use futures_channel::oneshot;

/// A mappable buffer.
#[derive(Debug)]
struct Staging {
    buffer: wgpu::Buffer,
    bytes: u64,
}

/// Whether the host can read a buffer.
type Mapped = std::result::Result<(), wgpu::BufferAsyncError>;

/// Copies on their way to the host: where they go, how many bytes, and the driver's word that they are there.
type Copies = (Staging, u64, oneshot::Receiver<Mapped>);

/// A submission with the copies at its end.
#[derive(Debug)]
pub(super) struct InFlight {
    submission: wgpu::SubmissionIndex,
    copies: Option<Copies>,
}

/// Buffers that no submission uses now.
#[derive(Debug, Default)]
pub(super) struct StagingPool(Vec<Staging>);

/// A part of a device buffer that is to be read: its first `bytes` bytes.
pub(super) struct Source {
    pub buffer: wgpu::Buffer,
    pub bytes: u64,
}

impl Source {
    /// The bytes it takes among the copies: they are kept in multiples of eight, as mapping asks.
    pub(super) fn place(&self) -> u64 {
        self.bytes.next_multiple_of(8)
    }
}

impl StagingPool {
    /// Records the copies of `sources`, side by side, at the end of `encoder`, and submits it.
    pub(super) fn submit(&mut self, gpu: &Gpu, mut encoder: wgpu::CommandEncoder, sources: &[Source]) -> InFlight {
        let bytes: u64 = sources.iter().map(Source::place).sum();
        if bytes == 0 {
            return InFlight { submission: gpu.submit(encoder), copies: None };
        }
        let staging = self.take(gpu, bytes);
        let mut at = 0;
        for source in sources {
            encoder.copy_buffer_to_buffer(&source.buffer, 0, &staging.buffer, at, source.bytes.next_multiple_of(4));
            at += source.place();
        }
        let submission = gpu.submit(encoder);
        let (sender, receiver) = oneshot::channel();
        staging.buffer.map_async(wgpu::MapMode::Read, ..bytes, move |result| {
            // Where the receiver is gone, nobody needs the answer.
            let _ = sender.send(result);
        });
        InFlight { submission, copies: Some((staging, bytes, receiver)) }
    }

    fn take(&mut self, gpu: &Gpu, bytes: u64) -> Staging {
        if let Some(found) = self.0.iter().position(|staging| staging.bytes >= bytes) {
            return self.0.swap_remove(found);
        }
        // What is too small now would stay so: a program's reads hardly change.
        self.0.clear();
        let buffer = gpu.create_buffer("readback", bytes, wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST);
        Staging { buffer, bytes }
    }

    /// Waits for a submission and returns its copies' bytes, one after the other as [`Source::place`] has them.
    ///
    /// # Errors
    /// A device fault.
    pub(super) async fn collect(&mut self, gpu: &Gpu, in_flight: InFlight) -> Result<Vec<u8>> {
        gpu.settle(Some(in_flight.submission)).await?;
        let Some((staging, bytes, mapped)) = in_flight.copies else { return Ok(Vec::new()) };
        let fault = |what: String| {
            Error::device(&gpu.info.name, format!("reading results back failed: {what}; try again, or use --device cpu"))
        };
        let answer = mapped.await;
        gpu.check()?;
        answer.map_err(|_| fault("no answer from the driver".to_owned()))?.map_err(|e| fault(e.to_string()))?;
        let result = staging.buffer.get_mapped_range(..bytes).map_err(|e| fault(e.to_string()))?.to_vec();
        staging.buffer.unmap();
        self.0.push(staging);
        Ok(result)
    }

    /// Gives a submission's results up.
    pub(super) fn give_up(&mut self, in_flight: InFlight) {
        if let Some((staging, ..)) = in_flight.copies {
            // This calls the mapping off where it is still to come.
            staging.buffer.unmap();
            self.0.push(staging);
        }
    }
}

impl Gpu {
    /// The first `bytes` bytes of `buffer`, after everything submitted before.
    ///
    /// # Errors
    /// A device fault.
    pub(super) async fn read_bytes(&self, buffer: &wgpu::Buffer, bytes: u64) -> Result<Vec<u8>> {
        let mut pool = StagingPool::default();
        let in_flight = pool.submit(self, self.encoder(), &[Source { buffer: buffer.clone(), bytes }]);
        let mut read = pool.collect(self, in_flight).await?;
        read.truncate(bytes as usize);
        Ok(read)
    }
}
