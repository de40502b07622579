//! The noise path: every z is a standard normal, independent of the other steps', images' and elements', whatever S and τ; the noise of
//! a long step is that of the short steps in its place, by the definition on the finest grid; and so the pictures of one seed come
//! closer as S grows, which with a fresh z per step they do not.

use etude::{
    backend::Backend,
    model::Model,
    noise::{PathInterval, STREAM_X_T, fill_nchw, fill_path_nchw},
    platform::block_on,
    program::Precision,
    sampler::{self, Flow, Reads, StepNoise},
    schedule::{NoiseKind, Preset, Schedule, ScheduleRequest, SchedulerConfig, Spacing, StepCoefficients},
};
use std::f64::consts::PI;

/// The steps of a run on the path.
fn steps(steps: usize, spacing: &str, preset: Preset) -> Vec<StepCoefficients> {
    let spacing = spacing.parse::<Spacing>().expect("a spacing");
    let request = ScheduleRequest {
        steps,
        eta: 1.0,
        spacing: Some(spacing),
        preset,
        noise: Some(NoiseKind::Path),
        ..ScheduleRequest::default()
    };
    Schedule::new(&SchedulerConfig::default(), &request).expect("a schedule").steps
}

/// z of image `image` over an interval, `count` C4 of it.
fn z(seed: u64, image: u32, interval: PathInterval, count: u32) -> Vec<f64> {
    let mut pixels = vec![0.0; 4 * count as usize];
    fill_path_nchw(seed, image, interval, 4, 1, count as usize, &mut pixels);
    // From four planes to the order of the counters.
    (0..count as usize)
        .flat_map(|c4| (0..4).map(move |channel| channel * count as usize + c4))
        .map(|i| f64::from(pixels[i]))
        .collect()
}

fn correlation(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>() / a.len().min(b.len()) as f64
}

/// Φ by the series around 0: enough for values below 6.
fn normal_cdf(x: f64) -> f64 {
    let (mut term, mut sum) = (x, x);
    for k in 1..100 {
        term *= x * x / f64::from(2 * k + 1);
        sum += term;
    }
    0.5 + (-0.5 * x * x).exp() / (2.0 * PI).sqrt() * sum
}

/// The runs that are looked at: S and τ of each preset, a list made by hand, few steps and all.
fn runs() -> Vec<(String, Vec<StepCoefficients>)> {
    let cases = [
        (10, "linear", Preset::Etude),
        (50, "linear", Preset::Etude),
        (13, "linear", Preset::Official),
        (50, "quadratic", Preset::Official),
        (20, "quadratic", Preset::Etude),
        (7, "trailing", Preset::Diffusers),
        (9, "linspace", Preset::Diffusers),
        (30, "leading", Preset::Diffusers),
        (0, "3,4,5,100,511,512,513,900", Preset::Etude),
    ];
    let named =
        |(s, spacing, preset): (usize, &str, Preset)| (format!("S = {s}, τ {spacing}, {preset}"), steps(s, spacing, preset));
    cases.into_iter().map(named).collect()
}

#[test]
fn each_z_is_a_standard_normal() {
    for (name, steps) in runs() {
        let intervals: Vec<_> = steps.iter().filter_map(|step| step.path).collect();
        // As many draws of the whole run as are 200 000, of three steps of it.
        for interval in [intervals[0], intervals[intervals.len() / 2], intervals[intervals.len() - 1]] {
            let mut x = z(17, 3, interval, 50_000);
            let n = x.len() as f64;
            // Five standard errors each: the moments' variances over n are 1, 2, 15 and 96.
            for (power, expected, variance) in [(1, 0.0, 1.0), (2, 1.0, 2.0), (3, 0.0, 15.0), (4, 3.0, 96.0)] {
                let moment = x.iter().map(|v| v.powi(power)).sum::<f64>() / n;
                let bound = 5.0 * f64::sqrt(variance / n);
                assert!((moment - expected).abs() < bound, "{name}, {interval:?}: moment {power} is {moment}");
            }
            // Kolmogorov–Smirnov: below 1.95/√n in all but one of a thousand; seeds are fixed.
            x.sort_by(f64::total_cmp);
            let distance = |(i, v): (usize, &f64)| (normal_cdf(*v) - (i as f64 + 0.5) / n).abs();
            let distance = x.iter().enumerate().map(distance).fold(0.0, f64::max);
            assert!(distance < 1.95 / n.sqrt(), "{name}, {interval:?}: distance {distance:e}");
        }
    }
}

