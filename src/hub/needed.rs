//! Which files of a repository a model is made of: its configuration, its scheduler's, and one set of weights. Nothing else is fetched: no
//! examples, no other formats, no second copy of the weights.

use super::name::is_file_path;

/// The weights' names, without what kind of file it is: diffusers', then those that transformers has; the one that is preferred first.
const STEMS: [&str; 3] = ["diffusion_pytorch_model", "model", "pytorch_model"];
/// In a pipeline's folder the U-Net has a folder of its own.
const UNET: &str = "unet/";
/// Beside it, the running average of its weights.
const UNET_EMA: &str = "unet_ema/";
/// Where a scheduler's configuration lies.
const SCHEDULER: &str = "scheduler_config.json";
/// Files that are small and tell something, where they are there.
const OPTIONAL: [&str; 2] = ["model_index.json", "card.json"];
/// The most shards believed of an index.
const MAX_SHARDS: usize = 1000;

/// The files of a model, by their paths in the repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needed {
    /// What is certain: configurations and weights, or the weights' index.
    pub files: Vec<String>,
    /// The index among them, whose shards are wanted, too.
    pub index: Option<String>,
    /// Places where a scheduler's configuration might be and is not.
    pub absent: Vec<String>,
}

impl Needed {
    /// Whether a scheduler's configuration is among the files.
    pub fn has_scheduler(&self) -> bool {
        self.files.iter().any(|file| file.ends_with(SCHEDULER))
    }
}

/// The files of the model in a repository that has `files`; of the weights those of `variant`, where it is given.
///
/// # Errors
/// What is missing, as a text.
pub fn needed(files: &[&str], variant: Option<&str>) -> Result<Needed, String> {
    let has = |path: &str| files.contains(&path);
    let network = |folder: &str| has(&format!("{folder}config.json"));
    let (root, variant) = match (network(""), network(UNET), network(UNET_EMA)) {
        (true, ..) => ("", variant),
        // What the folder's name says the files' need not say again.
        (_, true, true) if variant == Some("ema") => (UNET_EMA, None),
        (_, false, true) => (UNET_EMA, variant.filter(|variant| *variant != "ema")),
        (_, true, _) => (UNET, variant),
        _ => {
            return Err(format!(
                "expected a model in diffusers' layout, with config.json at its root or under unet/, found {}",
                some_of(files)
            ));
        }
    };
    let mut needed = Needed { files: vec![format!("{root}config.json")], ..Needed::default() };
    let beside: Vec<&str> = files.iter().filter_map(|file| file.strip_prefix(root)).filter(|name| !name.contains('/')).collect();
    let names = weights_names(&beside, variant);
    let Some(weights) = names.iter().find(|name| beside.contains(&name.as_str())).map(|name| format!("{root}{name}")) else {
        let stem = STEMS[0];
        let wanted = variant.map_or_else(|| format!("{stem}.safetensors or .bin"), |v| format!("{stem}.{v}.safetensors or .bin"));
        let of_weights: Vec<&str> =
            beside.into_iter().filter(|name| name.contains(".safetensors") || name.contains(".bin")).collect();
        return Err(format!("expected the weights in {root}{wanted}, found {}", some_of(&of_weights)));
    };
    if weights.ends_with(".json") {
        needed.index = Some(weights.clone());
    }
    needed.files.push(weights);
    let mut places = vec![format!("{root}{SCHEDULER}"), SCHEDULER.to_owned(), format!("scheduler/{SCHEDULER}")];
    places.dedup();
    let (there, absent) = places.into_iter().partition(|path| has(path));
    needed.absent = absent;
    needed.files.extend::<Vec<String>>(there);
    needed.files.extend(OPTIONAL.iter().filter(|path| has(path)).map(|path| (*path).to_owned()));
    Ok(needed)
}

