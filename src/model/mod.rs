//! Models: a folder in diffusers' layout or one of the binary's, and the recorder that turns it into a [`crate::program::Program`].

mod attention;
mod block_types;
mod blocks;
mod card;
mod config;
mod convert;
mod embedded;
mod folder;
mod listing;
mod record_options;
mod state_dict;
mod unet;
mod weights_files;

pub use card::Card;
pub use config::UnetConfig;
pub use embedded::{DEFAULT, EMBEDDED, Embedded};
pub use record_options::{Fused, RecordOptions};

use crate::{
    error::{Error, Result},
    files,
    hub::{self, HubName},
    schedule::SchedulerConfig,
    weights::Weights,
};
use folder::Found;
use listing::read;
use state_dict::{Code, pick};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};
use weights_files::WeightsFiles;

/// A U-Net's configuration, weights and scheduler.
#[derive(Debug)]
pub struct Model {
    /// The folder's name, the embedded model's, or `owner/name` of the Hub.
    pub name: String,
    /// The folder, `None` for an embedded model.
    pub folder: Option<PathBuf>,
    /// Of a model from the Hub: its name with the commit, by which a recipe finds the same weights on another machine.
    pub hub: Option<HubName>,
    /// From config.json.
    pub config: UnetConfig,
    /// From scheduler_config.json, where there is one.
    pub scheduler: Option<SchedulerConfig>,
    /// From card.json, where there is one: where the weights come from.
    pub card: Option<Card>,
    /// Where `scheduler` was read from.
    pub scheduler_file: Option<PathBuf>,
    /// What turns the network's output into a picture, where the output is an autoencoder's latents: its class and folder. It is not run.
    pub decoder: Option<String>,
    /// What is before every name in the weights file.
    pub prefix: String,
    /// What was chosen or assumed where the files leave it open, one sentence each.
    pub notes: Vec<String>,
    /// What is wrong with scheduler_config.json; nothing but sampling needs it.
    scheduler_fault: Option<Error>,
    weights: Weights,
    /// Packed weights by layer: packed once, shared by the programs of every batch size.
    packed: Mutex<HashMap<String, Arc<Vec<f32>>>>,
}

const CARD: &str = "card.json";
const WEIGHTS: &str = "diffusion_pytorch_model.safetensors";
/// Latents have about unit variance, so that nearly all of them lie within three: drawn at this scale they fit a picture's −1 to 1.
const LATENT_SCALE: f32 = 1.0 / 3.0;

impl Model {
    /// The embedded model of this name, or else the folder or file, or else the model of the Hub's cache; a variant of its weights may
    /// follow: `DIR#ema`. No request is made.
    ///
    /// # Errors
    /// No such model, folder, file or variant, or as [`Self::open`].
    pub fn find(name: &str) -> Result<Self> {
        Self::find_in(name, &hub::Settings::default())
    }

