//! The schedule against published numbers: ᾱ, τ, variances, the toy runs of diffusers' and the official code (numbers.rs); every
//! refusal, and that no preset, spacing or S gives a coefficient that is not finite (refusals.rs).

mod forks;
mod numbers;
mod refusals;

use etude::schedule::{
    BetaSchedule, EncodeAt, Prediction, Preset, Schedule, ScheduleRequest, SchedulerConfig, Spacing, StepCoefficients, Threshold,
    alpha_bar,
};
use std::path::Path;

const PRESETS: [Preset; 3] = [Preset::Etude, Preset::Official, Preset::Diffusers];
const SPACINGS: [Spacing; 5] = [Spacing::Linear, Spacing::Quadratic, Spacing::Leading, Spacing::Trailing, Spacing::Linspace];

fn request(preset: Preset, steps: usize, spacing: Spacing) -> ScheduleRequest {
    ScheduleRequest { preset, steps, spacing: Some(spacing), ..ScheduleRequest::default() }
}

fn schedule(request: &ScheduleRequest) -> Schedule {
    Schedule::new(&SchedulerConfig::default(), request).expect("a request that can be met")
}

/// τ, rising.
fn tau(preset: Preset, steps: usize, spacing: Spacing) -> Vec<u32> {
    schedule(&request(preset, steps, spacing)).steps.iter().rev().map(|s| s.t).collect()
}

fn refusal(config: &SchedulerConfig, request: &ScheduleRequest) -> String {
    let message = Schedule::new(config, request).expect_err("a request that cannot be met").to_string();
    assert!(!message.contains('\n'), "more than one line: {message}");
    message
}

fn parse(json: &str) -> Result<SchedulerConfig, String> {
    SchedulerConfig::from_json(json, Path::new("scheduler_config.json")).map_err(|e| e.to_string())
}

fn close(got: f64, expected: f64, relative: f64) {
    assert!((got - expected).abs() <= relative * expected.abs(), "expected {expected}, got {got}");
}

/// The sampler in ten lines. No noise: the step's share of it must be 0.
fn run(steps: &[StepCoefficients], x: &[f64], model: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    let mut x = x.to_vec();
    for step in steps {
        assert_eq!(step.next_from_noise, 0.0);
        for x in &mut x {
            let m = model(*x, f64::from(step.timestep));
            let x0 = step.x0_from_x * *x + step.x0_from_model * m;
            let x0 = step.clip.map_or(x0, |c| x0.clamp(-c, c));
            let epsilon = step.epsilon_from_x * *x + step.epsilon_from_model * m;
            *x = step.next_from_x * *x + step.next_from_x0 * x0 + step.next_from_epsilon * epsilon;
        }
    }
    x
}

fn assert_finite(steps: &[StepCoefficients], what: &str) {
    for s in steps {
        let numbers = [
            s.x0_from_x,
            s.x0_from_model,
            s.epsilon_from_x,
            s.epsilon_from_model,
            s.next_from_x,
            s.next_from_x0,
            s.next_from_epsilon,
            s.next_from_noise,
            s.alpha_bar_t,
            s.alpha_bar_s,
            f64::from(s.timestep),
        ];
        assert!(numbers.iter().all(|n| (*n as f32).is_finite()) && s.sigma >= 0.0, "{what}: {s:?}");
    }
}
