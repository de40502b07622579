//! What each kind of kernel call is made of: its tensors and its sizes. The table in `super::kernel` says the rest.

mod attention;
mod conv2d;
mod embedding;
mod group_norm;
mod image;
mod resample;

pub use attention::{AttentionApply, AttentionChunk, AttentionFused, AttentionScores, AttentionSoftmax};
pub use conv2d::{Conv2d, Shortcut};
pub use embedding::{ClassEmbedding, Linear, TimeEmbedding};
pub use group_norm::{GroupNormApply, GroupNormFold, GroupNormFused, GroupNormStats};
pub use image::{DdimStep, Gaussian, NetworkInput, PackPicture, Quantile};
pub use resample::Resample;

use super::{Conv2dParams, GroupNormParams, Program, Uniform};

/// What every kernel's call can tell of itself.
pub trait Call {
    /// The uniform struct at the shader's binding 0, the twin's first parameter.
    type Params: Uniform;

    /// Constants of the shader on whose values [`Self::work`] counts; `tests/shaders.rs` compares them.
    const SHADER_CONSTANTS: &'static [(&'static str, u32)] = &[];

    /// Its values.
    fn params(&self, program: &Program) -> Self::Params;

    /// What there is to do. `rows` is the number of embedding rows in use.
    fn work(&self, program: &Program, rows: u32) -> Work;

    /// Floating point operations, a multiply-add counted as two; padding and the few operations per value of normalisations and
    /// the like do not count. `rows` is the number of embedding rows in use.
    fn flops(&self, _program: &Program, _rows: u32) -> f64 {
        0.0
    }
}

/// How the work of a call is shared out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Work {
    /// Independent pieces, one per invocation of the shader.
    Each {
        /// Invocations with something to do.
        pieces: u32,
        /// Invocations of a workgroup; `tests/shaders.rs` compares it with the shader.
        workgroup: u32,
    },
    /// A convolution, which `gpu::tune` cuts into tiles that fit the device and the layer.
    Convolution(Conv2dParams),
    /// Scores of attention, cut in the same way.
    AttentionScores(AttentionChunk),
    /// Sums of values by attention's probabilities, cut in the same way.
    AttentionApply(AttentionChunk),
    /// Attention as a whole, some queries per workgroup.
    Attention(AttentionChunk),
    /// A group normalisation as a whole, a run of C4 of one image per workgroup.
    GroupNorm(GroupNormParams),
}

/// A pointwise non-linearity of diffusers' `act_fn`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// The identity.
    None,
    /// x·sigmoid(x), also called swish.
    Silu,
    /// x·tanh(ln(1 + eˣ)).
    Mish,
    /// x·Φ(x), with the exact error function.
    Gelu,
    /// max(x, 0).
    Relu,
}

impl Activation {
    /// The code shaders/shared/activation.wgsl switches on.
    pub fn code(self) -> u32 {
        self as u32
    }
}
