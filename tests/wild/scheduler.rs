//! scheduler_config.json as other programs write it.

use crate::{scheduler, scheduler_json};
use etude::schedule::{Preset, Schedule, ScheduleRequest, SchedulerConfig, VarianceType};
use serde_json::{Value, json};

/// What is done to x0 in every step of preset `diffusers`: (clip, threshold's largest value), and ᾱ past the end.
fn limits(config: &SchedulerConfig) -> (Option<f64>, Option<f64>, f64) {
    let request = ScheduleRequest { preset: Preset::Diffusers, steps: 10, ..ScheduleRequest::default() };
    let schedule = Schedule::new(config, &request).expect("a schedule");
    let last = schedule.steps.last().expect("steps");
    (last.clip, last.threshold.map(|t| t.max), last.alpha_bar_s)
}

/// thu-ml/unidiffuser-v1 and every DPMSolver configuration that diffusers saves: `"lambda_min_clipped": -Infinity`.
#[test]
fn infinity_where_nobody_reads_it() {
    let text = scheduler_json(&json!({"_class_name": "DPMSolverMultistepScheduler", "lambda_min_clipped": 0}));
    let right = SchedulerConfig::from_json(&text, "s.json").expect("right");
    for number in ["-Infinity", "Infinity", "NaN", "1e999", "[NaN, {\"a\": -Infinity}]", "\"half a pair: \\ud83d\""] {
        let text = text.replace("\"lambda_min_clipped\":0", &format!("\"lambda_min_clipped\": {number}"));
        assert!(text.contains(number));
        assert_eq!(SchedulerConfig::from_json(&text, "s.json").expect(number), right, "{number}");
    }
    // Windows PowerShell: a byte order mark, or UTF-16 with one.
    let utf16: Vec<u8> = "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    for bytes in [[b"\xef\xbb\xbf", text.as_bytes()].concat(), utf16] {
        assert_eq!(SchedulerConfig::from_json(&bytes, "s.json").expect("with a mark"), right);
    }
}

#[test]
fn infinity_where_somebody_reads_it_is_refused_by_name() {
    let cases = [
        ("beta_start", "NaN", "beta_start: expected a number, got NaN"),
        ("beta_end", "Infinity", "beta_end: expected a number, got Infinity"),
        ("num_train_timesteps", "-Infinity", "num_train_timesteps: expected a whole number from 1 to 100000, got -Infinity"),
        ("clip_sample", "NaN", "clip_sample: expected true or false, got NaN"),
        ("prediction_type", "NaN", "prediction_type: expected one of epsilon, sample, v_prediction, got NaN"),
        ("trained_betas", "[0.1, NaN]", "trained_betas: expected a list of numbers, got [0.1,NaN]"),
        ("clip_sample_range", "1e999", "clip_sample_range: expected a number, got a number beyond 1.8e308"),
    ];
    for (key, number, expected) in cases {
        let text = scheduler_json(&json!({key: "HERE"})).replace("\"HERE\"", number);
        let error = SchedulerConfig::from_json(&text, "s.json").expect_err(key).to_string();
        assert_eq!(error, format!("s.json: {expected}"));
    }
}

/// diffusers PR#3426: null is the value None, not a missing key.
#[test]
fn null_means_what_diffusers_means() {
    let thresholding = json!({"thresholding": true, "dynamic_thresholding_ratio": 0.9});
    let with = |changes: &Value, key: &str, value: Value| {
        let mut changes = changes.clone();
        changes[key] = value;
        limits(&scheduler(&changes).expect(key))
    };
    let plain = json!({});
    let usual = limits(&scheduler(&plain).expect("right"));
    assert_eq!(usual, (Some(1.0), None, 1.0));
    assert_eq!(with(&plain, "clip_sample", Value::Null), (None, None, 1.0));
    assert_eq!(with(&plain, "thresholding", Value::Null), usual);
    assert_eq!(with(&plain, "rescale_betas_zero_snr", Value::Null), usual);
    assert_eq!(with(&plain, "set_alpha_to_one", Value::Null).2, with(&plain, "set_alpha_to_one", json!(false)).2);
    assert_ne!(with(&plain, "set_alpha_to_one", Value::Null).2, 1.0);
    assert_eq!(with(&thresholding, "sample_max_value", json!(3)), (None, Some(3.0), 1.0));
    assert_eq!(with(&thresholding, "sample_max_value", Value::Null), (None, Some(f64::from(f32::MAX)), 1.0));
    // torch.clamp(max=inf) is no bound either.
    let text = scheduler_json(&json!({"thresholding": true, "sample_max_value": "HERE"})).replace("\"HERE\"", "Infinity");
    assert_eq!(limits(&SchedulerConfig::from_json(&text, "s.json").expect("no bound")).1, Some(f64::from(f32::MAX)));
    // Nobody reads these.
    for (key, others) in [
        ("beta_start", json!({"beta_schedule": "squaredcos_cap_v2"})),
        ("beta_end", json!({"trained_betas": vec![0.01; 1000]})),
        ("beta_schedule", json!({"trained_betas": vec![0.01; 1000]})),
        ("trained_betas", json!({})),
        ("dynamic_thresholding_ratio", json!({})),
        ("sample_max_value", json!({})),
        ("clip_sample_range", json!({"clip_sample": false})),
        ("clip_sample_range", json!({"thresholding": true})),
        ("variance_type", json!({})),
        ("_class_name", json!({})),
    ] {
        let mut changes = others.clone();
        changes[key] = Value::Null;
        assert_eq!(scheduler(&changes).expect(key), scheduler(&others).expect("right"), "{key}");
    }
}

/// diffusers fails on these with a TypeError, a ValueError or a NotImplementedError; taking the default would be another picture.
#[test]
fn null_that_diffusers_cannot_run_is_refused_by_name() {
    for (key, others) in [
        ("num_train_timesteps", json!({})),
        ("beta_start", json!({})),
        ("beta_end", json!({"beta_schedule": "scaled_linear"})),
        ("beta_schedule", json!({})),
        ("steps_offset", json!({})),
        ("prediction_type", json!({})),
        ("timestep_spacing", json!({})),
        ("clip_sample_range", json!({})),
        ("dynamic_thresholding_ratio", json!({"thresholding": true})),
    ] {
        let mut changes = others;
        changes[key] = Value::Null;
        let error = scheduler(&changes).expect_err(key);
        assert_eq!(
            error,
            format!("scheduler_config.json: {key}: expected a value, or no such key for diffusers' default, got null")
        );
    }
}

/// diffusers PR#132 and the ADM models: a learned variance is the DDPM sampler's affair.
#[test]
fn a_variance_that_nobody_needs_stops_nothing() {
    for (name, expected) in [
        (json!("learned_range"), VarianceType::LearnedRange),
        (json!("learned"), VarianceType::Learned),
        (json!("fixed_large"), VarianceType::FixedLarge),
        (json!("of_tomorrow"), VarianceType::Unknown),
        (json!(3), VarianceType::Unknown),
        (Value::Null, VarianceType::FixedSmall),
    ] {
        assert_eq!(scheduler(&json!({"variance_type": name})).expect("accepted").variance_type, expected);
    }
}
