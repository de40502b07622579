//! Attention over the pixels: in three kernels, which handle a chunk of the scores at a time, or in one for few tokens.

use super::{Call, Work};
use crate::program::{AttentionParams, Program, TensorId};

/// Which heads and query rows an attention kernel handles.
#[derive(Clone, Copy, Debug, PartialEq)]
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

    /// A multiply-add per query, key and channel.
    fn flops(&self) -> f64 {
        2.0 * f64::from(self.groups) * f64::from(self.rows) * f64::from(self.tokens) * f64::from(self.head_c4 * 4)
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

impl Call for AttentionScores {
    type Params = AttentionParams;

    fn params(&self, _: &Program) -> AttentionParams {
        self.chunk.params()
    }

    fn work(&self, _: &Program, _: u32) -> Work {
        Work::AttentionScores(self.chunk)
    }

    fn flops(&self, _: &Program, _: u32) -> f64 {
        self.chunk.flops()
    }
}

/// Softmax of each row of the scores, in place; entries past T become zero.
#[derive(Clone, Copy, Debug)]
pub struct AttentionSoftmax {
    /// As [`AttentionScores::scores`].
    pub scores: TensorId,
    /// The chunk.
    pub chunk: AttentionChunk,
}

impl Call for AttentionSoftmax {
    type Params = AttentionParams;

    fn params(&self, _: &Program) -> AttentionParams {
        self.chunk.params()
    }

    fn work(&self, _: &Program, _: u32) -> Work {
        Work::Each { pieces: self.chunk.groups * self.chunk.rows, workgroup: 64 }
    }
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

impl Call for AttentionApply {
    type Params = AttentionParams;

    fn params(&self, _: &Program) -> AttentionParams {
        self.chunk.params()
    }

    fn work(&self, _: &Program, _: u32) -> Work {
        Work::AttentionApply(self.chunk)
    }

    fn flops(&self, _: &Program, _: u32) -> f64 {
        self.chunk.flops()
    }
}

/// output rows of the chunk = softmax(scale·q·kᵀ)·v in one kernel, whose scores never leave the workgroup.
#[derive(Clone, Copy, Debug)]
pub struct AttentionFused {
    /// As [`AttentionScores::qkv`].
    pub qkv: TensorId,
    /// As [`AttentionApply::output`].
    pub output: TensorId,
    /// The chunk, of [`Self::MAX_TOKENS`] at most.
    pub chunk: AttentionChunk,
}

impl AttentionFused {
    /// As many tokens as the shader has room for: a picture of 16 x 16.
    pub const MAX_TOKENS: u32 = 256;
}

impl Call for AttentionFused {
    type Params = AttentionParams;

    fn params(&self, _: &Program) -> AttentionParams {
        self.chunk.params()
    }

    fn work(&self, _: &Program, _: u32) -> Work {
        Work::Attention(self.chunk)
    }

    fn flops(&self, _: &Program, _: u32) -> f64 {
        2.0 * self.chunk.flops()
    }
}
