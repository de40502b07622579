//! The options that make up a recipe, and `--recipe`, which takes one from a picture.

use super::{encode_options::EncodedOptions, options::ModelOptions, output::noteln};
use clap::{
    Args,
    builder::{PossibleValuesParser, TypedValueParser},
};
use etude::{
    error::{Error, Result},
    files,
    model::{DEFAULT, Model},
    picture::{Drawn, recipe::read_recipe},
    recipe::{ClassLabel, PROGRAM, Recipe, Rng},
    schedule::{Fork, NoiseKind, Preset, Schedule, SchedulerConfig, Spacing, StepSeed, Variance},
};
use std::{
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
};

/// S where nothing else is asked for and the model has as many timesteps.
const DEFAULT_STEPS: usize = 50;

/// The options a recipe is made of; each overrides what `--recipe` says.
#[derive(Clone, Debug, Default, Args)]
pub struct RecipeOptions {
    #[command(flatten)]
    pub model: ModelOptions,
    /// Number of steps S, at most the model's T [default: 50 or T]
    #[arg(long, short = 'S', value_name = "S")]
    pub steps: Option<usize>,
    /// η: 0 deterministic (DDIM) to 1 stochastic (DDPM) [default: 0]
    #[arg(long, value_name = "ETA", allow_negative_numbers = true)]
    pub eta: Option<f64>,
    /// τ: linear, quadratic, leading, trailing, linspace, or an ascending list as 0,100,500
    #[arg(long, value_name = "TAU", allow_hyphen_values = true)]
    pub tau: Option<String>,
    /// Whose conventions: etude, official (ermongroup/ddim), diffusers (DDIMScheduler) or ddpm (DDPMScheduler, without η) [default: etude]
    #[arg(long, value_name = "PRESET")]
    pub preset: Option<String>,
    /// The paper's larger variance σ̂ in the place of η
    #[arg(long)]
    pub sigma_hat: bool,
    /// Clip the predicted x0 to ±1
    #[arg(long, overrides_with = "no_clip")]
    pub clip: bool,
    /// Do not clip the predicted x0
    #[arg(long, overrides_with = "clip")]
    pub no_clip: bool,
    /// Derive ε again from the clipped x0, as improved-/guided-diffusion do (diffusers: use_clipped_model_output)
    #[arg(long, visible_alias = "use-clipped-model-output", overrides_with = "no_clip_epsilon")]
    pub clip_epsilon: bool,
    /// Leave ε as the network says it
    #[arg(long, overrides_with = "clip_epsilon")]
    pub no_clip_epsilon: bool,
    /// Variance of the noise of preset ddpm [default: the scheduler's variance_type]
    #[arg(long, value_parser = PossibleValuesParser::new(Variance::NAMES).map(|name| name.parse::<Variance>().unwrap_or(Variance::FixedSmall)))]
    pub variance: Option<Variance>,
    /// Seed of x_T [default: 0]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    #[command(flatten)]
    pub encoded: EncodedOptions,
    /// Seed of the steps' noise [default: 0]
    #[arg(long, value_name = "N")]
    pub noise_seed: Option<u64>,
    /// Branch off at timestep T: --noise-seed is the branch's. With --recipe, whose run is the stem, so are --eta and --steps (steps left)
    #[arg(long, value_name = "T")]
    pub fork_at: Option<u32>,
    /// Branch off in full, again for a branch of the branch: T with noise-seed=N, eta=ETA, steps=S (left), or `none` for --recipe's stem
    #[arg(long, value_name = "T,noise-seed=N,…", conflicts_with = "fork_at")]
    pub fork: Vec<ForkOption>,
    /// Draw the noise of the step at timestep T, or of those from T down to U, from seed N; may be repeated; `none` drops the recipe's
    #[arg(long, value_name = "T[-U]=N")]
    pub step_noise_seed: Vec<StepSeedOption>,
    /// What z of a step belongs to: path, its interval of time, the same picture for every S; step, its index; or torch, drawn after x_T
    /// by --rng torch as diffusers' pipelines do [default: path, presets official and diffusers: step, --rng torch: torch]
    #[arg(long, value_parser = PossibleValuesParser::new(NoiseKind::NAMES).map(|name| name.parse::<NoiseKind>().unwrap_or(NoiseKind::Step)))]
    pub noise: Option<NoiseKind>,
    /// Generator of x_T [default: etude]
    #[arg(long, value_parser = PossibleValuesParser::new(Rng::NAMES).map(|name| name.parse::<Rng>().unwrap_or_default()))]
    pub rng: Option<Rng>,
    /// Class of the images, where the model has classes: a number from 0, or all in turn [default: all]
    #[arg(long, value_name = "N|all")]
    pub class: Option<ClassLabel>,
    /// Number of images [default: 16, in a trajectory 2]; with --recipe, from the picture's own on
    #[arg(long, short = 'n', value_name = "N")]
    pub count: Option<u32>,
    /// Number of the first image: image 5 is image 5 in any run [default: 0]
    #[arg(long, value_name = "I")]
    pub first: Option<u32>,
    /// Height and width in pixels, as 32 or 32x48 [default: the model's]
    #[arg(long, value_name = "SIZE")]
    pub size: Option<String>,
    /// Make a picture's recipe again; other options override it
    #[arg(long, value_name = "FILE")]
    pub recipe: Option<PathBuf>,
}

