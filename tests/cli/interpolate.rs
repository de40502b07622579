//! `etude interpolate` makes what the viewer's panel Interpolate shows.

use crate::{Place, animated, decoded, npz, small};
use etude::{
    app::{
        Controls,
        state::{
            run_requests::{self, Purpose},
            view_settings::Tab,
        },
    },
    picture::Picture,
    recipe::Recipe,
    session::{Event, Session},
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// The pictures of the panel, group by group, as the session computes them.
fn of_the_panel(controls: &Controls) -> Vec<Arc<Picture>> {
    let session = Session::new(Arc::new(|_| {})).expect("a thread");
    let request = run_requests::request(1, Purpose::Between, controls).expect("a request");
    let mut groups = vec![Vec::new(); request.groups.len()];
    session.submit(request);
    let start = Instant::now();
    loop {
        // Nothing here takes longer, even on a busy machine.
        assert!(start.elapsed() < Duration::from_secs(300), "the session does not end");
        std::thread::sleep(Duration::from_millis(5));
        for event in session.drain() {
            match event {
                Event::Step(update) => groups[update.group].clone_from(&update.after),
                Event::Failed { message, .. } => panic!("{message}"),
                Event::Finished { .. } => return groups.concat(),
                _ => {}
            }
        }
    }
}

/// A strip of two ways and a grid, as controls and as a command.
fn cases() -> [(Controls, String); 2] {
    let mut controls = Controls { model: small(), steps: 4, noise_seed: 3, ..Controls::default() };
    controls.view.device = "cpu".to_owned();
    controls.view.tab = Tab::Interpolate;
    let interpolate = &mut controls.view.interpolate;
    (interpolate.seeds, interpolate.columns, interpolate.side, interpolate.lerp) = ([1, 2, 8, 9], 5, 3, true);
    let command = format!("interpolate --device cpu --model {} -S 4 --noise-seed 3", small());
    let mut strip = controls.clone();
    // Noise shows whether all pictures get that of image 0.
    strip.view.interpolate.eta = 0.5;
    let mut grid = controls;
    grid.view.interpolate.grid = true;
    [(strip, format!("{command} --seeds 1,2 --both --columns 5 --eta 0.5")), (grid, format!("{command} --seeds 1,2,8,9 --side 3"))]
}

#[test]
fn its_pictures_are_those_of_the_viewers_panel_to_the_bit() {
    let place = Place::new();
    for (controls, command) in cases() {
        let expected = of_the_panel(&controls);
        let said = place.succeed(&format!("{command} -o pictures.npz"));
        assert!(said.starts_with(&format!("{} images of {} between 1, 2", expected.len(), small())), "{said}");
        let (shape, pixels) = npz(&place.path("pictures.npz"));
        assert_eq!(shape, [expected.len(), 16, 16, 3]);
        let expected: Vec<u8> = expected.iter().flat_map(|picture| picture.bytes().to_vec()).collect();
        assert!(pixels == expected, "{command}: {} bytes differ", pixels.iter().zip(&expected).filter(|(a, b)| a != b).count());
        // However many are computed at a time; other tiles may round a pixel to the level beside it.
        place.succeed(&format!("{command} --batch 2 -o two.npz"));
        let furthest = npz(&place.path("two.npz")).1.iter().zip(&expected).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(furthest <= Some(1), "{command}: {furthest:?}");
    }
}

/// Dropped on the viewer's window the picture sets the panel's controls again.
#[test]
fn its_recipe_brings_the_panel_back() {
    let place = Place::new();
    for (controls, command) in cases() {
        for out in ["sheet.png", "there_and_back.gif"] {
            place.succeed(&format!("{command} -o {out}"));
            let recipe = Recipe::from_json(place.recipe(out).to_string()).expect("a recipe");
            let shown = Controls::from_recipe(&recipe, &Default::default()).expect("controls");
            assert_eq!(shown.view.tab, Tab::Interpolate);
            let (got, expected) = (&shown.view.interpolate, &controls.view.interpolate);
            let ends = if expected.grid { 4 } else { 2 };
            assert_eq!((got.grid, &got.seeds[..ends], got.eta), (expected.grid, &expected.seeds[..ends], expected.eta));
            let size = |of: &etude::app::state::view_settings::Interpolate| if of.grid { of.side } else { of.columns };
            assert_eq!((size(got), got.lerp && !got.grid), (size(expected), expected.lerp && !expected.grid));
            assert_eq!((shown.steps, shown.noise_seed, shown.preset), (4, 3, controls.preset));
        }
        // And it makes itself again, in both commands.
        place.succeed("interpolate --device cpu --recipe sheet.png -o again.png");
        assert_eq!(place.bytes("sheet.png"), place.bytes("again.png"));
        place.succeed("sample --device cpu --recipe sheet.png -o sampled.png");
        assert!(decoded(&place.path("sheet.png")) == decoded(&place.path("sampled.png")));
    }
}

#[test]
fn strips_grids_animations_and_folders() {
    let place = Place::new();
    let job = format!("interpolate --device cpu --model {} -S 2 --batch 4", small());
    place.succeed(&format!("{job} --seeds 5,6 --columns 3 -o slerp"));
    place.succeed(&format!("{job} --seeds 5,6 --columns 3 --lerp -o lerp"));
    place.succeed(&format!("{job} --seeds 5,6 --columns 3 --both -o both"));
    let picture = |name: &str| decoded(&place.path(name));
    let number = |folder: &str, i: usize| picture(&format!("{folder}/{i:05}.png"));
    for i in 0..3 {
        assert!(number("both", i) == number("slerp", i) && number("both", 3 + i) == number("lerp", i), "{i}");
    }
    // The ends are the seeds' own samples, whichever way one goes; in the middle the ways part.
    assert!(
        number("slerp", 0) == number("lerp", 0)
            && number("slerp", 2) == number("lerp", 2)
            && number("slerp", 1) != number("lerp", 1)
    );
    place.succeed(&format!("sample --device cpu --model {} -S 2 --seed 6 -n 1 -o end", small()));
    assert!(number("end", 0) == number("slerp", 2));
    // One of the folder makes itself again.
    place.succeed("sample --device cpu --recipe both/00004.png -o one");
    assert!(number("one", 0) == number("lerp", 1));
    // A sheet has as many columns as a strip or a grid.
    for (options, columns, rows) in [("--seeds 5,6 --columns 3 --both", 3, 2), ("--seeds 5,6,7,8 --side 2", 2, 2)] {
        place.succeed(&format!("{job} {options} -o sheet.png"));
        let sheet = picture("sheet.png");
        assert_eq!(sheet.width() * (2 + 18 * rows), sheet.height() * (2 + 18 * columns), "{options}: {:?}", sheet.dimensions());
    }
    // There and back: the ends are not shown twice.
    for (options, frames) in
        [("--seeds 5,6 --columns 4", 6), ("--seeds 5,6 --columns 4 --both", 6), ("--seeds 5,6,7,8 --side 2", 6)]
    {
        place.succeed(&format!("{job} {options} -o moves.gif"));
        let mut gif = gif::Decoder::new(std::fs::File::open(place.path("moves.gif")).expect("there")).expect("a GIF");
        let mut count = 0;
        while gif.next_frame_info().expect("a frame").is_some() {
            count += 1;
        }
        assert_eq!(count, frames, "{options}");
        // The same as an animated PNG, and again from its recipe.
        place.succeed(&format!("{job} {options} -o moves.apng"));
        place.succeed("sample --device cpu --recipe moves.apng -o again.apng");
        let moves = animated(&place.path("moves.apng"));
        assert!(moves.len() == frames && moves == animated(&place.path("again.apng")), "{options}");
    }
    place.succeed(&format!("{job} --seeds 5,6 --columns 4 --format apng -o moves.png"));
    assert_eq!(animated(&place.path("moves.png")).len(), 6);
    // Captions stand below the same frames.
    place.succeed(&format!("{job} --seeds 5,6 --columns 4 --captions -o said.apng"));
    let (said, plain) = (animated(&place.path("said.apng")), animated(&place.path("moves.png")));
    assert_eq!(said.len(), 6);
    for (said, plain) in said.iter().zip(&plain) {
        assert!(said.height() > plain.height() + 15 && said.width() == plain.width());
        assert!(image::imageops::crop_imm(said, 0, 0, plain.width(), plain.height()).to_image() == *plain);
    }
    let strip = |frame: usize| image::imageops::crop_imm(&said[frame], 0, plain[0].height(), plain[0].width(), 60).to_image();
    assert!(strip(0) != strip(1) && strip(1) == strip(5), "λ is another in each, and the same on the way back");
    let output = place.command(&format!("{job} --seeds 5,6 --columns 4 --format gif -o -")).output().expect("started");
    assert!(output.stdout.starts_with(b"GIF89a"));
    let facts: serde_json::Value =
        serde_json::from_str(&place.succeed(&format!("{job} --seeds 5,6 --json -o x.png"))).expect("JSON");
    assert_eq!((&facts["images"], &facts["columns"]), (&9.into(), &9.into()));
}

/// A picture in the place of a seed: its x_T, from which it comes back.
#[test]
fn an_end_may_be_a_picture() {
    let place = Place::new();
    let model = small();
    place.succeed(&format!("sample --device cpu --model {model} -S 8 --seed 4 -n 1 -o folder"));
    std::fs::rename(place.path("folder/00000.png"), place.path("a, b.png")).expect("renamed");
    let mut command = place.command(&format!("interpolate --device cpu --model {model} -S 8 --columns 3 -o strip --seeds"));
    let output = command.args(["a, b.png", "--seeds", "6"]).output().expect("started");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    place.succeed(&format!("sample --device cpu --model {model} -S 8 --seed 6 -n 1 -o end"));
    assert!(decoded(&place.path("strip/00002.png")) == decoded(&place.path("end/00000.png")));
    let mut command = place.command(&format!("sample --device cpu --model {model} -S 8 -n 1 -o start --encode"));
    assert!(command.arg("a, b.png").output().expect("started").status.success());
    assert!(decoded(&place.path("strip/00000.png")) == decoded(&place.path("start/00000.png")));
    let recipe = place.recipe("strip/00001.png");
    assert_eq!(recipe["viewer"]["interpolate"]["pictures"][0]["picture"]["name"], "a, b.png");
    assert!(recipe["viewer"]["interpolate"]["pictures"][1].is_null());
}

#[test]
fn what_makes_no_interpolation_is_one_line() {
    let place = Place::new();
    let job = format!("interpolate --device cpu --model {} -S 2", small());
    for (options, words) in [
        ("", &["--seeds"] as &[_]),
        ("--seeds 1", &["--seeds", "two ends (a strip) or four (a grid)", "got 1"]),
        ("--seeds 1,2,3", &["--seeds", "got 3"]),
        ("--seeds 1,", &["--seeds", "a seed"]),
        ("--seeds 1,nowhere.png", &["--seeds", "nowhere.png", "a seed"]),
        ("--seeds 1,-2", &["--seeds", "-2"]),
        ("--seeds 1,2 --side 3", &["--side", "four ends"]),
        ("--seeds 1,2,3,4 --columns 3", &["--columns", "two ends"]),
        ("--seeds 1,2,3,4 --lerp", &["--lerp", "two ends"]),
        ("--seeds 1,2 --lerp --both", &["--lerp", "--both"]),
        ("--seeds 1,2 --columns 1", &["--columns", "1"]),
        ("--seeds 1,2 --eta 2", &["--eta", "got 2"]),
        ("--seeds 1,2 --tau sometimes", &["--tau", "got \"sometimes\""]),
        ("--seeds 1,2 --encode-steps 5", &["--encode-steps", "picture"]),
        ("--seeds 1,2 --captions -o x.png", &["--captions", "a .gif or an .apng", "got x.png"]),
        ("--seeds 1,2 -o x.jpg", &["--out x.jpg", ".gif", "got .jpg"]),
    ] {
        let run = place.run(&format!("{job} {options}"));
        assert!(run.code == Some(2) && run.err.lines().count() == 1 && run.err.starts_with("etude: "), "{options}: {}", run.err);
        assert!(words.iter().all(|word| run.err.contains(word)), "{options}: {}", run.err);
    }
    assert_eq!(place.files(), []);
}
