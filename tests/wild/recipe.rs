//! Recipes in pictures that went through other programs' hands, and the image that a picture is. ComfyUI#165.

#[cfg(feature = "app")]
use etude::{
    app::{Controls, state::view_settings::ViewSettings},
    recipe::Rng,
    schedule::Preset,
};
use etude::{
    picture::{Picture, png, recipe::read_recipe},
    recipe::Recipe,
};
use std::{fs, path::PathBuf};

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/wild").join(name)
}

const RECIPE: &str = r#"{"model": "модель é", "steps": 4}"#;

/// Pillow keeps texts only where it is told to, and then writes them as iTXt (compressed or not), tEXt or zTXt; the texts of
/// tests/fixtures/making/wild.py.
#[test]
fn texts_as_pillow_writes_them() {
    for name in ["itxt", "itxt_compressed", "text_latin1", "ztxt_latin1", "text_utf8", "ztxt_utf8", "text_behind_pixels"] {
        let text = read_recipe(fixture(&format!("{name}.png"))).unwrap_or_else(|e| panic!("{e}"));
        let expected = if name.ends_with("latin1") { RECIPE.replace("модель ", "") } else { RECIPE.to_owned() };
        assert_eq!(text, Some(expected), "{name}");
    }
}

/// Chunks that unpack to more than any recipe has.
#[test]
fn a_text_that_unpacks_to_gigabytes_is_refused() {
    for name in ["itxt_bomb", "ztxt_bomb"] {
        let error = read_recipe(fixture(&format!("{name}.png"))).expect_err(name).to_string();
        assert!(error.contains("longer than the 1048576 bytes of any recipe"), "{name}: {error}");
    }
}

/// Version 0.1.0 did not write which image a file is, nor what comes with that.
#[test]
fn recipes_of_before_are_read_and_written_as_before() {
    let before = read_recipe(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/recipe_0.1.0.png"));
    let text = before.expect("a picture").expect("with a recipe");
    let recipe = Recipe::from_json(&text).expect("a recipe");
    assert_eq!((recipe.image, recipe.first, recipe.drawn), (None, 0, None));
    let again = recipe.json().expect("JSON");
    for field in ["\"image\"", "\"first\"", "\"drawn\""] {
        assert!(!again.contains(field), "{again}");
    }
}

#[test]
fn a_number_that_is_not_finite_is_refused_by_name_but_in_the_viewers_own_part() {
    let picture = Picture::filled(1, 1, [0; 3]);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("p.png");
    let base = read_recipe(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/recipe_0.1.0.png"));
    let base = base.expect("a picture").expect("with a recipe");
    let eta = Recipe::from_json(&base).expect("a recipe").eta;
    let spoilt = base.replacen("\"eta\":", "\"eta\": NaN, \"was\":", 1);
    png::write_png(&path, &picture, Some(&spoilt)).expect("written");
    let text = read_recipe(&path).expect("a picture").expect("with a recipe");
    assert_eq!(
        Recipe::from_json(&text).expect_err("NaN").to_string(),
        "its recipe cannot be used: eta: expected a finite number, got NaN",
        "eta was {eta}"
    );
    fs::remove_file(path).expect("there");
}

/// The viewer shows the image that a picture is, whatever the size of its batch.
#[cfg(feature = "app")]
#[test]
fn the_viewer_opens_the_very_image() {
    let base = read_recipe(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/recipe_0.1.0.png"));
    let base = Recipe::from_json(base.expect("a picture").expect("with a recipe")).expect("a recipe");
    let opened = |recipe: &Recipe| Controls::from_recipe(recipe, &ViewSettings::default()).expect("controls");
    for (rng, first, count, image) in [
        (Rng::Etude, 0, 6, 5),
        (Rng::Etude, 0, 1000, 900),
        (Rng::Torch, 0, 1000, 900),
        (Rng::Torch, 0, 6, 2),
        (Rng::Etude, 70, 3, 72),
        (Rng::Etude, 0, 1, u32::MAX),
    ] {
        let recipe = Recipe { rng, first, count, image: Some(image), noise: rng.noise(Preset::Etude), ..base.clone() };
        let controls = opened(&recipe);
        if image == u32::MAX {
            // From a file that nobody wrote: somewhere, without a panic.
            assert!(controls.count >= 1);
            continue;
        }
        assert_eq!(controls.image_number(), image);
        assert!(controls.view.image < controls.count && controls.count <= 64);
        let saved = controls.recipe("", recipe.size).expect("a recipe");
        assert!((saved.first..saved.first + saved.count).contains(&image));
        if rng == Rng::Torch {
            assert_eq!(saved.drawn(), count, "torch draws the same batch");
        }
    }
    // A sheet, and what was made before images had numbers, begin with the first.
    assert_eq!(opened(&Recipe { image: None, count: 6, ..base }).image_number(), 0);
}
