//! `etude encode` and `etude reconstruct`: pictures of every kind in, latents and errors out.

use crate::Place;
use etude::{
    picture::{Picture, npz::NpzWriter},
    weights::Weights,
};
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use serde_json::Value;
use std::fs;

/// A picture with something in it, of other proportions than the network's.
fn photograph() -> RgbImage {
    RgbImage::from_fn(90, 60, |x, y| Rgb([(x * 2) as u8, (y * 4) as u8, if (x / 9 + y / 9) % 2 == 0 { 220 } else { 30 }]))
}

fn x_t(place: &Place, name: &str) -> (Vec<usize>, Vec<f32>) {
    let file = Weights::open(&place.path(name)).expect("readable");
    (file.shape("x_T").expect("x_T").to_vec(), file.floats("x_T").expect("numbers"))
}

#[test]
fn pictures_of_every_kind_are_encoded_at_the_models_size() {
    let place = Place::new();
    let photograph: DynamicImage = photograph().into();
    fs::create_dir(place.path("folder")).expect("a folder");
    for (name, format) in
        [("a.png", ImageFormat::Png), ("b.webp", ImageFormat::WebP), ("c.gif", ImageFormat::Gif), ("d.jpeg", ImageFormat::Jpeg)]
    {
        photograph.save_with_format(place.path(&format!("folder/{name}")), format).expect("written");
    }
    fs::write(place.path("folder/notes.txt"), "no picture").expect("written");
    let run = place.run("encode folder --device cpu -S 2 -o all.safetensors");
    assert_eq!(run.code, Some(0), "{}", run.err);
    assert!(
        run.err.contains("note: 4 of 4 pictures cropped to the middle, 4 scaled to 32 x 32 (Lanczos); folder/a.png is 90 x 60")
    );
    assert!(run.out.starts_with("x_T of 4 pictures, 2 steps, norm / √d "), "{}", run.out);
    let (shape, all) = x_t(&place, "all.safetensors");
    assert_eq!(shape, [4, 3, 32, 32]);
    // PNG and lossless WebP hold the same pixels.
    assert_eq!(all[..3072], all[3072..6144]);
    // A file alone, and the same pixels in an array.
    place.succeed("encode folder/a.png --device cpu -S 2 -o one.safetensors");
    assert_eq!(x_t(&place, "one.safetensors").1, all[..3072]);
    let pixels = photograph.to_rgb8().pixels().map(|p| p.0).collect();
    let mut npz = NpzWriter::create(place.path("a.npz"), 1, 60, 90).expect("room");
    npz.push(&Picture { width: 90, height: 60, pixels }).expect("pushed");
    npz.finish().expect("written");
    place.succeed("encode a.npz --device cpu -S 2 -o npz.safetensors");
    assert_eq!(x_t(&place, "npz.safetensors").1, all[..3072]);
    // Fewer of them, on a network of one channel.
    place.succeed("encode folder -n 2 --model fashion --device cpu -S 2 -o two.safetensors");
    assert_eq!(x_t(&place, "two.safetensors").0, [2, 1, 32, 32]);
}

#[test]
fn latents_in_a_file_become_the_pictures_again() {
    let place = Place::new();
    place.succeed("sample --model fashion --device cpu -S 20 -n 3 -o own");
    place.succeed("encode own --model fashion --device cpu -S 20 --refine 4 -o x_T.safetensors");
    place.succeed("sample --model fashion --device cpu -S 20 --input x_T.safetensors --batch 2 -o again");
    for i in 0..3 {
        let [was, is] = ["own", "again"].map(|folder| crate::decoded(&place.path(&format!("{folder}/{i:05}.png"))).into_raw());
        let off = was.iter().zip(&is).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / was.len() as f64;
        assert!(off < 3.0, "image {i}: off by {off} of 255 on average");
    }
    // No recipe can make them without the file.
    let run = place.run("info again/00000.png");
    assert!(run.code == Some(2) && run.err.contains("recipe"), "{} {}", run.out, run.err);
}

/// The mean square errors that `etude reconstruct` measures.
fn mse(place: &Place, line: &str) -> Vec<f64> {
    let value: Value =
        serde_json::from_str(&place.succeed(&format!("reconstruct {line} --device cpu --json"))).expect("JSON alone");
    value["mse"].as_array().expect("a list").iter().map(|v| v.as_f64().expect("a number")).collect()
}

