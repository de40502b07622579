//! `etude bench`: milliseconds a step, operations a second against the device's peak, the costliest kernels and what bounds them, memory.

mod roofline;

use super::options::{DeviceOptions, ModelOptions, parse_size};
use super::output::{out, outln};
use clap::{Args, ValueEnum as _};
use etude::{
    backend::Backend,
    cpu::{PackedWeights, executor::CpuExecutor, peak},
    error::Result,
    gpu::{Choice, GpuExecutor, Peak},
    model::{Model, RecordOptions},
    platform::{Instant, block_on},
    program::{CallTime, Executor, Handles, MemoryPlan, Precision, Program, Stage, StepParams},
    sampler::in_flight,
};
use roofline::{Cost, Roofline};
use serde::Serialize;
use std::{collections::VecDeque, process::ExitCode, sync::Arc};

/// Arguments of `etude bench`.
#[derive(Clone, Debug, Args)]
pub struct BenchArgs {
    #[command(flatten)]
    model: ModelOptions,
    /// Images at a time
    #[arg(long, value_name = "B", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=4096))]
    batch: u32,
    /// Height and width in pixels, as 32 or 32x48 [default: the model's]
    #[arg(long, value_name = "SIZE")]
    size: Option<String>,
    /// Seconds to measure for
    #[arg(long, value_name = "SECONDS", default_value_t = 3.0)]
    seconds: f64,
    /// Forget which kernels were measured to be the quickest on this device, and measure anew
    #[arg(long)]
    retune: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    device: DeviceOptions,
}

/// What a bench found. Times in milliseconds, rates in operations a second (a multiply-add counts as two), memory in bytes.
#[derive(Debug, Serialize)]
struct Report {
    device: String,
    backend: String,
    model: String,
    precision: String,
    batch: u32,
    height: u32,
    width: u32,
    steps_measured: usize,
    ms_per_step: f64,
    ms_per_step_min: f64,
    ms_per_step_max: f64,
    ms_per_image: f64,
    gflop_per_step: f64,
    gflops: f64,
    peak_gflops: Option<f64>,
    share_of_peak: Option<f64>,
    /// Of memory: what the processor's cores read, what a GPU reads and writes when it copies.
    gbytes_per_second: f64,
    dispatches_per_step: usize,
    memory_allocated: u64,
    memory_weights_and_live_activations: u64,
    /// Each shape of layer that the device may choose kernels for; empty where nothing is measured.
    tuned: Vec<Tuned>,
    costliest: Vec<Cost>,
}

/// A shape of layer, and what was measured of it: `None` where the time did not suffice.
#[derive(Debug, Serialize)]
struct Tuned {
    layers: String,
    choice: Option<Choice>,
}

