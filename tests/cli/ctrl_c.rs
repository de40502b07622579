//! Ctrl-C: the program ends soon, with exit code 130, keeps what is finished and says how much that is.

use crate::{Place, Run, decoded, npz, small};
use std::{
    fs,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// Starts a long job, presses Ctrl-C once `ready` says so, and returns what it printed. The interrupt is seen after a step, which
/// here takes some milliseconds; the rest is for other tests, that share the cores.
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
fn kept(run: &Run) -> usize {
    let line = run.err.lines().find(|line| line.starts_with("interrupted: ")).unwrap_or_else(|| panic!("{}", run.err));
    line.split_whitespace().find_map(|word| word.parse().ok()).expect("a number")
}

#[test]
fn ctrl_c_keeps_the_finished_images_of_a_folder() {
    let place = Place::new();
    let line = "sample --device cpu --count 64 --batch 1 --steps 50 -o many";
    let run = interrupted(&place, line, |_| place.path("many/00001.png").exists());
    let kept = kept(&run);
    assert!((2..64).contains(&kept) && run.err.contains(&format!("kept the {kept} finished of 64 images")), "{}", run.err);
    assert!(
        run.out.starts_with(&format!("{kept} images of {}", etude::model::DEFAULT)) && run.out.ends_with(": many\n"),
        "{}",
        run.out
    );
    let expected: Vec<_> = (0..kept).map(|i| place.path(&format!("many/{i:05}.png"))).collect();
    assert_eq!(place.files().into_iter().map(|(path, _)| path).collect::<Vec<_>>(), expected);
    expected.iter().for_each(|path| assert_eq!(decoded(path).dimensions(), (32, 32)));
}

/// What is written at the end holds the finished images, as many as there are, and says so itself.
#[test]
fn ctrl_c_keeps_the_finished_images_of_an_npz_and_of_a_sheet() {
    let place = Place::new();
    let job =
        |count: usize, out: &str| format!("sample --device cpu --model {} --count {count} --batch 2 --steps 3 -o {out}", small());
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
#[test]
fn ctrl_c_before_the_first_image_leaves_nothing() {
    let place = Place::new();
    fs::write(place.path("old.png"), "old").expect("written");
    // A step in flight is finished first: sixteen images keep it far below the patience for stopping, even on a busy machine, and a
    // thousand steps of them far above the two seconds after which it is stopped.
    let line = |out: &str| format!("sample --device cpu --count 16 --batch 16 --steps 1000 -o {out}");
    for out in ["old.png", "new.npz"] {
        let run = interrupted(&place, &line(out), |waited| waited > Duration::from_secs(2));
        assert_eq!((kept(&run), run.out.as_str()), (0, ""));
    }
    assert_eq!(place.files(), [(place.path("old.png"), b"old".to_vec())]);
}
