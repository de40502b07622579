//! Forks of a run, and steps whose noise is of another seed, on the command line.

use crate::{Place, decoded, small};
use serde_json::json;

/// The issue's own words: a stem, and a branch of it by its timestep and another noise seed.
#[test]
fn a_branch_of_a_recipe_is_in_its_own_recipe_and_comes_again() {
    let place = Place::new();
    let job = format!("sample --device cpu --model {} -S 10 --eta 1 -n 1 --seed 7 --noise-seed 3", small());
    place.succeed(&format!("{job} -o stem.png"));
    place.succeed("sample --device cpu --recipe stem.png --fork-at 500 --noise-seed 8 -o branch.png");
    let (stem, branch) = (decoded(&place.path("stem.png")), decoded(&place.path("branch.png")));
    assert!(stem != branch, "another seed is another picture");
    let recipe = place.recipe("branch.png");
    assert_eq!((&recipe["noise_seed"], &recipe["forks"]), (&json!(3), &json!([{"t": 500, "noise_seed": 8}])));
    // The recipe alone; without a recipe; and in full.
    place.succeed("sample --device cpu --recipe branch.png -o again.png");
    assert!(decoded(&place.path("again.png")) == branch);
    place.succeed(&format!("{job} --fork 500,noise-seed=8 -o full.png"));
    assert!(decoded(&place.path("full.png")) == branch);
    place.succeed("sample --device cpu --recipe branch.png --fork none -o back.png");
    assert!(decoded(&place.path("back.png")) == stem);
    assert!(place.recipe("stem.png").get("forks").is_none(), "a plain recipe stays as it was");
    // The branch's own η and steps, beside a recipe; what comes later in the recipe's run is left behind.
    place.succeed("sample --device cpu --recipe branch.png --fork-at 300 --eta 0 --steps 2 -o short.png");
    assert_eq!(place.recipe("short.png")["forks"], json!([{"t": 500, "noise_seed": 8}, {"t": 300, "eta": 0.0, "steps": 2}]));
    assert_eq!((place.recipe("short.png")["steps"].clone(), place.recipe("short.png")["eta"].clone()), (json!(10), json!(1.0)));
    place.succeed("sample --device cpu --recipe short.png --fork-at 600 --noise-seed 1 -o early.png");
    assert_eq!(place.recipe("early.png")["forks"], json!([{"t": 600, "noise_seed": 1}]));
    // Trajectories branch as well.
    place.succeed("trajectory --device cpu --recipe branch.png -o branch.gif");
}

/// By hand: x_t of the stem, and from there the steps that are left.
#[test]
fn a_branch_is_its_stems_x_continued_by_hand() {
    let place = Place::new();
    let model = small();
    let job = format!("sample --device cpu --model {model} -S 10 --eta 0 -n 2 --seed 7");
    place.succeed(&format!("{job} --fork 500,eta=1,noise-seed=4 --save-trajectory forked.safetensors"));
    place.succeed(&format!("{job} --save-trajectory stem.safetensors"));
    let (forked, stem) = (place.tensors("forked.safetensors"), place.tensors("stem.safetensors"));
    let x = |file: &etude::weights::Weights| {
        let shape = file.shape("x").expect("x").to_vec();
        (file.get("x", &shape, false).expect("x"), shape)
    };
    let ((forked, shape), (stem, _)) = (x(&forked), x(&stem));
    let batch: usize = shape[1..].iter().product();
    // Steps at 900, 800, 700, 600: x before the step at 500 is number 4.
    assert!(forked[..5 * batch] == stem[..5 * batch] && forked[5 * batch..] != stem[5 * batch..]);
    etude::tensors::write(
        &place.path("x_500.safetensors"),
        &[("x_T", shape[1..].to_vec(), etude::tensors::Values::F32(stem[4 * batch..5 * batch].to_vec()))],
    )
    .expect("written");
    place.succeed(&format!(
        "sample --device cpu --model {model} --tau 0,100,200,300,400,500 --eta 1 --noise-seed 4 --input x_500.safetensors \
         --save-trajectory hand.safetensors"
    ));
    let (hand, _) = x(&place.tensors("hand.safetensors"));
    assert!(hand[..] == forked[4 * batch..], "bit for bit: the arithmetic is the same");
}

#[test]
fn one_steps_noise_may_be_of_another_seed() {
    let place = Place::new();
    let job = format!("sample --device cpu --model {} -S 10 --eta 1 -n 1 --seed 7 --noise-seed 3", small());
    place.succeed(&format!("{job} -o plain.png"));
    place.succeed(&format!("{job} --step-noise-seed 500=9 -o one.png"));
    place.succeed(&format!("{job} --step-noise-seed 900-0=3 -o same.png"));
    place.succeed(&format!("{job} --step-noise-seed 500-0=8 -o after.png"));
    place.succeed(&format!("{job} --fork 500,noise-seed=8 -o x.png"));
    let picture = |name: &str| decoded(&place.path(name));
    assert!(picture("one.png") != picture("plain.png"));
    assert!(picture("same.png") == picture("plain.png"));
    assert!(picture("after.png") == picture("x.png"), "all steps after a fork are the fork");
    assert_eq!(place.recipe("one.png")["step_seeds"], json!([{"from": 500, "to": 500, "seed": 9}]));
    place.succeed("sample --device cpu --recipe one.png -o again.png");
    assert!(picture("again.png") == picture("one.png"));
    place.succeed("sample --device cpu --recipe one.png --step-noise-seed none -o without.png");
    assert!(picture("without.png") == picture("plain.png"));
}