#[test]
fn samples_of_the_model_are_encoded_where_no_picture_is_given() {
    let place = Place::new();
    let run = place.run("encode --model fashion --device cpu -S 20 -n 3 --seed 7 -o x_T.safetensors");
    assert!(run.code == Some(0) && run.out.starts_with("x_T of 3 samples, 20 steps"), "{} {}", run.out, run.err);
    // They are the pictures that `etude sample` saves with this seed at the same S, and η = 0.
    place.succeed("sample --model fashion --device cpu -S 20 -n 3 --seed 7 -o own");
    place.succeed("encode own --model fashion --device cpu -S 20 -o saved.safetensors");
    assert_eq!(x_t(&place, "x_T.safetensors"), x_t(&place, "saved.safetensors"));
    // As a recipe says: another η and number of steps.
    place.succeed("sample --model fashion --device cpu -S 5 --eta 0.6 -n 2 --seed 3 -o noisy");
    place.succeed("encode --recipe noisy/00001.png --device cpu -S 9 -o of_recipe.safetensors");
    place.succeed("encode noisy --model fashion --device cpu -S 9 -o of_files.safetensors");
    assert_eq!(x_t(&place, "of_recipe.safetensors"), x_t(&place, "of_files.safetensors"));
    // What was drawn in S steps comes back in S steps as far as the convention's error lets it (0.018 here), which passes of the fixed
    // point take away down to less than 8 bits hold: (1/255)²/12 = 1.3e-6.
    let plain = mse(&place, "--model fashion -n 3 --steps 20")[0];
    let exact = mse(&place, "--model fashion -n 3 --steps 20 --refine 12")[0];
    assert!(plain < 0.03 && exact < 1.3e-6, "{plain}, {exact}");
    for (line, what) in [
        ("encode own --seed 3", "--seed"),
        ("encode own --recipe noisy/00001.png", "--recipe"),
        ("encode --recipe own/missing.png", "missing.png"),
        ("encode --model fashion -n 0", "--count: expected 1 or more, got 0"),
    ] {
        let run = place.run(&format!("{line} --device cpu"));
        assert!(run.code == Some(2) && run.err.contains(what), "{line}: {}", run.err);
    }
}

#[test]
fn a_picture_in_the_place_of_the_seed_travels_in_the_recipe() {
    let place = Place::new();
    photograph().save(place.path("a.png")).expect("written");
    let options = "--model fashion --device cpu -S 10 --encode-steps 8 --encode-refine 2";
    let run = place.run(&format!("sample {options} --encode a.png --eta 0.4 -n 2 -o one.png"));
    assert_eq!(run.code, Some(0), "{}", run.err);
    assert!(
        run.err.contains("note: a.png is 90 x 60: cropped to 60 x 60 in the middle, scaled to 32 x 32 (Lanczos)"),
        "{}",
        run.err
    );
    // In two commands, without noise.
    place.succeed("encode a.png --model fashion --device cpu -S 8 --refine 2 -o x_T.safetensors");
    place.succeed("sample --model fashion --device cpu -S 10 --input x_T.safetensors -o given.png");
    place.succeed(&format!("sample {options} --encode a.png -n 1 -o encoded.png"));
    assert_eq!(crate::decoded(&place.path("given.png")), crate::decoded(&place.path("encoded.png")));
    // The recipe alone makes the same file, bit for bit.
    fs::remove_file(place.path("a.png")).expect("removed");
    place.succeed("sample --recipe one.png --device cpu -o again.png");
    assert_eq!(place.bytes("one.png"), place.bytes("again.png"));
    assert_eq!(place.recipe("one.png")["encoded"]["picture"]["name"], "a.png");
    // Options override it: another way up, a seed in its place.
    let of = |line: &str| {
        place.succeed(&format!("sample --recipe encoded.png --device cpu {line} -o other.png"));
        (crate::decoded(&place.path("other.png")), place.recipe("other.png")["encoded"].clone())
    };
    let (other, encoded) = of("--encode-steps 3 --encode-convention diffusers");
    assert!(other != crate::decoded(&place.path("encoded.png")));
    assert_eq!((&encoded["steps"], &encoded["convention"]), (&3.into(), &"diffusers".into()));
    let (of_seed, none) = of("--seed 4");
    place.succeed("sample --model fashion --device cpu -S 10 --seed 4 -n 1 -o seed.png");
    assert!(of_seed == crate::decoded(&place.path("seed.png")) && none.is_null());
    // A trajectory starts there, too, and its recipe knows it.
    place.succeed("trajectory --recipe one.png --device cpu -o strip.png");
    place.succeed("trajectory --recipe strip.png --device cpu -o strip_again.png");
    assert_eq!(place.bytes("strip.png"), place.bytes("strip_again.png"));
    assert_eq!(place.recipe("strip.png")["encoded"], place.recipe("one.png")["encoded"]);
    fs::write(place.path("text.png"), "hello").expect("written");
    for (line, what) in [
        ("--encode text.png", "text.png: not a picture"),
        ("--encode missing.png", "missing.png: cannot be read"),
        ("--encode-steps 7", "--encode-steps: expected --encode PICTURE with it"),
        ("--encode given.png --encode-steps 2000", "2000"),
        ("--encode given.png --encode-tau sideways", "sideways"),
        ("--encode given.png --input x_T.safetensors", "--input"),
    ] {
        let run = place.run(&format!("sample --model fashion --device cpu -S 4 {line} -o no.png"));
        assert!(run.code == Some(2) && run.err.contains(what), "{line}: {}", run.err);
    }
    assert!(!place.path("no.png").exists());
}

