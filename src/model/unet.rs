//! The U-Net: config and weights -> [`Program`], as diffusers' UNet2DModel computes it.

use super::{
    Model, RecordOptions,
    blocks::{ConvSpec, Recorder, Sides, Source},
};
use crate::{
    error::{Error, Result},
    program::{
        Activation, ClassEmbedding, DdimStep, Element, Gaussian, Handles, Kernel, Life, Linear, NetworkInput, PackPicture, Program,
        Quantile, Shape, Stage, TensorId, TimeEmbedding, layout,
    },
};

/// The most pixels of a picture, 8192 x 8192: every count of one picture's pixels fits its type.
const MAX_PIXELS: u64 = 1 << 26;
/// The most bytes of attention scores of all layers, all their chunks together: more would record calls without end.
const MAX_SCORES: f64 = (1_u64 << 40) as f64;

/// A resnet's place: layer name, output channels.
type ResnetPlace = (String, u32);

/// The sizes next to `size` whose sides are multiples of `step`.
fn fitting(size: (u32, u32), step: u32) -> String {
    let down = |side: u32| (side / step * step).max(step);
    let up = |side: u32| side.checked_next_multiple_of(step).unwrap_or(side).max(step);
    let (less, more) = ((down(size.0), down(size.1)), (up(size.0), up(size.1)));
    let text = |(h, w): (u32, u32)| format!("{h}x{w}");
    if less == more { text(more) } else { format!("{} or {}", text(less), text(more)) }
}

impl Model {
    /// Records the network and the sampler's step for `batch` images of `height` x `width`, with an embedding table of `rows`
    /// timesteps.
    ///
    /// # Errors
    /// A size the levels do not divide, or a weight that is missing, misshapen or not finite.
    pub fn record(&self, batch: u32, height: u32, width: u32, rows: u32) -> Result<(Program, Handles)> {
        self.record_with(batch, height, width, rows, RecordOptions::default())
    }

    /// As [`Self::record`], with what `options` ask for.
    ///
    /// # Errors
    /// As [`Self::record`].
    pub fn record_with(
        &self,
        batch: u32,
        height: u32,
        width: u32,
        rows: u32,
        options: RecordOptions,
    ) -> Result<(Program, Handles)> {
        let (config, step) = (&self.config, self.config.size_step());
        if height == 0 || width == 0 || !height.is_multiple_of(step) || !width.is_multiple_of(step) {
            return Err(Error::argument(format!(
                "sample size {height}x{width}: expected both sides to be multiples of {step}, as this model halves the picture {} times; \
                 {} would do",
                step.ilog2(),
                fitting((height, width), step)
            )));
        }
        if u64::from(height) * u64::from(width) > MAX_PIXELS {
            return Err(Error::argument(format!("sample size {height}x{width}: expected at most {MAX_PIXELS} pixels")));
        }
        if batch == 0 || rows == 0 {
            return Err(Error::argument("expected at least one image and one timestep, got 0"));
        }
        self.check_attention(batch, height, width)?;
        let mut program = Program::new();
        let outputs = if options.prediction_only { config.prediction_channels() } else { config.out_channels };
        let x_shape = Shape::new(batch, height, width, config.in_channels);
        let x = program.tensor("x", x_shape, Element::F32, Life::State);
        // A class-conditional network computes a row for each image, in every step.
        let rows = if config.num_classes.is_some() { rows.max(batch) } else { rows };
        let epsilon = program.tensor("epsilon", Shape { channels: outputs, ..x_shape }, Element::C4, Life::State);
        let timesteps = program.tensor("timesteps", Shape::rows(rows, 1), Element::F32, Life::State);
        let members = program.tensor("members", Shape::rows(batch, 4), Element::Words4, Life::State);
        let (table, table_offsets) = self.record_embeddings(&mut program, timesteps, members, rows)?;
        let mut recorder = Recorder { model: self, program, table, table_offsets, fused: options.fused };
        recorder.network(x, epsilon)?;
        let mut program = recorder.program;
        let noise = program.tensor("noise", x_shape, Element::F32, Life::State);
        let x0 = program.tensor("x0", x_shape, Element::F32, Life::State);
        let threshold = program.tensor("threshold", Shape::rows(batch, 1), Element::F32, Life::State);
        // A network that predicts something of another width can be evaluated, but not sampled from.
        if outputs == config.in_channels {
            program.call(Stage::Noise, "noise", Kernel::Gaussian(Gaussian { members, output: noise }));
            program.call(Stage::Threshold, "threshold", Kernel::Quantile(Quantile { x, model: epsilon, threshold }));
            program.call(Stage::Update, "ddim_step", Kernel::DdimStep(DdimStep { model: epsilon, noise, threshold, x, x0 }));
        }
        let pixels = options.pack_pictures.then(|| {
            let pixels = program.tensor("pixels", x_shape, Element::Pixel, Life::State);
            program.call(Stage::Picture, "picture", Kernel::PackPicture(PackPicture { x, pixels }));
            pixels
        });
        let conditional = config.num_classes.is_some();
        Ok((program, Handles { timesteps, x, epsilon, members, conditional, noise, x0, pixels }))
    }

