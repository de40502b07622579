//! Group normalisation: in three kernels (moments of each channel, folding them into a factor and a summand, applying these), or in one
//! where a group of one picture fits the registers of a workgroup.

use super::{Call, Work};
use crate::program::{GroupNormParams, Program, TensorId};

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

impl Call for GroupNormStats {
    type Params = GroupNormParams;

    fn params(&self, program: &Program) -> GroupNormParams {
        let (a, b) = (program.shape(self.a), self.b.map_or(0, |b| program.shape(b).channels));
        GroupNormParams {
            batch: a.batch,
            pixels: a.pixels(),
            a_c4: a.c4(),
            b_c4: b.div_ceil(4),
            a_c: a.channels,
            channels: a.channels + b,
            chunks: a.pixels().div_ceil(self.chunk),
            chunk: self.chunk,
            ..Default::default()
        }
    }

    fn work(&self, program: &Program, _: u32) -> Work {
        let p = self.params(program);
        Work::Each { pieces: p.batch * p.chunks * (p.a_c4 + p.b_c4), workgroup: 64 }
    }
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

impl Call for GroupNormFold {
    type Params = GroupNormParams;

    fn params(&self, _: &Program) -> GroupNormParams {
        self.params
    }

    fn work(&self, _: &Program, _: u32) -> Work {
        Work::Each { pieces: self.params.batch * self.params.groups, workgroup: 64 }
    }
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

/// Pixels that one invocation of group_norm_apply's shader goes over, so that it loads factor and summand once for them.
const PIXELS_PER_INVOCATION: u32 = 8;

impl Call for GroupNormApply {
    type Params = GroupNormParams;

    const SHADER_CONSTANTS: &'static [(&'static str, u32)] = &[("PIXELS_PER_INVOCATION", PIXELS_PER_INVOCATION)];

    fn params(&self, _: &Program) -> GroupNormParams {
        self.params
    }

    fn work(&self, _: &Program, _: u32) -> Work {
        let p = self.params;
        let blocks = p.pixels.div_ceil(PIXELS_PER_INVOCATION);
        Work::Each { pieces: p.batch * blocks * (p.a_c4 + p.b_c4), workgroup: 64 }
    }
}

/// All of it in one kernel: output = activation(x·factor + summand), which never leave the workgroup.
#[derive(Clone, Copy, Debug)]
pub struct GroupNormFused {
    /// First source.
    pub a: TensorId,
    /// Second source.
    pub b: Option<TensorId>,
    /// As [`GroupNormFold::affine`].
    pub affine: TensorId,
    /// As [`GroupNormFold::time`].
    pub time: Option<(TensorId, u32)>,
    /// As [`GroupNormApply::output`].
    pub output: TensorId,
    /// Sizes and activation.
    pub params: GroupNormParams,
}

/// The smallest number of C4 side by side that holds whole groups.
fn smallest_run(size: u32) -> u32 {
    match size % 4 {
        0 => size / 4,
        2 => size / 2,
        _ => size,
    }
}

impl GroupNormFused {
    /// Invocations of its largest workgroup.
    pub const INVOCATIONS: u32 = 256;
    /// C4 that an invocation keeps in registers, at most.
    pub const MAX_KEPT: u32 = 16;
    /// `params` with the run of C4 for a workgroup; `None` where it does not fit one, or where a group lies across the padding
    /// between two sources. It does not depend on the batch: in which order values are added up decides over the last bits, and a picture
    /// has the same in any batch.
    pub fn fitted(params: GroupNormParams) -> Option<GroupNormParams> {
        let p = params;
        let fits = |run: u32| run <= Self::INVOCATIONS && p.pixels <= Self::INVOCATIONS / run * Self::MAX_KEPT;
        let run = smallest_run(p.channels / p.groups);
        if !fits(run) || (p.b_c4 > 0 && !p.a_c.is_multiple_of(4)) {
            return None;
        }
        Some(GroupNormParams { run, ..p })
    }
}

impl Call for GroupNormFused {
    type Params = GroupNormParams;

    fn params(&self, _: &Program) -> GroupNormParams {
        self.params
    }

    fn work(&self, _: &Program, _: u32) -> Work {
        Work::GroupNorm(self.params)
    }
}
