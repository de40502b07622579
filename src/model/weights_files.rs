//! Which files of a folder hold the weights: diffusers' names, their variants (NAME.fp16.safetensors), shards by their index, or the one
//! checkpoint that is there.

use super::listing::{listed, read, there};
use crate::{
    error::{Error, Result},
    files, json,
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

/// The names before variant and ending that diffusers and transformers save under, the one we prefer first.
const STEMS: [&str; 3] = ["diffusion_pytorch_model", "model", "pytorch_model"];
/// The endings of weights, the one we prefer first.
const ENDINGS: [&str; 5] = ["safetensors", "bin", "pt", "pth", "ckpt"];
/// How files begin that hold other state of a training run beside its weights.
const NO_WEIGHTS: [&str; 9] =
    ["optimizer", "scheduler", "scaler", "training_args", "random_states", "rng_state", "sampler", "dl_state_dict", "optim"];
/// An index of more files than this is none: a file has some GB.
const MAX_SHARDS: usize = 1000;

/// The files that hold a model's weights.
#[derive(Debug)]
pub(super) enum WeightsFiles {
    /// All in one.
    One(PathBuf),
    /// In several, by their index.
    Shards {
        /// NAME.safetensors.index.json.
        index: PathBuf,
        /// Each file, with the tensors that the index says are in it.
        parts: BTreeMap<String, Vec<String>>,
    },
}

impl WeightsFiles {
    /// The weights in the file at `path`: an index, or all in one.
    ///
    /// # Errors
    /// An index that is none.
    pub fn of_file(path: &Path) -> Result<Self> {
        if path.file_name().is_some_and(|n| without_index(&n.to_string_lossy()).is_some()) {
            shards(path)
        } else {
            Ok(Self::One(path.to_owned()))
        }
    }
}

/// What an index's name says before `.index.json` or, as diffusers writes it, `.index.VARIANT.json`; and that variant.
fn without_index(file: &str) -> Option<(&str, Option<&str>)> {
    let name = file.strip_suffix(".json")?;
    match name.strip_suffix(".index") {
        Some(name) => Some((name, None)),
        None => {
            let (name, variant) = name.rsplit_once('.')?;
            Some((name.strip_suffix(".index")?, Some(variant)))
        }
    }
}

/// A file's name, taken apart.
#[derive(Debug, PartialEq, Eq)]
struct Name<'a> {
    file: &'a str,
    /// Place in [`STEMS`], or its length for any other name.
    stem: usize,
    variant: Option<&'a str>,
    /// Place in [`ENDINGS`].
    ending: usize,
    is_index: bool,
    is_shard: bool,
}

impl<'a> Name<'a> {
    /// `None` where the file holds no weights.
    fn parse(file: &'a str) -> Option<Self> {
        let index = without_index(file);
        let (is_index, name) = (index.is_some(), index.map_or(file, |(name, _)| name));
        let ending_of = |text: &str| ENDINGS.iter().position(|e| *e == text);
        let mut parts: Vec<&str> = name.split('.').collect();
        // Of an index older versions put the variant behind the ending: NAME.safetensors.fp16.index.json.
        let at = if is_index { parts.iter().rposition(|part| ending_of(part).is_some())? } else { parts.len() - 1 };
        let ending = ending_of(parts.remove(at))?;
        // NAME.fp16-00001-of-00002.safetensors, and in older versions NAME-00001-of-00002.fp16.safetensors.
        let is_shard = parts.iter().any(|part| without_number(part).is_some());
        let first = without_number(parts.first()?).unwrap_or(parts[0]);
        let stem = STEMS.iter().position(|s| *s == first).unwrap_or(STEMS.len());
        let variant = match (stem == STEMS.len(), &parts[1..]) {
            (false, []) => index.and_then(|(_, variant)| variant),
            (false, [variant]) => Some(without_number(variant).unwrap_or(variant)),
            // Of another name the dots may mean anything.
            (true, _) => None,
            (false, _) => return None,
        };
        let other = stem == STEMS.len() && NO_WEIGHTS.iter().any(|n| first.starts_with(n));
        (!other).then_some(Self { file, stem, variant, ending, is_index, is_shard })
    }
}

