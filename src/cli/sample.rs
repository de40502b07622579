//! `etude sample`: a recipe becomes pictures.

use super::{
    between,
    given::Given,
    latents::Latents,
    noise::{step_noise, torch_noise},
    options::{DeviceOptions, JsonOption},
    output::{claim, errln, made, noteln},
    progress::Progress,
    recipe::{Prepared, RecipeOptions},
};
use clap::{Args, ValueEnum};
use etude::{
    backend::Chosen,
    engine::{Engine, OnImages, Run},
    error::{Error, Result},
    files,
    picture::{Picture, npz::NpzWriter, png, sheet},
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
    /// Which of the three it is [default: as its name ends; on standard output png]
    #[arg(long, value_enum)]
    format: Option<Format>,
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

/// `--format`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A contact sheet
    Png,
    /// All pictures in an array of bytes [N, H, W, 3]
    Npz,
    /// One PNG per image
    Folder,
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
    let format = Format::of(args.format, out)?;
    let mut output = Output::create(out, format, &prepared, given.is_none(), args.json.json)?;
    prepared.print_notes();
    let chosen = args.device.open()?;
    let start = Instant::now();
    let interrupted = sample_all(&prepared, chosen, args, given.as_ref(), &mut |picture| output.push(picture))?;
    let kept = output.finish()?;
    let (recipe, seconds) = (&prepared.recipe, start.elapsed().as_secs_f64());
    let steps = prepared.schedule.steps.len();
    let what =
        format!("{kept} {} of {}, {steps} {}, {}", plural(kept, "image"), recipe.model, plural(steps, "step"), recipe.noisiness());
    let facts = json!({
        "images": kept,
        "model": recipe.model,
        "steps": steps,
        "noisiness": recipe.noisiness(),
        "seconds": seconds,
        "interrupted": interrupted,
        "out": out,
    });
    if interrupted {
        errln!("interrupted: kept the {kept} finished of {} images", recipe.count);
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

/// Samples every image and hands each to `take`. Returns whether Ctrl-C cut it short.
fn sample_all(
    prepared: &Prepared,
    chosen: Chosen,
    args: &SampleArgs,
    given: Option<&Given>,
    take: &mut dyn FnMut(Picture) -> Result<()>,
) -> Result<bool> {
    let mut engine = Engine::new(prepared.model.clone(), chosen.backend, args.device.precision.into());
    engine.limit_batch(args.batch.map(|batch| batch as usize));
    let drawn = prepared.drawn(prepared.recipe.size);
    let mut on_images = |_: Range<usize>, x: &[f32]| drawn.images(x).into_iter().try_for_each(&mut *take);
    if let Some(between) = &prepared.recipe.between {
        return match between::sample(prepared, between, &mut engine) {
            Ok(x) => on_images(0..0, &x).map(|()| false),
            Err(Error::Cancelled) => Ok(true),
            Err(error) => Err(error),
        };
    }
    match sample_into(prepared, &mut engine, given, &mut on_images) {
        Ok(()) => Ok(false),
        Err(Error::Cancelled) => Ok(true),
        Err(error) => Err(error),
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

/// The kinds of file that are written.
const FILES: [&str; 2] = ["png", "npz"];
/// Endings of files that one might expect and that are not written. Another ending belongs to the name of a folder.
const OTHER_FILES: [&str; 36] = [
    "apng",
    "avif",
    "bmp",
    "exr",
    "gif",
    "heic",
    "heif",
    "ico",
    "jfif",
    "jpe",
    "jpeg",
    "jpg",
    "jxl",
    "pdf",
    "pgm",
    "pnm",
    "ppm",
    "psd",
    "qoi",
    "svg",
    "tga",
    "tif",
    "tiff",
    "webp",
    "mkv",
    "mov",
    "mp4",
    "webm",
    "bin",
    "ckpt",
    "json",
    "npy",
    "pt",
    "safetensors",
    "txt",
    "zip",
];

/// Where the pictures go. What is drawn from a file of numbers has no recipe: none can draw it without that file.
enum Output {
    Sheet { path: PathBuf, pictures: Vec<Picture>, recipe: Option<Box<Recipe>> },
    Npz { writer: Box<NpzWriter>, made: usize },
    Folder { path: PathBuf, made: usize, recipe: Option<Box<Recipe>> },
}

impl Format {
    /// What is asked for, or what the name says.
    ///
    /// # Errors
    /// The name of another kind of file; a folder on standard output.
    fn of(asked: Option<Self>, out: &Path) -> Result<Self> {
        if files::is_standard_output(out) {
            return match asked.unwrap_or(Self::Png) {
                Self::Folder => {
                    Err(Error::argument("--out -: expected one file for standard output, png or npz, got a folder; give it a name"))
                }
                format => Ok(format),
            };
        }
        if let Some(format) = asked {
            return Ok(format);
        }
        let extension = out.extension().map(|e| e.to_string_lossy().to_lowercase());
        // `samples_eta0.5` is a folder, and so is whatever ends with a slash.
        let is_folder = out.is_dir() || out.as_os_str().to_string_lossy().ends_with(std::path::is_separator);
        match extension.as_deref().filter(|e| !is_folder && (FILES.contains(e) || OTHER_FILES.contains(e))) {
            Some("png") => Ok(Self::Png),
            Some("npz") => Ok(Self::Npz),
            Some(other) => {
                let hint = match other {
                    "gif" => "; `etude trajectory` makes animations",
                    "safetensors" => "; --save-trajectory writes numbers",
                    _ => "",
                };
                let what = format!("--out {}: expected a .png, an .npz or a folder, got .{other}{hint}", out.display());
                Err(Error::argument(what))
            }
            None => Ok(Self::Folder),
        }
    }
}

impl Output {
    /// Checks that the place can be written before hours are spent.
    fn create(out: &Path, format: Format, prepared: &Prepared, has_recipe: bool, json: bool) -> Result<Self> {
        let recipe = &prepared.recipe;
        let kept = has_recipe.then(|| Box::new(recipe.clone()));
        let path = out.to_owned();
        match format {
            Format::Png => {
                claim(out, json)?;
                Ok(Self::Sheet { path, pictures: Vec::new(), recipe: kept })
            }
            Format::Npz => {
                claim(out, json)?;
                let (h, w) = (recipe.size.0 as usize, recipe.size.1 as usize);
                Ok(Self::Npz { writer: Box::new(NpzWriter::create(out, recipe.count as usize, h, w)?), made: 0 })
            }
            Format::Folder => {
                claim(&picture_path(out, 0), json)?;
                Ok(Self::Folder { path, made: 0, recipe: kept })
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
                let of_image = recipe.as_deref().map(|recipe| match &recipe.between {
                    Some(between) => Recipe { count: 1, between: Some(between.one(*made)), ..recipe.clone() },
                    None => Recipe { image: Some(recipe.first + *made as u32), ..recipe.clone() },
                });
                let json = of_image.as_ref().map(Recipe::json).transpose()?;
                png::write_png(picture_path(path, *made), &picture, json.as_deref())?;
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
                let columns = recipe.as_ref().and_then(|recipe| Some(recipe.between.as_ref()?.columns));
                if let Some(recipe) = recipe.as_mut().filter(|recipe| recipe.between.is_none()) {
                    // Of torch's images these are the first few.
                    let end = recipe.first + pictures.len() as u32;
                    recipe.drawn = Some(recipe.drawn()).filter(|drawn| recipe.rng == Rng::Torch && *drawn > end);
                    recipe.count = pictures.len() as u32;
                    recipe.image = (pictures.len() == 1).then_some(recipe.first);
                }
                if !pictures.is_empty() {
                    let json = recipe.as_deref().map(Recipe::json).transpose()?;
                    png::write_png(path, &sheet::contact_sheet(&pictures, columns, None), json.as_deref())?;
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
