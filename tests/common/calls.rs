//! Programs of a single kernel call: what tests/kernels.rs fills and runs and tests/shaders.rs compares with the shaders.
//! Constants are empty here; whoever runs a call puts values in.

use etude::program::{
    Activation, AttentionApply, AttentionChunk, AttentionFused, AttentionScores, AttentionSoftmax, ClassEmbedding, Conv2d,
    DdimStep, Element, Gaussian, GroupNormApply, GroupNormFold, GroupNormFused, GroupNormParams, GroupNormStats, Kernel, Life,
    Linear, NetworkInput, PackPicture, Program, Quantile, Resample, Shape, Shortcut, Stage, TensorId, TimeEmbedding,
};

/// The stage all calls are recorded in.
pub const STAGE: Stage = Stage::Network;
/// Rows of the embedding table of calls that read one.
pub const TABLE_ROWS: u32 = 6;

fn c4(p: &mut Program, name: &str, shape: Shape) -> TensorId {
    p.tensor(name, shape, Element::C4, Life::State)
}

fn floats(p: &mut Program, name: &str, shape: Shape) -> TensorId {
    p.tensor(name, shape, Element::F32, Life::State)
}

fn constant(p: &mut Program, name: &str, shape: Shape, element: Element) -> TensorId {
    p.tensor(name, shape, element, Life::Constant(Default::default()))
}

fn recorded(mut p: Program, kernel: Kernel) -> Program {
    p.call(STAGE, kernel.name(), kernel);
    p
}

/// A convolution. `b` is 0 where there is one source; `time` is the C4 offset in a row of the table; `shortcut` has the channels of a
/// shortcut's sources, 0 for none.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "as in Conv2d")]
pub struct Conv {
    pub batch: u32,
    pub size: (u32, u32),
    pub a: u32,
    pub b: u32,
    pub out: u32,
    pub kernel: u32,
    pub stride: u32,
    pub pad: u32,
    pub upsample: u32,
    pub time: Option<u32>,
    pub residual: bool,
    pub shortcut: (u32, u32),
    pub scale: f32,
}

impl Conv {
    /// The call.
    pub fn program(&self) -> Program {
        let p = &mut Program::new();
        let input = Shape::new(self.batch, self.size.0, self.size.1, self.a);
        let side = |n: u32| (n * self.upsample).div_ceil(self.stride);
        let output = Shape::new(self.batch, side(input.height), side(input.width), self.out);
        let c4_of = |(a, b): (u32, u32)| a.div_ceil(4) + b.div_ceil(4);
        let depth = 4 * (c4_of((self.a, self.b)) * self.kernel * self.kernel + c4_of(self.shortcut));
        let call = Conv2d {
            a: c4(p, "a", input),
            b: (self.b > 0).then(|| c4(p, "b", Shape { channels: self.b, ..input })),
            weights: constant(p, "weights", Shape::rows(depth, self.out), Element::C4),
            bias: constant(p, "bias", Shape::rows(1, self.out), Element::F32),
            time: self.time.map(|o| (floats(p, "time", Shape::rows(TABLE_ROWS, 4 * (o + output.c4() + 1))), o)),
            residual: self.residual.then(|| c4(p, "residual", output)),
            shortcut: (self.shortcut.0 > 0).then(|| Shortcut {
                a: c4(p, "shortcut a", Shape { channels: self.shortcut.0, ..input }),
                b: (self.shortcut.1 > 0).then(|| c4(p, "shortcut b", Shape { channels: self.shortcut.1, ..input })),
            }),
            output: c4(p, "output", output),
            kernel: self.kernel,
            stride: self.stride,
            pad: self.pad,
            upsample: self.upsample,
            scale: self.scale,
        };
        recorded(std::mem::take(p), Kernel::Conv2d(call))
    }
}

