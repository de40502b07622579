//! Each layer of layers.json as a small program of its own.

use crate::{Verdict, common::Tolerance, integer, list, manifest, number, on_the_adapter, tensors, text};
use etude::{
    backend::Backend,
    platform::block_on,
    program::{
        Activation, AttentionApply, AttentionChunk, AttentionScores, AttentionSoftmax, Conv2d, Element, GroupNormApply,
        GroupNormFold, GroupNormParams, GroupNormStats, Kernel, Life, Linear, Precision, Program, Shape, Stage, StepParams,
        TensorId, TimeEmbedding, layout,
    },
    weights::Weights,
};
use serde_json::Value;
use std::sync::Arc;

#[test]
fn layers_on_the_cpu() {
    check("cpu", &Backend::Cpu);
}

#[test]
fn layers_on_the_adapter() {
    for (name, backend) in on_the_adapter() {
        check(&name, &backend);
    }
}

fn check(device: &str, backend: &Backend) {
    let (file, manifest) = (tensors("layers.safetensors"), manifest("layers.json"));
    let mut verdict = Verdict::default();
    for case in list(&manifest, "cases") {
        let mut layer = Layer::record(&file, case);
        let program = Arc::new(std::mem::take(&mut layer.program));
        let mut executor = backend.executor(program, Precision::F32).unwrap_or_else(|e| panic!("{}: {e}", layer.name));
        for (tensor, values) in &layer.inputs {
            executor.write(*tensor, values).unwrap_or_else(|e| panic!("{}: {e}", layer.name));
        }
        // Every image has its own row of the embedding table, as in `sampler::epsilon`.
        let step = StepParams { rows: layer.rows, row_stride: 1, ..StepParams::default() };
        executor.submit(&[Stage::Network], &step, &[]).unwrap_or_else(|e| panic!("{}: {e}", layer.name));
        for (tensor, how) in &layer.outputs {
            let padded = block_on(executor.read(*tensor)).unwrap_or_else(|e| panic!("{}: {e}", layer.name));
            let got = layout::c4_to_nchw(layer.output_shape, &padded);
            layer.compare(&got, &mut verdict, &format!("{device} {}{how}", layer.name));
        }
    }
    verdict.finish(&format!("layers on {device}"));
}

/// The reference computes in f32 too, so both sides are off by the roundings of their sums, each of 2^-24 = 6e-8 of a term.
fn tolerance(kind: &str) -> Tolerance {
    match kind {
        "conv2d" | "linear" => Tolerance::new(1e-6, "sums of at most 180 terms in another order: a dozen roundings"),
        "group_norm" => Tolerance::new(2e-6, "variance from partial sums, and x·factor + summand in place of (x - mean)·factor"),
        "attention" => Tolerance::new(2e-6, "the scores' rounding, up to 10·2^-24, goes through exp"),
        "attention_block" | "resnet_block" => Tolerance::new(4e-6, "four or five of the layers above in a row"),
        "timestep_embedding" => Tolerance::new(
            1e-4,
            "999·frequency is rounded to 6e-5 before the sine, and so is torch's, whose frequencies are f32 throughout",
        ),
        "activation" => Tolerance::new(2e-7, "two or three roundings, and exp and erf to 1.5e-7"),
        other => panic!("no tolerance for a layer of kind {other}"),
    }
}

/// A program under construction, with what goes in and what should come out.
struct Layer<'a> {
    file: &'a Weights,
    case: &'a Value,
    name: &'a str,
    program: Program,
    inputs: Vec<(TensorId, Vec<f32>)>,
    /// Each should hold `expected`; the text says how it was computed where there is more than one way.
    outputs: Vec<(TensorId, &'static str)>,
    output_shape: Shape,
    expected: Vec<f32>,
    /// Rows of the embedding table, or of a linear layer.
    rows: u32,
}

/// How a convolution is placed; the rest is in the tensors' shapes.
struct Placed {
    stride: u32,
    pad: u32,
    upsample: u32,
    time: Option<TensorId>,
    residual: Option<TensorId>,
    scale: f32,
}

impl Placed {
    /// Stride 1 with a border of `pad`.
    fn padded(pad: u32) -> Self {
        Self { stride: 1, pad, upsample: 1, time: None, residual: None, scale: 1.0 }
    }
}

