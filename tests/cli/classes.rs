//! Networks with classes: `--class`, its recipe, and what is refused.

use crate::{Place, decoded, fixture};
use serde_json::json;

fn model() -> String {
    fixture("unets/classes")
}

#[test]
fn each_image_is_of_its_class_in_any_batch() {
    let place = Place::new();
    let job = format!("sample --device cpu --model {} -S 3 --eta 1 -n 12", model());
    // All classes in turn is what a model with classes does unless told otherwise.
    place.succeed(&format!("{job} -o all"));
    place.succeed(&format!("{job} --batch 5 -o parts"));
    place.succeed(&format!("{job} --class 3 -o three"));
    place.succeed(&format!("{job} --class 4 -o four"));
    let picture = |folder: &str, i: usize| decoded(&place.path(&format!("{folder}/{i:05}.png")));
    for i in 0..12 {
        assert_eq!(picture("all", i), picture("parts", i), "image {i}");
    }
    assert_eq!((picture("all", 3), picture("all", 4)), (picture("three", 3), picture("four", 4)));
    // A network of random weights makes mostly black and white, so that some pictures of different classes are equal.
    let differ = (0..12).filter(|i| picture("all", *i) != picture("three", *i)).count();
    assert!((6..12).contains(&differ), "{differ} of 12");
    assert_eq!(place.recipe("all/00000.png")["class"], json!("all"));
    assert_eq!(place.recipe("three/00000.png")["class"], json!(3));
    // The recipe makes them again; another class overrides it.
    place.succeed("sample --device cpu --recipe three/00000.png -o again");
    place.succeed("sample --device cpu --recipe three/00000.png --class 4 -o other");
    for i in 0..12 {
        assert_eq!((picture("again", i), picture("other", i)), (picture("three", i), picture("four", i)), "image {i}");
    }
    // So does a model without classes, which takes the recipe's class away.
    let said = place.run("sample --device cpu --recipe three/00000.png --model fashion -S 2 -n 1 -o none.png");
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(place.recipe("none.png").get("class").is_none());
    place.succeed(&format!("trajectory --device cpu --model {} -S 3 --class 9 -o strip.png", model()));
    assert_eq!(place.recipe("strip.png")["class"], json!(9));
}

#[test]
fn a_class_that_the_model_does_not_have_is_refused() {
    let place = Place::new();
    let model = model();
    for (line, what) in [
        (format!("sample --model {model} --class 10"), "--class: expected a class from 0 to 9 of this model, or all, got 10"),
        (format!("sample --model {model} --class dog"), "expected the number of a class, from 0, or all, got \"dog\""),
        ("sample --model fashion --class 0".to_owned(), "--class: the model is not class-conditional, expected no class for it"),
    ] {
        let run = place.run(&format!("{line} --device cpu -o out.png"));
        assert_eq!(run.code, Some(2), "{line}");
        assert!(run.err.contains(what), "{line}: {}", run.err);
    }
    assert!(place.files().is_empty());
}
