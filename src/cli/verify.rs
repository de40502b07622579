//! `etude verify`: every kernel of a model on a device against its plain twin on the processor.

use super::options::{DeviceOptions, JsonOption, ModelOptions};
use super::output::{object, outln};
use clap::Args;
use etude::{
    cpu::executor::CpuExecutor,
    error::{Error, Result},
    model::RecordOptions,
    noise,
    platform::block_on,
    program::{Access, Element, Executor, Handles, Kernel, Precision, Program, Stage, StepParams, layout},
};
use serde_json::json;
use std::process::ExitCode;

/// Arguments of `etude verify`.
#[derive(Clone, Debug, Args)]
pub struct VerifyArgs {
    #[command(flatten)]
    model: ModelOptions,
    /// Images at a time
    #[arg(long, value_name = "B", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=4096))]
    batch: u32,
    /// Print every kernel call, not only the worst of each kernel
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    json: JsonOption,
    #[command(flatten)]
    device: DeviceOptions,
}

/// A call's error may be this large: max |a - b| / max |b|. In f32 both sides sum the same few thousand products in another order,
/// layer upon layer; in f16 each layer rounds what it stores to 11 bits, in bf16
/// each convolution what it multiplies to 8.
fn bound(precision: Precision) -> f32 {
    match precision {
        Precision::F32 => 1e-4,
        Precision::F16 | Precision::F16Fast | Precision::Bf16 => 3e-2,
    }
}

/// Runs the command.
///
/// # Errors
/// A model that does not load, a device that does not open or fails. A wrong result is exit code 1.
pub fn run(args: &VerifyArgs) -> Result<ExitCode> {
    let model = args.model.find()?;
    let chosen = args.device.open()?;
    let precision: Precision = args.device.precision.into();
    let (size, rows, options) = (
        model.sample_size(),
        batch_rows(args.batch),
        RecordOptions { pack_pictures: true, prediction_only: true, ..RecordOptions::default() },
    );
    let (program, handles, batch) = chosen.backend.record_with(&model, args.batch, size, rows, precision, options)?;
    let mut device = chosen.backend.executor(program.clone(), precision)?;
    let mut oracle = CpuExecutor::plain(program.clone());
    let stages = [Stage::Prepare, Stage::Network, Stage::Noise, Stage::Threshold, Stage::Update, Stage::Picture];
    let step = step(batch);
    for executor in [device.as_mut(), &mut oracle] {
        fill(executor, &program, &handles)?;
    }
    let (got, expected) = (block_on(device.trace(&stages, &step))?, block_on(oracle.trace(&stages, &step))?);
    let calls: Vec<_> = stages.iter().flat_map(|s| program.calls().iter().filter(move |c| c.0 == *s)).collect();
    if got.len() != calls.len() || expected.len() != calls.len() {
        return Err(Error::device(chosen.backend.info().name, "returned fewer results than kernels ran"));
    }
    let rows: Vec<Row> =
        calls.iter().zip(got.iter().zip(&expected)).map(|((_, k, label), (g, e))| compare(&program, k, label, g, e)).collect();
    let bound = bound(precision);
    let failed = rows.iter().filter(|r| r.error > bound).count();
    if args.json.json {
        let row = |row: &Row| json!({ "kernel": row.kernel, "layer": row.label, "error": row.error, "agrees": row.error <= bound });
        object(&json!({
            "model": model.name,
            "device": chosen.backend.info().name,
            "bound": bound,
            "passed": failed == 0,
            "failed": failed,
            "calls": rows.iter().map(row).collect::<Vec<_>>(),
        }))?;
        return Ok(ExitCode::from(u8::from(failed > 0)));
    }
    print_table(&rows, bound, args.all);
    if failed > 0 {
        outln!("FAILED: {failed} of {} kernel calls differ by more than {bound:e}", rows.len());
        return Ok(ExitCode::from(1));
    }
    outln!("passed: {} kernel calls of {} agree with their plain twins within {bound:e}", rows.len(), model.name);
    Ok(ExitCode::SUCCESS)
}

fn batch_rows(batch: u32) -> u32 {
    batch.max(2)
}