/// What comes before -00001-of-00002.
fn without_number(part: &str) -> Option<&str> {
    let (rest, total) = part.rsplit_once("-of-")?;
    let (stem, number) = rest.rsplit_once('-')?;
    let digits = |text: &str| text.len() >= 3 && text.bytes().all(|b| b.is_ascii_digit());
    (digits(total) && digits(number)).then_some(stem)
}

/// Whether a folder has weights of any name.
pub(super) fn any(folder: &Path) -> bool {
    files::names(folder).unwrap_or_default().iter().any(|name| Name::parse(name).is_some())
}

/// The weights in `folder`; those of `variant`, where one is asked for, and whether the file's name says that they are it.
///
/// # Errors
/// None, or several and no telling which; a broken index.
pub(super) fn weights_files(folder: &Path, variant: Option<&str>, notes: &mut Vec<String>) -> Result<(WeightsFiles, bool)> {
    let names = files::names(folder).map_err(|e| Error::file(folder, format!("cannot be read: {e}")))?;
    let all: Vec<Name> = names.iter().filter_map(|name| Name::parse(name)).collect();
    let mut whole: Vec<&Name> = all.iter().filter(|name| !name.is_shard || name.is_index).collect();
    // What is in one file comes before what is in several, and the better known name before others.
    whole.sort_by_key(|n| (n.stem, n.is_index, n.ending));
    let variants: BTreeSet<&str> = whole.iter().filter_map(|n| n.variant).collect();
    let chosen = choose(folder, &names, &whole, &variants, variant, notes)?;
    if chosen.is_none() && all.iter().any(|n| n.is_shard) {
        let shards: Vec<String> = all.iter().filter(|n| n.is_shard).map(|n| n.file.to_owned()).collect();
        let what =
            format!("has weights in several files ({}) but not their index, NAME.safetensors.index.json", listed_names(&shards));
        return Err(Error::file(folder, what));
    }
    let Some(chosen) = chosen else {
        let what = format!(
            "expected the weights in {name}.safetensors or {name}.bin, found neither; there {}",
            there(&names),
            name = STEMS[0]
        );
        return Err(Error::file(folder, what));
    };
    let chosen_variant = chosen.variant;
    let path = folder.join(chosen.file);
    Ok((WeightsFiles::of_file(&path)?, variant.is_some_and(|v| chosen_variant == Some(v))))
}

fn listed_names(names: &[String]) -> String {
    listed(names.iter().map(String::as_str))
}

/// Which of the files to take; `None` where there is none.
fn choose<'n, 'a>(
    folder: &Path,
    names: &[String],
    whole: &[&'n Name<'a>],
    variants: &BTreeSet<&str>,
    variant: Option<&str>,
    notes: &mut Vec<String>,
) -> Result<Option<&'n Name<'a>>> {
    let of = |variant: Option<&str>| whole.iter().find(|n| n.stem < STEMS.len() && n.variant == variant).copied();
    if let Some(variant) = variant {
        if let Some(found) = of(Some(variant)) {
            return Ok(Some(found));
        }
        // Averaged weights may be told from the others by their names in the one file that is there.
        if !matches!(variant, "ema" | "non_ema") || !variants.is_empty() {
            let known = if variants.is_empty() {
                "no variants".to_owned()
            } else {
                format!("the variants {}", listed(variants.iter().copied().collect::<Vec<_>>().into_iter()))
            };
            let what = format!("--variant {variant}: there are {known} here; the files {}", there(names));
            return Err(Error::file(folder, what));
        }
    }
    let plain = of(None);
    let half = of(Some("fp16")).filter(|n| ENDINGS[n.ending] == "safetensors");
    // The same weights in half precision, but in the format that holds nothing else, come before a pickle.
    if let Some(found) = plain.filter(|n| ENDINGS[n.ending] == "safetensors" && !n.is_index || half.is_none()) {
        return Ok(Some(found));
    }
    if let Some(found) = half {
        notes.push(format!("the weights are those of {}", found.file));
        return Ok(Some(found));
    }
    let mut of_variants = variants.iter();
    match (of_variants.next(), of_variants.next()) {
        (Some(only), None) => {
            notes.push(format!("the weights are those of variant {only}, the only ones there"));
            return Ok(of(Some(only)));
        }
        (Some(_), Some(_)) => {
            let list = listed(variants.iter().copied().collect::<Vec<_>>().into_iter());
            let what = format!("has the weights of several variants; choose with --variant: {list}");
            return Err(Error::file(folder, what));
        }
        _ => {}
    }
    match whole {
        [] => Ok(None),
        [one] => Ok(Some(one)),
        several => {
            let list = listed(several.iter().map(|n| n.file).collect::<Vec<_>>().into_iter());
            Err(Error::file(folder, format!("has several files of weights, expected one; name the file itself: {list}")))
        }
    }
}

