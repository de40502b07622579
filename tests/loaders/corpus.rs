//! The corpus, file by file; and where a model's weights are looked for.

use crate::{folder, harmless, read_all};
use etude::{
    Result,
    model::{Model, UnetConfig},
    picture::recipe::read_recipe,
    schedule::{Schedule, ScheduleRequest, SchedulerConfig},
    weights::Weights,
};
use serde_json::{Map, Value};
use std::{fs, path::Path};

/// Loads a file as the folder it lies in says.
fn load_as(kind: &str, path: &Path) -> Result<()> {
    let bytes = || fs::read(path).expect("readable");
    match kind {
        "weights" => Weights::open(path).map(|weights| assert!(read_all(&weights) < usize::MAX)),
        "config" => UnetConfig::from_json(&bytes(), path).map(drop),
        "scheduler" => SchedulerConfig::from_json(bytes(), path)
            .and_then(|config| Schedule::new(&config, &ScheduleRequest::default()))
            .map(drop),
        "picture" => read_recipe(path).map(drop),
        _ => panic!("{}: no loader for this folder", path.display()),
    }
}

#[test]
fn every_file_of_the_corpus_answers_as_expected() {
    let corpus = folder("corpus");
    let expected: Map<String, Value> =
        serde_json::from_slice(&fs::read(corpus.join("expected.json")).expect("readable")).expect("a JSON object");
    let (mut loaded, mut wrong) = (Vec::new(), Vec::new());
    for kind in ["weights", "config", "scheduler", "picture"] {
        for entry in fs::read_dir(corpus.join(kind)).expect("a folder") {
            let path = entry.expect("readable").path();
            let name = format!("{kind}/{}", path.file_name().expect("a name").to_string_lossy());
            let answer = harmless(&name, || load_as(kind, &path));
            match (expected.get(&name).map(Value::as_str), &answer) {
                (Some(None), Err(error)) => wrong.push(format!("{name}: expected no error, got {error}")),
                (Some(Some(phrase)), Ok(())) => wrong.push(format!("{name}: expected {phrase:?}, got no error")),
                (Some(Some(phrase)), Err(error)) if !error.contains(phrase) => {
                    wrong.push(format!("{name}: expected {phrase:?}, got {error}"));
                }
                (_, Err(error)) if !error.starts_with(&path.display().to_string()) => wrong.push(format!("{name}: {error}")),
                _ => {}
            }
            loaded.push(name);
        }
    }
    wrong.extend(expected.keys().filter(|name| !loaded.contains(name)).map(|name| format!("{name}: is missing")));
    assert!(wrong.is_empty(), "{} of {} files:\n{}", wrong.len(), loaded.len(), wrong.join("\n"));
}

/// Both hold the same numbers; the .bin has them transposed, strided, offset, shared and in every type.
#[test]
fn views_of_a_checkpoint_become_contiguous() {
    let open = |name: &str| Weights::open(&folder("corpus/weights").join(name)).expect("right");
    let (bin, plain) = (open("views.bin"), open("views.safetensors"));
    assert_eq!(bin.names(), plain.names());
    for name in bin.names() {
        assert_eq!((bin.shape(&name), bin.dtype(&name)), (plain.shape(&name), plain.dtype(&name)), "{name}");
        if name != "bool" {
            assert_eq!(bin.numbers(&name).expect("numbers"), plain.numbers(&name).expect("numbers"), "{name}");
        }
    }
    assert_eq!(bin.parameters(), plain.parameters());
}

/// Each name diffusers saves under, and which comes first; what is missing is named.
#[test]
fn the_weights_of_a_folder_are_found_by_each_of_their_names() {
    let temporary = tempfile::tempdir().expect("a temporary folder");
    let (unet, pickled) = (folder("fixtures/unets/scale_shift"), folder("fixtures/unets/pickled"));
    let here = |name: &str| temporary.path().join(name);
    fs::copy(unet.join("config.json"), here("config.json")).expect("copied");
    let error = |what: &str| harmless(what, || Model::open(temporary.path())).expect_err(what);
    let missing = error("nothing");
    assert!(missing.contains("diffusion_pytorch_model.safetensors or diffusion_pytorch_model.bin"), "{missing}");
    fs::write(here("diffusion_pytorch_model.safetensors.index.json"), "{}").expect("written");
    let sharded = error("an index");
    assert!(sharded.contains("index.json: weight_map: expected the names of tensors"), "{sharded}");
    // Of another network, so that it can be told which file was read.
    fs::copy(pickled.join("diffusion_pytorch_model.bin"), here("diffusion_pytorch_model.bin")).expect("copied");
    assert!(error("a .bin").contains("diffusion_pytorch_model.bin: tensor "));
    fs::copy(unet.join("diffusion_pytorch_model.safetensors"), here("diffusion_pytorch_model.fp16.safetensors")).expect("copied");
    assert_eq!(Model::open(temporary.path()).expect("the fp16 variant").weights().parameters(), 47571);
    fs::write(here("diffusion_pytorch_model.safetensors"), "").expect("written");
    assert!(error("a plain one").contains("diffusion_pytorch_model.safetensors: not a complete safetensors file of 0 bytes"));
    assert!(harmless("a device", || Weights::open(temporary.path())).expect_err("a folder").contains("got a folder"));
}
