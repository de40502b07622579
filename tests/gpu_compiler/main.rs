//! What a real GPU's compiler makes of the shaders for GPUs, without the GPU: Mesa's RADV compiles for any AMD chip that
//! RADV_FORCE_FAMILY names, and tells registers, spills, memory and the instructions. No shader runs here.
//!
//! Every variant that `gpu::tune` gives a call of [`calls::sweep`] on a GPU, or may give it after measuring, in f32 and f16, must do
//! without spills and scratch memory and leave room for two waves per SIMD; the convolutions of layers of 64 channels and wider must spend 0.85 of their vector
//! instructions or more on multiply-adds that count. The table goes to target/tmp/gpu_compiler.txt, and to the screen with
//! `cargo test --test gpu_compiler -- --nocapture`.
//!
//! The driver reads the chip's name when it is loaded, so the test starts itself again for each chip.
#![cfg(target_os = "linux")]

#[path = "../common/mod.rs"]
mod common;

mod assembly;
mod chip;
mod driver;
mod measure;

use chip::CHIPS;
use common::calls;
use etude::{
    gpu::{DeviceClass, Dispatch, candidates, dispatch},
    program::{Kernel, Precision},
};
use measure::Row;
use std::{
    collections::BTreeMap,
    env, fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The chip that this process compiles for; set by the test when it starts itself.
const CHIP: &str = "ETUDE_ACO_CHIP";
/// Set to 1, this lets a machine without RADV skip the test.
const SKIP: &str = "ETUDE_SKIP_ACO";
/// Multiply-adds per issue slot that the convolutions of wide layers must reach.
const LEAST: f64 = 0.85;
/// Output channels from which a layer counts as wide.
const WIDE: u32 = 64;
/// Waves per SIMD, at least: with one alone nothing hides how long memory takes.
const WAVES: f64 = 2.0;

/// A shader with its constants, and whether a wide layer gets it.
struct Variant {
    dispatch: Dispatch,
    is_wide: bool,
}

/// What GPUs get, each once.
fn variants() -> Vec<Variant> {
    let mut found: BTreeMap<_, Variant> = BTreeMap::new();
    for program in calls::sweep() {
        let kernel = program.calls()[0].1;
        let chosen = dispatch(&kernel, &program, DeviceClass::Tiled, 1);
        let is_wide = matches!(&kernel, Kernel::Conv2d(c) if program.shape(c.output).channels >= WIDE);
        let variant =
            found.entry((chosen.shader, chosen.constants.clone())).or_insert_with(|| Variant { dispatch: chosen, is_wide: false });
        variant.is_wide |= is_wide;
        let all = [Precision::F16, Precision::F16Fast].into_iter();
        for other in all.flat_map(|precision| candidates(&kernel, &program, DeviceClass::Tiled, precision)) {
            let key = (other.shader, other.constants.clone());
            found.entry(key).or_insert_with(|| Variant { dispatch: other, is_wide: false });
        }
    }
    found.into_values().collect()
}

/// Where the Vulkan loader finds drivers, and RADV's file among them.
fn radv() -> Option<PathBuf> {
    let folders = ["/usr/share/vulkan/icd.d", "/usr/local/share/vulkan/icd.d", "/etc/vulkan/icd.d"];
    let files =
        folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten().filter_map(|entry| Some(entry.ok()?.path()));
    let named = |path: &Path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("radeon_icd"));
    let here = |path: &Path| path.to_string_lossy().contains(env::consts::ARCH) || !path.to_string_lossy().contains("i686");
    files.filter(|path| named(path) && here(path)).max()
}

