//! What cannot be met is refused by name; what can be met is finite.

use super::*;
use etude::schedule::VarianceType;

#[test]
fn refusals_say_what_and_why() {
    let config = SchedulerConfig::default();
    let default = ScheduleRequest::default;
    for (steps, got) in [(0, "got 0"), (1001, "got 1001")] {
        for preset in PRESETS {
            let message = refusal(&config, &ScheduleRequest { preset, steps, ..default() });
            assert!(message.starts_with("steps: expected a whole number from 1 to 1000") && message.ends_with(got), "{message}");
        }
    }
    for (eta, reason) in [(1.05, "can go negative"), (-0.1, "got -0.1"), (f64::NAN, "got NaN"), (f64::INFINITY, "got inf")] {
        let message = refusal(&config, &ScheduleRequest { eta, ..default() });
        assert!(message.starts_with("eta: expected a number from 0 (DDIM) to 1 (DDPM)") && message.contains(reason), "{message}");
    }
    for (list, got) in
        [(vec![], "an empty list"), (vec![0, 1000], "got 1000"), (vec![0, 5, 5], "got 5 twice"), (vec![0, 9, 5], "got 5 after 9")]
    {
        let message = refusal(&config, &request(Preset::Etude, 3, Spacing::List(list)));
        assert!(message.starts_with("spacing: expected rising timesteps from 0 to 999") && message.ends_with(got), "{message}");
    }
    let offset = SchedulerConfig { steps_offset: 1, ..config.clone() };
    assert!(refusal(&offset, &request(Preset::Diffusers, 1000, Spacing::Leading)).contains("reaches 1000"));
    let zero_snr = SchedulerConfig { rescale_betas_zero_snr: true, ..config.clone() };
    let message = refusal(&zero_snr, &request(Preset::Diffusers, 10, Spacing::Trailing));
    assert!(message.contains("t = 999") && message.contains("x0 divides by alpha_bar, which is 0"), "{message}");
    assert!(Schedule::new(&zero_snr, &request(Preset::Diffusers, 10, Spacing::Leading)).is_ok(), "does not visit 999");
    let zero_snr = SchedulerConfig { prediction_type: Prediction::VPrediction, ..zero_snr };
    assert!(Schedule::new(&zero_snr, &request(Preset::Diffusers, 10, Spacing::Trailing)).is_ok());
}

#[test]
fn impossible_configs_are_errors() {
    let base = SchedulerConfig::default;
    let betas =
        |betas: &[f64]| SchedulerConfig { num_train_timesteps: betas.len() as u32, trained_betas: Some(betas.to_vec()), ..base() };
    let cases = [
        (
            SchedulerConfig { num_train_timesteps: 0, ..base() },
            "num_train_timesteps: expected a whole number from 1 to 100000, got 0",
        ),
        (SchedulerConfig { num_train_timesteps: 100_001, ..base() }, "got 100001"),
        (SchedulerConfig { beta_end: f64::NAN, ..base() }, "beta_end: expected a beta above 0 and at most 1, got NaN"),
        (SchedulerConfig { beta_start: -1.0, ..base() }, "beta_start: expected"),
        (SchedulerConfig { beta_end: f64::INFINITY, ..base() }, "got inf"),
        (betas(&[0.1, 1.5]), "trained_betas[1]: expected a beta above 0 and at most 1, got 1.5"),
        (betas(&[]), "num_train_timesteps"),
        (betas(&[1e-300, 1e-300]), "the betas are too small"),
        (SchedulerConfig { trained_betas: Some(vec![0.1]), ..base() }, "trained_betas: expected 1000 numbers"),
        (SchedulerConfig { num_train_timesteps: 1, rescale_betas_zero_snr: true, ..base() }, "rescale_betas_zero_snr"),
        (SchedulerConfig { clip_sample_range: 0.0, ..base() }, "clip_sample_range"),
        (SchedulerConfig { thresholding: true, dynamic_thresholding_ratio: 2.0, ..base() }, "dynamic_thresholding_ratio"),
        (SchedulerConfig { thresholding: true, sample_max_value: f64::NAN, ..base() }, "sample_max_value"),
    ];
    for (config, expected) in cases {
        let message = refusal(&config, &ScheduleRequest { steps: 1, ..Default::default() });
        assert!(message.contains(expected), "expected {expected:?} in: {message}");
    }
    // T = 1 has one step; ᾱ of 100 000 large betas underflows to 0, which only a v or x0 model can bear.
    let one = SchedulerConfig { num_train_timesteps: 1, ..base() };
    for preset in PRESETS {
        for spacing in SPACINGS {
            assert_finite(&Schedule::new(&one, &request(preset, 1, spacing)).expect("T = 1").steps, "T = 1");
        }
    }
    let huge = SchedulerConfig { num_train_timesteps: 100_000, ..base() };
    assert!(refusal(&huge, &request(Preset::Etude, 100, Spacing::Linear)).contains("x0 divides by alpha_bar, which is 0"));
    let huge = SchedulerConfig { prediction_type: Prediction::VPrediction, ..huge };
    for sigma_hat in [false, true] {
        let request = ScheduleRequest { steps: 100_000, eta: 1.0, sigma_hat, ..Default::default() };
        assert_finite(&Schedule::new(&huge, &request).expect("v at alpha_bar = 0").steps, "T = 100 000");
    }
}

