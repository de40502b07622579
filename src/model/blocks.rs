//! Recording the U-Net's layers: convolution, normalisation, resnet. Layer names are the checkpoint's keys.

use super::{Fused, Model};
use crate::{
    error::Result,
    program::{
        Activation, Conv2d, Element, GroupNormApply, GroupNormFold, GroupNormFused, GroupNormParams, GroupNormStats, Kernel, Life,
        Program, Resample, Shape, Shortcut, Stage, TensorId, layout,
    },
};

/// A program under construction.
pub(super) struct Recorder<'m> {
    pub model: &'m Model,
    pub program: Program,
    /// The embedding table all resnets read.
    pub table: TensorId,
    /// C4 offset of each resnet's row in the table, by layer name.
    pub table_offsets: Vec<(String, u32)>,
    /// As [`super::RecordOptions::fused`].
    pub fused: Fused,
}

/// The sides of what a resnet makes, beside those of what it is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sides {
    /// Equal.
    Same,
    /// Half of them, by the mean of four pixels.
    Half,
    /// Twice, by repetition.
    Twice,
}

/// What a convolution does besides convolving.
pub(super) struct ConvSpec {
    pub kernel: u32,
    pub stride: u32,
    pub pad: u32,
    pub upsample: u32,
    pub time: Option<(TensorId, u32)>,
    pub residual: Option<TensorId>,
    pub shortcut: Option<Shortcut>,
    pub scale: f32,
}

impl ConvSpec {
    /// 3x3, stride 1, zero padding.
    pub fn same() -> Self {
        Self { kernel: 3, stride: 1, pad: 1, upsample: 1, time: None, residual: None, shortcut: None, scale: 1.0 }
    }

    /// 1x1.
    pub fn pointwise() -> Self {
        Self { kernel: 1, pad: 0, ..Self::same() }
    }
}

/// An activation, or two that are concatenated along channels without a copy.
#[derive(Clone, Copy)]
pub(super) struct Source {
    pub a: TensorId,
    pub b: Option<TensorId>,
}

impl From<TensorId> for Source {
    fn from(a: TensorId) -> Self {
        Self { a, b: None }
    }
}

