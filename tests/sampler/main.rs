//! The DDIM loop: toy networks whose runs have a closed form (formulas.rs); and with real networks that the same recipe gives the same
//! bytes, that neither batch nor device matters, that a run can be stopped, and that an encoded picture comes back (networks.rs).

#[path = "../common/mod.rs"]
mod common;
mod formulas;
mod networks;

use common::{Random, Tolerance, assert_close, both_classes};
use etude::{
    Error, Result,
    backend::Backend,
    model::Model,
    noise::{self, STREAM_STEP, STREAM_X_T},
    platform::block_on,
    program::{
        BoxFuture, DdimStep, DeviceInfo, Element, Executor, Gaussian, Handles, Kernel, Life, Precision, Program, Quantile, Shape,
        Stage, StepParams, TensorId, Ticket,
    },
    sampler::{self, Flow, Reads, StepNoise, StepTensors},
    schedule::{EncodeAt, NoiseKind, Preset, Schedule, ScheduleRequest, SchedulerConfig, Spacing, StepCoefficients, alpha_bar},
    weights::Weights,
};
use std::{path::PathBuf, sync::Arc};

fn fixture(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(path)
}

/// The CPU executor, and the adapter's two classes of kernels.
fn backends() -> Vec<(String, Backend)> {
    let named = |gpu: Arc<etude::gpu::Gpu>| (format!("{:?}", gpu.class).to_lowercase(), Backend::Gpu(gpu));
    std::iter::once(("cpu".to_owned(), Backend::Cpu)).chain(both_classes().into_iter().flatten().map(named)).collect()
}

fn schedule(request: &ScheduleRequest) -> Vec<StepCoefficients> {
    Schedule::new(&SchedulerConfig::default(), request).unwrap_or_else(|e| panic!("{e}")).steps
}

fn request(steps: usize, eta: f64) -> ScheduleRequest {
    ScheduleRequest { steps, eta, ..ScheduleRequest::default() }
}

/// x_T of the images from `first` on, as the program starts them.
fn x_t(seed: u64, first: u32, shape: Shape) -> Vec<f32> {
    normals(seed, STREAM_X_T, first, 0, shape)
}

/// z of a step, of its index or of its interval of the noise path, of the images from `first` on.
fn noise_of(step: &StepCoefficients, seed: u64, first: u32, index: u32, shape: Shape) -> Vec<f32> {
    let Some(path) = step.path else { return normals(seed, STREAM_STEP, first, index, shape) };
    let (channels, height, width) = (shape.channels as usize, shape.height as usize, shape.width as usize);
    let mut values = vec![0.0; shape.batch as usize * channels * height * width];
    for (image, values) in (first..).zip(values.chunks_exact_mut(channels * height * width)) {
        noise::fill_path_nchw(seed, image, path, channels, height, width, values);
    }
    values
}

fn normals(seed: u64, stream: u32, first: u32, step: u32, shape: Shape) -> Vec<f32> {
    let (channels, height, width) = (shape.channels as usize, shape.height as usize, shape.width as usize);
    let mut values = vec![0.0; shape.batch as usize * channels * height * width];
    for (image, values) in (first..).zip(values.chunks_exact_mut(channels * height * width)) {
        noise::fill_nchw(seed, stream, image, step, channels, height, width, values);
    }
    values
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|v| v.to_bits()).collect()
}
