//! Files that are wrong in every way we could think of, and in random ways: each loader answers with a value or one line of text,
//! soon and in little memory. `corpus/` holds what once mattered; `ETUDE_FUZZ=100` tries a hundred times as many random files.

use etude::{
    Result,
    model::{Model, UnetConfig},
    picture::{Picture, gif::write_gif, png::write_png, recipe::read_recipe},
    program::{Executor, Handles, Program},
    sampler,
    schedule::{Schedule, ScheduleRequest, SchedulerConfig},
    weights::Weights,
};
use peak_alloc::PeakAlloc;
use proptest::{prelude::*, sample::Index};
use serde_json::{Map, Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// What all tests of this binary together may hold. The largest file they load has 1 MB, and a hostile pickle of the largest size
/// that is read makes a few hundred.
const MOST_MEGABYTES: f32 = 500.0;
/// The slowest is a network's evaluation; loading takes milliseconds. Other tests share the cores.
const LONGEST: Duration = Duration::from_secs(5);

/// Runs a loader, which must not panic, take long or take much memory; its error, if that is what it answers, must be one line.
fn harmless<T>(what: &str, load: impl FnOnce() -> Result<T>) -> Result<T, String> {
    let start = Instant::now();
    let answer = load().map_err(|error| error.to_string());
    let (took, megabytes) = (start.elapsed(), MEMORY.peak_usage_as_mb());
    assert!(took < LONGEST, "{what}: took {took:?}");
    assert!(megabytes < MOST_MEGABYTES, "{what}: memory rose to {megabytes} MB");
    if let Err(error) = &answer {
        assert!(!error.is_empty() && !error.contains(['\n', '\r']) && error.len() < 2000, "{what}: {error}");
    }
    answer
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

fn cases(count: u32) -> ProptestConfig {
    let times = std::env::var("ETUDE_FUZZ").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    // What fails belongs into the corpus, not into a file of seeds.
    ProptestConfig { cases: count * times, max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default() }
}

/// Reads everything in a weights file that reads without an error, as each kind of number.
fn read_all(weights: &Weights) -> usize {
    let names = weights.names();
    for name in &names {
        let shape = weights.shape(name).expect("listed").to_vec();
        for result in [
            weights.floats(name).map(|v| v.len()),
            weights.numbers(name).map(|v| v.len()),
            weights.get(name, &shape, true).map(|v| v.len()),
        ] {
            if let Ok(len) = result {
                assert_eq!(len, shape.iter().product::<usize>(), "{name}");
            }
        }
    }
    weights.parameters() as usize + names.len()
}

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
    assert!(sharded.contains("index.json: the weights are in several files"), "{sharded}");
    // Of another network, so that it can be told which file was read.
    fs::copy(pickled.join("diffusion_pytorch_model.bin"), here("diffusion_pytorch_model.bin")).expect("copied");
    assert!(error("a .bin").contains("diffusion_pytorch_model.bin: tensor "));
    fs::copy(unet.join("diffusion_pytorch_model.safetensors"), here("diffusion_pytorch_model.fp16.safetensors")).expect("copied");
    assert_eq!(Model::open(temporary.path()).expect("the fp16 variant").weights().parameters(), 47571);
    fs::write(here("diffusion_pytorch_model.safetensors"), "").expect("written");
    assert!(error("a plain one").contains("diffusion_pytorch_model.safetensors: not a complete safetensors file of 0 bytes"));
    assert!(harmless("a device", || Weights::open(temporary.path())).expect_err("a folder").contains("got a folder"));
}

/// One change to a file's bytes. Where it strikes: `Index` of the first or last 4 KiB (headers and directories), or of the whole.
#[derive(Clone, Debug)]
enum Edit {
    Set(u8),
    Number(u64),
    Insert(Vec<u8>),
    Remove(u16),
    Cut,
}

/// Numbers that counters, sizes and offsets dislike.
const EDGES: [u64; 10] = [0, 1, 7, 0x7f, 0xff, 0xffff, 0x7fff_ffff, 0xffff_ffff, i64::MAX as u64, u64::MAX];

fn edits() -> impl Strategy<Value = Vec<(Edit, Index, u8)>> {
    let edit = prop_oneof![
        4 => any::<u8>().prop_map(Edit::Set),
        3 => prop::sample::select(EDGES.to_vec()).prop_map(Edit::Number),
        1 => prop::collection::vec(any::<u8>(), 1..20).prop_map(Edit::Insert),
        1 => (1..2000_u16).prop_map(Edit::Remove),
        1 => Just(Edit::Cut),
    ];
    prop::collection::vec((edit, any::<Index>(), 0..3_u8), 1..6)
}

fn edited(bytes: &[u8], edits: &[(Edit, Index, u8)]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for (edit, index, place) in edits {
        if bytes.is_empty() {
            break;
        }
        let near = bytes.len().min(4096);
        let at = match place {
            0 => index.index(near),
            1 => bytes.len() - near + index.index(near),
            _ => index.index(bytes.len()),
        };
        match edit {
            Edit::Set(byte) => bytes[at] = *byte,
            Edit::Number(number) => bytes.iter_mut().skip(at).zip(number.to_le_bytes()).for_each(|(b, n)| *b = n),
            Edit::Insert(new) => drop(bytes.splice(at..at, new.iter().copied())),
            Edit::Remove(count) => drop(bytes.drain(at..(at + usize::from(*count)).min(bytes.len()))),
            Edit::Cut => bytes.truncate(at),
        }
    }
    bytes
}

/// Files to spoil: a whole small model's, a checkpoint's with every kind of view, one with a zip64 directory.
fn weights_files() -> Vec<(&'static str, Vec<u8>)> {
    let names = [
        "corpus/weights/views.safetensors",
        "corpus/weights/views.bin",
        "corpus/weights/zip64.bin",
        "corpus/weights/protocol_4.bin",
        "fixtures/unets/pickled/diffusion_pytorch_model.bin",
        "fixtures/unets/scale_shift/diffusion_pytorch_model.safetensors",
    ];
    names.map(|name| (name, fs::read(folder(name)).expect("readable"))).to_vec()
}

/// The opcodes of the pickle reader, and a few it refuses, with operands that fit them more or less.
fn pickle_piece() -> impl Strategy<Value = Vec<u8>> {
    let number = || prop::sample::select(EDGES.to_vec());
    let with = |opcodes: &'static [u8], width: usize| {
        (prop::sample::select(opcodes), number()).prop_map(move |(op, n)| [&[op], &n.to_le_bytes()[..width]].concat())
    };
    let text = |text: &'static str| [b"X", &(text.len() as u32).to_le_bytes()[..], text.as_bytes()].concat();
    let global = |name: &'static str| format!("c{name}\n").into_bytes();
    prop_oneof![
        4 => prop::sample::select(&b"(tNR)}subQe]ao0\x85\x86\x87\x88\x89\x93\x94\x81.12"[..]).prop_map(|op| vec![op]),
        2 => with(b"Kqh", 1),
        1 => with(b"M", 2),
        1 => with(b"Jrj", 4),
        1 => with(b"\x95\x8d", 8),
        2 => prop::sample::select(vec!["storage", "0", "cpu", "a"]).prop_map(text),
        2 => prop::sample::select(vec!["collections\nOrderedDict", "torch._utils\n_rebuild_tensor_v2", "torch\nFloatStorage", "os\nsystem"]).prop_map(global),
        // What a tensor is made of, so that deeper checks are reached as well.
        2 => (number(), number(), number()).prop_map(move |(offset, side, stride)| {
            let long = |n: u64| [&[0x8a, 8][..], &n.to_le_bytes()[..]].concat();
            let storage = [&b"("[..], &text("storage"), &global("torch\nFloatStorage"), &text("0"), &text("cpu"), &long(6), b"tQ"].concat();
            [&text("a"), &global("torch._utils\n_rebuild_tensor_v2"), &b"("[..], &storage, &long(offset), &long(side), b"\x85", &long(stride), b"\x85tRs"].concat()
        }),
    ]
}

