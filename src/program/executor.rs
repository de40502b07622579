//! What the sampler, the tests and the app see of a backend.

use super::{Element, Program, Stage, StepParams, TensorId};
use crate::error::{Error, Result};

/// The kind of thing a program runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
#[derive(Clone, Debug)]
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
}

/// Runs one [`Program`]. Made by `cpu::CpuExecutor::new` or `gpu::GpuExecutor::new`, which allocate everything it needs.
pub trait Executor: Send {
    /// The device it runs on.
    fn device(&self) -> &DeviceInfo;

    /// The program it was made for.
    fn program(&self) -> &Program;

    /// Writes a tensor of `Life::State` from padded NHWC (`shape.len()` values).
    ///
    /// # Errors
    /// A device fault; a length that does not fit is an [`crate::error::Error::Argument`].
    fn write(&mut self, tensor: TensorId, values: &[f32]) -> Result<()>;

    /// Writes a tensor of `Life::State` and [`super::Element::Words4`], four words per element.
    ///
    /// # Errors
    /// A device fault; a tensor of another element or a length that does not fit is an [`crate::error::Error::Argument`].
    fn write_words(&mut self, tensor: TensorId, words: &[u32]) -> Result<()>;

    /// Reads a tensor of `Life::State` as padded NHWC. Waits for the work submitted before.
    ///
    /// # Errors
    /// A device fault.
    fn read(&mut self, tensor: TensorId) -> Result<Vec<f32>>;

    /// Reads a tensor of RGBA8 pixels. Waits for the work submitted before.
    ///
    /// # Errors
    /// A device fault.
    fn read_pixels(&mut self, tensor: TensorId) -> Result<Vec<[u8; 4]>>;

    /// Runs the stages in order; may return before the device has finished.
    ///
    /// # Errors
    /// A device fault.
    fn run(&mut self, stages: &[Stage], step: &StepParams) -> Result<()>;

    /// Waits until everything submitted has finished.
    ///
    /// # Errors
    /// A device fault.
    fn wait(&mut self) -> Result<()>;

    /// Runs `stages` once and returns every kernel call's output values (padded NHWC, f32), in recorded order: for `etude verify`
    /// and the tests. Slow.
    ///
    /// # Errors
    /// A device fault.
    fn trace(&mut self, stages: &[Stage], step: &StepParams) -> Result<Vec<Vec<f32>>>;
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
