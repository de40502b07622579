//! Where a model's files lie: its config, its weights, its scheduler, and whether a decoder belongs to it. Nothing is parsed here but
//! names and, of a pipeline, model_index.json.

use super::{
    listing::{listed, read, there},
    weights_files::{WeightsFiles, weights_files},
};
use crate::{
    error::{Error, Result},
    files, json,
};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The name of a network's configuration.
pub(super) const CONFIG: &str = "config.json";
/// The name of a scheduler's configuration.
const SCHEDULER: &str = "scheduler_config.json";
/// Folders of a pipeline, and of what a training script leaves, that hold the network; the first that is there is taken.
const NETWORKS: [&str; 2] = ["unet", "unet_ema"];
/// Folders of a pipeline that hold what turns latents into pictures.
const DECODERS: [&str; 4] = ["vqvae", "vae", "movq", "first_stage_model"];

/// What was found of a model.
#[derive(Debug)]
pub(super) struct Found {
    /// What messages call it.
    pub name: String,
    /// config.json; `None` where there is none, as with the checkpoints of research codes.
    pub config: Option<PathBuf>,
    /// The weights.
    pub weights: WeightsFiles,
    /// scheduler_config.json.
    pub scheduler: Option<PathBuf>,
    /// The folder the weights lie in.
    pub root: PathBuf,
    /// What turns the network's output into a picture, where the output is no picture itself.
    pub decoder: Option<String>,
    /// What is asked for of several sets of weights in one file: "ema" or "non_ema".
    pub variant: Option<String>,
    /// What was chosen where there was a choice, one sentence each.
    pub notes: Vec<String>,
}

/// Finds the files of the model at `path`: a folder in one of diffusers' layouts (everything at its root, or unet/ or unet_ema/ with
/// scheduler/ beside it), such a unet/ itself, or a file of weights. `variant` chooses among weights that lie side by side.
///
/// # Errors
/// No weights, or several and no telling which; the message lists what is there.
pub(super) fn find(path: &Path, variant: Option<&str>) -> Result<Found> {
    let mut notes = Vec::new();
    let name = path.file_name().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned());
    // A relative path such as `unet` has no parent to look into.
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let up = |path: &Path| absolute_parent(path, &absolute);
    let (root, weights, is_variant) = if files::is_dir(path) {
        let root = network_folder(path, variant, &mut notes)?;
        let by_folder = root.file_name().is_some_and(|n| n == "unet_ema") == (variant == Some("ema")) && root != path;
        // What the folder's name says its files need not say again.
        let of_file = if by_folder && matches!(variant, Some("ema" | "non_ema")) { None } else { variant };
        let (weights, by_file) = weights_files(&root, of_file, &mut notes)?;
        (root, weights, of_file.is_none() || by_file)
    } else if matches!(name.as_str(), CONFIG | "model_index.json" | SCHEDULER) {
        let folder = up(path).unwrap_or_default();
        return find(&folder, variant);
    } else {
        let root = path.parent().filter(|p| !p.as_os_str().is_empty()).map_or_else(|| PathBuf::from("."), Path::to_owned);
        (root, WeightsFiles::of_file(path)?, false)
    };
    let config = Some(root.join(CONFIG)).filter(|p| files::is_file(p)).or_else(|| {
        // Of a training run's checkpoint-N, which has the weights alone, the config is in the folder above.
        let is_checkpoint = root.file_name().is_some_and(|n| n.to_string_lossy().starts_with("checkpoint-"));
        let above = levels(&root).into_iter().skip(1).take(1).filter(|_| is_checkpoint);
        let found = above.flat_map(|up| [up.join("unet").join(CONFIG), up.join(CONFIG)]).find(|p| files::is_file(p))?;
        notes.push(format!("the config is that of {}", found.display()));
        Some(found)
    });
    let scheduler = find_scheduler(&root);
    let pipelines = pipelines(&root);
    let decoder = pipelines.iter().find_map(|folder| decoder_of(folder));
    if let Some(file) = &scheduler
        && !pipelines.iter().any(|folder| of_folder(folder).contains(file))
    {
        notes.push(format!("the scheduler is that of {}", file.display()));
    }
    let variant = variant.filter(|_| !is_variant).map(str::to_owned);
    Ok(Found { name, config, weights, scheduler, root, decoder, variant, notes })
}

