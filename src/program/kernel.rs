//! The table of all kernels, and what the rest of the program asks of a kernel call.

use super::{
    AttentionApply, AttentionFused, AttentionScores, AttentionSoftmax, Call, ClassEmbedding, Conv2d, DdimStep, Gaussian,
    GroupNormApply, GroupNormFold, GroupNormFused, GroupNormStats, Linear, NetworkInput, PackPicture, Program, Quantile, Resample,
    StepParams, TensorId, TimeEmbedding, Uniform, UniformLayout, Work,
};

/// The table of all kernels. `kernels!(m)` hands its rows to the macro `m`, which makes of them what it needs: here the enum
/// [`Kernel`], in `cpu/mod.rs` the calls of the twins, in `gpu/shader.rs` the list of shaders. A row reads as
///
/// ```text
/// Conv2d(k) = conv2d or conv2d_wide with step { read k.weights, read k.bias, …, write k.output }
/// ```
///
/// - `Conv2d` is the struct in `calls/` that a call is made of, which implements [`Call`], and the variant of [`Kernel`]; `k` is
///   such a call.
/// - `conv2d` is the kernel's name: the shader is `shaders/conv2d.wgsl`, the twin the function `conv2d` of `src/cpu/conv2d.rs`.
/// - `or conv2d_wide`, where there is one: a second shader with the same bindings, for drivers that compute on the processor.
/// - `with step`, where it is needed: the shader has [`StepParams`] at binding 1, and the twin takes them.
/// - In braces the tensors, in the order of the shader's bindings and of the twin's parameters: `read`, `write` (all or a part
///   of it), or `update` in place. An optional tensor that is absent is bound as one that is there.
///
/// `tests/shaders.rs` compares every row with the shaders and asks for a case in `tests/kernels.rs`.
macro_rules! kernels {
    ($then:ident) => {
        $then! {
            NetworkInput(k) = network_input { read k.x, write k.output }
            Conv2d(k) = conv2d or conv2d_wide with step {
                read k.weights,
                read k.bias,
                read k.a,
                read k.second(),
                read k.time.map_or(k.bias, |(table, _)| table),
                read k.added(),
                write k.output
            }
            Linear(k) = linear with step { read k.input, read k.weights, read k.bias, write k.output }
            TimeEmbedding(k) = time_embedding with step { read k.timesteps, read k.frequencies, write k.output }
            ClassEmbedding(k) = class_embedding with step { read k.members, read k.table, update k.embedding }
            Resample(k) = resample { read k.input, write k.output }
            GroupNormStats(k) = group_norm_stats { read k.a, read k.b.unwrap_or(k.a), write k.partials }
            GroupNormFold(k) = group_norm_fold with step {
                read k.partials,
                read k.affine,
                read k.time.map_or(k.affine, |(table, _)| table),
                write k.folded
            }
            GroupNormApply(k) = group_norm_apply { read k.a, read k.b.unwrap_or(k.a), read k.folded, write k.output }
            GroupNormFused(k) = group_norm_fused or group_norm_fused_wide with step {
                read k.a,
                read k.b.unwrap_or(k.a),
                read k.affine,
                read k.time.map_or(k.affine, |(table, _)| table),
                write k.output
            }
            AttentionScores(k) = attention_scores or attention_scores_wide { read k.qkv, write k.scores }
            AttentionSoftmax(k) = attention_softmax { update k.scores }
            AttentionApply(k) = attention_apply or attention_apply_wide { read k.qkv, read k.scores, write k.output }
            AttentionFused(k) = attention_fused { read k.qkv, write k.output }
            Gaussian(k) = gaussian with step { read k.members, write k.output }
            Quantile(k) = quantile with step { read k.x, read k.model, write k.threshold }
            DdimStep(k) = ddim_step with step { read k.model, read k.noise, read k.threshold, update k.x, write k.x0 }
            PackPicture(k) = pack_picture { read k.x, write k.pixels }
        }
    };
}
pub(crate) use kernels;

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

