//! A kernel call on the CPU and on the GPU, and how far the two are apart.

use super::{Random, Tolerance, calls};
use etude::{
    cpu::executor::CpuExecutor,
    gpu::{DeviceWeights, Dispatch, Gpu, GpuExecutor},
    platform::block_on,
    program::{Access, Element, Executor, Kernel, Life, Precision, Program, Shape, StepParams, TensorId},
};
use half::f16;
use std::sync::Arc;

/// What outputs hold before a call: exact in f16, and too small to hide in a tolerance or to widen one.
const MARK: f32 = 1.0 / 64.0;

/// f16 outputs are the same f32 result rounded: to nearest 2⁻¹¹ of a value, where a driver truncates 2⁻¹⁰.
const HALF_STEP: f32 = 1.0 / 1024.0;

/// The values of the tensor of this name, `None` for standard normals.
pub type Values<'a> = &'a dyn Fn(&str, Shape, &mut Random) -> Option<Vec<f32>>;

pub const NORMAL: Values = &|_, _, _| None;

/// What lies past the last token is zero after softmax, and attention_apply counts on it.
pub const PROBABILITIES: Values = &|name, shape, random| {
    let (width, tokens) = (shape.c4() as usize * 4, shape.channels as usize);
    let at = |i: usize, v: f32| if i % width < tokens { v.abs() / tokens as f32 } else { 0.0 };
    (name == "probabilities").then(|| (0..shape.len()).map(|i| at(i, random.normal())).collect())
};

/// The call, the step's numbers, and the seed of all values.
pub type Case = (Program, StepParams, u64);

pub const PRECISIONS: [Precision; 2] = [Precision::F32, Precision::F16];

/// A program with values for its tensors.
struct Filled {
    program: Arc<Program>,
    written: Vec<(TensorId, Vec<f32>)>,
    written_words: Vec<(TensorId, Vec<u32>)>,
    outputs: Vec<TensorId>,
}

/// `program` with its constants and inputs filled; those stored as f16 on the device already rounded, so that only arithmetic differs.
fn fill(program: &Program, precision: Precision, seed: u64, values: Values) -> Filled {
    let random = &mut Random::new(seed);
    let (mut filled, mut written, mut written_words) = (Program::new(), Vec::new(), Vec::new());
    let operands: Vec<_> = program.calls().iter().flat_map(|(_, kernel, _)| kernel.operands()).collect();
    let changed = |id| operands.iter().any(|o| o.tensor == id && o.access != Access::Read);
    let read = |id| operands.iter().any(|o| o.tensor == id && o.access != Access::Write);
    for (id, tensor) in program.tensors() {
        let (name, shape) = (tensor.name.as_str(), tensor.shape);
        let state = matches!(tensor.life, Life::State);
        let mut life = tensor.life.clone();
        if tensor.element == Element::Words4 {
            written_words.push((id, (0..shape.len()).map(|_| random.bits() as u32).collect()));
        } else if tensor.element != Element::Pixel && !matches!(tensor.life, Life::Scratch) {
            let mut data = match values(name, shape, random) {
                Some(data) => data,
                None if !read(id) => vec![MARK; shape.len()],
                // Sums over the rows of a matrix stay near 1.
                None if name == "weights" => {
                    random.normals(shape.len()).into_iter().map(|v| v / (shape.batch as f32).sqrt()).collect()
                }
                None => random.normals(shape.len()),
            };
            if tensor.element == Element::C4 && precision.is_f16() {
                data.iter_mut().for_each(|v| *v = f16::from_f32(*v).to_f32());
            }
            if state {
                written.push((id, data));
            } else {
                life = Life::Constant(Arc::new(data));
            }
        }
        // Tensors added in the same order keep their ids.
        assert_eq!(filled.tensor(name, shape, tensor.element, life), id);
    }
    for (stage, kernel, label) in program.calls() {
        filled.call(*stage, label, *kernel);
    }
    let outputs = program.tensors().filter(|(id, t)| changed(*id) && matches!(t.life, Life::State)).map(|(id, _)| id).collect();
    Filled { program: Arc::new(filled), written, written_words, outputs }
}

