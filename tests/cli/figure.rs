//! `etude figure` makes what the viewer's panels save as figures.

use crate::{Place, small};
use etude::picture::recipe::read_recipe;
use std::fs;

fn command(rest: &str) -> String {
    format!("figure {rest} --device cpu --model {} -S 4 --seed 3", small())
}

#[test]
fn each_panel_makes_its_figure_in_the_format_of_its_name() {
    let place = Place::new();
    for (panel, out, images) in [
        ("trajectory", "strip.svg", 10),
        ("trajectory --show sheet -n 3", "batch.svg", 3),
        ("compare --etas 0,1 --noise-seeds 3 --sigma-hat-row", "grid.svg", 9),
        ("compare --grid-steps 2,4 --grid-taus linear,quadratic", "steps.svg", 4),
        ("interpolate --seeds 1,2 --columns 5", "between.svg", 10),
        ("interpolate --seeds 1,2,3,4 --side 3", "square.svg", 9),
        ("explain --step 2 --eta 1", "step.svg", 6),
        ("rewind", "rewind.svg", 10),
    ] {
        place.succeed(&format!("{} -o {out}", command(panel)));
        let text = fs::read_to_string(place.path(out)).expect("an SVG");
        assert_eq!(text.matches("<image ").count(), images, "{panel}");
        assert!(read_recipe(place.path(out)).expect("readable").is_some(), "{panel}");
    }
    for (panel, out, start) in [
        ("compare", "a.pdf", &b"%PDF-"[..]),
        ("explain", "a.png", b"\x89PNG"),
        ("explain", "a.csv", b"t [timestep],alpha_bar [1],"),
        ("explain", "a.tex", b"% Eq. 12, step "),
        ("interpolate", "b.csv", b"lambda [1],"),
        ("compare", "c.csv", b"eta [1],"),
        ("trajectory", "d.csv", b"t [timestep],"),
        ("compare --show maps", "maps.svg", b"<?xml"),
    ] {
        place.succeed(&format!("{} -o {out}", command(panel)));
        let bytes = fs::read(place.path(out)).expect("a file");
        assert!(bytes.starts_with(start), "{out}: {}", String::from_utf8_lossy(&bytes[..40]));
    }
    // A PNG at twice the scale has twice the pixels along a side.
    let width = |bytes: &[u8]| u32::from_be_bytes(bytes[16..20].try_into().expect("four bytes"));
    let of = |scale: u32| {
        place.succeed(&format!("{} --scale {scale} -o scaled.png", command("trajectory --no-labels --dark")));
        width(&fs::read(place.path("scaled.png")).expect("a PNG"))
    };
    assert_eq!(of(8), 8 * of(1));
}

/// A figure's own recipe makes it again, from any of its formats.
#[test]
fn a_figure_is_made_again_from_itself() {
    let place = Place::new();
    place.succeed(&format!("{} -o first.svg", command("explain --step 2 --eta 0.5")));
    place.succeed("figure explain --device cpu --recipe first.svg -o again.svg");
    let text = |name: &str| fs::read_to_string(place.path(name)).expect("an SVG");
    assert_eq!(text("first.svg"), text("again.svg"));
    place.succeed("figure explain --device cpu --recipe first.svg -o first.pdf");
    place.succeed("figure explain --device cpu --recipe first.pdf -o third.svg");
    assert_eq!(text("first.svg"), text("third.svg"));
    // And the samples' own command reads it.
    place.succeed("sample --device cpu --recipe first.svg -o sample.png");
}

#[test]
fn what_cannot_be_made_is_told_in_a_line() {
    let place = Place::new();
    for (rest, said) in [
        ("trajectory -o a.jpg", "--out a.jpg: expected a .svg, .pdf, .png, .csv or .tex"),
        ("race -o a.csv", "expected a panel with curves for .csv"),
        ("compare -o a.tex", "expected explain"),
        ("trajectory --show equation -o a.svg", "--show: this panel has strip, sheet, picture, curve; got equation"),
        ("compare --show sheet -o a.csv", "--show sheet: expected png, svg, pdf, got csv"),
        ("compare --etas 2 -o a.svg", "--etas: expected η from 0 to 1, got 2"),
        ("compare --grid-taus nonsense -o a.svg", "--grid-taus"),
        ("trajectory --etas 0 -o a.svg", "expected compare with them"),
        ("trajectory --seeds 1,2 -o a.svg", "expected interpolate with them"),
        ("interpolate --seeds 1,2,3 -o a.svg", "--seeds: expected two ends (a strip) or four (a grid), got 3"),
        ("trajectory --step 9 -o a.svg", "--step: expected 1 to 4, or 5 for the sample, got 9"),
    ] {
        let run = place.run(&command(rest));
        assert_eq!(run.code, Some(2), "{rest}: {}", run.err);
        assert!(run.err.contains(said), "{rest}: {}", run.err);
        assert_eq!(run.err.trim_end().lines().filter(|line| line.starts_with("etude:")).count(), 1, "{}", run.err);
    }
}