/// An index and the files it names.
fn shards(index: &Path) -> Result<WeightsFiles> {
    let bad = |what: String| Error::file(index, what);
    let value: Value = json::parse(&read(index)?).map_err(|e| bad(format!("not valid JSON: {e}")))?;
    let map = value.get("weight_map").and_then(Value::as_object);
    let map = map.ok_or_else(|| bad("weight_map: expected the names of tensors, each with its file, got none".to_owned()))?;
    let mut parts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (tensor, file) in map {
        let file = file.as_str().ok_or_else(|| bad(format!("weight_map: expected the name of a file, got {file}")))?;
        // Whoever wrote the index may not choose among all files of this machine.
        if file.is_empty() || file.contains(['/', '\\', ':']) || file == ".." || file == "." {
            return Err(bad(format!("weight_map: expected the names of files in this folder, got {file:?}")));
        }
        parts.entry(file.to_owned()).or_default().push(tensor.clone());
    }
    if parts.is_empty() || parts.len() > MAX_SHARDS {
        return Err(bad(format!("weight_map: expected 1 to {MAX_SHARDS} files, got {}", parts.len())));
    }
    let folder = index.parent().unwrap_or(Path::new("."));
    let missing: Vec<&str> = parts.keys().map(String::as_str).filter(|file| !files::is_file(&folder.join(file))).collect();
    if !missing.is_empty() {
        let names = files::names(folder).unwrap_or_default();
        return Err(bad(format!("names {}, which is missing; there {}", listed(missing.into_iter()), there(&names))));
    }
    Ok(WeightsFiles::Shards { index: index.to_owned(), parts })
}

#[cfg(test)]
mod tests {
    use super::Name;

    #[test]
    fn names_are_taken_apart() {
        let parts = |file| Name::parse(file).map(|n| (n.stem, n.variant, n.ending, n.is_index, n.is_shard));
        for (file, expected) in [
            ("diffusion_pytorch_model.safetensors", Some((0, None, 0, false, false))),
            ("diffusion_pytorch_model.non_ema.bin", Some((0, Some("non_ema"), 1, false, false))),
            ("model.bf16.safetensors", Some((1, Some("bf16"), 0, false, false))),
            ("diffusion_pytorch_model-00001-of-00002.safetensors", Some((0, None, 0, false, true))),
            ("diffusion_pytorch_model.fp16-00001-of-00002.safetensors", Some((0, Some("fp16"), 0, false, true))),
            ("diffusion_pytorch_model-00001-of-00002.fp16.bin", Some((0, Some("fp16"), 1, false, true))),
            ("diffusion_pytorch_model.safetensors.index.json", Some((0, None, 0, true, false))),
            ("diffusion_pytorch_model.safetensors.index.fp16.json", Some((0, Some("fp16"), 0, true, false))),
            ("diffusion_pytorch_model.safetensors.fp16.index.json", Some((0, Some("fp16"), 0, true, false))),
            ("diffusion_pytorch_model.fp16.safetensors.index.json", Some((0, Some("fp16"), 0, true, false))),
            ("ema_diffusion_cifar10_model-790000.ckpt", Some((3, None, 4, false, false))),
            ("optimizer.bin", None),
            ("config.json", None),
            ("model.onnx", None),
        ] {
            assert_eq!(parts(file), expected, "{file}");
        }
    }
}
