//! Which of a file's tensors are the network: those behind a common prefix such as `_orig_mod.` or `state_dict.module.`, and where there
//! are several networks, the averaged one (EMA).

use super::listing::listed;
use crate::{
    error::{Error, Result},
    schedule::MAX_TRAIN_TIMESTEPS,
    weights::{Renamed, Weights},
};
use std::{collections::BTreeSet, path::PathBuf};

/// Whose names the tensors have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Code {
    /// diffusers' UNet2DModel.
    Diffusers,
    /// ermongroup/ddim and pesser/pytorch_diffusion.
    Ermon,
    /// openai's improved-diffusion and guided-diffusion (ADM).
    Adm,
    /// lucidrains' denoising-diffusion-pytorch.
    Lucidrains,
}

/// A tensor that every network of a code has, and no other.
const ANCHORS: [(&str, Code); 5] = [
    ("time_embedding.linear_1.weight", Code::Diffusers),
    ("temb.dense.0.weight", Code::Ermon),
    ("time_embed.0.weight", Code::Adm),
    ("init_conv.weight", Code::Lucidrains),
    // Before 2023 it had no convolution before the first level.
    ("downs.0.0.block1.block.0.weight", Code::Lucidrains),
];

/// A network among a file's tensors.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Network {
    prefix: String,
    code: Code,
}

impl Network {
    /// Whether its prefix says that it is an average over training. The list of ermongroup/ddim's ckpt.pth has no names: network,
    /// optimiser, epoch, step, average.
    fn is_averaged(&self, all: &[Self]) -> bool {
        let part = |part: &str| {
            let part = part.to_ascii_lowercase();
            part == "ema" || part.starts_with("ema_") || part.ends_with("_ema") || part.contains("_ema_") || part == "shadow"
        };
        let in_list = self.prefix.starts_with("4.") && all.iter().any(|other| other.prefix.starts_with("0."));
        // ema_pytorch keeps the network itself beside its average.
        (self.prefix.split('.').any(part) && !self.prefix.contains("online_model")) || in_list
    }

    /// What a message calls it.
    fn shown(&self) -> String {
        if self.prefix.is_empty() { "no prefix".to_owned() } else { self.prefix.trim_end_matches('.').to_owned() }
    }
}

/// The network's tensors alone, by the names they have without their prefix.
#[derive(Debug)]
pub(super) struct Picked {
    pub weights: Weights,
    /// `None` where no tensor has a name that we know.
    pub code: Option<Code>,
    /// What is before every name in the file.
    pub prefix: String,
    /// What was chosen where there was a choice.
    pub notes: Vec<String>,
    /// Tensors beside the network that say what the file is.
    pub beside: Option<&'static str>,
    /// Whether an autoencoder is beside the network, so that it makes latents.
    pub autoencoder: bool,
    /// Every β of the training, which some codes keep in the state dict.
    pub betas: Option<Vec<f64>>,
}