/// A linear layer with room for `capacity` rows.
pub fn linear(capacity: u32, inputs: u32, outputs: u32, activation: Activation) -> Program {
    let p = &mut Program::new();
    let call = Linear {
        input: floats(p, "input", Shape::rows(capacity, inputs)),
        weights: constant(p, "weights", Shape::rows(inputs.next_multiple_of(4), outputs), Element::C4),
        bias: constant(p, "bias", Shape::rows(1, outputs), Element::F32),
        output: floats(p, "output", Shape::rows(capacity, outputs)),
        activation,
    };
    recorded(std::mem::take(p), Kernel::Linear(call))
}

/// A time embedding with room for `capacity` rows.
pub fn time_embedding(capacity: u32, channels: u32, flip_sin_to_cos: bool, freq_shift: f32) -> Program {
    let p = &mut Program::new();
    let timesteps = floats(p, "timesteps", Shape::rows(capacity, 1));
    let output = floats(p, "output", Shape::rows(capacity, channels));
    let embed = TimeEmbedding::new(p, timesteps, output, flip_sin_to_cos, freq_shift);
    recorded(std::mem::take(p), Kernel::TimeEmbedding(embed))
}

/// The classes of `images` images, added to an embedding with room for `capacity` rows.
pub fn class_embedding(capacity: u32, images: u32, classes: u32, channels: u32) -> Program {
    let p = &mut Program::new();
    let call = ClassEmbedding {
        members: p.tensor("classes", Shape::rows(images, 4), Element::Words4, Life::State),
        table: constant(p, "table", Shape::rows(classes, channels), Element::F32),
        embedding: floats(p, "embedding", Shape::rows(capacity, channels)),
    };
    recorded(std::mem::take(p), Kernel::ClassEmbedding(call))
}

/// A picture of these sides to twice of them, or back.
pub fn resample(shape: Shape, down: bool) -> Program {
    let p = &mut Program::new();
    let twice = Shape { height: 2 * shape.height, width: 2 * shape.width, ..shape };
    let (from, to) = if down { (twice, shape) } else { (shape, twice) };
    let call = Resample { input: c4(p, "input", from), output: c4(p, "output", to) };
    recorded(std::mem::take(p), Kernel::Resample(call))
}

/// A group normalisation: three calls. `b` is 0 where there is one source; `time` is the C4 offset in a row of the table.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "as in GroupNormParams")]
pub struct GroupNorm {
    pub batch: u32,
    pub size: (u32, u32),
    pub a: u32,
    pub b: u32,
    pub groups: u32,
    pub chunk: u32,
    pub time: Option<u32>,
    pub activation: Activation,
}

impl GroupNorm {
    /// What the three shaders read.
    pub fn params(&self) -> GroupNormParams {
        let pixels = self.size.0 * self.size.1;
        GroupNormParams {
            batch: self.batch,
            pixels,
            a_c4: self.a.div_ceil(4),
            b_c4: self.b.div_ceil(4),
            a_c: self.a,
            channels: self.a + self.b,
            groups: self.groups,
            chunks: pixels.div_ceil(self.chunk),
            chunk: self.chunk,
            scale_shift: u32::from(self.time.is_some()),
            temb_offset: self.time.unwrap_or(0),
            temb_stride: self.time.map_or(0, |offset| self.table_c4(offset)),
            eps: 1e-5,
            activation: self.activation.code(),
            ..Default::default()
        }
    }

    fn width(&self) -> u32 {
        4 * (self.a.div_ceil(4) + self.b.div_ceil(4))
    }

    fn table_c4(&self, offset: u32) -> u32 {
        offset + self.width() / 2 + 1
    }

    fn sources(&self, p: &mut Program) -> (TensorId, Option<TensorId>) {
        let a = Shape::new(self.batch, self.size.0, self.size.1, self.a);
        (c4(p, "a", a), (self.b > 0).then(|| c4(p, "b", Shape { channels: self.b, ..a })))
    }

