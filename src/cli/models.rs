//! `etude models`: those in the program, those in the Hub's cache, and those of the Hub that are worth a look.

use super::output::outln;
use clap::Args;
use etude::{
    error::Result,
    hub::{self, Settings, WELL_KNOWN},
    model::{DEFAULT, EMBEDDED, Model},
};
use std::process::ExitCode;

/// Arguments of `etude models`.
#[derive(Clone, Debug, Args)]
pub struct ModelsArgs {}

/// Runs the command. No request is made.
///
/// # Errors
/// An embedded model that does not load, which does not happen.
pub fn run(_: &ModelsArgs) -> Result<ExitCode> {
    let settings = Settings::from_environment();
    outln!("In the program:");
    for embedded in EMBEDDED {
        let model = Model::embedded(embedded)?;
        let (h, w) = model.sample_size();
        let default = if embedded.name == DEFAULT { ", the default" } else { "" };
        outln!("    {:32} {h} x {w} pixels, {:.1} M parameters{default}", embedded.name, model.weights().parameters() as f64 / 1e6);
    }
    let cached = hub::list(&settings);
    outln!("In the Hub's cache, {}:", settings.cache.display());
    for (snapshot, size) in &cached {
        outln!("    {:32} {}, commit {}", snapshot.name.repository(), hub::bytes(*size), snapshot.name.revision());
    }
    if cached.is_empty() {
        outln!("    none");
    }
    outln!("On the Hub, fetched when --model names them, as any other owner/name:");
    for known in WELL_KNOWN {
        let here = if cached.iter().any(|(snapshot, _)| snapshot.name.repository() == known.name) { ", here already" } else { "" };
        let (side, size, licence) = (known.side, known.megabytes(), known.licence);
        outln!("    {:32} {side} x {side} pixels, {size} MB, {licence}: {}{here}", known.name, known.draws);
    }
    Ok(ExitCode::SUCCESS)
}
