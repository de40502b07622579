//! The kernels a program may call. Each has a shader `shaders/NAME.wgsl`, a twin `cpu/NAME.rs` and a case in `tests/kernels.rs`.

use super::{
    AttentionApply, AttentionScores, AttentionSoftmax, Conv2d, DdimStep, Gaussian, GroupNormApply, GroupNormFold, GroupNormParams,
    GroupNormStats, ImageParams, Linear, LinearParams, NetworkInput, PackPicture, Program, Quantile, TensorId, TimeEmbedding,
    TimeEmbeddingParams,
};

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

    /// Whether its shader has the [`super::StepParams`] uniform at binding 1.
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
            Self::Gaussian(k) => vec![read(k.members), write(k.output)],
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
            c4: shape.c4(),
            channels: shape.channels,
            model_c4: program.shape(model).c4(),
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
                in_c4: program.shape(k.input).c4(),
                out_c4: program.shape(k.output).c4(),
                activation: k.activation.code(),
                pad0: 0,
            })
            .to_vec(),
            Self::TimeEmbedding(k) => bytemuck::bytes_of(&TimeEmbeddingParams {
                half: program.shape(k.output).channels / 2,
                out_c4: program.shape(k.output).c4(),
                flip: u32::from(k.flip_sin_to_cos),
                pad0: 0,
            })
            .to_vec(),
            Self::GroupNormStats(k) => {
                let (a, b) = (program.shape(k.a), k.b.map_or(0, |b| program.shape(b).channels));
                bytemuck::bytes_of(&GroupNormParams {
                    batch: a.batch,
                    pixels: a.pixels(),
                    a_c4: a.c4(),
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
                2.0 * f64::from(c.groups) * f64::from(c.rows) * f64::from(c.tokens) * f64::from(c.head_c4 * 4)
            }
            _ => 0.0,
        }
    }
}
