//! `etude trajectory`: a run as a strip or an animation; and the recording of whole trajectories for `etude sample`.

use super::{
    given::Given,
    latents::Latents,
    noise::{step_noise, torch_noise},
    options::{DeviceOptions, JsonOption},
    output::{claim, made},
    progress::Progress,
    recipe::{Prepared, RecipeOptions},
    written::no_animation,
};
use clap::{Args, ValueEnum};
use etude::{
    engine::{Engine, Run},
    error::{Error, Result},
    figure::caption,
    files,
    picture::{
        Picture,
        animation::AnimationFormat,
        png,
        sheet::{self, Trajectory, evenly_spaced},
    },
    platform::block_on,
    recipe::Recipe,
    sampler::{Flow, Reads, StepNoise, StepTensors},
    tensors::{self, Values},
};
use serde_json::json;
use std::{
    ops::Range,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Arguments of `etude trajectory`.
#[derive(Clone, Debug, Args)]
pub struct TrajectoryArgs {
    #[command(flatten)]
    recipe: RecipeOptions,
    /// Show every K-th step [default: about ten columns in a PNG, every step in an animation]
    #[arg(long, value_name = "K")]
    every: Option<usize>,
    /// A .png strip, or an animation, .gif or .apng; - is standard output
    #[arg(long, short = 'o', value_name = "FILE", default_value = "trajectory.png")]
    out: PathBuf,
    /// Which of the three it is [default: as FILE ends; on standard output png]
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Below each frame of an animation what it shows: t, the step, η, S, seeds
    #[arg(long)]
    captions: bool,
    #[command(flatten)]
    json: JsonOption,
    #[command(flatten)]
    device: DeviceOptions,
}

/// `--format`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A strip
    Png,
    /// An animation of 256 colours a step
    Gif,
    /// An animated PNG, every colour exact
    Apng,
}

/// Columns of a strip where `--every` is not given.
const COLUMNS: usize = 10;
/// Images a trajectory holds at most: a strip of more is no picture any more.
const MAX_IMAGES: u32 = 64;

/// Runs the command.
///
/// # Errors
/// Anything that keeps the picture from being made or written.
pub fn run(args: &TrajectoryArgs) -> Result<ExitCode> {
    let prepared = args.recipe.prepare(2)?;
    let format = match (args.format, args.out.extension().map(|e| e.to_string_lossy().to_lowercase()).as_deref()) {
        (Some(format), _) => format,
        (None, Some("png")) => Format::Png,
        (None, Some("gif")) => Format::Gif,
        (None, Some("apng")) => Format::Apng,
        _ if files::is_standard_output(&args.out) => Format::Png,
        _ => return Err(Error::argument(format!("--out {}: expected an .apng, a .png or a .gif", args.out.display()))),
    };
    let animated = match format {
        Format::Png => None,
        Format::Gif => Some(AnimationFormat::Gif),
        Format::Apng => Some(AnimationFormat::Apng),
    };
    if args.captions && animated.is_none() {
        return Err(no_animation(&args.out));
    }
    if args.every == Some(0) {
        return Err(Error::argument("--every: expected to show every 1st step or fewer, got 0"));
    }
    if prepared.recipe.count > MAX_IMAGES {
        let got = prepared.recipe.count;
        return Err(Error::argument(format!("--count: expected at most {MAX_IMAGES} images in a trajectory, got {got}")));
    }
    claim(&args.out, args.json.json)?;
    prepared.print_notes();
    let steps = prepared.schedule.steps.len();
    let shown: Vec<usize> = match args.every {
        // The last step always shows: it is the picture.
        Some(every) => (0..steps).filter(|i| i % every == 0 || i + 1 == steps).collect(),
        None if animated.is_some() => (0..steps).collect(),
        None => evenly_spaced(steps, COLUMNS),
    };
    let recording = sample(&prepared, &args.device, None, None, &shown)?;
    let image = (prepared.recipe.count == 1).then_some(prepared.recipe.first);
    let kept = Recipe { image, ..prepared.recipe.clone() };
    let json = kept.json()?;
    let trajectories = recording.pictures(&prepared);
    if let Some(animation) = animated {
        let frames = (0..shown.len()).map(|k| {
            let moment: Vec<Trajectory> = trajectories
                .iter()
                .map(|t| Trajectory { noisy: vec![t.noisy[k].clone()], predicted: vec![t.predicted[k].clone()] })
                .collect();
            side_by_side(&moment)
        });
        if args.captions {
            let frames: Vec<Picture> = frames.collect();
            let place = |index: &usize| caption::at_step(Some(prepared.schedule.steps[*index].t), *index, steps);
            let places: Vec<String> = shown.iter().map(place).collect();
            let strips = caption::strips(frames.first().map_or(1, |frame| frame.width), &kept.caption(), &places)?;
            let frames = frames.iter().zip(&strips).map(|(frame, strip)| caption::below(frame, strip));
            animation.write(&args.out, frames, Some(&json))?;
        } else {
            animation.write(&args.out, frames, Some(&json))?;
        }
    } else {
        png::write_png(&args.out, &sheet::strip(&trajectories, None), Some(&json))?;
    }
    let recipe = &prepared.recipe;
    let facts = json!({ "shown": shown.len(), "steps": steps, "images": recipe.count, "model": recipe.model, "out": args.out });
    let (noisiness, out) = (recipe.noisiness(), args.out.display());
    let line = format_args!("{} of {steps} steps of {}, {noisiness}: {out}", shown.len(), recipe.model);
    made(args.json.json, &facts, line)?;
    Ok(ExitCode::SUCCESS)
}