#[test]
fn a_fork_outside_the_run_is_one_line() {
    let place = Place::new();
    let job = format!("sample --device cpu --model {} -S 10 --eta 1 -n 1", small());
    for (options, expected) in [
        ("--fork-at 950 --noise-seed 1", "--fork-at: expected a timestep of the run, which goes from 900 down to 0, got 950"),
        ("--fork-at 500", "--fork-at 500: expected what the branch has of its own, --noise-seed"),
        ("--fork 500,steps=900", "--fork steps: expected 1 to 501 from timestep 500 down to 0, got 900"),
        ("--fork 500,eta=2", "--fork eta: expected a number from 0 (DDIM) to 1 (DDPM), got 2"),
        ("--fork 500", "500,noise-seed=7"),
        ("--fork 300,eta=0 --fork 500,eta=0", "--fork: expected timesteps that fall, got 500 after 300"),
        ("--step-noise-seed 450=1", "--step-noise-seed: expected a timestep of the run, which goes from 900 down to 0, got 450"),
        ("--step-noise-seed x=1", "as 500=7 or 980-500=7"),
        ("--rng torch --fork-at 500 --noise-seed 1", "--noise: a fork or a step with a noise seed of its own"),
    ] {
        let run = place.run(&format!("{job} {options} -o x.png"));
        assert_eq!(run.code, Some(2), "{options}: {}", run.err);
        assert!(run.err.contains(expected), "{options}: {}", run.err);
        assert!(!place.path("x.png").exists());
    }
    let run = place.run(&format!("{job} --fork-at 500 --noise-seed 1 -o x.png").replace("--eta 1", "--eta 0"));
    assert!(run.code == Some(0) && run.err.contains("so that changes nothing"), "{}", run.err);
}

/// `etude forks`: the ends of branches that leave a run lie the closer together the later they do.
#[test]
fn when_a_picture_is_decided_is_measured() {
    let place = Place::new();
    let job = "forks --device cpu --model fashion -S 10 --eta 1 --seed 7 --places 5 --seeds 3";
    let out = place.succeed(&format!("{job} --json -o ends.png"));
    let measured: serde_json::Value = serde_json::from_str(&out).expect("JSON and nothing else");
    assert_eq!(measured["t"], json!([900, 700, 500, 300, 100]));
    let distances: Vec<f64> =
        measured["distance"].as_array().expect("a list").iter().map(|d| d.as_f64().expect("a number")).collect();
    assert!(distances.len() == 5 && distances[0] > 3.0 * distances[4] && distances[4] > 0.0, "{distances:?}");
    assert!(place.succeed(job).contains("3 noise seeds from each fork"));
    // The ends of the third fork are those of `etude sample --fork-at`.
    let sheet = decoded(&place.path("ends.png"));
    for (column, seed) in [(0, 1), (2, 3)] {
        place.succeed(&format!(
            "sample --device cpu --model fashion -S 10 --eta 1 --seed 7 -n 1 --fork 500,noise-seed={seed} -o one.png"
        ));
        let one = decoded(&place.path("one.png"));
        // A picture of a sheet begins two pixels after the one before it, each pixel as large as the sheet's scale.
        let pixel = |sheet: &image::RgbImage, columns: u32, [column, row]: [u32; 2], [x, y]: [u32; 2]| {
            let scale = sheet.width() / (2 + columns * 34);
            sheet.get_pixel((2 + column * 34 + x) * scale, (2 + row * 34 + y) * scale)[0]
        };
        let at = |x: u32, y: u32| pixel(&sheet, 3, [column, 2], [x, y]);
        let of_one = |x: u32, y: u32| pixel(&one, 1, [0, 0], [x, y]);
        let off = (0..32).flat_map(|y| (0..32).map(move |x| (x, y))).map(|(x, y)| at(x, y).abs_diff(of_one(x, y)));
        // Several at a time are other tiles: a level may differ.
        assert!(off.max() <= Some(1), "seed {seed}");
    }
    let run = place.run(&job.replace("--seeds 3", "--seeds 1"));
    assert!(run.code == Some(2) && run.err.contains("--seeds: expected 2 or more"), "{}", run.err);
    let run = place.run(&job.replace("--eta 1", "--eta 0"));
    assert!(run.code == Some(0) && run.err.contains("so x_T decides the picture"), "{}", run.err);
}