/// The names the weights may have among `files` of one folder, the one that is preferred first.
fn weights_names(files: &[&str], variant: Option<&str>) -> Vec<String> {
    let variants = variants(files);
    // Half precision in the format that holds nothing else comes before a pickle.
    let usual = || {
        of_each(|stem| [of_kind(stem, None, "safetensors"), of_kind(stem, Some("fp16"), "safetensors"), of_kind(stem, None, "bin")])
    };
    let all_of = |variant: &str| {
        of_each(|stem| [of_kind(stem, Some(variant), "safetensors"), of_kind(stem, Some(variant), "bin"), Vec::new()])
    };
    match variant {
        // Averaged weights may be in the one file that is there, and be told by their names in it.
        Some("ema" | "non_ema") if variants.is_empty() => usual(),
        Some(variant) => all_of(variant),
        // The only ones there are.
        None if variants.len() == 1 => [usual(), all_of(variants[0])].concat(),
        None => usual(),
    }
}

/// What `names` gives for each of [`STEMS`].
fn of_each(names: impl Fn(&str) -> [Vec<String>; 3]) -> Vec<String> {
    STEMS.iter().flat_map(|stem| names(stem).concat()).collect()
}

/// The names of weights of a variant in one format: in one file, or their index, whose name has the variant before its last ending or, as
/// some versions write it, before the last two.
fn of_kind(stem: &str, variant: Option<&str>, kind: &str) -> Vec<String> {
    let dot = variant.map_or_else(String::new, |variant| format!(".{variant}"));
    let mut names = vec![format!("{stem}{dot}.{kind}"), format!("{stem}.{kind}.index{dot}.json")];
    names.extend(variant.map(|_| format!("{stem}.{kind}{dot}.index.json")));
    names
}

/// The variants of weights among `files`, by their names.
fn variants<'f>(files: &[&'f str]) -> Vec<&'f str> {
    let of = |file: &&'f str| {
        let (name, kind) = file.rsplit_once('.')?;
        let (stem, variant) = name.split_once('.')?;
        let is_variant =
            STEMS.contains(&stem) && matches!(kind, "safetensors" | "bin") && !variant.contains("-of-") && !variant.contains('.');
        is_variant.then_some(variant)
    };
    let mut found: Vec<&str> = files.iter().filter_map(of).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// The files that an index of weights names, beside it.
///
/// # Errors
/// It is no index, or names files elsewhere.
pub fn shards(index: &[u8], path: &str) -> Result<Vec<String>, String> {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let bad = |what: &str| format!("{path}: expected an index of weights, got {what}");
    let value: serde_json::Value = serde_json::from_slice(index).map_err(|_| bad("no JSON"))?;
    let map = value.get("weight_map").and_then(|map| map.as_object()).ok_or_else(|| bad("no weight_map"))?;
    let mut names = Vec::new();
    for name in map.values() {
        let name = name
            .as_str()
            .filter(|name| is_file_path(name) && !name.contains('/'))
            .ok_or_else(|| bad("a file of an unusual name"))?;
        let name = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
        // Tensors of one file mostly follow one another, so this is short.
        if !names.contains(&name) {
            names.push(name);
        }
        if names.len() > MAX_SHARDS {
            return Err(bad("more than a thousand files"));
        }
    }
    names.sort();
    Ok(names)
}