impl<'a> Layer<'a> {
    fn record(file: &'a Weights, case: &'a Value) -> Self {
        let name = text(case, "name");
        let (program, expected) = (Program::new(), file.floats(&format!("{name}/output")).unwrap_or_else(|e| panic!("{e}")));
        let mut layer = Self {
            file,
            case,
            name,
            program,
            inputs: Vec::new(),
            outputs: Vec::new(),
            output_shape: Shape::rows(0, 0),
            expected,
            rows: 1,
        };
        layer.output_shape = layer.shape("output");
        match text(case, "kind") {
            "conv2d" => layer.convolution(),
            "group_norm" => layer.normalisation(),
            "linear" => layer.linear_layer(),
            "attention" => layer.attention_alone(),
            "attention_block" => layer.attention_block(),
            "resnet_block" => layer.resnet_block(),
            "timestep_embedding" => layer.timestep_embedding(),
            "activation" => layer.activation_alone(),
            other => panic!("{name}: a layer of unknown kind {other}"),
        }
        layer
    }

    /// Compares a result with the case's, by the bounds of its kind.
    fn compare(&self, got: &[f32], verdict: &mut Verdict, what: &str) {
        match text(self.case, "kind") {
            // The angle t·frequency is rounded before its sine is taken, and so is the frequency before that.
            "timestep_embedding" => {
                let row = got.len() / self.rows as usize;
                let rows = got.chunks_exact(row).zip(self.expected.chunks_exact(row));
                for (t, (got, expected)) in self.values("timestep").into_iter().zip(rows) {
                    let tolerance =
                        Tolerance::new(t.max(1.0) * 1.2e-7, "two roundings of an angle of t, and torch's f32 frequencies");
                    verdict.compare(got, expected, tolerance, &format!("{what}, t = {t}"));
                }
            }
            "activation" => {
                verdict.compare(got, &self.expected, tolerance("activation"), what);
                // Once more without the large values, which hide the small ones' errors.
                let small =
                    |of: &[f32]| of.iter().zip(&self.expected).filter(|(_, e)| e.abs() < 0.5).map(|(v, _)| *v).collect::<Vec<_>>();
                let near_0 =
                    Tolerance::new(2e-6, "half of x, up to 3, times gelu's 1 + erf, near x = -3 a difference exact to 4e-7");
                verdict.compare(&small(got), &small(&self.expected), near_0, &format!("{what}, near 0"));
            }
            kind => verdict.compare(got, &self.expected, tolerance(kind), what),
        }
    }

    // ---- tensors of the file

    fn key(&self, role: &str) -> String {
        format!("{}/{role}", self.name)
    }

    fn has(&self, role: &str) -> bool {
        self.file.contains(&self.key(role))
    }

    fn values(&self, role: &str) -> Vec<f32> {
        self.file.floats(&self.key(role)).unwrap_or_else(|e| panic!("{e}"))
    }

    fn sizes(&self, role: &str) -> Vec<u32> {
        let shape = self.file.shape(&self.key(role)).unwrap_or_else(|| panic!("{} has no {role}", self.name));
        shape.iter().map(|n| *n as u32).collect()
    }

    /// `[N, C, H, W]`, or `[rows, C]` as pictures of one pixel, or `[rows]`.
    fn shape(&self, role: &str) -> Shape {
        match self.sizes(role)[..] {
            [n, c, h, w] => Shape::new(n, h, w, c),
            [rows, c] => Shape::rows(rows, c),
            [rows] => Shape::rows(rows, 1),
            ref other => panic!("{}/{role}: a tensor of shape {other:?}", self.name),
        }
    }

    // ---- tensors of the program

    fn input(&mut self, role: &str, element: Element) -> TensorId {
        let shape = self.shape(role);
        let tensor = self.program.tensor(role, shape, element, Life::State);
        self.inputs.push((tensor, layout::nchw_to_c4(shape, &self.values(role))));
        tensor
    }

    fn constant(&mut self, name: &str, shape: Shape, element: Element, values: Vec<f32>) -> TensorId {
        self.program.tensor(name, shape, element, Life::Constant(Arc::new(values)))
    }

    fn result(&mut self, shape: Shape, element: Element) -> TensorId {
        self.program.tensor("result", shape, element, Life::State)
    }

    fn call(&mut self, kernel: Kernel) {
        self.program.call(Stage::Network, self.name, kernel);
    }

    fn bias(&mut self, role: &str, parts: &[u32]) -> TensorId {
        let values = layout::pack_vector(&self.values(role), parts);
        self.constant(role, Shape::rows(1, values.len() as u32), Element::F32, values)
    }

    // ---- layers

