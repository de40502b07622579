//! Published numbers, and what the steps must add up to.

use super::*;

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

/// The paper's code knows networks that predict ε only; of a network that predicts v or x0 the same ε is read.
#[test]
fn official_steps_take_the_epsilon_that_an_output_means() {
    let (x0, epsilon) = (0.3, -0.8);
    for sigma_hat in [false, true] {
        let request = ScheduleRequest { preset: Preset::Official, steps: 20, eta: 0.5, sigma_hat, ..Default::default() };
        for prediction in [Prediction::Epsilon, Prediction::VPrediction, Prediction::Sample] {
            let config = SchedulerConfig { prediction_type: prediction, ..Default::default() };
            for step in Schedule::new(&config, &request).expect("20 steps").steps {
                let (signal, noise) = (step.alpha_bar_t.sqrt(), (1.0 - step.alpha_bar_t).sqrt());
                let x = signal * x0 + noise * epsilon;
                let output = match prediction {
                    Prediction::Epsilon => epsilon,
                    Prediction::VPrediction => signal * epsilon - noise * x0,
                    Prediction::Sample => x0,
                };
                close(step.x0_from_x * x + step.x0_from_model * output, x0, 1e-10);
                close(step.epsilon_from_x * x + step.epsilon_from_model * output, epsilon, 1e-10);
            }
        }
    }
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
