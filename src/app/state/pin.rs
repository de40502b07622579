//! What is pinned as A.

use crate::{picture::difference::FACTORS, program::Precision, recipe::Recipe};
use serde::{Deserialize, Serialize};

/// The run that is pinned as A; what the controls ask for stands beside it as B.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pin {
    /// How A is made, and which image of its batch it is.
    pub recipe: Box<Recipe>,
    /// Whether its size was left to its model.
    #[serde(default)]
    pub own_size: bool,
    /// Where it was computed, as `--device` takes it.
    #[serde(default = "any_device")]
    pub device: String,
    /// The arithmetic it was computed with.
    #[serde(default, alias = "f16", deserialize_with = "Precision::by_name_or_flag")]
    pub precision: Precision,
    /// By how much the difference is enlarged; `None` is as much as fits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enlarged: Option<u32>,
    /// Whether x_t is shown of both instead of the predicted x̂0.
    #[serde(default)]
    pub noisy: bool,
}

fn any_device() -> String {
    "auto".to_owned()
}

impl Pin {
    /// Brings what comes from a file into its range; `None` where its recipe cannot be understood.
    pub fn tidied(mut self) -> Option<Self> {
        self.recipe.viewer = None;
        self.enlarged = self.enlarged.map(|factor| factor.clamp(FACTORS[0], FACTORS[FACTORS.len() - 1]));
        self.recipe.request().is_ok().then_some(self)
    }
}
