//! The recipe: everything a picture depends on. It travels inside the picture; the command line and the viewer make the picture
//! again from it.

mod between;
mod class_label;
mod encoded;
mod given_picture;
pub mod link;

pub use between::Between;
pub use class_label::ClassLabel;
pub use encoded::{Encoded, End};
pub use given_picture::GivenPicture;

use crate::{
    error::{Error, Result},
    json,
    latent::InterpolationMode,
    model::Model,
    noise::{self, torch::TorchDraws},
    sampler::Classes,
    schedule::{Fork, NoiseKind, Preset, Schedule, ScheduleRequest, Spacing, StepSeed, Variance},
};
use serde::{Deserialize, Serialize};
use std::{fmt, ops::Range, str::FromStr};

/// The largest number of images: what the noise counters address, and more than any FID needs.
const MAX_IMAGES: u32 = 1 << 24;

/// The most numbers torch's generator draws at once: 1 GiB of them.
const MAX_TORCH_NUMBERS: u64 = 1 << 28;
/// And in a whole run: passing over so many takes some ten seconds, for each batch that the device computes at a time.
const MAX_TORCH_DRAWN: u64 = 1 << 33;

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

impl Rng {
    /// What the steps' noise belongs to where nothing else is asked for.
    pub fn noise(self, preset: Preset) -> NoiseKind {
        match self {
            Self::Etude => preset.noise(),
            Self::Torch => NoiseKind::Torch,
        }
    }
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

fn is_zero(number: &u32) -> bool {
    *number == 0
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
    /// Whether ε is derived again from the clipped x̂0 (diffusers' use_clipped_model_output).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub clip_epsilon: bool,
    /// The variance of preset ddpm, where it is not the scheduler's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variance: Option<Variance>,
    /// Seed of x_T.
    pub seed: u64,
    /// Seed of the steps' noise.
    pub noise_seed: u64,
    /// What the steps' noise belongs to. Recipes from before there was a choice do not say it.
    #[serde(default = "noise_of_a_step")]
    pub noise: NoiseKind,
    /// Where the run leaves its stem, t falling.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forks: Vec<Fork>,
    /// Steps whose noise is of another seed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub step_seeds: Vec<StepSeed>,
    /// Generator of x_T.
    pub rng: Rng,
    /// The class or classes, where the network has some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<ClassLabel>,
    /// Images.
    pub count: u32,
    /// The number of the first of them: image 5 is image 5 in any run.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub first: u32,
    /// Which image this file is. None of them, where it shows several; not known, where it was made before this was written down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<u32>,
    /// How many images torch draws at once, where these are only some of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drawn: Option<u32>,
    /// Height and width.
    pub size: (u32, u32),
    /// The picture that every image's x_T is encoded from, in the place of the seed's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoded: Option<Encoded>,
    /// The images lie between ends, in the place of a seed's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub between: Option<Between>,
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
        let end = self.first.saturating_add(self.count);
        if end > MAX_IMAGES {
            return Err(Error::argument(format!("first: expected images numbered below {MAX_IMAGES}, got {}", end - 1)));
        }
        if self.drawn() < end {
            return Err(Error::argument(format!(
                "count: torch drew {} images at once, expected some of them, got images {} to {}; a new batch has another x_T",
                self.drawn(),
                self.first,
                end - 1
            )));
        }
        // A recipe's size has not come through `parse_size`.
        let (height, width) = self.size;
        if !(1..=MAX_SIDE).contains(&height) || !(1..=MAX_SIDE).contains(&width) {
            return Err(Error::argument(format!("size: expected sides from 1 to {MAX_SIDE}, got {height}x{width}")));
        }
        let (inputs, outputs) = (model.config.in_channels, model.config.prediction_channels());
        if self.rng == Rng::Torch {
            self.check_torch(u64::from(self.drawn()) * u64::from(inputs) * u64::from(height) * u64::from(width))?;
        } else if self.noise == NoiseKind::Torch {
            return Err(Error::argument(
                "noise: torch draws it after x_T from the same generator, expected rng torch with it, got rng etude",
            ));
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

    /// Whether torch can draw batches of so many numbers.
    fn check_torch(&self, numbers: u64) -> Result<()> {
        let less = "ask for fewer images or use rng etude";
        if numbers > MAX_TORCH_NUMBERS {
            return Err(Error::argument(format!(
                "rng: torch draws all images at once, expected at most {MAX_TORCH_NUMBERS} numbers, got {numbers}; {less}"
            )));
        }
        let in_all = numbers * (self.steps as u64 + 1);
        let branches_add = self.forks.iter().any(|fork| fork.eta.is_some_and(|eta| eta > 0.0));
        let adds_noise = branches_add || self.eta > 0.0 || self.sigma_hat || self.preset == Preset::Ddpm.to_string();
        if self.noise == NoiseKind::Torch && adds_noise && in_all > MAX_TORCH_DRAWN {
            return Err(Error::argument(format!(
                "rng: torch draws all images' noise in every step, expected at most {MAX_TORCH_DRAWN} numbers in a run, got {in_all}; \
                 {less}, or noise step"
            )));
        }
        Ok(())
    }

    /// The recipe of the images themselves where they lie between ends, whose x_T is no generator's; all of them are like image 0.
    pub fn of_between(&self, between: &Between) -> Result<Self> {
        between.check()?;
        let preset = self.preset.parse::<Preset>()?;
        let noise = Some(self.noise).filter(|noise| *noise != NoiseKind::Torch).unwrap_or(preset.noise());
        let (preset, count) = (preset.with_eta().to_string(), between.images() as u32);
        let (eta, rng, forks, step_seeds) = (between.eta, Rng::Etude, Vec::new(), Vec::new());
        let own = Self { preset, eta, sigma_hat: false, noise, forks, step_seeds, ..self.clone() };
        Ok(Self { rng, count, first: 0, drawn: None, image: None, ..own })
    }

    /// How many images torch draws at once.
    pub fn drawn(&self) -> u32 {
        self.drawn.unwrap_or_else(|| self.first.saturating_add(self.count))
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
            clip_epsilon: self.clip_epsilon,
            variance: self.variance,
            noise: Some(self.noise),
            forks: self.forks.clone(),
            step_seeds: self.step_seeds.clone(),
        })
    }