    /// Refuses attention over so many pixels that it would never end.
    fn check_attention(&self, batch: u32, height: u32, width: u32) -> Result<()> {
        let mut bytes = 0.0;
        for (level, channels) in self.config.attention_levels() {
            let (tokens, heads) = (f64::from(height >> level) * f64::from(width >> level), self.config.heads(channels).0);
            // A level has as many in one direction, one more in the other.
            let layers = f64::from(self.config.layers_per_block) + 1.0;
            bytes += tokens * tokens * 4.0 * f64::from(batch) * f64::from(heads) * layers;
            if bytes > MAX_SCORES {
                return Err(Error::argument(format!(
                    "sample size {height}x{width}: attention over {tokens} pixels ({heads} heads, {batch} images) takes {bytes:.0e} bytes of \
                     scores, expected at most {MAX_SCORES:.0e}; ask for smaller pictures, or fewer at a time"
                )));
            }
        }
        Ok(())
    }

    /// Every resnet in the order of the network.
    fn resnet_places(&self) -> Vec<ResnetPlace> {
        let (config, channels) = (&self.config, &self.config.block_out_channels);
        let mut places = Vec::new();
        for (i, &c) in channels.iter().enumerate() {
            places.extend((0..config.layers_per_block).map(|j| (format!("down_blocks.{i}.resnets.{j}"), c)));
            if config.down_resnet[i] && i + 1 < channels.len() {
                places.push((format!("down_blocks.{i}.downsamplers.0"), c));
            }
        }
        let last = channels[channels.len() - 1];
        places.extend((0..if config.mid_block { 2 } else { 0 }).map(|j| (format!("mid_block.resnets.{j}"), last)));
        for (i, &c) in channels.iter().rev().enumerate() {
            places.extend((0..=config.layers_per_block).map(|j| (format!("up_blocks.{i}.resnets.{j}"), c)));
            if config.up_resnet[i] && i + 1 < channels.len() {
                places.push((format!("up_blocks.{i}.upsamplers.0"), c));
            }
        }
        places
    }

