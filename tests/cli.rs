//! The program as its users meet it: what it prints and writes, its exit codes, and one line that helps where something is wrong.

use etude::{
    noise,
    picture::{Picture, sheet},
    tensors::{self, Values},
    weights::Weights,
};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde_json::{Map, Value, json};
use std::{
    borrow::Cow,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

/// A folder of its own, from which the program is started.
struct Place(tempfile::TempDir);

/// What a run left behind.
struct Run {
    code: Option<i32>,
    out: String,
    err: String,
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// `etude` with the words of a line and one more argument for each `{}` in it.
    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_etude"));
        command.current_dir(self.0.path()).args(line.split_whitespace()).env_remove("ETUDE_LOG").stdin(Stdio::null());
        command
    }

    fn run(&self, line: &str) -> Run {
        self.command(line).output().expect("started").into()
    }

    /// Runs what must succeed; returns what it prints.
    fn succeed(&self, line: &str) -> String {
        let run = self.run(line);
        assert_eq!(run.code, Some(0), "etude {line}\n{}", run.err);
        run.out
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    fn tensors(&self, name: &str) -> Weights {
        Weights::open(&self.path(name)).expect("a .safetensors")
    }

    /// The recipe that `etude info` prints.
    fn recipe(&self, name: &str) -> Value {
        serde_json::from_str(&self.succeed(&format!("info {name}"))).expect("JSON")
    }

    /// Every file here and below, with its bytes; folders do not count.
    fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        fn collect(folder: &Path, found: &mut Vec<(PathBuf, Vec<u8>)>) {
            for entry in fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("readable").path();
                if path.is_dir() {
                    collect(&path, found);
                } else {
                    found.push((path.clone(), fs::read(&path).expect("readable")));
                }
            }
        }
        let mut found = Vec::new();
        collect(self.0.path(), &mut found);
        found.sort();
        found
    }
}

fn fixture(name: &str) -> String {
    format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// A small model of three channels and 16 x 16 pixels; it has never learnt anything.
fn small() -> String {
    fixture("unets/ddpm")
}

fn decoded(path: &Path) -> image::RgbImage {
    image::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).into_rgb8()
}

/// The shape and the pixels of an .npz's only array, its checksums compared.
fn npz(path: &Path) -> (Vec<usize>, Vec<u8>) {
    let file = fs::read(path).expect("readable");
    let archive = rawzip::ZipArchive::from_slice(&file).expect("a zip");
    let headers: Vec<_> = archive.entries().map(|header| header.expect("an entry")).collect();
    let [header] = headers.as_slice() else { panic!("{} members", headers.len()) };
    assert_eq!(header.file_path().as_ref(), b"arr_0.npy");
    let entry = archive.get_entry(header.wayfinder()).expect("its data");
    assert_eq!(header.crc32(), crc32fast::hash(entry.data()));
    assert_eq!(entry.local_header().crc32(), header.crc32());
    let text = String::from_utf8_lossy(&entry.data()[10..128]);
    let shape = text.split_once("'shape': (").and_then(|(_, rest)| rest.split_once(')')).expect("a shape").0;
    let shape: Vec<usize> = shape.split(", ").map(|side| side.parse().expect("a number")).collect();
    let pixels = entry.data()[128..].to_vec();
    assert_eq!(pixels.len(), shape.iter().product::<usize>());
    (shape, pixels)
}