#[test]
fn every_gpu_variant_suits_amds_compiler() {
    if let Ok(name) = env::var(CHIP) {
        return compile_all(&name);
    }
    let Some(driver) = radv() else {
        let skipped = env::var_os(SKIP).is_some_and(|value| value == "1");
        assert!(skipped, "no RADV, AMD's Vulkan driver: install it (Debian: mesa-vulkan-drivers), or set {SKIP}=1");
        // Past the test harness, which keeps what a passing test prints to itself.
        let _ = writeln!(std::io::stderr(), "skipped for want of RADV ({SKIP}=1): tests/gpu_compiler");
        return;
    };
    let this = env::current_exe().expect("the test's own path");
    let children: Vec<_> = CHIPS
        .iter()
        .map(|chip| {
            let mut command = Command::new(&this);
            command.args(["--exact", "every_gpu_variant_suits_amds_compiler", "--nocapture"]);
            command.env(CHIP, chip.name).env("RADV_FORCE_FAMILY", chip.name).env("VK_ICD_FILENAMES", &driver);
            // What is compiled is asked for, not what was compiled some time before; nothing stands between it and the driver.
            command.env_remove("VK_DRIVER_FILES").env("MESA_SHADER_CACHE_DISABLE", "true");
            let started = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
            (chip.name, started.expect("the test can start itself"))
        })
        .collect();
    let (mut table, mut wrong) = (Row::heading(), String::new());
    for (name, child) in children {
        let output = child.wait_with_output().expect("a child's output");
        match fs::read_to_string(rows_file(name)) {
            Ok(rows) if output.status.success() => table += &rows,
            rows => {
                table += &rows.unwrap_or_default();
                wrong += &String::from_utf8_lossy(&output.stderr);
            }
        }
        let _ = fs::remove_file(rows_file(name));
    }
    let path = folder().join("gpu_compiler.txt");
    fs::write(&path, &table).expect("target/tmp can be written");
    println!("{table}also in {}", path.display());
    assert!(wrong.is_empty(), "{wrong}");
}

fn folder() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}

fn rows_file(chip: &str) -> PathBuf {
    folder().join(format!("gpu_compiler-{chip}.txt"))
}

/// Compiles every variant for one chip; leaves its rows of the table in a file and panics with what is wrong.
fn compile_all(name: &str) {
    let chip = CHIPS.iter().find(|chip| chip.name == name).expect("one of CHIPS");
    let device = driver::Device::open().unwrap_or_else(|e| panic!("{name}: RADV does not open: {e}"));
    let (mut rows, mut wrong) = (String::new(), Vec::new());
    for variant in variants() {
        // Sums as they are stored are for f16 alone.
        let f16_alone = variant.dispatch.constants.iter().any(|(name, _)| *name == "SUMS_AS_STORED");
        for f16 in [false, true].into_iter().skip(usize::from(f16_alone)) {
            match Row::measure(&device, chip, &variant.dispatch, f16) {
                Ok(row) => {
                    wrong
                        .extend(faults(&row, variant.is_wide && !f16).into_iter().map(|fault| format!("{}: {fault}", row.label())));
                    rows += &row.line(variant.is_wide);
                }
                Err(error) => wrong.push(format!("{name} {} {:?}: {error}", variant.dispatch.shader, variant.dispatch.constants)),
            }
        }
    }
    fs::write(rows_file(name), rows).expect("target/tmp can be written");
    assert!(wrong.is_empty(), "{} faults\n{}\n", wrong.len(), wrong.join("\n"));
}

fn faults(row: &Row, is_wide: bool) -> Vec<String> {
    let mut wrong = Vec::new();
    if row.spilled > 0 {
        wrong.push(format!("{} registers spilled, expected none: take a smaller tile", row.spilled));
    }
    if row.scratch > 0 {
        wrong.push(format!(
            "{} bytes of scratch memory, expected none: is an array's index not known to the compiler?",
            row.scratch
        ));
    }
    if row.waves() < WAVES {
        wrong.push(format!(
            "{:.1} waves per SIMD, expected {WAVES}: fewer registers or less workgroup memory are needed",
            row.waves()
        ));
    }
    if is_wide && row.multiply_adds_per_slot.is_none_or(|found| found < LEAST) {
        wrong.push(format!("{:?} multiply-adds per issue slot, expected {LEAST} for a wide layer", row.multiply_adds_per_slot));
    }
    wrong
}