/// `--fork`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ForkOption {
    /// None: the stem alone.
    None,
    /// A fork.
    At(Fork),
}

impl FromStr for ForkOption {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text == "none" { Ok(Self::None) } else { text.parse().map(Self::At) }
    }
}

/// `--step-noise-seed`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum StepSeedOption {
    /// None: every step has the run's.
    None,
    /// Of some steps.
    Of(StepSeed),
}

impl FromStr for StepSeedOption {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text == "none" { Ok(Self::None) } else { text.parse().map(Self::Of) }
    }
}

/// A validated recipe with the model and the schedule it names.
#[derive(Debug)]
pub struct Prepared {
    /// What was asked, in full.
    pub recipe: Recipe,
    /// Its model.
    pub model: Arc<Model>,
    /// Its steps.
    pub schedule: Schedule,
}

impl RecipeOptions {
    /// The recipe these options describe, checked, with its model loaded and its schedule computed.
    ///
    /// # Errors
    /// A recipe file without a recipe, a model that does not load, any value out of its range.
    pub fn prepare(&self, default_count: u32) -> Result<Prepared> {
        let base = self.recipe.as_deref().map(load).transpose()?;
        let base = base.as_ref();
        let model_name = self.model.name_or(base.map_or(DEFAULT, |b| &b.model));
        let model = match base {
            Some(_) if self.model.model.is_none() => super::model::of_recipe(&model_name)?,
            _ => super::model::find(&model_name)?,
        };
        let size = match &self.size {
            Some(text) => super::options::parse_size(text)?,
            None => base.map_or_else(|| model.sample_size(), |b| b.size),
        };
        let preset = self.preset.clone().or_else(|| base.map(|b| b.preset.clone())).unwrap_or_else(|| "etude".to_owned());
        let rng = self.rng.or_else(|| base.map(|b| b.rng)).unwrap_or_default();
        // A preset of no such name is refused below.
        let usual = preset.parse().map_or(NoiseKind::Step, |preset| rng.noise(preset));
        // The noise of another generator's recipe means nothing here.
        let of_base = base.filter(|b| b.rng == rng).map(|b| b.noise);
        let noise = self.noise.or(of_base).unwrap_or(usual);
        let (first, count, drawn) = self.images(base, rng, default_count);
        let train_timesteps =
            model.scheduler.as_ref().map_or(SchedulerConfig::default().num_train_timesteps, |s| s.num_train_timesteps);
        // Who asks for more steps than there are is told so below; a default, or the steps of another model's recipe, give way.
        let of_recipe = base.filter(|_| self.model.model.is_some()).map(|b| b.steps);
        // Beside a fork of a recipe's run they are the branch's.
        let branches = self.fork_at.is_some();
        let (own_steps, own_eta) = if branches && base.is_some() { (None, None) } else { (self.steps, self.eta) };
        let own_noise_seed = self.noise_seed.filter(|_| !branches);
        let forks = self.forks(base)?;
        let steps = match (own_steps, base) {
            (Some(steps), _) => steps,
            (None, Some(base)) if of_recipe.is_none() => base.steps,
            _ => {
                let usual = of_recipe.unwrap_or(DEFAULT_STEPS);
                let steps = usual.min(train_timesteps as usize);
                if steps < usual {
                    noteln!(
                        "note: {steps} steps in the place of {usual}: {model_name} was trained with T = {train_timesteps} timesteps"
                    );
                }
                steps
            }
        };
        let mut recipe = Recipe {
            program: PROGRAM.to_owned(),
            model: super::model::recipe_name(&model, model_name),
            weights_crc32: format!("{:08x}", model.weights().crc32()),
            preset,
            steps,
            eta: own_eta.or_else(|| base.map(|b| b.eta)).unwrap_or(0.0),
            // A list has its own number of steps: who asks for another does not want the list.
            tau: self.tau.clone().or_else(|| base.and_then(|b| b.tau.clone()).filter(|tau| own_steps.is_none() || !is_list(tau))),
            sigma_hat: self.sigma_hat || (own_eta.is_none() && base.is_some_and(|b| b.sigma_hat)),
            clip: match (self.clip, self.no_clip) {
                (true, _) => Some(true),
                (_, true) => Some(false),
                _ => base.and_then(|b| b.clip),
            },
            clip_epsilon: self.clip_epsilon || (!self.no_clip_epsilon && base.is_some_and(|b| b.clip_epsilon)),
            variance: self.variance.or_else(|| base.and_then(|b| b.variance)),
            seed: self.seed.or_else(|| base.map(|b| b.seed)).unwrap_or(0),
            noise_seed: own_noise_seed.or_else(|| base.map(|b| b.noise_seed)).unwrap_or(0),
            rng,
            noise,
            forks,
            step_seeds: self.step_seeds(base),
            class: match (self.class, model.config.num_classes) {
                (None, Some(_)) => base.and_then(|b| b.class).or(Some(ClassLabel::All)),
                (class, _) => class,
            },
            count,
            first,
            image: None,
            drawn,
            size,
            // Who asks for a seed does not want the picture in its place.
            encoded: base.and_then(|b| b.encoded.clone()).filter(|_| self.seed.is_none()),
            between: base.and_then(|b| b.between.clone()).filter(|_| self.keeps_between()),
            viewer: base.and_then(|b| b.viewer.clone()),
        };
        recipe.encoded = self.encoded.apply(&recipe, model.config.in_channels as usize)?;
        if let Some(base) = base
            && self.model.model.is_none()
            && self.model.variant.is_none()
            && base.weights_crc32 != recipe.weights_crc32
        {
            noteln!(
                "note: the recipe was made with other weights of {} (CRC-32 {}, these have {}); the picture will differ",
                recipe.model,
                base.weights_crc32,
                recipe.weights_crc32
            );
        }
        if own_eta.is_some() && recipe.preset == Preset::Ddpm.to_string() {
            noteln!("note: preset ddpm has no η, --eta is not used; --preset diffusers --eta 1 --clip-epsilon is the same step");
        }
        recipe.check(&model).map_err(by_option)?;
        if let (Some(between), Some(eta)) = (&mut recipe.between, self.eta) {
            between.eta = eta;
        }
        let schedule = recipe.schedule(&model).map_err(|error| by_option(self.by_fork(error)))?;
        if let Some(encoded) = &recipe.encoded {
            encoded.schedule(&model.usable_scheduler()?, usize::MAX)?;
        }
        Ok(Prepared { recipe, model: Arc::new(model), schedule })
    }
}

