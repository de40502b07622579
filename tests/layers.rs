//! The dependency rule: which module of `src/` may name which other, and which foreign crates stay behind one door. Paths are
//! resolved to files, through what a `mod.rs` re-exports; comments count for nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// Each module with those it may name, all of them further up, so that there is no way round in a circle. A folder of `app` has a
/// row of its own; a file belongs to the longest name that begins its path.
const ALLOWED: &[(&str, &[&str])] = &[
    ("error", &[]),
    ("platform", &["error"]),
    ("noise", &[]),
    ("files", &["error", "platform"]),
    ("hub", &["error", "files", "platform"]),
    ("weights", &["error", "files"]),
    ("tensors", &["error", "files"]),
    ("json", &["error"]),
    ("schedule", &["error", "json", "noise"]),
    ("latent", &["error"]),
    ("picture", &["error", "files"]),
    ("math", &[]),
    ("figure", &["error", "math", "picture"]),
    ("program", &["error"]),
    ("model", &["error", "files", "hub", "json", "program", "schedule", "weights"]),
    ("cpu", &["error", "noise", "platform", "program"]),
    ("gpu", &["error", "files", "platform", "program"]),
    ("sampler", &["error", "program", "schedule"]),
    ("backend", &["cpu", "error", "gpu", "model", "platform", "program"]),
    ("engine", &["backend", "error", "gpu", "model", "noise", "platform", "program", "sampler", "schedule"]),
    ("recipe", &["error", "json", "latent", "model", "noise", "picture", "sampler", "schedule"]),
    (
        "session",
        &[
            "backend", "engine", "error", "files", "gpu", "hub", "latent", "model", "noise", "picture", "platform", "program",
            "recipe", "sampler", "schedule",
        ],
    ),
    (
        "app/state",
        &[
            "backend", "error", "figure", "gpu", "hub", "latent", "model", "picture", "platform", "program", "recipe", "schedule",
            "session",
        ],
    ),
    ("app/widgets", &["app/state", "math", "picture", "schedule", "session"]),
    (
        "app/panels",
        &[
            "app/state",
            "app/widgets",
            "error",
            "hub",
            "math",
            "model",
            "noise",
            "picture",
            "platform",
            "program",
            "recipe",
            "schedule",
            "session",
        ],
    ),
    (
        "app/figures",
        &[
            "app/panels",
            "app/state",
            "app/widgets",
            "error",
            "figure",
            "latent",
            "math",
            "picture",
            "recipe",
            "schedule",
            "session",
        ],
    ),
    ("app/headless", &["app/figures", "app/state", "error", "platform", "program", "session"]),
    (
        "app/actions",
        &[
            "app/figures",
            "app/panels",
            "app/state",
            "app/widgets",
            "error",
            "figure",
            "files",
            "hub",
            "latent",
            "model",
            "picture",
            "platform",
            "program",
            "recipe",
            "schedule",
            "session",
        ],
    ),
    (
        "app/viewer",
        &["app/actions", "app/panels", "app/state", "app/widgets", "error", "gpu", "hub", "model", "platform", "recipe", "session"],
    ),
    ("app/window", &["app/actions", "app/state", "app/viewer", "error", "gpu", "platform"]),
    ("app/page", &["app/actions", "app/state", "app/viewer", "app/window", "error", "platform"]),
    (
        "app",
        &[
            "app/actions",
            "app/figures",
            "app/headless",
            "app/page",
            "app/panels",
            "app/state",
            "app/viewer",
            "app/widgets",
            "app/window",
        ],
    ),
    (
        "cli",
        &[
            "app",
            "app/headless",
            "app/state",
            "app/window",
            "backend",
            "cpu",
            "engine",
            "error",
            "figure",
            "files",
            "gpu",
            "hub",
            "latent",
            "model",
            "noise",
            "picture",
            "platform",
            "program",
            "recipe",
            "sampler",
            "schedule",
            "tensors",
            "weights",
        ],
    ),
    // Tests that the commands which the viewer copies are this command line's.
    ("cli/copied", &["app", "app/actions", "app/state", "cli", "latent", "picture", "program", "recipe", "schedule"]),
    ("main", &["app", "app/page", "app/state", "app/window", "cli", "error", "gpu", "platform", "session"]),
];

