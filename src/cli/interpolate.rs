//! `etude interpolate`: pictures between two ends, as a strip, or between four, as a grid; what the viewer's panel Interpolate shows.

use super::{
    between,
    encode_options::EncodeHow,
    options::{DeviceOptions, JsonOption, ModelOptions},
    output::made,
    recipe::{Prepared, RecipeOptions},
    written::{Format, Output},
};
use clap::{
    Args,
    builder::{PossibleValuesParser, TypedValueParser},
};
use etude::{
    engine::Engine,
    error::{Error, Result},
    latent::InterpolationMode,
    platform::Instant,
    recipe::{Between, ClassLabel, End, Recipe},
    schedule::{NoiseKind, Variance},
};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Arguments of `etude interpolate`.
#[derive(Clone, Debug, Args)]
pub struct InterpolateArgs {
    /// The ends: two make a strip, four the corners of a grid (top left, top right, bottom left, bottom right). Each is a seed of x_T, or a
    /// picture, which is encoded to its x_T
    #[arg(long, value_name = "A,B[,C,D]", required_unless_present = "recipe")]
    pub(super) seeds: Vec<String>,
    /// Straight between two ends, in the place of slerp, which keeps the length that a latent has
    #[arg(long, conflicts_with = "both")]
    lerp: bool,
    /// Slerp, and below it lerp
    #[arg(long)]
    both: bool,
    /// Pictures of a strip [default: 9]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=1024))]
    columns: Option<u32>,
    /// Pictures along a side of a grid [default: 5]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=64))]
    side: Option<u32>,
    /// A .png sheet, a .gif or .apng there and back, an .npz, or a folder for one PNG per image; - is standard output
    #[arg(long, short = 'o', value_name = "FILE|DIR", default_value = "interpolation.png")]
    out: PathBuf,
    /// Which of the five it is [default: as its name ends; on standard output png]
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Below each frame of an animation what it shows: its place λ, the ends, η, S
    #[arg(long)]
    captions: bool,
    #[command(flatten)]
    model: ModelOptions,
    /// Number of steps S, at most the model's T [default: 50 or T]
    #[arg(long, short = 'S', value_name = "S")]
    steps: Option<usize>,
    /// η: 0 deterministic (DDIM), where the pictures change smoothly, to 1 stochastic (DDPM) [default: 0]
    #[arg(long, value_name = "ETA", allow_negative_numbers = true)]
    eta: Option<f64>,
    /// τ: linear, quadratic, leading, trailing, linspace, or an ascending list as 0,100,500
    #[arg(long, value_name = "TAU", allow_hyphen_values = true)]
    tau: Option<String>,
    /// Whose conventions: etude, official (ermongroup/ddim) or diffusers (DDIMScheduler) [default: etude]
    #[arg(long, value_name = "PRESET")]
    preset: Option<String>,
    /// Clip the predicted x0 to ±1
    #[arg(long, overrides_with = "no_clip")]
    clip: bool,
    /// Do not clip the predicted x0
    #[arg(long, overrides_with = "clip")]
    no_clip: bool,
    /// Derive ε again from the clipped x0, as improved-/guided-diffusion do
    #[arg(long, visible_alias = "use-clipped-model-output", overrides_with = "no_clip_epsilon")]
    clip_epsilon: bool,
    /// Leave ε as the network says it
    #[arg(long, overrides_with = "clip_epsilon")]
    no_clip_epsilon: bool,
    /// Variance of preset ddpm, which an interpolation, having an η, leaves
    #[arg(long, hide = true, value_parser = PossibleValuesParser::new(Variance::NAMES).map(|name| name.parse::<Variance>().unwrap_or(Variance::FixedSmall)))]
    variance: Option<Variance>,
    /// Seed of the steps' noise, the same for all pictures, so that they differ in x_T alone [default: 0]
    #[arg(long, value_name = "N")]
    noise_seed: Option<u64>,
    /// What z of a step belongs to: path, its interval of time, or step, its index [default: path, presets official and diffusers: step]
    #[arg(long, value_parser = PossibleValuesParser::new(["path", "step"]).map(|name| name.parse::<NoiseKind>().unwrap_or(NoiseKind::Step)))]
    noise: Option<NoiseKind>,
    /// Class of the pictures, where the model has classes: a number from 0 [default: 0]
    #[arg(long, value_name = "N")]
    class: Option<ClassLabel>,
    /// Height and width in pixels, as 32 or 32x48 [default: the model's]
    #[arg(long, value_name = "SIZE")]
    size: Option<String>,
    #[command(flatten)]
    encode: EncodeHow,
    /// Make a picture's recipe again; other options override it
    #[arg(long, value_name = "FILE")]
    recipe: Option<PathBuf>,
    /// Images computed together [default: as suits the device]
    #[arg(long, value_name = "B")]
    batch: Option<u32>,
    #[command(flatten)]
    json: JsonOption,
    #[command(flatten)]
    pub(super) device: DeviceOptions,
}

