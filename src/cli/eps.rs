//! `etude eps`: the network on tensors of a file, for comparison with other implementations.

use super::options::{DeviceOptions, JsonOption, ModelOptions};
use super::output::{claim, made};
use clap::Args;
use etude::{
    engine::Engine,
    error::{Error, Result},
    model::Model,
    platform::block_on,
    tensors::{self, Values},
    weights::Weights,
};
use serde_json::json;
use std::{path::PathBuf, process::ExitCode, sync::Arc};

/// Arguments of `etude eps`.
#[derive(Clone, Debug, Args)]
pub struct EpsArgs {
    #[command(flatten)]
    model: ModelOptions,
    /// A .safetensors with sample [N, C, H, W] and timestep [N] of any integer or float type; class_labels [N] where the model has
    /// classes
    #[arg(long, value_name = "FILE")]
    input: PathBuf,
    /// Receives eps [N, C, H, W], f32; - is standard output
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    json: JsonOption,
    #[command(flatten)]
    device: DeviceOptions,
}

/// Runs the command.
///
/// # Errors
/// A file that does not hold what is expected, a device fault.
pub fn run(args: &EpsArgs) -> Result<ExitCode> {
    let model = args.model.find()?;
    let file = Weights::open(&args.input)?;
    let bad = |what: String| Error::file(&args.input, what);
    let channels = model.config.in_channels as usize;
    let shape =
        file.shape("sample").ok_or_else(|| bad(format!("tensor sample of shape [N, {channels}, H, W] is missing")))?.to_vec();
    if shape.len() != 4 || shape[1] != channels || !shape.iter().all(|n| (1..=1 << 24).contains(n)) {
        return Err(bad(format!("tensor sample: expected shape [N, {channels}, H, W], got {shape:?}")));
    }
    let images = shape[0];
    let mut timesteps = file.numbers("timestep")?;
    // One timestep for all images is what diffusers takes, too.
    if timesteps.len() == 1 {
        timesteps = vec![timesteps[0]; images];
    }
    if timesteps.len() != images {
        return Err(bad(format!("tensor timestep: expected {images} numbers, one an image, got {}", timesteps.len())));
    }
    if let Some(t) = timesteps.iter().find(|t| !t.is_finite()) {
        return Err(bad(format!("tensor timestep: expected finite numbers, got {t}")));
    }
    let classes = classes(&file, &model, images)?;
    let sample = file.get("sample", &shape, false)?;
    claim(&args.output, args.json.json)?;
    let chosen = args.device.open()?;
    let size = (shape[2] as u32, shape[3] as u32);
    let out_channels = model.config.out_channels as usize;
    let timesteps: Vec<f32> = timesteps.iter().map(|t| *t as f32).collect();
    let mut engine = Engine::new(Arc::new(model), chosen.backend, args.device.precision.into());
    let eps = block_on(engine.epsilon(&sample, &timesteps, &classes, size))?;
    let out_shape = vec![images, out_channels, shape[2], shape[3]];
    tensors::write(&args.output, &[("eps", out_shape, Values::F32(eps))])?;
    let facts = json!({ "images": images, "out": args.output });
    made(args.json.json, &facts, format_args!("eps of {images} images: {}", args.output.display()))?;
    Ok(ExitCode::SUCCESS)
}

/// The classes in the file, one for each image or for all; none where the model has none.
fn classes(file: &Weights, model: &Model, images: usize) -> Result<Vec<u32>> {
    let bad = |what: String| Error::file(file.origin(), what);
    let Some(count) = model.config.num_classes else { return Ok(Vec::new()) };
    if !file.contains("class_labels") {
        return Err(bad(format!("tensor class_labels of shape [{images}] is missing; model {} has {count} classes", model.name)));
    }
    let mut labels = file.numbers("class_labels")?;
    if labels.len() == 1 {
        labels = vec![labels[0]; images];
    }
    if labels.len() != images {
        return Err(bad(format!("tensor class_labels: expected {images} numbers, one per image, got {}", labels.len())));
    }
    let label = |value: &f64| {
        let is_class = value.fract() == 0.0 && (0.0..f64::from(count)).contains(value);
        if is_class {
            Ok(*value as u32)
        } else {
            Err(bad(format!("tensor class_labels: expected whole numbers from 0 to {}, got {value}", count - 1)))
        }
    };
    labels.iter().map(label).collect()
}