#[test]
fn steps_images_and_elements_are_independent() {
    for (name, steps) in runs() {
        let intervals: Vec<_> = steps.iter().filter_map(|step| step.path).collect();
        assert!(intervals.windows(2).all(|w| w[1].end <= w[0].start), "{name}: {intervals:?}");
        let draws: Vec<Vec<f64>> = intervals.iter().map(|interval| z(5, 0, *interval, 2500)).collect();
        let n = draws[0].len() as f64;
        // Of all pairs of a run one is off by five standard errors once in a thousand times.
        for (i, a) in draws.iter().enumerate() {
            for (j, b) in draws[..i].iter().enumerate() {
                let correlation = correlation(a, b);
                assert!(correlation.abs() < 5.0 / n.sqrt(), "{name}: steps {j} and {i} correlate by {correlation}");
                // Nor do their sizes: squares of normals have the variance 2, so the products of two have 4, and long tails.
                let squares = a.iter().zip(b).map(|(a, b)| (a * a - 1.0) * (b * b - 1.0)).sum::<f64>() / n;
                assert!(squares.abs() < 15.0 / n.sqrt(), "{name}: squares of steps {j} and {i} correlate by {squares}");
            }
        }
        let others = [
            ("image", z(5, 1, intervals[0], 2500)),
            ("seed", z(6, 0, intervals[0], 2500)),
            ("next channel", draws[0][1..].to_vec()),
            ("next C4", draws[0][4..].to_vec()),
        ];
        for (what, other) in others {
            let correlation = correlation(&draws[0], &other);
            assert!(correlation.abs() < 5.0 / n.sqrt(), "{name}: another {what} correlates by {correlation}");
        }
    }
}

/// The definition: W on the finest grid is the sum of the increments of all 1000 steps, each √1 z, and z of a coarse step from t to s
/// is (W(t) − W(s))/√(t − s) there. Each fine z and the coarse one are sums of at most 21 products in f32, each off by less than
/// 2⁻²³ of a term of at most 5.77 times its weight; over the whole interval such errors add up at random to far less than
/// 21 · 5.77 · 2⁻²³ = 1.5e-5, which is the bound.
#[test]
fn a_long_step_is_the_sum_of_the_short_ones() {
    let fine: Vec<Vec<f64>> =
        (0..1000).map(|t: u32| z(9, 2, PathInterval::between(t.checked_sub(1), t, 1000).expect("rising"), 8)).collect();
    for (name, steps) in runs() {
        for interval in steps.iter().filter_map(|step| step.path) {
            let got = z(9, 2, interval, 8);
            let length = f64::from(interval.end - interval.start);
            for (element, got) in got.iter().enumerate() {
                let sum: f64 = (interval.start..interval.end).map(|at| fine[at as usize][element]).sum();
                let expected = sum / length.sqrt();
                assert!((got - expected).abs() < 1.5e-5, "{name}, {interval:?}, element {element}: {got} for {expected}");
            }
        }
    }
}