impl Recorder<'_> {
    /// Channel counts of a source's parts.
    pub fn parts(&self, source: Source) -> Vec<u32> {
        std::iter::once(source.a).chain(source.b).map(|t| self.program.shape(t).channels).collect()
    }

    /// Weights under a checkpoint's key, packed by `pack` where no program has packed them before.
    pub fn constant(
        &mut self,
        key: &str,
        shape: Shape,
        element: Element,
        pack: impl FnOnce(&Model) -> Result<Vec<f32>>,
    ) -> Result<TensorId> {
        let model = self.model;
        let values = model.packed(key, || pack(model))?;
        Ok(self.program.tensor(key, shape, element, Life::Constant(values)))
    }

    /// `[C]` as f32.
    pub fn bias(&mut self, key: &str, channels: u32) -> Result<TensorId> {
        self.constant(key, Shape::rows(1, channels), Element::F32, |m| {
            Ok(layout::pack_vector(&m.weights().get(key, &[channels as usize], false)?, &[channels]))
        })
    }

    /// A convolution of `source` into a new tensor of `out` channels.
    pub fn conv(&mut self, name: &str, source: Source, out: u32, spec: ConvSpec) -> Result<TensorId> {
        let parts = self.parts(source);
        let (inputs, k) = (parts.iter().sum::<u32>(), spec.kernel);
        let rows: usize = parts.iter().map(|&p| layout::padded(p)).sum::<usize>() * (k * k) as usize;
        let key = format!("{name}.weight");
        let shape = [out as usize, inputs as usize, k as usize, k as usize];
        let weights = self.constant(&key, Shape::rows(rows as u32, out), Element::C4, |m| {
            Ok(layout::pack_conv(&m.weights().get(&key, &shape, false)?, out, &parts, k))
        })?;
        let bias = self.bias(&format!("{name}.bias"), out)?;
        self.packed_conv(name, source, weights, bias, out, spec)
    }

    /// A convolution whose weights are packed already.
    pub fn packed_conv(
        &mut self,
        name: &str,
        source: Source,
        weights: TensorId,
        bias: TensorId,
        out: u32,
        spec: ConvSpec,
    ) -> Result<TensorId> {
        let input = self.program.shape(source.a);
        let (height, width) = (input.height * spec.upsample / spec.stride, input.width * spec.upsample / spec.stride);
        let output = self.program.scratch(name, Shape::new(input.batch, height, width, out));
        let call = Conv2d {
            a: source.a,
            b: source.b,
            weights,
            bias,
            time: spec.time,
            residual: spec.residual,
            shortcut: spec.shortcut,
            output,
            kernel: spec.kernel,
            stride: spec.stride,
            pad: spec.pad,
            upsample: spec.upsample,
            scale: spec.scale,
        };
        self.program.call(Stage::Network, name, Kernel::Conv2d(call));
        Ok(output)
    }

    /// GroupNorm of the concatenated source, then `activation`; `time` is the C4 offset of scale and shift in the table.
    pub fn group_norm(
        &mut self,
        name: &str,
        source: Source,
        groups: u32,
        activation: Activation,
        time: Option<u32>,
    ) -> Result<TensorId> {
        let parts = self.parts(source);
        let channels: u32 = parts.iter().sum();
        let c4: u32 = parts.iter().map(|p| p.div_ceil(4)).sum();
        let input = self.program.shape(source.a);
        // As many partial sums per image as pixels in each: enough to fill a GPU, few enough to fold quickly.
        let chunk = input.pixels().isqrt().max(1);
        let chunks = input.pixels().div_ceil(chunk);
        let affine = self.constant(name, Shape::new(2, 1, 1, c4 * 4), Element::F32, |m| {
            let gamma = m.weights().get(&format!("{name}.weight"), &[channels as usize], false)?;
            let beta = m.weights().get(&format!("{name}.bias"), &[channels as usize], false)?;
            Ok([layout::pack_vector(&gamma, &parts), layout::pack_vector(&beta, &parts)].concat())
        })?;
        let program = &mut self.program;
        let params = GroupNormParams {
            batch: input.batch,
            pixels: input.pixels(),
            a_c4: parts[0].div_ceil(4),
            b_c4: c4 - parts[0].div_ceil(4),
            a_c: parts[0],
            channels,
            groups,
            chunks,
            chunk,
            scale_shift: u32::from(time.is_some()),
            temb_offset: time.unwrap_or(0),
            temb_stride: program.shape(self.table).c4(),
            eps: self.model.config.norm_eps,
            activation: activation.code(),
            ..Default::default()
        };
        let time = time.map(|offset| (self.table, offset));
        let Source { a, b } = source;
        let output_shape = Shape::new(input.batch, input.height, input.width, c4 * 4);
        if let Some(params) = GroupNormFused::fitted(params).filter(|_| self.fused.norms) {
            let output = program.scratch(name, output_shape);
            let call = GroupNormFused { a, b, affine, time, output, params };
            program.call(Stage::Network, name, Kernel::GroupNormFused(call));
            return Ok(output);
        }
        let f32_scratch =
            |p: &mut Program, what: &str, shape| p.tensor(format!("{name} {what}"), shape, Element::F32, Life::Scratch);
        let partials = f32_scratch(program, "partials", Shape::new(input.batch, chunks, 2, c4 * 4));
        let folded = f32_scratch(program, "folded", Shape::new(input.batch, 1, 2, c4 * 4));
        let output = program.scratch(name, output_shape);
        program.call(Stage::Network, name, Kernel::GroupNormStats(GroupNormStats { a, b, partials, chunk }));
        program.call(Stage::Network, name, Kernel::GroupNormFold(GroupNormFold { partials, affine, time, folded, params }));
        program.call(Stage::Network, name, Kernel::GroupNormApply(GroupNormApply { a, b, folded, output, params }));
        Ok(output)
    }

    /// GroupNorm, activation, convolution, + time, the same again, + shortcut: diffusers' ResnetBlock2D.
    pub fn resnet(&mut self, name: &str, source: Source, out: u32, output_scale: f32) -> Result<TensorId> {
        self.resnet_of(name, source, out, output_scale, Sides::Same)
    }

    /// As [`Self::resnet`], of a picture of other sides; `source` is then one tensor of `out` channels.
    pub fn resnet_of(&mut self, name: &str, source: Source, out: u32, output_scale: f32, sides: Sides) -> Result<TensorId> {
        let config = &self.model.config;
        let (groups, activation, scale_shift) = (config.norm_num_groups, config.activation, config.scale_shift);
        let parts = self.parts(source);
        let inputs: u32 = parts.iter().sum();
        let offset = self.table_offsets.iter().find(|(n, _)| n == name).map_or(0, |(_, offset)| *offset);
        let h = self.group_norm(&format!("{name}.norm1"), source, groups, activation, None)?;
        // Both the residual and what is convolved change their sides; the convolution itself can repeat the pixels that it reads.
        let (h, a, upsample) = match sides {
            Sides::Same => (h, source.a, 1),
            Sides::Half => (self.resample(&format!("{name}.norm1"), h, sides), self.resample(name, source.a, sides), 1),
            Sides::Twice => (h, self.resample(name, source.a, sides), 2),
        };
        let source = Source { a, ..source };
        let time = (!scale_shift).then_some((self.table, offset));
        let h = self.split_conv(&format!("{name}.conv1"), h, &parts, out, ConvSpec { time, upsample, ..ConvSpec::same() })?;
        let h = self.group_norm(&format!("{name}.norm2"), h.into(), groups, activation, scale_shift.then_some(offset))?;
        let scale = 1.0 / output_scale;
        let residual = if inputs == out && source.b.is_none() {
            source.a
        } else if self.fused.shortcuts {
            return self.conv_with_shortcut(name, h, source, out, scale);
        } else {
            self.conv(&format!("{name}.conv_shortcut"), source, out, ConvSpec::pointwise())?
        };
        let spec = ConvSpec { residual: Some(residual), scale, ..ConvSpec::same() };
        self.split_conv(&format!("{name}.conv2"), h, &[out], out, spec)
    }

    /// A resnet's second convolution, of `h`, and its shortcut of `source`, as one with the weights of both and the sum of their biases.
    fn conv_with_shortcut(&mut self, name: &str, h: TensorId, source: Source, out: u32, scale: f32) -> Result<TensorId> {
        let parts = self.parts(source);
        let inputs = parts.iter().sum::<u32>() as usize;
        let [conv2, shortcut] = ["conv2", "conv_shortcut"].map(|layer| format!("{name}.{layer}"));
        let rows = 9 * layout::padded(out) + parts.iter().map(|&p| layout::padded(p)).sum::<usize>();
        let n = out as usize;
        let weights =
            self.constant(&format!("{conv2}.weight and its shortcut"), Shape::rows(rows as u32, out), Element::C4, |m| {
                let conv = m.weights().get(&format!("{conv2}.weight"), &[n, n, 3, 3], false)?;
                let pointwise = m.weights().get(&format!("{shortcut}.weight"), &[n, inputs, 1, 1], false)?;
                Ok([layout::pack_conv(&conv, out, &[out], 3), layout::pack_conv(&pointwise, out, &parts, 1)].concat())
            })?;
        let bias = self.constant(&format!("{conv2}.bias and its shortcut"), Shape::rows(1, out), Element::F32, |m| {
            let mut sum = m.weights().get(&format!("{conv2}.bias"), &[n], false)?;
            let more = m.weights().get(&format!("{shortcut}.bias"), &[n], false)?;
            sum.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
            Ok(layout::pack_vector(&sum, &[out]))
        })?;
        let shortcut = Some(Shortcut { a: source.a, b: source.b });
        self.packed_conv(&conv2, h.into(), weights, bias, out, ConvSpec { shortcut, scale, ..ConvSpec::same() })
    }

    /// A picture of half or twice the sides.
    fn resample(&mut self, name: &str, input: TensorId, sides: Sides) -> TensorId {
        let shape = self.program.shape(input);
        let (height, width) = match sides {
            Sides::Same => return input,
            Sides::Half => (shape.height / 2, shape.width / 2),
            Sides::Twice => (shape.height * 2, shape.width * 2),
        };
        let output = self.program.scratch(name, Shape { height, width, ..shape });
        self.program.call(Stage::Network, name, Kernel::Resample(Resample { input, output }));
        output
    }

    /// A convolution of one tensor whose channels are `parts`, each padded to whole C4: what [`Self::group_norm`] makes of a
    /// concatenation.
    pub fn split_conv(&mut self, name: &str, input: TensorId, parts: &[u32], out: u32, spec: ConvSpec) -> Result<TensorId> {
        let (inputs, k) = (parts.iter().sum::<u32>(), spec.kernel);
        let rows = self.program.shape(input).c4() * 4 * k * k;
        let key = format!("{name}.weight");
        let shape = [out as usize, inputs as usize, k as usize, k as usize];
        let parts = parts.to_vec();
        let weights = self.constant(&key, Shape::rows(rows, out), Element::C4, |m| {
            Ok(layout::pack_conv(&m.weights().get(&key, &shape, false)?, out, &parts, k))
        })?;
        let bias = self.bias(&format!("{name}.bias"), out)?;
        self.packed_conv(name, input.into(), weights, bias, out, spec)
    }
}