fn update(tensor: TensorId) -> Operand {
    Operand { tensor, access: Access::ReadWrite }
}

/// The name of a row's second shader.
macro_rules! wide_name {
    () => {
        None
    };
    ($wide:ident) => {
        Some(stringify!($wide))
    };
}

/// Whether a row says `with step`.
macro_rules! has_step {
    () => {
        false
    };
    (step) => {
        true
    };
}

macro_rules! kernel_enum {
    ($(
        $Kernel:ident($k:ident) = $name:ident $(or $wide:ident)? $(with $step:ident)? { $($access:ident $tensor:expr),* }
    )*) => {
        /// One kernel call.
        #[derive(Clone, Copy, Debug)]
        #[allow(missing_docs, reason = "each variant's struct says it")]
        pub enum Kernel {
            $($Kernel($Kernel),)*
        }

        impl Kernel {
            /// Every kernel's name.
            pub const NAMES: &[&str] = &[$(stringify!($name)),*];

            /// The name of its shader and of its twin.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$Kernel(_) => stringify!($name),)*
                }
            }

            /// The name of its shader for drivers that compute on the processor, where there is another.
            pub fn wide_name(&self) -> Option<&'static str> {
                match self {
                    $(Self::$Kernel(_) => wide_name!($($wide)?),)*
                }
            }

            /// Whether its shader has the [`StepParams`] uniform at binding 1.
            pub fn uses_step(&self) -> bool {
                match self {
                    $(Self::$Kernel(_) => has_step!($($step)?),)*
                }
            }

            /// Its tensors in the order of the shader's bindings.
            pub fn operands(&self) -> Vec<Operand> {
                match self {
                    $(Self::$Kernel($k) => vec![$($access($tensor)),*],)*
                }
            }

            /// The bytes of its uniform struct.
            pub fn params(&self, program: &Program) -> Vec<u8> {
                match self {
                    $(Self::$Kernel(call) => bytemuck::bytes_of(&call.params(program)).to_vec(),)*
                }
            }

            /// As [`Call::work`].
            pub fn work(&self, program: &Program, rows: u32) -> Work {
                match self {
                    $(Self::$Kernel(call) => call.work(program, rows),)*
                }
            }

            /// As [`Call::SHADER_CONSTANTS`].
            pub fn shader_constants(&self) -> &'static [(&'static str, u32)] {
                match self {
                    $(Self::$Kernel(_) => <$Kernel as Call>::SHADER_CONSTANTS,)*
                }
            }

            /// Bytes that it reads and writes, each value of its tensors once, where a C4 takes `c4_bytes`.
            pub fn bytes(&self, program: &Program, c4_bytes: u64) -> u64 {
                let mut counted = Vec::new();
                let mut bytes = 0;
                for Operand { tensor, access } in self.operands() {
                    // Where there is nothing to bind, another of the tensors is bound once more.
                    if !counted.contains(&tensor) {
                        counted.push(tensor);
                        bytes += program.get(tensor).bytes(c4_bytes) * if access == Access::ReadWrite { 2 } else { 1 };
                    }
                }
                bytes
            }

            /// As [`Call::flops`].
            pub fn flops(&self, program: &Program, rows: u32) -> f64 {
                match self {
                    $(Self::$Kernel(call) => call.flops(program, rows),)*
                }
            }
        }

        /// Every uniform struct, each once.
        pub fn uniform_layouts() -> Vec<UniformLayout> {
            let mut all = vec![StepParams::layout()];
            $(all.push(<$Kernel as Call>::Params::layout());)*
            all.sort_unstable_by_key(|(name, ..)| *name);
            all.dedup();
            all
        }
    };
}

kernels!(kernel_enum);

impl Kernel {
    /// Whether there is more of it to do the more rows of the embedding table are in use.
    pub fn work_grows_with_rows(&self, program: &Program) -> bool {
        self.work(program, 1) != self.work(program, 2)
    }
}
