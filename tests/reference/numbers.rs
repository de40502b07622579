//! The schedule's numbers in scheduler.json, and torch's normals.

use crate::{common::Tolerance, floats, integer, integers, list, manifest, tensors, text};
use etude::{
    noise::torch,
    schedule::{Preset, Schedule, ScheduleRequest, SchedulerConfig, Spacing, alpha_bar},
};
use serde_json::Value;

fn config(json: &Value) -> SchedulerConfig {
    SchedulerConfig::from_json(json.to_string(), "scheduler.json").unwrap_or_else(|e| panic!("{e}"))
}

fn schedule(config: &SchedulerConfig, preset: Preset, steps: usize, spacing: Spacing) -> Schedule {
    let request = ScheduleRequest { preset, steps, eta: 1.0, spacing: Some(spacing), ..ScheduleRequest::default() };
    Schedule::new(config, &request).unwrap_or_else(|e| panic!("{preset} S = {steps}: {e}"))
}

/// τ in the order of execution, falling.
fn timesteps(config: &SchedulerConfig, preset: Preset, steps: usize, spacing: Spacing) -> Vec<i64> {
    schedule(config, preset, steps, spacing).steps.iter().map(|s| i64::from(s.t)).collect()
}

fn assert_near(got: f64, expected: f64, relative: f64, absolute: f64, what: &str) {
    let allowed = relative * expected.abs() + absolute;
    assert!((got - expected).abs() <= allowed, "{what}: expected {expected:e}, got {got:e}; allowed {allowed:e}");
}

/// numpy computes the same in f64. diffusers' f32 cumulative product rounds 1000 times, by 2^-25 of ᾱ on average upwards or
/// downwards, on top of βs rounded to 2^-24 of 1: a millionth of ᾱ at most, more where 1 − β is small (the cosine's cap of 0.999).
/// Zero SNR subtracts √ᾱ(T−1) from √ᾱ: what little is left near the end has the error of the two.
#[test]
fn alpha_bars() {
    for case in list(&manifest("scheduler.json"), "alpha_bar") {
        let (name, ours) = (text(case, "name"), alpha_bar(&config(&case["config"])).unwrap_or_else(|e| panic!("{e}")));
        let (f64s, f32s) = (floats(case, "f64"), floats(case, "diffusers_f32"));
        for (i, t) in integers(case, "t").into_iter().enumerate() {
            let (got, what) = (ours[t as usize], format!("alpha_bar({t}) of {name}"));
            assert_near(got, f64s[i], 1e-12, 1e-16, &what);
            assert_near(got, f32s[i], 2e-5, 2e-11, &format!("{what}, f32"));
        }
    }
}

#[test]
fn diffusers_timesteps() {
    for case in list(&manifest("scheduler.json"), "timesteps") {
        let config = SchedulerConfig { steps_offset: integer(case, "steps_offset"), ..SchedulerConfig::default() };
        let spacing: Spacing = text(case, "spacing").parse().unwrap_or_else(|e| panic!("{e}"));
        let steps = integer(case, "S") as usize;
        assert_eq!(timesteps(&config, Preset::Diffusers, steps, spacing), integers(case, "timesteps"), "{case}");
    }
}

/// `_get_variance(t, t_prev)`, which is our σ² at η = 1. diffusers subtracts two f32 ᾱs from 1, each exact to 2^-24 = 6e-8: the
/// variance, a quotient of such differences, is exact to that over the smaller of them.
#[test]
fn diffusers_variances() {
    let manifest = manifest("scheduler.json");
    let configs: Vec<&Value> = list(&manifest, "alpha_bar").iter().collect();
    for case in list(&manifest, "variance") {
        let name = text(case, "name");
        let found = configs.iter().find(|c| text(c, "name") == name).unwrap_or_else(|| panic!("no config called {name}"));
        let set_alpha_to_one = case["set_alpha_to_one"].as_bool().expect("a boolean");
        let config = SchedulerConfig { set_alpha_to_one, ..config(&found["config"]) };
        let (from, to, variances) = (integers(case, "t"), integers(case, "t_prev"), floats(case, "variance"));
        for i in 0..from.len() {
            // A list of the two timesteps has the step between them; of t alone, the step from t past the end.
            let pair: Vec<u32> = [to[i], from[i]].into_iter().filter_map(|t| t.try_into().ok()).collect();
            let step = schedule(&config, Preset::Diffusers, 2, Spacing::List(pair)).steps[0];
            let smaller = (1.0 - step.alpha_bar_s).min(1.0 - step.alpha_bar_t / step.alpha_bar_s);
            let relative = if smaller > 0.0 { 3e-7 / smaller } else { 0.0 };
            let what = format!("variance({} -> {}) of {name}", from[i], to[i]);
            assert_near(step.sigma * step.sigma, variances[i], relative, 1e-12, &what);
        }
    }
}

#[test]
fn official_and_our_tau() {
    let (manifest, config) = (manifest("scheduler.json"), SchedulerConfig::default());
    for (preset, key) in [(Preset::Official, "official_tau"), (Preset::Etude, "etude_tau")] {
        for (name, _) in manifest[key].as_object().expect("an object of taus") {
            let (spacing, steps) = name.split_once('_').expect("SPACING_S");
            let spacing: Spacing = spacing.parse().unwrap_or_else(|e| panic!("{e}"));
            let mut ours = timesteps(&config, preset, steps.parse().expect("a number"), spacing);
            ours.reverse();
            assert_eq!(ours, integers(&manifest[key], name), "{preset} {name}");
        }
    }
    for case in list(&manifest, "official_tau_counts") {
        let spacing: Spacing = text(case, "tau").parse().unwrap_or_else(|e| panic!("{e}"));
        let mut ours = timesteps(&config, Preset::Official, integer(case, "S") as usize, spacing);
        let (steps, last) = (ours.len(), ours[0]);
        ours.dedup();
        let got = [steps, ours.len(), last as usize];
        assert_eq!(got, ["steps", "distinct", "last"].map(|key| integer(case, key) as usize), "{case}");
    }
}

/// Words and their order are exact; what differs is the last bit or two of torch's vectorised logarithm, sine and cosine, of
/// normals up to 4: 2 ulps of 2^-22.
#[test]
fn torch_normals() {
    let file = tensors("torch_randn.safetensors");
    let names = file.names();
    assert_eq!(names.len(), 36);
    let tolerance = Tolerance::new(2.5e-7, "two ulps of the largest value");
    let mut worst = 0.0_f32;
    for name in names {
        let (seed, shape) = name.strip_prefix("seed").and_then(|n| n.split_once('_')).expect("seedSEED_SHAPE");
        let count = shape.split('x').map(|n| n.parse::<usize>().expect("a size")).product();
        let expected = file.floats(&name).unwrap_or_else(|e| panic!("{e}"));
        let got = torch::randn(seed.parse().expect("a seed"), count);
        worst = worst.max(tolerance.check(&got, &expected, &name).unwrap_or_else(|text| panic!("{text}")));
    }
    println!("torch's normals: {worst:.2e} off at most");
}
