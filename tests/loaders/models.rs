//! Whole models whose config or weights are odd or spoilt; what opens all the same is evaluated.

use crate::{EDGES, cases, edited, edits, folder, harmless};
use etude::{
    Result,
    cpu::executor::CpuExecutor,
    model::Model,
    platform::block_on,
    program::{Executor, Handles, Program, Stage},
    sampler,
};
use proptest::{prelude::*, sample::Index};
use serde_json::{Map, Value, json};
use std::{fs, sync::Arc};

/// A page checks by them what it fetches.
#[test]
fn the_hashes_of_the_models_that_come_with_the_program_are_theirs() {
    use sha2::{Digest, Sha256};
    for embedded in etude::model::EMBEDDED {
        let hash: String = Sha256::digest(embedded.weights).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(embedded.sha256, hash, "{}: src/model/embedded.rs", embedded.name);
    }
}

/// A folder with a small model, to spoil.
struct Small {
    temporary: tempfile::TempDir,
    config: Map<String, Value>,
    weights: Vec<u8>,
}

const WEIGHTS: &str = "diffusion_pytorch_model.safetensors";

impl Small {
    fn new(name: &str) -> Self {
        let source = folder("fixtures/unets").join(name);
        let config = serde_json::from_slice(&fs::read(source.join("config.json")).expect("readable")).expect("JSON");
        let weights = fs::read(source.join(WEIGHTS)).expect("readable");
        Self { temporary: tempfile::tempdir().expect("a temporary folder"), config, weights }
    }

    /// Opens the folder with this config and these weights, and where it opens, evaluates the network once on each of a few sizes.
    fn open(&self, config: &Map<String, Value>, weights: &[u8]) -> Result<Model, String> {
        let folder = self.temporary.path();
        fs::write(folder.join("config.json"), Value::Object(config.clone()).to_string()).expect("written");
        fs::write(folder.join(WEIGHTS), weights).expect("written");
        let model = harmless("open", || Model::open(folder))?;
        let (step, (h, w)) = (model.config.size_step(), model.sample_size());
        let _ = harmless("record", || model.record(1, h, w, 3));
        let _ = harmless("record many", || model.record(4096, h, w, 3));
        if let Ok((program, handles)) = harmless("record", || model.record(2, step, 2 * step, 2))
            && program.flops(Stage::Network, 2) < 1e9
        {
            let _ = harmless("evaluate", || evaluate(program, handles));
        }
        Ok(model)
    }
}

fn evaluate(program: Program, handles: Handles) -> Result<Vec<f32>> {
    let shape = program.shape(handles.x);
    let x = vec![0.5; (shape.batch * shape.pixels() * shape.channels) as usize];
    let mut executor = CpuExecutor::new(Arc::new(program));
    let executor: &mut dyn Executor = &mut executor;
    block_on(sampler::epsilon(executor, &handles, &x, &[999.0, 0.0], &[]))
}

/// Values that do not belong, or only just.
fn odd_value() -> impl Strategy<Value = Value> {
    let numbers = [0_i64, 1, 2, 3, 4, 5, 8, 16, 31, 1000, 8192, 1 << 31, 1 << 32, i64::MAX, -1, -8];
    let floats = [0.5, -0.0, 1e-45, 1e-7, 1e38, 1e39, 1e308, -1e308, 3.999_999_9];
    let texts = [
        "",
        "NaN",
        "Infinity",
        "-1",
        "8",
        "DownBlock2D",
        "AttnUpBlock2D",
        "silu",
        "gelu",
        "scale_shift",
        "UNet2DConditionModel",
        "conv\n",
    ];
    let scalar = prop_oneof![
        3 => prop::sample::select(numbers.to_vec()).prop_map(Value::from),
        2 => prop::sample::select(floats.to_vec()).prop_map(Value::from),
        1 => prop::sample::select(texts.to_vec()).prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
        1 => Just(Value::Null),
    ];
    let blocks = prop::sample::select(vec!["DownBlock2D", "AttnDownBlock2D", "UpBlock2D", "AttnUpBlock2D"]).prop_map(Value::from);
    prop_oneof![
        4 => scalar.clone(),
        1 => prop::collection::vec(scalar.clone(), 0..4).prop_map(Value::from),
        1 => prop::collection::vec(blocks, 0..13).prop_map(Value::from),
        1 => prop::collection::vec(prop::sample::select(vec![2, 4, 8, 12, 16]), 0..13).prop_map(Value::from),
        1 => scalar.prop_map(|inner| json!({ "a": [inner] })),
    ]
}