/// Modules whose files may still name each other in a circle; elsewhere none may.
const STILL_IN_CIRCLES: &[&str] = &["cpu", "gpu", "schedule"];

/// Crates that only one module may name.
const BEHIND: &[(&str, &str)] = &[
    ("wgpu", "gpu"),
    ("pulp", "cpu"),
    ("colorous", "app"),
    ("egui", "app"),
    ("eframe", "app"),
    ("egui_plot", "app"),
    ("pollster", "platform"),
    ("js_sys", "platform"),
    ("rfd", "platform"),
    ("thread_priority", "platform"),
    ("wasm_bindgen", "platform"),
    ("wasm_bindgen_futures", "platform"),
    ("web_sys", "platform"),
    ("rmp_serde", "session"),
    ("krilla", "figure"),
    ("krilla_svg", "figure"),
    ("resvg", "figure"),
    ("ttf_parser", "figure"),
    ("roxmltree", "picture"),
    ("ureq", "hub"),
    ("sha2", "hub"),
    ("web_time", "platform"),
    ("clap", "cli"),
    ("clap_complete", "cli"),
    ("clap_mangen", "cli"),
    ("indicatif", "cli"),
    ("ctrlc", "cli"),
];

/// What of the standard library only these modules may name, but for tests: a browser does it in another way, or not at all.
const OF_THE_SYSTEM: &[(&str, &[&str])] = &[
    ("std::env", &["platform"]),
    // The Hub's cache has links, locks and files that grow; other programs use it, too.
    ("std::fs", &["files", "hub", "platform"]),
    ("std::hash::RandomState", &["platform"]),
    ("std::panic", &["platform"]),
    ("std::process", &["cli", "main"]),
    ("std::thread", &["platform"]),
    ("std::time::Instant", &["platform"]),
    ("std::time::SystemTime", &["platform"]),
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

/// The segments of a path.
type Segments = Vec<String>;

/// Every path of the tree that follows `use`: `a::b` and `a::c::d` of `a::{b, c::d as e}`.
fn use_tree(tree: &str, prefix: &[String], paths: &mut Vec<Segments>) {
    let tree = tree.trim();
    if let Some(list) = tree.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        let (mut depth, mut start) = (0, 0);
        for (at, c) in list.char_indices() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    use_tree(&list[start..at], prefix, paths);
                    start = at + 1;
                }
                _ => {}
            }
        }
        use_tree(&list[start..], prefix, paths);
        return;
    }
    match tree.split_once("::") {
        Some((first, rest)) if first.chars().all(is_word) => {
            use_tree(rest, &[prefix, &[first.to_owned()]].concat(), paths);
        }
        _ => {
            let name = tree.split_whitespace().next().unwrap_or_default();
            let name = if name == "self" { None } else { Some(name.to_owned()) };
            if !tree.is_empty() {
                paths.push(prefix.iter().cloned().chain(name).collect());
            }
        }
    }
}

/// A file of the crate.
struct Source {
    /// Where it is, for messages.
    file: String,
    /// The module it is: `["app", "panels", "compare"]` for `src/app/panels/compare/mod.rs`, nothing for `src/lib.rs`.
    module: Segments,
    /// Its text without comments.
    code: String,
    /// What it re-exports: each name with its path from the crate's root.
    exports: BTreeMap<String, Segments>,
    /// The paths from the crate's root that it names otherwise.
    named: Vec<Segments>,
    /// The paths of other crates that it uses or names, but for its tests.
    foreign: Vec<Segments>,
}

impl Source {
    fn new(file: String, module: Segments, text: &str) -> Self {
        let code: Vec<&str> = text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect();
        let code = code.join("\n");
        let mut source =
            Self { file, module, code: code.clone(), exports: BTreeMap::new(), named: Vec::new(), foreign: Vec::new() };
        // In the tests at a file's end `super` is the file.
        let (body, tests) = code.split_at(code.find("mod tests {").unwrap_or(code.len()));
        source.read(body, &source.module.clone());
        let inline = after(body, "std::").into_iter().map(|tail| format!("std::{tail}"));
        let inline = inline.map(|path| path.split(|c| !is_word(c) && c != ':').next().unwrap_or_default().to_owned());
        source.foreign.extend(inline.map(|path| path.split("::").map(str::to_owned).collect::<Segments>()));
        let foreign = source.foreign.clone();
        source.read(tests, &[source.module.as_slice(), &["tests".to_owned()]].concat());
        source.foreign = foreign;
        source
    }

