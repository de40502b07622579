//! diffusers' scheduler_config.json -> [`SchedulerConfig`]. Missing keys take DDIMScheduler's defaults, unknown keys are ignored, a
//! value we cannot run is refused by name.

use super::Spacing;
use crate::{
    error::{Error, Result},
    json::Fields,
};
use serde_json::Value;
use std::{fmt, path::Path, str::FromStr};

/// The largest T a config may ask for.
pub const MAX_TRAIN_TIMESTEPS: u32 = 100_000;

/// Schedulers whose configs describe the same forward process as DDIMScheduler's, field by field.
const CLASSES: [&str; 20] = [
    "DDIMScheduler",
    "DDIMInverseScheduler",
    "DDIMParallelScheduler",
    "DDPMScheduler",
    "DDPMParallelScheduler",
    "PNDMScheduler",
    "LMSDiscreteScheduler",
    "EulerDiscreteScheduler",
    "EulerAncestralDiscreteScheduler",
    "HeunDiscreteScheduler",
    "DPMSolverMultistepScheduler",
    "DPMSolverMultistepInverseScheduler",
    "DPMSolverSinglestepScheduler",
    "DPMSolverSDEScheduler",
    "DEISMultistepScheduler",
    "UniPCMultistepScheduler",
    "KDPM2DiscreteScheduler",
    "KDPM2AncestralDiscreteScheduler",
    "LCMScheduler",
    "TCDScheduler",
];

/// How β grows with t.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BetaSchedule {
    /// From `beta_start` to `beta_end` in equal steps (DDPM).
    #[default]
    Linear,
    /// √β in equal steps (latent diffusion).
    ScaledLinear,
    /// ᾱ is a squared cosine, β at most 0.999 (Nichol and Dhariwal 2021).
    SquaredcosCapV2,
}

/// What the network's output stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Prediction {
    /// The noise ε.
    #[default]
    Epsilon,
    /// The picture x0.
    Sample,
    /// v = √ᾱ ε − √(1−ᾱ) x0 (Salimans and Ho 2022).
    VPrediction,
}

/// The noise a model was trained with, and how diffusers would sample from it. The default is DDPM's: linear, 1e-4 to 0.02,
/// T = 1000.
#[derive(Clone, Debug, PartialEq)]
pub struct SchedulerConfig {
    /// T.
    pub num_train_timesteps: u32,
    /// First β.
    pub beta_start: f64,
    /// Last β.
    pub beta_end: f64,
    /// How β goes from the one to the other.
    pub beta_schedule: BetaSchedule,
    /// The βs themselves, T of them, in place of the three fields above.
    pub trained_betas: Option<Vec<f64>>,
    /// Shift and scale √ᾱ so that ᾱ(T−1) = 0 (Lin et al. 2023, Algorithm 1).
    pub rescale_betas_zero_snr: bool,
    /// What the network predicts.
    pub prediction_type: Prediction,
    /// Preset `diffusers` clips x0.
    pub clip_sample: bool,
    /// To ± this.
    pub clip_sample_range: f64,
    /// Preset `diffusers` thresholds x0 dynamically (Imagen), which takes the place of clipping.
    pub thresholding: bool,
    /// The quantile of |x0| that is the threshold.
    pub dynamic_thresholding_ratio: f64,
    /// The threshold's largest value; its smallest is 1.
    pub sample_max_value: f64,
    /// Preset `diffusers`: ᾱ past the end is 1, else ᾱ(0).
    pub set_alpha_to_one: bool,
    /// Added to every timestep of leading spacing.
    pub steps_offset: u32,
    /// Preset `diffusers`' τ: leading, trailing or linspace.
    pub timestep_spacing: Spacing,
}

impl Default for SchedulerConfig {
    fn default() -> Self {
        Self {
            num_train_timesteps: 1000,
            beta_start: 1e-4,
            beta_end: 0.02,
            beta_schedule: BetaSchedule::Linear,
            trained_betas: None,
            rescale_betas_zero_snr: false,
            prediction_type: Prediction::Epsilon,
            clip_sample: true,
            clip_sample_range: 1.0,
            thresholding: false,
            dynamic_thresholding_ratio: 0.995,
            sample_max_value: 1.0,
            set_alpha_to_one: true,
            steps_offset: 0,
            timestep_spacing: Spacing::Leading,
        }
    }
}