impl Prepared {
    /// Prints what the user ought to know of the model and the schedule, on standard error.
    pub fn print_notes(&self) {
        for note in self.model.all_notes().iter().chain(&self.schedule.notes) {
            noteln!("note: {note}");
        }
    }

    /// How images of `size` (height, width) are drawn.
    pub fn drawn(&self, size: (u32, u32)) -> Drawn {
        let (height, width) = (size.0 as usize, size.1 as usize);
        Drawn { channels: self.model.config.in_channels as usize, height, width, scale: self.model.picture_scale() }
    }
}

impl RecipeOptions {
    /// Where the run leaves its stem.
    fn forks(&self, base: Option<&Recipe>) -> Result<Vec<Fork>> {
        let of_base = base.map(|b| b.forks.as_slice()).unwrap_or_default();
        let Some(t) = self.fork_at else {
            let own = self.fork.iter().filter_map(|fork| match fork {
                ForkOption::None => None,
                ForkOption::At(fork) => Some(*fork),
            });
            return Ok(if self.fork.is_empty() { of_base.to_vec() } else { own.collect() });
        };
        let (eta, steps) = if base.is_some() { (self.eta, self.steps) } else { (None, None) };
        let fork = Fork { t, noise_seed: self.noise_seed, eta, steps };
        if fork == (Fork { t, ..Fork::default() }) {
            let with_recipe = if base.is_some() { ", --eta or --steps" } else { "" };
            return Err(Error::argument(format!(
                "--fork-at {t}: expected what the branch has of its own, --noise-seed{with_recipe}"
            )));
        }
        // What comes later in the recipe's run is left behind.
        Ok(of_base.iter().filter(|other| other.t > t).copied().chain([fork]).collect())
    }

