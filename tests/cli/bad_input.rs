//! Whatever is wrong with arguments and files: exit code 2, one line that names it, and no file left behind.

use crate::{Place, fixture, small};
use etude::tensors::{self, Values};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde_json::{Map, Value, json};
use std::{borrow::Cow, fs, path::PathBuf};

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
    let views =
        file.tensors().into_iter().map(|(name, view)| if name == "conv_in.weight" { (name, new.clone()) } else { (name, view) });
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
    let first =
        |value: [u8; 2]| move |b| with_conv_in(b, |data| (Dtype::F16, vec![8, 3, 3, 3], [&value, &data[2..]].concat().into()));
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
        let list: Vec<_> =
            list.iter().map(|(n, shape)| (*n, shape.clone(), Values::F32(vec![1.0; shape.iter().product()]))).collect();
        tensors::write(&place.path(name), &list).expect("written");
    };
    write("x.safetensors", &[("x_T", vec![1, 3, 16, 16])]);
    write("grey.safetensors", &[("x_T", vec![1, 1, 16, 16]), ("sample", vec![1, 1, 16, 16]), ("timestep", vec![1])]);
    write("flat.safetensors", &[("x_T", vec![3, 16, 16])]);
    write("odd.safetensors", &[("x_T", vec![1, 3, 16, 17]), ("sample", vec![1, 3, 16, 17]), ("timestep", vec![1])]);
    write("noise.safetensors", &[("x_T", vec![1, 3, 16, 16]), ("noise", vec![4, 1, 3, 16, 16])]);
    write("times.safetensors", &[("sample", vec![3, 3, 16, 16]), ("timestep", vec![2])]);
    let nan = [0.0, f32::NAN, 0.0].map(f32::to_le_bytes).concat();
    let nan = [("x_T", TensorView::new(Dtype::F32, vec![1, 3, 1, 1], &nan).expect("fits"))];
    fs::write(place.path("nan.safetensors"), safetensors::serialize(nan, None).expect("serialised")).expect("written");
    write("right.safetensors", &[("x_T", vec![1, 3, 16, 16]), ("sample", vec![1, 3, 16, 16]), ("timestep", vec![1])]);
    // Every weight is finite, and yet the first layer's sums are beyond f32.
    let shape = [8, 3, 3, 3];
    let large = f32::MAX.to_le_bytes().repeat(shape.iter().product());
    spoilt(&place, "overflow", same, |b| with_conv_in(b, |_| (Dtype::F32, shape.to_vec(), large.into())));
    place
}

