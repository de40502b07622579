//! The schedule against published numbers: ᾱ, τ, variances, the toy runs of diffusers' and the official code; every refusal; and
//! that no preset, spacing or S gives a coefficient that is not finite.

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

#[test]
fn alpha_bar_of_the_usual_schedules() {
    let linear = alpha_bar(&SchedulerConfig::default()).expect("the default");
    assert_eq!(linear.len(), 1000);
    close(linear[0], 0.9999, 1e-12);
    close(linear[999], 4.03583e-5, 1e-6);
    // f64 values of the definitions, from numpy.
    let scaled =
        SchedulerConfig { beta_schedule: BetaSchedule::ScaledLinear, beta_start: 0.00085, beta_end: 0.012, ..Default::default() };
    close(alpha_bar(&scaled).expect("scaled_linear")[999], 0.004660098513077238, 1e-12);
    let cosine = SchedulerConfig { beta_schedule: BetaSchedule::SquaredcosCapV2, ..Default::default() };
    let cosine = alpha_bar(&cosine).expect("squaredcos_cap_v2");
    close(cosine[500], 0.49228517244880304, 1e-12);
    close(cosine[999], 2.4287669070348567e-09, 1e-9);
    let zero_snr = SchedulerConfig { rescale_betas_zero_snr: true, ..Default::default() };
    let zero_snr = alpha_bar(&zero_snr).expect("zero SNR");
    assert_eq!(zero_snr[999], 0.0);
    close(zero_snr[0], 0.9999, 1e-12);
    close(zero_snr[500], 0.0752462157043267, 1e-12);
}

#[test]
fn tau_of_the_official_code() {
    let linear = |s| tau(Preset::Official, s, Spacing::Linear);
    assert_eq!(linear(10), (0..10).map(|i| i * 100).collect::<Vec<_>>());
    assert_eq!([13, 300, 600].map(|s| linear(s).len()), [14, 334, 1000]);
    let quadratic = |s| tau(Preset::Official, s, Spacing::Quadratic);
    assert_eq!(quadratic(10), [0, 9, 39, 88, 158, 246, 355, 483, 632, 800]);
    for (steps, distinct) in [(50, 49), (1000, 688)] {
        let mut tau = quadratic(steps);
        assert_eq!((tau.len(), tau.last()), (steps, Some(&800)));
        tau.dedup();
        assert_eq!(tau.len(), distinct);
        assert_eq!(self::tau(Preset::Etude, steps, Spacing::Quadratic), tau);
    }
    let notes = |preset, steps, spacing| schedule(&request(preset, steps, spacing)).notes.join("; ");
    assert_eq!(notes(Preset::Official, 13, Spacing::Linear), "official linear τ has 14 steps where S = 13");
    assert!(notes(Preset::Etude, 50, Spacing::Quadratic).contains("49 distinct timesteps of 50; 49 steps run"));
    assert_eq!(notes(Preset::Etude, 13, Spacing::Linear), "");
    assert!(notes(Preset::Etude, 1, Spacing::Linear).contains("τ starts at t = 0"));
}

#[test]
fn tau_of_etude_and_diffusers() {
    assert_eq!(tau(Preset::Etude, 13, Spacing::Linear), [0, 76, 153, 230, 307, 384, 461, 538, 615, 692, 769, 846, 923]);
    for steps in [1, 2, 4, 5, 8, 10, 20, 25, 40, 50, 100, 125, 200, 250, 500, 1000] {
        assert_eq!(tau(Preset::Etude, steps, Spacing::Linear), tau(Preset::Official, steps, Spacing::Linear));
    }
    // DDIMScheduler 0.42.1 at S = 7.
    let diffusers = |spacing| tau(Preset::Diffusers, 7, spacing);
    assert_eq!(diffusers(Spacing::Leading), [0, 142, 284, 426, 568, 710, 852]);
    assert_eq!(diffusers(Spacing::Trailing), [142, 285, 428, 570, 713, 856, 999]);
    assert_eq!(diffusers(Spacing::Linspace), [0, 166, 333, 500, 666, 832, 999]);
    // Half to even: T − iT/S = 937.5, 812.5, …
    assert_eq!(tau(Preset::Diffusers, 16, Spacing::Trailing)[8..], [561, 624, 687, 749, 811, 874, 937, 999]);
    // Where arange gives one value too many the step at t = −1 is left out.
    let odd = schedule(&request(Preset::Diffusers, 61, Spacing::Trailing));
    assert_eq!((odd.steps.len(), odd.steps[60].t), (61, 15));
    assert!(odd.notes.join(";").contains("t = −1"), "{:?}", odd.notes);
    let offset = SchedulerConfig { steps_offset: 1, ..Default::default() };
    let steps = Schedule::new(&offset, &ScheduleRequest { preset: Preset::Diffusers, steps: 10, ..Default::default() })
        .expect("S = 10")
        .steps;
    assert_eq!((steps[0].t, steps[9].t, steps[9].previous), (901, 1, None));
}