/// Pictures of a strip, and along a side of a grid, as the viewer has them.
const COLUMNS: u32 = 9;
const SIDE: u32 = 5;

/// Runs the command.
///
/// # Errors
/// Anything that keeps the pictures from being made or written.
pub fn run(args: &InterpolateArgs) -> Result<ExitCode> {
    let out = if args.out.as_os_str().is_empty() { Path::new("interpolation.png") } else { &args.out };
    let format = Format::of(args.format, out, true)?;
    if args.batch == Some(0) {
        return Err(Error::argument("--batch: expected 1 or more images at a time, got 0"));
    }
    let (prepared, between) = args.prepare()?;
    let recipe = &prepared.recipe;
    let mut output = Output::create(out, format, recipe, Some(recipe.clone()), args.captions, args.json.json)?;
    prepared.print_notes();
    let chosen = args.device.open()?;
    let start = Instant::now();
    let mut engine = Engine::new(prepared.model.clone(), chosen.backend, args.device.precision.into());
    engine.limit_batch(args.batch.map(|batch| batch as usize));
    let x = between::sample(&prepared, &between, &mut engine)?;
    for picture in prepared.drawn(recipe.size).images(&x) {
        output.push(picture)?;
    }
    let kept = output.finish()?;
    let (steps, seconds) = (prepared.schedule.steps.len(), start.elapsed().as_secs_f64());
    let facts = json!({
        "images": kept,
        "columns": between.columns,
        "model": recipe.model,
        "steps": steps,
        "noisiness": recipe.noisiness(),
        "seconds": seconds,
        "out": out,
    });
    let ends = between.ends.iter().map(End::short_name).collect::<Vec<_>>().join(", ");
    let line = format_args!(
        "{kept} images of {} between {ends}, {steps} steps, {}, {seconds:.1} s: {}",
        recipe.model,
        recipe.noisiness(),
        out.display()
    );
    made(args.json.json, &facts, line)?;
    Ok(ExitCode::SUCCESS)
}

impl InterpolateArgs {
    /// The recipe of all pictures, and where they are.
    ///
    /// # Errors
    /// As [`RecipeOptions::prepare`]; other than two or four ends, or ends that are neither seeds nor pictures.
    pub(super) fn prepare(&self) -> Result<(Prepared, Between)> {
        let options = RecipeOptions {
            model: self.model.clone(),
            steps: self.steps,
            eta: self.eta,
            tau: self.tau.clone(),
            preset: self.preset.clone(),
            clip: self.clip,
            no_clip: self.no_clip,
            clip_epsilon: self.clip_epsilon,
            no_clip_epsilon: self.no_clip_epsilon,
            variance: self.variance,
            noise_seed: self.noise_seed,
            noise: self.noise,
            class: self.class,
            size: self.size.clone(),
            recipe: self.recipe.clone(),
            ..RecipeOptions::default()
        };
        let mut prepared = options.prepare(1)?;
        let of_recipe = prepared.recipe.between.take();
        let between = self.between(&prepared, of_recipe)?;
        for encoded in between.ends.iter().filter_map(End::picture) {
            encoded.schedule(&prepared.model.usable_scheduler()?, usize::MAX)?;
        }
        let viewer = viewer(&between, prepared.recipe.viewer.take());
        prepared.recipe = Recipe { encoded: None, between: Some(between.clone()), viewer: Some(viewer), ..prepared.recipe };
        Ok((prepared.of_between(&between)?, between))
    }

