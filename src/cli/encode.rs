//! `etude encode`: pictures -> the latents x_T that lead to them.

use super::{
    options::{DeviceOptions, ModelOptions, parse_size},
    output::{errln, outln},
    pictures::Pictures,
    progress::Progress,
    recipe::by_option,
};
use clap::{Args, ValueEnum};
use etude::{
    engine::{Encode, Engine},
    error::{Error, Result},
    files,
    model::Model,
    platform::block_on,
    recipe::ClassLabel,
    sampler::{Classes, Flow, StepTensors},
    schedule::{EncodeAt, Preset, Schedule, SchedulerConfig, Spacing},
    tensors::{self, Values},
};
use std::{ops::Range, path::PathBuf, process::ExitCode, sync::Arc};

/// Whose way to invert a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Convention {
    /// The paper's ODE, backwards: the network is asked where the step comes from
    #[default]
    Official,
    /// DDIMInverseScheduler: the network is asked at the timestep the step goes to; τ, clipping and ᾱ past the end are the config's
    Diffusers,
}

/// What `encode` and `reconstruct` share.
#[derive(Clone, Debug, Args)]
pub struct EncodeOptions {
    #[command(flatten)]
    pub model: ModelOptions,
    /// Class of the pictures, where the model has classes: a number from 0, or all in turn
    #[arg(long, value_name = "N|all")]
    pub class: Option<ClassLabel>,
    /// Whose convention
    #[arg(long, value_enum, default_value_t)]
    pub convention: Convention,
    /// Passes of a fixed-point iteration after each step, each an evaluation of the network: the more, the more exactly sampling
    /// leads back
    #[arg(long, value_name = "K", default_value_t = 0)]
    pub refine: usize,
    /// τ: linear, quadratic, leading, trailing or linspace [default: linear, convention diffusers: the config's]
    #[arg(long, value_name = "TAU")]
    pub tau: Option<String>,
    /// Height and width in pixels, as 32 or 32x48 [default: the model's]
    #[arg(long, value_name = "SIZE")]
    pub size: Option<String>,
    /// The first N pictures alone
    #[arg(long, short = 'n', value_name = "N")]
    pub count: Option<usize>,
    /// Images computed together [default: as suits the device]
    #[arg(long, value_name = "B")]
    pub batch: Option<usize>,
    #[command(flatten)]
    pub device: DeviceOptions,
}

/// A model that is to encode pictures.
pub struct Opened {
    /// The model.
    pub model: Arc<Model>,
    /// Height and width.
    pub size: (u32, u32),
    /// The pictures' classes.
    pub classes: Classes,
}

impl Opened {
    /// The model's scheduler, or DDPM's where it has none.
    pub fn scheduler(&self) -> SchedulerConfig {
        self.model.scheduler.clone().unwrap_or_default()
    }
}

/// The same with the pictures.
pub struct Job {
    /// The model.
    pub opened: Opened,
    /// The pictures.
    pub pictures: Pictures,
}

impl EncodeOptions {
    /// Opens the model.
    ///
    /// # Errors
    /// It cannot be used; an option out of its range.
    pub fn open(&self) -> Result<Opened> {
        for (option, value) in [("--count", self.count), ("--batch", self.batch)] {
            if value == Some(0) {
                return Err(Error::argument(format!("{option}: expected 1 or more, got 0")));
            }
        }
        let model = self.model.find()?;
        let (inputs, outputs) = (model.config.in_channels, model.config.prediction_channels());
        if inputs != outputs {
            return Err(Error::argument(format!(
                "model {}: expected as many output as input channels to encode with it, got {inputs} in and {outputs} out",
                model.name
            )));
        }
        let size = self.size.as_deref().map_or_else(|| Ok(model.sample_size()), parse_size)?;
        let classes = ClassLabel::classes(self.class, model.config.num_classes).map_err(by_option)?;
        // A size that the levels do not divide shows before a device is opened.
        model.record(1, size.0, size.1, 1)?;
        Ok(Opened { model: Arc::new(model), size, classes })
    }

    /// Reads the pictures.
    ///
    /// # Errors
    /// As [`Pictures::open`].
    pub fn job(&self, paths: &[PathBuf], opened: Opened) -> Result<Job> {
        let pictures = Pictures::open(paths, &opened.model, opened.size, self.count.unwrap_or(usize::MAX))?;
        Ok(Job { opened, pictures })
    }