    fn partials(&self, p: &mut Program) -> TensorId {
        floats(p, "partials", Shape::new(self.batch, self.params().chunks, 2, self.width()))
    }

    fn folded(&self, p: &mut Program) -> TensorId {
        floats(p, "folded", Shape::new(self.batch, 1, 2, self.width()))
    }

    /// The first call: statistics.
    pub fn stats(&self) -> Program {
        let p = &mut Program::new();
        let (a, b) = self.sources(p);
        let partials = self.partials(p);
        recorded(std::mem::take(p), Kernel::GroupNormStats(GroupNormStats { a, b, partials, chunk: self.chunk }))
    }

    /// The second call: factor and summand.
    pub fn fold(&self) -> Program {
        let p = &mut Program::new();
        let call = GroupNormFold {
            partials: self.partials(p),
            affine: constant(p, "affine", Shape::new(2, 1, 1, self.width()), Element::F32),
            time: self.time.map(|o| (floats(p, "time", Shape::rows(TABLE_ROWS, 4 * self.table_c4(o))), o)),
            folded: self.folded(p),
            params: self.params(),
        };
        recorded(std::mem::take(p), Kernel::GroupNormFold(call))
    }

    /// The third call: their application.
    pub fn apply(&self) -> Program {
        let p = &mut Program::new();
        let (a, b) = self.sources(p);
        let folded = self.folded(p);
        let output = c4(p, "output", Shape::new(self.batch, self.size.0, self.size.1, self.width()));
        recorded(std::mem::take(p), Kernel::GroupNormApply(GroupNormApply { a, b, folded, output, params: self.params() }))
    }
}

impl GroupNorm {
    /// All of it in one call; `None` where it does not fit one.
    pub fn fused(&self) -> Option<Program> {
        let params = GroupNormFused::fitted(self.params())?;
        let p = &mut Program::new();
        let (a, b) = self.sources(p);
        let call = GroupNormFused {
            a,
            b,
            affine: constant(p, "affine", Shape::new(2, 1, 1, self.width()), Element::F32),
            time: self.time.map(|o| (floats(p, "time", Shape::rows(TABLE_ROWS, 4 * self.table_c4(o))), o)),
            output: c4(p, "output", Shape::new(self.batch, self.size.0, self.size.1, self.width())),
            params,
        };
        Some(recorded(std::mem::take(p), Kernel::GroupNormFused(call)))
    }
}

/// The groups `groups` (first, count) and rows `rows` (first, count) of an attention over `batch` images.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "as in AttentionChunk")]
pub struct Attention {
    pub batch: u32,
    pub tokens: u32,
    pub heads: u32,
    pub dim: u32,
    pub groups: (u32, u32),
    pub rows: (u32, u32),
}

impl Attention {
    /// All groups and rows in one chunk.
    pub fn whole(batch: u32, tokens: u32, heads: u32, dim: u32) -> Self {
        Self { batch, tokens, heads, dim, groups: (0, batch * heads), rows: (0, tokens) }
    }

    fn chunk(&self) -> AttentionChunk {
        AttentionChunk {
            tokens: self.tokens,
            heads: self.heads,
            head_c4: self.dim.div_ceil(4),
            group_base: self.groups.0,
            groups: self.groups.1,
            row_base: self.rows.0,
            rows: self.rows.1,
            scale: 1.0 / (self.dim as f32).sqrt(),
        }
    }

    fn tensor(&self, p: &mut Program, name: &str, parts: u32) -> TensorId {
        c4(p, name, Shape::new(self.batch, self.tokens, 1, parts * self.heads * self.dim.next_multiple_of(4)))
    }

    fn scores_tensor(&self, p: &mut Program, name: &str, life: Life) -> TensorId {
        p.tensor(name, Shape::new(self.groups.1, self.rows.1, 1, self.tokens), Element::F32, life)
    }

