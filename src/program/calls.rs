//! What each kind of kernel call is made of: its tensors and its sizes.

use super::{AttentionParams, Conv2dParams, Element, GroupNormParams, Life, Program, Shape, TensorId};
use std::sync::Arc;

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

/// output = (conv(upsample(a ++ b)) + bias + time + residual)·scale, all in one pass.
#[derive(Clone, Copy, Debug)]
pub struct Conv2d {
    /// First source, `[N, H, W, Ca]`.
    pub a: TensorId,
    /// Second source, concatenated behind the first along channels.
    pub b: Option<TensorId>,
    /// Packed by [`super::layout::pack_conv`].
    pub weights: TensorId,
    /// `[C_out]`, f32.
    pub bias: TensorId,
    /// The embedding table and this layer's C4 offset in a row of it.
    pub time: Option<(TensorId, u32)>,
    /// Added before the scale, shaped as the output.
    pub residual: Option<TensorId>,
    /// `[N, H', W', C_out]`.
    pub output: TensorId,
    /// 1 or 3.
    pub kernel: u32,
    /// 1 or 2.
    pub stride: u32,
    /// Zero rows above and columns to the left; below and to the right as many as the output size asks for.
    pub pad: u32,
    /// 1 or 2: nearest upsampling of the sources.
    pub upsample: u32,
    /// Factor of the whole result.
    pub scale: f32,
}

impl Conv2d {
    /// Geometry for the shader.
    pub fn params(&self, program: &Program) -> Conv2dParams {
        let (a, out) = (program.shape(self.a), program.shape(self.output));
        Conv2dParams {
            batch: out.batch,
            out_h: out.height,
            out_w: out.width,
            out_c4: out.c4(),
            in_h: a.height,
            in_w: a.width,
            a_c4: a.c4(),
            b_c4: self.b.map_or(0, |b| program.shape(b).c4()),
            kernel: self.kernel,
            stride: self.stride,
            pad: self.pad,
            upsample: self.upsample,
            temb_offset: self.time.map_or(0, |(_, offset)| offset),
            temb_stride: self.time.map_or(0, |(table, _)| program.shape(table).c4()),
            flags: u32::from(self.time.is_some()) | u32::from(self.residual.is_some()) << 1,
            scale: self.scale,
        }
    }
}

/// output = activation(input)·weights + bias on rows, f32 in and out.
#[derive(Clone, Copy, Debug)]
pub struct Linear {
    /// `[rows, K]`.
    pub input: TensorId,
    /// Packed `[K, M]`.
    pub weights: TensorId,
    /// `[M]`.
    pub bias: TensorId,
    /// `[rows, M]`.
    pub output: TensorId,
    /// Applied to the input.
    pub activation: Activation,
}

/// Rows of sin and cos of the timesteps.
#[derive(Clone, Copy, Debug)]
pub struct TimeEmbedding {
    /// `[rows, 1]`.
    pub timesteps: TensorId,
    /// `[1, C/2]`, f32: computed here, for a driver's exp may be good to a few digits only.
    pub frequencies: TensorId,
    /// `[rows, C]`.
    pub output: TensorId,
    /// cos before sin.
    pub flip_sin_to_cos: bool,
}

impl TimeEmbedding {
    /// Adds the constant frequencies exp(-ln 10⁴·i/(C/2 - freq_shift)) to `program` (diffusers' get_timestep_embedding).
    pub fn new(program: &mut Program, timesteps: TensorId, output: TensorId, flip_sin_to_cos: bool, freq_shift: f32) -> Self {
        let half = program.shape(output).channels / 2;
        let divisor = f64::from(half) - f64::from(freq_shift);
        let mut values: Vec<f32> = (0..half).map(|i| (-(10_000_f64.ln()) * f64::from(i) / divisor).exp() as f32).collect();
        values.resize(super::layout::padded(half), 0.0);
        let frequencies = program.tensor("frequencies", Shape::rows(1, half), Element::F32, Life::Constant(Arc::new(values)));
        Self { timesteps, frequencies, output, flip_sin_to_cos }
    }
}

/// Mean and squared deviation of each channel over chunks of pixels.
#[derive(Clone, Copy, Debug)]
pub struct GroupNormStats {
    /// First source.
    pub a: TensorId,
    /// Second source.
    pub b: Option<TensorId>,
    /// `[N, chunks, 2, Ca ++ Cb]`: mean, then the sum of squared deviations from it.
    pub partials: TensorId,
    /// Pixels per chunk.
    pub chunk: u32,
}

