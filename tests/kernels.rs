//! Each kernel on the GPU against its CPU twin: random sizes off the tile grid, both classes of device kernels, f32 and, where the
//! adapter has it, f16. The seeds are fixed, so a test passes always or never.
//!
//! Every test named as a kernel is that kernel's case. Outputs hold a mark before a call, so what a kernel should leave alone, or
//! forgets to write, shows. Padding channels hold random values too, where a kernel must not depend on their being zero.

mod common;

use common::{
    Random, Tolerance, both_classes, calls,
    compare::{Case, NORMAL, PRECISIONS, PROBABILITIES, Values, compare, outputs_of},
    software_gpu,
};
use etude::{
    gpu::{DeviceClass, candidates, dispatch},
    program::{Activation, Kernel, Precision, Program, Shape, StepParams},
};
use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner},
};
use std::{cell::Cell, collections::BTreeMap};

/// Compares `count` random cases on both classes; fails with the smallest case that fails.
fn for_random<S: Strategy>(count: u32, cases: S, tolerance: Tolerance, values: Values, make: impl Fn(&S::Value) -> Case) {
    let Some(gpus) = both_classes() else { return };
    let config = Config { cases: count, failure_persistence: None, max_shrink_iters: 100, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let worst = Cell::new(0.0_f32);
    let outcome = runner.run(&cases, |case| {
        let distance = compare(&gpus, &PRECISIONS, &make(&case), tolerance, values).map_err(TestCaseError::fail)?;
        worst.set(worst.get().max(distance));
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
    println!("f32: off by at most {:e}, allowed {:e}: {}", worst.get(), tolerance.relative, tolerance.why);
}

/// Batch, height and width.
fn pictures(largest: u32) -> impl Strategy<Value = Shape> {
    (1..=3u32, 1..=largest, 1..=largest).prop_map(|(batch, height, width)| Shape::new(batch, height, width, 1))
}

/// A row of the embedding table for each image, or one for all.
fn rows() -> impl Strategy<Value = StepParams> {
    (0..=2u32, 0..=1u32).prop_map(|(row_base, row_stride)| StepParams {
        row_base,
        row_stride,
        rows: calls::TABLE_ROWS,
        ..StepParams::default()
    })
}

fn activations() -> impl Strategy<Value = Activation> {
    use Activation::{Gelu, Mish, None, Relu, Silu};
    prop::sample::select(vec![None, Silu, Mish, Gelu, Relu])
}

/// Sums of up to K products whose order differs: a random walk of K roundings, √K·2⁻²⁴ of the sum's own size. K is at most 9·144
/// here, so 2e-6; five times that for the worst of many outputs.
const SUM: Tolerance = Tolerance::new(1e-5, "sums of up to 1296 products in another order");

/// Vulkan lets exp(x) be off by 3 + 2|x| units in the last place, 23·2⁻²³ where |x| is 10, and division by 2.5.
const EXP: Tolerance = Tolerance::new(5e-6, "a driver's exp may be off by 3 + 2|x| units in the last place");

/// A handful of operations, which a driver may fuse, with square roots and divisions of 2.5 units in the last place.
const FEW: Tolerance = Tolerance::new(1e-6, "a few roundings more or less");

fn seeds() -> impl Strategy<Value = u64> {
    any::<u64>().no_shrink()
}

fn convolutions() -> impl Strategy<Value = (calls::Conv, StepParams, u64)> {
    let geometry = (prop::sample::select(vec![1u32, 3]), 1..=2u32, 0..=1u32, 1..=2u32);
    let channels = (1..=70u32, prop_oneof![Just(0), 1..=70u32], 1..=70u32);
    let scales = vec![1.0, 0.5, std::f32::consts::FRAC_1_SQRT_2];
    let extras = (prop::option::of(0..=3u32), any::<bool>(), prop::sample::select(scales));
    (pictures(13), geometry, channels, extras, rows(), seeds()).prop_map(|(shape, geometry, (a, b, out), extras, step, seed)| {
        let (batch, size) = (shape.batch, (shape.height, shape.width));
        let ((kernel, stride, pad, upsample), (time, residual, scale)) = (geometry, extras);
        let shortcut = (0, 0);
        (calls::Conv { batch, size, a, b, out, kernel, stride, pad, upsample, time, residual, shortcut, scale }, step, seed)
    })
}

/// The same with a shortcut of one or two sources.
fn shortcuts() -> impl Strategy<Value = (calls::Conv, StepParams, u64)> {
    let sources = (1..=70u32, prop_oneof![Just(0), 1..=70u32]);
    (convolutions(), sources).prop_map(|((conv, step, seed), shortcut)| {
        let pad = conv.kernel / 2;
        (calls::Conv { b: 0, stride: 1, pad, upsample: 1, residual: false, shortcut, ..conv }, step, seed)
    })
}

#[test]
fn conv2d() {
    for_random(96, convolutions(), SUM, NORMAL, |(conv, step, seed)| (conv.program(), *step, *seed));
}

#[test]
fn conv2d_with_a_shortcut() {
    for_random(64, shortcuts(), SUM, NORMAL, |(conv, step, seed)| (conv.program(), *step, *seed));
}

/// What is added up in f16 is off by half a unit in the last of 11 bits after each of 16 products, four roundings of which stay after they
/// cancel each other, and slice after slice these add up as independent errors do.
#[test]
fn conv2d_with_sums_in_f16() {
    let Some(gpus) = both_classes() else { return };
    let tolerance = Tolerance::new(3e-3, "16 products at a time are added up in 11 bits");
    let config = Config { cases: 48, failure_persistence: None, max_shrink_iters: 100, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let outcome = runner.run(&convolutions(), |(conv, step, seed)| {
        let case = (conv.program(), step, seed);
        compare(&gpus, &[Precision::F16Fast], &case, tolerance, NORMAL).map(|_| ()).map_err(TestCaseError::fail)
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

#[test]
fn linear() {
    let sizes = (1..=5u32, 1..=70u32, 1..=70u32, activations(), seeds());
    // Fewer rows than the table has room for: the others keep their mark.
    for_random(24, (sizes, 0..=2u32), SUM, NORMAL, |&((rows, inputs, outputs, activation, seed), spare)| {
        (calls::linear(rows + spare, inputs, outputs, activation), StepParams { rows, ..StepParams::default() }, seed)
    });
}

#[test]
fn time_embedding() {
    let tolerance = Tolerance::new(
        2.5e-4,
        "exp may be off by 3.6 units in the last place at its second frequency, times an angle of up to 999",
    );
    let values: Values =
        &|name, shape, random| (name == "timesteps").then(|| (0..shape.len()).map(|_| random.below(1000) as f32).collect());
    // From four channels on: with fewer and a shift of 1 the formula itself divides by zero.
    let sizes = (1..=5u32, 0..=2u32, 4..=70u32, any::<bool>(), 0..=1u32, seeds());
    for_random(24, sizes, tolerance, values, |&(rows, spare, channels, flip, shift, seed)| {
        (calls::time_embedding(rows + spare, channels, flip, shift as f32), StepParams { rows, ..StepParams::default() }, seed)
    });
}

#[test]
fn class_embedding() {
    // Any class, also one beyond the table, which is then the last.
    let values: Values =
        &|name, shape, random| (name == "classes").then(|| (0..shape.len()).map(|_| f32::from_bits(random.below(9))).collect());
    let sizes = (1..=5u32, 0..=2u32, 1..=7u32, 1..=70u32, seeds());
    for_random(24, sizes, Tolerance::EXACT, values, |&(images, spare, classes, channels, seed)| {
        (
            calls::class_embedding(images + spare, images, classes, channels),
            StepParams { rows: images, ..StepParams::default() },
            seed,
        )
    });
}

#[test]
fn resample() {
    for_random(24, (pictures(7), 1..=40u32, any::<bool>(), seeds()), Tolerance::EXACT, NORMAL, |&(shape, channels, down, seed)| {
        (calls::resample(Shape { channels, ..shape }, down), StepParams::default(), seed)
    });
}

/// One to five channels per group, so that groups lie across C4 and across the seam of two sources.
fn normalisations() -> impl Strategy<Value = (calls::GroupNorm, StepParams, u64)> {
    let groups = (1..=9u32, 1..=5u32, 0.0..1.0f32, any::<bool>());
    let extras = (1..=20u32, prop::option::of(0..=3u32), activations());
    (pictures(9), groups, extras, rows(), seeds()).prop_map(|(shape, groups, (chunk, time, activation), step, seed)| {
        let (groups, channels, part, two) = (groups.0, groups.0 * groups.1, groups.2, groups.3 && groups.0 * groups.1 > 1);
        let a = if two { 1 + (part * (channels - 1) as f32) as u32 } else { channels };
        let (size, b) = ((shape.height, shape.width), channels - a);
        // Scale and shift come after the first convolution, where there is one source.
        let time = if b == 0 { time } else { None };
        (calls::GroupNorm { batch: shape.batch, size, a, b, groups, chunk, time, activation }, step, seed)
    })
}

#[test]
fn group_norm_stats() {
    let tolerance = Tolerance::new(5e-6, "one pass against two, over values whose mean is three times their deviation");
    let values: Values = &|name, shape, random| {
        (name == "a" || name == "b").then(|| random.normals(shape.len()).into_iter().map(|v| 3.0 + v).collect())
    };
    for_random(24, normalisations(), tolerance, values, |(norm, step, seed)| (norm.stats(), *step, *seed));
}

#[test]
fn group_norm_fold() {
    let tolerance = Tolerance::new(5e-6, "sums of up to 405 terms in the same order, fused or not; a summand cancels");
    let values: Values = &|name, shape, random| {
        let width = shape.c4() as usize * 4;
        // A sum of squares is not negative.
        let part = |i: usize, v: f32| if (i / width).is_multiple_of(2) { v } else { 4.0 * v.abs() };
        (name == "partials").then(|| (0..shape.len()).map(|i| part(i, random.normal())).collect())
    };
    for_random(24, normalisations(), tolerance, values, |(norm, step, seed)| (norm.fold(), *step, *seed));
}

#[test]
fn group_norm_apply() {
    for_random(24, normalisations(), EXP, NORMAL, |(norm, step, seed)| (norm.apply(), *step, *seed));
}

#[test]
fn group_norm_fused() {
    let tolerance = Tolerance::new(
        1e-5,
        "sums of up to 405 values in another order, then a root, a division and an exp that may be off by 3 + 2|x| units in the last place",
    );
    let fits = |(norm, ..): &(calls::GroupNorm, _, _)| norm.fused().is_some();
    let cases = || normalisations().prop_filter("does not fit a workgroup", fits);
    let make = |(norm, step, seed): &(calls::GroupNorm, StepParams, u64)| (norm.fused().expect("fits"), *step, *seed);
    for_random(64, cases(), tolerance, NORMAL, make);
}

/// Any chunk of groups and rows of any attention; the numbers are parts of what is there.
fn attentions() -> impl Strategy<Value = (calls::Attention, u64)> {
    let sizes = (1..=3u32, 1..=70u32, 1..=3u32, 1..=40u32);
    (sizes, [0.0..1.0f32, 0.0..1.0, 0.0..1.0, 0.0..1.0], seeds()).prop_map(|((batch, tokens, heads, dim), parts, seed)| {
        let range = |all: u32, first: f32, count: f32| {
            let first = (first * all as f32) as u32;
            (first, 1 + (count * (all - first) as f32) as u32)
        };
        let (groups, rows) = (range(batch * heads, parts[0], parts[1]), range(tokens, parts[2], parts[3]));
        (calls::Attention { batch, tokens, heads, dim, groups, rows }, seed)
    })
}

#[test]
fn attention_scores() {
    for_random(48, attentions(), SUM, NORMAL, |(chunk, seed)| (chunk.scores(), StepParams::default(), *seed));
}

#[test]
fn attention_softmax() {
    let values: Values =
        &|name, shape, random| (name == "logits").then(|| random.normals(shape.len()).into_iter().map(|v| 5.0 * v).collect());
    for_random(48, attentions(), EXP, values, |(chunk, seed)| (chunk.softmax(), StepParams::default(), *seed));
}

#[test]
fn attention_apply() {
    for_random(48, attentions(), SUM, PROBABILITIES, |(chunk, seed)| (chunk.apply(), StepParams::default(), *seed));
}

#[test]
fn attention_fused() {
    // More tokens than any but the largest variant has room for, too.
    let few = attentions().prop_filter("too many tokens", |(chunk, _)| chunk.tokens <= 64);
    let more = (attentions(), 65..=256u32).prop_map(|((chunk, seed), tokens)| {
        let batch = chunk.batch.min(2);
        (calls::Attention { batch, ..calls::Attention::whole(batch, tokens, chunk.heads, chunk.dim) }, seed)
    });
    let tolerance = Tolerance::new(1e-5, "sums of up to 256 products in another order, of weights that are off by their exp");
    for_random(32, few, tolerance, NORMAL, |(chunk, seed)| (chunk.fused(), StepParams::default(), *seed));
    for_random(16, more, tolerance, NORMAL, |(chunk, seed)| (chunk.fused(), StepParams::default(), *seed));
}

#[test]
fn network_input() {
    // Scale and shift of center_input_sample and of its absence.
    let cases = (pictures(13), 1..=9u32, prop::sample::select(vec![(1.0f32, 0.0f32), (2.0, -1.0)]), seeds());
    for_random(12, cases, Tolerance::EXACT, NORMAL, |&(shape, channels, (scale, shift), seed)| {
        (calls::network_input(Shape { channels, ..shape }, scale, shift), StepParams::default(), seed)
    });
}

#[test]
fn gaussian() {
    // Every member has a seed and an image number of its own, any words.
    let cases = (pictures(13), 1..=9u32, any::<u32>(), seeds());
    for_random(24, cases, FEW, NORMAL, |&(shape, channels, step, seed)| {
        (calls::gaussian(Shape { channels, ..shape }), StepParams { step, ..StepParams::default() }, seed)
    });
    // Of an interval of the noise path in the place of the step: any interval, of a path of any length.
    let interval = (0..=17u32, any::<u32>(), any::<u32>()).prop_map(|(levels, one, other)| {
        let (span, ends) = (1 << levels, [one % ((1 << levels) + 1), other % ((1 << levels) + 1)]);
        let (start, end) = (ends[0].min(ends[1]).min(span - 1), ends[0].max(ends[1]));
        StepParams { path_start: start, path_end: end.max(start + 1), path_span: span, ..StepParams::default() }
    });
    let sum = Tolerance::new(
        2e-6,
        "up to 35 normals, each with a root, a quotient and a product of its own, the squares of their weights 1",
    );
    for_random(48, (pictures(13), 1..=9u32, interval, seeds()), sum, NORMAL, |&(shape, channels, step, seed)| {
        (calls::gaussian(Shape { channels, ..shape }), step, seed)
    });
}

#[test]
fn quantile() {
    let ratios = prop_oneof![Just(0.995f32), Just(0.0), Just(0.5), Just(1.0), 0.0..1.0f32];
    let cases = (pictures(20), 1..=5u32, 0..=3u32, ratios, prop::sample::select(vec![1.0f32, 1.5, 100.0]), seeds());
    let make = |&(shape, channels, more, ratio, largest, seed): &(Shape, u32, u32, f32, f32, u64)| {
        let step = StepParams { a: [1.5, -2.0, 0.0, 0.0], c: [0.0, ratio, largest, 0.0], ..StepParams::default() };
        (calls::quantile(Shape { channels, ..shape }, channels + more), step, seed)
    };
    for_random(24, &cases, FEW, NORMAL, make);
    // Few different values, so that many are equal to the quantile, and some are 0.
    let ties: Values =
        &|name, shape, random| (name != "threshold").then(|| (0..shape.len()).map(|_| random.below(5) as f32 - 2.0).collect());
    for_random(24, &cases, FEW, ties, make);
}

#[test]
fn ddim_step() {
    let tolerance = Tolerance::new(2e-6, "a few roundings, and sums of four that may cancel");
    let cases = (pictures(9), 1..=9u32, 0..=5u32, 0..=3u32, seeds());
    let make = |noisy: bool| {
        move |&(shape, channels, more, flags, seed): &(Shape, u32, u32, u32, u64)| {
            let random = &mut Random::new(!seed);
            let mut four = || [random.normal(), random.normal(), random.normal(), random.normal()];
            let mut step = StepParams { flags, a: four(), b: four(), c: [1.0, 0.995, 2.0, 0.0], ..StepParams::default() };
            if !noisy {
                step.b[3] = 0.0;
            }
            (calls::ddim_step(Shape { channels, ..shape }, channels + more), step, seed)
        }
    };
    let values = |noisy: bool| {
        move |name: &str, shape: Shape, random: &mut Random| match name {
            "threshold" => Some((0..shape.len()).map(|_| 1.0 + random.uniform()).collect()),
            "noise" if !noisy => Some(vec![f32::NAN; shape.len()]),
            _ => None,
        }
    };
    for_random(24, &cases, tolerance, &values(true), make(true));
    // Without a coefficient the noise is not even looked at: nothing may have written it.
    for_random(12, &cases, tolerance, &values(false), make(false));
}

/// Bytes must be equal, also for values exactly on, just below and just above the boundary between two of them.
#[test]
fn pack_picture() {
    let values: Values = &|name, shape, random| {
        let boundary = |random: &mut Random| {
            let exact = (2 * random.below(256) + 1) as f32 / 255.0 - 1.0;
            f32::from_bits(exact.to_bits().wrapping_add(random.below(5)).wrapping_sub(2))
        };
        let value = |random: &mut Random| match random.below(8) {
            0 => random.normal(),
            1 => random.normal() * 1e30,
            2 => [-1.0, 0.0, -0.0, 1.0][random.below(4) as usize],
            _ => boundary(random),
        };
        (name == "x").then(|| (0..shape.len()).map(|_| value(random)).collect())
    };
    for_random(24, (pictures(20), 1..=5u32, seeds()), Tolerance::EXACT, values, |&(shape, channels, seed)| {
        (calls::pack_picture(Shape { channels, ..shape }), StepParams::default(), seed)
    });
}

/// Kernel size, stride, upsampling and whether there is a second source, of a convolution: what a variant reads differently.
fn geometry(kernel: &Kernel) -> Option<(u32, u32, u32, bool)> {
    match kernel {
        Kernel::Conv2d(c) => Some((c.kernel, c.stride, c.upsample, c.b.is_some() || c.shortcut.is_some_and(|s| s.b.is_some()))),
        _ => None,
    }
}

/// The cheapest call of each geometry for each shader variant that `gpu::tune` gives a call that `wanted` accepts, on each class.
fn for_every_variant(tolerance: Tolerance, wanted: impl Fn(&Kernel) -> bool) {
    let Some(gpus) = both_classes() else { return };
    let step = StepParams { rows: calls::TABLE_ROWS, row_stride: 1, ..StepParams::default() };
    let mut wrong = Vec::new();
    for gpu in gpus {
        let mut cheapest: BTreeMap<_, Program> = BTreeMap::new();
        for program in calls::sweep().into_iter().filter(|p| wanted(&p.calls()[0].1)) {
            let kernel = program.calls()[0].1;
            let chosen = dispatch(&kernel, &program, gpu.class, 1);
            let key = (chosen.shader, chosen.constants, geometry(&kernel));
            if cheapest.get(&key).is_none_or(|other| calls::cost(&program) < calls::cost(other)) {
                cheapest.insert(key, program);
            }
        }
        for ((shader, constants, geometry), program) in cheapest {
            match compare(std::slice::from_ref(&gpu), &PRECISIONS, &(program, step, 1), tolerance, PROBABILITIES) {
                Ok(distance) => println!("{:?} {shader} {constants:?} {geometry:?}: off by {distance:e}", gpu.class),
                Err(text) => wrong.push(format!("{shader} {constants:?} {geometry:?}: {text}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_variant_of_conv2d() {
    for_every_variant(SUM, |kernel| matches!(kernel, Kernel::Conv2d(_)));
}

#[test]
fn every_variant_of_attention() {
    // More tokens than a tile has.
    for_every_variant(SUM, |kernel| match kernel {
        Kernel::AttentionScores(k) => k.chunk.tokens > 64,
        Kernel::AttentionApply(k) => k.chunk.tokens > 64,
        Kernel::AttentionFused(_) => true,
        _ => false,
    });
}

#[test]
fn every_variant_of_group_norm() {
    // Up to 65,536 values in a group, and what is off from their mean squared.
    for_every_variant(SUM, |kernel| matches!(kernel, Kernel::GroupNormFused(_)));
}

/// What a device may choose after measuring gives the same bits as what the rule of thumb chooses: a run may go over from one to the other.
#[test]
fn every_candidate_of_conv2d_gives_the_same_bits() {
    let Some(gpu) = both_classes().and_then(|gpus| gpus.into_iter().find(|gpu| gpu.class == DeviceClass::Tiled)) else { return };
    let step = StepParams { rows: calls::TABLE_ROWS, row_stride: 1, ..StepParams::default() };
    let base = calls::Conv {
        batch: 2,
        size: (9, 7),
        a: 20,
        b: 0,
        out: 24,
        kernel: 3,
        stride: 1,
        pad: 1,
        upsample: 1,
        time: Some(0),
        residual: true,
        shortcut: (0, 0),
        scale: 0.5,
    };
    let cases = [
        base,
        calls::Conv { b: 36, out: 70, ..base },
        calls::Conv { residual: false, shortcut: (12, 9), out: 40, ..base },
        calls::Conv { kernel: 1, pad: 0, out: 3, ..base },
        calls::Conv { stride: 2, out: 130, ..base },
    ];
    let (mut compared, all) = (0, [Precision::F32, Precision::F16, Precision::F16Fast]);
    for (conv, precision) in cases.iter().flat_map(|conv| all.map(|precision| (conv, precision))) {
        if precision.is_f16() && !gpu.f16 {
            continue;
        }
        let program = conv.program();
        let kernel = program.calls()[0].1;
        let all = candidates(&kernel, &program, gpu.class, precision);
        let outputs: Vec<_> = all.iter().map(|variant| outputs_of(&gpu, &program, precision, &step, variant)).collect();
        for (variant, output) in all.iter().zip(&outputs).skip(1) {
            assert_eq!(output, &outputs[0], "{precision:?} {:?} of {conv:?}", variant.constants);
            compared += 1;
        }
    }
    assert!(compared > 20, "{compared} candidates");
}

/// As many tokens as a picture of 64 x 64 has, through all three kernels.
#[test]
fn attention_over_4096_tokens() {
    let Some(gpus) = both_classes() else { return };
    let case = (calls::Attention::whole(1, 4096, 1, 8).chain(), StepParams::default(), 1);
    let tolerance = Tolerance::new(1e-5, "sums of 4096 products in another order, of weights that are off by their exp");
    match compare(&gpus, &[Precision::F32], &case, tolerance, NORMAL) {
        Ok(distance) => println!("off by {distance:e}"),
        Err(text) => panic!("{text}"),
    }
}

/// More than 65535 workgroups of 64 go in two dimensions.
#[test]
fn dispatches_beyond_65535_workgroups() {
    let Some(gpu) = software_gpu() else { return };
    let shape = Shape::new(1, 2050, 2049, 1);
    for program in [calls::network_input(shape, 2.0, -1.0), calls::pack_picture(shape)] {
        let kernel = program.calls()[0].1;
        let [_, y] = dispatch(&kernel, &program, gpu.class, 1).grid();
        assert!(y > 1, "{}: the case is too small", kernel.name());
        let case = (program, StepParams::default(), 1);
        if let Err(text) = compare(std::slice::from_ref(&gpu), &[Precision::F32], &case, Tolerance::EXACT, NORMAL) {
            panic!("{text}");
        }
    }
}