    /// Where the pictures are: as asked for, else as in the recipe, else as the viewer has it.
    fn between(&self, prepared: &Prepared, of_recipe: Option<Between>) -> Result<Between> {
        let recipe = &prepared.recipe;
        let ends = match (self.seeds.as_slice(), &of_recipe) {
            ([], Some(between)) => between.ends.clone(),
            ([], None) => return Err(Error::argument("--seeds: expected two ends or four, as the recipe is of no interpolation")),
            (seeds, _) => {
                let channels = prepared.model.config.in_channels as usize;
                self.encode.ends(&seeds.iter().flat_map(|list| listed(list)).collect::<Vec<_>>(), recipe, channels)?
            }
        };
        let is_grid = match ends.len() {
            2 => false,
            4 => true,
            got => return Err(Error::argument(format!("--seeds: expected two ends (a strip) or four (a grid), got {got}"))),
        };
        let wrong = |option: &str, what: &str| Err(Error::argument(format!("{option}: {what}")));
        match (is_grid, self.columns, self.side) {
            (true, Some(_), _) => return wrong("--columns", "expected two ends with it, got four, whose grid has --side"),
            (false, _, Some(_)) => return wrong("--side", "expected four ends with it, got two, whose strip has --columns"),
            (true, ..) if self.lerp || self.both => {
                return wrong(if self.lerp { "--lerp" } else { "--both" }, "expected two ends with it; a grid of four is slerp's");
            }
            _ => {}
        }
        // Of another shape there is nothing to keep.
        let base = of_recipe.filter(|between| (between.ends.len() == 4) == is_grid);
        let modes = match (self.lerp, self.both) {
            (true, _) => vec![InterpolationMode::Lerp],
            (_, true) => vec![InterpolationMode::Slerp, InterpolationMode::Lerp],
            _ => base.as_ref().map_or_else(|| vec![InterpolationMode::Slerp], |base| base.modes.clone()),
        };
        let (at, columns) = match (self.columns.or(self.side), &base) {
            (None, Some(base)) => (base.at.clone(), base.columns),
            (asked, _) => places(is_grid, asked.unwrap_or(if is_grid { SIDE } else { COLUMNS })),
        };
        let eta = self.eta.or(base.as_ref().map(|base| base.eta)).unwrap_or(0.0);
        Ok(Between { ends, at, modes, columns, eta })
    }
}

/// The places of a strip of so many pictures, or of a grid of so many a side, row by row; and pictures in a row.
fn places(is_grid: bool, count: u32) -> (Vec<[f64; 2]>, usize) {
    let at = |i: u32| f64::from(i) / f64::from(count - 1);
    let all = if is_grid {
        (0..count * count).map(|i| [at(i % count), at(i / count)]).collect()
    } else {
        (0..count).map(|i| [at(i), 0.0]).collect()
    };
    (all, count as usize)
}

/// The ends in a list with commas; a file may have commas in its name.
fn listed(list: &str) -> Vec<&str> {
    if Path::new(list).is_file() { vec![list] } else { list.split(',').map(str::trim).collect() }
}

/// The viewer's settings that show the same in its panel Interpolate; what else there is of `before` stays.
fn viewer(between: &Between, before: Option<Value>) -> Value {
    let mut viewer = before.filter(Value::is_object).unwrap_or_else(|| json!({}));
    let old = viewer.get("interpolate").cloned().unwrap_or_default();
    let is_grid = between.ends.len() == 4;
    // The viewer has four ends always.
    let seed = |i: usize| match between.ends.get(i) {
        Some(End::Seed(seed)) => json!(seed),
        _ => old["seeds"].get(i).cloned().unwrap_or_else(|| json!(i)),
    };
    let mut interpolate = json!({
        "grid": is_grid,
        "seeds": (0..4).map(seed).collect::<Vec<_>>(),
        "columns": if is_grid { COLUMNS as usize } else { between.columns },
        "side": if is_grid { between.columns } else { SIDE as usize },
        "lerp": between.modes.contains(&InterpolationMode::Lerp),
        "position": old.get("position").cloned().unwrap_or_else(|| json!([0.5, 0.5])),
        "eta": between.eta,
    });
    let pictures: Vec<_> = (0..4).map(|i| between.ends.get(i).and_then(End::picture)).collect();
    if pictures.iter().any(Option::is_some) {
        interpolate["pictures"] = json!(pictures);
    }
    viewer["tab"] = json!("Interpolate");
    viewer["interpolate"] = interpolate;
    viewer
}