/// One moment of all images: x_t of each in the upper row, x̂0 below.
fn side_by_side(moment: &[Trajectory]) -> Picture {
    let row = |pick: fn(&Trajectory) -> &Vec<Picture>| moment.iter().flat_map(|t| pick(t).clone()).collect::<Vec<_>>();
    sheet::strip(&[Trajectory { noisy: row(|t| &t.noisy), predicted: row(|t| &t.predicted) }], None)
}

/// What a run left behind, each `[N, C, H, W]`.
struct Recording {
    images: u32,
    x_t: Vec<f32>,
    /// x before each shown step, x0 of it, and x after it.
    shown: Vec<(Vec<f32>, Vec<f32>, Vec<f32>)>,
}

impl Recording {
    /// Each image's x_t before the shown steps and the x̂0 predicted from it.
    fn pictures(&self, prepared: &Prepared) -> Vec<Trajectory> {
        let drawn = prepared.drawn(prepared.recipe.size);
        let mut all = vec![Trajectory::default(); self.images as usize];
        for (before, x0, _) in &self.shown {
            let (noisy, predicted) = (drawn.images(before), drawn.images(x0));
            for ((t, noisy), predicted) in all.iter_mut().zip(noisy).zip(predicted) {
                t.noisy.push(noisy);
                t.predicted.push(predicted);
            }
        }
        all
    }
}

