//! Every command on what it is meant for.

use crate::{Place, animated, decoded, fixture, npz, small};
use etude::{
    model::{DEFAULT, EMBEDDED},
    noise,
    picture::{Picture, sheet},
    tensors::{self, Values},
    weights::Weights,
};
use serde_json::{Value, json};
use std::{fs, path::Path};

#[test]
fn the_main_job_and_its_recipe() {
    let place = Place::new();
    let said = place.succeed("sample --device cpu --steps 2 -o sheet.png");
    assert!(said.starts_with(&format!("16 images of {DEFAULT}, 2 steps, η = 0, ")) && said.ends_with(": sheet.png\n"), "{said}");
    let expected = sheet::contact_sheet(&vec![Picture::filled(32, 32, [0; 3]); 16], None, None);
    let sheet = decoded(&place.path("sheet.png"));
    assert_eq!((sheet.width() as usize, sheet.height() as usize), (expected.width, expected.height));
    let recipe = place.recipe("sheet.png");
    for (field, value) in
        [("model", json!(DEFAULT)), ("steps", json!(2)), ("count", json!(16)), ("seed", json!(0)), ("eta", json!(0.0))]
    {
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
    // Another number of steps than a list has: the list goes.
    place.succeed("sample --device cpu --tau 0,100,500 -n 1 -o list.png");
    place.succeed("sample --device cpu --recipe list.png --steps 2 -o two.png");
    assert_eq!((&place.recipe("two.png")["steps"], &place.recipe("two.png")["tau"]), (&json!(2), &json!(null)));
    place.succeed("sample --device cpu --recipe list.png --eta 0.5 -o same_list.png");
    assert_eq!(place.recipe("same_list.png")["tau"], json!("0,100,500"));
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

#[test]
fn the_noise_is_the_presets_the_recipes_or_the_options() {
    let place = Place::new();
    let job = format!("sample --device cpu --model {} -S 3 --eta 1 -n 1", small());
    for (options, name, noise) in [
        ("", "path.png", "path"),
        ("--noise step", "step.png", "step"),
        ("--recipe path.png", "path_again.png", "path"),
        ("--recipe step.png", "step_again.png", "step"),
        ("--recipe path.png --noise step", "other.png", "step"),
        ("--preset official", "official.png", "step"),
        ("--preset diffusers", "diffusers.png", "step"),
        ("--preset diffusers --noise path", "diffusers_path.png", "path"),
    ] {
        place.succeed(&format!("{job} {options} -o {name}"));
        assert_eq!(place.recipe(name)["noise"], noise, "{name}");
    }
    assert_ne!(place.bytes("path.png"), place.bytes("step.png"));
    assert_eq!(place.bytes("path.png"), place.bytes("path_again.png"));
    assert_eq!(place.bytes("step.png"), place.bytes("step_again.png"));
    assert_eq!(place.bytes("step.png"), place.bytes("other.png"));
    // A recipe that does not name it is of the time before there was a choice.
    let mut recipe = place.recipe("step.png");
    recipe.as_object_mut().expect("a recipe").remove("noise");
    fs::write(place.path("before.json"), recipe.to_string()).expect("written");
    place.succeed("sample --device cpu --recipe before.json -o before.png");
    assert_eq!(place.bytes("step.png"), place.bytes("before.png"));
}

/// Two pictures with η = 1 that version 0.1.0 wrote before there was a choice of noise. Another processor sums in another order, which
/// may round a pixel to the level beside it, and no other noise does.
#[test]
fn a_picture_of_the_version_before_is_made_again() {
    let (place, theirs) = (Place::new(), fixture("recipe_0.1.0.png"));
    assert_eq!(place.recipe(&theirs)["noise"], json!(null));
    place.succeed(&format!("sample --device cpu --recipe {theirs} -o ours.png"));
    let (theirs, ours) = (decoded(Path::new(&theirs)), decoded(&place.path("ours.png")));
    assert_eq!(theirs.dimensions(), ours.dimensions());
    let furthest = theirs.as_raw().iter().zip(ours.as_raw()).map(|(a, b)| a.abs_diff(*b)).max();
    assert!(furthest <= Some(1), "a pixel is {furthest:?} levels off");
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
        let said = place
            .succeed(&format!("eps --device cpu --model {folder} --input {folder}/case.safetensors --output {name}.safetensors"));
        assert_eq!(said, format!("eps of 2 images: {name}.safetensors\n"));
        let (got, case) = (
            place.tensors(&format!("{name}.safetensors")),
            Weights::open(Path::new(&format!("{folder}/case.safetensors"))).expect("a case"),
        );
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
    place.succeed(&format!("{job} -o run.apng"));
    place.succeed(&format!("{job} --every 3 --format apng -o run.png"));
    let frames = ["run.apng", "run.png"].map(|name| animated(&place.path(name)));
    assert_eq!(frames.each_ref().map(Vec::len), [4, 2]);
    assert!(frames[0][0] == frames[1][0] && frames[0][3] == frames[1][1] && frames[0][0] != frames[0][3]);
    place.succeed(&format!("{job} --captions -o said.apng"));
    let said = animated(&place.path("said.apng"));
    assert!(said.len() == 4 && said[0].height() > frames[0][0].height() + 15 && said[0].width() == frames[0][0].width());
    for name in ["strip.png", "run.gif", "run.apng", "run.png", "said.apng"] {
        let recipe = place.recipe(name);
        assert_eq!((&recipe["steps"], &recipe["count"]), (&json!(4), &json!(2)), "{name}");
    }
}

#[test]
fn models_and_devices_are_described_verified_and_measured() {
    let place = Place::new();
    let said = place.succeed(&format!("verify --device cpu --model {}", small()));
    assert!(said.contains("conv2d") && said.contains("\npassed: "), "{said}");
    let report: Value =
        serde_json::from_str(&place.succeed(&format!("bench --device cpu --model {} --batch 1 --seconds 0.1 --json", small())))
            .expect("JSON");
    assert!(report["ms_per_step"].as_f64().is_some_and(|ms| ms > 0.0), "{report}");
    for rate in ["peak_gflops", "share_of_peak", "gbytes_per_second"] {
        assert!(report[rate].as_f64().is_some_and(|rate| rate > 0.0), "{rate}: {report}");
    }
    let rows = report["costliest"].as_array().expect("a list");
    let all = |kernel: &str| rows.iter().find(|row| row["kernel"] == kernel && row["layer"] == "(all)").expect("a row");
    assert!(all("conv2d")["gflop"].as_f64() > Some(0.0) && all("group_norm_apply")["gflop"] == 0.0, "{report}");
    for row in rows {
        assert!(row["bound"] == "arithmetic" || row["bound"] == "memory", "{row}");
        assert!(row["mbytes"].as_f64() > Some(0.0) && row["share_of_bound"].as_f64() > Some(0.0), "{row}");
    }
    assert_eq!(all("group_norm_apply")["bound"], "memory", "{report}");
    let of_size = place.succeed(&format!("bench --device cpu --model {} --seconds 0.1 --size 16x32", small()));
    assert!(of_size.contains("GFLOP/s") && of_size.contains("batch 4 of 16x32"), "{of_size}");
    for column in ["bandwidth", "bound by", "reached", "arithmetic", "% of the measured peak"] {
        assert!(of_size.contains(column), "{column}: {of_size}");
    }
    let listed = place.succeed("info");
    for embedded in EMBEDDED {
        assert!(listed.contains(&format!("{}\n", embedded.name)), "{listed}");
    }
    for fact in ["data ", "60000 pictures", "licence: MIT", "images seen in "] {
        assert!(listed.contains(fact), "{fact}: {listed}");
    }
    assert!(place.succeed("info fashion").contains("CRC-32"));
    assert!(place.succeed("sample --help").contains(&format!("[default: {DEFAULT}]")));
    let said = place.succeed(&format!("info {} --program", fixture("unets/old_names")));
    assert!(said.contains("conv2d") && said.contains("mid_block.attentions.0"), "{said}");
    assert!(place.succeed("devices").contains("--device auto takes "));
    assert!(place.succeed("--help").contains("sample"));
    assert!(place.succeed("--version").starts_with("etude "));
    assert_eq!(place.files(), []);
}
