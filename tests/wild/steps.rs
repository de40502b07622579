//! Runs of DDPMScheduler, and of DDIMScheduler with use_clipped_model_output, step by step. diffusers PR#1069, improved-diffusion#110.

use etude::{
    backend::Backend,
    engine::{Engine, Run},
    model::Model,
    platform::block_on,
    program::Precision,
    sampler::{Classes, Flow, Reads, StepNoise, StepTensors},
    schedule::{Preset, Schedule, ScheduleRequest, SchedulerConfig, Variance},
    weights::Weights,
};
use serde_json::{Value, json};
use std::{fs, ops::Range, path::PathBuf, sync::Arc};

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn request(case: &Value) -> ScheduleRequest {
    ScheduleRequest {
        preset: case["preset"].as_str().expect("a name").parse().expect("a preset"),
        steps: case["S"].as_u64().expect("S") as usize,
        eta: case["eta"].as_f64().expect("eta"),
        clip_epsilon: true,
        ..ScheduleRequest::default()
    }
}

/// The largest distance of `got` from `expected` as a part of the largest of `expected`.
fn distance(got: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(got.len(), expected.len());
    let largest = expected.iter().fold(0.0_f32, |most, v| most.max(v.abs()));
    got.iter().zip(expected).fold(0.0_f32, |most, (g, e)| most.max((g - e).abs())) / largest
}

#[test]
fn step_by_step_as_diffusers() {
    let model = Arc::new(Model::open(&fixture("trajectories/model")).unwrap_or_else(|e| panic!("{e}")));
    let file = Weights::open(&fixture("wild/steps.safetensors")).unwrap_or_else(|e| panic!("{e}"));
    let cases: Vec<Value> = serde_json::from_slice(&fs::read(fixture("wild/steps.json")).expect("there")).expect("JSON");
    let mut engine = Engine::new(model, Backend::Cpu, Precision::F32);
    let mut wrong = Vec::new();
    for case in &cases {
        let name = case["name"].as_str().expect("a name");
        let floats = |part: &str| file.floats(&format!("{name}.{part}")).unwrap_or_else(|e| panic!("{e}"));
        let config = SchedulerConfig::from_json(case["scheduler"].to_string(), name).unwrap_or_else(|e| panic!("{e}"));
        let schedule = Schedule::new(&config, &request(case)).unwrap_or_else(|e| panic!("{name}: {e}"));
        let timesteps: Vec<u32> = schedule.steps.iter().map(|step| step.t).collect();
        assert_eq!(json!(timesteps), case["timesteps"], "{name}");
        let (all_x, all_x0, noise) = (floats("x"), floats("x0"), floats("noise"));
        let len = 64;
        let x_t = |images: Range<usize>| all_x[images.start * len..images.end * len].to_vec();
        let (mut x, mut x0) = (all_x[..2 * len].to_vec(), Vec::new());
        let mut on_step = |_: Range<usize>, _: usize, tensors: &StepTensors| {
            x.extend_from_slice(&tensors.x);
            x0.extend_from_slice(&tensors.x0);
            Ok(Flow::Continue)
        };
        let run = Run {
            images: 2,
            first: 0,
            size: (8, 8),
            steps: &schedule.steps,
            x_t: &x_t,
            noise: StepNoise::Given(&noise),
            classes: Classes::default(),
            reads: &|_| Reads::PICTURES,
        };
        block_on(engine.sample(&run, &mut on_step, &mut |_, _| Ok(()))).unwrap_or_else(|e| panic!("{name}: {e}"));
        // Both round each step in f32; the promise is 1e-5 of the largest number.
        let (of_x, of_x0) = (distance(&x, &all_x), distance(&x0, &all_x0));
        println!("{name}: x {of_x:.1e}, x0 {of_x0:.1e}");
        // x0 divides by √ᾱ what x is off by; where it is limited nothing is left of that.
        if of_x > 1e-5 || of_x0 > 1e-4 {
            wrong.push(format!("{name}: x is off by {of_x:e}, x0 by {of_x0:e}"));
        }
    }
    assert!(cases.len() > 20 && wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The two are one step: that of DDIM at η = 1 with ε derived again is DDPM's with the small variance, wherever both step to the same s.
#[test]
fn ddpm_is_ddim_at_eta_one_with_epsilon_derived_again() {
    let config = SchedulerConfig::default();
    let of = |preset, eta| {
        let request = ScheduleRequest { preset, eta, clip_epsilon: true, steps: 50, ..ScheduleRequest::default() };
        Schedule::new(&config, &request).expect("a schedule").steps
    };
    for (ddim, ddpm) in of(Preset::Diffusers, 1.0).iter().zip(of(Preset::Ddpm, 0.0)) {
        assert_eq!((ddim.t, ddim.previous, ddim.clip), (ddpm.t, ddpm.previous, ddpm.clip));
        for (a, b) in ddim.update().into_iter().zip(ddpm.update()) {
            assert!((a - b).abs() < 1e-12, "{ddim:?}\n{ddpm:?}");
        }
    }
}

#[test]
fn a_variance_that_cannot_be_had_is_refused_and_another_can_be_asked_for() {
    for name in ["learned", "learned_range", "fixed_large_log", "of_tomorrow"] {
        let json = json!({"variance_type": name}).to_string();
        let config = SchedulerConfig::from_json(json, "s.json").expect("read");
        let ddpm = ScheduleRequest { preset: Preset::Ddpm, ..ScheduleRequest::default() };
        let error = Schedule::new(&config, &ddpm).expect_err(name).to_string();
        assert!(error.starts_with("variance: ") && error.contains("fixed_small or fixed_large"), "{name}: {error}");
        for variance in [Variance::FixedSmall, Variance::FixedLarge] {
            Schedule::new(&config, &ScheduleRequest { variance: Some(variance), ..ddpm.clone() }).expect("asked for");
        }
        // Nobody else needs it.
        Schedule::new(&config, &ScheduleRequest { preset: Preset::Diffusers, ..ScheduleRequest::default() }).expect("not needed");
    }
}