#[test]
fn the_main_job_and_its_recipe() {
    let place = Place::new();
    let said = place.succeed("sample --device cpu --steps 2 -o sheet.png");
    assert!(said.starts_with("16 images of fashion, 2 steps, η = 0, ") && said.ends_with(": sheet.png\n"), "{said}");
    let expected = sheet::contact_sheet(&vec![Picture::filled(32, 32, [0; 3]); 16], None, None);
    let sheet = decoded(&place.path("sheet.png"));
    assert_eq!((sheet.width() as usize, sheet.height() as usize), (expected.width, expected.height));
    let recipe = place.recipe("sheet.png");
    for (field, value) in [("model", json!("fashion")), ("steps", json!(2)), ("count", json!(16)), ("seed", json!(0)), ("eta", json!(0.0))] {
        assert_eq!(recipe[field], value, "{field}");
    }
    place.succeed("sample --device cpu --recipe sheet.png -o again.png");
    assert_eq!(place.bytes("sheet.png"), place.bytes("again.png"));
    fs::write(place.path("recipe.json"), recipe.to_string()).expect("written");
    place.succeed("sample --device cpu --recipe recipe.json -o from_json.png");
    assert_eq!(place.bytes("sheet.png"), place.bytes("from_json.png"));
    // Other options override the recipe's.
    place.succeed("sample --device cpu --recipe sheet.png --seed 1 -n 1 -o other.png");
    assert_eq!((place.recipe("other.png")["seed"].clone(), place.recipe("other.png")["count"].clone()), (json!(1), json!(1)));
    assert_ne!(place.bytes("sheet.png"), place.bytes("other.png"));
}

#[test]
fn folders_and_npz_hold_the_same_images() {
    let place = Place::new();
    let job = format!("sample --device cpu --model {} -S 2 --eta 1 -n 3 --batch 2", small());
    place.succeed(&format!("{job} -o pictures/of/many"));
    place.succeed(&format!("{job} -o samples.npz"));
    let pictures: Vec<_> = (0..3).map(|i| decoded(&place.path(&format!("pictures/of/many/{i:05}.png")))).collect();
    assert!(pictures.iter().all(|p| p.dimensions() == (16, 16)) && pictures[0] != pictures[1]);
    let (shape, pixels) = npz(&place.path("samples.npz"));
    assert_eq!(shape, [3, 16, 16, 3]);
    assert_eq!(pixels, pictures.iter().flat_map(|p| p.as_raw().clone()).collect::<Vec<_>>());
    assert_eq!(place.files().len(), 4);
    assert_eq!(place.recipe("pictures/of/many/00002.png")["count"], 3);
}

/// Noise and x_T are addressed by image, so neither the batch nor the number of images changes a picture.
#[test]
fn an_image_is_the_same_in_any_batch() {
    let place = Place::new();
    let job = format!("sample --device cpu --model {} --steps 3 --eta 1", small());
    for batch in [4, 9, 1] {
        place.succeed(&format!("{job} --count 9 --batch {batch} -o {batch}"));
    }
    for image in 0..9 {
        let of = |batch: &str| place.bytes(&format!("{batch}/{image:05}.png"));
        assert!(of("4") == of("9") && of("1") == of("9"), "image {image}");
    }
    // Which is image 7 of 9 as well as of 8.
    place.succeed(&format!("{job} --count 8 --batch 8 -o of_eight"));
    assert_eq!(decoded(&place.path("of_eight/00007.png")), decoded(&place.path("9/00007.png")));
}

#[test]
fn torch_noise_is_torchs() {
    let place = Place::new();
    place.succeed(&format!("sample --device cpu --model {} --rng torch -S 1 -n 2 --save-trajectory t.safetensors", small()));
    let x = place.tensors("t.safetensors").floats("x").expect("x");
    assert_eq!(x[..2 * 3 * 16 * 16], noise::torch::randn(0, 2 * 3 * 16 * 16));
    // torch.manual_seed(0); torch.randn(1536) begins so.
    for (got, expected) in x.iter().zip([-1.1258, -1.1524, -0.2506, -0.4339]) {
        assert!((got - expected).abs() < 1e-4, "{got} {expected}");
    }
}

/// More on accuracy in tests/reference; here it is the command that counts.
#[test]
fn eps_is_what_pytorch_computes() {
    let place = Place::new();
    for name in ["ddpm", "pickled"] {
        let folder = fixture(&format!("unets/{name}"));
        let said = place.succeed(&format!("eps --device cpu --model {folder} --input {folder}/case.safetensors --output {name}.safetensors"));
        assert_eq!(said, format!("eps of 2 images: {name}.safetensors\n"));
        let (got, case) = (place.tensors(&format!("{name}.safetensors")), Weights::open(Path::new(&format!("{folder}/case.safetensors"))).expect("a case"));
        assert_eq!((got.shape("eps"), got.dtype("eps").as_deref()), (case.shape("eps"), Some("F32")));
        let (got, expected) = (got.floats("eps").expect("eps"), case.floats("eps").expect("eps"));
        let largest = expected.iter().fold(0.0_f32, |most, v| most.max(v.abs()));
        let error = got.iter().zip(&expected).fold(0.0_f32, |most, (g, e)| most.max((g - e).abs()));
        assert!(error <= 1e-5 * largest, "{name}: {error} of {largest}");
    }
}

