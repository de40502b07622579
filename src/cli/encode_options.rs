//! `--encode`: a picture in the place of the seed of x_T.

use super::pictures::fitted;
use clap::{Args, ValueEnum};
use etude::{
    error::{Error, Result},
    files,
    picture::decode,
    recipe::{Encoded, End, GivenPicture, Recipe},
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
    #[command(flatten)]
    pub how: EncodeHow,
}

/// How a picture is encoded to x_T.
#[derive(Clone, Debug, Default, Args)]
pub struct EncodeHow {
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
        let mut encoded = match (&self.encode, &recipe.encoded) {
            (Some(path), _) => {
                let diffusers = matches!(recipe.preset.as_str(), "diffusers" | "ddpm");
                let convention = if diffusers { Convention::Diffusers } else { Convention::Official }.into();
                let picture = read(path, recipe.size, channels)?;
                Encoded { picture, steps: recipe.steps, tau: recipe.tau.clone(), convention, refine: 0 }
            }
            (None, Some(encoded)) => encoded.clone(),
            (None, None) => {
                return match self.how.given() {
                    Some(option) => Err(Error::argument(format!("{option}: expected --encode PICTURE with it"))),
                    None => Ok(None),
                };
            }
        };
        self.how.apply(&mut encoded);
        Ok(Some(encoded))
    }
}

impl EncodeHow {
    /// The first of these options that is given.
    fn given(&self) -> Option<&'static str> {
        let all = [
            ("--encode-steps", self.encode_steps.is_some()),
            ("--encode-tau", self.encode_tau.is_some()),
            ("--encode-convention", self.encode_convention.is_some()),
            ("--encode-refine", self.encode_refine.is_some()),
        ];
        all.into_iter().find_map(|(option, given)| given.then_some(option))
    }

    fn apply(&self, encoded: &mut Encoded) {
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
    }

    /// The ends of an interpolation, as `recipe` draws it: seeds, or pictures that are encoded.
    ///
    /// # Errors
    /// Neither a number nor a picture; an option without a picture.
    pub fn ends(&self, ends: &[&str], recipe: &Recipe, channels: usize) -> Result<Vec<End>> {
        let recipe = Recipe { encoded: None, ..recipe.clone() };
        let end = |end: &&str| {
            if let Ok(seed) = end.parse::<u64>() {
                return Ok(End::Seed(seed));
            }
            let path = PathBuf::from(*end);
            if !path.is_file() {
                return Err(Error::argument(format!(
                    "--seeds: expected a seed (a whole number from 0) or the file of a picture, got {end:?}"
                )));
            }
            let options = EncodedOptions { encode: Some(path), how: self.clone() };
            let encoded = options.apply(&recipe, channels)?;
            encoded.map(|encoded| End::Encoded(Box::new(encoded))).ok_or_else(|| Error::argument("--seeds: expected a picture"))
        };
        let ends = ends.iter().map(end).collect::<Result<Vec<_>>>()?;
        match self.given() {
            Some(option) if ends.iter().all(|end| end.picture().is_none()) => {
                Err(Error::argument(format!("{option}: expected a picture among --seeds with it, got seeds alone")))
            }
            _ => Ok(ends),
        }
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