    /// The convolution with the tensors `{prefix}weight` and `{prefix}bias`.
    fn conv(&mut self, prefix: &str, a: TensorId, b: Option<TensorId>, output: Shape, placed: Placed) -> TensorId {
        let role = format!("{prefix}weight");
        // A linear layer is a convolution of one tap.
        let (out, kernel) = match self.sizes(&role)[..] {
            [out, _, kernel, _] => (out, kernel),
            [out, _] => (out, 1),
            ref other => panic!("{role}: weights of shape {other:?}"),
        };
        let parts: Vec<u32> = std::iter::once(a).chain(b).map(|t| self.program.shape(t).channels).collect();
        let packed = layout::pack_conv(&self.values(&role), out, &parts, kernel);
        let rows = (packed.len() / layout::padded(out)) as u32;
        let weights = self.constant(&role, Shape::rows(rows, out), Element::C4, packed);
        let bias = self.bias(&format!("{prefix}bias"), &[out]);
        let output = self.result(Shape { channels: out, ..output }, Element::C4);
        let Placed { stride, pad, upsample, time, residual, scale } = placed;
        let time = time.map(|table| (table, 0));
        let shortcut = None;
        self.call(Kernel::Conv2d(Conv2d {
            a,
            b,
            weights,
            bias,
            time,
            residual,
            shortcut,
            output,
            kernel,
            stride,
            pad,
            upsample,
            scale,
        }));
        output
    }

    /// Group norm with the tensors `{prefix}weight` and `{prefix}bias`, then `activation`.
    fn group_norm(&mut self, prefix: &str, a: TensorId, groups: u32, activation: Activation, time: Option<TensorId>) -> TensorId {
        // So few pixels a partial sum that several have to be combined.
        const CHUNK: u32 = 4;
        let shape = self.program.shape(a);
        let (width, chunks) = (shape.c4() * 4, shape.pixels().div_ceil(CHUNK));
        let affine =
            ["weight", "bias"].map(|r| layout::pack_vector(&self.values(&format!("{prefix}{r}")), &[shape.channels])).concat();
        let affine = self.constant(prefix, Shape::new(2, 1, 1, width), Element::F32, affine);
        let partials = self.result(Shape::new(shape.batch, chunks, 2, width), Element::F32);
        let folded = self.result(Shape::new(shape.batch, 1, 2, width), Element::F32);
        let output = self.result(shape, Element::C4);
        let params = GroupNormParams {
            groups,
            chunks,
            chunk: CHUNK,
            scale_shift: time.is_some().into(),
            temb_stride: time.map_or(0, |table| self.program.shape(table).c4()),
            eps: number(self.case, "eps") as f32,
            ..params(shape, activation)
        };
        let time = time.map(|table| (table, 0));
        self.call(Kernel::GroupNormStats(GroupNormStats { a, b: None, partials, chunk: CHUNK }));
        self.call(Kernel::GroupNormFold(GroupNormFold { partials, affine, time, folded, params }));
        self.call(Kernel::GroupNormApply(GroupNormApply { a, b: None, folded, output, params }));
        output
    }

    /// activation(input)·weights + bias, where the `[M, K]` weights' rows come in `parts`, each padded to C4.
    fn linear(&mut self, prefix: &str, input: TensorId, activation: Activation, parts: &[u32]) -> TensorId {
        let inputs = self.program.shape(input).channels;
        let weights = self.values(&format!("{prefix}weight"));
        let columns: Vec<Vec<f32>> = (0..inputs as usize)
            .map(|k| weights.iter().skip(k).step_by(inputs as usize).copied().collect::<Vec<_>>())
            .map(|column| layout::pack_vector(&column, parts))
            .collect();
        let width = columns[0].len();
        let mut packed = columns.concat();
        packed.resize(layout::padded(inputs) * width, 0.0);
        let weights = self.constant(prefix, Shape::rows(layout::padded(inputs) as u32, width as u32), Element::C4, packed);
        let bias = self.bias(&format!("{prefix}bias"), parts);
        let output = self.result(Shape::rows(self.program.shape(input).batch, width as u32), Element::F32);
        self.rows = self.program.shape(input).batch;
        self.call(Kernel::Linear(Linear { input, weights, bias, output, activation }));
        output
    }