    /// What torch's generator draws for pictures of so many channels, where x_T comes from there.
    pub fn torch(&self, channels: u32) -> Option<TorchDraws> {
        let image = channels as usize * self.size.0 as usize * self.size.1 as usize;
        (self.rng == Rng::Torch).then(|| TorchDraws::new(self.seed, self.drawn() as usize * image))
    }

    /// x_T of the images of these numbers, `[n, C, H, W]`; `torch` is [`Self::torch`]'s.
    pub fn x_t(&self, channels: u32, images: Range<usize>, torch: Option<&TorchDraws>) -> Vec<f32> {
        let (channels, height, width) = (channels as usize, self.size.0 as usize, self.size.1 as usize);
        let len = channels * height * width;
        if let Some(torch) = torch {
            return torch.x_t(images.start * len..images.end * len);
        }
        let mut x = vec![0.0; images.len() * len];
        for (i, image) in images.zip(x.chunks_exact_mut(len)) {
            noise::fill_nchw(self.seed, noise::STREAM_X_T, i as u32, 0, channels, height, width, image);
        }
        x
    }

    /// How noisy it is, for a line: η, σ̂ or DDPM.
    pub fn noisiness(&self) -> String {
        match (self.preset.parse(), self.sigma_hat) {
            (Ok(Preset::Ddpm), _) => "DDPM".to_owned(),
            (_, true) => "σ̂".to_owned(),
            (_, false) => format!("η = {}", self.eta),
        }
    }

    /// What it makes, for a caption, in pieces between commas: the model, how noisy, S, seeds, and the image where it is one.
    pub fn caption(&self) -> String {
        let model = self.model.trim_end_matches(['/', '\\']);
        let model = model.rsplit(['/', '\\']).next().unwrap_or(model);
        let eta = self.between.as_ref().map_or(self.eta, |between| between.eta);
        let noisiness = Self { eta, between: None, ..self.clone() }.noisiness();
        let is_random = noisiness != "η = 0";
        let mut pieces = vec![model.to_owned(), noisiness, format!("S = {}", self.steps)];
        pieces.extend(self.tau.as_ref().map(|tau| if tau.contains(',') { "τ by hand".to_owned() } else { format!("τ {tau}") }));
        match (&self.between, &self.encoded) {
            (Some(between), _) => {
                let names: Vec<String> = between.ends.iter().map(End::short_name).collect();
                pieces.push(format!("between {}", names.join(" and ")));
                let has = |mode| between.modes.contains(&mode);
                pieces.push(match (has(InterpolationMode::Slerp), has(InterpolationMode::Lerp)) {
                    (true, true) => "slerp above lerp".to_owned(),
                    (false, true) => "lerp".to_owned(),
                    _ => "slerp".to_owned(),
                });
            }
            (None, Some(encoded)) => pieces.push(format!("x_T of {}", encoded.picture.short_name())),
            (None, None) => pieces.push(format!("seed {}", self.seed)),
        }
        if is_random {
            pieces.push(format!("noise seed {}", self.noise_seed));
        }
        pieces.extend(self.forks.iter().map(|fork| format!("fork {fork}")));
        pieces.extend(self.image.map(|image| format!("image {image}")));
        pieces.join(", ")
    }

    /// As pretty JSON.
    ///
    /// # Errors
    /// Does not happen: every field is plain data.
    pub fn json(&self) -> Result<String> {
        serde_json::to_string_pretty(self).map_err(|e| Error::argument(format!("recipe: {e}")))
    }
}

#[cfg(test)]
mod tests {
    use super::{Between, End, InterpolationMode, Recipe};

    #[test]
    fn a_caption_has_what_the_picture_depends_on() {
        let json = r#"{"program": "etude 0.1.0", "model": "models/emoji/", "weights_crc32": "00000000", "preset": "etude", "steps": 50,
            "eta": 0.0, "tau": null, "sigma_hat": false, "clip": null, "seed": 5, "noise_seed": 7, "noise": "path", "rng": "etude",
            "count": 8, "size": [32, 32], "image": 3}"#;
        let plain = Recipe::from_json(json).expect("a recipe");
        assert_eq!(plain.caption(), "emoji, η = 0, S = 50, seed 5, image 3");
        let noisy = Recipe { eta: 0.5, tau: Some("quadratic".to_owned()), ..plain.clone() };
        assert_eq!(noisy.caption(), "emoji, η = 0.5, S = 50, τ quadratic, seed 5, noise seed 7, image 3");
        let by_hand = Recipe { sigma_hat: true, tau: Some("0,5,9".to_owned()), image: None, ..plain.clone() };
        assert_eq!(by_hand.caption(), "emoji, σ̂, S = 50, τ by hand, seed 5, noise seed 7");
        let modes = vec![InterpolationMode::Slerp, InterpolationMode::Lerp];
        let between = Between { ends: vec![End::Seed(5), End::Seed(27)], at: vec![[0.5, 0.0]], modes, columns: 1, eta: 0.25 };
        let between = Recipe { between: Some(between), image: None, ..plain };
        assert_eq!(between.caption(), "emoji, η = 0.25, S = 50, between 5 and 27, slerp above lerp, noise seed 7");
    }
}
