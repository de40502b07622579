//! A convolution with everything that rides along.

use super::{Call, Work};
use crate::program::{Conv2dParams, Program, TensorId};

/// output = (conv(upsample(a ++ b)) + bias + time + residual)·scale, all in one pass.
#[derive(Clone, Copy, Debug)]
pub struct Conv2d {
    /// First source, `[N, H, W, Ca]`.
    pub a: TensorId,
    /// Second source, concatenated behind the first along channels.
    pub b: Option<TensorId>,
    /// Packed by [`crate::program::layout::pack_conv`].
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

impl Call for Conv2d {
    type Params = Conv2dParams;

    fn params(&self, program: &Program) -> Conv2dParams {
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

    fn work(&self, program: &Program, _: u32) -> Work {
        Work::Convolution(self.params(program))
    }

    fn flops(&self, program: &Program, _: u32) -> f64 {
        let (a, out) = (program.shape(self.a), program.shape(self.output));
        let inputs = a.channels + self.b.map_or(0, |b| program.shape(b).channels);
        let taps = self.kernel * self.kernel;
        2.0 * f64::from(out.batch) * f64::from(out.pixels()) * f64::from(inputs) * f64::from(taps) * f64::from(out.channels)
    }
}