    /// softmax(q·kᵀ/√d)·v, `groups` pairs of image and head and `rows` query rows at a time.
    fn attention(&mut self, qkv: TensorId, groups: u32, rows: u32) -> TensorId {
        let (heads, dim) = (integer(self.case, "heads"), integer(self.case, "head_dim"));
        let shape = self.program.shape(qkv);
        let (tokens, head_c4) = (shape.pixels(), dim.div_ceil(4));
        let output = self.result(Shape { channels: heads * head_c4 * 4, ..shape }, Element::C4);
        let scores = self.result(Shape::new(groups, rows, 1, tokens), Element::F32);
        for group_base in (0..shape.batch * heads).step_by(groups as usize) {
            for row_base in (0..tokens).step_by(rows as usize) {
                let chunk = AttentionChunk {
                    tokens,
                    heads,
                    head_c4,
                    group_base,
                    groups: groups.min(shape.batch * heads - group_base),
                    row_base,
                    rows: rows.min(tokens - row_base),
                    scale: 1.0 / (dim as f32).sqrt(),
                };
                self.call(Kernel::AttentionScores(AttentionScores { qkv, scores, chunk }));
                self.call(Kernel::AttentionSoftmax(AttentionSoftmax { scores, chunk }));
                self.call(Kernel::AttentionApply(AttentionApply { qkv, scores, output, chunk }));
            }
        }
        output
    }

    // ---- cases

    fn convolution(&mut self) {
        let a = self.input("input", Element::C4);
        let b = self.has("input2").then(|| self.input("input2", Element::C4));
        let (stride, upsample) = (integer(self.case, "stride"), integer(self.case, "upsample"));
        let pad = if text(self.case, "padding") == "same" { integer(self.case, "kernel") / 2 } else { 0 };
        let output = self.conv("", a, b, self.output_shape, Placed { stride, upsample, ..Placed::padded(pad) });
        self.outputs.push((output, ""));
    }

    fn normalisation(&mut self) {
        let a = self.input("input", Element::C4);
        let activation = activation(text(self.case, "activation"));
        let output = self.group_norm("", a, integer(self.case, "groups"), activation, None);
        self.outputs.push((output, ""));
    }

    fn linear_layer(&mut self) {
        let input = self.input("input", Element::F32);
        let output = self.linear("", input, Activation::None, &[self.output_shape.channels]);
        self.outputs.push((output, ""));
    }

    fn attention_alone(&mut self) {
        let (heads, dim) = (integer(self.case, "heads"), integer(self.case, "head_dim"));
        let shape = self.output_shape;
        let parts = vec![dim; heads as usize];
        let thirds = ["q", "k", "v"].map(|role| layout::nchw_to_c4(self.shape(role), &self.values(role)));
        let pixel =
            |i: usize| thirds.iter().flat_map(move |t| t.chunks_exact(layout::padded(shape.channels)).nth(i)).collect::<Vec<_>>();
        let tokens = (shape.batch * shape.pixels()) as usize;
        let packed: Vec<f32> = (0..tokens)
            .flat_map(|i| pixel(i).into_iter().flat_map(|t| layout::pack_vector(t, &parts)).collect::<Vec<_>>())
            .collect();
        let qkv = self.program.tensor("qkv", Shape { channels: (packed.len() / tokens) as u32, ..shape }, Element::C4, Life::State);
        self.inputs.push((qkv, packed));
        let whole = self.attention(qkv, shape.batch * heads, shape.pixels());
        let chunks = self.attention(qkv, (shape.batch * heads - 1).max(1), 7.min(shape.pixels()));
        self.outputs = vec![(whole, ", at once"), (chunks, ", in chunks")];
    }

    fn attention_block(&mut self) {
        let x = self.input("input", Element::C4);
        let shape = self.shape("input");
        let y = if self.case["groups"].is_null() {
            x
        } else {
            self.group_norm("group_norm.", x, integer(self.case, "groups"), Activation::None, None)
        };
        let heads = integer(self.case, "heads");
        let parts = vec![integer(self.case, "head_dim"); heads as usize];
        // The three projections as one convolution: their output channels behind each other.
        let all = |this: &Self, what: &str| ["to_q", "to_k", "to_v"].map(|n| this.values(&format!("{n}.{what}"))).concat();
        let (weights, biases) = (all(self, "weight"), all(self, "bias"));
        let packed = layout::pack_conv(&weights, biases.len() as u32, &[shape.channels], 1);
        let out = biases.len() as u32;
        assert!(parts.iter().all(|d| d % 4 == 0), "{}: heads that need padding", self.name);
        let weights = self.constant("qkv", Shape::rows(shape.c4() * 4, out), Element::C4, packed);
        let bias = self.constant("qkv bias", Shape::rows(1, out), Element::F32, biases);
        let qkv = self.result(Shape { channels: out, ..shape }, Element::C4);
        self.call(Kernel::Conv2d(Conv2d {
            a: y,
            b: None,
            weights,
            bias,
            time: None,
            residual: None,
            shortcut: None,
            output: qkv,
            kernel: 1,
            stride: 1,
            pad: 0,
            upsample: 1,
            scale: 1.0,
        }));
        let attended = self.attention(qkv, shape.batch * heads, shape.pixels());
        let scale = 1.0 / number(self.case, "scale_factor") as f32;
        let output = self.conv("to_out.0.", attended, None, shape, Placed { residual: Some(x), scale, ..Placed::padded(0) });
        self.outputs.push((output, ""));
    }