/// Samples all images, `batch` at a time or as suits the device, and keeps what the `shown` steps saw.
fn sample(
    prepared: &Prepared,
    device: &DeviceOptions,
    batch: Option<u32>,
    given: Option<&Given>,
    shown: &[usize],
) -> Result<Recording> {
    let Prepared { recipe, model, schedule } = prepared;
    let channels = model.config.in_channels;
    let chosen = device.open()?;
    let (images, size) = given.map_or((recipe.count, recipe.size), |g| (g.images, g.size));
    let mut engine = Engine::new(model.clone(), chosen.backend, device.precision.into());
    engine.limit_batch(batch.map(|batch| batch as usize));
    let x_all = Latents::new(prepared, given, &mut engine)?.x_t(channels, 0..images as usize);
    let given_recipe = given.map(|given| given.recipe(recipe));
    let recipe = given_recipe.as_ref().unwrap_or(recipe);
    let torch = recipe.torch(channels);
    let draw = torch_noise(torch.as_ref(), recipe);
    let images = images as usize;
    let image_len = x_all.len() / images;
    let of = |images: Range<usize>| images.start * image_len..images.end * image_len;
    let x_t = |images: Range<usize>| x_all[of(images)].to_vec();
    // The next step's x before it is this one's x after it.
    let reads = |index: usize| {
        let (here, next) = (shown.contains(&index), shown.contains(&(index + 1)));
        Reads { x: here || next, x0: here, ..Reads::default() }
    };
    let noise = given.and_then(|g| g.noise.as_deref()).map_or_else(|| step_noise(recipe, draw.as_deref()), StepNoise::Given);
    let classes = recipe.classes(model)?;
    let run = Run { images, first: recipe.first, size, steps: &schedule.steps, x_t: &x_t, noise, classes, reads: &reads };
    let parts = images.div_ceil(engine.sample_batch(&run)?);
    let progress = Progress::new((parts * schedule.steps.len()) as u64)?;
    let mut recording = Recording { images: images as u32, x_t: x_all.clone(), shown: vec![Default::default(); shown.len()] };
    let mut before = Vec::new();
    let mut on_step = |images: Range<usize>, index: usize, tensors: &StepTensors| {
        progress.step();
        if index == 0 {
            before = x_all[of(images)].to_vec();
        }
        if let Some(k) = shown.iter().position(|&i| i == index) {
            let (all_before, all_x0, all_after) = &mut recording.shown[k];
            all_before.extend_from_slice(&before);
            all_x0.extend_from_slice(&tensors.x0);
            all_after.extend_from_slice(&tensors.x);
        }
        before.clone_from(&tensors.x);
        Ok(if progress.interrupted() { Flow::Stop } else { Flow::Continue })
    };
    let ended = block_on(engine.sample(&run, &mut on_step, &mut |_, _| Ok(())));
    progress.finish();
    ended.map(|()| recording)
}

/// `etude sample --save-trajectory …`: every step's x and x0 into a file.
///
/// # Errors
/// A file that does not hold what is expected or cannot be written, a device fault.
pub(super) fn record(
    given: Option<&Given>,
    output: &Path,
    prepared: &Prepared,
    device: &DeviceOptions,
    batch: Option<u32>,
    json: bool,
) -> Result<ExitCode> {
    let steps = prepared.schedule.steps.len();
    let channels = prepared.model.config.in_channels;
    claim(output, json)?;
    prepared.print_notes();
    let all: Vec<usize> = (0..steps).collect();
    let recording = sample(prepared, device, batch, given, &all)?;
    let (h, w) = given.map_or(prepared.recipe.size, |g| g.size);
    let image = [recording.images as usize, channels as usize, h as usize, w as usize];
    let shape = |first: usize| [&[first], image.as_slice()].concat();
    let mut x = recording.x_t.clone();
    let mut x0 = Vec::with_capacity(x.len() * steps);
    for (_, predicted, after) in &recording.shown {
        x.extend_from_slice(after);
        x0.extend_from_slice(predicted);
    }
    let timesteps = prepared.schedule.steps.iter().map(|s| i64::from(s.t)).collect();
    let tensors = [
        ("timesteps", vec![steps], Values::I64(timesteps)),
        ("x", shape(steps + 1), Values::F32(x)),
        ("x0", shape(steps), Values::F32(x0)),
    ];
    tensors::write(output, &tensors)?;
    let facts = json!({ "steps": steps, "images": recording.images, "model": prepared.recipe.model, "out": output });
    made(json, &facts, format_args!("{steps} steps of {} images: {}", recording.images, output.display()))?;
    Ok(ExitCode::SUCCESS)
}