/// A step that uses every coefficient: noise, clipping and thresholding on, a timestep an image.
fn step(batch: u32) -> StepParams {
    StepParams {
        row_base: 0,
        row_stride: 1,
        rows: batch,
        step: 3,
        flags: 3,
        a: [1.2, -0.6, 0.1, 0.9],
        b: [0.05, 0.9, 0.3, 0.2],
        c: [1.0, 0.995, 1.5, 0.0],
        ..StepParams::default()
    }
}

/// The same latent, noise and timesteps on both sides.
fn fill(executor: &mut dyn Executor, program: &Program, handles: &Handles) -> Result<()> {
    let shape = program.shape(handles.x);
    for (tensor, stream) in [(handles.x, noise::STREAM_X_T), (handles.noise, noise::STREAM_STEP)] {
        let mut values = vec![0.0; (shape.batch * shape.pixels() * shape.channels) as usize];
        let image_len = values.len() / shape.batch as usize;
        for (i, image) in (0..).zip(values.chunks_exact_mut(image_len)) {
            noise::fill_nchw(1, stream, i, 0, shape.channels as usize, shape.height as usize, shape.width as usize, image);
        }
        executor.write(tensor, &layout::nchw_to_c4(shape, &values))?;
    }
    let members: Vec<u32> = (0..shape.batch).flat_map(|image| [7 + image, 11, 5 + image, 0]).collect();
    executor.write_words(handles.members, &members)?;
    let rows = program.shape(handles.timesteps);
    let mut timesteps = vec![0.0; rows.len()];
    for (i, row) in timesteps.chunks_exact_mut(4).enumerate() {
        row[0] = (17 + 311 * i as u32 % 983) as f32;
    }
    executor.write(handles.timesteps, &timesteps)
}

struct Row {
    kernel: &'static str,
    label: String,
    error: f32,
}

/// max |a - b| / max |b| over the real (unpadded) values; pixels differ by bytes.
fn compare(program: &Program, kernel: &Kernel, label: &str, got: &[f32], expected: &[f32]) -> Row {
    let output = kernel.operands().into_iter().rfind(|o| o.access != Access::Read);
    let is_pixels = output.is_some_and(|o| program.get(o.tensor).element == Element::Pixel);
    let error = if is_pixels {
        // A byte may round the other way where its value lies between two.
        let byte_difference = |g: &f32, e: &f32| {
            let (g, e) = (g.to_bits().to_le_bytes(), e.to_bits().to_le_bytes());
            g.iter().zip(e).map(|(g, e)| g.abs_diff(e)).max().unwrap_or(0)
        };
        let worst = got.iter().zip(expected).map(|(g, e)| byte_difference(g, e)).max().unwrap_or(0);
        if worst <= 1 { 0.0 } else { f32::from(worst) / 255.0 }
    } else {
        // What is in the padding of a pixel's last C4 nobody reads.
        let channels = output.map_or(1, |o| program.shape(o.tensor).channels as usize);
        let stride = channels.next_multiple_of(4);
        let real = || (0..).zip(got.iter().zip(expected)).filter(|(i, _)| i % stride < channels).map(|(_, pair)| pair);
        let largest = real().fold(0.0_f32, |m, (_, e)| m.max(e.abs()));
        let mut worst = 0.0_f32;
        for (g, e) in real() {
            let difference = (g - e).abs();
            // A NaN on either side must not pass as a small difference.
            worst = if difference.is_nan() { f32::INFINITY } else { worst.max(difference) };
        }
        worst / largest.max(1e-6)
    };
    Row { kernel: kernel.name(), label: label.to_owned(), error }
}

fn print_table(rows: &[Row], bound: f32, all: bool) {
    outln!("{:<20} {:<44} {:>10}  verdict", "kernel", if all { "layer" } else { "worst layer" }, "error");
    let line = |row: &Row| {
        let verdict = if row.error <= bound { "ok" } else { "WRONG" };
        outln!("{:<20} {:<44} {:>10.1e}  {verdict}", row.kernel, row.label, row.error);
    };
    if all {
        rows.iter().for_each(line);
        return;
    }
    for &name in Kernel::NAMES {
        if let Some(worst) = rows.iter().filter(|r| r.kernel == name).max_by(|a, b| a.error.total_cmp(&b.error)) {
            line(worst);
        }
    }
}