proptest! {
    #![proptest_config(cases(600))]

    #[test]
    fn spoilt_weights(which in any::<Index>(), edits in edits()) {
        let files = weights_files();
        let (name, bytes) = &files[which.index(files.len())];
        let _ = harmless(name, || Weights::from_bytes(edited(bytes, &edits), name).map(|weights| read_all(&weights)));
    }

    #[test]
    fn random_weights(start in prop::sample::select(vec!["", "PK\x03\x04", "\x09\0\0\0\0\0\0\0{"]), rest in prop::collection::vec(any::<u8>(), 0..600), bin in any::<bool>()) {
        let bytes = [start.as_bytes(), &rest].concat();
        let _ = harmless("random", || Weights::from_bytes(bytes, if bin { "a.bin" } else { "a.safetensors" }).map(|weights| read_all(&weights)));
    }

    /// A zip around a random pickle.
    #[test]
    fn random_pickles(pieces in prop::collection::vec(pickle_piece(), 0..40)) {
        let pickle = [b"}".to_vec(), pieces.concat(), b".".to_vec()].concat();
        let archive = stored_zip(&[("a/data.pkl", &pickle), ("a/data/0", &[0; 24])]);
        let _ = harmless("pickle", || Weights::from_bytes(archive, "a.bin").map(|weights| read_all(&weights)));
    }

    #[test]
    fn spoilt_configs(which in any::<Index>(), edits in edits()) {
        let names = ["ddpm/config.json", "deep/config.json", "old_names/scheduler/scheduler_config.json"];
        let path = folder("fixtures/unets").join(names[which.index(names.len())]);
        let bytes = edited(&fs::read(&path).expect("readable"), &edits);
        let _ = harmless("config", || UnetConfig::from_json(&bytes, &path));
        let _ = harmless("scheduler", || SchedulerConfig::from_json(&bytes, &path));
    }
}

