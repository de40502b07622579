//! What a device keeps of itself on disk: which kernels are the quickest, and what its driver compiled. No GPU is needed: `ETUDE_TUNE=1`
//! takes a software driver for one.

use super::{Place, Run, small};
use serde_json::{Value, json};
use std::{fs, path::PathBuf};

/// Set to 1, this lets a machine without any adapter skip what needs one.
const SKIP: &str = "ETUDE_SKIP_GPU_TESTS";

impl Place {
    /// Runs `etude` on a software driver that is taken for a GPU, with a cache of its own. `None` where there is no such driver and the
    /// test may be skipped.
    fn tuned(&self, line: &str) -> Option<String> {
        let line = format!("{line} --device software --model {}", small());
        let mut command = self.command(&line);
        let run: Run = command.env("ETUDE_TUNE", "1").env("ETUDE_CACHE", self.path("cache")).output().expect("started").into();
        if run.code == Some(2) && run.err.contains("no adapters") && std::env::var(SKIP).is_ok_and(|value| value == "1") {
            return None;
        }
        assert_eq!(run.code, Some(0), "etude {line}\n{}", run.err);
        Some(run.out)
    }

    /// Layers and choices that a benchmark tells of.
    fn bench(&self, more: &str) -> Option<Vec<(String, Value)>> {
        let text = self.tuned(&format!("bench --batch 1 --seconds 0.1 --json {more}"))?;
        let report: Value = serde_json::from_str(&text).expect("JSON");
        let tuned = report["tuned"].as_array().expect("a list");
        Some(tuned.iter().map(|t| (t["layers"].as_str().expect("a text").to_owned(), t["choice"].clone())).collect())
    }

    /// The file in the cache whose name begins so.
    fn kept(&self, start: &str) -> PathBuf {
        let mut entries = fs::read_dir(self.path("cache")).expect("a cache").map(|entry| entry.expect("readable").path());
        let named = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(start));
        entries.find(named).unwrap_or_else(|| panic!("no {start}* in the cache"))
    }

    fn choices(&self) -> Value {
        serde_json::from_slice(&fs::read(self.kept("tuning-")).expect("readable")).expect("JSON")
    }

    fn write_choices(&self, choices: &Value) {
        fs::write(self.kept("tuning-"), choices.to_string()).expect("written");
    }
}

#[test]
fn what_was_measured_is_kept_until_it_is_dropped() {
    let place = Place::new();
    let Some(first) = place.bench("") else { return };
    let measured = |tuned: &[(String, Value)]| tuned.iter().filter(|(_, choice)| !choice.is_null()).cloned().collect::<Vec<_>>();
    let known = measured(&first);
    assert!(!known.is_empty(), "nothing was measured of {first:?}");
    for (layers, choice) in &known {
        assert!(choice["microseconds"].as_f64().is_some_and(|t| t > 0.0), "{layers}: {choice}");
        assert!(choice["constants"]["PIXELS"].is_u64(), "{layers}: {choice}");
        assert!(choice["microseconds"].as_f64() <= choice["by_rule"].as_f64(), "{layers}: {choice}");
    }
    let again = place.bench("").expect("a driver");
    assert!(known.iter().all(|known| again.contains(known)), "measured anew: {known:?}, {again:?}");

    // A number that no device has measured tells whose the file is.
    let (layers, mark) = (&known[0].0, json!(123_456_789.0));
    let mut file = place.choices();
    for time in ["microseconds", "by_rule"] {
        file["choices"][layers][time] = mark.clone();
    }
    place.write_choices(&file);
    let has_mark = |tuned: &[(String, Value)]| tuned.iter().any(|(_, choice)| choice["microseconds"] == mark);
    assert!(has_mark(&place.bench("").expect("a driver")), "the file is not read");
    assert!(!has_mark(&place.bench("--retune").expect("a driver")), "--retune keeps what was measured");
    assert!(
        place.tuned("bench --batch 1 --seconds 0.1").expect("a driver").contains("shapes of convolutions measured on this device")
    );

    // Another driver's, another version's, and no file at all of this kind.
    for key in ["adapter", "driver", "program"] {
        let mut foreign = file.clone();
        foreign[key] = json!("another");
        place.write_choices(&foreign);
        assert!(!has_mark(&place.bench("").expect("a driver")), "the choices of another {key} are taken");
        assert_ne!(place.choices()[key], json!("another"));
    }
    for broken in ["", "{", "[1, 2]", "{\"choices\": {\"x\": 3}}", "\0\u{1}"] {
        fs::write(place.kept("tuning-"), broken).expect("written");
        assert!(!measured(&place.bench("").expect("a driver")).is_empty(), "{broken:?} keeps layers from being measured");
    }
    // Constants that no candidate has are no choice, and no fault.
    let mut odd = place.choices();
    let layers = odd["choices"].as_object().expect("choices").keys().next().expect("one").clone();
    odd["choices"][layers.as_str()]["constants"] = json!({ "PIXELS": 4_000_000_000_u32 });
    place.write_choices(&odd);
    place.bench("").expect("a driver");
}

#[test]
fn pictures_are_the_same_before_while_and_after_layers_are_measured() {
    let place = Place::new();
    let sample = |name: &str| {
        place.tuned(&format!("sample -n 2 --steps 6 --seed 3 --out {name}"))?;
        Some(place.bytes(name))
    };
    let Some(first) = sample("first.png") else { return };
    place.bench("").expect("a driver");
    assert!(sample("second.png").expect("a driver") == first, "the pictures differ");
}

#[test]
fn a_broken_file_of_pipelines_counts_as_none() {
    let place = Place::new();
    let Some(_) = place.bench("") else { return };
    let path = place.kept("pipelines-");
    let whole = fs::read(&path).expect("readable");
    let middle = whole.len() / 2;
    for broken in
        [Vec::new(), b"etude-01".to_vec(), whole[..middle].to_vec(), [&whole[..middle], b"x", &whole[middle + 1..]].concat()]
    {
        fs::write(&path, &broken).expect("written");
        place.bench("").expect("a driver");
    }
}