    /// As [`Self::find`], with the cache of `settings`.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn find_in(name: &str, settings: &hub::Settings) -> Result<Self> {
        let (name, variant) = split_variant(name);
        if let Some(embedded) = EMBEDDED.iter().find(|e| e.name == name) {
            if let Some(variant) = variant {
                return Err(Error::argument(format!("--variant {variant}: the embedded model {name} has no variants")));
            }
            return Self::embedded(embedded);
        }
        let path = Path::new(name);
        if files::exists(path) {
            return Self::open_variant(path, variant);
        }
        if let Some(hub) = Self::on_the_hub(name) {
            return match hub::look_up(settings, &hub, variant) {
                hub::Cached::Whole(snapshot) | hub::Cached::WithoutScheduler(snapshot) => {
                    Self::of_snapshot_variant(&snapshot, variant)
                }
                hub::Cached::No => Err(Error::hub(
                    name,
                    "neither a folder here nor in the Hub's cache; name it, with --model or in the viewer's list, to have it fetched",
                )),
            };
        }
        let known: Vec<_> = EMBEDDED.iter().map(|e| e.name).collect();
        let what = format!(
            "expected the name of an embedded model ({}), a folder with config.json, a file of weights, or owner/name of a model on the Hub, got \
             none of them",
            known.join(", ")
        );
        Err(Error::file(path, what))
    }

    /// Whether `name` is that of a model on the Hub, and of nothing that is here: neither embedded nor a folder or a file. What it says of
    /// a variant is in [`variant_of`].
    pub fn on_the_hub(name: &str) -> Option<HubName> {
        HubName::from_user(split_variant(name).0).filter(|_| !is_here(name))
    }

    /// A model from the Hub.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn of_snapshot(snapshot: &hub::Snapshot) -> Result<Self> {
        Self::of_snapshot_variant(snapshot, None)
    }

    /// As [`Self::of_snapshot`], with the weights of `variant`.
    ///
    /// # Errors
    /// As [`Self::open_variant`].
    pub fn of_snapshot_variant(snapshot: &hub::Snapshot, variant: Option<&str>) -> Result<Self> {
        let model = Self::open_variant(&snapshot.folder, variant)?;
        Ok(Self { name: snapshot.name.repository(), hub: Some(snapshot.name.clone()), ..model })
    }

    /// A model of the binary.
    ///
    /// # Errors
    /// As [`Self::new`]; the shipped ones have none.
    pub fn embedded(embedded: &Embedded) -> Result<Self> {
        let origin = Path::new(embedded.name);
        let config = UnetConfig::from_json(embedded.config, &origin.join("config.json"))?;
        let scheduler = SchedulerConfig::from_json(embedded.scheduler, origin.join("scheduler_config.json"))?;
        let weights = Weights::from_bytes(embedded.weights()?, origin.join(WEIGHTS))?;
        let model = Self::new(embedded.name, None, config, Some(scheduler), weights)?;
        Ok(Self { card: Card::from_json(embedded.card.as_bytes(), &origin.join(CARD)), ..model })
    }

    /// Opens a folder in either of diffusers' layouts, everything at the root or unet/ with scheduler/ beside it, such a unet/ itself, or
    /// a file of weights. What is asked of each is in [`folder`].
    ///
    /// # Errors
    /// A missing, unreadable or wrong file; the message says which and what was expected. A wrong scheduler is none yet: see
    /// [`Self::usable_scheduler`].
    pub fn open(path: &Path) -> Result<Self> {
        Self::open_variant(path, None)
    }

    /// As [`Self::open`], with the weights of `variant` where several lie side by side.
    ///
    /// # Errors
    /// As [`Self::open`]; there is no such variant.
    pub fn open_variant(path: &Path, variant: Option<&str>) -> Result<Self> {
        let Found { name, config, weights, scheduler: scheduler_path, root, decoder, variant, mut notes } =
            folder::find(path, variant)?;
        let weights = match &weights {
            WeightsFiles::One(file) => Weights::open(file)?,
            WeightsFiles::Shards { index, parts } => Weights::open_shards(index, parts)?,
        };
        let picked = pick(weights, variant.as_deref())?;
        notes.extend(picked.notes.iter().cloned());
        let decoder = decoder.or_else(|| picked.autoencoder.then(|| "first_stage_model in the checkpoint".to_owned()));
        let read_scheduler = |p: &PathBuf| SchedulerConfig::from_json(&read(p)?, p);
        let (mut scheduler, scheduler_fault) = match scheduler_path.as_ref().map(read_scheduler).transpose() {
            Ok(scheduler) => (scheduler, None),
            Err(fault) => (None, Some(fault)),
        };
        let prefix = picked.prefix.clone();
        let (config, weights) = match (picked.code, config) {
            (Some(Code::Diffusers) | None, Some(file)) => (UnetConfig::from_json(&read(&file)?, &file)?, picked.weights),
            (Some(Code::Diffusers), None) => {
                return Err(Error::file(
                    root.join("config.json"),
                    "is missing; expected it beside the weights, as diffusers saves it",
                ));
            }
            (None, None) => return Err(state_dict::unknown(&picked)),
            (Some(code), file) => {
                let said = file.as_ref().map(|file| convert::said(&read(file)?, file)).transpose()?.unwrap_or_default();
                let converted = convert::convert(code, picked.weights, &convert::Beside { said, betas: picked.betas })?;
                notes.push(converted.note(scheduler_path.is_some()));
                if scheduler.is_none() && scheduler_fault.is_none() {
                    scheduler = Some(converted.scheduler);
                }
                let origin = file.unwrap_or_else(|| converted.weights.origin().to_owned());
                let json = serde_json::Value::Object(converted.config).to_string();
                let config = UnetConfig::from_json(json.as_bytes(), &origin)?;
                (UnetConfig { attention_heads: converted.heads, ..config }, converted.weights)
            }
        };
        let model = Self::new(&name, Some(path.to_owned()), config, scheduler, weights)?;
        let card = root.join(CARD);
        let card = read(&card).ok().and_then(|bytes| Card::from_json(&bytes, &card));
        let scheduler_file = scheduler_path;
        let model = Self { card, scheduler_file, scheduler_fault, decoder, prefix, notes, ..model };
        Ok(model)
    }

    /// A model from its parts. Records it once at the smallest size, so that a missing or misshapen weight shows here.
    ///
    /// # Errors
    /// A weight that is missing, misshapen or not finite.
    pub fn new(
        name: &str,
        folder: Option<PathBuf>,
        config: UnetConfig,
        scheduler: Option<SchedulerConfig>,
        weights: Weights,
    ) -> Result<Self> {
        let model = Self {
            name: name.to_owned(),
            folder,
            config,
            scheduler,
            card: None,
            hub: None,
            scheduler_file: None,
            decoder: None,
            prefix: String::new(),
            notes: Vec::new(),
            scheduler_fault: None,
            weights,
            packed: Mutex::default(),
        };
        let step = model.config.size_step();
        model.record(1, step, step, 1)?;
        Ok(model)
    }

    /// The weights.
    pub fn weights(&self) -> &Weights {
        &self.weights
    }

    /// The scheduler, or what is assumed where there is none.
    ///
    /// # Errors
    /// scheduler_config.json is there but cannot be used.
    pub fn usable_scheduler(&self) -> Result<SchedulerConfig> {
        match &self.scheduler_fault {
            Some(Error::File { path, what }) => Err(Error::file(path, what)),
            Some(other) => Err(Error::argument(other.to_string())),
            None => Ok(self.scheduler.clone().unwrap_or_default()),
        }
    }

    /// What whoever looks at the pictures ought to know: [`Self::notes`], what is assumed for want of a scheduler, and whether the
    /// pictures are pictures at all.
    pub fn all_notes(&self) -> Vec<String> {
        self.notes.iter().cloned().chain(self.assumed()).chain(self.latents_note()).collect()
    }

    /// What is assumed where there is no scheduler.
    pub fn assumed(&self) -> Option<String> {
        let folder = self.folder.as_deref().filter(|_| self.scheduler.is_none() && self.scheduler_fault.is_none())?;
        let SchedulerConfig { beta_start, beta_end, num_train_timesteps, prediction_type, .. } = SchedulerConfig::default();
        Some(format!(
            "no scheduler_config.json in {} or above it; assumed: linear betas {beta_start} to {beta_end}, T = {num_train_timesteps}, \
             predicts {prediction_type}",
            folder.display()
        ))
    }

    /// Whether the network's output is an autoencoder's latents: a pipeline says so, or it has more channels than any picture.
    pub fn makes_latents(&self) -> bool {
        self.decoder.is_some() || self.config.in_channels > 3
    }

    /// What the network's output is multiplied by to be drawn: 1, or for latents, which have about unit variance, a third.
    pub fn picture_scale(&self) -> f32 {
        if self.makes_latents() { LATENT_SCALE } else { 1.0 }
    }

    /// That the pictures are latents, and how they are drawn.
    pub fn latents_note(&self) -> Option<String> {
        let channels = self.config.in_channels;
        let whose = match &self.decoder {
            Some(decoder) => format!("latents, for the decoder {decoder}, which is not run"),
            None if self.makes_latents() => format!("{channels} channels, as latents have, not a picture"),
            None => return None,
        };
        let how = match channels {
            1 | 2 => "the first channel as a grey",
            3 => "its channels as red, green and blue",
            _ => "the first three channels as red, green and blue",
        };
        Some(format!("the network makes {whose}; drawn are a third of its values (-3 black, 3 white), {how}"))
    }

    /// Height and width to sample at: the config's, or 32.
    pub fn sample_size(&self) -> (u32, u32) {
        self.config.sample_size.unwrap_or((32, 32))
    }

    /// The packed weights of `key`, made by `pack` the first time.
    fn packed(&self, key: &str, pack: impl FnOnce() -> Result<Vec<f32>>) -> Result<Arc<Vec<f32>>> {
        let mut packed = self.packed.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(found) = packed.get(key) {
            return Ok(found.clone());
        }
        let made = Arc::new(pack()?);
        packed.insert(key.to_owned(), made.clone());
        Ok(made)
    }
}