/// The bits of every output of a call in this variant.
pub fn outputs_of(gpu: &Arc<Gpu>, program: &Program, precision: Precision, step: &StepParams, variant: &Dispatch) -> Vec<Vec<u32>> {
    let filled = fill(program, precision, 1, NORMAL);
    let choose = |_: &Kernel| variant.clone();
    let executor = GpuExecutor::choosing(gpu.clone(), filled.program.clone(), precision, &mut DeviceWeights::default(), &choose);
    let outputs = executor.and_then(|mut executor| run_on(&mut executor, &filled, step)).unwrap_or_else(|e| panic!("{e}"));
    outputs.into_iter().map(|output| output.into_iter().map(f32::to_bits).collect()).collect()
}

/// Writes the inputs, runs the call, reads every output.
fn run_on(executor: &mut dyn Executor, filled: &Filled, step: &StepParams) -> Result<Vec<Vec<f32>>, etude::error::Error> {
    for (id, values) in &filled.written {
        executor.write(*id, values)?;
    }
    for (id, words) in &filled.written_words {
        executor.write_words(*id, words)?;
    }
    drop(executor.submit(&[calls::STAGE], step, &[])?);
    let read = |&id: &TensorId| {
        if filled.program.get(id).element == Element::Pixel {
            return Ok(block_on(executor.read_pixels(id))?.into_iter().flatten().map(f32::from).collect());
        }
        block_on(executor.read(id))
    };
    filled.outputs.iter().map(read).collect()
}

/// An output in parts of different magnitude, each with a tolerance of its own; without what nobody reads.
fn parts(name: &str, shape: Shape, values: Vec<f32>) -> Vec<(String, Vec<f32>)> {
    let width = shape.c4() as usize * 4;
    let pick =
        |keep: &dyn Fn(usize) -> bool| values.iter().enumerate().filter(|(i, _)| keep(*i)).map(|(_, v)| *v).collect::<Vec<_>>();
    let plane = |k: usize| pick(&|i| i / width % 2 == k);
    match name {
        "partials" => vec![("means".to_owned(), plane(0)), ("squares".to_owned(), plane(1))],
        "folded" => vec![("factors".to_owned(), plane(0)), ("summands".to_owned(), plane(1))],
        // Softmax clears what lies past the last token; until then it is anything.
        "scores" => vec![("scores".to_owned(), pick(&|i| i % width < shape.channels as usize))],
        // Only x is the threshold.
        "threshold" => vec![("threshold".to_owned(), pick(&|i| i % 4 == 0))],
        _ => vec![(name.to_owned(), values)],
    }
}

/// Runs a case on the CPU and on each of `gpus`, in each of `precisions` they have; returns the largest distance in f32, or every
/// difference beyond the tolerance.
pub fn compare(
    gpus: &[Arc<Gpu>],
    precisions: &[Precision],
    (program, step, seed): &Case,
    tolerance: Tolerance,
    values: Values,
) -> Result<f32, String> {
    let (mut wrong, mut worst) = (Vec::new(), 0.0_f32);
    for &precision in precisions {
        let gpus: Vec<_> = gpus.iter().filter(|gpu| precision == Precision::F32 || gpu.f16).collect();
        if gpus.is_empty() {
            continue;
        }
        let filled = fill(program, precision, *seed, values);
        let expected = run_on(&mut CpuExecutor::plain(filled.program.clone()), &filled, step).map_err(|e| e.to_string())?;
        for gpu in gpus {
            let executor = GpuExecutor::new(gpu.clone(), filled.program.clone(), precision);
            let got = executor.and_then(|mut executor| run_on(&mut executor, &filled, step)).map_err(|e| e.to_string())?;
            for ((&id, got), expected) in filled.outputs.iter().zip(got).zip(&expected) {
                let tensor = filled.program.get(id);
                let rounded = tensor.element == Element::C4 && precision.is_f16();
                let tolerance =
                    if rounded { Tolerance { relative: tolerance.relative + HALF_STEP, ..tolerance } } else { tolerance };
                let both =
                    parts(&tensor.name, tensor.shape, got).into_iter().zip(parts(&tensor.name, tensor.shape, expected.clone()));
                for ((name, got), (_, expected)) in both {
                    let what = format!("{:?} {precision:?} {name}", gpu.class);
                    match tolerance.check(&got, &expected, &what) {
                        Ok(distance) if !rounded => worst = worst.max(distance),
                        Ok(_) => {}
                        Err(text) => wrong.push(text),
                    }
                }
            }
        }
    }
    if wrong.is_empty() { Ok(worst) } else { Err(format!("{}\n{program}", wrong.join("\n"))) }
}
