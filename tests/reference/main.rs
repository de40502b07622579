//! PyTorch and diffusers as fixtures/ holds them, against the CPU executor and against both classes of kernels on the adapter:
//! single layers, whole U-Nets, whole trajectories, and the schedule's numbers. `--nocapture` prints every distance measured.

#[path = "../common/mod.rs"]
mod common;
mod layers;
mod numbers;
mod trajectories;
mod unets;

use common::Tolerance;
use etude::{backend::Backend, weights::Weights};
use serde_json::Value;
use std::path::PathBuf;

/// A file or folder of tests/fixtures.
fn fixture(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(path)
}

/// A manifest of tests/fixtures.
fn manifest(name: &str) -> Value {
    let path = fixture(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The tensors of a file of tests/fixtures.
fn tensors(name: &str) -> Weights {
    Weights::open(&fixture(name)).unwrap_or_else(|e| panic!("{e}"))
}

/// A list of a manifest.
fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().unwrap_or_else(|| panic!("expected a list {key} in {value}"))
}

/// A text of a manifest.
fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("expected a text {key} in {value}"))
}

/// A whole number of a manifest.
fn integer(value: &Value, key: &str) -> u32 {
    value[key].as_u64().and_then(|n| n.try_into().ok()).unwrap_or_else(|| panic!("expected a whole number {key} in {value}"))
}

/// A number of a manifest.
fn number(value: &Value, key: &str) -> f64 {
    value[key].as_f64().unwrap_or_else(|| panic!("expected a number {key} in {value}"))
}

/// A list of whole numbers of a manifest.
fn integers(value: &Value, key: &str) -> Vec<i64> {
    list(value, key).iter().map(|n| n.as_i64().unwrap_or_else(|| panic!("expected whole numbers, got {n} in {key}"))).collect()
}

/// A list of numbers of a manifest.
fn floats(value: &Value, key: &str) -> Vec<f64> {
    list(value, key).iter().map(|n| n.as_f64().unwrap_or_else(|| panic!("expected numbers, got {n} in {key}"))).collect()
}

/// The adapter's two classes of kernels by name; nothing where a machine without an adapter may skip them.
fn on_the_adapter() -> Vec<(String, Backend)> {
    let named = |gpu: std::sync::Arc<etude::gpu::Gpu>| (format!("{:?}", gpu.class).to_lowercase(), Backend::Gpu(gpu));
    common::both_classes().into_iter().flatten().map(named).collect()
}

/// Compares many cases, prints each distance, and fails at the end with everything that was too far.
#[derive(Debug, Default)]
struct Verdict {
    failures: Vec<String>,
    worst: (f32, String),
}

impl Verdict {
    fn compare(&mut self, got: &[f32], expected: &[f32], tolerance: Tolerance, what: &str) {
        match tolerance.check(got, expected, &what) {
            Ok(distance) => {
                println!("{distance:9.2e} of {:7.1e}  {what}", tolerance.relative);
                if distance >= self.worst.0 {
                    self.worst = (distance, what.to_owned());
                }
            }
            Err(text) => self.failures.push(text),
        }
    }

    fn finish(self, what: &str) {
        println!("{what}: worst {:.2e} in {}", self.worst.0, self.worst.1);
        assert!(self.failures.is_empty(), "{what}: {} too far\n{}", self.failures.len(), self.failures.join("\n"));
        assert!(!self.worst.1.is_empty(), "{what}: nothing was compared");
    }
}
