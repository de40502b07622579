//! The program as its users meet it: what it prints and writes, its exit codes, and one line that helps where something is wrong.

mod bad_input;
mod classes;
#[cfg(unix)]
mod ctrl_c;
mod encode;
mod figure;
mod forks;
mod interpolate;
mod jobs;
mod recipes;
mod resume;
mod said;
mod tuning;

use etude::weights::Weights;
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

/// A folder of its own, from which the program is started.
struct Place(tempfile::TempDir);

/// What a run left behind.
struct Run {
    code: Option<i32>,
    out: String,
    err: String,
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// `etude` with the words of a line and one more argument for each `{}` in it.
    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_etude"));
        // As on a machine without a desktop: drivers that complain about that are the program's affair.
        command.env_remove("XDG_RUNTIME_DIR");
        // No test but those of tests/hub asks a Hub, and none the real one.
        command.env("HF_HUB_OFFLINE", "1").env("HF_HUB_CACHE", std::env::temp_dir().join("no-such-cache"));
        command.env("ETUDE_CACHE", concat!(env!("CARGO_TARGET_TMPDIR"), "/cache")).env_remove("ETUDE_TUNE");
        command.current_dir(self.0.path()).args(line.split_whitespace()).env_remove("ETUDE_LOG").stdin(Stdio::null());
        command
    }

    fn run(&self, line: &str) -> Run {
        self.command(line).output().expect("started").into()
    }

    /// Runs what must succeed; returns what it prints.
    fn succeed(&self, line: &str) -> String {
        let run = self.run(line);
        assert_eq!(run.code, Some(0), "etude {line}\n{}", run.err);
        run.out
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    fn tensors(&self, name: &str) -> Weights {
        Weights::open(&self.path(name)).expect("a .safetensors")
    }

    /// The recipe that `etude info` prints.
    fn recipe(&self, name: &str) -> Value {
        serde_json::from_str(&self.succeed(&format!("info {name}"))).expect("JSON")
    }

    /// Every file here and below, with its bytes; folders do not count.
    fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        fn collect(folder: &Path, found: &mut Vec<(PathBuf, Vec<u8>)>) {
            for entry in fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("readable").path();
                if path.is_dir() {
                    collect(&path, found);
                } else {
                    found.push((path.clone(), fs::read(&path).expect("readable")));
                }
            }
        }
        let mut found = Vec::new();
        collect(self.0.path(), &mut found);
        found.sort();
        found
    }
}

fn fixture(name: &str) -> String {
    format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// A small model of three channels and 16 x 16 pixels; it has never learnt anything.
fn small() -> String {
    fixture("unets/ddpm")
}

fn decoded(path: &Path) -> image::RgbImage {
    image::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).into_rgb8()
}

/// The frames of an animated PNG.
fn animated(path: &Path) -> Vec<image::RgbaImage> {
    let input = std::io::BufReader::new(fs::File::open(path).expect("readable"));
    let decoder = image::codecs::png::PngDecoder::new(input).expect("a PNG").apng().expect("an animated one");
    let frames = image::AnimationDecoder::into_frames(decoder).collect_frames().expect("whole frames");
    frames.into_iter().map(image::Frame::into_buffer).collect()
}

/// The shape and the pixels of an .npz's only array, its checksums compared.
fn npz(path: &Path) -> (Vec<usize>, Vec<u8>) {
    let file = fs::read(path).expect("readable");
    let archive = rawzip::ZipArchive::from_slice(&file).expect("a zip");
    let headers: Vec<_> = archive.entries().map(|header| header.expect("an entry")).collect();
    let [header] = headers.as_slice() else { panic!("{} members", headers.len()) };
    assert_eq!(header.file_path().as_ref(), b"arr_0.npy");
    let entry = archive.get_entry(header.wayfinder()).expect("its data");
    assert_eq!(header.crc32(), crc32fast::hash(entry.data()));
    assert_eq!(entry.local_header().crc32(), header.crc32());
    let text = String::from_utf8_lossy(&entry.data()[10..128]);
    let shape = text.split_once("'shape': (").and_then(|(_, rest)| rest.split_once(')')).expect("a shape").0;
    let shape: Vec<usize> = shape.split(", ").map(|side| side.parse().expect("a number")).collect();
    let pixels = entry.data()[128..].to_vec();
    assert_eq!(pixels.len(), shape.iter().product::<usize>());
    (shape, pixels)
}

/// Without a display the viewer says how to go on without it.
#[cfg(target_os = "linux")]
#[test]
fn the_viewer_without_a_display_points_to_the_command_line() {
    for arguments in [&[][..], &["view"], &["view", "--model", "fashion"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_etude"));
        let command = command.args(arguments).env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY").env_remove("WAYLAND_SOCKET");
        command.env_remove("XDG_RUNTIME_DIR");
        let run: Run = command.stdin(Stdio::null()).output().expect("started").into();
        assert_eq!((run.code, run.out.as_str(), run.err.trim_end().lines().count()), (Some(2), "", 1), "{}", run.err);
        for part in ["window", "display", "etude sample --out etude.png"] {
            assert!(run.err.contains(part), "{part}: {}", run.err);
        }
        assert!(!run.err.contains(".rs"), "no file of the source: {}", run.err);
    }
}