    /// The error with the option that has named the fork.
    fn by_fork(&self, error: Error) -> Error {
        match &error {
            Error::Argument(what) if self.fork_at.is_none() && what.starts_with("fork") => Error::argument(format!("--{what}")),
            _ => error,
        }
    }

    /// The steps whose noise is of another seed.
    fn step_seeds(&self, base: Option<&Recipe>) -> Vec<StepSeed> {
        let own = self.step_noise_seed.iter().filter_map(|option| match option {
            StepSeedOption::None => None,
            StepSeedOption::Of(seed) => Some(*seed),
        });
        if self.step_noise_seed.is_empty() { base.map_or_else(Vec::new, |b| b.step_seeds.clone()) } else { own.collect() }
    }

    /// Whether nothing is asked for that an interpolation does not have.
    fn keeps_between(&self) -> bool {
        let others = self.seed.is_some() || self.count.is_some() || self.first.is_some() || self.rng.is_some();
        !others && self.encoded.encode.is_none()
    }

    /// The first image's number, how many there are, and how many torch draws at once where that is more. With a number of images a
    /// picture's recipe begins at its own image, without one it is the whole run that the picture comes from.
    fn images(&self, base: Option<&Recipe>, rng: Rng, default_count: u32) -> (u32, u32, Option<u32>) {
        let of_base = base.map(|b| (if self.count.is_some() { b.image.unwrap_or(b.first) } else { b.first }, b.count));
        let first = self.first.or(of_base.map(|(first, _)| first)).unwrap_or(0);
        let count = self.count.or(of_base.map(|(_, count)| count)).unwrap_or(default_count);
        let end = first.saturating_add(count);
        // A picture that names its image belongs to a batch; the first images of a larger one are another batch.
        let batch = base.filter(|b| b.rng == Rng::Torch && (b.image.is_some() || b.first > 0 || b.drawn.is_some()));
        let drawn = batch.map(Recipe::drawn).filter(|drawn| rng == Rng::Torch && *drawn != end && (*drawn > end || first > 0));
        (first, count, drawn)
    }
}

fn is_list(tau: &str) -> bool {
    matches!(tau.parse(), Ok(Spacing::List(_)))
}

/// The recipe inside a picture, or in a JSON file.
pub(super) fn load(path: &Path) -> Result<Recipe> {
    let is_json = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("json"));
    let text = if is_json {
        files::read_text(path).map_err(|e| Error::file(path, format!("cannot be read: {e}")))?
    } else {
        read_recipe(path)?.ok_or_else(|| {
            Error::file(path, "expected a picture with a recipe in it, got one without; only pictures etude wrote have one")
        })?
    };
    Recipe::from_json(&text).map_err(|e| Error::file(path, e.to_string()))
}

/// The same error, but where it names a field of the schedule's request, with the option that sets it.
pub(super) fn by_option(error: Error) -> Error {
    let Error::Argument(what) = &error else { return error };
    let options = [
        ("steps: ", "--steps"),
        ("eta: ", "--eta"),
        ("spacing: ", "--tau"),
        ("preset: ", "--preset"),
        ("count: ", "--count"),
        ("size: ", "--size"),
        ("rng: ", "--rng"),
        ("class: ", "--class"),
        ("noise: ", "--noise"),
        ("variance: ", "--variance"),
        ("first: ", "--first"),
        ("fork: ", "--fork-at"),
        ("fork steps: ", "--fork-at with --steps"),
        ("fork eta: ", "--fork-at with --eta"),
        ("step noise seed: ", "--step-noise-seed"),
    ];
    let named = options.iter().find_map(|(field, option)| Some((option, what.strip_prefix(field)?)));
    named.map(|(option, rest)| Error::argument(format!("{option}: {rest}"))).unwrap_or(error)
}
