//! `etude info`: a model's facts, or the recipe inside a picture.

use super::output::{out, outln};
use clap::Args;
use etude::{
    error::{Error, Result},
    model::{Card, EMBEDDED, Model},
    picture::recipe::read_recipe,
    program::Stage,
};
use std::{path::Path, process::ExitCode};

/// Arguments of `etude info`.
#[derive(Clone, Debug, Args)]
pub struct InfoArgs {
    /// A model's name or folder, or a picture etude wrote; nothing: the embedded models
    #[arg(value_name = "MODEL|FILE")]
    what: Option<String>,
    /// Also print the recorded program, one kernel call a line
    #[arg(long)]
    program: bool,
}

/// Runs the command.
///
/// # Errors
/// A model that does not load, a file that is no picture or has no recipe.
pub fn run(args: &InfoArgs) -> Result<ExitCode> {
    let Some(what) = &args.what else {
        for embedded in EMBEDDED {
            describe(&Model::embedded(embedded)?, args.program)?;
        }
        return Ok(ExitCode::SUCCESS);
    };
    let path = Path::new(what);
    if path.is_file() {
        let recipe = read_recipe(path)?;
        outln!("{}", recipe.ok_or_else(|| Error::file(path, "expected a picture with a recipe in it, got one without"))?);
        return Ok(ExitCode::SUCCESS);
    }
    describe(&super::model::find(what)?, args.program)?;
    if let Some(embedded) = EMBEDDED.iter().find(|e| e.name == what) {
        outln!("\n{}", embedded.readme.trim());
    }
    Ok(ExitCode::SUCCESS)
}

fn describe(model: &Model, with_program: bool) -> Result<()> {
    let config = &model.config;
    let (h, w) = model.sample_size();
    let (program, _) = model.record(1, h, w, 1)?;
    let flops = program.flops(Stage::Network, 1);
    outln!("{}", model.name);
    outln!("    sample      {} x {h} x {w} (sides in multiples of {})", config.in_channels, config.size_step());
    outln!("    channels    {}", config.block_out_channels.iter().map(u32::to_string).collect::<Vec<_>>().join(", "));
    outln!("    parameters  {}", model.weights().parameters());
    outln!("    operations  {:.3} GFLOP an image and step", flops * 1e-9);
    outln!("    weights     {} (CRC-32 {:08x})", model.weights().origin().display(), model.weights().crc32());
    match &model.scheduler {
        Some(s) => outln!(
            "    scheduler   {:?} betas {} to {}, T = {}, predicts {:?}",
            s.beta_schedule,
            s.beta_start,
            s.beta_end,
            s.num_train_timesteps,
            s.prediction_type
        ),
        None => outln!("    scheduler   none given: linear betas 0.0001 to 0.02, T = 1000, predicts epsilon"),
    }
    for (name, text) in model.card.iter().flat_map(Card::lines) {
        outln!("    {name:11} {text}");
    }
    if with_program {
        out!("{program}");
    }
    Ok(())
}
