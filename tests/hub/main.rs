//! Models from the Hub, against a server that behaves like it: what is fetched and where it lies, interruptions of every kind, refusals in
//! one line, and that nothing that is not whole ever looks whole. compat.py has the same with Python's huggingface_hub.

mod cli;
mod fuzz;
mod interruptions;
mod refusals;
mod server;
mod whole;

use etude::hub::{Cached, HubName, Settings, Snapshot, Watch, fetch, look_up};
use server::FakeHub;
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

const NAME: &str = "someone/a-model";
const WEIGHTS: &str = "diffusion_pytorch_model.safetensors";

/// A cache of its own, and a Hub.
struct Place {
    folder: tempfile::TempDir,
    hub: FakeHub,
}

impl Place {
    /// With a small model on the Hub, in the company of files that nobody needs.
    fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().expect("a temporary folder"), hub: FakeHub::new() };
        let (config, weights) = (fixture("config.json"), fixture(WEIGHTS));
        place.hub.add(
            NAME,
            &[
                (".gitattributes", b"x"),
                ("README.md", b"a model"),
                ("config.json", &config),
                (WEIGHTS, &weights),
                ("diffusion_pytorch_model.bin", &[1; 500]),
                ("images/0.png", &[2; 500]),
                ("model_index.json", br#"{"_class_name":"DDPMPipeline","unet":["diffusers","UNet2DModel"]}"#),
                ("scheduler_config.json", br#"{"_class_name":"DDPMScheduler","num_train_timesteps":1000}"#),
            ],
        );
        place
    }

    fn settings(&self) -> Settings {
        Settings {
            cache: self.folder.path().join("hub"),
            endpoint: self.hub.endpoint.clone(),
            token: None,
            offline: false,
            links: true,
            silence: Duration::from_secs(1),
            pause: Duration::from_millis(5),
        }
    }

    fn fetch(&self, name: &str) -> Result<Snapshot, String> {
        fetch_with(&self.settings(), name)
    }

    /// Fetches what must come.
    fn succeed(&self) -> Snapshot {
        let snapshot = self.fetch(NAME).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(fs::read(snapshot.folder.join(WEIGHTS)).expect("readable"), fixture(WEIGHTS));
        snapshot
    }

    /// Fetches what must be refused: in one line, and with nothing in the cache that looks whole.
    fn refused(&self, name: &str) -> String {
        let error = self.fetch(name).expect_err("refused");
        assert!(!error.contains('\n') && error.starts_with(name), "{error}");
        assert_eq!(self.whole(), Vec::<PathBuf>::new(), "{error}");
        error
    }

    /// Blobs that have their names, and everything in snapshots.
    fn whole(&self) -> Vec<PathBuf> {
        let is_whole = |path: &PathBuf| {
            let text = path.display().to_string();
            text.contains("/snapshots/") || text.contains("/refs/") || (text.ends_with(&server::sha256(&fixture(WEIGHTS))))
        };
        self.files().into_iter().filter(is_whole).collect()
    }

    fn files(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        collect(self.folder.path(), &mut found);
        found.sort();
        found
    }

    fn model_folder(&self) -> PathBuf {
        self.folder.path().join("hub/models--someone--a-model")
    }

    /// What has come of the weights.
    fn incomplete(&self) -> PathBuf {
        self.model_folder().join(format!("blobs/{}.incomplete", server::sha256(&fixture(WEIGHTS))))
    }
}

fn fetch_with(settings: &Settings, name: &str) -> Result<Snapshot, String> {
    let name = HubName::parse(name).expect("a name");
    fetch(settings, None, &Watch::new(name, || {})).map_err(|error| error.to_string())
}

fn cached(settings: &Settings, name: &str) -> Cached {
    look_up(settings, &HubName::parse(name).expect("a name"), None)
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() && !entry.path().is_symlink() { collect(&entry.path(), found) } else { found.push(entry.path()) }
    }
}

fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/trajectories/model").join(name);
    fs::read(path).expect("a fixture")
}
