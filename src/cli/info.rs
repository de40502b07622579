//! `etude info`: a model's facts, or the recipe inside a picture.

use super::{
    markdown::as_text,
    options::JsonOption,
    output::{object, out, outln},
};
use clap::Args;
use etude::{
    error::{Error, Result},
    model::{Card, EMBEDDED, Model, is_weights_file, with_variant},
    picture::recipe::read_recipe,
    program::Stage,
    schedule::BetaSchedule,
    weights::Weights,
};
use serde_json::{Value, json};
use std::{path::Path, process::ExitCode};

/// Arguments of `etude info`.
#[derive(Clone, Debug, Args)]
pub struct InfoArgs {
    /// A model's name, folder or file of weights, or a picture etude wrote; nothing: the embedded models
    #[arg(value_name = "MODEL|FILE")]
    what: Option<String>,
    /// Of weights that lie side by side those of this name: fp16, ema, non_ema, …
    #[arg(long, value_name = "NAME", requires = "what")]
    variant: Option<String>,
    /// Also print the recorded program, one kernel call per line
    #[arg(long)]
    program: bool,
    #[command(flatten)]
    json: JsonOption,
}

/// Runs the command.
///
/// # Errors
/// A model that does not load, a file that is neither a picture nor weights, a picture without a recipe.
pub fn run(args: &InfoArgs) -> Result<ExitCode> {
    let json = args.json.json;
    let Some(what) = &args.what else {
        if json {
            let all =
                EMBEDDED.iter().map(|embedded| facts(&Model::embedded(embedded)?, args.program)).collect::<Result<Vec<_>>>()?;
            object(&json!({ "models": all }))?;
            return Ok(ExitCode::SUCCESS);
        }
        for embedded in EMBEDDED {
            describe(&Model::embedded(embedded)?, args.program)?;
        }
        return Ok(ExitCode::SUCCESS);
    };
    let path = Path::new(what);
    if path.is_file() && !is_weights_file(path) {
        let recipe = read_recipe(path)?;
        outln!("{}", recipe.ok_or_else(|| Error::file(path, "expected a picture with a recipe in it, got one without"))?);
        return Ok(ExitCode::SUCCESS);
    }
    match super::model::find(&with_variant(what, args.variant.as_deref())) {
        Ok(model) if json => {
            object(&facts(&model, args.program)?)?;
            return model.usable_scheduler().map(|_| ExitCode::SUCCESS);
        }
        Ok(model) => describe(&model, args.program)?,
        // No model alone, perhaps, but tensors that can be listed.
        Err(error) if path.is_file() && args.variant.is_none() => {
            let Ok(weights) = Weights::open(path) else { return Err(error) };
            if json {
                object(&tensors(&weights))?;
            } else {
                list(&weights);
            }
            return Err(error);
        }
        Err(error) => return Err(error),
    }
    if let Some(embedded) = EMBEDDED.iter().find(|e| e.name == what) {
        outln!("\n{}", as_text(embedded.readme.trim()));
    }
    Ok(ExitCode::SUCCESS)
}

/// The tensors of a file that is no model.
fn list(weights: &Weights) {
    const SHOWN: usize = 12;
    let names = weights.names();
    outln!("{}", weights.origin().display());
    outln!("    tensors     {}, {} numbers (CRC-32 {:08x})", names.len(), weights.parameters(), weights.crc32());
    for name in names.iter().take(SHOWN) {
        let (shape, dtype) = (weights.shape(name).unwrap_or_default(), weights.dtype(name).unwrap_or_default());
        outln!("    {} {dtype} {shape:?}", name.replace(char::is_control, " "));
    }
    if names.len() > SHOWN {
        outln!("    and {} more", names.len() - SHOWN);
    }
}

/// The same, all of them, for a program.
fn tensors(weights: &Weights) -> Value {
    let tensor = |name: &String| json!({ "name": name, "dtype": weights.dtype(name), "shape": weights.shape(name) });
    json!({
        "file": weights.origin(),
        "numbers": weights.parameters(),
        "crc32": format!("{:08x}", weights.crc32()),
        "tensors": weights.names().iter().map(tensor).collect::<Vec<_>>(),
    })
}

