//! `--encode`: a picture in the place of the seed of x_T.

use super::pictures::fitted;
use clap::{Args, ValueEnum};
use etude::{
    error::{Error, Result},
    files,
    picture::decode,
    recipe::{Encoded, GivenPicture, Recipe},
    schedule,
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// Whose way to invert a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Convention {
    /// The paper's ODE, backwards: the network is asked where the step comes from
    #[default]
    Official,
    /// DDIMInverseScheduler: the network is asked at the timestep the step goes to; τ, clipping and ᾱ past the end are the config's
    Diffusers,
}

impl From<Convention> for schedule::Convention {
    fn from(convention: Convention) -> Self {
        match convention {
            Convention::Official => Self::Official,
            Convention::Diffusers => Self::Diffusers,
        }
    }
}

/// Which picture x_T is encoded from, and how.
#[derive(Clone, Debug, Default, Args)]
pub struct EncodedOptions {
    /// Start from what this picture is encoded to, in the place of the seed's x_T; the picture travels in the recipe
    #[arg(long, value_name = "PICTURE")]
    pub encode: Option<PathBuf>,
    /// S of the way from the picture up to x_T [default: that of the way back]
    #[arg(long, value_name = "S")]
    pub encode_steps: Option<usize>,
    /// τ of the way up [default: that of the way back]
    #[arg(long, value_name = "TAU", allow_hyphen_values = true)]
    pub encode_tau: Option<String>,
    /// Whose convention the way up has [default: official, with --preset diffusers or ddpm: diffusers]
    #[arg(long, value_enum)]
    pub encode_convention: Option<Convention>,
    /// Passes of a fixed-point iteration after each step up [default: 0]
    #[arg(long, value_name = "K")]
    pub encode_refine: Option<usize>,
}

impl EncodedOptions {
    /// What `recipe`, whose own picture is that of the recipe it came from, starts from with these options.
    ///
    /// # Errors
    /// A file that is no picture; an option without a picture.
    pub fn apply(&self, recipe: &Recipe, channels: usize) -> Result<Option<Encoded>> {
        let of_options = [
            ("--encode-steps", self.encode_steps.is_some()),
            ("--encode-tau", self.encode_tau.is_some()),
            ("--encode-convention", self.encode_convention.is_some()),
            ("--encode-refine", self.encode_refine.is_some()),
        ];
        let mut encoded = match (&self.encode, &recipe.encoded) {
            (Some(path), _) => {
                let diffusers = matches!(recipe.preset.as_str(), "diffusers" | "ddpm");
                let convention = if diffusers { Convention::Diffusers } else { Convention::Official }.into();
                let picture = read(path, recipe.size, channels)?;
                Encoded { picture, steps: recipe.steps, tau: recipe.tau.clone(), convention, refine: 0 }
            }
            (None, Some(encoded)) => encoded.clone(),
            (None, None) => {
                return match of_options.into_iter().find(|(_, given)| *given) {
                    Some((option, _)) => Err(Error::argument(format!("{option}: expected --encode PICTURE with it"))),
                    None => Ok(None),
                };
            }
        };
        if let Some(steps) = self.encode_steps {
            encoded.steps = steps;
        }
        if let Some(tau) = &self.encode_tau {
            encoded.tau = Some(tau.clone());
        }
        if let Some(convention) = self.encode_convention {
            encoded.convention = convention.into();
        }
        if let Some(refine) = self.encode_refine {
            encoded.refine = refine;
        }
        Ok(Some(encoded))
    }
}

/// The picture of a file at the size that the network takes.
fn read(path: &Path, size: (u32, u32), channels: usize) -> Result<GivenPicture> {
    let bytes = files::read(path).map_err(|e| Error::file(path, format!("cannot be read: {e}")))?;
    let picture = decode::decode(&bytes, path)?;
    let picture = fitted(path, &picture, size);
    decode::to_nchw(&picture, channels).map_err(|e| Error::file(path, e.to_string()))?;
    let name = path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned());
    Ok(GivenPicture { name, picture: Arc::new(picture) })
}