/// A step down to s, or to data, takes the time up to there; where no noise is added none is drawn; and the presets differ.
#[test]
fn steps_have_the_intervals_of_their_time() {
    let all = steps(10, "linear", Preset::Etude);
    let interval =
        |i: u32| (i > 0).then_some(PathInterval { start: (100 * i + 1).saturating_sub(100), end: 100 * i + 1, span: 1024 });
    let expected: Vec<_> = (0..10).rev().map(interval).collect();
    assert_eq!(all.iter().map(|step| step.path).collect::<Vec<_>>(), expected);
    let config = SchedulerConfig::default();
    let of = |request: ScheduleRequest| Schedule::new(&config, &request).expect("a schedule").steps;
    for preset in [Preset::Etude, Preset::Official, Preset::Diffusers] {
        let steps = of(ScheduleRequest { preset, eta: 1.0, steps: 10, ..ScheduleRequest::default() });
        assert_eq!(steps[0].path.is_some(), preset == Preset::Etude, "{preset}");
        for noise in [NoiseKind::Path, NoiseKind::Step] {
            let steps = of(ScheduleRequest { preset, eta: 0.5, steps: 10, noise: Some(noise), ..ScheduleRequest::default() });
            assert_eq!(steps[0].path.is_some(), noise == NoiseKind::Path, "{preset} {noise}");
            assert_eq!(noise.to_string().parse::<NoiseKind>().ok(), Some(noise));
        }
    }
    assert!(of(ScheduleRequest::default()).iter().all(|step| step.path.is_none()), "η = 0 draws none");
    let sigma_hat = of(ScheduleRequest { sigma_hat: true, steps: 10, ..ScheduleRequest::default() });
    assert_eq!(sigma_hat.iter().map(|step| step.path).collect::<Vec<_>>(), expected);
}

/// The last x of `images` pictures of fashion at η = 1 in S steps, within ±1.
fn pictures(steps: usize, noise: NoiseKind, images: u32) -> Vec<f64> {
    let model = Model::find("fashion").expect("shipped");
    let config = model.scheduler.clone().unwrap_or_default();
    let request = ScheduleRequest { steps, eta: 1.0, clip: Some(true), noise: Some(noise), ..ScheduleRequest::default() };
    let schedule = Schedule::new(&config, &request).expect("a schedule");
    let (program, handles, _) = Backend::Cpu.record(&model, images, (32, 32), steps as u32, Precision::F32).expect("recorded");
    let mut executor = Backend::Cpu.executor(program, Precision::F32).expect("an executor");
    let mut x_t = vec![0.0; images as usize * 1024];
    for (image, x) in (0..).zip(x_t.chunks_exact_mut(1024)) {
        fill_nchw(1, STREAM_X_T, image, 0, 1, 32, 32, x);
    }
    let mut on_step = |_: usize, _: &_| Ok(Flow::Continue);
    let noise = StepNoise::Seed(2);
    let reads = |_| Reads::default();
    let x = block_on(sampler::run(
        executor.as_mut(),
        &handles,
        &schedule.steps,
        &x_t,
        noise,
        0,
        sampler::Classes::default(),
        &reads,
        &mut on_step,
    ));
    x.expect("sampled").into_iter().map(|v| f64::from(v.clamp(-1.0, 1.0))).collect()
}

/// With a fresh z per step another S is another picture, as far away as any; on the path it is the same one drawn more finely. The median
/// over the pictures says so whatever a single one does, which a small change may turn into another picture.
#[test]
fn more_steps_draw_the_same_picture() {
    let median = |a: &[f64], b: &[f64]| {
        let squares =
            a.chunks_exact(1024).zip(b.chunks_exact(1024)).map(|(a, b)| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>());
        let mut distances: Vec<f64> = squares.map(|sum| (sum / 1024.0).sqrt()).collect();
        distances.sort_by(f64::total_cmp);
        println!("{distances:.3?}");
        distances[distances.len() / 2]
    };
    let [path, step] = [NoiseKind::Path, NoiseKind::Step].map(|noise| {
        let made = [5, 10, 20, 40].map(|steps| pictures(steps, noise, 7));
        [median(&made[0], &made[1]), median(&made[2], &made[3])]
    });
    println!("S = 5 to 10, 20 to 40: path {path:?}, step {step:?}");
    assert!(path[1] < 0.8 * path[0], "the distance shrinks with S: {path:?}");
    assert!(path[1] < 0.5 * step[1], "path {path:?}, step {step:?}");
    assert!(step[1] > 0.8 * step[0], "with a fresh z it does not: {step:?}");
}