/// A change to the header of a .safetensors: which tensor, what of it, and the new value.
#[derive(Clone, Debug)]
enum HeaderEdit {
    Side(u8, Value),
    Shape(Value),
    Offset(bool, Value),
    Dtype(&'static str),
    Remove,
    Rename,
}

fn header_edit() -> impl Strategy<Value = HeaderEdit> {
    let number = || prop_oneof![3 => prop::sample::select(EDGES.to_vec()).prop_map(Value::from), 1 => odd_value()];
    let dtypes = vec!["F32", "F16", "BF16", "F64", "I64", "BOOL", "F8_E4M3", "F4", "C64", "X"];
    prop_oneof![
        2 => (0..4_u8, number()).prop_map(|(which, value)| HeaderEdit::Side(which, value)),
        1 => odd_value().prop_map(HeaderEdit::Shape),
        2 => (any::<bool>(), number()).prop_map(|(last, value)| HeaderEdit::Offset(last, value)),
        2 => prop::sample::select(dtypes).prop_map(HeaderEdit::Dtype),
        1 => Just(HeaderEdit::Remove),
        1 => Just(HeaderEdit::Rename),
    ]
}

fn edit_header(header: &mut Map<String, Value>, name: &str, edit: &HeaderEdit) {
    let info = &mut header[name];
    match edit {
        HeaderEdit::Side(which, value) => {
            if let Some(side) = info["shape"].get_mut(usize::from(*which)) {
                *side = value.clone();
            }
        }
        HeaderEdit::Shape(value) => info["shape"] = value.clone(),
        HeaderEdit::Offset(last, value) => info["data_offsets"][usize::from(*last)] = value.clone(),
        HeaderEdit::Dtype(dtype) => info["dtype"] = Value::from(*dtype),
        HeaderEdit::Remove => drop(header.remove(name)),
        HeaderEdit::Rename => {
            let info = info.take();
            header.remove(name);
            header.insert(format!("{name}\n2"), info);
        }
    }
}

proptest! {
    #![proptest_config(cases(800))]

    #[test]
    fn models_with_odd_configs(which in any::<Index>(), odd in prop::collection::vec((any::<Index>(), odd_value()), 1..4)) {
        let models = ["scale_shift_attention", "defaults", "deep"];
        let small = Small::new(models[which.index(models.len())]);
        let mut config = Small::new("ddpm").config;
        config.extend(small.config.clone());
        let keys: Vec<String> = config.keys().cloned().collect();
        for (key, value) in odd {
            config.insert(keys[key.index(keys.len())].clone(), value);
        }
        let _ = small.open(&config, &small.weights);
    }

    #[test]
    fn models_with_odd_headers(edits in prop::collection::vec((any::<Index>(), header_edit()), 1..3)) {
        let small = Small::new("scale_shift_attention");
        let length = u64::from_le_bytes(small.weights[..8].try_into().expect("eight bytes")) as usize;
        let mut header: Map<String, Value> = serde_json::from_slice(&small.weights[8..8 + length]).expect("JSON");
        for (which, edit) in edits {
            let names: Vec<String> = header.iter().filter(|(_, v)| v["data_offsets"].is_array()).map(|(k, _)| k.clone()).collect();
            edit_header(&mut header, &names[which.index(names.len())], &edit);
        }
        let text = Value::Object(header).to_string();
        let weights = [&(text.len() as u64).to_le_bytes(), text.as_bytes(), &small.weights[8 + length..]].concat();
        let _ = small.open(&small.config, &weights);
    }

    /// Checkpoints of research codes: spoilt bytes, and config.json beside them with odd values.
    #[test]
    fn spoilt_research_checkpoints(which in any::<Index>(), edits in edits(), odd in prop::collection::vec((any::<Index>(), odd_value()), 0..3)) {
        let cases = ["ermon_list/ckpt.pth", "improved/ema_0.9999_500000.pt", "guided/32x32_diffusion.pt", "latent/model.ckpt"];
        let keys = ["num_heads", "num_head_channels", "use_new_attention_order", "noise_schedule", "diffusion_steps", "image_size", "in_channels", "block_out_channels", "attention_head_dim"];
        let source = folder("fixtures/research").join(cases[which.index(cases.len())]);
        let temporary = tempfile::tempdir().expect("a temporary folder");
        let bytes = fs::read(&source).expect("readable");
        let bytes = if odd.is_empty() { edited(&bytes, &edits) } else { bytes };
        let file = temporary.path().join(source.file_name().expect("a name"));
        fs::write(&file, bytes).expect("written");
        let config: Map<String, Value> = odd.into_iter().map(|(key, value)| (keys[key.index(keys.len())].to_owned(), value)).collect();
        fs::write(temporary.path().join("config.json"), Value::Object(config).to_string()).expect("written");
        if let Ok(model) = harmless("research", || Model::open(&file)) {
            let step = model.config.size_step();
            if let Ok((program, handles)) = harmless("record", || model.record(1, step, step, 2)) && program.flops(Stage::Network, 1) < 1e9 {
                let _ = harmless("evaluate", || evaluate(program, handles));
            }
        }
    }

    /// Folders with an index: odd maps, odd names.
    #[test]
    fn odd_indexes(map in prop::collection::vec((prop::sample::select(vec!["a", "conv_in.weight", "\n", ""]), odd_value()), 0..5), raw in any::<bool>()) {
        let temporary = tempfile::tempdir().expect("a temporary folder");
        fs::copy(folder("fixtures/unets/ddpm/config.json"), temporary.path().join("config.json")).expect("copied");
        let map: Map<String, Value> = map.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
        let index = if raw { Value::Object(map).to_string() } else { json!({ "weight_map": map }).to_string() };
        fs::write(temporary.path().join("diffusion_pytorch_model.safetensors.index.json"), index).expect("written");
        let _ = harmless("index", || Model::open(temporary.path()));
    }

    #[test]
    fn models_with_spoilt_weights(edits in edits()) {
        let small = Small::new("scale_shift_attention");
        let _ = small.open(&small.config, &edited(&small.weights, &edits));
    }
}