#[test]
fn a_trajectory_from_given_numbers() {
    let place = Place::new();
    let (x_t, z) = (noise::torch::randn(1, 2 * 768), noise::torch::randn(2, 3 * 2 * 768));
    let given = [("x_T", vec![2, 3, 16, 16], Values::F32(x_t.clone())), ("noise", vec![3, 2, 3, 16, 16], Values::F32(z))];
    tensors::write(&place.path("given.safetensors"), &given).expect("written");
    let job = format!("sample --device cpu --model {} -S 3 --eta 0.5 --input given.safetensors", small());
    place.succeed(&format!("{job} --save-trajectory t.safetensors"));
    let file = place.tensors("t.safetensors");
    assert_eq!(file.names(), ["timesteps", "x", "x0"]);
    let facts = |name: &str| (file.shape(name).expect(name).to_vec(), file.dtype(name).expect(name));
    assert_eq!(facts("timesteps"), (vec![3], "I64".to_owned()));
    assert_eq!(facts("x"), (vec![4, 2, 3, 16, 16], "F32".to_owned()));
    assert_eq!(facts("x0"), (vec![3, 2, 3, 16, 16], "F32".to_owned()));
    assert_eq!(file.numbers("timesteps").expect("timesteps"), [666.0, 333.0, 0.0]);
    let (x, x0) = (file.floats("x").expect("x"), file.floats("x0").expect("x0"));
    assert_eq!(x[..1536], x_t);
    // The last step goes to x0 itself.
    assert_eq!(x[3 * 1536..], x0[2 * 1536..]);
}

#[test]
fn trajectories_are_strips_or_animations() {
    let place = Place::new();
    let job = format!("trajectory --device cpu --model {} -S 4 -n 2", small());
    place.succeed(&format!("{job} -o strip.png"));
    place.succeed(&format!("{job} --every 3 -o run.gif"));
    let strip = decoded(&place.path("strip.png"));
    assert!(strip.width() > 4 * 16 && strip.height() > 4 * 16, "{:?}", strip.dimensions());
    assert!(place.bytes("run.gif").starts_with(b"GIF89a"));
    image::open(place.path("run.gif")).expect("a GIF");
    for name in ["strip.png", "run.gif"] {
        let recipe = place.recipe(name);
        assert_eq!((&recipe["steps"], &recipe["count"]), (&json!(4), &json!(2)), "{name}");
    }
}

#[test]
fn models_and_devices_are_described_verified_and_measured() {
    let place = Place::new();
    let said = place.succeed(&format!("verify --device cpu --model {}", small()));
    assert!(said.contains("conv2d") && said.contains("\npassed: "), "{said}");
    let report: Value = serde_json::from_str(&place.succeed(&format!("bench --device cpu --model {} --batch 1 --seconds 0.1 --json", small()))).expect("JSON");
    assert!(report["ms_per_step"].as_f64().is_some_and(|ms| ms > 0.0), "{report}");
    assert!(report["costliest"].as_array().is_some_and(|rows| !rows.is_empty()), "{report}");
    assert!(place.succeed(&format!("bench --device cpu --model {} --seconds 0.1", small())).contains("GFLOP/s"));
    assert!(place.succeed("info").contains("fashion\n"));
    assert!(place.succeed("info fashion").contains("CRC-32"));
    let said = place.succeed(&format!("info {} --program", fixture("unets/old_names")));
    assert!(said.contains("conv2d") && said.contains("mid_block.attentions.0"), "{said}");
    assert!(place.succeed("devices").contains("--device auto takes "));
    assert!(place.succeed("--help").contains("sample"));
    assert!(place.succeed("--version").starts_with("etude "));
    assert_eq!(place.files(), []);
}

