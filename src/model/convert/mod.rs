//! Checkpoints of research codes: their tensors' names become diffusers', and the configuration, which is in no file, follows from the
//! tensors' shapes. One code per file. What shapes do not say is assumed as the code's published models have it, said in a note, and may
//! be told by a config.json beside the weights.

mod adm;
mod ermon;
mod lucidrains;
mod names;

use super::state_dict::Code;
use crate::{
    error::{Error, Result},
    json,
    schedule::{BetaSchedule, SchedulerConfig},
    weights::Weights,
};
use names::Converted;
use serde_json::{Map, Value};
use std::path::Path;

/// What is known of a checkpoint beside its tensors.
#[derive(Debug, Default)]
pub(super) struct Beside {
    /// config.json beside it: by the keys of diffusers or of the code itself.
    pub said: Map<String, Value>,
    /// Every β, where the checkpoint has them.
    pub betas: Option<Vec<f64>>,
}

/// config.json beside a research code's checkpoint.
///
/// # Errors
/// Not a JSON object.
pub(super) fn said(json: &[u8], origin: &Path) -> Result<Map<String, Value>> {
    match json::parse(json) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(Error::file(origin, "expected a JSON object with what the checkpoint does not say of itself")),
        Err(e) => Err(Error::file(origin, format!("not valid JSON: {e}"))),
    }
}

/// Converts a checkpoint of `code`.
///
/// # Errors
/// A network that cannot be run, or tensors that do not fit its structure; the message names the key.
pub(super) fn convert(code: Code, weights: Weights, beside: &Beside) -> Result<Converted> {
    let mut converted = match code {
        Code::Ermon => ermon::convert(weights)?,
        Code::Adm => adm::convert(weights, &beside.said)?,
        Code::Lucidrains => return Err(lucidrains::refusal(&weights)),
        Code::Diffusers => return Err(Error::file(weights.origin(), "has diffusers' names already")),
    };
    // Whoever wrote a config.json knows better.
    for (key, value) in &beside.said {
        if converted.config.contains_key(key) {
            converted.config.insert(key.clone(), value.clone());
        }
    }
    if let Some(size) = beside.said.get("image_size") {
        converted.config.insert("sample_size".to_owned(), size.clone());
    }
    scheduler(&mut converted, beside)?;
    Ok(converted)
}

/// β as the checkpoint or the config.json beside it have it.
fn scheduler(converted: &mut Converted, beside: &Beside) -> Result<()> {
    let scheduler = &mut converted.scheduler;
    if let Some(betas) = &beside.betas {
        scheduler.num_train_timesteps = betas.len() as u32;
        scheduler.trained_betas = Some(betas.clone());
        return Ok(());
    }
    let wrong = |what: &str, got: &Value| Error::argument(format!("config.json beside the weights: {what}, got {got}"));
    if let Some(steps) = beside.said.get("diffusion_steps") {
        let known = steps.as_u64().filter(|n| (1..=100_000).contains(n));
        scheduler.num_train_timesteps =
            known.ok_or_else(|| wrong("diffusion_steps: expected a whole number from 1 to 100000", steps))? as u32;
    }
    if let Some(name) = beside.said.get("noise_schedule") {
        scheduler.beta_schedule = match name.as_str() {
            Some("linear") => BetaSchedule::Linear,
            Some("cosine") => BetaSchedule::SquaredcosCapV2,
            _ => return Err(wrong("noise_schedule: expected linear or cosine", name)),
        };
    }
    scale_betas(scheduler);
    Ok(())
}

/// openai's linear betas are those of a thousand steps, closer together where there are more.
fn scale_betas(scheduler: &mut SchedulerConfig) {
    let scale = 1000.0 / f64::from(scheduler.num_train_timesteps.max(1));
    (scheduler.beta_start, scheduler.beta_end) = (1e-4 * scale, (0.02 * scale).min(1.0));
}