#[test]
fn what_returns_is_nearer_the_more_steps_and_the_more_passes() {
    let place = Place::new();
    place.succeed("sample --model fashion --device cpu -S 50 -n 3 -o own");
    let mse = |options: &str| mse(&place, &format!("own --model fashion {options}"));
    let errors = mse("--steps 5,10,40");
    assert!(errors.is_sorted_by(|a, b| a > b) && errors[2] < errors[0] / 2.0, "{errors:?}");
    let refined = [2, 8].map(|passes| mse(&format!("--steps 10 --refine {passes}"))[0]);
    assert!(refined[0] < errors[1] / 2.0 && refined[1] < refined[0] / 2.0, "{errors:?}, refined {refined:?}");
    // Noise on the way back: the picture does not return.
    let noisy = mse("--steps 40 --eta 1");
    assert!(noisy[0] > 1.5 * errors[2], "{noisy:?}");
    // The other convention is another one, and as good with more steps.
    let target = mse("--steps 10,40 --convention diffusers");
    assert!(target[0] != errors[1] && target[1] < target[0], "{target:?}");
    // In words, with the paper's numbers beside, and a sheet: 3 pictures, of each S two rows, below the originals.
    let said = place.succeed("reconstruct own --model fashion --device cpu --steps 10,20 -o sheet.png");
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines[0], "3 pictures with fashion, mean square error per dimension, pixels in [0, 1]");
    assert!(lines[2].trim_start().starts_with("10 ") && lines[2].ends_with(" 0.014"), "{said}");
    let sheet = crate::decoded(&place.path("sheet.png"));
    assert_eq!((sheet.width(), sheet.height()), (4 * (3 * 34 + 2), 4 * (5 * 34 + 2)));
}

#[test]
fn what_cannot_be_encoded_is_refused_in_one_line() {
    let place = Place::new();
    fs::write(place.path("text.png"), "hello").expect("written");
    fs::create_dir(place.path("empty")).expect("a folder");
    photograph().save(place.path("a.png")).expect("written");
    let cut = fs::read(place.path("a.png")).expect("readable");
    fs::write(place.path("cut.png"), &cut[..cut.len() / 2]).expect("written");
    for (line, what) in [
        ("encode text.png", "text.png: not a picture (5 bytes); expected a PNG, JPEG, WebP or GIF picture"),
        ("encode cut.png", "cut.png: "),
        ("encode missing.png", "missing.png: cannot be read"),
        ("encode empty", "empty: expected a folder with pictures (png, jpg, jpeg, webp, gif), got none in it"),
        ("encode a.png --steps 0", "0"),
        ("encode a.png --steps 1001", "1001"),
        ("encode a.png --size 30", "30"),
        ("encode a.png --count 0", "--count: expected 1 or more, got 0"),
        ("encode a.png --class 1", "--class: the model is not class-conditional"),
        ("reconstruct a.png --steps 10,2000", "2000"),
        ("reconstruct a.png --eta 2", "--eta: expected a number from 0"),
        ("reconstruct a.png -o sheet.gif", "--out sheet.gif: expected a .png"),
    ] {
        let run = place.run(&format!("{line} --device cpu"));
        assert_eq!(run.code, Some(2), "{line}");
        assert!(run.err.contains(what) && run.err.lines().count() == 1, "{line}: {}", run.err);
        assert!(run.out.is_empty(), "{line}: {}", run.out);
    }
    assert!(!place.path("x_T.safetensors").exists());
}
