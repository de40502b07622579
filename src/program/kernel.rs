//! The kernels a program may call. Each has a shader `shaders/NAME.wgsl`, a twin `cpu/NAME.rs` and a case in `tests/kernels.rs`.

use super::{
    AttentionParams, Conv2dParams, Element, GroupNormParams, ImageParams, Life, LinearParams, Program, Shape, TensorId,
    TimeEmbeddingParams,
};
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

/// How a kernel uses a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reads it.
    Read,
    /// Writes all or part of it.
    Write,
    /// Replaces it in place.
    ReadWrite,
}

/// A tensor in the place of one of a kernel's bindings.
#[derive(Clone, Copy, Debug)]
pub struct Operand {
    /// The tensor.
    pub tensor: TensorId,
    /// What happens to it.
    pub access: Access,
}

fn read(tensor: TensorId) -> Operand {
    Operand { tensor, access: Access::Read }
}

fn write(tensor: TensorId) -> Operand {
    Operand { tensor, access: Access::Write }
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
    /// The embedding table and this layer's lane offset in a row of it.
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
            out_c4: out.lanes(),
            in_h: a.height,
            in_w: a.width,
            a_c4: a.lanes(),
            b_c4: self.b.map_or(0, |b| program.shape(b).lanes()),
            kernel: self.kernel,
            stride: self.stride,
            pad: self.pad,
            upsample: self.upsample,
            temb_offset: self.time.map_or(0, |(_, offset)| offset),
            temb_stride: self.time.map_or(0, |(table, _)| program.shape(table).lanes()),
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
    /// Pixels a chunk.
    pub chunk: u32,
}

/// Group statistics from the partials, folded with γ, β and the time embedding into one factor and summand a channel.
#[derive(Clone, Copy, Debug)]
pub struct GroupNormFold {
    /// As [`GroupNormStats::partials`].
    pub partials: TensorId,
    /// γ then β, `[2, 1, 1, Ca ++ Cb]`, f32.
    pub affine: TensorId,
    /// Embedding table and lane offset of scale then shift, where the config says scale_shift.
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
    /// Tokens an image.
    pub tokens: u32,
    /// Heads.
    pub heads: u32,
    /// Lanes a head.
    pub head_lanes: u32,
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
            head_c4: self.head_lanes,
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

/// z ~ N(0, 1) from the counters of [`super::Step`].
#[derive(Clone, Copy, Debug)]
pub struct Gaussian {
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

/// One DDIM step in place, with the coefficients of [`super::Step`].
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
    /// One u32 a pixel.
    pub pixels: TensorId,
}

/// One kernel call.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "each variant's struct says it")]
pub enum Kernel {
    NetworkInput(NetworkInput),
    Conv2d(Conv2d),
    Linear(Linear),
    TimeEmbedding(TimeEmbedding),
    GroupNormStats(GroupNormStats),
    GroupNormFold(GroupNormFold),
    GroupNormApply(GroupNormApply),
    AttentionScores(AttentionScores),
    AttentionSoftmax(AttentionSoftmax),
    AttentionApply(AttentionApply),
    Gaussian(Gaussian),
    Quantile(Quantile),
    DdimStep(DdimStep),
    PackPicture(PackPicture),
}

impl Kernel {
    /// Every kernel's name.
    pub const NAMES: [&str; 14] = [
        "network_input",
        "conv2d",
        "linear",
        "time_embedding",
        "group_norm_stats",
        "group_norm_fold",
        "group_norm_apply",
        "attention_scores",
        "attention_softmax",
        "attention_apply",
        "gaussian",
        "quantile",
        "ddim_step",
        "pack_picture",
    ];

    /// The name of its shader and of its twin.
    pub fn name(&self) -> &'static str {
        match self {
            Self::NetworkInput(_) => "network_input",
            Self::Conv2d(_) => "conv2d",
            Self::Linear(_) => "linear",
            Self::TimeEmbedding(_) => "time_embedding",
            Self::GroupNormStats(_) => "group_norm_stats",
            Self::GroupNormFold(_) => "group_norm_fold",
            Self::GroupNormApply(_) => "group_norm_apply",
            Self::AttentionScores(_) => "attention_scores",
            Self::AttentionSoftmax(_) => "attention_softmax",
            Self::AttentionApply(_) => "attention_apply",
            Self::Gaussian(_) => "gaussian",
            Self::Quantile(_) => "quantile",
            Self::DdimStep(_) => "ddim_step",
            Self::PackPicture(_) => "pack_picture",
        }
    }

    /// Whether its shader has the [`super::Step`] uniform at binding 1.
    pub fn uses_step(&self) -> bool {
        !matches!(
            self,
            Self::NetworkInput(_)
                | Self::GroupNormStats(_)
                | Self::GroupNormApply(_)
                | Self::AttentionScores(_)
                | Self::AttentionSoftmax(_)
                | Self::AttentionApply(_)
                | Self::PackPicture(_)
        )
    }

