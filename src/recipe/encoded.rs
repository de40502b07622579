//! x_T as what a picture is encoded to, in the place of a seed's.

use super::given_picture::GivenPicture;
use crate::{
    error::{Error, Result},
    picture::decode,
    schedule::{Convention, Schedule, SchedulerConfig, Spacing},
};
use serde::{Deserialize, Serialize};

/// A picture, and how it is encoded to x_T.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Encoded {
    /// The picture.
    pub picture: GivenPicture,
    /// S of the way up.
    pub steps: usize,
    /// τ of the way up; null is the convention's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tau: Option<String>,
    /// Whose convention.
    #[serde(default)]
    pub convention: Convention,
    /// Passes of a fixed-point iteration after each step.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub refine: usize,
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}

impl Encoded {
    /// The steps from the picture to x_T, at most `max_steps`.
    ///
    /// # Errors
    /// As [`Schedule::encode`]; a τ of no such name.
    pub fn schedule(&self, config: &SchedulerConfig, max_steps: usize) -> Result<Schedule> {
        let spacing = self.tau.as_deref().map(str::parse::<Spacing>).transpose()?;
        let (at, preset) = self.convention.steps();
        let schedule = Schedule::encode(config, self.steps.min(max_steps), spacing, at, preset);
        schedule.map_err(|e| Error::argument(format!("encoding {}: {e}", self.picture.name)))
    }

    /// The picture as a network is given it, `[C, H, W]` in [-1, 1]; cropped and scaled where it has another size.
    ///
    /// # Errors
    /// A network of other than 1 or 3 channels.
    pub fn x_0(&self, channels: usize, height: usize, width: usize) -> Result<Vec<f32>> {
        decode::to_nchw_of_size(&self.picture.picture, channels, height, width)
    }
}

/// An end of an interpolation: image 0 of a seed, or a picture that is encoded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum End {
    /// Seed of x_T.
    Seed(u64),
    /// What is encoded to x_T.
    Encoded(Box<Encoded>),
}

impl End {
    /// The seed, or the picture's name, cut where it is long.
    pub fn short_name(&self) -> String {
        match self {
            Self::Seed(seed) => seed.to_string(),
            Self::Encoded(encoded) => encoded.picture.short_name(),
        }
    }

    /// The picture, where it is one.
    pub fn picture(&self) -> Option<&Encoded> {
        match self {
            Self::Seed(_) => None,
            Self::Encoded(encoded) => Some(encoded),
        }
    }
}

impl From<u64> for End {
    fn from(seed: u64) -> Self {
        Self::Seed(seed)
    }
}
