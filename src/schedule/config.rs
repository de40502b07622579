//! diffusers' scheduler_config.json -> [`SchedulerConfig`]. Missing keys take DDIMScheduler's defaults, unknown keys are ignored, a
//! value we cannot run is refused by name.

use super::Spacing;
use crate::{
    error::{Error, Result},
    json::{self, Fields},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{fmt, path::Path, str::FromStr};

/// The largest T a config may ask for.
pub const MAX_TRAIN_TIMESTEPS: u32 = 100_000;

const BETA_SCHEDULES: [&str; 3] = ["linear", "scaled_linear", "squaredcos_cap_v2"];

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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum BetaSchedule {
    /// From `beta_start` to `beta_end` in equal steps (DDPM).
    #[default]
    Linear,
    /// √β in equal steps (latent diffusion).
    ScaledLinear,
    /// ᾱ is a squared cosine, β at most 0.999 (Nichol and Dhariwal 2021).
    SquaredcosCapV2,
}

/// The variance of a DDPMScheduler's step, by its names. Only preset `ddpm` reads it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum VarianceType {
    /// β̃ = (1−ᾱs)/(1−ᾱt) β, the posterior's.
    #[default]
    FixedSmall,
    /// The same by way of its logarithm.
    FixedSmallLog,
    /// β = 1 − ᾱt/ᾱs.
    FixedLarge,
    /// Written as ln β where a variance is expected: DDPMScheduler takes the root of that, which is NaN.
    FixedLargeLog,
    /// The network's second half is the variance.
    Learned,
    /// The network's second half lies between the logarithms of the small and the large variance.
    LearnedRange,
    /// A name that diffusers does not know either.
    Unknown,
}

/// What the network's output stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    /// The noise of preset `ddpm`.
    pub variance_type: VarianceType,
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
            variance_type: VarianceType::FixedSmall,
        }
    }
}

/// Null where a value is needed: diffusers fails on these, at once or at the first step. What it never reads of a configuration may be
/// null.
fn refuse_null(fields: &Fields) -> Result<()> {
    fields.not_null(&["num_train_timesteps", "steps_offset", "prediction_type", "timestep_spacing"])?;
    if fields.value("trained_betas").is_none() {
        fields.not_null(&["beta_schedule"])?;
        // The squared cosine has no ends.
        if fields.choice("beta_schedule", &BETA_SCHEDULES)? != Some(2) {
            fields.not_null(&["beta_start", "beta_end"])?;
        }
    }
    if fields.flag("thresholding", false)? {
        fields.not_null(&["dynamic_thresholding_ratio"])
    } else if fields.flag("clip_sample", true)? {
        fields.not_null(&["clip_sample_range"])
    } else {
        Ok(())
    }
}

impl SchedulerConfig {
    /// Parses scheduler_config.json; `origin` is what messages call it. Null means what it means to diffusers: docs/checkpoints.md has
    /// the table.
    ///
    /// # Errors
    /// Not a JSON object, a field of the wrong type or out of range, null where diffusers has no meaning for it, or a value that names
    /// something this program does not do.
    pub fn from_json(json: impl AsRef<[u8]>, origin: impl AsRef<Path>) -> Result<Self> {
        let origin = origin.as_ref();
        let value = json::parse(json.as_ref()).map_err(|e| Error::file(origin, format!("not valid JSON: {e}; export it again")))?;
        let fields = Fields::new(&value, origin, "a DDIMScheduler")?;
        let default = Self::default();
        fields.choice("_class_name", &CLASSES)?;
        refuse_null(&fields)?;
        let predictions = [Prediction::Epsilon, Prediction::Sample, Prediction::VPrediction];
        // Configs from before prediction_type existed say predict_epsilon.
        let by_old_key = if fields.boolean("predict_epsilon")?.unwrap_or(true) { 0 } else { 1 };
        let thresholding = fields.flag("thresholding", default.thresholding)?;
        // Without thresholding nobody reads its two numbers.
        let (mut ratio, mut max) = (default.dynamic_thresholding_ratio, default.sample_max_value);
        if thresholding {
            ratio = fields.number("dynamic_thresholding_ratio")?.unwrap_or(ratio);
            // Null and Infinity: torch.clamp without an upper bound.
            let unbounded = fields.contains("sample_max_value") && fields.value("sample_max_value").is_none();
            max = if unbounded || fields.is_infinity("sample_max_value") {
                f64::from(f32::MAX)
            } else {
                fields.number("sample_max_value")?.unwrap_or(max)
            };
        }
        let config = Self {
            num_train_timesteps: fields
                .integer("num_train_timesteps", 1, MAX_TRAIN_TIMESTEPS)?
                .unwrap_or(default.num_train_timesteps),
            beta_start: fields.number("beta_start")?.unwrap_or(default.beta_start),
            beta_end: fields.number("beta_end")?.unwrap_or(default.beta_end),
            beta_schedule: [BetaSchedule::Linear, BetaSchedule::ScaledLinear, BetaSchedule::SquaredcosCapV2]
                [fields.choice("beta_schedule", &BETA_SCHEDULES)?.unwrap_or(0)],
            trained_betas: fields.numbers("trained_betas")?,
            rescale_betas_zero_snr: fields.flag("rescale_betas_zero_snr", default.rescale_betas_zero_snr)?,
            prediction_type: predictions
                [fields.choice("prediction_type", &predictions.map(Prediction::name))?.unwrap_or(by_old_key)],
            clip_sample: fields.flag("clip_sample", default.clip_sample)?,
            clip_sample_range: fields.number("clip_sample_range")?.unwrap_or(default.clip_sample_range),
            thresholding,
            dynamic_thresholding_ratio: ratio,
            sample_max_value: max,
            set_alpha_to_one: fields.flag("set_alpha_to_one", default.set_alpha_to_one)?,
            steps_offset: fields.integer("steps_offset", 0, MAX_TRAIN_TIMESTEPS)?.unwrap_or(default.steps_offset),
            timestep_spacing: [Spacing::Leading, Spacing::Trailing, Spacing::Linspace]
                [fields.choice("timestep_spacing", &["leading", "trailing", "linspace"])?.unwrap_or(0)]
            .clone(),
            variance_type: fields.value("variance_type").map_or(default.variance_type, VarianceType::of),
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

impl VarianceType {
    const NAMES: [(&str, Self); 6] = [
        ("fixed_small", Self::FixedSmall),
        ("fixed_small_log", Self::FixedSmallLog),
        ("fixed_large", Self::FixedLarge),
        ("fixed_large_log", Self::FixedLargeLog),
        ("learned", Self::Learned),
        ("learned_range", Self::LearnedRange),
    ];

    /// Whatever is there is no fault of the configuration's as long as nobody needs it.
    fn of(value: &Value) -> Self {
        let known = Self::NAMES.iter().find(|(name, _)| value.as_str() == Some(name));
        known.map_or(Self::Unknown, |(_, kind)| *kind)
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

impl fmt::Display for BetaSchedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Linear => "linear",
            Self::ScaledLinear => "scaled_linear",
            Self::SquaredcosCapV2 => "squaredcos_cap_v2",
        })
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