    /// The first call.
    pub fn scores(&self) -> Program {
        let p = &mut Program::new();
        let (qkv, scores) = (self.tensor(p, "qkv", 3), self.scores_tensor(p, "scores", Life::State));
        recorded(std::mem::take(p), Kernel::AttentionScores(AttentionScores { qkv, scores, chunk: self.chunk() }))
    }

    /// The second call, in place.
    pub fn softmax(&self) -> Program {
        let p = &mut Program::new();
        let scores = self.scores_tensor(p, "logits", Life::State);
        recorded(std::mem::take(p), Kernel::AttentionSoftmax(AttentionSoftmax { scores, chunk: self.chunk() }))
    }

    /// The third call.
    pub fn apply(&self) -> Program {
        let p = &mut Program::new();
        let (qkv, scores) = (self.tensor(p, "qkv", 3), self.scores_tensor(p, "probabilities", Life::State));
        let output = self.tensor(p, "output", 1);
        recorded(std::mem::take(p), Kernel::AttentionApply(AttentionApply { qkv, scores, output, chunk: self.chunk() }))
    }

    /// All three as one call, for few tokens.
    pub fn fused(&self) -> Program {
        let p = &mut Program::new();
        let (qkv, output) = (self.tensor(p, "qkv", 3), self.tensor(p, "output", 1));
        recorded(std::mem::take(p), Kernel::AttentionFused(AttentionFused { qkv, output, chunk: self.chunk() }))
    }

    /// All three calls.
    pub fn chain(&self) -> Program {
        let p = &mut Program::new();
        let (qkv, scores) = (self.tensor(p, "qkv", 3), self.scores_tensor(p, "scores", Life::Scratch));
        let (output, chunk) = (self.tensor(p, "output", 1), self.chunk());
        p.call(STAGE, "scores", Kernel::AttentionScores(AttentionScores { qkv, scores, chunk }));
        p.call(STAGE, "softmax", Kernel::AttentionSoftmax(AttentionSoftmax { scores, chunk }));
        p.call(STAGE, "apply", Kernel::AttentionApply(AttentionApply { qkv, scores, output, chunk }));
        std::mem::take(p)
    }
}

/// A latent on its way into the network.
pub fn network_input(shape: Shape, scale: f32, shift: f32) -> Program {
    let p = &mut Program::new();
    let (x, output) = (floats(p, "x", shape), c4(p, "output", shape));
    recorded(std::mem::take(p), Kernel::NetworkInput(NetworkInput { x, output, scale, shift }))
}

/// Noise for a latent.
pub fn gaussian(shape: Shape) -> Program {
    let p = &mut Program::new();
    let members = p.tensor("members", Shape::rows(shape.batch, 4), Element::Words4, Life::State);
    let output = floats(p, "output", shape);
    recorded(std::mem::take(p), Kernel::Gaussian(Gaussian { members, output }))
}

/// The threshold of each image, from a network of `model` channels.
pub fn quantile(shape: Shape, model: u32) -> Program {
    let p = &mut Program::new();
    let call = Quantile {
        x: floats(p, "x", shape),
        model: c4(p, "model", Shape { channels: model, ..shape }),
        threshold: floats(p, "threshold", Shape::rows(shape.batch, 1)),
    };
    recorded(std::mem::take(p), Kernel::Quantile(call))
}

/// A step of the sampler, from a network of `model` channels.
pub fn ddim_step(shape: Shape, model: u32) -> Program {
    let p = &mut Program::new();
    let call = DdimStep {
        model: c4(p, "model", Shape { channels: model, ..shape }),
        noise: floats(p, "noise", shape),
        threshold: floats(p, "threshold", Shape::rows(shape.batch, 1)),
        x: floats(p, "x", shape),
        x0: floats(p, "x0", shape),
    };
    recorded(std::mem::take(p), Kernel::DdimStep(call))
}