    /// Finds the paths of `text`, which is in `module`.
    fn read(&mut self, text: &str, module: &[String]) {
        let children: Vec<&str> =
            after(text, "mod ").iter().filter_map(|rest| rest.split_once(';')).map(|(name, _)| name).collect();
        let children: BTreeSet<&str> = children.into_iter().filter(|name| name.chars().all(is_word)).collect();
        let from_root = |path: &[String]| match path.first().map(String::as_str) {
            Some("crate" | "etude") => Some(path[1..].to_vec()),
            Some("super" | "self") => {
                let up = path.iter().take_while(|s| *s == "super").count();
                let rest = &path[path.iter().take_while(|s| *s == "super" || *s == "self").count()..];
                Some([module.get(..module.len().checked_sub(up)?)?, rest].concat())
            }
            Some(child) if children.contains(child) => Some([module, path].concat()),
            _ => None,
        };
        let mut rest = String::new();
        let mut start = 0;
        for (at, _) in text.match_indices("use ").filter(|(at, _)| !text[..*at].ends_with(is_word)) {
            let Some(end) = text[at..].find(';').map(|end| at + end).filter(|_| at >= start) else { continue };
            let line = text[..at].rfind('\n').map_or(0, |end| end + 1);
            let is_public = text[line..at].trim_start().starts_with("pub");
            rest.push_str(&text[start..at]);
            start = end;
            let mut paths = Vec::new();
            use_tree(&text[at + 4..end], &[], &mut paths);
            self.foreign.extend(paths.iter().filter(|path| from_root(path).is_none()).cloned());
            for path in paths.iter().filter_map(|path| from_root(path)) {
                match path.last() {
                    Some(name) if is_public => _ = self.exports.insert(name.clone(), path),
                    _ => self.named.push(path),
                }
            }
        }
        rest.push_str(&text[start..]);
        let roots = ["crate", "etude", "super", "self"].into_iter().chain(children.iter().copied());
        for root in roots {
            for tail in after(&rest, &format!("{root}::")) {
                let tail = tail.split(|c| !is_word(c) && c != ':').next().unwrap_or_default();
                let path: Segments = [root].into_iter().chain(tail.split("::")).map(str::to_owned).collect();
                self.named.extend(from_root(&path));
            }
        }
    }
}

/// All of `src/`.
struct Sources(BTreeMap<Segments, Source>);

impl Sources {
    fn read() -> Self {
        let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut files = Vec::new();
        rust_files(&src, &mut files);
        let source = |path: &PathBuf| {
            let inside = path.strip_prefix(&src).expect("below src").to_str().expect("UTF-8").replace('\\', "/");
            let segments = inside.trim_end_matches(".rs").split('/').filter(|s| !matches!(*s, "mod" | "lib"));
            let module: Segments = segments.map(str::to_owned).collect();
            let text = fs::read_to_string(path).expect("readable");
            (module.clone(), Source::new(format!("src/{inside}"), module, &text))
        };
        Self(files.iter().map(source).collect())
    }

    /// The module whose file has what `path` names.
    fn file_of(&self, path: &[String]) -> Segments {
        let mut path = path.to_vec();
        // Re-exports of re-exports end after a few.
        for _ in 0..8 {
            let length = (0..=path.len()).rev().find(|n| self.0.contains_key(&path[..*n])).unwrap_or(0);
            let export = path.get(length).and_then(|name| self.0.get(&path[..length])?.exports.get(name));
            match export {
                Some(export) => path = [export.as_slice(), &path[length + 1..]].concat(),
                None => return path[..length].to_vec(),
            }
        }
        panic!("{path:?}: re-exported in a circle");
    }

    /// The modules whose files `source` names.
    fn named_by(&self, source: &Source) -> BTreeSet<Segments> {
        let files = source.named.iter().map(|path| self.file_of(path));
        files.filter(|module| *module != source.module && !module.is_empty()).collect()
    }
}

/// The row of the table that a module belongs to.
fn row(module: &[String]) -> Option<&'static (&'static str, &'static [&'static str])> {
    let path = module.join("/");
    let begins = |name: &str| path.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    ALLOWED.iter().filter(|(name, _)| begins(name)).max_by_key(|(name, _)| name.len())
}