/// A copy of the small model with changes.
fn spoilt(place: &Place, name: &str, config: impl FnOnce(&mut Map<String, Value>), weights: impl FnOnce(Vec<u8>) -> Vec<u8>) {
    const WEIGHTS: &str = "diffusion_pytorch_model.safetensors";
    let (from, to) = (PathBuf::from(small()), place.path(name));
    fs::create_dir(&to).expect("made");
    let mut map = serde_json::from_slice(&fs::read(from.join("config.json")).expect("readable")).expect("JSON");
    config(&mut map);
    fs::write(to.join("config.json"), Value::Object(map).to_string()).expect("written");
    let bytes = weights(fs::read(from.join(WEIGHTS)).expect("readable"));
    if !bytes.is_empty() {
        fs::write(to.join(WEIGHTS), bytes).expect("written");
    }
}

/// The same file with the first layer's weights, `[8, 3, 3, 3]` of f16, as the closure makes them.
fn with_conv_in(bytes: Vec<u8>, change: impl for<'a> FnOnce(&'a [u8]) -> (Dtype, Vec<usize>, Cow<'a, [u8]>)) -> Vec<u8> {
    let file = SafeTensors::deserialize(&bytes).expect("a .safetensors");
    let old = file.tensor("conv_in.weight").expect("there").data();
    let (dtype, shape, data) = change(old);
    let new = TensorView::new(dtype, shape, &data).expect("fits");
    let views = file.tensors().into_iter().map(|(name, view)| if name == "conv_in.weight" { (name, new.clone()) } else { (name, view) });
    safetensors::serialize(views.collect::<Vec<_>>(), None).expect("serialised")
}