#[test]
fn diffusers_steps_to_t_less_the_stride_and_others_to_the_previous() {
    let previous = |preset, spacing| schedule(&request(preset, 13, spacing)).steps.iter().map(|s| s.previous).collect::<Vec<_>>();
    // T//S = 76, while trailing timesteps lie 77 apart: 999 to 923, not 922.
    assert_eq!(previous(Preset::Diffusers, Spacing::Trailing)[..2], [Some(923), Some(846)]);
    assert_eq!(previous(Preset::Etude, Spacing::Trailing)[..2], [Some(922), Some(845)]);
    assert_eq!(previous(Preset::Diffusers, Spacing::Linear)[..2], [Some(846), Some(769)]);
    let list = request(Preset::Diffusers, 0, Spacing::List(vec![3, 500, 990]));
    let steps = schedule(&list).steps;
    assert_eq!(steps.iter().map(|s| (s.t, s.previous)).collect::<Vec<_>>(), [(990, Some(500)), (500, Some(3)), (3, None)]);
    // Without spacing: the config's in preset diffusers, linear in the others.
    let config = SchedulerConfig { timestep_spacing: Spacing::Trailing, ..Default::default() };
    let first =
        |preset| Schedule::new(&config, &ScheduleRequest { preset, steps: 10, ..Default::default() }).expect("S = 10").steps[0].t;
    assert_eq!(PRESETS.map(first), [900, 900, 999]);
}

/// σ² at η = 1 is diffusers' variance; its tests (scheduling_ddim) publish these.
#[test]
fn variances() {
    let config = SchedulerConfig::default();
    let variance = |steps: usize, t: u32| {
        let request = ScheduleRequest { preset: Preset::Diffusers, steps, eta: 1.0, ..Default::default() };
        let steps = Schedule::new(&config, &request).expect("a divisor of T").steps;
        let step = *steps.iter().find(|s| s.t == t).expect("t in tau");
        assert_eq!(step.sigma, step.next_from_noise);
        step.sigma * step.sigma
    };
    close(variance(50, 420), 0.14771, 1e-3);
    close(variance(50, 420), 0.14772, 5e-5);
    close(variance(50, 980), 0.32461, 2e-5);
    assert_eq!(variance(50, 0), 0.0);
    close(variance(1000, 487), 0.00979, 1e-3);
    close(variance(1000, 999), 0.02, 1e-3);
}

/// The sums are published for f32 schedules: in f64 the first is 172.00652.
#[test]
fn toy_runs() {
    let x: Vec<f64> = (0..768).map(|i| f64::from(i) / 768.0).collect();
    let model = |x: f64, t: f64| x * t / (t + 1.0);
    let sum = |request: &ScheduleRequest| run(&schedule(request).steps, &x, model).iter().map(|v| v.abs()).sum::<f64>();
    close(sum(&ScheduleRequest { preset: Preset::Diffusers, steps: 10, ..Default::default() }), 172.0067, 3e-6);
    close(sum(&request(Preset::Official, 10, Spacing::Quadratic)), 178.6594, 3e-6);
    // Where the presets' conventions agree, so do the presets.
    let etude = sum(&request(Preset::Etude, 10, Spacing::Linear));
    close(etude, sum(&request(Preset::Official, 10, Spacing::Linear)), 0.0);
    close(etude, sum(&ScheduleRequest { clip: Some(false), preset: Preset::Diffusers, steps: 10, ..Default::default() }), 0.0);
    // Repeated timesteps stand still.
    let repeats = sum(&request(Preset::Official, 50, Spacing::Quadratic));
    close(repeats, sum(&request(Preset::Etude, 50, Spacing::Quadratic)), 1e-12);
}