/// Finds the network among a file's tensors. `variant` is "ema" or "non_ema" where one of several is asked for.
///
/// # Errors
/// Several, and no telling which; none of the variant that is asked for.
pub(super) fn pick(weights: Weights, variant: Option<&str>) -> Result<Picked> {
    let origin: PathBuf = weights.origin().to_owned();
    let names = weights.names();
    let mut all: Vec<Network> = Vec::new();
    for name in &names {
        for (anchor, code) in ANCHORS {
            let Some(prefix) = name.strip_suffix(anchor).filter(|p| p.is_empty() || p.ends_with('.')) else { continue };
            let found = Network { prefix: prefix.to_owned(), code };
            if !all.iter().any(|n| n.prefix == found.prefix) {
                all.push(found);
            }
        }
    }
    let (beside, betas) = (beside(&names), betas(&weights, &names)?);
    let autoencoder = names.iter().any(|n| n.contains("first_stage_model."));
    let averaged: Vec<&Network> = all.iter().filter(|n| n.is_averaged(&all)).collect();
    let others: Vec<&Network> = all.iter().filter(|n| !n.is_averaged(&all)).collect();
    let shown = |networks: &[&Network]| listed(networks.iter().map(|n| n.shown()).collect::<Vec<_>>().iter().map(String::as_str));
    let candidates = match variant {
        Some("ema") => &averaged,
        Some(_) => &others,
        None if averaged.is_empty() => &others,
        None => &averaged,
    };
    let mut notes = Vec::new();
    let chosen = match candidates.as_slice() {
        [one] => {
            if variant.is_none() && !averaged.is_empty() && !others.is_empty() {
                notes.push(format!(
                    "the weights are the averaged ones (EMA), {}; --variant non_ema takes {}",
                    one.shown(),
                    shown(&others)
                ));
            }
            (*one).clone()
        }
        [] => match variant {
            Some(variant) if !all.is_empty() => {
                let what = format!(
                    "--variant {variant}: expected such weights in it, found only {}",
                    shown(&all.iter().collect::<Vec<_>>())
                );
                return Err(Error::file(origin, what));
            }
            _ => return Ok(Picked { weights, code: None, prefix: String::new(), notes, beside, autoencoder, betas }),
        },
        several => {
            let what = format!("holds several networks, expected one; export one of them alone: {}", shown(several));
            return Err(Error::file(origin, what));
        }
    };
    let Network { prefix, code } = chosen;
    if let Some(averaged) = averaged_without_dots(&names, &prefix).filter(|_| variant != Some("non_ema")) {
        notes.push("the weights are the averaged ones (EMA), model_ema; --variant non_ema takes the others".to_owned());
        let weights = weights.renamed(averaged)?;
        return Ok(Picked { weights, code: Some(code), prefix, notes, beside, autoencoder, betas });
    }
    let weights = if prefix.is_empty() && all.len() == 1 { weights } else { weights.behind(&prefix) };
    Ok(Picked { weights, code: Some(code), prefix, notes, beside, autoencoder, betas })
}

/// The averages that latent-diffusion keeps of the network behind `prefix`: their names are the network's without the dots.
fn averaged_without_dots(names: &[String], prefix: &str) -> Option<Vec<Renamed>> {
    let above = prefix.strip_suffix("model.diffusion_model.")?;
    let own = names.iter().filter_map(|name| name.strip_prefix(prefix));
    let averaged = |name: &str| format!("{above}model_ema.diffusion_model{}", name.replace('.', ""));
    let renamed: Vec<Renamed> = own.map(|name| Renamed { from: averaged(name), to: name.to_owned(), rows: None }).collect();
    let known: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    renamed.iter().all(|r| known.contains(r.from.as_str())).then_some(renamed)
}

/// The one tensor called `betas`, where there is one.
fn betas(weights: &Weights, names: &[String]) -> Result<Option<Vec<f64>>> {
    let mut found = names.iter().filter(|name| name.as_str() == "betas" || name.ends_with(".betas"));
    let (Some(name), None) = (found.next(), found.next()) else { return Ok(None) };
    let fits = weights.shape(name).is_some_and(|shape| matches!(shape, [n] if (1..=MAX_TRAIN_TIMESTEPS as usize).contains(n)));
    let betas = if fits { weights.numbers(name)? } else { Vec::new() };
    Ok(Some(betas).filter(|betas| !betas.is_empty() && betas.iter().all(|b| *b > 0.0 && *b <= 1.0)))
}

/// What the names beside a network say of the file.
fn beside(names: &[String]) -> Option<&'static str> {
    let any = |part: &str| names.iter().any(|n| n.contains(part));
    if any("cond_stage_model.") || any("attn2.to_k") {
        Some("a text- or class-conditional latent diffusion model such as Stable Diffusion")
    } else if any("first_stage_model.") {
        Some("a latent diffusion model with its autoencoder")
    } else if any("label_emb.") && any("time_embed.") {
        None
    } else if any("loss.discriminator.") || (any("encoder.conv_in.") && any("decoder.conv_in.")) {
        Some("an autoencoder")
    } else if any("lora_") {
        Some("a LoRA, which changes another model's weights")
    } else if any("control_model.") || any("controlnet_") {
        Some("a ControlNet")
    } else {
        None
    }
}

/// The refusal of tensors that are no network we know.
pub(super) fn unknown(picked: &Picked) -> Error {
    let names = picked.weights.names();
    let first = listed(names.iter().take(4).map(String::as_str).collect::<Vec<_>>().into_iter());
    let what = picked.beside.map_or(String::new(), |what| format!(" ({what})"));
    Error::file(
        picked.weights.origin(),
        format!(
            "holds {} tensors{what} but no network by the names of diffusers' UNet2DModel, ermongroup/ddim, guided-diffusion or \
             denoising-diffusion-pytorch; they begin {first}",
            names.len()
        ),
    )
}