/// Every preset, spacing and prediction over S = 1, 8, 15, … and the last ones.
#[test]
fn everything_is_finite() {
    for prediction_type in [Prediction::Epsilon, Prediction::Sample, Prediction::VPrediction] {
        let config = SchedulerConfig { prediction_type, ..Default::default() };
        let presets = if prediction_type == Prediction::Epsilon { &PRESETS[..] } else { &[Preset::Etude, Preset::Diffusers] };
        for (preset, spacing) in presets.iter().flat_map(|p| SPACINGS.iter().map(move |s| (*p, s))) {
            for steps in (1..=1000).step_by(7).chain(998..=1000) {
                for (eta, sigma_hat) in [(0.0, false), (1.0, false), (0.0, true)] {
                    let request = ScheduleRequest { eta, sigma_hat, ..request(preset, steps, spacing.clone()) };
                    let schedule = Schedule::new(&config, &request).expect("S from 1 to T");
                    let what = format!("{preset} {spacing} {prediction_type} S = {steps} eta = {eta}");
                    assert_finite(&schedule.steps, &what);
                    assert_eq!(schedule.requested_steps, steps);
                    assert!(
                        schedule.steps.windows(2).all(|w| w[0].t >= w[1].t && w[0].alpha_bar_s > w[0].alpha_bar_t - 1e-15),
                        "{what}"
                    );
                    assert!(schedule.steps.len() >= steps || *spacing == Spacing::Quadratic, "{what}");
                }
                for convention in [EncodeAt::Source, EncodeAt::Target] {
                    match Schedule::encode(&config, steps, Some(spacing.clone()), convention, preset) {
                        Ok(encoded) => assert_finite(&encoded.steps, "encode"),
                        Err(_) => assert_eq!((preset, prediction_type), (Preset::Diffusers, Prediction::Sample)),
                    }
                }
            }
        }
    }
}