    /// Timesteps -> sinusoid -> two linear layers, plus the class -> every resnet's projection, side by side in one table. Without
    /// classes all of it depends on t alone, so it runs once for all steps.
    fn record_embeddings(
        &self,
        program: &mut Program,
        timesteps: TensorId,
        members: TensorId,
        rows: u32,
    ) -> Result<(TensorId, Vec<(String, u32)>)> {
        let config = &self.config;
        let (base, dim) = (config.block_out_channels[0], config.time_dim());
        let scratch = |p: &mut Program, name: &str, c| p.tensor(name, Shape::rows(rows, c), Element::F32, Life::Scratch);
        let sinusoid = scratch(program, "time_proj", base);
        let embed = TimeEmbedding::new(program, timesteps, sinusoid, config.flip_sin_to_cos, config.freq_shift);
        program.call(Stage::Prepare, "time_proj", Kernel::TimeEmbedding(embed));
        let hidden = scratch(program, "time_embedding.linear_1", dim);
        self.linear(program, &["time_embedding.linear_1"], sinusoid, hidden, &[dim], Activation::None)?;
        let embedding = scratch(program, "time_embedding.linear_2", dim);
        self.linear(program, &["time_embedding.linear_2"], hidden, embedding, &[dim], Activation::Silu)?;
        if let Some(classes) = config.num_classes {
            let values = self.packed("class_embedding.weight", || {
                let values = self.weights.get("class_embedding.weight", &[classes as usize, dim as usize], false)?;
                Ok(layout::nchw_to_c4(Shape::rows(classes, dim), &values))
            })?;
            let shape = Shape::rows(classes, dim);
            let table = program.tensor("class_embedding.weight", shape, Element::F32, Life::Constant(values));
            let call = Kernel::ClassEmbedding(ClassEmbedding { members, table, embedding });
            program.call(Stage::Prepare, "class_embedding", call);
        }
        let factor = if config.scale_shift { 2 } else { 1 };
        let places = self.resnet_places();
        let mut offset = 0;
        let mut offsets = Vec::new();
        let mut widths = Vec::new();
        for (name, c) in &places {
            offsets.push((name.clone(), offset));
            offset += factor * c.div_ceil(4);
            widths.push(*c);
        }
        let table = program.tensor("time table", Shape::rows(rows, offset * 4), Element::F32, Life::State);
        let names: Vec<String> = places.iter().map(|(name, _)| format!("{name}.time_emb_proj")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        self.linear(program, &names, embedding, table, &widths, config.activation)?;
        Ok((table, offsets))
    }

    /// Linear layers side by side on the same rows; each layer's output may be several parts of `widths[i]` channels.
    fn linear(
        &self,
        program: &mut Program,
        names: &[&str],
        input: TensorId,
        output: TensorId,
        widths: &[u32],
        activation: Activation,
    ) -> Result<()> {
        let (inputs, columns) = (program.shape(input).channels as usize, program.shape(output).c4() as usize * 4);
        let key = names[0];
        let parts = columns / widths.iter().map(|&w| layout::padded(w)).sum::<usize>();
        let weights = self.packed(&format!("{key}.weight"), || {
            let load = |(name, &width): (&&str, &u32)| {
                self.weights.get(&format!("{name}.weight"), &[parts * width as usize, inputs], false)
            };
            let layers: Vec<Vec<f32>> = names.iter().zip(widths).map(load).collect::<Result<_>>()?;
            let mut packed = vec![0.0; layout::padded(inputs as u32) * columns];
            let mut column = 0;
            for (values, &width) in layers.iter().zip(widths) {
                for part in values.chunks_exact(width as usize * inputs) {
                    for (o, row) in part.chunks_exact(inputs).enumerate() {
                        for (i, value) in row.iter().enumerate() {
                            packed[i * columns + column + o] = *value;
                        }
                    }
                    column += layout::padded(width);
                }
            }
            Ok(packed)
        })?;
        let bias = self.packed(&format!("{key}.bias"), || {
            let mut packed = Vec::with_capacity(columns);
            for (name, &width) in names.iter().zip(widths) {
                let values = self.weights.get(&format!("{name}.bias"), &[parts * width as usize], false)?;
                packed.extend(layout::pack_vector(&values, &vec![width; parts]));
            }
            Ok(packed)
        })?;
        let weights_shape = Shape::rows(layout::padded(inputs as u32) as u32, columns as u32);
        let weights = program.tensor(format!("{key}.weight"), weights_shape, Element::C4, Life::Constant(weights));
        let bias = program.tensor(format!("{key}.bias"), Shape::rows(1, columns as u32), Element::F32, Life::Constant(bias));
        program.call(Stage::Prepare, key, Kernel::Linear(Linear { input, weights, bias, output, activation }));
        Ok(())
    }
}

impl Recorder<'_> {
    /// conv_in, the levels down, the middle, the levels up, conv_out.
    fn network(&mut self, x: TensorId, epsilon: TensorId) -> Result<()> {
        let config = self.model.config.clone();
        let channels = &config.block_out_channels;
        let levels = channels.len();
        let input = self.program.scratch("input", self.program.shape(x));
        let (scale, shift) = if config.center_input_sample { (2.0, -1.0) } else { (1.0, 0.0) };
        self.program.call(Stage::Network, "input", Kernel::NetworkInput(NetworkInput { x, output: input, scale, shift }));
        let mut h = self.conv("conv_in", input.into(), channels[0], ConvSpec::same())?;
        let mut skips = vec![h];
        let groups = Some(config.norm_num_groups);
        for (i, &c) in channels.iter().enumerate() {
            for j in 0..config.layers_per_block {
                h = self.resnet(&format!("down_blocks.{i}.resnets.{j}"), h.into(), c, 1.0)?;
                if config.down_attention[i] {
                    h = self.attention(&format!("down_blocks.{i}.attentions.{j}"), h, groups, 1.0)?;
                }
                skips.push(h);
            }
            if i + 1 < levels {
                let name = format!("down_blocks.{i}.downsamplers.0");
                h = if config.down_resnet[i] {
                    self.resnet_of(&name, h.into(), c, 1.0, Sides::Half)?
                } else {
                    let spec = ConvSpec { stride: 2, pad: config.downsample_padding, ..ConvSpec::same() };
                    self.conv(&format!("{name}.conv"), h.into(), c, spec)?
                };
                skips.push(h);
            }
        }
        if config.mid_block {
            h = self.middle(h, channels[levels - 1])?;
        }
        for (i, &c) in channels.iter().rev().enumerate() {
            for j in 0..=config.layers_per_block {
                let source = Source { a: h, b: skips.pop() };
                h = self.resnet(&format!("up_blocks.{i}.resnets.{j}"), source, c, 1.0)?;
                if config.up_attention[i] {
                    h = self.attention(&format!("up_blocks.{i}.attentions.{j}"), h, groups, 1.0)?;
                }
            }
            if i + 1 < levels {
                let name = format!("up_blocks.{i}.upsamplers.0");
                h = if config.up_resnet[i] {
                    self.resnet_of(&name, h.into(), c, 1.0, Sides::Twice)?
                } else {
                    self.conv(&format!("{name}.conv"), h.into(), c, ConvSpec { upsample: 2, ..ConvSpec::same() })?
                };
            }
        }
        // The closing activation is SiLU whatever act_fn says.
        h = self.group_norm("conv_norm_out", h.into(), config.norm_num_groups, Activation::Silu, None)?;
        let out = self.closing_conv(h, channels[0], self.program.shape(epsilon).channels)?;
        self.program.redirect_last_output(out, epsilon);
        Ok(())
    }