/// A few of `files`, for a message.
fn some_of(files: &[&str]) -> String {
    let shown: Vec<&str> = files.iter().copied().filter(|file| !file.starts_with(".git")).take(6).collect();
    match (shown.len(), files.len()) {
        (0, _) => "none".to_owned(),
        (n, all) if n < all => format!("{}, …", shown.join(", ")),
        _ => shown.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::{needed, shards};

    const HUB: [&str; 9] = [
        ".gitattributes",
        "README.md",
        "config.json",
        "diffusion_pytorch_model.bin",
        "diffusion_pytorch_model.safetensors",
        "flax_model.msgpack",
        "images/generated_image_0.png",
        "model_index.json",
        "scheduler_config.json",
    ];

    #[test]
    fn one_set_of_weights_and_the_configurations() {
        let files = needed(&HUB, None).expect("a model").files;
        assert_eq!(files, ["config.json", "diffusion_pytorch_model.safetensors", "scheduler_config.json", "model_index.json"]);
        let pipeline = [
            "model_index.json",
            "unet/config.json",
            "unet/diffusion_pytorch_model.bin",
            "scheduler/scheduler_config.json",
            "vae/x.bin",
        ];
        let found = needed(&pipeline, None).expect("a model");
        let expected =
            ["unet/config.json", "unet/diffusion_pytorch_model.bin", "scheduler/scheduler_config.json", "model_index.json"];
        assert_eq!((found.files.as_slice(), found.has_scheduler()), (&expected.map(str::to_owned)[..], true));
        let bare = needed(&["config.json", "diffusion_pytorch_model.bin"], None).expect("a model");
        assert_eq!((bare.absent.len(), bare.has_scheduler()), (2, false));
    }

    #[test]
    fn a_variant_is_the_one_asked_for() {
        let files = [
            "config.json",
            "diffusion_pytorch_model.fp16.safetensors",
            "diffusion_pytorch_model.safetensors",
            "diffusion_pytorch_model.ema.bin",
        ];
        for (variant, weights) in [(None, 2), (Some("fp16"), 1), (Some("ema"), 3)] {
            assert_eq!(needed(&files, variant).expect("a model").files[1], files[weights]);
        }
        let error = needed(&files, Some("bf16")).expect_err("there is none");
        assert!(error.contains("bf16") && error.contains("diffusion_pytorch_model.ema.bin"), "{error}");
        assert!(needed(&["README.md"], None).expect_err("nothing").contains("README.md"));
        // The only ones there are; those that are averaged by their folder, or in a file that does not say so.
        let of = |files: &[&str], variant| needed(files, variant).expect("a model").files[1].clone();
        assert_eq!(of(&["config.json", "diffusion_pytorch_model.bf16.bin"], None), "diffusion_pytorch_model.bf16.bin");
        assert_eq!(of(&["config.json", "pytorch_model.bin"], Some("ema")), "pytorch_model.bin");
        let both = [
            "unet/config.json",
            "unet/diffusion_pytorch_model.bin",
            "unet_ema/config.json",
            "unet_ema/diffusion_pytorch_model.bin",
        ];
        assert_eq!(of(&both, None), both[1]);
        assert_eq!((of(&both, Some("ema")).as_str(), of(&both[2..], None).as_str()), (both[3], both[3]));
        for index in ["diffusion_pytorch_model.safetensors.index.fp16.json", "diffusion_pytorch_model.safetensors.fp16.index.json"]
        {
            assert_eq!(of(&["config.json", index], Some("fp16")), index);
        }
        assert!(needed(&[], None).expect_err("nothing").contains("none"));
    }

    #[test]
    fn shards_are_those_of_the_index_and_beside_it() {
        let index = "unet/diffusion_pytorch_model.safetensors.index.json";
        assert_eq!(needed(&["unet/config.json", index], None).expect("a model").index.as_deref(), Some(index));
        let json = br#"{"weight_map":{"a":"w-00002-of-00002.safetensors","b":"w-00001-of-00002.safetensors","c":"w-00002-of-00002.safetensors"}}"#;
        assert_eq!(shards(json, index).expect("two"), ["unet/w-00001-of-00002.safetensors", "unet/w-00002-of-00002.safetensors"]);
        for bad in [
            &b""[..],
            b"{}",
            b"[]",
            b"{\"weight_map\":[]}",
            b"{\"weight_map\":{\"a\":\"../x\"}}",
            b"{\"weight_map\":{\"a\":\"/x\"}}",
            b"{\"weight_map\":{\"a\":1}}",
        ] {
            assert!(shards(bad, index).expect_err("bad").starts_with(index));
        }
    }
}