/// The folder of the network inside `folder`: itself, or one of [`NETWORKS`].
fn network_folder(folder: &Path, variant: Option<&str>, notes: &mut Vec<String>) -> Result<PathBuf> {
    let inside: Vec<&str> = NETWORKS.into_iter().filter(|n| files::is_file(&folder.join(n).join(CONFIG))).collect();
    let own = files::is_file(&folder.join(CONFIG));
    match (own, inside.as_slice(), variant) {
        (_, [.., "unet_ema"], Some("ema")) => Ok(folder.join("unet_ema")),
        (false, &["unet", "unet_ema"], other) => {
            if !matches!(other, Some("non_ema")) {
                notes.push("the weights are those of unet/; --variant ema takes the averaged ones of unet_ema/".to_owned());
            }
            Ok(folder.join("unet"))
        }
        (false, &[only], _) => {
            if only == "unet_ema" {
                notes.push("the weights are the averaged ones of unet_ema/; there is no unet/".to_owned());
            }
            Ok(folder.join(only))
        }
        (true, ..) => Ok(folder.to_owned()),
        // Weights without a config: those of a research code, whose names say what the network is.
        _ if super::weights_files::any(folder) => Ok(folder.to_owned()),
        _ => Err(no_network(folder)),
    }
}

/// The refusal of a folder without a network, which says what is there instead.
fn no_network(folder: &Path) -> Error {
    let names = files::names(folder).unwrap_or_default();
    let checkpoints: Vec<&str> = names.iter().map(String::as_str).filter(|n| n.starts_with("checkpoint-")).collect();
    if !checkpoints.is_empty() {
        let what = format!(
            "holds no network itself but the checkpoints of a training run; name one of them: {}",
            listed(checkpoints.iter().copied())
        );
        return Error::file(folder, what);
    }
    Error::file(
        folder.join(CONFIG),
        format!(
            "is missing; expected a folder in diffusers' layout, with config.json at its root or under unet/, or a checkpoint of weights; \
             there {}",
            there(&names)
        ),
    )
}

/// `path`'s folder, also where `path` is relative.
fn absolute_parent(path: &Path, absolute: &Path) -> Option<PathBuf> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => Some(parent.to_owned()),
        _ => absolute.parent().map(Path::to_owned),
    }
}

/// `root` and the two folders above it.
fn levels(root: &Path) -> Vec<PathBuf> {
    let mut levels = vec![root.to_owned()];
    let absolute = std::path::absolute(root).unwrap_or_else(|_| root.to_owned());
    levels.extend(absolute.ancestors().skip(1).take(2).map(Path::to_owned));
    levels
}

/// Where diffusers' training scripts and its pipelines leave the scheduler: beside the weights or in scheduler/ beside them, and the same
/// one and two levels up (OUT/scheduler of OUT/checkpoint-500/unet_ema).
fn find_scheduler(root: &Path) -> Option<PathBuf> {
    levels(root).iter().flat_map(|folder| of_folder(folder)).find(|p| files::is_file(p))
}

/// Where a folder's scheduler may lie.
fn of_folder(folder: &Path) -> [PathBuf; 2] {
    [folder.join(SCHEDULER), folder.join("scheduler").join(SCHEDULER)]
}

/// The folders that belong to the network in `root` for certain: itself, the pipeline whose unet/ it is, and the training run whose
/// checkpoint-N/ that is.
fn pipelines(root: &Path) -> Vec<PathBuf> {
    let mut above = levels(root).into_iter();
    let mut pipelines: Vec<PathBuf> = above.next().into_iter().collect();
    let is = |path: &Path, with: &str| {
        std::path::absolute(path).ok().and_then(|p| Some(p.file_name()?.to_string_lossy().starts_with(with))).unwrap_or(false)
    };
    if pipelines.last().is_some_and(|p| is(p, "unet")) {
        pipelines.extend(above.next());
    }
    if pipelines.last().is_some_and(|p| is(p, "checkpoint-")) {
        pipelines.extend(above.next());
    }
    pipelines
}

/// What model_index.json or the folders of a pipeline say of a decoder.
fn decoder_of(folder: &Path) -> Option<String> {
    let index = read(&folder.join("model_index.json")).ok().and_then(|bytes| json::parse(&bytes).ok());
    let class_of = |value: &Value| match value.as_array().map(Vec::as_slice) {
        Some([_, class]) => class.as_str().map(str::to_owned),
        _ => None,
    };
    if let Some(index) = &index {
        if let Some((key, class)) = DECODERS.iter().find_map(|key| Some((key, class_of(index.get(key)?)?))) {
            return Some(format!("{class} in {key}/"));
        }
        let pipeline = index.get("_class_name").and_then(Value::as_str).unwrap_or_default();
        let latent = ["LDM", "LatentDiffusion", "StableDiffusion", "Latent"].iter().any(|part| pipeline.contains(part));
        if latent {
            return Some(format!("that of {}", listed([pipeline].into_iter())));
        }
    }
    let of_folder = |key: &&str| {
        let config = read(&folder.join(key).join(CONFIG)).ok()?;
        let class = json::parse(&config).ok()?.get("_class_name")?.as_str()?.to_owned();
        Some(format!("{} in {key}/", listed([class.as_str()].into_iter())))
    };
    let there = DECODERS.iter().find(|key| files::is_dir(&folder.join(key)))?;
    Some(of_folder(there).unwrap_or_else(|| format!("{there}/")))
}
