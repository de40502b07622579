//! Option groups that several commands share.

use super::output::noteln;
use clap::{Args, ValueEnum};
use etude::{
    backend::{Backend, Chosen, DeviceChoice},
    error::{Error, Result},
    model::{DEFAULT, Model, with_variant},
    platform::block_on,
    program::Precision,
    recipe::MAX_SIDE,
};

/// Which model.
#[derive(Clone, Debug, Default, Args)]
pub struct ModelOptions {
    /// An embedded model's name, a folder in diffusers' layout, a file of weights, or owner/name[@revision] on the Hub [default: emoji]
    #[arg(long, value_name = "NAME|DIR|FILE|OWNER/NAME")]
    pub model: Option<String>,
    /// Of weights that lie side by side those of this name: fp16, ema, non_ema, … [default: the plain ones]
    #[arg(long, value_name = "NAME")]
    pub variant: Option<String>,
}

impl ModelOptions {
    /// What [`Model::find`] calls the model, or of none that is named, `otherwise` (which may name a variant itself).
    pub fn name_or(&self, otherwise: &str) -> String {
        with_variant(self.model.as_deref().unwrap_or(otherwise), self.variant.as_deref())
    }

    /// The model.
    ///
    /// # Errors
    /// As [`super::model::find`].
    pub fn find(&self) -> Result<Model> {
        super::model::find(&self.name_or(DEFAULT))
    }
}

/// Whether a program reads what is printed.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct JsonOption {
    /// Print one JSON object, and nothing else on standard output
    #[arg(long)]
    pub json: bool,
}

/// Where to compute.
#[derive(Clone, Debug, Default, Args)]
pub struct DeviceOptions {
    /// auto (a real GPU, else the CPU), cpu, software, or part of an adapter's name
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    pub device: String,
    /// Type of weights and activations; sums are f32 whatever it is, but for parts of them in f16-fast
    #[arg(long, value_enum, default_value_t = PrecisionOption::F32)]
    pub precision: PrecisionOption,
}

/// `--precision`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum PrecisionOption {
    /// 32 bits
    #[default]
    F32,
    /// 16 bits, where the GPU has them
    F16,
    /// As f16, and convolutions add up 16 products at a time in 16 bits
    F16Fast,
    /// On the CPU, convolutions of values of 16 bits
    Bf16,
}

impl From<PrecisionOption> for Precision {
    fn from(option: PrecisionOption) -> Self {
        match option {
            PrecisionOption::F32 => Self::F32,
            PrecisionOption::F16 => Self::F16,
            PrecisionOption::F16Fast => Self::F16Fast,
            PrecisionOption::Bf16 => Self::Bf16,
        }
    }
}

impl DeviceOptions {
    /// Opens the device and prints which it is and why, on standard error.
    ///
    /// # Errors
    /// As [`Backend::choose`].
    pub fn open(&self) -> Result<Chosen> {
        let text = if self.device.is_empty() { "auto" } else { &self.device };
        let chosen = block_on(Backend::choose(&text.parse::<DeviceChoice>()?, self.precision.into()))?;
        let info = chosen.backend.info();
        noteln!("device: {} via {} ({})", info.name, info.backend, chosen.reason);
        Ok(chosen)
    }
}

/// Parses `--size`: 32 or 32x48 (height x width).
///
/// # Errors
/// Anything else.
pub fn parse_size(text: &str) -> Result<(u32, u32)> {
    let wrong =
        || Error::argument(format!("--size: expected 32 or HEIGHTxWIDTH such as 32x48, each from 1 to {MAX_SIDE}, got {text}"));
    let side = |s: &str| s.trim().parse::<u32>().ok().filter(|n| (1..=MAX_SIDE).contains(n));
    let (h, w) = match text.split_once(['x', 'X']) {
        Some((h, w)) => (side(h), side(w)),
        None => (side(text), side(text)),
    };
    h.zip(w).ok_or_else(wrong)
}