/// What [`Model::find`] calls a variant of a model's weights.
pub fn with_variant(name: &str, variant: Option<&str>) -> String {
    variant.map_or_else(|| name.to_owned(), |variant| format!("{name}#{variant}"))
}

/// Endings of files that hold weights, or say where they are.
const WEIGHTS_ENDINGS: [&str; 6] = ["safetensors", "bin", "pt", "pth", "ckpt", "json"];

/// Whether a file's name says that it holds weights (or is the index of such files), and no picture.
pub fn is_weights_file(path: &Path) -> bool {
    path.extension().is_some_and(|e| WEIGHTS_ENDINGS.iter().any(|known| e.eq_ignore_ascii_case(known)))
}

/// Whether a model of this name is here: embedded, or a folder or a file that exists.
pub fn is_here(name: &str) -> bool {
    let (name, _) = split_variant(name);
    EMBEDDED.iter().any(|e| e.name == name) || files::exists(Path::new(name))
}

/// The variant that a model's name ends with, as [`with_variant`] puts it.
pub fn variant_of(name: &str) -> Option<&str> {
    split_variant(name).1
}

/// The model and the variant that [`with_variant`] put together. A folder may have a # in its own name.
fn split_variant(name: &str) -> (&str, Option<&str>) {
    match name.rsplit_once('#') {
        Some((model, variant)) if !model.is_empty() && !variant.is_empty() && !files::exists(Path::new(name)) => {
            (model, Some(variant))
        }
        _ => (name, None),
    }
}