/// Group statistics from the partials, folded with γ, β and the time embedding into one factor and summand per channel.
#[derive(Clone, Copy, Debug)]
pub struct GroupNormFold {
    /// As [`GroupNormStats::partials`].
    pub partials: TensorId,
    /// γ then β, `[2, 1, 1, Ca ++ Cb]`, f32.
    pub affine: TensorId,
    /// Embedding table and C4 offset of scale then shift, where the config says scale_shift.
    pub time: Option<(TensorId, u32)>,
    /// `[N, 1, 2, Ca ++ Cb]`: factor, then summand.
    pub folded: TensorId,
    /// Sizes shared with the other two kernels.
    pub params: GroupNormParams,
}

/// output = activation(x·factor + summand) on the concatenation of the sources.
#[derive(Clone, Copy, Debug)]
pub struct GroupNormApply {
    /// First source.
    pub a: TensorId,
    /// Second source.
    pub b: Option<TensorId>,
    /// As [`GroupNormFold::folded`].
    pub folded: TensorId,
    /// `[N, H, W, Ca ++ Cb]`.
    pub output: TensorId,
    /// Sizes and activation.
    pub params: GroupNormParams,
}

/// Which heads and query rows an attention kernel handles.
#[derive(Clone, Copy, Debug)]
pub struct AttentionChunk {
    /// Tokens per image.
    pub tokens: u32,
    /// Heads.
    pub heads: u32,
    /// C4 per head.
    pub head_c4: u32,
    /// First group (image·heads + head).
    pub group_base: u32,
    /// Groups.
    pub groups: u32,
    /// First query row.
    pub row_base: u32,
    /// Query rows.
    pub rows: u32,
    /// 1/√d.
    pub scale: f32,
}

impl AttentionChunk {
    /// Geometry for the shader.
    pub fn params(&self) -> AttentionParams {
        AttentionParams {
            tokens: self.tokens,
            heads: self.heads,
            head_c4: self.head_c4,
            tokens4: self.tokens.div_ceil(4),
            group_base: self.group_base,
            groups: self.groups,
            row_base: self.row_base,
            rows: self.rows,
            scale: self.scale,
            ..Default::default()
        }
    }
}

/// scores = scale·q·kᵀ for a chunk.
#[derive(Clone, Copy, Debug)]
pub struct AttentionScores {
    /// `[N, T, 1, 3·heads·head]`.
    pub qkv: TensorId,
    /// `[groups, rows, 1, T]`, f32.
    pub scores: TensorId,
    /// The chunk.
    pub chunk: AttentionChunk,
}

/// Softmax of each row of the scores, in place; entries past T become zero.
#[derive(Clone, Copy, Debug)]
pub struct AttentionSoftmax {
    /// As [`AttentionScores::scores`].
    pub scores: TensorId,
    /// The chunk.
    pub chunk: AttentionChunk,
}

/// output rows of the chunk = probabilities·v.
#[derive(Clone, Copy, Debug)]
pub struct AttentionApply {
    /// As [`AttentionScores::qkv`].
    pub qkv: TensorId,
    /// Probabilities.
    pub scores: TensorId,
    /// `[N, T, 1, heads·head]`.
    pub output: TensorId,
    /// The chunk.
    pub chunk: AttentionChunk,
}

/// output = x·scale + shift in the storage precision.
#[derive(Clone, Copy, Debug)]
pub struct NetworkInput {
    /// The latent, f32.
    pub x: TensorId,
    /// What the network reads.
    pub output: TensorId,
    /// 2 where the config says center_input_sample, else 1.
    pub scale: f32,
    /// −1 where the config says center_input_sample, else 0.
    pub shift: f32,
}

/// z ~ N(0, 1) of each image from its own seed and number, and the step of [`super::StepParams`].
#[derive(Clone, Copy, Debug)]
pub struct Gaussian {
    /// `[N, 4]` words: the seed's low and high half, the image's number, one unused.
    pub members: TensorId,
    /// `[N, H, W, C]`, f32.
    pub output: TensorId,
}

/// The clamped quantile of |x0| of each image.
#[derive(Clone, Copy, Debug)]
pub struct Quantile {
    /// The latent.
    pub x: TensorId,
    /// The network's output.
    pub model: TensorId,
    /// `[N]`.
    pub threshold: TensorId,
}

/// One DDIM step in place, with the coefficients of [`super::StepParams`].
#[derive(Clone, Copy, Debug)]
pub struct DdimStep {
    /// The network's output.
    pub model: TensorId,
    /// z.
    pub noise: TensorId,
    /// As [`Quantile::threshold`].
    pub threshold: TensorId,
    /// x_t, becomes x_s.
    pub x: TensorId,
    /// The x0 that was used.
    pub x0: TensorId,
}

/// RGBA8 pixels of x, grey where it has fewer than three channels.
#[derive(Clone, Copy, Debug)]
pub struct PackPicture {
    /// The latent.
    pub x: TensorId,
    /// One u32 per pixel.
    pub pixels: TensorId,
}
