//! Forks and steps whose noise is of another seed: what each step of such a run is.

use super::{PRESETS, refusal, schedule};
use etude::schedule::{Fork, NoiseKind, Preset, Schedule, ScheduleRequest, SchedulerConfig, Spacing, StepCoefficients, StepSeed};

fn with(request: &ScheduleRequest, forks: &[Fork]) -> ScheduleRequest {
    ScheduleRequest { forks: forks.to_vec(), ..request.clone() }
}

fn timesteps(schedule: &Schedule) -> Vec<u32> {
    schedule.steps.iter().map(|step| step.t).collect()
}

/// But for the seed of its noise.
fn unseeded(steps: &[StepCoefficients]) -> Vec<StepCoefficients> {
    steps.iter().map(|step| StepCoefficients { noise_seed: None, ..*step }).collect()
}

#[test]
fn another_seed_changes_nothing_but_the_seed_from_the_fork_on() {
    for preset in PRESETS.into_iter().chain([Preset::Ddpm]) {
        let base = ScheduleRequest { preset, steps: 10, eta: 1.0, ..Default::default() };
        let stem = schedule(&base);
        let at = stem.steps[4].t;
        let branch = schedule(&with(&base, &[Fork { t: at, noise_seed: Some(7), ..Fork::default() }]));
        assert_eq!(unseeded(&branch.steps), stem.steps, "{preset}");
        let seeds: Vec<_> = branch.steps.iter().map(|step| step.noise_seed).collect();
        assert_eq!(seeds, [[None; 4].as_slice(), &[Some(7); 6]].concat(), "{preset}");
        assert!(branch.notes.is_empty(), "{:?}", branch.notes);
    }
}

#[test]
fn another_eta_is_the_run_of_that_eta_from_the_fork_on() {
    for preset in PRESETS {
        for sigma_hat in [false, true] {
            let base = ScheduleRequest { preset, steps: 10, eta: 1.0, sigma_hat, ..Default::default() };
            let stem = schedule(&base);
            let other = schedule(&ScheduleRequest { eta: 0.25, sigma_hat: false, ..base.clone() });
            let branch = schedule(&with(&base, &[Fork { t: stem.steps[3].t, eta: Some(0.25), ..Fork::default() }]));
            assert_eq!(branch.steps[..3], stem.steps[..3], "{preset}");
            assert_eq!(branch.steps[3..], other.steps[3..], "{preset}");
        }
    }
    // DDPM has no η; its steps do not go beyond τ either, so the branch is preset etude's DDIM with diffusers' limits.
    let base = ScheduleRequest { preset: Preset::Ddpm, steps: 10, ..Default::default() };
    let branch = schedule(&with(&base, &[Fork { t: 500, eta: Some(0.0), ..Fork::default() }]));
    assert!(branch.steps[3].sigma > 0.0 && branch.steps[4..].iter().all(|step| step.sigma == 0.0 && step.next_from_x == 0.0));
}

#[test]
fn a_branch_may_have_fewer_steps_or_more() {
    let base = ScheduleRequest { steps: 10, eta: 1.0, ..Default::default() };
    let branch = |spacing: Option<Spacing>, fork: Fork| schedule(&with(&ScheduleRequest { spacing, ..base.clone() }, &[fork]));
    let fork = Fork { t: 400, steps: Some(3), ..Fork::default() };
    assert_eq!(timesteps(&branch(None, fork)), [900, 800, 700, 600, 500, 400, 200, 0]);
    let own = branch(None, Fork { steps: Some(5), ..fork });
    assert_eq!(own.steps, schedule(&base).steps, "as many as the stem has left are the stem's");
    let more = branch(None, Fork { steps: Some(401), ..fork });
    assert_eq!(timesteps(&more)[5..], (0..=400).rev().collect::<Vec<_>>());
    // Noise of the path covers every time once, whatever the steps are.
    for run in [&own, &more, &branch(None, fork)] {
        let paths: Vec<_> = run.steps.iter().filter_map(|step| step.path).map(|path| (path.start, path.end)).collect();
        assert!(paths.windows(2).all(|pair| pair[0].0 == pair[1].1), "{paths:?}");
    }
    // The end stays the stem's: the last timestep, and what is past it.
    for spacing in
        [Spacing::Trailing, Spacing::Quadratic, Spacing::Leading, Spacing::Linspace, Spacing::List(vec![5, 90, 300, 410, 800])]
    {
        let stem = schedule(&ScheduleRequest { spacing: Some(spacing.clone()), ..base.clone() });
        let run = branch(Some(spacing.clone()), Fork { t: 400, steps: Some(4), ..Fork::default() });
        let (a, b) = (stem.steps.last().expect("some"), run.steps.last().expect("some"));
        assert_eq!((a.t, a.previous, a.alpha_bar_s), (b.t, b.previous, b.alpha_bar_s), "{spacing}");
        let start = stem.steps.iter().position(|step| step.t <= 400).expect("inside");
        assert_eq!(run.steps.len(), start + 4, "{spacing}");
        assert_eq!(run.steps[start].t, stem.steps[start].t, "the branch begins where x is");
    }
}

