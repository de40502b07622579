//! The models that come with the program: in the binary, or on a page as files beside it, of which only the weights are large.

use crate::error::Result;
#[cfg(target_arch = "wasm32")]
use crate::files;
use std::path::{Path, PathBuf};

/// A model that comes with the program.
#[derive(Debug)]
pub struct Embedded {
    /// What `--model` calls it.
    pub name: &'static str,
    /// config.json.
    pub config: &'static [u8],
    /// scheduler_config.json.
    pub scheduler: &'static [u8],
    /// diffusion_pytorch_model.safetensors.
    #[cfg(not(target_arch = "wasm32"))]
    pub weights: &'static [u8],
    /// The SHA-256 of that file.
    pub sha256: &'static str,
    /// card.json, for [`super::Card`].
    pub card: &'static str,
    /// The model card, Markdown.
    pub readme: &'static str,
}

macro_rules! embed {
    ($name:literal, $sha256:literal) => {
        Embedded {
            name: $name,
            config: include_bytes!(concat!("../../assets/models/", $name, "/config.json")),
            scheduler: include_bytes!(concat!("../../assets/models/", $name, "/scheduler_config.json")),
            #[cfg(not(target_arch = "wasm32"))]
            weights: include_bytes!(concat!("../../assets/models/", $name, "/diffusion_pytorch_model.safetensors")),
            sha256: $sha256,
            card: include_str!(concat!("../../assets/models/", $name, "/card.json")),
            readme: include_str!(concat!("../../assets/models/", $name, "/README.md")),
        }
    };
}

/// The models in the binary, made by training/. A static, as a constant's bytes are in the binary once for each crate that names it.
pub static EMBEDDED: &[Embedded] = &[
    embed!("emoji", "8c65544a739e836b5ea2fa46d36c4c7318e7ae27f9f26cffb27096fdf8da0816"),
    embed!("cifar10", "2de043c4561f0412e4be3bbd348a722f021a2d7d8f912a48319472d57f4595cf"),
    embed!("fashion", "c80969e1d0109ce76dfca09b16461045270f1a7d15e70e10082e4b9f2d8ab344"),
];

impl Embedded {
    /// Where its weights lie: in a page's files, and in what messages call them.
    pub fn weights_path(&self) -> PathBuf {
        Path::new("models").join(self.name).join(super::WEIGHTS)
    }

    /// The bytes of its weights.
    ///
    /// # Errors
    /// None here; a page may not have fetched them yet.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn weights(&self) -> Result<Vec<u8>> {
        Ok(self.weights.to_vec())
    }

    /// The bytes of its weights.
    ///
    /// # Errors
    /// They were not fetched.
    #[cfg(target_arch = "wasm32")]
    pub fn weights(&self) -> Result<Vec<u8>> {
        let path = self.weights_path();
        files::read(&path).map_err(|e| crate::error::Error::file(path, format!("cannot be read: {e}")))
    }
}

/// The name of the model that is used where none is named: the one that shows best what η and S do.
pub const DEFAULT: &str = "emoji";