#[test]
fn configs_are_read_with_their_defaults() {
    assert_eq!(parse("{}"), Ok(SchedulerConfig::default()));
    // google/ddpm-cifar10-32
    let ddpm = r#"{"_class_name": "DDPMScheduler", "_diffusers_version": "0.1.1", "beta_end": 0.02, "beta_schedule": "linear",
        "beta_start": 0.0001, "clip_sample": true, "num_train_timesteps": 1000, "trained_betas": null, "variance_type": "fixed_large"}"#;
    assert_eq!(parse(ddpm), Ok(SchedulerConfig { variance_type: VarianceType::FixedLarge, ..SchedulerConfig::default() }));
    let all = r#"{"num_train_timesteps": 3, "trained_betas": [0.1, 0.2, 1], "clip_sample": false, "clip_sample_range": 2,
        "set_alpha_to_one": false, "steps_offset": 1, "prediction_type": "v_prediction", "thresholding": true,
        "dynamic_thresholding_ratio": 0.9, "sample_max_value": 1.5, "timestep_spacing": "trailing", "rescale_betas_zero_snr": true,
        "beta_schedule": "squaredcos_cap_v2", "beta_start": 0.1, "beta_end": 0.2, "skip_prk_steps": true}"#;
    let expected = SchedulerConfig {
        num_train_timesteps: 3,
        beta_start: 0.1,
        beta_end: 0.2,
        beta_schedule: BetaSchedule::SquaredcosCapV2,
        trained_betas: Some(vec![0.1, 0.2, 1.0]),
        rescale_betas_zero_snr: true,
        prediction_type: Prediction::VPrediction,
        clip_sample: false,
        clip_sample_range: 2.0,
        thresholding: true,
        dynamic_thresholding_ratio: 0.9,
        sample_max_value: 1.5,
        set_alpha_to_one: false,
        steps_offset: 1,
        timestep_spacing: Spacing::Trailing,
        variance_type: VarianceType::FixedSmall,
    };
    assert_eq!(parse(all), Ok(expected));
    assert_eq!(parse(r#"{"predict_epsilon": false}"#).map(|c| c.prediction_type), Ok(Prediction::Sample));
}

#[test]
fn configs_are_refused_by_field() {
    for (json, expected) in [
        ("[]", "scheduler_config.json: expected a JSON object"),
        ("{", "scheduler_config.json: not valid JSON"),
        (r#"{"beta_start": "small"}"#, r#"scheduler_config.json: beta_start: expected a number, got "small""#),
        (r#"{"beta_start": -1}"#, "scheduler_config.json: beta_start: expected a beta above 0 and at most 1, got -1"),
        (r#"{"clip_sample": 1}"#, "clip_sample: expected true or false, got 1"),
        (r#"{"num_train_timesteps": 10.5}"#, "num_train_timesteps: expected a whole number from 1 to 100000, got 10.5"),
        (r#"{"num_train_timesteps": 1000000}"#, "got 1000000"),
        (r#"{"steps_offset": -1}"#, "steps_offset: expected a whole number from 0"),
        (r#"{"trained_betas": [0.1, "x"]}"#, "trained_betas: expected a list of numbers"),
        (r#"{"trained_betas": [0.1]}"#, "trained_betas: expected 1000 numbers (num_train_timesteps), got 1"),
        (
            r#"{"beta_schedule": "sigmoid"}"#,
            r#"beta_schedule: expected one of linear, scaled_linear, squaredcos_cap_v2, got "sigmoid""#,
        ),
        (r#"{"prediction_type": "flow"}"#, r#"got "flow""#),
        (r#"{"timestep_spacing": "karras"}"#, "timestep_spacing: expected one of leading, trailing, linspace"),
        (r#"{"_class_name": "ScoreSdeVeScheduler"}"#, r#"got "ScoreSdeVeScheduler""#),
    ] {
        let message = parse(json).expect_err(json);
        assert!(message.contains(expected) && !message.contains('\n'), "expected {expected:?} in: {message}");
    }
}

#[test]
fn names_go_there_and_back() {
    for text in ["linear", "quadratic", "leading", "trailing", "linspace", "0,100,500"] {
        assert_eq!(text.parse::<Spacing>().expect(text).to_string(), text);
    }
    assert_eq!("5".parse::<Spacing>().expect("one timestep"), Spacing::List(vec![5]));
    assert_eq!("1, 2".parse::<Spacing>().expect("a blank"), Spacing::List(vec![1, 2]));
    for text in ["", "cosine", "1,,2", "-1,2", "1.5"] {
        let message = text.parse::<Spacing>().expect_err(text).to_string();
        assert!(message.contains("expected linear, quadratic"), "{message}");
    }
    for preset in PRESETS {
        assert_eq!(preset.to_string().parse::<Preset>().expect("its own name"), preset);
    }
    for text in ["epsilon", "sample", "v_prediction"] {
        assert_eq!(text.parse::<Prediction>().expect(text).to_string(), text);
    }
    for text in ["source", "target"] {
        assert_eq!(text.parse::<EncodeAt>().expect(text).to_string(), text);
    }
    assert!("Etude".parse::<Preset>().is_err() && "x0".parse::<Prediction>().is_err() && "both".parse::<EncodeAt>().is_err());
    assert_eq!((Preset::default(), Spacing::default(), EncodeAt::default()), (Preset::Etude, Spacing::Linear, EncodeAt::Source));
}