    /// conv_out, or of its outputs the first `out`.
    fn closing_conv(&mut self, h: TensorId, inputs: u32, out: u32) -> Result<TensorId> {
        let all = self.model.config.out_channels;
        if out == all {
            return self.split_conv("conv_out", h, &[inputs], out, ConvSpec::same());
        }
        let rows = self.program.shape(h).c4() * 4 * 9;
        let weights = self.constant("conv_out.weight of the prediction", Shape::rows(rows, out), Element::C4, |m| {
            let mut values = m.weights().get("conv_out.weight", &[all as usize, inputs as usize, 3, 3], false)?;
            values.truncate((out * inputs * 9) as usize);
            Ok(layout::pack_conv(&values, out, &[inputs], 3))
        })?;
        let bias = self.constant("conv_out.bias of the prediction", Shape::rows(1, out), Element::F32, |m| {
            let mut values = m.weights().get("conv_out.bias", &[all as usize], false)?;
            values.truncate(out as usize);
            Ok(layout::pack_vector(&values, &[out]))
        })?;
        self.packed_conv("conv_out", h.into(), weights, bias, out, ConvSpec::same())
    }

    /// Resnet, attention, resnet at the lowest level.
    fn middle(&mut self, h: TensorId, channels: u32) -> Result<TensorId> {
        let config = &self.model.config;
        let factor = config.mid_block_scale_factor;
        // diffusers leaves the middle attention without normalisation under scale_shift, unless its groups are named.
        let default_groups = if config.scale_shift { None } else { Some(config.norm_num_groups) };
        let groups = config.attn_norm_num_groups.or(default_groups);
        let mut h = self.resnet("mid_block.resnets.0", h.into(), channels, factor)?;
        if config.add_attention {
            h = self.attention("mid_block.attentions.0", h, groups, factor)?;
        }
        self.resnet("mid_block.resnets.1", h.into(), channels, factor)
    }
}
