//! Models: a folder in diffusers' layout or one of the binary's, and the recorder that turns it into a [`crate::program::Program`].

mod attention;
mod block_types;
mod blocks;
mod card;
mod config;
mod embedded;
mod unet;

pub use card::Card;
pub use config::UnetConfig;
pub use embedded::{DEFAULT, EMBEDDED, Embedded};
pub use unet::RecordOptions;

#[cfg(not(target_arch = "wasm32"))]
use crate::hub;
use crate::{
    error::{Error, Result},
    files,
    hub::HubName,
    schedule::SchedulerConfig,
    weights::Weights,
};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

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
    weights: Weights,
    /// Packed weights by layer: packed once, shared by the programs of every batch size.
    packed: Mutex<HashMap<String, Arc<Vec<f32>>>>,
}

const CARD: &str = "card.json";
const WEIGHTS: &str = "diffusion_pytorch_model.safetensors";
/// The names diffusers saves weights under, the one we prefer first.
const WEIGHTS_NAMES: [&str; 3] = [WEIGHTS, "diffusion_pytorch_model.fp16.safetensors", "diffusion_pytorch_model.bin"];
/// The largest JSON file read; configs have a few KiB, one with 100,000 trained betas about two MiB.
const LARGEST_JSON: u64 = 16 << 20;

impl Model {
    /// The embedded model of this name, or else the folder, or else the model of the Hub's cache. No request is made.
    ///
    /// # Errors
    /// No such model or folder, or as [`Self::open`].
    pub fn find(name: &str) -> Result<Self> {
        if let Some(embedded) = EMBEDDED.iter().find(|e| e.name == name) {
            return Self::embedded(embedded);
        }
        let path = Path::new(name);
        if path.is_dir() {
            return Self::open(path);
        }
        #[cfg(not(target_arch = "wasm32"))]
        if let Some(hub) = HubName::parse(name) {
            return Self::of_cache(&hub);
        }
        let known: Vec<_> = EMBEDDED.iter().map(|e| e.name).collect();
        let what = format!(
            "expected the name of an embedded model ({}), a folder with config.json, or owner/name of a model on the Hub, got none of them",
            known.join(", ")
        );
        Err(Error::file(path, what))
    }

    /// Whether `name` is that of a model on the Hub, and of nothing that is here: neither embedded nor a folder.
    pub fn on_the_hub(name: &str) -> Option<HubName> {
        let is_here = EMBEDDED.iter().any(|e| e.name == name) || Path::new(name).is_dir();
        HubName::parse(name).filter(|_| !is_here)
    }

    /// A model of the Hub's cache.
    #[cfg(not(target_arch = "wasm32"))]
    fn of_cache(name: &HubName) -> Result<Self> {
        match hub::look_up(&hub::Settings::from_environment(), name, None) {
            hub::Cached::Whole(snapshot) | hub::Cached::WithoutScheduler(snapshot) => Self::of_snapshot(&snapshot),
            hub::Cached::No => Err(Error::hub(
                name.to_string(),
                "neither a folder here nor in the Hub's cache; choose it from the list of models, or ask a command for it, to have it fetched",
            )),
        }
    }

    /// A model from the Hub.
    ///
    /// # Errors
    /// As [`Self::open`].
    #[cfg(not(target_arch = "wasm32"))]
    pub fn of_snapshot(snapshot: &hub::Snapshot) -> Result<Self> {
        let model = Self::open(&snapshot.folder)?;
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
        let weights = Weights::from_bytes(embedded.weights.to_vec(), origin.join(WEIGHTS))?;
        let model = Self::new(embedded.name, None, config, Some(scheduler), weights)?;
        Ok(Self { card: Card::from_json(embedded.card.as_bytes(), &origin.join(CARD)), ..model })
    }

    /// Opens a folder in either of diffusers' layouts: everything at the root, or unet/ with scheduler/ beside it. The folder
    /// unet/ itself will do too.
    ///
    /// # Errors
    /// A missing, unreadable or wrong file; the message says which and what was expected.
    pub fn open(folder: &Path) -> Result<Self> {
        let inner = folder.join("unet");
        let root =
            if !folder.join("config.json").is_file() && inner.join("config.json").is_file() { inner } else { folder.to_owned() };
        let config_path = root.join("config.json");
        if !config_path.exists() {
            return Err(Error::file(
                config_path,
                "is missing; expected a folder in diffusers' layout, with config.json at its root or under unet/",
            ));
        }
        let config = UnetConfig::from_json(&read(&config_path)?, &config_path)?;
        let weights = Weights::open(&weights_file(&root)?)?;
        let beside = folder.parent().map(|p| p.join("scheduler"));
        let places = [Some(root.clone()), Some(folder.to_owned()), Some(folder.join("scheduler")), beside];
        let scheduler = places.iter().flatten().map(|p| p.join("scheduler_config.json")).find(|p| p.is_file());
        let scheduler = scheduler.map(|p| SchedulerConfig::from_json(&read(&p)?, &p)).transpose()?;
        let name = folder.file_name().map_or_else(|| folder.display().to_string(), |n| n.to_string_lossy().into_owned());
        let model = Self::new(&name, Some(folder.to_owned()), config, scheduler, weights)?;
        let card = root.join(CARD);
        Ok(Self { card: read(&card).ok().and_then(|bytes| Card::from_json(&bytes, &card)), ..model })
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
        let model =
            Self { name: name.to_owned(), folder, hub: None, config, scheduler, card: None, weights, packed: Mutex::default() };
        let step = model.config.size_step();
        model.record(1, step, step, 1)?;
        Ok(model)
    }

    /// The weights.
    pub fn weights(&self) -> &Weights {
        &self.weights
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

/// The weights in a model's folder, under whichever of [`WEIGHTS_NAMES`] is there.
fn weights_file(root: &Path) -> Result<PathBuf> {
    let there = |name: &str| Some(root.join(name)).filter(|path| path.exists());
    if let Some(found) = WEIGHTS_NAMES.iter().find_map(|name| there(name)) {
        return Ok(found);
    }
    // Larger models than any UNet2DModel published come in several files with an index.
    let sharded = WEIGHTS_NAMES.iter().find_map(|name| there(&format!("{name}.index.json")));
    Err(match sharded {
        Some(index) => Error::file(
            index,
            format!(
                "the weights are in several files, expected all in {WEIGHTS}; save the model again with max_shard_size=\"100GB\""
            ),
        ),
        None => Error::file(root, format!("expected the weights in {} or {}, found neither", WEIGHTS_NAMES[0], WEIGHTS_NAMES[2])),
    })
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let bad = |e: std::io::Error| Error::file(path, format!("cannot be read: {e}"));
    // A folder or a device has no size.
    let size = files::plain_size(path).map_err(bad)?;
    if size.is_none_or(|size| size > LARGEST_JSON) {
        let got = size.map_or("a folder or a device".to_owned(), |size| format!("{size} bytes"));
        return Err(Error::file(path, format!("expected a JSON file of at most {LARGEST_JSON} bytes, got {got}")));
    }
    files::read(path).map_err(bad)
}
