//! The recipe: everything a picture depends on. It travels inside the picture, and `--recipe` makes the picture again.

use super::{options::MOST_SIDE, output::errln};
use crate::{
    error::{Error, Result},
    model::{EMBEDDED, Model},
    noise,
    picture::recipe::read_recipe,
    schedule::{Preset, Schedule, ScheduleRequest, Spacing},
};
use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The largest `--count`: what the noise counters address, and more than any FID needs.
const MOST_IMAGES: u32 = 1 << 24;

/// The most numbers `--rng torch` draws: 1 GiB of them.
const MOST_TORCH_NUMBERS: u64 = 1 << 28;

/// Where x_T comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rng {
    /// Counters: image 7 is image 7 in any batch
    #[default]
    Etude,
    /// torch.randn of [count, C, H, W] with this seed
    Torch,
}

/// A sampling run in full. Unknown fields are refused: a recipe of a later version must not be made wrongly without a word.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Program and version that wrote it.
    pub program: String,
    /// Embedded model's name or folder.
    pub model: String,
    /// CRC-32 of the weights file.
    pub weights_crc32: String,
    /// Conventions.
    pub preset: String,
    /// S.
    pub steps: usize,
    /// η.
    pub eta: f64,
    /// τ; null is the preset's default.
    pub tau: Option<String>,
    /// The larger variance of Table 1.
    pub sigma_hat: bool,
    /// Clipping of x̂0; null is the preset's default.
    pub clip: Option<bool>,
    /// Seed of x_T.
    pub seed: u64,
    /// Seed of the steps' noise.
    pub noise_seed: u64,
    /// Generator of x_T.
    pub rng: Rng,
    /// Images.
    pub count: u32,
    /// Height and width.
    pub size: (u32, u32),
}

/// The options a recipe is made of; each overrides what `--recipe` says.
#[derive(Clone, Debug, Default, Args)]
pub struct RecipeOptions {
    /// An embedded model's name, or a folder in diffusers' layout [default: fashion]
    #[arg(long, value_name = "NAME|DIR")]
    pub model: Option<String>,
    /// Number of steps S [default: 50]
    #[arg(long, short = 'S', value_name = "S")]
    pub steps: Option<usize>,
    /// η: 0 deterministic (DDIM) to 1 stochastic (DDPM) [default: 0]
    #[arg(long, value_name = "ETA", allow_negative_numbers = true)]
    pub eta: Option<f64>,
    /// τ: linear, quadratic, leading, trailing, linspace, or an ascending list as 0,100,500
    #[arg(long, value_name = "TAU", allow_hyphen_values = true)]
    pub tau: Option<String>,
    /// Whose conventions: etude, official (ermongroup/ddim) or diffusers [default: etude]
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
    /// Seed of x_T [default: 0]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Seed of the steps' noise [default: 0]
    #[arg(long, value_name = "N")]
    pub noise_seed: Option<u64>,
    /// Generator of x_T [default: etude]
    #[arg(long, value_enum)]
    pub rng: Option<Rng>,
    /// Number of images [default: 16, in a trajectory 2]
    #[arg(long, short = 'n', value_name = "N")]
    pub count: Option<u32>,
    /// Height and width in pixels, as 32 or 32x48 [default: the model's]
    #[arg(long, value_name = "SIZE")]
    pub size: Option<String>,
    /// Make a picture's recipe again; other options override it
    #[arg(long, value_name = "FILE")]
    pub recipe: Option<PathBuf>,
}

/// A validated recipe with the model and the schedule it names.
#[derive(Debug)]
pub struct Prepared {
    /// What was asked, in full.
    pub recipe: Recipe,
    /// Its model.
    pub model: Model,
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
        let model_name =
            self.model.clone().or_else(|| base.map(|b| b.model.clone())).unwrap_or_else(|| EMBEDDED[0].name.to_owned());
        let model = Model::find(&model_name)?;
        let size = match &self.size {
            Some(text) => super::options::parse_size(text)?,
            None => base.map_or_else(|| model.sample_size(), |b| b.size),
        };
        let recipe = Recipe {
            program: concat!("etude ", env!("CARGO_PKG_VERSION")).to_owned(),
            model: model_name,
            weights_crc32: format!("{:08x}", model.weights().crc32()),
            preset: self.preset.clone().or_else(|| base.map(|b| b.preset.clone())).unwrap_or_else(|| "etude".to_owned()),
            steps: self.steps.or_else(|| base.map(|b| b.steps)).unwrap_or(50),
            eta: self.eta.or_else(|| base.map(|b| b.eta)).unwrap_or(0.0),
            tau: self.tau.clone().or_else(|| base.and_then(|b| b.tau.clone())),
            sigma_hat: self.sigma_hat || (self.eta.is_none() && base.is_some_and(|b| b.sigma_hat)),
            clip: match (self.clip, self.no_clip) {
                (true, _) => Some(true),
                (_, true) => Some(false),
                _ => base.and_then(|b| b.clip),
            },
            seed: self.seed.or_else(|| base.map(|b| b.seed)).unwrap_or(0),
            noise_seed: self.noise_seed.or_else(|| base.map(|b| b.noise_seed)).unwrap_or(0),
            rng: self.rng.or_else(|| base.map(|b| b.rng)).unwrap_or_default(),
            count: self.count.or_else(|| base.map(|b| b.count)).unwrap_or(default_count),
            size,
        };
        if let Some(base) = base
            && self.model.is_none()
            && base.weights_crc32 != recipe.weights_crc32
        {
            errln!(
                "note: the recipe was made with other weights of {} (CRC-32 {}, these have {}); the picture will differ",
                recipe.model,
                base.weights_crc32,
                recipe.weights_crc32
            );
        }
        recipe.check(&model)?;
        let schedule = recipe.schedule(&model)?;
        Ok(Prepared { recipe, model, schedule })
    }
}

