//! What the sampler, the tests and the app see of a backend.

use super::{Element, Program, Stage, StepParams, TensorId};
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::{
    pin::Pin,
    sync::{Arc, Weak},
};

/// The kind of thing a program runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeviceKind {
    /// A graphics card of its own.
    DiscreteGpu,
    /// A GPU that shares the processor's memory.
    IntegratedGpu,
    /// A GPU seen through a virtual machine, or one of unknown kind.
    OtherGpu,
    /// A graphics driver that computes on the processor (lavapipe, SwiftShader, WARP).
    Software,
    /// Our own executor in Rust.
    Cpu,
}

/// Name and kind of a device, for lines and badges.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DeviceInfo {
    /// The adapter's name.
    pub name: String,
    /// Vulkan, Metal, DX12 or Rust.
    pub backend: String,
    /// What it is.
    pub kind: DeviceKind,
}

/// How long one kernel call took.
#[derive(Clone, Debug)]
pub struct CallTime {
    /// The kernel's name.
    pub kernel: &'static str,
    /// The layer.
    pub label: String,
    /// Milliseconds.
    pub milliseconds: f64,
    /// Floating point operations.
    pub flops: f64,
    /// Bytes that it reads and writes, each value once.
    pub bytes: f64,
}

/// A value that an executor has promised; the native program blocks on it in `platform::block_on`, the browser awaits it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// A submission that can be collected. Dropped, it gives its results up.
#[derive(Debug)]
pub struct Ticket(Arc<()>);

/// An executor's submissions that wait to be collected, each with what it left.
#[derive(Debug)]
pub(crate) struct Outstanding<T>(Vec<(Weak<()>, T)>);

impl<T> Default for Outstanding<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Outstanding<T> {
    /// Keeps what a submission left.
    pub(crate) fn insert(&mut self, left: T) -> Ticket {
        let alive = Arc::new(());
        self.0.push((Arc::downgrade(&alive), left));
        Ticket(alive)
    }

    /// Takes what the submission of `ticket` left.
    ///
    /// # Errors
    /// The ticket is another executor's: a fault of this program.
    pub(crate) fn take(&mut self, ticket: &Ticket) -> Result<T> {
        let found = self.0.iter().position(|(alive, _)| std::ptr::eq(alive.as_ptr(), Arc::as_ptr(&ticket.0)));
        let found = found.ok_or_else(|| Error::argument("a step was collected from an executor that did not take it"))?;
        Ok(self.0.remove(found).1)
    }

    /// Takes what nobody can collect any more.
    pub(crate) fn abandoned(&mut self) -> impl Iterator<Item = T> + '_ {
        self.0.extract_if(.., |(alive, _)| alive.strong_count() == 0).map(|(_, left)| left)
    }
}

/// Runs one [`Program`]. Made by `cpu::executor::CpuExecutor::new` or `gpu::GpuExecutor::new`, which allocate everything it needs.
///
/// What is written and submitted takes effect in the order of the calls. Nothing waits but [`Self::collect`] and what is built on it.
pub trait Executor: Send {
    /// The device it runs on.
    fn device(&self) -> &DeviceInfo;

    /// The program it was made for.
    fn program(&self) -> &Program;

    /// Whether a submission computes while the host goes on with something else. Where it does, the next step is worth submitting
    /// before the host looks at this one.
    fn runs_ahead(&self) -> bool;

    /// Writes a tensor of `Life::State` from padded NHWC values in C4 layout (`shape.len()` of them).
    ///
    /// # Errors
    /// A device fault; a length that does not fit is an [`crate::error::Error::Argument`].
    fn write(&mut self, tensor: TensorId, values: &[f32]) -> Result<()>;

    /// Writes a tensor of [`super::Element::Words`].
    ///
    /// # Errors
    /// As [`Self::write`].
    fn write_words(&mut self, tensor: TensorId, words: &[u32]) -> Result<()>;

    /// Runs the stages in order, then copies `reads`, tensors of `Life::State`, to where the host can read them: one submission, more
    /// of them only where one would keep the device busy for long. Returns before the device has finished.
    ///
    /// # Errors
    /// A device fault.
    fn submit(&mut self, stages: &[Stage], step: &StepParams, reads: &[TensorId]) -> Result<Ticket>;

    /// Waits for `ticket`'s submission; the tensors it was asked to read, as padded NHWC values in C4 layout.
    ///
    /// # Errors
    /// A device fault; a ticket of another executor.
    fn collect(&mut self, ticket: Ticket) -> BoxFuture<'_, Result<Vec<Vec<f32>>>>;

    /// Runs `stages` once and returns every kernel call's output values (padded NHWC, f32), in recorded order: for `etude verify`
    /// and the tests. Slow.
    ///
    /// # Errors
    /// A device fault.
    fn trace<'a>(&'a mut self, stages: &'a [Stage], step: &'a StepParams) -> BoxFuture<'a, Result<Vec<Vec<f32>>>>;

    /// Reads one tensor as [`Self::collect`] does, after everything submitted before.
    ///
    /// # Errors
    /// A device fault.
    fn read(&mut self, tensor: TensorId) -> BoxFuture<'_, Result<Vec<f32>>> {
        Box::pin(async move {
            let ticket = self.submit(&[], &StepParams::default(), &[tensor])?;
            Ok(self.collect(ticket).await?.pop().unwrap_or_default())
        })
    }

    /// Reads a tensor of RGBA8 pixels, after everything submitted before.
    ///
    /// # Errors
    /// A device fault.
    fn read_pixels(&mut self, tensor: TensorId) -> BoxFuture<'_, Result<Vec<[u8; 4]>>> {
        Box::pin(async move { Ok(self.read(tensor).await?.into_iter().map(|v| v.to_bits().to_le_bytes()).collect()) })
    }

    /// Waits until everything submitted has finished.
    ///
    /// # Errors
    /// A device fault.
    fn wait(&mut self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            let ticket = self.submit(&[], &StepParams::default(), &[])?;
            self.collect(ticket).await.map(|_| ())
        })
    }
}

/// Whether `words` are as many as `tensor` holds: what [`Executor::write_words`] checks before it writes.
///
/// # Errors
/// A tensor of another element, or a length that does not fit.
pub(crate) fn check_words(program: &Program, tensor: TensorId, words: &[u32]) -> Result<()> {
    let t = program.get(tensor);
    let expected = t.bytes(16) / 4;
    if t.element == Element::Words4 && words.len() as u64 == expected {
        return Ok(());
    }
    Err(Error::argument(format!("tensor {}: expected words, {expected} of them, got {}", t.name, words.len())))
}
