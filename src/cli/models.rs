//! `etude models`: those in the program, those in the Hub's cache, and those of the Hub that are worth a look.

use super::{
    options::JsonOption,
    output::{object, outln},
};
use clap::Args;
use etude::{
    error::Result,
    hub::{self, Settings, WELL_KNOWN},
    model::{DEFAULT, EMBEDDED, Embedded, Model},
};
use serde_json::json;
use std::process::ExitCode;

/// Arguments of `etude models`.
#[derive(Clone, Debug, Args)]
pub struct ModelsArgs {
    #[command(flatten)]
    json: JsonOption,
}

/// Runs the command. No request is made.
///
/// # Errors
/// An embedded model that does not load, which does not happen.
pub fn run(args: &ModelsArgs) -> Result<ExitCode> {
    let settings = Settings::from_environment();
    if args.json.json {
        object(&facts(&settings)?)?;
        return Ok(ExitCode::SUCCESS);
    }
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

/// The same for a program.
fn facts(settings: &Settings) -> Result<serde_json::Value> {
    let embedded = |embedded: &Embedded| {
        let model = Model::embedded(embedded)?;
        let (height, width) = model.sample_size();
        Ok(json!({
            "name": embedded.name,
            "height": height,
            "width": width,
            "parameters": model.weights().parameters(),
            "default": embedded.name == DEFAULT,
        }))
    };
    let cached = hub::list(settings);
    let in_cache = |(snapshot, bytes): &(hub::Snapshot, u64)| json!({ "name": snapshot.name.repository(), "commit": snapshot.name.revision(), "bytes": bytes });
    let on_hub = |known: &hub::WellKnown| {
        let here = cached.iter().any(|(snapshot, _)| snapshot.name.repository() == known.name);
        json!({
            "name": known.name,
            "height": known.side,
            "width": known.side,
            "parameters": known.parameters,
            "megabytes": known.megabytes(),
            "licence": known.licence,
            "draws": known.draws,
            "in_cache": here,
        })
    };
    Ok(json!({
        "program": EMBEDDED.iter().map(embedded).collect::<Result<Vec<_>>>()?,
        "cache": { "folder": settings.cache.display().to_string(), "models": cached.iter().map(in_cache).collect::<Vec<_>>() },
        "hub": WELL_KNOWN.iter().map(on_hub).collect::<Vec<_>>(),
    }))
}