/// The pixels of a latent.
pub fn pack_picture(shape: Shape) -> Program {
    let p = &mut Program::new();
    let (x, pixels) = (floats(p, "x", shape), p.tensor("pixels", shape, Element::Pixel, Life::State));
    recorded(std::mem::take(p), Kernel::PackPicture(PackPicture { x, pixels }))
}

/// Calls of every kernel over sizes from one pixel to large layers, dense enough to meet every variant that `gpu::tune` chooses.
pub fn sweep() -> Vec<Program> {
    let shape = Shape::new(2, 5, 3, 3);
    let norm = GroupNorm { batch: 2, size: (5, 3), a: 6, b: 3, groups: 3, chunk: 4, time: None, activation: Activation::Silu };
    let mut all = vec![
        network_input(shape, 1.0, 0.0),
        linear(4, 6, 10, Activation::Silu),
        time_embedding(4, 10, true, 0.0),
        norm.stats(),
        norm.fold(),
        norm.apply(),
        GroupNorm { b: 0, time: Some(1), ..norm }.fold(),
        gaussian(shape),
        quantile(shape, 3),
        ddim_step(shape, 3),
        pack_picture(shape),
        class_embedding(4, 3, 5, 10),
        resample(shape, true),
        resample(shape, false),
    ];
    let base = Conv {
        batch: 1,
        size: (1, 1),
        a: 3,
        b: 0,
        out: 3,
        kernel: 3,
        stride: 1,
        pad: 1,
        upsample: 1,
        time: Some(0),
        residual: true,
        shortcut: (0, 0),
        scale: 1.0,
    };
    for size in [(1, 1), (5, 3), (5, 24), (8, 8), (16, 16), (33, 31), (64, 64), (67, 83), (128, 128), (257, 255)] {
        for out in [1, 4, 8, 12, 32, 36, 64, 100, 128, 192, 256, 512] {
            for (a, b) in [(1, 0), (3, 5), (64, 0), (64, 64), (256, 0)] {
                for (kernel, stride, upsample) in [(1, 1, 1), (3, 1, 1), (3, 2, 1), (3, 1, 2)] {
                    for batch in [1, 4] {
                        let conv = Conv { batch, size, a, b, out, kernel, stride, upsample, pad: kernel / 2, ..base };
                        all.push(conv.program());
                        if stride == 1 && upsample == 1 {
                            all.push(Conv { a: out, b: 0, residual: false, shortcut: (a, b), ..conv }.program());
                        }
                    }
                }
            }
        }
    }
    for size in [(1, 1), (4, 4), (5, 3), (8, 8), (16, 16), (33, 31), (64, 64)] {
        for (a, b, groups) in [(3, 0, 3), (6, 0, 3), (32, 0, 32), (64, 0, 32), (96, 0, 32), (96, 64, 32), (256, 256, 32)] {
            for batch in [1, 4, 64] {
                for activation in [Activation::None, Activation::Silu] {
                    all.extend(GroupNorm { batch, size, a, b, groups, chunk: size.0, activation, ..norm }.fused());
                }
            }
        }
    }
    for tokens in [1, 3, 16, 63, 64, 65, 256, 1024, 4096] {
        for dim in [1, 8, 13, 16, 32, 64, 128, 256, 512] {
            for heads in [1, 3, 8] {
                let whole = Attention::whole(2, tokens, heads, dim);
                all.extend(
                    [whole, Attention { rows: (0, tokens.div_ceil(3)), ..whole }]
                        .iter()
                        .flat_map(|c| [c.scores(), c.softmax(), c.apply()]),
                );
                if tokens <= AttentionFused::MAX_TOKENS {
                    all.push(whole.fused());
                }
            }
        }
    }
    all
}

/// Every tensor's values in bytes and every operation: what running a call costs, roughly.
pub fn cost(program: &Program) -> f64 {
    let bytes: u64 = program.tensors().map(|(_, t)| t.bytes(16)).sum();
    program.flops(STAGE, 1) + bytes as f64
}