/// x0 = what it was and ε = what it was, whichever of the three the network says.
#[test]
fn predictions_agree() {
    let (x0, epsilon) = (0.3, -1.2);
    for prediction in [Prediction::Epsilon, Prediction::Sample, Prediction::VPrediction] {
        let config = SchedulerConfig { prediction_type: prediction, ..Default::default() };
        let request = ScheduleRequest { steps: 20, eta: 0.5, ..Default::default() };
        for step in Schedule::new(&config, &request).expect("S = 20").steps {
            let (signal, noise) = (step.alpha_bar_t.sqrt(), (1.0 - step.alpha_bar_t).sqrt());
            let x = signal * x0 + noise * epsilon;
            let m = match prediction {
                Prediction::Epsilon => epsilon,
                Prediction::Sample => x0,
                Prediction::VPrediction => signal * epsilon - noise * x0,
            };
            close(step.x0_from_x * x + step.x0_from_model * m, x0, 1e-9);
            close(step.epsilon_from_x * x + step.epsilon_from_model * m, epsilon, 1e-9);
            // x_s is distributed as ᾱs asks: the variance of ε and of z add up.
            let variance = step.next_from_epsilon.powi(2) + step.next_from_noise.powi(2);
            close(variance, 1.0 - step.alpha_bar_s, 1e-12);
        }
    }
}

#[test]
fn the_last_step_is_x0_whatever_eta() {
    for eta in [0.0, 0.2, 1.0] {
        let last = *schedule(&ScheduleRequest { eta, ..Default::default() }).steps.last().expect("50 steps");
        assert_eq!((last.alpha_bar_s, last.sigma, last.previous), (1.0, 0.0, None));
        assert_eq!((last.next_from_x, last.next_from_x0, last.next_from_epsilon, last.next_from_noise), (0.0, 1.0, 0.0, 0.0));
    }
    let not_one = SchedulerConfig { set_alpha_to_one: false, ..Default::default() };
    let last = |preset| {
        *Schedule::new(&not_one, &ScheduleRequest { preset, ..Default::default() }).expect("S = 50").steps.last().expect("50")
    };
    close(last(Preset::Diffusers).alpha_bar_s, 0.9999, 1e-12);
    assert_eq!(last(Preset::Etude).alpha_bar_s, 1.0);
}

/// The official ddpm_steps, written out once more.
#[test]
fn sigma_hat_is_the_posterior_mean_and_its_large_variance() {
    let request = ScheduleRequest { preset: Preset::Official, steps: 10, sigma_hat: true, ..Default::default() };
    let steps = schedule(&request).steps;
    for step in &steps {
        let (at, atm1) = (step.alpha_bar_t, step.alpha_bar_s);
        let beta = 1.0 - at / atm1;
        close(step.next_from_x0, atm1.sqrt() * beta / (1.0 - at), 1e-12);
        close(step.next_from_x, (1.0 - beta).sqrt() * (1.0 - atm1) / (1.0 - at), 1e-12);
        assert_eq!((step.next_from_epsilon, step.clip), (0.0, Some(1.0)));
        close(step.next_from_noise, if step.t == 0 { 0.0 } else { beta.sqrt() }, 1e-12);
    }
    assert_eq!(steps.last().expect("10").next_from_x0, 1.0);
    assert!(schedule(&ScheduleRequest { clip: Some(false), ..request }).steps.iter().all(|s| s.clip.is_none()));
}

