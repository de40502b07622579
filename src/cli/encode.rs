//! `etude encode`: pictures -> the latents x_T that lead to them.

use super::{
    encode_options::Convention,
    options::{DeviceOptions, JsonOption, ModelOptions, parse_size},
    output::{claim, made, noteln},
    pictures::Pictures,
    progress::Progress,
    recipe::{Prepared, RecipeOptions, by_option, load},
    sample::samples,
};
use clap::Args;
use etude::{
    engine::{Encode, Engine},
    error::{Error, Result},
    model::Model,
    picture::decode,
    platform::block_on,
    recipe::ClassLabel,
    sampler::{Classes, Flow, StepTensors},
    schedule::{self, Preset, Schedule, SchedulerConfig, Spacing},
    tensors::{self, Values},
};
use serde_json::json;
use std::{ops::Range, path::PathBuf, process::ExitCode, sync::Arc};

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
    /// The first N pictures alone; without pictures, N samples of the model [default: 16]
    #[arg(long, short = 'n', value_name = "N")]
    pub count: Option<usize>,
    /// Seed of the samples that are encoded where no pictures are given [default: 0]
    #[arg(long, value_name = "N", conflicts_with_all = ["pictures", "recipe"])]
    pub seed: Option<u64>,
    /// Encode the samples that this picture's recipe draws, in the place of pictures
    #[arg(long, value_name = "FILE", conflicts_with = "pictures")]
    pub recipe: Option<PathBuf>,
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

/// What is encoded.
pub enum Source {
    /// Pictures that were read.
    Pictures(Pictures),
    /// Samples, still to be drawn.
    Samples(Box<Prepared>),
}

/// The model with the pictures.
pub struct Job {
    /// The model.
    pub opened: Opened,
    /// The pictures.
    pub pictures: Pictures,
    /// What they are called.
    pub name: &'static str,
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
        let model = self.model()?;
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

    /// Reads the pictures, or prepares to draw samples in `steps` steps at η = 0, or as the recipe says.
    ///
    /// # Errors
    /// As [`Pictures::open`] and [`RecipeOptions::prepare`].
    pub fn source(&self, paths: &[PathBuf], opened: &mut Opened, steps: usize) -> Result<Source> {
        if !paths.is_empty() {
            let pictures = Pictures::open(paths, &opened.model, opened.size, self.count.unwrap_or(usize::MAX))?;
            return Ok(Source::Pictures(pictures));
        }
        let mut options = RecipeOptions {
            model: self.model.clone(),
            class: self.class,
            count: self.count.map(|count| u32::try_from(count).unwrap_or(u32::MAX)),
            size: self.size.clone(),
            recipe: self.recipe.clone(),
            ..RecipeOptions::default()
        };
        if self.recipe.is_none() {
            (options.steps, options.tau, options.seed) = (Some(steps), self.tau.clone(), self.seed);
            options.preset = Some(self.preset().to_string());
        }
        let prepared = options.prepare(16)?;
        // A recipe has a model and a size of its own.
        (opened.model, opened.size) = (prepared.model.clone(), prepared.recipe.size);
        opened.classes = prepared.recipe.classes(&prepared.model)?;
        Ok(Source::Samples(Box::new(prepared)))
    }

    /// The name of the model, or that of the recipe's.
    fn model(&self) -> Result<Model> {
        match &self.recipe {
            Some(path) if self.model.model.is_none() => super::model::of_recipe(&load(path)?.model),
            _ => self.model.find(),
        }
    }

    /// The steps up.
    ///
    /// # Errors
    /// As [`Schedule::encode`].
    pub fn schedule(&self, config: &SchedulerConfig, steps: usize) -> Result<Schedule> {
        let spacing = self.tau.as_deref().map(str::parse::<Spacing>).transpose()?;
        let (at, preset) = schedule::Convention::from(self.convention).steps();
        Schedule::encode(config, steps, spacing, at, preset).map_err(by_option)
    }

    /// The conventions of the steps down again.
    pub fn preset(&self) -> Preset {
        schedule::Convention::from(self.convention).steps().1
    }
}

impl Job {
    /// The pictures of `source`; samples are drawn now.
    ///
    /// # Errors
    /// [`Error::Cancelled`] after Ctrl-C; a device fault.
    pub fn new(opened: Opened, source: Source, engine: &mut Engine) -> Result<Self> {
        match source {
            Source::Pictures(pictures) => Ok(Self { opened, pictures, name: "pictures" }),
            Source::Samples(prepared) => {
                let drawn = prepared.drawn(prepared.recipe.size);
                let x_0 = samples(&prepared, engine)?;
                let pictures = drawn.images(&x_0);
                // As they would be saved, in 8 bits; latents are no pictures.
                let x_0 = match (drawn.scale == 1.0, drawn.channels) {
                    (true, channels @ (1 | 3)) => {
                        let each = pictures.iter().map(|picture| decode::to_nchw(picture, channels));
                        each.collect::<Result<Vec<_>>>()?.concat()
                    }
                    _ => x_0,
                };
                Ok(Self { opened, pictures: Pictures { pictures, x_0 }, name: "samples" })
            }
        }
    }

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
    /// PNG, JPEG, WebP or GIF (its first frame) files, folders of them, or an .npz with bytes [N, H, W, C]; without any, samples of the
    /// model: drawn at η = 0 in as many steps, or as --recipe says
    #[arg(value_name = "PICTURE")]
    pictures: Vec<PathBuf>,
    /// Number of steps S
    #[arg(long, short = 'S', value_name = "S", default_value_t = 100)]
    steps: usize,
    /// Receives x_T [N, C, H, W], which `etude sample --input` draws again; - is standard output
    #[arg(long, short = 'o', value_name = "FILE", default_value = "x_T.safetensors")]
    out: PathBuf,
    #[command(flatten)]
    json: JsonOption,
    #[command(flatten)]
    options: EncodeOptions,
}

/// Runs the command.
///
/// # Errors
/// Anything that keeps the latents from being computed or written.
pub fn run(args: &EncodeArgs) -> Result<ExitCode> {
    let mut opened = args.options.open()?;
    let schedule = args.options.schedule(&opened.scheduler(), args.steps)?;
    claim(&args.out, args.json.json)?;
    let source = args.options.source(&args.pictures, &mut opened, args.steps)?;
    let (model, size) = (opened.model.clone(), opened.size);
    for note in &schedule.notes {
        noteln!("note: {note}");
    }
    let chosen = args.options.device.open()?;
    let mut engine = Engine::new(model.clone(), chosen.backend, args.options.device.precision.into());
    engine.limit_batch(args.options.batch);
    let job = Job::new(opened, source, &mut engine)?;
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
    let facts = json!({ "images": images, "steps": steps, "norm_per_sqrt_d": rms, "out": args.out });
    let out = args.out.display();
    let line = format_args!("x_T of {images} {}, {steps} steps, norm / √d {rms:.3} (noise has 1): {out}", job.name);
    made(args.json.json, &facts, line)?;
    Ok(ExitCode::SUCCESS)
}