#[test]
fn forks_follow_one_another_and_a_timestep_between_two_steps_is_the_lower_one_s() {
    let base = ScheduleRequest { steps: 10, eta: 1.0, ..Default::default() };
    let forks = [Fork { t: 650, noise_seed: Some(1), ..Fork::default() }, Fork { t: 200, eta: Some(0.0), ..Fork::default() }];
    let run = schedule(&with(&base, &forks));
    let seeds: Vec<_> = run.steps.iter().map(|step| step.noise_seed).collect();
    assert_eq!(seeds, [[None; 3].as_slice(), &[Some(1); 7]].concat());
    assert!(run.steps[..7].iter().all(|step| step.sigma > 0.0) && run.steps[7..].iter().all(|step| step.sigma == 0.0));
    assert_eq!(run.notes, ["the fork at t = 650 is at the run's first timestep below it, t = 600"]);
}

#[test]
fn steps_with_seeds_of_their_own() {
    let base = ScheduleRequest { steps: 10, eta: 1.0, ..Default::default() };
    let forks = vec![Fork { t: 300, noise_seed: Some(1), ..Fork::default() }];
    let seeds = |list: &[StepSeed]| {
        let run = schedule(&ScheduleRequest { step_seeds: list.to_vec(), forks: forks.clone(), ..base.clone() });
        run.steps.iter().map(|step| step.noise_seed).collect::<Vec<_>>()
    };
    let (none, one) = (None, Some(1));
    assert_eq!(seeds(&[StepSeed::at(500, 9)]), [none, none, none, none, Some(9), none, one, one, one, one]);
    let all_before = StepSeed { from: 900, to: 300, seed: 3 };
    let three = Some(3);
    assert_eq!(seeds(&[all_before, StepSeed::at(800, 4)]), [three, Some(4), three, three, three, three, three, one, one, one]);
}

#[test]
fn what_cannot_be_is_refused_in_one_line() {
    let (config, base) = (SchedulerConfig::default(), ScheduleRequest { steps: 10, eta: 1.0, ..Default::default() });
    let fork = |fork: Fork| refusal(&config, &with(&base, &[fork]));
    assert!(fork(Fork { t: 901, noise_seed: Some(1), ..Fork::default() }).contains("fork: expected a timestep of the run"));
    assert!(fork(Fork { t: 400, steps: Some(402), ..Fork::default() }).contains("fork steps: expected 1 to 401"));
    for eta in [-0.1, 1.1, f64::NAN] {
        assert!(fork(Fork { t: 400, eta: Some(eta), ..Fork::default() }).contains("fork eta: expected a number from 0"));
    }
    let seeded = ScheduleRequest { step_seeds: vec![StepSeed::at(450, 1)], ..base.clone() };
    let message = refusal(&config, &seeded);
    assert!(message.contains("from 900 down to 0, got 450; the nearest is 500"), "{message}");
    let torch =
        ScheduleRequest { noise: Some(NoiseKind::Torch), ..with(&base, &[Fork { t: 1, noise_seed: Some(1), ..Fork::default() }]) };
    assert!(refusal(&config, &torch).contains("as one stream"));
}

#[test]
fn a_seed_without_noise_is_told_to_change_nothing() {
    let base = ScheduleRequest { steps: 10, eta: 0.0, ..Default::default() };
    let run = schedule(&with(&base, &[Fork { t: 500, noise_seed: Some(1), ..Fork::default() }]));
    assert_eq!(run.notes.len(), 1, "{:?}", run.notes);
    let noisy = schedule(&with(&base, &[Fork { t: 500, noise_seed: Some(1), eta: Some(1.0), ..Fork::default() }]));
    assert!(noisy.notes.is_empty());
}

#[test]
fn forks_of_another_run_are_moved_into_this_one() {
    let forks = [Fork { t: 980, steps: Some(45), ..Fork::default() }, Fork { t: 20, steps: Some(2), ..Fork::default() }];
    let asked = ScheduleRequest {
        steps: 3,
        step_seeds: vec![StepSeed::at(980, 1), StepSeed::at(666, 2)],
        ..with(&Default::default(), &forks)
    };
    let stem = schedule(&asked.stem());
    let fitted = asked.fitted(&stem.steps);
    assert_eq!(fitted.step_seeds, [StepSeed::at(666, 2)]);
    assert!(Schedule::new(&SchedulerConfig::default(), &fitted).is_ok(), "{fitted:?}");
    for steps in 1..60 {
        for spacing in [None, Some(Spacing::Quadratic), Some(Spacing::Trailing)] {
            let asked = ScheduleRequest { steps, spacing, ..with(&Default::default(), &forks) }.thinned(steps);
            let stem = schedule(&asked.stem());
            Schedule::new(&SchedulerConfig::default(), &asked.fitted(&stem.steps)).expect("fits");
        }
    }
}
