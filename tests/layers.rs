//! The dependency rule: which module of `src/` may name which other, and which foreign crates stay behind one door.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Each module with those it may name, all of them further up, so that there is no way round in a circle.
const ALLOWED: &[(&str, &[&str])] = &[
    ("error", &[]),
    ("platform", &["error"]),
    ("noise", &[]),
    ("files", &["error", "platform"]),
    ("weights", &["error", "files"]),
    ("tensors", &["error", "files"]),
    ("json", &["error"]),
    ("schedule", &["error", "json"]),
    ("latent", &["error"]),
    ("picture", &["error", "files"]),
    ("program", &["error"]),
    ("model", &["error", "files", "json", "program", "schedule", "weights"]),
    ("cpu", &["error", "noise", "platform", "program"]),
    ("gpu", &["error", "platform", "program"]),
    ("sampler", &["error", "program", "schedule"]),
    ("backend", &["cpu", "error", "gpu", "model", "program"]),
    ("recipe", &["error", "model", "noise", "schedule"]),
    (
        "session",
        &["backend", "error", "gpu", "latent", "model", "noise", "picture", "platform", "program", "recipe", "sampler", "schedule"],
    ),
    ("app", &["backend", "error", "gpu", "model", "noise", "picture", "platform", "program", "recipe", "schedule", "session"]),
    (
        "cli",
        &[
            "app", "backend", "cpu", "error", "files", "gpu", "latent", "model", "noise", "picture", "platform", "program",
            "recipe", "sampler", "schedule", "tensors", "weights",
        ],
    ),
    ("main", &["app", "cli"]),
];

/// Crates that only one module may name.
const BEHIND: &[(&str, &str)] = &[
    ("wgpu", "gpu"),
    ("pulp", "cpu"),
    ("egui", "app"),
    ("eframe", "app"),
    ("egui_plot", "app"),
    ("thread_priority", "platform"),
    ("web_time", "platform"),
    ("clap", "cli"),
    ("indicatif", "cli"),
    ("ctrlc", "cli"),
];

/// Every Rust file under `folder`, deepest last.
fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = fs::read_dir(folder).expect("readable").map(|e| e.expect("readable").path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// What follows each `prefix` that is not the end of a longer path or word.
fn after<'t>(text: &'t str, prefix: &str) -> Vec<&'t str> {
    let starts = |at: usize| !text[..at].ends_with(|c| is_word(c) || c == ':');
    text.match_indices(prefix).filter(|(at, _)| starts(*at)).map(|(at, _)| &text[at + prefix.len()..]).collect()
}

/// The first segment of a path, or of each path in braces: `a`, or `a` and `c` of `{a::b, c::{d, e}}`.
fn first_segments(path: &str) -> Vec<String> {
    let word = |text: &str| text.chars().take_while(|c| is_word(*c)).collect::<String>();
    let Some(list) = path.strip_prefix('{') else { return vec![word(path)] };
    let (mut depth, mut names, mut start) = (0, Vec::new(), 0);
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            ',' | '}' if depth == 0 => {
                names.push(word(list[start..at].trim_start()));
                start = at + 1;
                if c == '}' {
                    break;
                }
            }
            '}' => depth -= 1,
            _ => {}
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

/// The modules of this crate that a file names. `depth` is 1 for `src/x.rs`, 2 for `src/x/y.rs`: so many `super` lead to the root.
fn named(text: &str, depth: usize, modules: &BTreeSet<&str>) -> BTreeSet<String> {
    let mut names: BTreeSet<String> = ["crate::", "etude::"].iter().flat_map(|p| after(text, p)).flat_map(first_segments).collect();
    let through_super = after(text, &"super::".repeat(depth)).into_iter().flat_map(first_segments);
    names.extend(through_super.filter(|name| modules.contains(name.as_str())));
    // The root re-exports what is in `error`.
    names.into_iter().map(|name| if matches!(name.as_str(), "Error" | "Result") { "error".to_owned() } else { name }).collect()
}

#[test]
fn first_segments_are_found() {
    assert_eq!(first_segments("error::{Error, Result};"), ["error"]);
    assert_eq!(first_segments("{\n    a::{b, c::d},\n    e::f,\n    g,\n};\nuse x::{y};"), ["a", "e", "g"]);
    let modules = BTreeSet::from(["gpu", "error"]);
    let text = "use crate::{error::Error};\nuse super::super::gpu::Gpu; use super::error; pub(crate) fn f(x: crate::Result<()>) {}";
    assert_eq!(named(text, 2, &modules), BTreeSet::from(["error".to_owned(), "gpu".to_owned()]));
}

#[test]
fn modules_name_only_what_they_may() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let modules: BTreeSet<&str> = ALLOWED.iter().map(|(name, _)| *name).collect();
    let mut wrong = BTreeSet::new();
    for (i, (module, allowed)) in ALLOWED.iter().enumerate() {
        for other in allowed.iter().filter(|other| !ALLOWED[..i].iter().any(|(name, _)| name == *other)) {
            wrong.insert(format!("the table: {module} may name {other}, which is not further up"));
        }
    }
    let mut files = Vec::new();
    rust_files(&src, &mut files);
    for path in files.iter().filter(|p| **p != src.join("lib.rs")) {
        let inside = path.strip_prefix(&src).expect("below src");
        let parts: Vec<&str> =
            inside.iter().map(|p| p.to_str().expect("UTF-8").trim_end_matches(".rs")).filter(|p| *p != "mod").collect();
        let (module, file) = (parts[0], format!("src/{}", inside.display()));
        let text = fs::read_to_string(path).expect("readable");
        let code: Vec<&str> = text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect();
        let code = code.join("\n");
        match ALLOWED.iter().find(|(name, _)| *name == module) {
            None => {
                wrong.insert(format!("{file}: module {module} is not in the table of tests/layers.rs"));
            }
            Some((_, allowed)) => {
                for other in named(&code, parts.len(), &modules).iter().filter(|n| *n != module && !allowed.contains(&n.as_str())) {
                    wrong.insert(format!("{file}: {module} may not name {other}"));
                }
            }
        }
        for (foreign, home) in BEHIND.iter().filter(|(_, home)| *home != module) {
            let uses = [format!("{foreign}::"), format!("use {foreign};")];
            if uses.iter().any(|u| !after(&code, u).is_empty()) {
                wrong.insert(format!("{file}: names {foreign}, which stays in src/{home}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} faults\n{}", wrong.len(), wrong.into_iter().collect::<Vec<_>>().join("\n"));
}
