//! A recipe makes the very image again that it lies in, and what a model's T and a name with a dot have to do with it.

use crate::{Place, decoded, small};
use serde_json::json;
use std::{fs, path::Path};

/// The pictures of a folder.
fn pictures(folder: &Path) -> Vec<image::RgbImage> {
    let mut names: Vec<_> = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("readable").path()).collect();
    names.sort();
    names.iter().map(|path| decoded(path)).collect()
}

/// ComfyUI#165: the files of a folder are told apart, with either generator, with noise that counters or torch's generator draws.
#[test]
fn each_file_of_a_folder_makes_its_own_image() {
    let place = Place::new();
    for (options, drawn) in [("", None), ("--rng torch", Some(4)), ("--rng torch --preset ddpm", Some(4)), ("--noise step", None)] {
        let job = format!("sample --device cpu --model {} -S 3 --eta 0.5 -n 4 --seed 7 {options}", small());
        place.succeed(&format!("{job} -o all"));
        let all = pictures(&place.path("all"));
        assert_eq!(all.len(), 4);
        assert!(all[2] != all[0] && all[2] != all[1], "{options}");
        // One, from its own on; several; and again from a picture that was made from a picture.
        place.succeed("sample --device cpu --recipe all/00002.png -n 1 -o one");
        place.succeed("sample --device cpu --recipe all/00001.png -n 3 --batch 2 -o three");
        place.succeed("sample --device cpu --recipe three/00001.png -n 1 -o again");
        place.succeed("sample --device cpu --recipe all/00002.png -n 1 -o one.png");
        assert_eq!(pictures(&place.path("one")), all[2..3], "{options}");
        assert_eq!(pictures(&place.path("three")), all[1..], "{options}");
        assert_eq!(pictures(&place.path("again")), all[2..3], "{options}");
        // Without a number it is the run that the picture comes from.
        place.succeed("sample --device cpu --recipe all/00002.png -o whole");
        assert_eq!(pictures(&place.path("whole")), all, "{options}");
        place.succeed("sample --device cpu --recipe three/00001.png -o the_three");
        assert_eq!(pictures(&place.path("the_three")), all[1..], "{options}");
        let recipe = place.recipe("three/00001.png");
        assert_eq!((&recipe["image"], &recipe["first"], &recipe["count"]), (&json!(2), &json!(1), &json!(3)));
        assert_eq!(place.recipe("one.png")["image"], 2);
        assert_eq!(place.recipe("one.png")["drawn"], json!(drawn));
        for folder in ["all", "one", "three", "again", "whole", "the_three"] {
            fs::remove_dir_all(place.path(folder)).expect("removed");
        }
    }
}

/// More than the batch that torch drew at once would be other pictures.
#[test]
fn torch_does_not_draw_beyond_its_batch() {
    let place = Place::new();
    let job = format!("sample --device cpu --model {} -S 2", small());
    place.succeed(&format!("{job} --rng torch -n 3 -o all"));
    let run = place.run("sample --device cpu --recipe all/00001.png -n 5 -o more");
    assert_eq!(run.code, Some(2), "{}", run.err);
    assert!(run.err.contains("--count: torch drew 3 images at once"), "{}", run.err);
    let run = place.run(&format!("{job} --noise torch -o x.png"));
    assert!(run.code == Some(2) && run.err.contains("--noise: torch draws it after x_T"), "{}", run.err);
}

/// Recipes of version 0.1.0 had torch's x_T and the steps' noise from counters: they still do.
#[test]
fn a_recipe_of_before_keeps_its_noise() {
    let place = Place::new();
    let job = format!("sample --device cpu --model {} -S 3 --eta 1 -n 2 --rng torch", small());
    place.succeed(&format!("{job} --noise step -o then.png"));
    let mut recipe = place.recipe("then.png");
    let fields = recipe.as_object_mut().expect("an object");
    fields.remove("noise");
    fs::write(place.path("before.json"), recipe.to_string()).expect("written");
    place.succeed("sample --device cpu --recipe before.json -o now.png");
    place.succeed(&format!("{job} -o today.png"));
    assert_eq!(decoded(&place.path("now.png")), decoded(&place.path("then.png")));
    assert_ne!(decoded(&place.path("today.png")), decoded(&place.path("then.png")));
    assert_eq!(place.recipe("today.png")["noise"], "torch");
}

/// diffusers PR#2770: T = 10.
#[test]
fn s_becomes_at_most_t() {
    let place = Place::new();
    fs::create_dir(place.path("ten")).expect("made");
    for entry in fs::read_dir(small()).expect("a model") {
        let path = entry.expect("readable").path();
        if path.is_file() {
            fs::copy(&path, place.path("ten").join(path.file_name().expect("a name"))).expect("copied");
        }
    }
    fs::write(place.path("ten/scheduler_config.json"), json!({"num_train_timesteps": 10}).to_string()).expect("written");
    let run = place.run("sample --device cpu --model ten -n 1 -o x.png");
    assert_eq!(run.code, Some(0), "{}", run.err);
    assert!(run.err.contains("note: 10 steps in the place of 50") && run.out.contains("10 steps"), "{}{}", run.err, run.out);
    assert_eq!(place.recipe("x.png")["steps"], 10);
    let run = place.run("sample --device cpu --model ten -n 1 -S 11 -o y.png");
    assert!(run.code == Some(2) && run.err.contains("--steps: expected a whole number from 1 to 10"), "{}", run.err);
}

#[test]
fn a_name_with_a_dot_is_a_folder() {
    let place = Place::new();
    for name in ["samples_eta0.5", "v1.2/of.today", "x.png/"] {
        place.succeed(&format!("sample --device cpu --model {} -S 1 -n 1 -o {name}", small()));
        assert_eq!(pictures(&place.path(name)).len(), 1, "{name}");
    }
}