/// Runs the command.
///
/// # Errors
/// A model that does not load, a device that does not open or fails.
pub fn run(args: &BenchArgs) -> Result<ExitCode> {
    let model = args.model.find()?;
    let size = args.size.as_deref().map_or_else(|| Ok(model.sample_size()), parse_size)?;
    let chosen = args.device.open()?;
    let precision = args.device.precision.into();
    let (program, handles, batch) = {
        let options = RecordOptions { prediction_only: true, ..RecordOptions::default() };
        chosen.backend.record_with(&model, args.batch, size, 1, precision, options)?
    };
    let seconds = args.seconds.clamp(0.1, 600.0);
    let info = chosen.backend.info();
    let mut tuned = Vec::new();
    let (rounds, bandwidth, costs, memory) = match &chosen.backend {
        Backend::Cpu => {
            let mut packed = PackedWeights::default();
            let mut executor = CpuExecutor::sharing(program.clone(), precision == Precision::Bf16, &mut packed);
            let bf16 = precision == Precision::Bf16;
            let rounds = measure(&mut executor, &handles, seconds, &|| Ok(peak::multiply_adds(bf16)))?;
            let plan = MemoryPlan::new(&program, 16);
            let weights = program.weight_bytes(16) + packed.bytes();
            let memory = (plan.slots().iter().sum::<u64>() + weights, plan.live_peak() + weights);
            (rounds, peak::bandwidth(), executor.profile(&[Stage::Network, Stage::Update], &step()), memory)
        }
        Backend::Gpu(gpu) => {
            let peak = block_on(Peak::new(gpu))?;
            if args.retune {
                gpu.forget_tuning();
            }
            let mut executor = GpuExecutor::new(gpu.clone(), program.clone(), precision)?;
            executor.tune()?;
            if gpu.tunes() {
                let measured = gpu.tuned(&program, precision).into_iter();
                tuned = measured.map(|(layers, choice)| Tuned { layers, choice }).collect();
            }
            let rounds = measure(&mut executor, &handles, seconds, &|| block_on(peak.measure()))?;
            let costs =
                if gpu.timestamps { block_on(executor.profile(&[Stage::Network, Stage::Update], &step()))? } else { Vec::new() };
            (rounds, block_on(peak.bandwidth())?, costs, (executor.allocated_bytes(), executor.needed_bytes()))
        }
    };
    let report = Report { tuned, ..report(args, &model, &info, &program, batch, size, &rounds, bandwidth, &costs, memory) };
    if args.json {
        let text = serde_json::to_string_pretty(&report).map_err(|e| etude::error::Error::argument(e.to_string()))?;
        outln!("{text}");
    } else {
        print_report(&report);
    }
    Ok(ExitCode::SUCCESS)
}

/// A deterministic step from x towards x0 that keeps x in range however often it is taken.
fn step() -> StepParams {
    StepParams { rows: 1, a: [0.5, -0.1, 0.0, 1.0], b: [0.0, 0.9, 0.1, 0.0], ..StepParams::default() }
}

/// A few steps, and the device's peak right after them.
struct Round {
    /// Milliseconds a step.
    milliseconds: f64,
    /// Operations a second.
    peak: f64,
}

/// Steps a round, so that encoding overlaps with computing as it does when sampling.
const TOGETHER: usize = 4;

/// Rounds of steps, after two steps to warm up, for about `seconds`.
fn measure(executor: &mut dyn Executor, handles: &Handles, seconds: f64, peak: &dyn Fn() -> Result<f64>) -> Result<Vec<Round>> {
    let timesteps = executor.program().shape(handles.timesteps);
    let mut table = vec![0.0; timesteps.len()];
    table[0] = 500.0;
    executor.write(handles.timesteps, &table)?;
    let x = executor.program().shape(handles.x);
    let values: Vec<f32> = (0..x.len()).map(|i| ((i * 37 % 101) as f32 - 50.0) / 50.0).collect();
    executor.write(handles.x, &values)?;
    drop(executor.submit(&[Stage::Prepare], &step(), &[])?);
    // As the sampler does: one step more on its way than is waited for, where the device computes by itself.
    let steps = |executor: &mut dyn Executor, count: usize| -> Result<()> {
        let mut on_the_way = VecDeque::new();
        for _ in 0..count {
            on_the_way.push_back(executor.submit(&[Stage::Network, Stage::Update], &step(), &[])?);
            if on_the_way.len() >= in_flight(executor)
                && let Some(oldest) = on_the_way.pop_front()
            {
                block_on(executor.collect(oldest))?;
            }
        }
        block_on(executor.wait())
    };
    steps(executor, 2)?;
    let (start, mut rounds) = (Instant::now(), Vec::new());
    while rounds.len() < 3 || start.elapsed().as_secs_f64() < seconds {
        let begin = Instant::now();
        steps(executor, TOGETHER)?;
        let milliseconds = begin.elapsed().as_secs_f64() * 1e3 / TOGETHER as f64;
        rounds.push(Round { milliseconds, peak: peak()? });
    }
    Ok(rounds)
}

/// Sorted, so that the middle is the median.
fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

