//! `etude sample`: a recipe becomes pictures.

use super::{
    between,
    given::Given,
    latents::Latents,
    noise::{step_noise, torch_noise},
    options::{DeviceOptions, JsonOption},
    output::{errln, made, noteln},
    progress::Progress,
    recipe::{Prepared, RecipeOptions},
    written::{Format, Output},
};
use clap::Args;
use etude::{
    backend::Chosen,
    engine::{Engine, OnImages, Run},
    error::{Error, Result},
    picture::Picture,
    platform::{Instant, block_on},
    recipe::{Recipe, Rng},
    sampler::{Flow, Reads, StepNoise, StepTensors},
};
use serde_json::json;
use std::{
    ops::Range,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Arguments of `etude sample`.
#[derive(Clone, Debug, Default, Args)]
pub struct SampleArgs {
    #[command(flatten)]
    pub(super) recipe: RecipeOptions,
    /// Images computed together [default: as suits the device]
    #[arg(long, value_name = "B")]
    batch: Option<u32>,
    /// A .png contact sheet, an .npz, or a folder for one PNG per image; - is standard output
    #[arg(long, short = 'o', value_name = "FILE|DIR", default_value = "etude.png")]
    pub(super) out: PathBuf,
    /// Which of the three it is, or gif or apng for the recipe of an interpolation [default: as its name ends; on standard output png]
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Below each frame of an interpolation's animation what it shows: its place λ, the ends, η, S
    #[arg(long)]
    captions: bool,
    /// Go on where a killed run has stopped: the folder's pictures of the same recipe are kept, the missing ones made
    #[arg(long, conflicts_with_all = ["input", "save_trajectory"])]
    resume: bool,
    /// A .safetensors with x_T [N, C, H, W] and optionally noise [K, N, C, H, W], in the place of the seeds
    #[arg(long, value_name = "FILE", conflicts_with = "encode")]
    input: Option<PathBuf>,
    /// Write timesteps, x and x0 of every step to this .safetensors
    #[arg(long, value_name = "FILE")]
    save_trajectory: Option<PathBuf>,
    #[command(flatten)]
    json: JsonOption,
    #[command(flatten)]
    pub(super) device: DeviceOptions,
}

/// Runs the command.
///
/// # Errors
/// Anything that keeps the pictures from being made or written.
pub fn run(args: &SampleArgs) -> Result<ExitCode> {
    let prepared = args.recipe.prepare(16)?;
    if args.batch == Some(0) {
        return Err(Error::argument("--batch: expected 1 or more images at a time, got 0"));
    }
    let steps = prepared.schedule.steps.len();
    let given = args.input.as_deref().map(|path| Given::open(path, prepared.model.config.in_channels, steps)).transpose()?;
    if let Some(output) = &args.save_trajectory {
        return super::trajectory::record(given.as_ref(), output, &prepared, &args.device, args.batch, args.json.json);
    }
    let prepared = match &given {
        Some(given) => Prepared { recipe: given.recipe(&prepared.recipe), ..prepared },
        None => prepared,
    };
    let between = prepared.recipe.between.clone();
    let prepared = match &between {
        Some(between) => prepared.of_between(between)?,
        None => prepared,
    };
    let out = if args.out.as_os_str().is_empty() { Path::new("etude.png") } else { &args.out };
    let format = Format::of(args.format, out, between.is_some())?;
    if args.resume {
        format.check_resume()?;
    }
    let kept = given.is_none().then(|| prepared.recipe.clone());
    let mut output = Output::create(out, format, &prepared.recipe, kept, args.captions, args.json.json)?;
    let missing = if args.resume { output.resume()? } else { None };
    let missing = missing.unwrap_or_else(|| (0..prepared.recipe.count as usize).collect());
    let there = prepared.recipe.count as usize - missing.len();
    prepared.print_notes();
    let start = Instant::now();
    let interrupted = if missing.is_empty() {
        false
    } else {
        let chosen = args.device.open()?;
        sample_all(&prepared, chosen, args, given.as_ref(), &missing, &mut |picture| output.push(picture))?
    };
    let kept = output.finish()?;
    let (recipe, seconds) = (&prepared.recipe, start.elapsed().as_secs_f64());
    let steps = prepared.schedule.steps.len();
    let what =
        format!("{kept} {} of {}, {steps} {}, {}", plural(kept, "image"), recipe.model, plural(steps, "step"), recipe.noisiness());
    let what = if args.resume { format!("{what}, {there} were there") } else { what };
    let facts = json!({
        "images": kept,
        "there": there,
        "model": recipe.model,
        "steps": steps,
        "noisiness": recipe.noisiness(),
        "seconds": seconds,
        "interrupted": interrupted,
        "out": out,
    });
    if interrupted {
        errln!("interrupted: kept the {kept} finished of {} images", missing.len());
        if kept > 0 || args.json.json {
            made(args.json.json, &facts, format_args!("{what}: {}", out.display()))?;
        }
        return Ok(ExitCode::from(130));
    }
    made(args.json.json, &facts, format_args!("{what}, {seconds:.1} s: {}", out.display()))?;
    Ok(ExitCode::SUCCESS)
}

fn plural(n: usize, word: &str) -> String {
    if n == 1 { word.to_owned() } else { format!("{word}s") }
}

/// Samples the `missing` images of a run and hands each to `take`. Returns whether Ctrl-C cut it short.
fn sample_all(
    prepared: &Prepared,
    chosen: Chosen,
    args: &SampleArgs,
    given: Option<&Given>,
    missing: &[usize],
    take: &mut dyn FnMut(Picture) -> Result<()>,
) -> Result<bool> {
    let mut engine = Engine::new(prepared.model.clone(), chosen.backend, args.device.precision.into());
    engine.limit_batch(args.batch.map(|batch| batch as usize));
    let drawn = prepared.drawn(prepared.recipe.size);
    let mut on_images = |_: Range<usize>, x: &[f32]| drawn.images(x).into_iter().try_for_each(&mut *take);
    if let Some(between) = &prepared.recipe.between {
        return match between::sample(prepared, between, &mut engine) {
            Ok(x) => {
                let len = drawn.len();
                missing.iter().try_for_each(|image| on_images(0..0, &x[image * len..][..len])).map(|()| false)
            }
            Err(Error::Cancelled) => Ok(true),
            Err(error) => Err(error),
        };
    }
    for part in missing.chunk_by(|image, next| image + 1 == *next) {
        let part = prepared.of_images(part[0]..part[0] + part.len());
        match sample_into(&part, &mut engine, given, &mut on_images) {
            Ok(()) => {}
            Err(Error::Cancelled) => return Ok(true),
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}

impl Prepared {
    /// The same for some of its images, which stay what they are.
    fn of_images(&self, images: Range<usize>) -> Self {
        let recipe = &self.recipe;
        let drawn = (recipe.rng == Rng::Torch).then(|| recipe.drawn());
        let (first, count) = (recipe.first + images.start as u32, images.len() as u32);
        Self {
            recipe: Recipe { first, count, drawn, ..recipe.clone() },
            model: self.model.clone(),
            schedule: self.schedule.clone(),
        }
    }
}

/// The samples of a recipe, `[N, C, H, W]`.
///
/// # Errors
/// [`Error::Cancelled`] after Ctrl-C; a device fault.
pub(super) fn samples(prepared: &Prepared, engine: &mut Engine) -> Result<Vec<f32>> {
    let mut all = Vec::new();
    let mut on_images = |_: Range<usize>, x: &[f32]| {
        all.extend_from_slice(x);
        Ok(())
    };
    sample_into(prepared, engine, None, &mut on_images)?;
    Ok(all)
}

/// Samples every image; `on_images` takes those that are finished.
fn sample_into(prepared: &Prepared, engine: &mut Engine, given: Option<&Given>, on_images: &mut OnImages<'_>) -> Result<()> {
    let Prepared { recipe, model, schedule } = prepared;
    let channels = model.config.in_channels;
    let torch = recipe.torch(channels);
    let latents = Latents::new(prepared, given, engine)?;
    let x_t = |images: Range<usize>| latents.x_t(channels, images);
    let images = recipe.count as usize;
    // Nothing is read of a step: x leaves the device when it is finished.
    let reads = |_| Reads::default();
    let draw = torch_noise(torch.as_ref(), recipe);
    let noise = given.and_then(|g| g.noise.as_deref()).map_or_else(|| step_noise(recipe, draw.as_deref()), StepNoise::Given);
    let classes = recipe.classes(model)?;
    let run =
        Run { images, first: recipe.first, size: recipe.size, steps: &schedule.steps, x_t: &x_t, noise, classes, reads: &reads };
    let (asked, batch) = (engine.batch(images), engine.sample_batch(&run)?);
    if batch < asked {
        noteln!("note: {asked} images at a time do not fit this device, so it makes {batch} at a time");
    }
    let progress = Progress::new((images.div_ceil(batch) * schedule.steps.len()) as u64)?;
    let mut on_step = |images: Range<usize>, index: usize, _: &StepTensors| {
        if index == 0 {
            progress.message(format!("images {}-{} of {}", images.start + 1, images.end, recipe.count));
        }
        progress.step();
        Ok(if progress.interrupted() { Flow::Stop } else { Flow::Continue })
    };
    let ended = block_on(engine.sample(&run, &mut on_step, on_images));
    progress.finish();
    ended
}