    fn resnet_block(&mut self) {
        let (groups, activation) = (integer(self.case, "groups"), activation(text(self.case, "act_fn")));
        let scale_shift = text(self.case, "time_scale_shift") == "scale_shift";
        let (x, temb) = (self.input("input", Element::C4), self.input("temb", Element::F32));
        let (shape, out) = (self.shape("input"), self.output_shape);
        let parts = vec![out.channels; if scale_shift { 2 } else { 1 }];
        let table = self.linear("time_emb_proj.", temb, activation, &parts);
        let h = self.group_norm("norm1.", x, groups, activation, None);
        let h = self.conv("conv1.", h, None, out, Placed { time: (!scale_shift).then_some(table), ..Placed::padded(1) });
        let h = self.group_norm("norm2.", h, groups, activation, scale_shift.then_some(table));
        let shortcut =
            if self.has("conv_shortcut.weight") { self.conv("conv_shortcut.", x, None, shape, Placed::padded(0)) } else { x };
        let scale = 1.0 / number(self.case, "scale_factor") as f32;
        let output = self.conv("conv2.", h, None, out, Placed { residual: Some(shortcut), scale, ..Placed::padded(1) });
        self.outputs.push((output, ""));
    }

    fn timestep_embedding(&mut self) {
        let timesteps = self.input("timestep", Element::F32);
        self.rows = self.output_shape.batch;
        let output = self.result(self.output_shape, Element::F32);
        let flip_sin_to_cos = self.case["flip_sin_to_cos"].as_bool().expect("a boolean");
        let freq_shift = number(self.case, "freq_shift") as f32;
        let embed = TimeEmbedding::new(&mut self.program, timesteps, output, flip_sin_to_cos, freq_shift);
        self.call(Kernel::TimeEmbedding(embed));
        self.outputs.push((output, ""));
    }

    /// Both kernels that apply one: behind a normalisation that changes nothing, and before a linear layer that changes nothing.
    fn activation_alone(&mut self) {
        let activation = activation(text(self.case, "act_fn"));
        let (shape, channels) = (self.output_shape, self.output_shape.channels as usize);
        let (a, width) = (self.input("input", Element::C4), shape.c4() as usize * 4);
        let folded = [vec![1.0; width], vec![0.0; width]].concat().repeat(shape.batch as usize);
        let folded = self.constant("identity", Shape::new(shape.batch, 1, 2, width as u32), Element::F32, folded);
        let output = self.result(shape, Element::C4);
        self.call(Kernel::GroupNormApply(GroupNormApply { a, b: None, folded, output, params: params(shape, activation) }));
        self.outputs.push((output, ", group_norm_apply"));

        self.rows = shape.batch * shape.pixels();
        let rows = Shape::rows(self.rows, shape.channels);
        let input = self.program.tensor("rows", rows, Element::F32, Life::State);
        self.inputs.push((input, layout::nchw_to_c4(shape, &self.values("input"))));
        let mut identity = vec![0.0; width * width];
        (0..channels).for_each(|i| identity[i * width + i] = 1.0);
        let weights = self.constant("identity", Shape::rows(width as u32, shape.channels), Element::C4, identity);
        let bias = self.constant("zero", Shape::rows(1, shape.channels), Element::F32, vec![0.0; width]);
        let output = self.result(rows, Element::F32);
        self.call(Kernel::Linear(Linear { input, weights, bias, output, activation }));
        self.outputs.push((output, ", linear"));
    }
}

/// What every group norm kernel over one source reads.
fn params(shape: Shape, activation: Activation) -> GroupNormParams {
    GroupNormParams {
        batch: shape.batch,
        pixels: shape.pixels(),
        a_c4: shape.c4(),
        a_c: shape.channels,
        channels: shape.channels,
        groups: 1,
        chunks: 1,
        chunk: shape.pixels(),
        activation: activation.code(),
        ..GroupNormParams::default()
    }
}

fn activation(name: &str) -> Activation {
    match name {
        "none" => Activation::None,
        "silu" => Activation::Silu,
        "mish" => Activation::Mish,
        "gelu" => Activation::Gelu,
        "relu" => Activation::Relu,
        other => panic!("unknown activation {other}"),
    }
}