    /// The steps up.
    ///
    /// # Errors
    /// As [`Schedule::encode`].
    pub fn schedule(&self, config: &SchedulerConfig, steps: usize) -> Result<Schedule> {
        let spacing = self.tau.as_deref().map(str::parse::<Spacing>).transpose()?;
        let convention = if self.convention == Convention::Diffusers { EncodeAt::Target } else { EncodeAt::Source };
        Schedule::encode(config, steps, spacing, convention, self.preset()).map_err(by_option)
    }

    /// The conventions of the steps down again.
    pub fn preset(&self) -> Preset {
        if self.convention == Convention::Diffusers { Preset::Diffusers } else { Preset::Etude }
    }
}

impl Job {
    /// x_T of every picture, `[N, C, H, W]`.
    ///
    /// # Errors
    /// [`Error::Cancelled`] after Ctrl-C; as [`Engine::encode`].
    pub fn encode(&self, engine: &mut Engine, schedule: &Schedule, refine: usize, progress: &Progress) -> Result<Vec<f32>> {
        let images = self.pictures.pictures.len();
        let len = self.pictures.x_0.len() / images;
        let x_0 = |images: Range<usize>| self.pictures.x_0[images.start * len..images.end * len].to_vec();
        let Opened { size, classes, .. } = self.opened;
        let run = Encode { images, size, schedule, x_0: &x_0, classes, refine };
        let mut on_step = |_: Range<usize>, _: usize, _: &StepTensors| {
            progress.step();
            Ok(if progress.interrupted() { Flow::Stop } else { Flow::Continue })
        };
        let mut latents = Vec::with_capacity(self.pictures.x_0.len());
        let mut on_images = |_: Range<usize>, x: &[f32]| {
            latents.extend_from_slice(x);
            Ok(())
        };
        block_on(engine.encode(&run, &mut on_step, &mut on_images))?;
        Ok(latents)
    }
}

/// Arguments of `etude encode`.
#[derive(Clone, Debug, Args)]
pub struct EncodeArgs {
    /// PNG, JPEG, WebP or GIF (its first frame) files, folders of them, or an .npz with bytes [N, H, W, C]
    #[arg(required = true, value_name = "PICTURE")]
    pictures: Vec<PathBuf>,
    /// Number of steps S
    #[arg(long, short = 'S', value_name = "S", default_value_t = 100)]
    steps: usize,
    /// Receives x_T [N, C, H, W], which `etude sample --input` draws again
    #[arg(long, short = 'o', value_name = "FILE", default_value = "x_T.safetensors")]
    out: PathBuf,
    #[command(flatten)]
    options: EncodeOptions,
}

/// Runs the command.
///
/// # Errors
/// Anything that keeps the latents from being computed or written.
pub fn run(args: &EncodeArgs) -> Result<ExitCode> {
    let opened = args.options.open()?;
    let schedule = args.options.schedule(&opened.scheduler(), args.steps)?;
    files::check_writable(&args.out)?;
    let job = args.options.job(&args.pictures, opened)?;
    let (model, size) = (job.opened.model.clone(), job.opened.size);
    for note in &schedule.notes {
        errln!("note: {note}");
    }
    let chosen = args.options.device.open()?;
    let mut engine = Engine::new(model.clone(), chosen.backend, args.options.device.precision.into());
    engine.limit_batch(args.options.batch);
    let images = job.pictures.pictures.len();
    let parts = images.div_ceil(engine.batch(images));
    let progress = Progress::new((parts * schedule.steps.len()) as u64)?;
    let latents = job.encode(&mut engine, &schedule, args.options.refine, &progress);
    progress.finish();
    let latents = latents?;
    let rms = (latents.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>() / latents.len() as f64).sqrt();
    let shape = vec![images, model.config.in_channels as usize, size.0 as usize, size.1 as usize];
    tensors::write(&args.out, &[("x_T", shape, Values::F32(latents))])?;
    let steps = schedule.steps.len();
    outln!("x_T of {images} pictures, {steps} steps, norm / √d {rms:.3} (noise has 1): {}", args.out.display());
    Ok(ExitCode::SUCCESS)
}