/// Each with words its message must have: which file or option, expected, got. `MODEL` is the small model, `OUT` a file to make.
const BAD: &[(&str, &[&str])] = &[
    // Models.
    ("sample --model nowhere OUT", &["nowhere", "fashion", "config.json"]),
    ("sample --model empty OUT", &["empty/config.json", "is missing", "expected"]),
    ("sample --model no_weights OUT", &["no_weights", "diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.bin"]),
    ("sample --model sharded OUT", &["diffusion_pytorch_model.safetensors.index.json", "weight_map"]),
    ("sample --model cut OUT", &["cut/diffusion_pytorch_model.safetensors", "not a complete safetensors file"]),
    ("sample --model cut_short OUT", &["not a complete safetensors file of 100 bytes"]),
    ("sample --model shape OUT", &["tensor conv_in.weight", "expected shape [8, 3, 3, 3], got [8, 27]"]),
    ("sample --model dtype OUT", &["tensor conv_in.weight", "expected f32, f16, bf16 or f64", "got I16"]),
    ("sample --model nan OUT", &["tensor conv_in.weight", "expected finite numbers, got NaN at index 0"]),
    ("sample --model infinite OUT", &["tensor conv_in.weight", "expected finite numbers, got -inf at index 0"]),
    (
        "sample --model block OUT",
        &["block/config.json", "down_block_types", "DownBlock2D, AttnDownBlock2D", "CrossAttnDownBlock2D"],
    ),
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
    ("sample MODEL --rng torch --count 16000000 OUT", &["--rng: torch draws", "fewer images"]),
    ("trajectory MODEL --every 0", &["--every", "got 0"]),
    ("trajectory MODEL --count 65", &["--count", "at most 64", "got 65"]),
    ("sample --model UNETS/odd OUT", &["as many output as input channels", "5 in and 3 out"]),
    // Places that cannot be written.
    ("sample MODEL -o out.jpg", &["--out out.jpg", "got .jpg"]),
    ("sample MODEL -o samples_eta0.5.WebP", &["expected a .png, an .npz or a folder", "got .webp"]),
    ("sample MODEL -o x.gif", &["got .gif", "`etude trajectory`"]),
    ("sample MODEL -o x.safetensors", &["got .safetensors", "--save-trajectory"]),
    ("sample MODEL -o text.txt/x.png", &["text.txt"]),
    ("sample MODEL -o text.txt/x.npz", &["text.txt"]),
    ("sample MODEL -o text.txt/folder", &["text.txt"]),
    ("sample MODEL --save-trajectory text.txt/x.safetensors", &["text.txt"]),
    ("sample MODEL --save-trajectory empty", &["empty", "names a folder, expected a file"]),
    ("trajectory MODEL -o folder.png", &["folder.png", "expected a file"]),
    ("sample MODEL -o x.apng", &["got .apng", "`etude trajectory`"]),
    ("trajectory MODEL --captions -o out.png", &["--captions", "a .gif or an .apng", "got out.png"]),
    ("trajectory MODEL -o out.jpg", &["--out out.jpg", ".png or a .gif"]),
    ("eps MODEL --input grey.safetensors --output empty", &["grey.safetensors"]),
    // Devices.
    ("sample --model MODEL --device voodoo3 -o out.png", &["voodoo3", "etude devices"]),
    ("sample MODEL --precision f16 OUT", &["--precision f16", "f32"]),
    ("bench MODEL --precision f16", &["--precision f16"]),
    // Numbers in files.
    ("sample MODEL --input grey.safetensors OUT", &["tensor x_T", "[N, 3, H, W]", "got [1, 1, 16, 16]"]),
    ("sample MODEL --input nowhere.safetensors TRAJECTORY", &["nowhere.safetensors", "cannot be read"]),
    ("sample MODEL --input text.txt TRAJECTORY", &["text.txt", "not a complete safetensors file"]),
    ("sample MODEL --input empty TRAJECTORY", &["empty", "got a folder"]),
    ("sample MODEL --input grey.safetensors TRAJECTORY", &["tensor x_T", "[N, 3, H, W]", "got [1, 1, 16, 16]"]),
    ("sample MODEL --input flat.safetensors TRAJECTORY", &["tensor x_T", "got [3, 16, 16]"]),
    ("sample MODEL --input odd.safetensors TRAJECTORY", &["16x17", "multiples of 4"]),
    ("sample MODEL --input nan.safetensors TRAJECTORY", &["tensor x_T", "finite", "got NaN"]),
    (
        "sample MODEL -S 3 --input noise.safetensors TRAJECTORY",
        &["tensor noise", "expected shape [3, 1, 3, 16, 16]", "got [4, 1, 3, 16, 16]"],
    ),
    ("sample MODEL --input times.safetensors TRAJECTORY", &["tensor x_T", "is missing"]),
    ("eps MODEL --input grey.safetensors --output new.safetensors", &["tensor sample", "[N, 3, H, W]", "got [1, 1, 16, 16]"]),
    ("eps MODEL --input odd.safetensors --output new.safetensors", &["16x17"]),
    ("eps MODEL --input times.safetensors --output new.safetensors", &["tensor timestep", "expected 3", "got 2"]),
    ("eps MODEL --input x.safetensors --output new.safetensors", &["tensor sample", "is missing"]),
    // Numbers that become infinite on the way.
    ("sample --model overflow -S 3 -n 2 OUT", &["image 0, step 1 of 3 (t = 666)", "expected finite numbers", "--precision f32"]),
    ("sample --device cpu --model overflow -S 3 -n 2 -o new_folder", &["image 0, step 1 of 3", "got NaN"]),
    ("sample --device cpu --model overflow -S 3 -n 2 -o new.npz", &["image 0, step 1 of 3"]),
    ("sample --device cpu --model overflow -S 3 -n 2 TRAJECTORY", &["image 0, step 1 of 3"]),
    ("trajectory --device cpu --model overflow -S 3 -o new.png", &["image 0, step 1 of 3"]),
    ("trajectory --device cpu --model overflow -S 3 -o new.gif", &["image 0, step 1 of 3"]),
    (
        "eps --device cpu --model overflow --input right.safetensors --output new.safetensors",
        &["image 0, t = 1", "finite", "--precision f32"],
    ),
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
            wrong.push(format!(
                "{line}\n  expected 2 and one line with {words:?}, got {:?} and\n  {}",
                run.code,
                lines.join("\n  ")
            ));
        }
        if let Some((path, _)) = place.files().iter().find(|file| !before.contains(file)) {
            wrong.push(format!("{line}\n  left or changed {}", path.display()));
            fs::remove_file(path).expect("removed");
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), BAD.len(), wrong.join("\n"));
}

/// clap's own errors are faults as all others are.
#[test]
fn usage_errors_are_exit_code_2() {
    let place = Place::new();
    for line in [
        "dance",
        "--dance",
        "sample --steps -5",
        "sample --steps many",
        "sample --eta much",
        "sample --seed -1",
        "sample --rng dice",
        "sample --noise pink",
        "sample --precision f8",
        "sample --count 5000000000",
        "sample extra",
        "eps",
        "eps --input x",
        "info a b",
        "info --model fashion",
        "bench --batch 0",
        "bench --batch 5000",
        "sample --out",
        "trajectory --every -1",
    ] {
        let run = place.run(line);
        assert_eq!(run.code, Some(2), "{line}: {}", run.err);
        let is_one_line = run.err.ends_with('\n') && run.err.lines().count() == 1;
        assert!(is_one_line && run.err.starts_with("etude: ") && run.out.is_empty(), "{line}: {}", run.err);
        assert!(run.err.contains("--help` says more") && !run.err.contains("error: "), "{line}: {}", run.err);
    }
    // What is missing, what was meant, what there is.
    for (line, words) in [
        ("eps", ["--input <FILE>", "--output <FILE>", "`etude eps --help`"].as_slice()),
        ("sampel", &["'sampel'", "'sample'", "`etude --help`"]),
        ("sample --stesp 3", &["'--stesp'", "'--steps'", "`etude sample --help`"]),
        ("sample --noise pink", &["'pink'", "--noise", "path, step", "`etude sample --help`"]),
    ] {
        let run = place.run(line);
        assert!(words.iter().all(|word| run.err.contains(word)), "{line}: {}", run.err);
    }
    assert_eq!(place.files(), []);
}