/// The recipe inside a picture, or in a JSON file.
fn load(path: &Path) -> Result<Recipe> {
    let is_json = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("json"));
    let text = if is_json {
        std::fs::read_to_string(path).map_err(|e| Error::file(path, format!("cannot be read: {e}")))?
    } else {
        read_recipe(path)?.ok_or_else(|| {
            Error::file(path, "expected a picture with a recipe in it, got one without; only pictures etude wrote have one")
        })?
    };
    serde_json::from_str(&text).map_err(|e| Error::file(path, format!("its recipe cannot be used: {e}")))
}

/// The same error, but where it names a field of the schedule's request, with the option that sets it.
fn by_option(error: Error) -> Error {
    let Error::Argument(what) = &error else { return error };
    let options = [("steps: ", "--steps"), ("eta: ", "--eta"), ("spacing: ", "--tau"), ("preset: ", "--preset")];
    let named = options.iter().find_map(|(field, option)| Some((option, what.strip_prefix(field)?)));
    named.map(|(option, rest)| Error::argument(format!("{option}: {rest}"))).unwrap_or(error)
}

impl Recipe {
    fn check(&self, model: &Model) -> Result<()> {
        if self.count == 0 || self.count > MOST_IMAGES {
            return Err(Error::argument(format!("--count: expected 1 to {MOST_IMAGES} images, got {}", self.count)));
        }
        // A recipe's size has not come through `parse_size`.
        let (height, width) = self.size;
        if !(1..=MOST_SIDE).contains(&height) || !(1..=MOST_SIDE).contains(&width) {
            return Err(Error::argument(format!("--size: expected sides from 1 to {MOST_SIDE}, got {height}x{width}")));
        }
        let (inputs, outputs) = (model.config.in_channels, model.config.out_channels);
        let numbers = u64::from(self.count) * u64::from(inputs) * u64::from(self.size.0) * u64::from(self.size.1);
        if self.rng == Rng::Torch && numbers > MOST_TORCH_NUMBERS {
            return Err(Error::argument(format!(
                "--rng torch: expected at most {MOST_TORCH_NUMBERS} numbers (it draws all images at once), got {numbers}; lower --count or use --rng etude"
            )));
        }
        if inputs != outputs {
            return Err(Error::argument(format!(
                "model {}: expected as many output as input channels to sample from it, got {inputs} in and {outputs} out; `etude eps` evaluates it",
                model.name
            )));
        }
        Ok(())
    }

    /// The schedule of this recipe for `model`.
    ///
    /// # Errors
    /// S, η or τ out of range.
    pub fn schedule(&self, model: &Model) -> Result<Schedule> {
        let config = model.scheduler.clone().unwrap_or_default();
        self.request().and_then(|request| Schedule::new(&config, &request)).map_err(by_option)
    }

    fn request(&self) -> Result<ScheduleRequest> {
        Ok(ScheduleRequest {
            preset: self.preset.parse::<Preset>()?,
            steps: self.steps,
            eta: self.eta,
            spacing: self.tau.as_deref().map(str::parse::<Spacing>).transpose()?,
            sigma_hat: self.sigma_hat,
            clip: self.clip,
        })
    }

    /// x_T of images `first .. first + batch`, `[batch, C, H, W]`. `torch` is the whole of torch's numbers where they are wanted.
    pub fn x_t(&self, channels: u32, first: u32, batch: u32, torch: &[f32]) -> Vec<f32> {
        let (height, width) = (self.size.0 as usize, self.size.1 as usize);
        let len = channels as usize * height * width;
        let mut x = vec![0.0; batch as usize * len];
        for (i, image) in (first..).zip(x.chunks_exact_mut(len)) {
            match self.rng {
                Rng::Etude => noise::fill_nchw(self.seed, noise::STREAM_X_T, i, 0, channels as usize, height, width, image),
                Rng::Torch => {
                    let start = i as usize * len;
                    if let Some(values) = torch.get(start..start + len) {
                        image.copy_from_slice(values);
                    }
                }
            }
        }
        x
    }

    /// All of torch's x_T where `rng` is torch (it is one stream, so it cannot be cut), else nothing.
    pub fn torch_numbers(&self, channels: u32) -> Vec<f32> {
        match self.rng {
            Rng::Etude => Vec::new(),
            Rng::Torch => {
                let len = self.count as usize * (channels * self.size.0 * self.size.1) as usize;
                noise::torch::randn(self.seed, len)
            }
        }
    }

    /// How noisy it is, for a line: η or σ̂.
    pub fn noisiness(&self) -> String {
        if self.sigma_hat { "σ̂".to_owned() } else { format!("η = {}", self.eta) }
    }

    /// As pretty JSON.
    ///
    /// # Errors
    /// Does not happen: every field is plain data.
    pub fn json(&self) -> Result<String> {
        serde_json::to_string_pretty(self).map_err(|e| Error::argument(format!("recipe: {e}")))
    }
}