impl SchedulerConfig {
    /// Parses scheduler_config.json; `origin` is what messages call it. Null is as good as missing.
    ///
    /// # Errors
    /// Not a JSON object, a field of the wrong type or out of range, or a value that names something this program does not do.
    pub fn from_json(json: impl AsRef<[u8]>, origin: impl AsRef<Path>) -> Result<Self> {
        let origin = origin.as_ref();
        let value: Value = serde_json::from_slice(json.as_ref())
            .map_err(|e| Error::file(origin, format!("not valid JSON: {e}; export it again")))?;
        let fields = Fields::new(&value, origin, "a DDIMScheduler")?;
        let default = Self::default();
        fields.choice("_class_name", &CLASSES)?;
        // A DDPMScheduler's fixed variances differ only in its own sampler; a learned one doubles the network's outputs.
        fields.choice("variance_type", &["fixed_small", "fixed_small_log", "fixed_large", "fixed_large_log"])?;
        let predictions = [Prediction::Epsilon, Prediction::Sample, Prediction::VPrediction];
        // Configs from before prediction_type existed say predict_epsilon.
        let by_old_key = if fields.boolean("predict_epsilon")?.unwrap_or(true) { 0 } else { 1 };
        let config = Self {
            num_train_timesteps: fields
                .integer("num_train_timesteps", 1, MAX_TRAIN_TIMESTEPS)?
                .unwrap_or(default.num_train_timesteps),
            beta_start: fields.number("beta_start")?.unwrap_or(default.beta_start),
            beta_end: fields.number("beta_end")?.unwrap_or(default.beta_end),
            beta_schedule: [BetaSchedule::Linear, BetaSchedule::ScaledLinear, BetaSchedule::SquaredcosCapV2]
                [fields.choice("beta_schedule", &["linear", "scaled_linear", "squaredcos_cap_v2"])?.unwrap_or(0)],
            trained_betas: fields.numbers("trained_betas")?,
            rescale_betas_zero_snr: fields.boolean("rescale_betas_zero_snr")?.unwrap_or(default.rescale_betas_zero_snr),
            prediction_type: predictions
                [fields.choice("prediction_type", &predictions.map(Prediction::name))?.unwrap_or(by_old_key)],
            clip_sample: fields.boolean("clip_sample")?.unwrap_or(default.clip_sample),
            clip_sample_range: fields.number("clip_sample_range")?.unwrap_or(default.clip_sample_range),
            thresholding: fields.boolean("thresholding")?.unwrap_or(default.thresholding),
            dynamic_thresholding_ratio: fields.number("dynamic_thresholding_ratio")?.unwrap_or(default.dynamic_thresholding_ratio),
            sample_max_value: fields.number("sample_max_value")?.unwrap_or(default.sample_max_value),
            set_alpha_to_one: fields.boolean("set_alpha_to_one")?.unwrap_or(default.set_alpha_to_one),
            steps_offset: fields.integer("steps_offset", 0, MAX_TRAIN_TIMESTEPS)?.unwrap_or(default.steps_offset),
            timestep_spacing: [Spacing::Leading, Spacing::Trailing, Spacing::Linspace]
                [fields.choice("timestep_spacing", &["leading", "trailing", "linspace"])?.unwrap_or(0)]
            .clone(),
        };
        config.check().map_err(|what| Error::file(origin, what))?;
        Ok(config)
    }

    /// Whether every number is one that can be computed with; the text says field, expected and got.
    pub(super) fn check(&self) -> Result<(), String> {
        let t = self.num_train_timesteps;
        if !(1..=MAX_TRAIN_TIMESTEPS).contains(&t) {
            return Err(format!("num_train_timesteps: expected a whole number from 1 to {MAX_TRAIN_TIMESTEPS}, got {t}"));
        }
        let beta = |name: &str, value: f64| {
            let good = value > 0.0 && value <= 1.0;
            if good { Ok(()) } else { Err(format!("{name}: expected a beta above 0 and at most 1, got {value}")) }
        };
        match &self.trained_betas {
            Some(betas) if betas.len() != t as usize => {
                return Err(format!("trained_betas: expected {t} numbers (num_train_timesteps), got {}", betas.len()));
            }
            Some(betas) => betas.iter().enumerate().try_for_each(|(i, b)| beta(&format!("trained_betas[{i}]"), *b))?,
            None if self.beta_schedule == BetaSchedule::SquaredcosCapV2 => {}
            None => {
                beta("beta_start", self.beta_start)?;
                beta("beta_end", self.beta_end)?;
            }
        }
        let positive = |name: &str, value: f64| {
            let good = value > 0.0 && value <= f64::from(f32::MAX);
            if good { Ok(()) } else { Err(format!("{name}: expected a number above 0, got {value}")) }
        };
        positive("clip_sample_range", self.clip_sample_range)?;
        if self.thresholding {
            positive("sample_max_value", self.sample_max_value)?;
            let ratio = self.dynamic_thresholding_ratio;
            if !(0.0..=1.0).contains(&ratio) {
                return Err(format!("dynamic_thresholding_ratio: expected a number from 0 to 1, got {ratio}"));
            }
        }
        Ok(())
    }
}

impl Prediction {
    /// The name that diffusers and `Display` use.
    fn name(self) -> &'static str {
        match self {
            Self::Epsilon => "epsilon",
            Self::Sample => "sample",
            Self::VPrediction => "v_prediction",
        }
    }
}

impl fmt::Display for Prediction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Prediction {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let known = [Self::Epsilon, Self::Sample, Self::VPrediction].into_iter().find(|p| p.name() == text);
        known.ok_or_else(|| Error::argument(format!("prediction: expected epsilon, sample or v_prediction, got {text:?}")))
    }
}
