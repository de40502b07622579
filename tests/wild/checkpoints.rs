//! Weights as training scripts, research codes and the Hub leave them.

use etude::{
    Result,
    backend::Backend,
    cpu::executor::CpuExecutor,
    engine::Engine,
    model::{EMBEDDED, Model},
    platform::block_on,
    sampler,
    weights::Weights,
};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

/// An embedded model of one channel.
fn fashion() -> &'static etude::model::Embedded {
    EMBEDDED.iter().find(|e| e.name == "fashion").expect("shipped")
}

const WEIGHTS: &str = "diffusion_pytorch_model.safetensors";

fn write(path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) {
    fs::create_dir_all(path.as_ref().parent().expect("a folder")).expect("made");
    fs::write(path, bytes).expect("written");
}

/// fashion in a folder: its config with `changes`, and its weights under a name.
fn folder(at: &Path, changes: &Value, weights: &str) {
    let mut config: Value = serde_json::from_slice(fashion().config).expect("JSON");
    for (key, value) in changes.as_object().expect("an object") {
        config[key] = value.clone();
    }
    write(at.join("config.json"), config.to_string());
    write(at.join(weights), fashion().weights);
}

fn refusal(result: Result<Model>) -> String {
    let message = result.expect_err("wrong").to_string();
    assert!(!message.contains('\n'), "{message}");
    message
}

/// A tensor of a .safetensors: name, type, shape, bytes.
type Tensor = (String, String, Value, Vec<u8>);
type Tensors = Vec<Tensor>;

fn tensors() -> Tensors {
    let bytes = fashion().weights;
    let length = u64::from_le_bytes(bytes[..8].try_into().expect("eight")) as usize;
    let header: serde_json::Map<String, Value> = serde_json::from_slice(&bytes[8..8 + length]).expect("JSON");
    let data = &bytes[8 + length..];
    let place = |v: &Value, i: usize| v["data_offsets"][i].as_u64().expect("a number") as usize;
    let tensors = header.iter().filter(|(name, _)| *name != "__metadata__");
    tensors
        .map(|(name, v)| {
            let dtype = v["dtype"].as_str().expect("a text").to_owned();
            (name.clone(), dtype, v["shape"].clone(), data[place(v, 0)..place(v, 1)].to_vec())
        })
        .collect()
}

fn file(tensors: &[Tensor]) -> Vec<u8> {
    let (mut header, mut data) = (serde_json::Map::new(), Vec::new());
    for (name, dtype, shape, bytes) in tensors {
        let start = data.len();
        data.extend_from_slice(bytes);
        header.insert(name.clone(), json!({ "dtype": dtype, "shape": shape, "data_offsets": [start, data.len()] }));
    }
    let mut text = Value::Object(header).to_string();
    text.push_str(&" ".repeat(text.len().next_multiple_of(8) - text.len()));
    [&(text.len() as u64).to_le_bytes(), text.as_bytes(), &data].concat()
}

fn renamed(tensors: &Tensors, name: impl Fn(&str) -> String) -> Tensors {
    tensors.iter().map(|(n, d, s, b)| (name(n), d.clone(), s.clone(), b.clone())).collect()
}

