//! The recipe: everything a picture depends on. It travels inside the picture; the command line and the viewer make the picture
//! again from it.

mod class_label;

pub use class_label::ClassLabel;

use crate::{
    error::{Error, Result},
    json,
    model::Model,
    noise,
    sampler::Classes,
    schedule::{NoiseKind, Preset, Schedule, ScheduleRequest, Spacing},
};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// The largest number of images: what the noise counters address, and more than any FID needs.
const MAX_IMAGES: u32 = 1 << 24;

/// The most numbers torch's generator draws: 1 GiB of them.
const MAX_TORCH_NUMBERS: u64 = 1 << 28;

/// The longest side of a sample, in pixels.
pub const MAX_SIDE: u32 = 8192;

/// Program and version, as recipes name it.
pub const PROGRAM: &str = concat!("etude ", env!("CARGO_PKG_VERSION"));

/// Where x_T comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rng {
    /// Counters: image 7 is image 7 in any batch.
    #[default]
    Etude,
    /// torch.randn of [count, C, H, W] with this seed.
    Torch,
}

impl Rng {
    /// Every generator's name.
    pub const NAMES: [&str; 2] = ["etude", "torch"];
}

impl fmt::Display for Rng {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Etude => "etude",
            Self::Torch => "torch",
        })
    }
}

impl FromStr for Rng {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "etude" => Ok(Self::Etude),
            "torch" => Ok(Self::Torch),
            _ => Err(Error::argument(format!("rng: expected etude or torch, got {text:?}"))),
        }
    }
}

fn noise_of_a_step() -> NoiseKind {
    NoiseKind::Step
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
    /// What the steps' noise belongs to. Recipes from before there was a choice do not say it.
    #[serde(default = "noise_of_a_step")]
    pub noise: NoiseKind,
    /// Generator of x_T.
    pub rng: Rng,
    /// The class or classes, where the network has some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<ClassLabel>,
    /// Images.
    pub count: u32,
    /// Height and width.
    pub size: (u32, u32),
    /// What else the viewer needs to set its controls again; the picture does not depend on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub viewer: Option<serde_json::Value>,
}

impl Recipe {
    /// A recipe's JSON, as pictures carry it.
    ///
    /// # Errors
    /// Not JSON, a field that is missing, unknown or of the wrong kind, or a number that is not finite.
    pub fn from_json(json: impl AsRef<[u8]>) -> Result<Self> {
        let wrong = |what: String| Error::argument(format!("its recipe cannot be used: {what}"));
        let value = json::parse(json.as_ref()).map_err(wrong)?;
        // The viewer's own settings are its affair.
        let fields = value.as_object().into_iter().flatten().filter(|(key, _)| *key != "viewer");
        for (key, value) in fields {
            if let Some((_, got)) = json::not_finite(value) {
                return Err(wrong(format!("{key}: expected a finite number, got {got}")));
            }
        }
        json::parse_as(json.as_ref()).map_err(wrong)
    }

    /// Checks what the schedule does not: counts, sizes, channels.
    ///
    /// # Errors
    /// A value out of its range for `model`.
    pub fn check(&self, model: &Model) -> Result<()> {
        if self.count == 0 || self.count > MAX_IMAGES {
            return Err(Error::argument(format!("count: expected 1 to {MAX_IMAGES} images, got {}", self.count)));
        }
        // A recipe's size has not come through `parse_size`.
        let (height, width) = self.size;
        if !(1..=MAX_SIDE).contains(&height) || !(1..=MAX_SIDE).contains(&width) {
            return Err(Error::argument(format!("size: expected sides from 1 to {MAX_SIDE}, got {height}x{width}")));
        }
        let (inputs, outputs) = (model.config.in_channels, model.config.prediction_channels());
        let numbers = u64::from(self.count) * u64::from(inputs) * u64::from(self.size.0) * u64::from(self.size.1);
        if self.rng == Rng::Torch && numbers > MAX_TORCH_NUMBERS {
            return Err(Error::argument(format!(
                "rng: torch draws all images at once, expected at most {MAX_TORCH_NUMBERS} numbers, got {numbers}; ask for fewer images or use rng etude"
            )));
        }
        if inputs != outputs {
            return Err(Error::argument(format!(
                "model {}: expected as many output as input channels to sample from it, got {inputs} in and {outputs} out; `etude eps` evaluates it",
                model.name
            )));
        }
        self.classes(model).map(|_| ())
    }

    /// The class of each image, for `model`.
    ///
    /// # Errors
    /// A class that it does not have.
    pub fn classes(&self, model: &Model) -> Result<Classes> {
        ClassLabel::classes(self.class, model.config.num_classes)
    }

    /// The schedule of this recipe for `model`.
    ///
    /// # Errors
    /// S, η or τ out of range.
    pub fn schedule(&self, model: &Model) -> Result<Schedule> {
        Schedule::new(&model.usable_scheduler()?, &self.request()?)
    }

    /// What it asks of the sampler.
    ///
    /// # Errors
    /// A preset or a τ of no such name.
    pub fn request(&self) -> Result<ScheduleRequest> {
        Ok(ScheduleRequest {
            preset: self.preset.parse::<Preset>()?,
            steps: self.steps,
            eta: self.eta,
            spacing: self.tau.as_deref().map(str::parse::<Spacing>).transpose()?,
            sigma_hat: self.sigma_hat,
            clip: self.clip,
            noise: Some(self.noise),
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
