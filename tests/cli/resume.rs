//! `etude sample --resume`: a folder is completed where another run has stopped, and nothing in it is written over.

use crate::{Place, small};
use std::fs;

/// The files of a folder by name.
fn folder(place: &Place, name: &str) -> Vec<(String, Vec<u8>)> {
    let all = place.files().into_iter().filter(|(path, _)| path.starts_with(place.path(name)));
    all.map(|(path, bytes)| (path.file_name().expect("a name").to_string_lossy().into_owned(), bytes)).collect()
}

#[test]
fn what_is_missing_is_made_and_what_is_there_is_kept() {
    let place = Place::new();
    for options in ["", "--rng torch", "--eta 1 --first 3", "--rng torch --preset ddpm"] {
        let job = format!("sample --device cpu --model {} -S 3 -n 6 --batch 2 {options}", small());
        place.succeed(&format!("{job} -o whole"));
        place.succeed(&format!("{job} -o part"));
        let whole = folder(&place, "whole");
        // As a killed run leaves it, but for one more in the middle.
        for number in [1, 4, 5] {
            fs::remove_file(place.path(&format!("part/{number:05}.png"))).expect("removed");
        }
        let written = fs::metadata(place.path("part/00000.png")).and_then(|file| file.modified()).expect("a time");
        let said = place.succeed(&format!("{job} -o part --resume"));
        assert!(said.starts_with("3 images of ") && said.contains("3 were there"), "{said}");
        assert!(folder(&place, "part") == whole, "{options}");
        let now = fs::metadata(place.path("part/00000.png")).and_then(|file| file.modified()).expect("a time");
        assert_eq!(written, now, "{options}: what is there is not touched");
        // There is nothing left to do, and it says so.
        let run = place.run(&format!("{job} -o part --resume"));
        assert!(run.code == Some(0) && run.out.contains("6 were there") && !run.err.contains("device: "), "{}{}", run.out, run.err);
        place.succeed(&format!("{job} -o part --resume"));
        for name in ["whole", "part"] {
            fs::remove_dir_all(place.path(name)).expect("removed");
        }
    }
    // An empty folder, or none, is one that is begun; more images go on where fewer have ended.
    let job = format!("sample --device cpu --model {} -S 3 --resume -o some", small());
    place.succeed(&format!("{job} -n 2"));
    let said = place.succeed(&format!("{job} -n 5"));
    assert!(said.starts_with("3 images of ") && said.contains("2 were there") && folder(&place, "some").len() == 5, "{said}");
    let facts: serde_json::Value = serde_json::from_str(&place.succeed(&format!("{job} -n 6 --json"))).expect("JSON");
    assert_eq!((&facts["images"], &facts["there"]), (&1.into(), &5.into()));
}

#[test]
fn a_folder_of_another_recipe_stays_as_it_is() {
    let place = Place::new();
    let job = format!("sample --device cpu --model {} -n 3", small());
    place.succeed(&format!("{job} -S 3 --seed 1 -o folder"));
    fs::remove_file(place.path("folder/00000.png")).expect("removed");
    let before = place.files();
    for (options, words) in [
        ("-S 3 --seed 2", ["00001.png", "its seed is 1, not 2"]),
        ("-S 4 --seed 1", ["00001.png", "its steps is 3, not 4"]),
        ("-S 3 --seed 1 --eta 0.5", ["00001.png", "its eta is 0.0, not 0.5"]),
        ("-S 3 --seed 1 --first 1", ["00001.png", "its image is 1, not 2"]),
        ("-S 3 --seed 1 --rng torch", ["00001.png", "got another one"]),
    ] {
        let run = place.run(&format!("{job} {options} --resume -o folder"));
        assert!(run.code == Some(2) && run.out.is_empty() && run.err.lines().count() == 1, "{options}: {}", run.err);
        assert!(words.iter().all(|word| run.err.contains(word)) && run.err.contains("another folder"), "{options}: {}", run.err);
        assert_eq!(place.files(), before, "{options}");
    }
    // A picture of another program, and one that ends early.
    let whole = place.bytes("folder/00002.png");
    for (bytes, word) in [(&b"hello"[..], "00002.png"), (&whole[..whole.len() / 2], "00002.png")] {
        fs::write(place.path("folder/00002.png"), bytes).expect("written");
        let run = place.run(&format!("{job} -S 3 --seed 1 --resume -o folder"));
        assert!(run.code == Some(2) && run.err.contains(word) && run.err.lines().count() == 1, "{}", run.err);
        assert_eq!(place.bytes("folder/00002.png"), bytes);
    }
    image::RgbImage::new(2, 2).save(place.path("folder/00002.png")).expect("written");
    let run = place.run(&format!("{job} -S 3 --seed 1 --resume -o folder"));
    assert!(run.code == Some(2) && run.err.contains("without a recipe"), "{}", run.err);
}

#[test]
fn one_file_cannot_be_gone_on_with_and_it_says_why() {
    let place = Place::new();
    let job = format!("sample --device cpu --model {} -S 2 -n 2 --resume", small());
    for (options, what) in [("-o x.npz", "an .npz"), ("-o x.png", "a sheet"), ("-o -", "a sheet"), ("--format npz -o -", "an .npz")]
    {
        let run = place.run(&format!("{job} {options}"));
        assert!(run.code == Some(2) && run.out.is_empty() && run.err.lines().count() == 1, "{options}: {}", run.err);
        assert!(run.err.contains("--resume") && run.err.contains(what) && run.err.contains("folder"), "{options}: {}", run.err);
    }
    for options in ["--input x.safetensors -o folder", "--save-trajectory x.safetensors"] {
        let run = place.run(&format!("{job} {options}"));
        assert!(run.code == Some(2) && run.err.contains("--resume"), "{options}: {}", run.err);
    }
    assert_eq!(place.files(), []);
}

/// A run that is killed, not asked to stop.
#[cfg(unix)]
#[test]
fn a_killed_run_is_completed() {
    use std::{
        process::Stdio,
        time::{Duration, Instant},
    };
    let place = Place::new();
    let job = format!("sample --device cpu --model {} -n 24 --batch 1", small());
    let mut child = place.command(&format!("{job} -S 60 -o folder")).stderr(Stdio::null()).spawn().expect("started");
    let start = Instant::now();
    while !place.path("folder/00002.png").exists() {
        assert!(start.elapsed() < Duration::from_secs(120), "nothing happens");
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().expect("killed");
    child.wait().expect("ended");
    let job = format!("{job} -S 60");
    place.succeed(&format!("{job} -o folder --resume"));
    place.succeed(&format!("{job} -o whole"));
    let finished = |name: &str| folder(&place, name).into_iter().filter(|(name, _)| name.ends_with(".png")).collect::<Vec<_>>();
    assert!(finished("folder") == finished("whole") && finished("whole").len() == 24);
}