/// Everything a bad run needs lies here: models, pictures, tensors, all but what it tries to make.
fn place_of_bad_things() -> Place {
    let place = Place::new();
    let same = |_: &mut Map<String, Value>| {};
    spoilt(&place, "no_weights", same, |_| Vec::new());
    spoilt(&place, "cut", same, |bytes| bytes[..bytes.len() - 1].to_vec());
    spoilt(&place, "cut_short", same, |bytes| bytes[..100].to_vec());
    let shape = vec![8, 3, 3, 3];
    spoilt(&place, "shape", same, |b| with_conv_in(b, |data| (Dtype::F16, vec![8, 27], data.into())));
    spoilt(&place, "dtype", same, |b| with_conv_in(b, |data| (Dtype::I16, shape.clone(), data.into())));
    let first = |value: [u8; 2]| move |b| with_conv_in(b, |data| (Dtype::F16, vec![8, 3, 3, 3], [&value, &data[2..]].concat().into()));
    spoilt(&place, "nan", same, first([0, 0x7e]));
    spoilt(&place, "infinite", same, first([0, 0xfc]));
    spoilt(&place, "block", |c| c["down_block_types"][1] = json!("CrossAttnDownBlock2D"), |b| b);
    spoilt(&place, "config", |c| c["norm_eps"] = json!("NaN"), |b| b);
    fs::write(place.path("config/config.json"), "{").expect("written");
    spoilt(&place, "sharded", same, |_| Vec::new());
    fs::write(place.path("sharded/diffusion_pytorch_model.safetensors.index.json"), "{}").expect("written");
    fs::create_dir(place.path("empty")).expect("made");
    fs::create_dir(place.path("folder.png")).expect("made");
    fs::write(place.path("text.txt"), "hello\nworld\n").expect("written");
    image::RgbImage::new(2, 2).save(place.path("plain.png")).expect("written");
    fs::write(place.path("recipe.json"), r#"{"steps": 3}"#).expect("written");
    let recipe = |more: &str| {
        let most = r#""program":"","weights_crc32":"","preset":"etude","steps":3,"eta":0.0,"tau":null,"sigma_hat":false,"clip":null,"seed":0,"noise_seed":0,"rng":"etude","count":2"#;
        format!(r#"{{{most},"model":"fashion",{more}}}"#)
    };
    fs::write(place.path("huge.json"), recipe(r#""size":[4294967288,4294967288]"#)).expect("written");
    fs::write(place.path("field.json"), recipe(r#""size":[32,32],"later\nversion":1"#)).expect("written");
    let write = |name: &str, list: &[(&str, Vec<usize>)]| {
        let list: Vec<_> = list.iter().map(|(n, shape)| (*n, shape.clone(), Values::F32(vec![0.0; shape.iter().product()]))).collect();
        tensors::write(&place.path(name), &list).expect("written");
    };
    write("x.safetensors", &[("x_T", vec![1, 3, 16, 16])]);
    write("grey.safetensors", &[("x_T", vec![1, 1, 16, 16]), ("sample", vec![1, 1, 16, 16]), ("timestep", vec![1])]);
    write("flat.safetensors", &[("x_T", vec![3, 16, 16])]);
    write("odd.safetensors", &[("x_T", vec![1, 3, 16, 17]), ("sample", vec![1, 3, 16, 17]), ("timestep", vec![1])]);
    write("noise.safetensors", &[("x_T", vec![1, 3, 16, 16]), ("noise", vec![4, 1, 3, 16, 16])]);
    write("times.safetensors", &[("sample", vec![3, 3, 16, 16]), ("timestep", vec![2])]);
    let nan = [("x_T", vec![1, 3, 1, 1], Values::F32(vec![0.0, f32::NAN, 0.0]))];
    tensors::write(&place.path("nan.safetensors"), &nan).expect("written");
    place
}

/// Each with words its message must have: which file or option, expected, got. `MODEL` is the small model, `OUT` a file to make.
const BAD: &[(&str, &[&str])] = &[
    // Models.
    ("sample --model nowhere OUT", &["nowhere", "fashion", "config.json"]),
    ("sample --model empty OUT", &["empty/config.json", "cannot be read"]),
    ("sample --model no_weights OUT", &["no_weights", "diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.bin"]),
    ("sample --model sharded OUT", &["diffusion_pytorch_model.safetensors.index.json", "several files"]),
    ("sample --model cut OUT", &["cut/diffusion_pytorch_model.safetensors", "not a complete safetensors file"]),
    ("sample --model cut_short OUT", &["not a complete safetensors file of 100 bytes"]),
    ("sample --model shape OUT", &["tensor conv_in.weight", "expected shape [8, 3, 3, 3], got [8, 27]"]),
    ("sample --model dtype OUT", &["tensor conv_in.weight", "expected f32, f16, bf16 or f64", "got I16"]),
    ("sample --model nan OUT", &["tensor conv_in.weight", "expected finite numbers, got NaN at index 0"]),
    ("sample --model infinite OUT", &["tensor conv_in.weight", "expected finite numbers, got -inf at index 0"]),
    ("sample --model block OUT", &["block/config.json", "down_block_types", "DownBlock2D, AttnDownBlock2D", "CrossAttnDownBlock2D"]),
    ("sample --model config OUT", &["config/config.json", "not valid JSON"]),
    ("info cut", &["not a complete safetensors file"]),
    ("verify --device cpu --model nan", &["tensor conv_in.weight"]),
    ("bench --device cpu --model shape", &["tensor conv_in.weight"]),
    // Steps, η, τ.
    ("sample MODEL --steps 1001 OUT", &["--steps", "1 to 1000", "got 1001"]),
    ("sample MODEL --steps 0 OUT", &["--steps", "got 0"]),
    ("sample MODEL --eta 1.5 OUT", &["--eta", "0 (DDIM) to 1 (DDPM)", "got 1.5"]),
    ("sample MODEL --eta -0.1 OUT", &["--eta", "got -0.1"]),
    ("sample MODEL --eta nan OUT", &["--eta", "got NaN"]),
    ("sample MODEL --eta=-NaN OUT", &["--eta", "got NaN"]),
    ("sample MODEL --eta inf OUT", &["--eta", "got inf"]),
    ("sample MODEL --tau 0,100,100 OUT", &["--tau", "rising", "got 100 twice"]),
    ("sample MODEL --tau 0,300,100 OUT", &["--tau", "rising", "got 100 after 300"]),
    ("sample MODEL --tau 0,1000 OUT", &["--tau", "0 to 999", "got 1000"]),
    ("sample MODEL --tau -5,10 OUT", &["--tau", "got \"-5,10\""]),
    ("sample MODEL --tau=-5 OUT", &["--tau", "got \"-5\""]),
    ("sample MODEL --tau sometimes OUT", &["--tau", "linear, quadratic", "got \"sometimes\""]),
    ("sample MODEL --tau 1,,2 OUT", &["--tau", "got \"1,,2\""]),
    ("sample MODEL --tau= OUT", &["--tau", "got \"\""]),
    ("sample MODEL --preset mine OUT", &["--preset", "etude, official or diffusers", "got \"mine\""]),
    // Numbers of images, sizes.
    ("sample MODEL --count 0 OUT", &["--count", "got 0"]),
    ("sample MODEL --count 4000000000 OUT", &["--count", "got 4000000000"]),
    ("sample MODEL --batch 0 OUT", &["--batch", "got 0"]),
    ("sample MODEL --size 18 OUT", &["size 18x18", "multiples of 4"]),
    ("sample MODEL --size 16x18 OUT", &["size 16x18", "multiples of 4"]),
    ("sample MODEL --size 0 OUT", &["--size", "got 0"]),
    ("sample MODEL --size 9000 OUT", &["--size", "got 9000"]),
    ("sample MODEL --size 16x16x16 OUT", &["--size", "got 16x16x16"]),
    ("sample MODEL --rng torch --count 16000000 OUT", &["--rng torch", "--count"]),
    ("trajectory MODEL --every 0", &["--every", "got 0"]),
    ("trajectory MODEL --count 65", &["--count", "at most 64", "got 65"]),
    ("sample --model UNETS/deep OUT", &["as many output as input channels", "3 in and 6 out"]),
    // Places that cannot be written.
    ("sample MODEL -o out.jpg", &["--out out.jpg", "got .jpg"]),
    ("sample MODEL -o text.txt/x.png", &["text.txt"]),
    ("sample MODEL -o text.txt/x.npz", &["text.txt"]),
    ("sample MODEL -o text.txt/folder", &["text.txt"]),
    ("sample MODEL --save-trajectory text.txt/x.safetensors", &["text.txt"]),
    ("trajectory MODEL -o folder.png", &["folder.png", "expected a file"]),
    ("trajectory MODEL -o out.jpg", &["--out out.jpg", ".png or a .gif"]),
    ("eps MODEL --input grey.safetensors --output empty", &["grey.safetensors"]),
    // Devices.
    ("sample --model MODEL --device voodoo3 -o out.png", &["voodoo3", "etude devices"]),
    ("sample MODEL --precision f16 OUT", &["--precision f16", "f32"]),
    ("bench MODEL --precision f16", &["--precision f16"]),
    // Numbers in files.
    ("sample MODEL --input x.safetensors OUT", &["--input", "--save-trajectory"]),
    ("sample MODEL --input nowhere.safetensors TRAJECTORY", &["nowhere.safetensors", "cannot be read"]),
    ("sample MODEL --input text.txt TRAJECTORY", &["text.txt", "not a complete safetensors file"]),
    ("sample MODEL --input empty TRAJECTORY", &["empty", "got a folder"]),
    ("sample MODEL --input grey.safetensors TRAJECTORY", &["tensor x_T", "[N, 3, H, W]", "got [1, 1, 16, 16]"]),
    ("sample MODEL --input flat.safetensors TRAJECTORY", &["tensor x_T", "got [3, 16, 16]"]),
    ("sample MODEL --input odd.safetensors TRAJECTORY", &["16x17", "multiples of 4"]),
    ("sample MODEL --input nan.safetensors TRAJECTORY", &["tensor x_T", "finite", "got NaN"]),
    ("sample MODEL -S 3 --input noise.safetensors TRAJECTORY", &["tensor noise", "expected shape [3, 1, 3, 16, 16]", "got [4, 1, 3, 16, 16]"]),
    ("sample MODEL --input times.safetensors TRAJECTORY", &["tensor x_T", "is missing"]),
    ("eps MODEL --input grey.safetensors --output new.safetensors", &["tensor sample", "[N, 3, H, W]", "got [1, 1, 16, 16]"]),
    ("eps MODEL --input odd.safetensors --output new.safetensors", &["16x17"]),
    ("eps MODEL --input times.safetensors --output new.safetensors", &["tensor timestep", "expected 3", "got 2"]),
    ("eps MODEL --input x.safetensors --output new.safetensors", &["tensor sample", "is missing"]),
    // Recipes.
    ("sample MODEL --recipe plain.png OUT", &["plain.png", "without"]),
    ("sample MODEL --recipe text.txt OUT", &["text.txt", "neither PNG nor GIF"]),
    ("sample MODEL --recipe recipe.json OUT", &["recipe.json", "missing field"]),
    ("sample MODEL --recipe nowhere.png OUT", &["nowhere.png", "cannot be read"]),
    ("sample --recipe huge.json OUT", &["--size", "1 to 8192", "got 4294967288x4294967288"]),
    ("sample --recipe field.json OUT", &["field.json", "unknown field `later version`"]),
    ("sample MODEL --size 8192 OUT", &["8192x8192", "smaller"]),
    ("info text.txt", &["text.txt", "neither PNG nor GIF"]),
    ("info plain.png", &["plain.png", "recipe"]),
    ("info nowhere.png", &["nowhere.png"]),
];

#[test]
fn bad_input_is_answered_in_one_line_and_leaves_no_file() {
    let place = place_of_bad_things();
    let before = place.files();
    let mut wrong = Vec::new();
    for (line, words) in BAD {
        let full = line
            .replace("--model MODEL", &format!("--model {}", small()))
            .replace("MODEL", &format!("--device cpu --model {}", small()))
            .replace("UNETS", &fixture("unets"))
            .replace("TRAJECTORY", "--save-trajectory new.safetensors")
            .replace("OUT", "--device cpu -o new.png");
        // What has no --device of its own gets one.
        let full = if full.matches("--device").count() > 1 { full.replacen(" --device cpu", "", 1) } else { full };
        let run = place.run(&full);
        let lines: Vec<&str> = run.err.lines().filter(|l| !l.starts_with("device: ") && !l.starts_with("note: ")).collect();
        let well_said = lines.len() == 1 && lines[0].starts_with("etude: ") && words.iter().all(|word| lines[0].contains(word));
        if run.code != Some(2) || !well_said {
            wrong.push(format!("{line}\n  expected 2 and one line with {words:?}, got {:?} and\n  {}", run.code, lines.join("\n  ")));
        }
        if let Some((path, _)) = place.files().iter().find(|file| !before.contains(file)) {
            wrong.push(format!("{line}\n  left or changed {}", path.display()));
            fs::remove_file(path).expect("removed");
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), BAD.len(), wrong.join("\n"));
}

/// clap's own errors: they show how the command is used, in several lines.
#[test]
fn usage_errors_are_exit_code_2() {
    let place = Place::new();
    for line in [
        "dance", "--dance", "sample --steps -5", "sample --steps many", "sample --eta much", "sample --seed -1", "sample --rng dice",
        "sample --precision f8", "sample --count 5000000000", "sample extra", "eps", "eps --input x", "info a b", "info --model fashion", "bench --batch 0",
        "bench --batch 5000", "sample --out", "trajectory --every -1",
    ] {
        let run = place.run(line);
        assert_eq!(run.code, Some(2), "{line}: {}", run.err);
        assert!(run.err.starts_with("error: ") && run.out.is_empty(), "{line}: {}", run.err);
    }
    assert_eq!(place.files(), []);
}

/// Starts a long job, presses Ctrl-C once `ready` says so, and returns what it printed. The interrupt is seen after a step, which
/// here takes some milliseconds; the rest is for other tests, that share the cores.
#[cfg(unix)]
fn interrupted(place: &Place, line: &str, mut ready: impl FnMut(Duration) -> bool) -> Run {
    let child = place.command(line).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("started");
    let start = Instant::now();
    while !ready(start.elapsed()) {
        assert!(start.elapsed() < Duration::from_secs(60), "{line}: nothing happens");
        std::thread::sleep(Duration::from_millis(20));
    }
    let pressed = Instant::now();
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill");
    let run: Run = child.wait_with_output().expect("ended").into();
    assert!(sent.success(), "{line}: had ended before Ctrl-C:\n{}", run.err);
    assert!(pressed.elapsed() < Duration::from_secs(4), "{line}: took {:?} to stop", pressed.elapsed());
    assert_eq!(run.code, Some(130), "{line}: {}", run.err);
    run
}

/// The number in "interrupted: kept the 3 finished of 64 images".
#[cfg(unix)]
fn kept(run: &Run) -> usize {
    let line = run.err.lines().find(|line| line.starts_with("interrupted: ")).unwrap_or_else(|| panic!("{}", run.err));
    line.split_whitespace().find_map(|word| word.parse().ok()).expect("a number")
}

#[cfg(unix)]
#[test]
fn ctrl_c_keeps_the_finished_images_of_a_folder() {
    let place = Place::new();
    let line = "sample --device cpu --count 64 --batch 1 --steps 50 -o many";
    let run = interrupted(&place, line, |_| place.path("many/00001.png").exists());
    let kept = kept(&run);
    assert!((2..64).contains(&kept) && run.err.contains(&format!("kept the {kept} finished of 64 images")), "{}", run.err);
    assert!(run.out.starts_with(&format!("{kept} images of fashion")) && run.out.ends_with(": many\n"), "{}", run.out);
    let expected: Vec<_> = (0..kept).map(|i| place.path(&format!("many/{i:05}.png"))).collect();
    assert_eq!(place.files().into_iter().map(|(path, _)| path).collect::<Vec<_>>(), expected);
    expected.iter().for_each(|path| assert_eq!(decoded(path).dimensions(), (32, 32)));
}

/// What is written at the end holds the finished images, as many as there are, and says so itself.
#[cfg(unix)]
#[test]
fn ctrl_c_keeps_the_finished_images_of_an_npz_and_of_a_sheet() {
    let place = Place::new();
    let job = |count: usize, out: &str| format!("sample --device cpu --model {} --count {count} --batch 2 --steps 3 -o {out}", small());
    // Nothing outside shows how far it is, so wait longer until something was finished.
    let run_until_some = |out: &str| {
        let runs = (0..6).map(|i| interrupted(&place, &job(100_000, out), |waited| waited > Duration::from_millis(800 << i)));
        runs.map(|run| kept(&run)).find(|kept| *kept > 0).expect("some finished")
    };
    let kept = run_until_some("samples.npz");
    let (shape, pixels) = npz(&place.path("samples.npz"));
    assert_eq!(shape, [kept, 16, 16, 3]);
    place.succeed(&job(kept, "whole.npz"));
    assert_eq!(npz(&place.path("whole.npz")).1, pixels);
    let kept = run_until_some("sheet.png");
    assert_eq!(place.recipe("sheet.png")["count"], kept);
    place.succeed("sample --device cpu --recipe sheet.png -o again.png");
    assert_eq!(place.bytes("sheet.png"), place.bytes("again.png"));
    assert_eq!(place.files().len(), 4);
}

/// A run that is stopped before anything is finished leaves an older file as it was.
#[cfg(unix)]
#[test]
fn ctrl_c_before_the_first_image_leaves_nothing() {
    let place = Place::new();
    fs::write(place.path("old.png"), "old").expect("written");
    let line = |out: &str| format!("sample --device cpu --count 64 --batch 64 --steps 1000 -o {out}");
    for out in ["old.png", "new.npz"] {
        let run = interrupted(&place, &line(out), |waited| waited > Duration::from_secs(2));
        assert_eq!((kept(&run), run.out.as_str()), (0, ""));
    }
    assert_eq!(place.files(), [(place.path("old.png"), b"old".to_vec())]);
}