#[test]
fn clipping_and_thresholding() {
    let of = |config: &SchedulerConfig, preset, clip| {
        let steps = Schedule::new(config, &ScheduleRequest { preset, clip, ..Default::default() }).expect("S = 50").steps;
        (steps[0].clip, steps[0].threshold)
    };
    let config = SchedulerConfig { clip_sample_range: 0.6, ..Default::default() };
    assert_eq!(PRESETS.map(|p| of(&config, p, None).0), [None, None, Some(0.6)]);
    assert_eq!(PRESETS.map(|p| of(&config, p, Some(true)).0), [Some(0.6), Some(1.0), Some(0.6)]);
    assert_eq!(of(&config, Preset::Diffusers, Some(false)), (None, None));
    let config = SchedulerConfig { thresholding: true, sample_max_value: 1.5, ..Default::default() };
    // Thresholding goes before clipping and is diffusers' alone; what the user says goes before both.
    assert_eq!(of(&config, Preset::Diffusers, None), (None, Some(Threshold { ratio: 0.995, max: 1.5 })));
    assert_eq!(of(&config, Preset::Diffusers, Some(true)), (Some(1.0), None));
    assert_eq!(of(&config, Preset::Etude, None), (None, None));
}

#[test]
fn encoding_undoes_sampling() {
    let config = SchedulerConfig::default();
    let encode = |convention, preset| Schedule::encode(&config, 10, None, convention, preset).expect("S = 10").steps;
    for (convention, timesteps) in [
        (EncodeAt::Source, [0.0, 0.0, 100.0, 200.0, 300.0, 400.0, 500.0, 600.0, 700.0, 800.0]),
        (EncodeAt::Target, [0.0, 100.0, 200.0, 300.0, 400.0, 500.0, 600.0, 700.0, 800.0, 900.0]),
    ] {
        let steps = encode(convention, Preset::Etude);
        assert_eq!(steps.iter().map(|s| s.timestep).collect::<Vec<_>>(), timesteps);
        let ends: Vec<_> = steps.iter().map(|s| (s.t, s.previous, s.alpha_bar_t, s.alpha_bar_s)).collect();
        let sampled = schedule(&ScheduleRequest { steps: 10, ..Default::default() }).steps;
        assert_eq!(ends, sampled.iter().rev().map(|s| (s.t, s.previous, s.alpha_bar_t, s.alpha_bar_s)).collect::<Vec<_>>());
        // A network whose ε does not depend on x or t is encoded and decoded without loss, for every prediction.
        let there = run(&steps, &[0.7, -0.2], |_, _| 0.4);
        let back = run(&sampled, &there, |_, _| 0.4);
        close(back[0], 0.7, 1e-12);
        close(back[1], -0.2, 1e-12);
    }
    assert_eq!(encode(EncodeAt::Source, Preset::Etude)[0].clip, None);
    assert_eq!(encode(EncodeAt::Target, Preset::Diffusers)[0].clip, Some(1.0));
    // ε of an x0 or v model comes from the noise level the network was asked at, which is never 0.
    for prediction_type in [Prediction::Sample, Prediction::VPrediction] {
        let config = SchedulerConfig { prediction_type, ..Default::default() };
        for convention in [EncodeAt::Source, EncodeAt::Target] {
            let steps = Schedule::encode(&config, 10, None, convention, Preset::Etude).expect("defined");
            assert_finite(&steps.steps, "encode");
            assert_eq!((steps.steps[0].x0_from_x, steps.steps[0].x0_from_model), (1.0, 0.0));
        }
    }
    let config = SchedulerConfig { prediction_type: Prediction::Sample, ..Default::default() };
    let refused =
        Schedule::encode(&config, 10, None, EncodeAt::Target, Preset::Diffusers).expect_err("0/0 in diffusers").to_string();
    assert!(refused.contains("epsilon divides by 1 - alpha_bar, which is 0"), "{refused}");
}

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
    let v = SchedulerConfig { prediction_type: Prediction::VPrediction, ..config.clone() };
    assert!(refusal(&v, &request(Preset::Official, 10, Spacing::Linear)).contains("this one predicts v_prediction"));
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
    assert_eq!(parse(ddpm), Ok(SchedulerConfig::default()));
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
        (r#"{"variance_type": "learned_range"}"#, "variance_type: expected one of fixed_small"),
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