/// examples/unconditional_image_generation/train_unconditional.py of diffusers leaves OUT/scheduler, OUT/unet and, in between,
/// OUT/checkpoint-N/unet and unet_ema.
#[test]
fn the_scheduler_of_a_training_run_is_found_from_each_of_its_folders() {
    let temporary = tempfile::tempdir().expect("a folder");
    let out = temporary.path().join("OUT");
    for place in ["unet", "checkpoint-500/unet", "checkpoint-500/unet_ema", "checkpoint-1000/unet_ema"] {
        folder(&out.join(place), &json!({}), WEIGHTS);
    }
    write(out.join("scheduler/scheduler_config.json"), fashion().scheduler);
    let v = Model::embedded(fashion()).expect("shipped").scheduler;
    for place in ["", "unet", "checkpoint-500", "checkpoint-500/unet", "checkpoint-500/unet_ema", "checkpoint-1000"] {
        let model = Model::open(&out.join(place)).expect(place);
        assert_eq!((model.scheduler.clone(), model.assumed()), (v.clone(), None), "{place}");
    }
    let both = Model::open(&out.join("checkpoint-500")).expect("both");
    assert!(both.notes.iter().any(|note| note.contains("unet/") && note.contains("--variant ema")), "{:?}", both.notes);
    let averaged = Model::open_variant(&out.join("checkpoint-500"), Some("ema")).expect("the average");
    assert!(averaged.weights().origin().ends_with(Path::new("unet_ema").join(WEIGHTS)));
    assert!(Model::open_variant(&out.join("checkpoint-500"), Some("non_ema")).is_ok());
    assert!(Model::open(&out.join("checkpoint-1000")).expect("one").notes[0].contains("unet_ema"));
    // A scheduler that cannot be used keeps nothing but sampling from being done.
    write(out.join("checkpoint-500/scheduler_config.json"), r#"{"num_train_timesteps": 0}"#);
    let wrong = Model::open(&out.join("checkpoint-500/unet")).expect("it opens all the same");
    assert!(wrong.usable_scheduler().expect_err("it is wrong").to_string().contains("num_train_timesteps"));
    fs::remove_file(out.join("checkpoint-500/scheduler_config.json")).expect("removed");
    // A run that has not ended yet.
    fs::remove_dir_all(out.join("unet")).expect("removed");
    let message = refusal(Model::open(&out));
    assert!(message.contains("checkpoint-1000, checkpoint-500"), "{message}");
    fs::remove_dir_all(out.join("scheduler")).expect("removed");
    let alone = Model::open(&out.join("checkpoint-500/unet_ema")).expect("it opens").all_notes();
    assert!(alone.iter().any(|n| n.contains("no scheduler_config.json") && n.contains("0.0001 to 0.02, T = 1000")), "{alone:?}");
}

/// CompVis/ldm-celebahq-256 and huggingface/diffusers#5392: a U-Net whose output an autoencoder must decode.
#[test]
fn latents_are_called_so() {
    let temporary = tempfile::tempdir().expect("a folder");
    let here = temporary.path();
    folder(&here.join("unet"), &json!({}), WEIGHTS);
    let decoder = |model: &Path| Model::open(model).expect("it opens").decoder;
    assert_eq!(decoder(here), None);
    let index = |text: &str| write(here.join("model_index.json"), text);
    index(r#"{"_class_name": "AudioDiffusionPipeline", "vqvae": [null, null], "unet": ["diffusers", "UNet2DModel"]}"#);
    assert_eq!(decoder(here), None);
    index(r#"{"_class_name": "LDMPipeline", "unet": ["diffusers", "UNet2DModel"]}"#);
    assert_eq!(decoder(here), Some("that of LDMPipeline".to_owned()));
    index(r#"{"_class_name": "LDMPipeline", "vqvae": ["diffusers", "VQModel"]}"#);
    for place in ["", "unet"] {
        assert_eq!(decoder(&here.join(place)), Some("VQModel in vqvae/".to_owned()), "{place}");
    }
    fs::remove_file(here.join("model_index.json")).expect("removed");
    write(here.join("vae/config.json"), r#"{"_class_name": "AutoencoderKL"}"#);
    let model = Model::open(here).expect("it opens");
    assert_eq!(model.decoder.as_deref(), Some("AutoencoderKL in vae/"));
    assert!(model.all_notes().iter().any(|n| n.contains("latents") && n.contains("not run")), "{:?}", model.all_notes());
    assert!(model.picture_scale() < 1.0);
}

/// huggingface/pytorch-image-models#2003: names of a compiled or wrapped network.
#[test]
fn names_behind_any_prefix_are_found() {
    let all = tensors();
    let temporary = tempfile::tempdir().expect("a folder");
    let here = temporary.path();
    for prefix in ["_orig_mod.", "module.", "_orig_mod.module.", "model.", "ema_model.", "unet.", "net.", "state_dict.model.unet."]
    {
        folder(here, &json!({}), WEIGHTS);
        write(here.join(WEIGHTS), file(&renamed(&all, |name| format!("{prefix}{name}"))));
        let model = Model::open(here).expect(prefix);
        assert_eq!((model.prefix.as_str(), model.weights().parameters()), (prefix, 2_244_609));
    }
    // Both in one file: the average, unless the other is asked for.
    let halved = |name: &str| format!("model.{name}");
    let both = [renamed(&all, halved), renamed(&all, |name| format!("ema_model.{name}"))].concat();
    write(here.join(WEIGHTS), file(&both));
    let model = Model::open(here).expect("both");
    assert_eq!((model.prefix.as_str(), model.weights().parameters()), ("ema_model.", 2_244_609));
    assert!(model.notes[0].contains("--variant non_ema takes model"), "{:?}", model.notes);
    assert_eq!(Model::open_variant(here, Some("non_ema")).expect("the other").prefix, "model.");
    let two = [renamed(&all, halved), renamed(&all, |name| format!("second.{name}"))].concat();
    write(here.join(WEIGHTS), file(&two));
    assert!(refusal(Model::open(here)).contains("model, second"));
}

/// huggingface/diffusers#10447, #10928 and #14811: several files with an index, and variants by name.
#[test]
fn shards_and_variants_are_found_by_their_names() {
    let all = tensors();
    let temporary = tempfile::tempdir().expect("a folder");
    let here = temporary.path();
    let (first, second) = all.split_at(all.len() / 2);
    let names = ["diffusion_pytorch_model-00001-of-00002.safetensors", "diffusion_pytorch_model-00002-of-00002.safetensors"];
    let map = |parts: [&[Tensor]; 2]| -> Value {
        let pairs = parts.iter().zip(names).flat_map(|(part, name)| part.iter().map(move |t| (t.0.clone(), Value::from(name))));
        json!({ "metadata": { "total_size": 1 }, "weight_map": pairs.collect::<serde_json::Map<_, _>>() })
    };
    folder(here, &json!({}), "x");
    fs::remove_file(here.join("x")).expect("removed");
    let index = here.join(format!("{WEIGHTS}.index.json"));
    write(&index, map([first, second]).to_string());
    write(here.join(names[0]), file(first));
    assert!(refusal(Model::open(here)).contains("00002-of-00002.safetensors, which is missing"));
    write(here.join(names[1]), file(second));
    let model = Model::open(here).expect("shards");
    assert_eq!((model.weights().parameters(), model.weights().files()), (2_244_609, 2));
    assert_eq!(Model::open(&index).expect("by the index").weights().parameters(), 2_244_609);
    write(&index, map([second, first]).to_string());
    assert!(refusal(Model::open(here)).contains("is missing, which"));
    write(here.join(names[1]), file(&all));
    write(&index, map([first, second]).to_string());
    assert!(refusal(Model::open(here)).contains("as well"));
    for wrong in ["../x.safetensors", "/etc/passwd", "a\\b"] {
        write(&index, json!({ "weight_map": { "a": wrong } }).to_string());
        assert!(refusal(Model::open(here)).contains("files in this folder"));
    }
    fs::remove_file(&index).expect("removed");
    assert!(refusal(Model::open(here)).contains("not their index"));
    for name in names {
        fs::remove_file(here.join(name)).expect("removed");
    }
    for (name, variant) in [
        ("diffusion_pytorch_model.non_ema.safetensors", "non_ema"),
        ("diffusion_pytorch_model.bf16.safetensors", "bf16"),
        ("diffusion_pytorch_model.mine.safetensors", "mine"),
        ("model.ema.safetensors", "ema"),
    ] {
        folder(here, &json!({}), name);
        assert!(Model::open(here).expect(name).notes[0].contains(variant), "{name}");
        assert_eq!(Model::find(&format!("{}#{variant}", here.display())).expect(name).weights().parameters(), 2_244_609);
        let message = refusal(Model::open_variant(here, Some("fp8")));
        assert!(message.contains(variant) && message.contains(name), "{message}");
        fs::remove_file(here.join(name)).expect("removed");
    }
    for name in ["model.safetensors", "pytorch_model.safetensors", "anything.safetensors"] {
        folder(here, &json!({}), name);
        assert_eq!(Model::open(here).expect(name).notes, Vec::<String>::new(), "{name}");
        assert_eq!(Model::open(&here.join(name)).expect(name).weights().parameters(), 2_244_609);
        fs::remove_file(here.join(name)).expect("removed");
    }
    folder(here, &json!({}), "diffusion_pytorch_model.ema.safetensors");
    folder(here, &json!({}), "diffusion_pytorch_model.non_ema.safetensors");
    assert!(refusal(Model::open(here)).contains("choose with --variant: ema, non_ema"));
    for name in ["a.safetensors", "b.safetensors"] {
        fs::rename(
            here.join(format!("diffusion_pytorch_model.{}.safetensors", if name == "a.safetensors" { "ema" } else { "non_ema" })),
            here.join(name),
        )
        .expect("renamed");
    }
    assert!(refusal(Model::open(here)).contains("a.safetensors, b.safetensors"));
    for name in ["a.safetensors", "b.safetensors"] {
        fs::remove_file(here.join(name)).expect("removed");
    }
    write(here.join("model.onnx"), "x");
    assert!(refusal(Model::open(here)).contains("there are config.json, model.onnx"));
}

/// huggingface/diffusers#132 (pull request) and ADM: twice as many outputs, of which the first half is the prediction.
#[test]
fn a_learned_variance_changes_no_picture() {
    let temporary = tempfile::tempdir().expect("a folder");
    let here = temporary.path();
    let doubled: Tensors = tensors()
        .into_iter()
        .map(|(name, dtype, mut shape, bytes)| {
            if !name.starts_with("conv_out.") {
                return (name, dtype, shape, bytes);
            }
            shape[0] = json!(2);
            (name, dtype, shape, [bytes.clone(), bytes].concat())
        })
        .collect();
    folder(here, &json!({ "out_channels": 2 }), WEIGHTS);
    write(here.join(WEIGHTS), file(&doubled));
    let [plain, learned] = [Model::embedded(fashion()), Model::open(here)].map(|m| Arc::new(m.expect("it opens")));
    assert!(learned.config.learns_variance() && !plain.config.learns_variance());
    let x: Vec<f32> = (0..1024).map(|i| ((i * 37 % 101) as f32 - 50.0) / 40.0).collect();
    let eps = |model: &Arc<Model>| {
        block_on(Engine::new(model.clone(), Backend::Cpu, Default::default()).epsilon(&x, &[500.0], &[], (32, 32)))
            .expect("evaluated")
    };
    let (one, both) = (eps(&plain), eps(&learned));
    assert_eq!(both, [one.clone(), one].concat());
    let mut engine = Engine::new(learned.clone(), Backend::Cpu, Default::default());
    let (executor, handles) = engine.network(1, (32, 32), 1).expect("a network").parts();
    assert_eq!(executor.program().shape(handles.epsilon).channels, 1);
    assert_eq!(block_on(sampler::epsilon(executor, &handles, &x, &[500.0], &[])).expect("evaluated"), eps(&plain));
}

/// Each checkpoint of tests/fixtures/research: ermongroup/ddim#1 and #26, openai/improved-diffusion, openai/guided-diffusion,
/// CompVis/latent-diffusion.
#[test]
fn checkpoints_of_research_codes_compute_what_they_computed() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let manifest: Value = serde_json::from_slice(&fs::read(fixtures.join("research.json")).expect("read")).expect("JSON");
    for case in manifest["cases"].as_array().expect("a list") {
        let name = case["name"].as_str().expect("a name");
        let here: PathBuf = fixtures.join("research").join(name);
        let checkpoint = here.join(case["file"].as_str().expect("a file"));
        let model = Model::open(&checkpoint).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(model.weights().parameters(), case["parameters"].as_u64().expect("a number"), "{name}");
        assert_eq!(u64::from(model.sample_size().0), case["size"].as_u64().expect("a number"), "{name}");
        assert!(model.notes.iter().any(|n| n.contains("assumed")), "{name}: {:?}", model.notes);
        let file = Weights::open(&here.join("case.safetensors")).expect("a case");
        let timesteps: Vec<f32> = file.numbers("timestep").expect("timesteps").into_iter().map(|t| t as f32).collect();
        let shape: Vec<u32> = file.shape("sample").expect("sample").iter().map(|n| *n as u32).collect();
        let (program, handles) = model.record(shape[0], shape[2], shape[3], shape[0]).expect("recorded");
        let mut executor = CpuExecutor::new(Arc::new(program));
        let (sample, expected) = (file.floats("sample").expect("sample"), file.floats("eps").expect("eps"));
        let labels: Vec<u32> = file.numbers("class_labels").unwrap_or_default().into_iter().map(|l| l as u32).collect();
        let eps = block_on(sampler::epsilon(&mut executor, &handles, &sample, &timesteps, &labels));
        let eps = eps.unwrap_or_else(|e| panic!("{name}: {e}"));
        let largest = expected.iter().fold(0.0f32, |m, v| m.max(v.abs()));
        let worst = eps.iter().zip(&expected).fold(0.0f32, |m, (a, b)| m.max((a - b).abs())) / largest;
        println!("{name}: {worst:.1e}");
        // As for every U-Net: some hundred roundings along 10 to 60 layers, on both sides.
        assert!(eps.len() == expected.len() && worst < 1e-5, "{name}: {worst}");
    }
}

/// lucidrains/denoising-diffusion-pytorch#288 and others: what cannot run is refused with the reason and the key.
#[test]
fn a_network_of_lucidrains_is_refused_by_its_layers() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/research/lucidrains/model-1.pt");
    let message = refusal(Model::open(&file));
    assert!(message.contains("linear attention") && message.contains("downs.0.2.to_qkv.weight"), "{message}");
}

/// A folder that accelerate wrote without diffusers' hooks: the weights alone, the config and the scheduler in the folder above.
#[test]
fn a_checkpoint_without_a_config_takes_that_of_its_run() {
    let temporary = tempfile::tempdir().expect("a folder");
    let out = temporary.path();
    folder(&out.join("unet"), &json!({}), WEIGHTS);
    write(out.join("scheduler/scheduler_config.json"), fashion().scheduler);
    let here = out.join("checkpoint-500");
    write(here.join("model.safetensors"), fashion().weights);
    for other in ["optimizer.bin", "scheduler.bin", "random_states_0.pkl", "scaler.pt"] {
        write(here.join(other), "no weights");
    }
    let model = Model::open(&here).expect("it opens");
    assert!(model.notes[0].contains("unet") && model.scheduler.is_some(), "{:?}", model.notes);
}

/// What a message must name: the block that was meant, the key's name of today, sizes that would do, what a file is instead.
#[test]
fn messages_name_the_cause() {
    let temporary = tempfile::tempdir().expect("a folder");
    let here = temporary.path();
    let mut types: Value = serde_json::from_slice::<Value>(fashion().config).expect("JSON")["down_block_types"].clone();
    for (misspelt, meant) in
        [("AttnDownBlok2D", "AttnDownBlock2D"), ("Downblock2D", "DownBlock2D"), ("AttnDownBlock2d", "AttnDownBlock2D")]
    {
        types[0] = json!(misspelt);
        folder(here, &json!({ "down_block_types": types }), WEIGHTS);
        let message = refusal(Model::open(here));
        assert!(message.contains(&format!("is {meant} meant?")), "{message}");
    }
    types[0] = json!("CrossAttnDownBlock2D");
    folder(here, &json!({ "down_block_types": types }), WEIGHTS);
    assert!(!refusal(Model::open(here)).contains("meant"));
    let mut config: Value = serde_json::from_slice(fashion().config).expect("JSON");
    let fields = config.as_object_mut().expect("an object");
    for (old, new) in [("block_channels", "block_out_channels"), ("num_res_blocks", "layers_per_block")] {
        let value = fields.remove(new).expect("there");
        fields.insert(old.to_owned(), value);
    }
    write(here.join("config.json"), config.to_string());
    let message = refusal(Model::open(here));
    assert!(
        message.contains("block_channels is called block_out_channels, num_res_blocks is called layers_per_block"),
        "{message}"
    );
    let error = Model::embedded(fashion()).expect("shipped").record(1, 28, 28, 1).expect_err("not divisible").to_string();
    assert!(error.contains("24x24 or 32x32 would do"), "{error}");
    // A training run's of Stable Diffusion, by Lightning: one tensor says it.
    let key = "state_dict.model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight".to_owned();
    let shape = |n: &str, s: &[usize]| (n.to_owned(), "F32".to_owned(), json!(s), vec![0; s.iter().product::<usize>() * 4]);
    let file_of = |tensors: &[Tensor]| write(here.join("sd.safetensors"), file(tensors));
    file_of(&[shape(&key, &[2, 2]), shape("state_dict.model.diffusion_model.time_embed.0.weight", &[8, 2])]);
    let message = refusal(Model::open(&here.join("sd.safetensors")));
    assert!(message.contains("Stable Diffusion") && message.contains("attn2.to_k"), "{message}");
    file_of(&[shape("encoder.conv_in.weight", &[2, 2]), shape("decoder.conv_in.weight", &[2, 2])]);
    let alone = here.join("elsewhere/vae.safetensors");
    write(&alone, fs::read(here.join("sd.safetensors")).expect("read"));
    let message = refusal(Model::open(&alone));
    assert!(message.contains("an autoencoder") && message.contains("encoder.conv_in.weight"), "{message}");
}
