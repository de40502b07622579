//! Whose way to invert a step of DDIM.

use super::{EncodeAt, Preset};
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Whose way to invert a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Convention {
    /// The paper's ODE, backwards.
    #[default]
    Official,
    /// DDIMInverseScheduler.
    Diffusers,
}

impl Convention {
    /// At which of a step's two times the network is asked, and whose conventions the steps have.
    pub fn steps(self) -> (EncodeAt, Preset) {
        match self {
            Self::Official => (EncodeAt::Source, Preset::Etude),
            Self::Diffusers => (EncodeAt::Target, Preset::Diffusers),
        }
    }

    /// As `--convention` takes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Official => "official",
            Self::Diffusers => "diffusers",
        }
    }
}

impl fmt::Display for Convention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Convention {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = [Self::Official, Self::Diffusers].into_iter().find(|convention| convention.name() == text);
        found.ok_or_else(|| Error::argument(format!("convention: expected official or diffusers, got {text:?}")))
    }
}