/// A model's facts for a program. A scheduler that cannot be used is null.
///
/// # Errors
/// A network that cannot be recorded.
fn facts(model: &Model, with_program: bool) -> Result<Value> {
    let config = &model.config;
    let (height, width) = model.sample_size();
    let (program, _) = model.record(1, height, width, 1)?;
    let scheduler = model.usable_scheduler().ok().map(|s| {
        json!({
            "beta_schedule": s.beta_schedule.to_string(),
            "beta_start": s.beta_start,
            "beta_end": s.beta_end,
            "trained_betas": s.trained_betas,
            "train_timesteps": s.num_train_timesteps,
            "predicts": s.prediction_type.to_string(),
            "file": model.scheduler_file,
            "assumed": if model.scheduler.is_some() { None } else { model.assumed() },
        })
    });
    let card = model.card.as_ref().map(|card| {
        let lines = card.lines().into_iter().map(|(name, text)| (name.to_owned(), Value::from(text)));
        lines.collect::<serde_json::Map<_, _>>()
    });
    let mut facts = json!({
        "name": model.name,
        "sample": [config.in_channels, height, width],
        "size_step": config.size_step(),
        "channels": config.block_out_channels,
        "outputs": config.out_channels,
        "learns_variance": config.learns_variance(),
        "classes": config.num_classes,
        "parameters": model.weights().parameters(),
        "gflop_per_image_and_step": program.flops(Stage::Network, 1) * 1e-9,
        "weights": {
            "file": model.weights().origin(),
            "files": model.weights().files(),
            "crc32": format!("{:08x}", model.weights().crc32()),
            "prefix": model.prefix,
        },
        "scheduler": scheduler,
        "notes": model.notes.iter().chain(&model.latents_note()).collect::<Vec<_>>(),
        "card": card,
    });
    if with_program {
        facts["program"] = program.to_string().lines().collect::<Vec<_>>().into();
    }
    Ok(facts)
}

/// A model's facts, whatever its scheduler is.
///
/// # Errors
/// Its scheduler cannot be used; the facts are printed all the same.
fn describe(model: &Model, with_program: bool) -> Result<()> {
    let config = &model.config;
    let (h, w) = model.sample_size();
    let (program, _) = model.record(1, h, w, 1)?;
    let flops = program.flops(Stage::Network, 1);
    outln!("{}", model.name);
    outln!("    sample      {} x {h} x {w} (sides in multiples of {})", config.in_channels, config.size_step());
    outln!("    channels    {}", config.block_out_channels.iter().map(u32::to_string).collect::<Vec<_>>().join(", "));
    if config.learns_variance() {
        let (prediction, all) = (config.prediction_channels(), config.out_channels);
        outln!(
            "    outputs     {all}: the first {prediction} are the prediction, the others a learned variance, which sampling does without"
        );
    } else if config.out_channels != config.in_channels {
        outln!("    outputs     {}, so it cannot be sampled from; `etude eps` evaluates it", config.out_channels);
    }
    outln!("    parameters  {}", model.weights().parameters());
    outln!("    operations  {:.3} GFLOP per image and step", flops * 1e-9);
    let files = if model.weights().files() > 1 { format!("{} files of ", model.weights().files()) } else { String::new() };
    outln!("    weights     {files}{} (CRC-32 {:08x})", model.weights().origin().display(), model.weights().crc32());
    if !model.prefix.is_empty() {
        outln!("    names       behind {}", model.prefix);
    }
    match model.usable_scheduler() {
        Ok(s) if model.scheduler.is_some() => {
            let betas = match &s.trained_betas {
                Some(betas) => format!("{} betas of its own", betas.len()),
                // The cosine has no other parameter than T.
                None if s.beta_schedule == BetaSchedule::SquaredcosCapV2 => format!("{} betas", s.beta_schedule),
                None => format!("{} betas {} to {}", s.beta_schedule, s.beta_start, s.beta_end),
            };
            outln!("    scheduler   {betas}, T = {}, predicts {}", s.num_train_timesteps, s.prediction_type);
            if let Some(file) = &model.scheduler_file {
                outln!("                {}", file.display());
            }
        }
        Ok(_) => outln!("    scheduler   {}", model.assumed().unwrap_or_default()),
        Err(_) => outln!("    scheduler   cannot be used, see below"),
    }
    for note in model.notes.iter().chain(&model.latents_note()) {
        outln!("    note        {note}");
    }
    for (name, text) in model.card.iter().flat_map(Card::lines) {
        outln!("    {name:11} {text}");
    }
    if with_program {
        out!("{program}");
    }
    model.usable_scheduler().map(drop)
}
