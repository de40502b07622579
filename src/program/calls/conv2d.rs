//! A convolution with everything that rides along.

use super::{Call, Work};
use crate::program::{Conv2dParams, Program, TensorId};

/// The sources of a 1x1 convolution that goes into the sums of another one, of stride 1 and with an output as large as its input: a
/// resnet's shortcut.
#[derive(Clone, Copy, Debug)]
pub struct Shortcut {
    /// First source, `[N, H, W, Ca]`.
    pub a: TensorId,
    /// Second source, concatenated behind the first along channels.
    pub b: Option<TensorId>,
}

/// output = (conv(upsample(a ++ b)) + conv1x1(shortcut) + bias + time + residual)·scale, all in one pass.
#[derive(Clone, Copy, Debug)]
pub struct Conv2d {
    /// First source, `[N, H, W, Ca]`.
    pub a: TensorId,
    /// Second source, concatenated behind the first along channels.
    pub b: Option<TensorId>,
    /// Packed by [`crate::program::layout::pack_conv`], those of the shortcut behind the others.
    pub weights: TensorId,
    /// `[C_out]`, f32.
    pub bias: TensorId,
    /// The embedding table and this layer's C4 offset in a row of it.
    pub time: Option<(TensorId, u32)>,
    /// Added before the scale, shaped as the output.
    pub residual: Option<TensorId>,
    /// Convolved 1x1 and added before the scale; then there is neither a residual nor a second source.
    pub shortcut: Option<Shortcut>,
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
    /// What is bound as the second source: that, or the shortcut's first.
    pub(crate) fn second(&self) -> TensorId {
        self.b.or(self.shortcut.map(|s| s.a)).unwrap_or(self.a)
    }

    /// What is bound as the residual: that, or the shortcut's second source.
    pub(crate) fn added(&self) -> TensorId {
        self.residual.or(self.shortcut.and_then(|s| s.b)).unwrap_or(self.a)
    }
}

impl Call for Conv2d {
    type Params = Conv2dParams;

    fn params(&self, program: &Program) -> Conv2dParams {
        let (a, out) = (program.shape(self.a), program.shape(self.output));
        let c4 = |source: Option<TensorId>| source.map_or(0, |source| program.shape(source).c4());
        Conv2dParams {
            batch: out.batch,
            out_h: out.height,
            out_w: out.width,
            out_c4: out.c4(),
            in_h: a.height,
            in_w: a.width,
            a_c4: a.c4(),
            b_c4: c4(self.b),
            kernel: self.kernel,
            stride: self.stride,
            pad: self.pad,
            upsample: self.upsample,
            temb_offset: self.time.map_or(0, |(_, offset)| offset),
            temb_stride: self.time.map_or(0, |(table, _)| program.shape(table).c4()),
            flags: u32::from(self.time.is_some()) | u32::from(self.residual.is_some()) << 1,
            scale: self.scale,
            shortcut_a_c4: c4(self.shortcut.map(|s| s.a)),
            shortcut_b_c4: c4(self.shortcut.and_then(|s| s.b)),
            ..Default::default()
        }
    }

    fn work(&self, program: &Program, _: u32) -> Work {
        Work::Convolution(self.params(program))
    }

    fn flops(&self, program: &Program, _: u32) -> f64 {
        let (a, out) = (program.shape(self.a), program.shape(self.output));
        let channels = |source: Option<TensorId>| source.map_or(0, |source| program.shape(source).channels);
        let inputs = (a.channels + channels(self.b)) * self.kernel * self.kernel;
        let inputs = inputs + self.shortcut.map_or(0, |s| channels(Some(s.a)) + channels(s.b));
        2.0 * f64::from(out.batch) * f64::from(out.pixels()) * f64::from(inputs) * f64::from(out.channels)
    }
}