#[test]
fn paths_are_found() {
    let text = "use super::{b::{self, C}, d as e};\nmod child;\npub use child::Thing;\nfn f(x: crate::Result<()>) { child::g(); etude::h::I }\n\
                fn k() { std::fs::read(x) } use std::{io, time::{Duration, Instant}};\n\
                mod tests { use super::*; use std::thread; }";
    let source = Source::new(String::new(), ["a".to_owned(), "z".to_owned()].to_vec(), text);
    let named: Vec<String> = source.named.iter().map(|path| path.join("::")).collect();
    assert_eq!(named, ["a::b", "a::b::C", "a::d", "Result", "h::I", "a::z::child::g", "a::z::*"]);
    let foreign: Vec<String> = source.foreign.iter().map(|path| path.join("::")).collect();
    assert_eq!(foreign, ["std::io", "std::time::Duration", "std::time::Instant", "std::fs::read", "std::"]);
    assert_eq!(source.exports["Thing"].join("::"), "a::z::child::Thing");
}

#[test]
fn modules_name_only_what_they_may() {
    let sources = Sources::read();
    let mut wrong = BTreeSet::new();
    for (i, (module, allowed)) in ALLOWED.iter().enumerate() {
        for other in allowed.iter().filter(|other| !ALLOWED[..i].iter().any(|(name, _)| name == *other)) {
            wrong.insert(format!("the table: {module} may name {other}, which is not further up"));
        }
    }
    for source in sources.0.values().filter(|source| !source.module.is_empty()) {
        let Source { file, module, code, .. } = source;
        match row(module) {
            None => {
                wrong.insert(format!("{file}: module {} is not in the table of tests/layers.rs", module.join("/")));
            }
            Some((own, allowed)) => {
                for named in sources.named_by(source) {
                    let other = row(&named).map_or("?", |(name, _)| name);
                    if other != *own && !allowed.contains(&other) {
                        wrong.insert(format!("{file}: {own} may not name {other} ({})", named.join("/")));
                    }
                }
            }
        }
        for (path, homes) in OF_THE_SYSTEM.iter().filter(|(_, homes)| !homes.contains(&module[0].as_str())) {
            let path: Segments = path.split("::").map(str::to_owned).collect();
            if source.foreign.iter().any(|named| named.starts_with(&path)) {
                wrong.insert(format!("{file}: names {}, which stays in src/{}", path.join("::"), homes.join(" and src/")));
            }
        }
        for (foreign, home) in BEHIND.iter().filter(|(_, home)| *home != module[0]) {
            let uses = [format!("{foreign}::"), format!("use {foreign};")];
            if uses.iter().any(|u| !after(code, u).is_empty()) {
                wrong.insert(format!("{file}: names {foreign}, which stays in src/{home}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} faults\n{}", wrong.len(), wrong.into_iter().collect::<Vec<_>>().join("\n"));
}

#[test]
fn no_files_name_each_other_in_a_circle() {
    let sources = Sources::read();
    let watched = |module: &Segments| module.first().is_some_and(|first| !STILL_IN_CIRCLES.contains(&first.as_str()));
    let mut left: BTreeMap<&Segments, BTreeSet<Segments>> =
        sources.0.iter().filter(|(module, _)| watched(module)).map(|(module, source)| (module, sources.named_by(source))).collect();
    assert!(!left.is_empty());
    // What names nothing that is left, or is named by nothing that is left, is in no circle.
    loop {
        let modules: BTreeSet<Segments> = left.keys().map(|module| (*module).clone()).collect();
        let named: BTreeSet<Segments> = left.values().flatten().cloned().collect();
        let before = left.len();
        left.retain(|module, names| named.contains(*module) && names.iter().any(|name| modules.contains(name)));
        if left.len() == before {
            break;
        }
    }
    let modules: BTreeSet<Segments> = left.keys().map(|module| (*module).clone()).collect();
    let line = |(module, names): (&&Segments, &BTreeSet<Segments>)| {
        let names: Vec<String> = names.intersection(&modules).map(|name| name.join("/")).collect();
        format!("{} -> {}", module.join("/"), names.join(", "))
    };
    assert!(left.is_empty(), "files in or between circles:\n{}", left.iter().map(line).collect::<Vec<_>>().join("\n"));
}
