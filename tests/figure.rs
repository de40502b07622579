//! Figures as files: the recipe comes back from each, text is text, pixels are not smoothed.

use etude::{
    figure::{Colours, Look, Table, pdf, raster, svg},
    picture::{Picture, png, recipe::read_recipe},
};
use std::{fs, sync::Arc};

const RECIPE: &str = "{\"model\": \"ümläut (1) \\\\ <&> 🎉\", \"steps\": 50}";

fn table() -> Table {
    let cell = |i: usize| {
        Some(Arc::new(Picture { width: 2, height: 2, pixels: vec![[i as u8 * 40, 200, 10], [0; 3], [255; 3], [9, 8, 7]] }))
    };
    Table {
        title: "Noise & <samples>".to_owned(),
        rows: vec!["η = 0".into(), "σ̂".into()],
        columns: vec!["x_T".into(), "x̂0".into()],
        cells: (0..4).map(cell).collect(),
        width: 2,
        caption: "emoji, S = 50".to_owned(),
        ..Table::default()
    }
}

fn value(text: &str) -> serde_json::Value {
    serde_json::from_str(text).expect("JSON")
}

#[test]
fn an_svg_has_its_recipe_its_letters_and_its_very_pixels() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("figure.svg");
    let text = svg::svg(&table().figure(Look::default()), Some(RECIPE)).expect("an SVG");
    fs::write(&path, &text).expect("written");
    assert_eq!(read_recipe(&path).expect("readable").as_deref(), Some(RECIPE));
    let document = roxmltree::Document::parse(&text).expect("XML");
    let words: Vec<&str> = document.descendants().filter(|n| n.has_tag_name("text")).filter_map(|n| n.text()).collect();
    for word in ["η", " = 0", "emoji, ", "S", "T"] {
        assert!(words.contains(&word), "{word}: {words:?}");
    }
    let images: Vec<_> = document.descendants().filter(|n| n.has_tag_name("image")).collect();
    assert_eq!(images.len(), 4);
    assert!(images.iter().all(|image| image.attribute("style") == Some("image-rendering:pixelated")));
    assert!(text.contains("@font-face") && text.contains("<title>Noise &amp; &lt;samples&gt;</title>"));
}

#[test]
fn a_pdf_has_its_recipe() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("figure.pdf");
    let bytes = pdf::pdf(&table().figure(Look::default()), Some(RECIPE)).expect("a PDF");
    fs::write(&path, &bytes).expect("written");
    let found = read_recipe(&path).expect("readable").expect("a recipe");
    assert_eq!(value(&found), value(RECIPE));
    // Letters are text, with the fonts that they need.
    let has = |what: &[u8]| bytes.windows(what.len()).any(|window| window == what);
    assert!(bytes.starts_with(b"%PDF-1.") && has(b"/Font") && has(b"/ToUnicode"));
}

#[test]
fn a_picture_has_squares_of_one_colour_for_pixels() {
    for light in [true, false] {
        let figure = table().figure(Look { light, labels: false });
        let drawn = raster::picture(&figure, 2).expect("drawn");
        assert_eq!(drawn.pixels[0], Colours::new(light).background);
        // 96 points per pixel, from the margin of 10 on, at scale 2.
        let at = |x: usize, y: usize| drawn.pixels[y * drawn.width + x];
        let [first, second, third, fourth] = [[0, 200, 10], [0; 3], [255; 3], [9, 8, 7]];
        for (x, y, colour) in
            [(20, 20, first), (211, 20, first), (212, 20, second), (403, 211, second), (20, 212, third), (403, 403, fourth)]
        {
            assert_eq!(at(x, y), colour, "{x}, {y}");
        }
        let mut bytes = Vec::new();
        png::encode(&mut bytes, &drawn, Some(RECIPE)).expect("a PNG");
    }
    let huge = Table { cells: vec![Some(Arc::new(Picture::filled(9000, 9000, [1; 3])))], width: 1, ..Table::default() };
    let refused = raster::picture(&huge.figure(Look::default()), 8).expect_err("too large").to_string();
    assert!(refused.contains("use a smaller scale, or SVG"), "{refused}");
}

#[test]
fn what_is_no_figure_is_told_in_a_line() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, bytes, said) in [
        ("cut.svg", &b"<svg xmlns=\"http://www.w3.org/2000/svg\"><g>"[..], Some("not an intact picture")),
        ("empty.svg", b"<svg/>", None),
        ("bomb.svg", b"<?xml version=\"1.0\"?><!DOCTYPE svg [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><svg>&b;</svg>", None),
        ("latin.svg", b"<svg>\xff</svg>", Some("not an intact picture")),
        ("other.pdf", b"%PDF-1.7\n%%EOF", None),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, bytes).expect("written");
        match (read_recipe(&path), said) {
            (Ok(None), None) => {}
            (Err(error), Some(said)) => assert!(error.to_string().contains(said), "{error}"),
            (other, _) => panic!("{name}: {other:?}"),
        }
    }
}
