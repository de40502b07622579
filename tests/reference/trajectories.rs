//! Each run of trajectories.json step by step: timesteps, every x and every x0.

use crate::{Verdict, common::Tolerance, fixture, integer, list, manifest, number, on_the_adapter, tensors, text};
use etude::{
    backend::Backend,
    model::Model,
    platform::block_on,
    program::{Executor, Handles, Precision},
    sampler::{self, Flow, Reads, StepNoise, StepTensors},
    schedule::{EncodeAt, Preset, Schedule, ScheduleRequest, SchedulerConfig, Spacing, StepCoefficients},
    weights::Weights,
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

#[test]
fn trajectories_on_the_cpu() {
    check("cpu", &Backend::Cpu);
}

#[test]
fn trajectories_on_the_adapter() {
    for (name, backend) in on_the_adapter() {
        check(&name, &backend);
    }
}

/// Relative to the largest x of the run, as f64_gap is. Both sides round 10 to 50 steps of a whole network in f32, which takes each
/// of them 0.3e-6 to 2e-6 from f64 (f64_gap says so of the reference), and other drivers round a little more often. Where f64_gap
/// is larger (σ̂ over timesteps near 0, encoding from ᾱ = 1: 1 − ᾱ in f32 has lost half of its digits there, while ours is f64)
/// the distance is the reference's own error and a little of ours.
fn tolerance(run: &Value) -> Tolerance {
    let gap = number(run, "f64_gap") as f32;
    Tolerance::new(1e-5_f32.max(gap * 3.0), "f32 roundings on both sides, or thrice the reference's own distance from f64")
}

/// x0 of every step so that its error is that of x: where the network predicts ε, x0 = (x − √(1−ᾱ) ε)/√ᾱ divides it by √ᾱ.
fn in_units_of_x(mut x0: Vec<f32>, steps: &[StepCoefficients], run: &Value) -> Vec<f32> {
    let encode = text(run, "kind") == "encode";
    if text(run, "prediction_type") == "epsilon" {
        let len = x0.len() / steps.len();
        for (x0, step) in x0.chunks_exact_mut(len).zip(steps) {
            let signal = (if encode { step.alpha_bar_s } else { step.alpha_bar_t }).sqrt() as f32;
            x0.iter_mut().for_each(|v| *v *= signal);
        }
    }
    x0
}

fn check(device: &str, backend: &Backend) {
    let manifest = manifest("trajectories.json");
    let model = Model::open(&fixture(text(&manifest, "model"))).unwrap_or_else(|e| panic!("{e}"));
    // An executor for each batch size, as long as the longest run: the runs follow each other on it.
    let mut executors: BTreeMap<u32, (Box<dyn Executor>, Handles)> = BTreeMap::new();
    let (mut verdict, mut worst_end) = (Verdict::default(), 0.0_f32);
    for run in list(&manifest, "cases") {
        let name = text(run, "name");
        let file = tensors(text(run, "file"));
        let steps = schedule(run);
        assert_times(&steps, &file, text(run, "kind"), name);

        let images = file.shape("x_T").expect("x_T")[0] as u32;
        let (executor, handles) = executors.entry(images).or_insert_with(|| {
            let (program, handles) = model.record(images, 8, 8, 50).unwrap_or_else(|e| panic!("{e}"));
            (backend.executor(Arc::new(program), Precision::F32).unwrap_or_else(|e| panic!("{e}")), handles)
        });
        let floats = |name: &str| file.floats(name).unwrap_or_else(|e| panic!("{e}"));
        let noise = if file.contains("noise") { floats("noise") } else { Vec::new() };
        let noise = if noise.is_empty() { StepNoise::Seed(0) } else { StepNoise::Given(&noise) };
        let (mut x, mut x0) = (floats("x_T"), Vec::new());
        let mut on_step = |_: usize, tensors: &StepTensors| {
            x.extend_from_slice(&tensors.x);
            x0.extend_from_slice(&tensors.x0);
            Ok(Flow::Continue)
        };
        let x_t = floats("x_T");
        let reads = |_| Reads::PICTURES;
        let last = block_on(sampler::run(
            executor.as_mut(),
            handles,
            &steps,
            &x_t,
            noise,
            0,
            sampler::Classes::default(),
            &reads,
            &mut on_step,
        ));
        let last = last.unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(last, x[x.len() - last.len()..], "{name}: the result is the last frame");

        let (tolerance, expected_x) = (tolerance(run), floats("x"));
        verdict.compare(&x, &expected_x, tolerance, &format!("{device} {name} x"));
        let [x0, expected_x0] = [x0, floats("x0")].map(|x0| in_units_of_x(x0, &steps, run));
        let largest = |of: &[f32]| of.iter().fold(0.0_f32, |most, v| most.max(v.abs()));
        let relative = tolerance.relative * largest(&expected_x) / largest(&expected_x0);
        verdict.compare(&x0, &expected_x0, Tolerance { relative, ..tolerance }, &format!("{device} {name} x0"));
        if integer(run, "steps") == 10 {
            let end = Tolerance::new(1e-3, "the promise of this project for ten steps");
            match end.check(&last, &expected_x[expected_x.len() - last.len()..], &name) {
                Ok(distance) => worst_end = worst_end.max(distance),
                Err(text) => verdict.failures.push(text),
            }
        }
    }
    println!("trajectories on {device}: the end of ten steps is {worst_end:.2e} off at most");
    verdict.finish(&format!("trajectories on {device}"));
}

/// The steps as our schedule makes them from what the manifest says of a run.
fn schedule(run: &Value) -> Vec<StepCoefficients> {
    let name = text(run, "name");
    let config = run["scheduler_config"].as_str().map(|path| {
        let path = fixture(path);
        let json = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        SchedulerConfig::from_json(json, &path).unwrap_or_else(|e| panic!("{e}"))
    });
    let config = config.unwrap_or_default();
    let preset: Preset = text(run, "preset").parse().unwrap_or_else(|e| panic!("{name}: {e}"));
    let spacing: Spacing = text(run, "tau").parse().unwrap_or_else(|e| panic!("{name}: {e}"));
    // In preset diffusers τ comes from the config, which the manifest repeats.
    let from_config = preset == Preset::Diffusers;
    assert!(!from_config || config.timestep_spacing == spacing, "{name}: {spacing}");
    let (steps, spacing) = (integer(run, "S") as usize, (!from_config).then_some(spacing));
    let schedule = if text(run, "kind") == "encode" {
        let at: EncodeAt = text(run, "network_time").parse().unwrap_or_else(|e| panic!("{name}: {e}"));
        Schedule::encode(&config, steps, spacing, at, preset)
    } else {
        let (eta, sigma_hat) = (run["eta"].as_f64().unwrap_or(0.0), run["sigma_hat"] == Value::Bool(true));
        let forks = if run["forks"].is_null() { Vec::new() } else { serde_json::from_value(run["forks"].clone()).expect("forks") };
        Schedule::new(&config, &ScheduleRequest { preset, steps, eta, spacing, sigma_hat, forks, ..ScheduleRequest::default() })
    };
    let steps = schedule.unwrap_or_else(|e| panic!("{name}: {e}")).steps;
    assert_eq!(steps.len(), integer(run, "steps") as usize, "{name}: steps");
    assert!(steps.iter().all(|s| s.clip == run["clip"].as_f64()), "{name}: clip {:?}", steps[0].clip);
    assert_eq!(config.prediction_type.to_string(), text(run, "prediction_type"), "{name}");
    steps
}

/// Where the network is asked, and where each step comes from and goes to; −1 is data.
fn assert_times(steps: &[StepCoefficients], file: &Weights, kind: &str, name: &str) {
    let times = |of: &dyn Fn(&StepCoefficients) -> f64| steps.iter().map(of).collect::<Vec<_>>();
    let expected = |key: &str| file.numbers(key).unwrap_or_else(|e| panic!("{e}"));
    let previous = |s: &StepCoefficients| s.previous.map_or(-1.0, f64::from);
    assert_eq!(times(&|s| f64::from(s.timestep)), expected("timesteps"), "{name}: timesteps");
    if kind == "encode" {
        assert_eq!(times(&previous), expected("t_source"), "{name}: t_source");
        assert_eq!(times(&|s| f64::from(s.t)), expected("t_target"), "{name}: t_target");
    } else {
        assert_eq!(times(&previous), expected("t_next"), "{name}: t_next");
    }
}

#[test]
fn the_manifest_lists_every_file() {
    let listed: BTreeSet<String> =
        list(&manifest("trajectories.json"), "cases").iter().map(|r| text(r, "file").to_owned()).collect();
    let folder = std::fs::read_dir(fixture("trajectories")).expect("the folder of trajectories");
    let names = folder.map(|entry| format!("trajectories/{}", entry.expect("an entry").file_name().to_string_lossy()));
    assert_eq!(names.filter(|name| name.ends_with(".safetensors")).collect::<BTreeSet<_>>(), listed);
}
