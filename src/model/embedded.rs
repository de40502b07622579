//! The models in the binary.

/// A model compiled into the binary.
#[derive(Debug)]
pub struct Embedded {
    /// What `--model` calls it.
    pub name: &'static str,
    /// config.json.
    pub config: &'static [u8],
    /// scheduler_config.json.
    pub scheduler: &'static [u8],
    /// diffusion_pytorch_model.safetensors.
    pub weights: &'static [u8],
    /// card.json, for [`super::Card`].
    pub card: &'static str,
    /// The model card, Markdown.
    pub readme: &'static str,
}

macro_rules! embed {
    ($name:literal) => {
        Embedded {
            name: $name,
            config: include_bytes!(concat!("../../assets/models/", $name, "/config.json")),
            scheduler: include_bytes!(concat!("../../assets/models/", $name, "/scheduler_config.json")),
            weights: include_bytes!(concat!("../../assets/models/", $name, "/diffusion_pytorch_model.safetensors")),
            card: include_str!(concat!("../../assets/models/", $name, "/card.json")),
            readme: include_str!(concat!("../../assets/models/", $name, "/README.md")),
        }
    };
}

/// The models in the binary, made by training/. A static, as a constant's bytes are in the binary once for each crate that names it.
pub static EMBEDDED: &[Embedded] = &[embed!("emoji"), embed!("fashion")];

/// The name of the model that is used where none is named: the one that shows best what η and S do.
pub const DEFAULT: &str = "emoji";