fn report(
    args: &BenchArgs,
    model: &Model,
    info: &etude::program::DeviceInfo,
    program: &Arc<Program>,
    batch: u32,
    size: (u32, u32),
    rounds: &[Round],
    bandwidth: f64,
    costs: &[CallTime],
    memory: (u64, u64),
) -> Report {
    let times = sorted(rounds.iter().map(|r| r.milliseconds));
    let median = times[times.len() / 2];
    let flops = program.flops(Stage::Network, 1);
    let rate = flops / (median * 1e-3);
    let peaks = sorted(rounds.iter().map(|r| r.peak));
    // Round by round, so that a moment in which the machine was busy counts on both sides.
    let shares = sorted(rounds.iter().map(|r| flops / (r.milliseconds * 1e-3) / r.peak));
    Report {
        device: info.name.clone(),
        backend: info.backend.clone(),
        model: model.name.clone(),
        precision: args.device.precision.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned()),
        batch,
        height: size.0,
        width: size.1,
        steps_measured: times.len() * TOGETHER,
        ms_per_step: median,
        ms_per_step_min: times[0],
        ms_per_step_max: times[times.len() - 1],
        ms_per_image: median / f64::from(batch),
        gflop_per_step: flops * 1e-9,
        gflops: rate * 1e-9,
        peak_gflops: peaks.get(peaks.len() / 2).map(|p| p * 1e-9),
        share_of_peak: shares.get(shares.len() / 2).copied(),
        gbytes_per_second: bandwidth * 1e-9,
        dispatches_per_step: [Stage::Network, Stage::Update]
            .iter()
            .map(|s| program.calls().iter().filter(|c| c.0 == *s).count())
            .sum(),
        memory_allocated: memory.0,
        memory_weights_and_live_activations: memory.1,
        tuned: Vec::new(),
        costliest: roofline::costs(costs, Roofline { peak: peaks[peaks.len() / 2], bandwidth }),
    }
}

fn print_report(r: &Report) {
    outln!("model          {}, batch {} of {}x{}, {}", r.model, r.batch, r.height, r.width, r.precision);
    outln!(
        "step           {:.2} ms (least {:.2}, most {:.2}; {} steps)",
        r.ms_per_step,
        r.ms_per_step_min,
        r.ms_per_step_max,
        r.steps_measured
    );
    outln!("image          {:.2} ms", r.ms_per_image);
    out!("rate           {:.1} GFLOP/s ({:.3} GFLOP a step)", r.gflops, r.gflop_per_step);
    match (r.peak_gflops, r.share_of_peak) {
        (Some(peak), Some(share)) => outln!(", {:.0} % of the measured peak of {peak:.1} GFLOP/s", share * 100.0),
        _ => out!("\n"),
    }
    outln!("bandwidth      {:.1} GB/s of memory", r.gbytes_per_second);
    outln!("dispatches     {} a step, in one pass for each 50 GFLOP", r.dispatches_per_step);
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    outln!(
        "memory         {:.1} MiB allocated, {:.1} MiB are weights and live activations",
        mib(r.memory_allocated),
        mib(r.memory_weights_and_live_activations)
    );
    if !r.tuned.is_empty() {
        print_tuned(&r.tuned);
    }
    if !r.costliest.is_empty() {
        roofline::print(&r.costliest);
    }
}

/// How many layers were measured, and those for which another tile than the rule of thumb's was quicker.
fn print_tuned(tuned: &[Tuned]) {
    let measured = tuned.iter().filter(|t| t.choice.is_some()).count();
    let better: Vec<_> = tuned.iter().filter_map(|t| Some((&t.layers, t.choice.as_ref()?))).collect();
    let better: Vec<_> = better.into_iter().filter(|(_, choice)| choice.microseconds < choice.by_rule).collect();
    outln!(
        "tuned          {measured} of {} shapes of convolutions measured on this device, {} are quicker than by the rule of thumb",
        tuned.len(),
        better.len()
    );
    for (layers, choice) in better {
        let of = |name: &str| choice.constants.get(name).copied().unwrap_or(1);
        let tile = format!("{} pixels x {} channels", of("PIXELS") * of("ROWS"), 4 * of("OUT_C4") * of("COLUMNS"));
        outln!("  {layers}: {tile} in {:.1} us, by the rule {:.1}", choice.microseconds, choice.by_rule);
    }
}