    /// Its tensors in the order of the shader's bindings. An optional source that is absent is bound as the first one.
    pub fn operands(&self) -> Vec<Operand> {
        let inplace = |tensor| Operand { tensor, access: Access::ReadWrite };
        match *self {
            Self::NetworkInput(k) => vec![read(k.x), write(k.output)],
            Self::Conv2d(k) => vec![
                read(k.weights),
                read(k.bias),
                read(k.a),
                read(k.b.unwrap_or(k.a)),
                read(k.time.map_or(k.bias, |t| t.0)),
                read(k.residual.unwrap_or(k.a)),
                write(k.output),
            ],
            Self::Linear(k) => vec![read(k.input), read(k.weights), read(k.bias), write(k.output)],
            Self::TimeEmbedding(k) => vec![read(k.timesteps), read(k.frequencies), write(k.output)],
            Self::GroupNormStats(k) => vec![read(k.a), read(k.b.unwrap_or(k.a)), write(k.partials)],
            Self::GroupNormFold(k) => {
                vec![read(k.partials), read(k.affine), read(k.time.map_or(k.affine, |t| t.0)), write(k.folded)]
            }
            Self::GroupNormApply(k) => vec![read(k.a), read(k.b.unwrap_or(k.a)), read(k.folded), write(k.output)],
            Self::AttentionScores(k) => vec![read(k.qkv), write(k.scores)],
            Self::AttentionSoftmax(k) => vec![inplace(k.scores)],
            Self::AttentionApply(k) => vec![read(k.qkv), read(k.scores), write(k.output)],
            Self::Gaussian(k) => vec![write(k.output)],
            Self::Quantile(k) => vec![read(k.x), read(k.model), write(k.threshold)],
            Self::DdimStep(k) => vec![read(k.model), read(k.noise), read(k.threshold), inplace(k.x), write(k.x0)],
            Self::PackPicture(k) => vec![read(k.x), write(k.pixels)],
        }
    }

    /// The parameters of the kernels that go over pictures.
    pub fn image_params(&self, program: &Program) -> ImageParams {
        let (tensor, model, scale, shift) = match *self {
            Self::NetworkInput(k) => (k.x, k.output, k.scale, k.shift),
            Self::Gaussian(k) => (k.output, k.output, 1.0, 0.0),
            Self::Quantile(k) => (k.x, k.model, 1.0, 0.0),
            Self::DdimStep(k) => (k.x, k.model, 1.0, 0.0),
            Self::PackPicture(k) => (k.x, k.x, 1.0, 0.0),
            _ => return ImageParams::default(),
        };
        let shape = program.shape(tensor);
        ImageParams {
            batch: shape.batch,
            pixels: shape.pixels(),
            c4: shape.lanes(),
            channels: shape.channels,
            model_c4: program.shape(model).lanes(),
            pad0: 0,
            scale,
            shift,
        }
    }

    /// The bytes of its uniform struct.
    pub fn params(&self, program: &Program) -> Vec<u8> {
        match self {
            Self::Conv2d(k) => bytemuck::bytes_of(&k.params(program)).to_vec(),
            Self::Linear(k) => bytemuck::bytes_of(&LinearParams {
                in_c4: program.shape(k.input).lanes(),
                out_c4: program.shape(k.output).lanes(),
                activation: k.activation.code(),
                pad0: 0,
            })
            .to_vec(),
            Self::TimeEmbedding(k) => bytemuck::bytes_of(&TimeEmbeddingParams {
                half: program.shape(k.output).channels / 2,
                out_c4: program.shape(k.output).lanes(),
                flip: u32::from(k.flip_sin_to_cos),
                pad0: 0,
            })
            .to_vec(),
            Self::GroupNormStats(k) => {
                let (a, b) = (program.shape(k.a), k.b.map_or(0, |b| program.shape(b).channels));
                bytemuck::bytes_of(&GroupNormParams {
                    batch: a.batch,
                    pixels: a.pixels(),
                    a_c4: a.lanes(),
                    b_c4: b.div_ceil(4),
                    a_c: a.channels,
                    channels: a.channels + b,
                    chunks: a.pixels().div_ceil(k.chunk),
                    chunk: k.chunk,
                    ..Default::default()
                })
                .to_vec()
            }
            Self::GroupNormFold(k) => bytemuck::bytes_of(&k.params).to_vec(),
            Self::GroupNormApply(k) => bytemuck::bytes_of(&k.params).to_vec(),
            Self::AttentionScores(k) => bytemuck::bytes_of(&k.chunk.params()).to_vec(),
            Self::AttentionSoftmax(k) => bytemuck::bytes_of(&k.chunk.params()).to_vec(),
            Self::AttentionApply(k) => bytemuck::bytes_of(&k.chunk.params()).to_vec(),
            _ => bytemuck::bytes_of(&self.image_params(program)).to_vec(),
        }
    }

    /// Floating point operations of one call, a multiply-add counted as two. `rows` is the number of embedding rows. Padding and
    /// the few operations a value of normalisations do not count.
    pub fn flops(&self, program: &Program, rows: u32) -> f64 {
        let channels = |t: TensorId| f64::from(program.shape(t).channels);
        match self {
            Self::Conv2d(k) => {
                let out = program.shape(k.output);
                let inputs = channels(k.a) + k.b.map_or(0.0, channels);
                2.0 * f64::from(out.batch)
                    * f64::from(out.pixels())
                    * inputs
                    * f64::from(k.kernel * k.kernel)
                    * f64::from(out.channels)
            }
            Self::Linear(k) => 2.0 * f64::from(rows) * channels(k.input) * channels(k.output),
            Self::AttentionScores(AttentionScores { chunk: c, .. }) | Self::AttentionApply(AttentionApply { chunk: c, .. }) => {
                2.0 * f64::from(c.groups) * f64::from(c.rows) * f64::from(c.tokens) * f64::from(c.head_lanes * 4)
            }
            _ => 0.0,
        }
    }
}
