//! The recorded network: a flat, printable list of kernel calls on tensor ids. It knows no backend.
//!
//! [`Program`] is written once by `model::unet` for one batch size and one picture size; `cpu` and `gpu` run it through
//! [`Executor`]. Activations are NHWC in groups of four channels, C4 ([`Shape`]); weights are packed when they are recorded.

mod calls;
mod executor;
mod kernel;
pub mod layout;
mod memory;
mod params;
mod precision;
mod tensor;

pub use calls::{
    Activation, AttentionApply, AttentionChunk, AttentionFused, AttentionScores, AttentionSoftmax, Call, ClassEmbedding, Conv2d,
    DdimStep, Gaussian, GroupNormApply, GroupNormFold, GroupNormFused, GroupNormStats, Linear, NetworkInput, PackPicture, Quantile,
    Resample, Shortcut, TimeEmbedding, Work,
};
pub use executor::{BoxFuture, CallTime, DeviceInfo, DeviceKind, Executor, Ticket};
pub(crate) use executor::{Outstanding, check_words};
pub(crate) use kernel::kernels;
pub use kernel::{Access, Kernel, Operand, uniform_layouts};
pub use memory::MemoryPlan;
pub use params::{
    AttentionParams, ClassEmbeddingParams, Conv2dParams, GroupNormParams, ImageParams, LinearParams, ResampleParams, StepParams,
    TimeEmbeddingParams, Uniform, UniformLayout,
};
pub use precision::Precision;
pub use tensor::{Element, Life, Shape, Tensor, TensorId};

use std::fmt;

/// The parts of a program that run at different times. Within one stage the kernels run in the order they were recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Once a run: the time embeddings of all steps. Every step, one row per image, where they depend on the image's class.
    Prepare,
    /// Every step: the U-Net, from `x` to `epsilon`.
    Network,
    /// Every step that adds noise, where it is not given: z from counters.
    Noise,
    /// Every step whose x0 is dynamically thresholded.
    Threshold,
    /// Every step: x_t and epsilon to x_s and x0.
    Update,
    /// When a picture is wanted, where the program packs them: `x` to RGBA8.
    Picture,
}

/// The tensors a caller writes and reads by name.
#[derive(Clone, Copy, Debug)]
pub struct Handles {
    /// Timesteps of the rows of the embedding table, `[rows, 1, 1, 1]`.
    pub timesteps: TensorId,
    /// The latent x_t, `[N, H, W, C]`, f32; `Stage::Update` replaces it by x_s.
    pub x: TensorId,
    /// The network's output, `[N, H, W, C_out]`.
    pub epsilon: TensorId,
    /// What tells the images apart, `[N, 4]` words: the low and high half of the seed of the noise, the image's number, its class.
    pub members: TensorId,
    /// Whether the embeddings depend on the image as well, by its class: every step computes them anew, one row per image.
    pub conditional: bool,
    /// The step's noise z, `[N, H, W, C]`, f32.
    pub noise: TensorId,
    /// The predicted x0 after clipping, `[N, H, W, C]`, f32.
    pub x0: TensorId,
    /// RGBA8 pixels, one u32 each, `[N, H, W]`; `None` where pictures are not packed on the device.
    pub pixels: Option<TensorId>,
}

/// A recorded network; see the module's documentation.
#[derive(Debug, Default)]
pub struct Program {
    tensors: Vec<Tensor>,
    calls: Vec<(Stage, Kernel, String)>,
}

impl Program {
    /// An empty program.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a tensor and returns its id.
    pub fn tensor(&mut self, name: impl Into<String>, shape: Shape, element: Element, life: Life) -> TensorId {
        self.tensors.push(Tensor { name: name.into(), shape, element, life });
        TensorId(self.tensors.len() as u32 - 1)
    }

    /// Adds a tensor that lives between its first writer and its last reader.
    pub fn scratch(&mut self, name: impl Into<String>, shape: Shape) -> TensorId {
        self.tensor(name, shape, Element::C4, Life::Scratch)
    }

    /// Appends a kernel call to a stage; `label` names the layer it belongs to, as its checkpoint key does.
    pub fn call(&mut self, stage: Stage, label: impl Into<String>, kernel: Kernel) {
        self.calls.push((stage, kernel, label.into()));
    }

    /// The description of a tensor.
    pub fn get(&self, id: TensorId) -> &Tensor {
        &self.tensors[id.0 as usize]
    }

    /// The shape of a tensor.
    pub fn shape(&self, id: TensorId) -> Shape {
        self.get(id).shape
    }

    /// All tensors with their ids.
    pub fn tensors(&self) -> impl Iterator<Item = (TensorId, &Tensor)> {
        self.tensors.iter().enumerate().map(|(i, t)| (TensorId(i as u32), t))
    }

    /// All kernel calls in the order they were recorded: stage, kernel, label.
    pub fn calls(&self) -> &[(Stage, Kernel, String)] {
        &self.calls
    }

    /// Lets the last call, a convolution, write `state` in the place of `output`.
    pub(crate) fn redirect_last_output(&mut self, output: TensorId, state: TensorId) {
        if let Some((_, Kernel::Conv2d(conv), _)) = self.calls.last_mut()
            && conv.output == output
        {
            conv.output = state;
        }
    }

    /// Multiply-adds × 2 of one run of `stage`. `rows` is the number of embedding rows.
    pub fn flops(&self, stage: Stage, rows: u32) -> f64 {
        self.calls.iter().filter(|c| c.0 == stage).map(|c| c.1.flops(self, rows)).sum()
    }

    /// The largest tensor in bytes when a C4 takes `c4_bytes` (16 for f32, 8 for f16).
    pub fn largest_tensor_bytes(&self, c4_bytes: u64) -> u64 {
        self.tensors.iter().map(|t| t.bytes(c4_bytes)).max().unwrap_or(0)
    }

    /// Bytes of all constants (packed weights) when a C4 takes `c4_bytes`.
    pub fn weight_bytes(&self, c4_bytes: u64) -> u64 {
        self.tensors.iter().filter(|t| matches!(t.life, Life::Constant(_))).map(|t| t.bytes(c4_bytes)).sum()
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (stage, kernel, label) in &self.calls {
            write!(f, "{:9} {:18} {label:45}", format!("{stage:?}"), kernel.name())?;
            for operand in kernel.operands() {
                let arrow = if operand.access == Access::Read { "" } else { "-> " };
                write!(f, " {arrow}%{}{}", operand.tensor.0, self.shape(operand.tensor))?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
