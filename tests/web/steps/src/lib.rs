//! Two steps of `fashion` through the browser's WebGPU, and the same on the CPU executor, which a page has as well: x must agree.

#![cfg(target_arch = "wasm32")]

use etude::{
    Error, Result,
    backend::{Backend, DeviceChoice},
    engine::{Engine, Run},
    files, gpu,
    model::{EMBEDDED, Embedded, Model},
    noise,
    platform::{self, Instant},
    program::Precision,
    sampler::{Classes, Flow, Reads, StepNoise},
    schedule::{Schedule, ScheduleRequest},
};
use std::sync::Arc;
use wasm_bindgen::prelude::wasm_bindgen;

/// The largest difference allowed in any number of x, which are of the size of 1. SwiftShader's is 2.4e-7; another browser's driver
/// may take exponentials and square roots with fewer bits.
const BOUND: f32 = 1e-3;
const IMAGES: usize = 2;
const STEPS: usize = 2;

#[wasm_bindgen]
extern "C" {
    /// The page's: a line for its log.
    fn log(line: &str);
}

/// The page's call: returns "ok" and what was found, "no adapter", or what went wrong.
#[wasm_bindgen]
pub async fn two_steps() -> String {
    std::panic::set_hook(Box::new(|panic| log(&panic.to_string())));
    compare().await.unwrap_or_else(|error| format!("failed: {error}"))
}

async fn compare() -> Result<String> {
    let adapters = gpu::list_adapters().await;
    let Some(adapter) = adapters.first() else { return Ok("no adapter".to_owned()) };
    log(&format!("{} via {}, {:?}", adapter.info.name, adapter.info.backend, adapter.usable));
    // A page has no model before it has fetched it.
    let path = EMBEDDED.iter().find(|embedded| embedded.name == "fashion").map(Embedded::weights_path).unwrap_or_default();
    let fetched = platform::fetch_file(&path.display().to_string(), None, |_, _| true).await;
    files::put(&path, fetched.map_err(|what| Error::file(&path, what))?.bytes());
    let model = Arc::new(Model::find("fashion")?);
    let gpu = gpu::open(|_| true).await?.ok_or_else(|| Error::argument("expected a usable adapter, got none"))?;
    let through_webgpu = x_after_two_steps(&model, Backend::Gpu(gpu)).await?;
    let cpu = Backend::choose(&DeviceChoice::Cpu, Precision::F32).await?;
    let on_the_cpu = x_after_two_steps(&model, cpu.backend).await?;
    // A NaN is no small difference.
    let difference = through_webgpu.iter().zip(&on_the_cpu).fold(0.0_f32, |max, (a, b)| {
        let difference = (a - b).abs();
        if difference.is_nan() { f32::INFINITY } else { max.max(difference) }
    });
    let found = format!("x differs by {difference:.1e} at most, {BOUND:.0e} allowed");
    let complete = through_webgpu.len() == on_the_cpu.len() && through_webgpu.len() == IMAGES * 32 * 32;
    Ok(if complete && difference <= BOUND { format!("ok: {found}") } else { format!("failed: {found}") })
}

async fn x_after_two_steps(model: &Arc<Model>, backend: Backend) -> Result<Vec<f32>> {
    let start = Instant::now();
    // η = 1, so that each step draws noise.
    let request = ScheduleRequest { eta: 1.0, ..ScheduleRequest::default() };
    let schedule = Schedule::new(&model.scheduler.clone().unwrap_or_default(), &request)?;
    let (height, width) = model.sample_size();
    let (channels, height, width) = (model.config.in_channels as usize, height as usize, width as usize);
    let x_t = |images: std::ops::Range<usize>| {
        let mut x = vec![0.0; images.len() * channels * height * width];
        for (image, values) in images.zip(x.chunks_exact_mut(channels * height * width)) {
            noise::fill_nchw(1, noise::STREAM_X_T, image as u32, 0, channels, height, width, values);
        }
        x
    };
    let name = backend.info().name;
    let mut engine = Engine::new(model.clone(), backend, Precision::F32);
    let run = Run {
        images: IMAGES,
        first: 0,
        size: model.sample_size(),
        steps: &schedule.steps[..STEPS],
        x_t: &x_t,
        noise: StepNoise::Seed(7),
        classes: Classes::default(),
        reads: &|_| Reads::default(),
    };
    let mut x = Vec::new();
    let mut take = |_: std::ops::Range<usize>, images: &[f32]| {
        x.extend_from_slice(images);
        Ok(())
    };
    engine.sample(&run, &mut |_, _, _| Ok(Flow::Continue), &mut take).await?;
    log(&format!("{STEPS} steps on {name}: {:.2} s", start.elapsed().as_secs_f64()));
    Ok(x)
}
