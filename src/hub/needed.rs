//! Which files of a repository a model is made of: its configuration, its scheduler's, and one set of weights. Nothing else is fetched: no
//! examples, no other formats, no second copy of the weights.

use super::name::is_file_path;

/// The weights' name, without what kind of file it is.
const WEIGHTS: &str = "diffusion_pytorch_model";
/// In a pipeline's folder the U-Net has a folder of its own.
const UNET: &str = "unet/";
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
    let root = if !has("config.json") && has("unet/config.json") { UNET } else { "" };
    let config = format!("{root}config.json");
    if !has(&config) {
        return Err(format!(
            "expected a model in diffusers' layout, with config.json at its root or under unet/, found {}",
            some_of(files)
        ));
    }
    let mut needed = Needed { files: vec![config], ..Needed::default() };
    let Some(weights) = weights_names(variant).map(|name| format!("{root}{name}")).find(|name| has(name)) else {
        let wanted =
            variant.map_or_else(|| format!("{WEIGHTS}.safetensors or .bin"), |v| format!("{WEIGHTS}.{v}.safetensors or .bin"));
        let beside: Vec<&str> =
            files.iter().copied().filter(|file| file.contains(".safetensors") || file.contains(".bin")).collect();
        return Err(format!("expected the weights in {root}{wanted}, found {}", some_of(&beside)));
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

/// The names the weights may have, the one that is preferred first.
fn weights_names(variant: Option<&str>) -> impl Iterator<Item = String> {
    let of = |variant: Option<String>| {
        let dot = variant.map_or_else(String::new, |variant| format!(".{variant}"));
        ["safetensors", "bin"].map(|kind| [format!("{WEIGHTS}{dot}.{kind}"), format!("{WEIGHTS}.{kind}.index{dot}.json")])
    };
    match variant {
        Some(variant) => of(Some(variant.to_owned())).concat(),
        None => {
            let [[plain, index], [bin, bin_index]] = of(None);
            let [[fp16, fp16_index], _] = of(Some("fp16".to_owned()));
            vec![plain, index, fp16, fp16_index, bin, bin_index]
        }
    }
    .into_iter()
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