/// A zip of stored members, the least of one that a reader accepts.
fn stored_zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut zip, mut directory) = (Vec::new(), Vec::new());
    for (name, data) in members {
        let size = (data.len() as u32).to_le_bytes();
        let facts =
            [&[20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0][..], &size, &size, &(name.len() as u16).to_le_bytes(), &[0, 0]].concat();
        directory.extend([b"PK\x01\x02\x14\0", &facts[..], &[0; 10], &(zip.len() as u32).to_le_bytes(), name.as_bytes()].concat());
        zip.extend([b"PK\x03\x04", &facts[..], name.as_bytes(), data].concat());
    }
    let count = (members.len() as u16).to_le_bytes();
    let place = [(directory.len() as u32).to_le_bytes(), (zip.len() as u32).to_le_bytes()].concat();
    [&zip, &directory, &b"PK\x05\x06\0\0\0\0"[..], &count, &count, &place, &[0, 0]].concat()
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn spoilt_pictures(animated in any::<bool>(), edits in edits(), random in prop::option::weighted(0.1, prop::collection::vec(any::<u8>(), 0..400))) {
        let temporary = tempfile::tempdir().expect("a temporary folder");
        let path = temporary.path().join("picture");
        let picture = Picture::filled(5, 4, [9, 99, 200]);
        let recipe = Some(r#"{"steps":3}"#);
        if animated { write_gif(&path, [&picture], 50, 50, recipe) } else { write_png(&path, &picture, recipe) }.expect("written");
        let bytes = random.unwrap_or_else(|| edited(&fs::read(&path).expect("readable"), &edits));
        fs::write(&path, bytes).expect("written");
        let _ = harmless("picture", || read_recipe(&path));
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
            && program.flops(etude::program::Stage::Network, 2) < 1e9
        {
            let _ = harmless("evaluate", || evaluate(program, handles));
        }
        Ok(model)
    }
}

fn evaluate(program: Program, handles: Handles) -> Result<Vec<f32>> {
    let shape = program.shape(handles.x);
    let x = vec![0.5; (shape.batch * shape.pixels() * shape.channels) as usize];
    let mut executor = etude::cpu::CpuExecutor::new(Arc::new(program));
    let executor: &mut dyn Executor = &mut executor;
    sampler::epsilon(executor, &handles, &x, &[999.0, 0.0])
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
    #![proptest_config(cases(150))]

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

    #[test]
    fn models_with_spoilt_weights(edits in edits()) {
        let small = Small::new("scale_shift_attention");
        let _ = small.open(&small.config, &edited(&small.weights, &edits));
    }
}

/// Pickles of the largest size that is read, made of whatever takes the most memory a byte.
#[test]
fn the_largest_hostile_pickles_stay_small() {
    let most = (2 << 20) - 128;
    let open = |pickle: Vec<u8>| {
        let archive = stored_zip(&[("a/data.pkl", &pickle), ("a/data/0", &[0; 24])]);
        harmless("hostile", || Weights::from_bytes(archive, "a.bin").map(|weights| read_all(&weights)))
    };
    for piece in [&b"}"[..], b")", b"(t", b"N\x85", b"N\x94", b"}NNs", b"NNNNNNNN", b"("] {
        // Some are no state dict, some an empty one.
        let _ = open([&b"}"[..], &piece.repeat(most / piece.len()), b"."].concat());
    }
    // As many names as there is room for, all of one and the same tensor without elements.
    let tensor = b"ctorch._utils\n_rebuild_tensor_v2\n((\x8c\x07storagectorch\nFloatStorage\n\x8c\x010\x8c\x03cpuK\x06tQK\0K\0\x85K\x01\x85tRq\x01";
    let count = most / 11;
    let names = (0..count).flat_map(|i| [b"\x8c\x06", format!("{i:06x}").as_bytes(), b"h\x01s"].concat()).collect();
    assert_eq!(open([tensor.to_vec(), b"}".to_vec(), names, b".".to_vec()].concat()), Ok(count));
}
