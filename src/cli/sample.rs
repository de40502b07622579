//! `etude sample`: a recipe becomes pictures.

use super::output::{errln, outln};
use super::{
    options::DeviceOptions,
    progress::Progress,
    recipe::{Prepared, RecipeOptions},
};
use clap::Args;
use etude::{
    backend::Chosen,
    engine::{Engine, Run},
    error::{Error, Result},
    files,
    picture::{Picture, npz::NpzWriter, png, sheet},
    platform::{Instant, block_on},
    recipe::Recipe,
    sampler::{Flow, Reads, StepNoise, StepTensors},
};
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
    /// A .png contact sheet, an .npz, or a folder for one PNG an image
    #[arg(long, short = 'o', value_name = "FILE|DIR", default_value = "etude.png")]
    pub(super) out: PathBuf,
    /// A .safetensors with x_T [N, C, H, W] and optionally noise [K, N, C, H, W], in the place of the seeds
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// Write timesteps, x and x0 of every step to this .safetensors
    #[arg(long, value_name = "FILE")]
    save_trajectory: Option<PathBuf>,
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
    if args.input.is_some() || args.save_trajectory.is_some() {
        return super::trajectory::record(
            args.input.as_deref(),
            args.save_trajectory.as_deref(),
            &prepared,
            &args.device,
            args.batch,
        );
    }
    let out = if args.out.as_os_str().is_empty() { Path::new("etude.png") } else { &args.out };
    let mut output = Output::create(out, &prepared)?;
    prepared.print_notes();
    let chosen = args.device.open()?;
    let start = Instant::now();
    let interrupted = sample_all(&prepared, chosen, args, &mut |picture| output.push(picture))?;
    let made = output.finish()?;
    let recipe = &prepared.recipe;
    let steps = prepared.schedule.steps.len();
    let what =
        format!("{made} {} of {}, {steps} {}, {}", plural(made, "image"), recipe.model, plural(steps, "step"), recipe.noisiness());
    if interrupted {
        errln!("interrupted: kept the {made} finished of {} images", recipe.count);
        if made > 0 {
            outln!("{what}: {}", out.display());
        }
        return Ok(ExitCode::from(130));
    }
    outln!("{what}, {:.1} s: {}", start.elapsed().as_secs_f64(), out.display());
    Ok(ExitCode::SUCCESS)
}

fn plural(n: usize, word: &str) -> String {
    if n == 1 { word.to_owned() } else { format!("{word}s") }
}

/// Samples every image and hands each to `take`. Returns whether Ctrl-C cut it short.
fn sample_all(prepared: &Prepared, chosen: Chosen, args: &SampleArgs, take: &mut dyn FnMut(Picture) -> Result<()>) -> Result<bool> {
    let Prepared { recipe, model, schedule } = prepared;
    let channels = model.config.in_channels;
    let mut engine = Engine::new(model.clone(), chosen.backend, args.device.precision.into());
    engine.limit_batch(args.batch.map(|batch| batch as usize));
    let torch = recipe.torch_numbers(channels);
    let x_t = |images: Range<usize>| recipe.x_t(channels, images.start as u32, images.len() as u32, &torch);
    let images = recipe.count as usize;
    // Nothing is read of a step: x leaves the device when it is finished.
    let reads = |_| Reads::default();
    let noise = StepNoise::Seed(recipe.noise_seed);
    let classes = recipe.classes(model)?;
    let run = Run { images, size: recipe.size, steps: &schedule.steps, x_t: &x_t, noise, classes, reads: &reads };
    let (asked, batch) = (engine.batch(images), engine.sample_batch(&run)?);
    if batch < asked {
        errln!("note: {asked} images at a time do not fit this device, so it makes {batch} at a time");
    }
    let progress = Progress::new((images.div_ceil(batch) * schedule.steps.len()) as u64)?;
    let mut on_step = |images: Range<usize>, index: usize, _: &StepTensors| {
        if index == 0 {
            progress.message(format!("images {}-{} of {}", images.start + 1, images.end, recipe.count));
        }
        progress.step();
        Ok(if progress.interrupted() { Flow::Stop } else { Flow::Continue })
    };
    let drawn = prepared.drawn(recipe.size);
    let mut on_images = |_: Range<usize>, x: &[f32]| drawn.images(x).into_iter().try_for_each(&mut *take);
    let ended = block_on(engine.sample(&run, &mut on_step, &mut on_images));
    progress.finish();
    match ended {
        Ok(()) => Ok(false),
        Err(Error::Cancelled) => Ok(true),
        Err(error) => Err(error),
    }
}

/// Where the pictures go.
enum Output {
    Sheet { path: PathBuf, pictures: Vec<Picture>, recipe: Box<Recipe> },
    Npz { writer: Box<NpzWriter>, made: usize },
    Folder { path: PathBuf, made: usize, recipe: String },
}

impl Output {
    /// Checks that the place can be written before hours are spent.
    fn create(out: &Path, prepared: &Prepared) -> Result<Self> {
        let recipe = &prepared.recipe;
        let extension = out.extension().map(|e| e.to_string_lossy().to_lowercase());
        match extension.as_deref() {
            Some("png") if !out.is_dir() => {
                files::check_writable(out)?;
                Ok(Self::Sheet { path: out.to_owned(), pictures: Vec::new(), recipe: Box::new(recipe.clone()) })
            }
            Some("npz") if !out.is_dir() => {
                let (h, w) = (recipe.size.0 as usize, recipe.size.1 as usize);
                Ok(Self::Npz { writer: Box::new(NpzWriter::create(out, recipe.count as usize, h, w)?), made: 0 })
            }
            Some(other) if !out.is_dir() => {
                Err(Error::argument(format!("--out {}: expected a .png, an .npz or a folder, got .{other}", out.display())))
            }
            _ => {
                files::check_writable(picture_path(out, 0))?;
                Ok(Self::Folder { path: out.to_owned(), made: 0, recipe: recipe.json()? })
            }
        }
    }

    fn push(&mut self, picture: Picture) -> Result<()> {
        match self {
            Self::Sheet { pictures, .. } => {
                pictures.push(picture);
                Ok(())
            }
            Self::Npz { writer, made } => {
                *made += 1;
                writer.push(&picture)
            }
            Self::Folder { path, made, recipe } => {
                png::write_png(picture_path(path, *made), &picture, Some(recipe))?;
                *made += 1;
                Ok(())
            }
        }
    }

    /// Writes what is left to write; returns the number of images kept. Where Ctrl-C left fewer than were asked for, it is these few:
    /// nothing at all if there is none, and a sheet's recipe asks for as many as are on it.
    fn finish(self) -> Result<usize> {
        match self {
            Self::Sheet { path, pictures, mut recipe } => {
                recipe.count = pictures.len() as u32;
                if !pictures.is_empty() {
                    png::write_png(path, &sheet::contact_sheet(&pictures, None, None), Some(&recipe.json()?))?;
                }
                Ok(pictures.len())
            }
            Self::Npz { writer, made } => {
                if made > 0 {
                    writer.finish_early()?;
                }
                Ok(made)
            }
            Self::Folder { made, .. } => Ok(made),
        }
    }
}

/// Image `number`'s file in a folder of pictures.
fn picture_path(folder: &Path, number: usize) -> PathBuf {
    folder.join(format!("{number:05}.png"))
}
