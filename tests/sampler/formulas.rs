//! Runs of networks that are formulas, against their closed forms.

use super::*;

/// ε = network(x, t), elementwise; everything else is the inner executor's.
struct Toy<F> {
    inner: Box<dyn Executor>,
    handles: Handles,
    network: F,
}

impl<F: Fn(f32, f32) -> f32 + Send> Toy<F> {
    fn new(backend: &Backend, shape: Shape, rows: u32, network: F) -> Self {
        let mut program = Program::new();
        let state = |p: &mut Program, name: &str, shape, element| p.tensor(name, shape, element, Life::State);
        let [x, epsilon, noise, x0] = ["x", "epsilon", "noise", "x0"].map(|name| state(&mut program, name, shape, Element::F32));
        let timesteps = state(&mut program, "timesteps", Shape::rows(rows, 1), Element::F32);
        let threshold = state(&mut program, "threshold", Shape::rows(shape.batch, 1), Element::F32);
        let members = state(&mut program, "members", Shape::rows(shape.batch, 4), Element::Words4);
        program.call(Stage::Noise, "noise", Kernel::Gaussian(Gaussian { members, output: noise }));
        program.call(Stage::Threshold, "threshold", Kernel::Quantile(Quantile { x, model: epsilon, threshold }));
        program.call(Stage::Update, "ddim_step", Kernel::DdimStep(DdimStep { model: epsilon, noise, threshold, x, x0 }));
        let inner = backend.executor(Arc::new(program), Precision::F32).unwrap_or_else(|e| panic!("{e}"));
        Self { inner, handles: Handles { timesteps, x, epsilon, members, conditional: false, noise, x0, pixels: None }, network }
    }
}

impl<F: Fn(f32, f32) -> f32 + Send> Executor for Toy<F> {
    fn device(&self) -> &DeviceInfo {
        self.inner.device()
    }

    fn program(&self) -> &Program {
        self.inner.program()
    }

    fn write(&mut self, tensor: TensorId, values: &[f32]) -> Result<()> {
        self.inner.write(tensor, values)
    }

    fn write_words(&mut self, tensor: TensorId, words: &[u32]) -> Result<()> {
        self.inner.write_words(tensor, words)
    }

    fn runs_ahead(&self) -> bool {
        self.inner.runs_ahead()
    }

    fn submit(&mut self, stages: &[Stage], step: &StepParams, reads: &[TensorId]) -> Result<Ticket> {
        for stage in stages {
            if *stage == Stage::Network {
                let t = block_on(self.inner.read(self.handles.timesteps))?[step.row_base as usize * 4];
                let x = block_on(self.inner.read(self.handles.x))?;
                self.inner.write(self.handles.epsilon, &x.into_iter().map(|x| (self.network)(x, t)).collect::<Vec<_>>())?;
            } else {
                drop(self.inner.submit(&[*stage], step, &[])?);
            }
        }
        self.inner.submit(&[], step, reads)
    }

    fn collect(&mut self, ticket: Ticket) -> BoxFuture<'_, Result<Vec<Vec<f32>>>> {
        self.inner.collect(ticket)
    }

    fn trace<'a>(&'a mut self, stages: &'a [Stage], step: &'a StepParams) -> BoxFuture<'a, Result<Vec<Vec<f32>>>> {
        self.inner.trace(stages, step)
    }
}

/// x before the first step and after each, and x0 of each.
struct Recorded {
    x: Vec<Vec<f32>>,
    x0: Vec<Vec<f32>>,
}

fn record(
    executor: &mut dyn Executor,
    handles: &Handles,
    steps: &[StepCoefficients],
    x: &[f32],
    noise: StepNoise,
    first: u32,
) -> Recorded {
    let mut recorded = Recorded { x: vec![x.to_vec()], x0: Vec::new() };
    let mut on_step = |index: usize, tensors: &StepTensors| {
        assert_eq!(index, recorded.x0.len());
        recorded.x.push(tensors.x.clone());
        recorded.x0.push(tensors.x0.clone());
        Ok(Flow::Continue)
    };
    let last = block_on(sampler::run(
        executor,
        handles,
        steps,
        x,
        noise,
        first,
        sampler::Classes::default(),
        &|_| Reads::PICTURES,
        &mut on_step,
    ));
    assert_eq!(recorded.x.last(), Some(&last.unwrap_or_else(|e| panic!("{e}"))));
    assert_eq!(recorded.x0.len(), steps.len());
    recorded
}

/// The run that diffusers' own tests make: x = 0/768 … 767/768, ε = x·t/(t+1), S = 10, η = 0. Σ|x| is published for f32 schedules,
/// which take it 1.1e-6 away from f64's; our steps' f32 roundings are of that size.
#[test]
fn toy_runs_of_diffusers_and_of_the_official_code() {
    let json = std::fs::read(fixture("scheduler.json")).expect("scheduler.json");
    let json: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
    let runs = json["toy"].as_array().expect("toy runs");
    assert_eq!(runs.len(), 3);
    for (name, backend) in backends() {
        let mut toy = Toy::new(&backend, Shape::new(1, 16, 16, 3), 10, |x, t| x * t / (t + 1.0));
        let handles = toy.handles;
        let x: Vec<f32> = (0..768).map(|i| i as f32 / 768.0).collect();
        for run in runs {
            let text = |key: &str| run[key].as_str().unwrap_or_else(|| panic!("no {key} in {run}"));
            let preset: Preset = text("preset").parse().expect("a preset");
            let spacing: Spacing = text("tau").parse().expect("a spacing");
            let steps = schedule(&ScheduleRequest { preset, spacing: Some(spacing), ..request(10, 0.0) });
            assert_eq!(steps[0].clip.is_some(), run["clip"] == true);
            let recorded = record(&mut toy, &handles, &steps, &x, StepNoise::Seed(0), 0);
            let sum: f64 = recorded.x[10].iter().map(|v| f64::from(*v).abs()).sum();
            let expected = run["sum_abs"].as_f64().expect("a number");
            println!("{name} {run}: {sum}");
            assert!((sum - expected).abs() <= 3e-6 * expected, "{name} {run}: got {sum}");
        }
    }
}

/// For data x0 ~ N(0, s²) the best prediction is ε = √(1−ᾱ)/v · x with v = ᾱ s² + 1 − ᾱ, the variance of x_t, so that every step
/// multiplies x by a number, plus noise.
struct GaussianData {
    s: f64,
    alpha_bar: Vec<f64>,
}

impl GaussianData {
    fn new(s: f64) -> Self {
        Self { s, alpha_bar: alpha_bar(&SchedulerConfig::default()).expect("the default") }
    }

    fn variance(&self, a: f64) -> f64 {
        a * self.s * self.s + 1.0 - a
    }

    fn network(&self) -> impl Fn(f32, f32) -> f32 + Send + use<> {
        let factors: Vec<f32> = self.alpha_bar.iter().map(|a| ((1.0 - a).sqrt() / self.variance(*a)) as f32).collect();
        move |x, t| factors[t as usize] * x
    }

    /// What Eq. 12 multiplies x with, and σ.
    fn step(&self, step: &StepCoefficients, eta: f64) -> (f64, f64) {
        let level = |t: Option<u32>| t.map_or(1.0, |t| self.alpha_bar[t as usize]);
        let (t, s) = (level(Some(step.t)), level(step.previous));
        let sigma = eta * ((1.0 - s) / (1.0 - t) * (1.0 - t / s)).sqrt();
        let (x0, epsilon) = (t.sqrt() * self.s * self.s / self.variance(t), (1.0 - t).sqrt() / self.variance(t));
        (s.sqrt() * x0 + (1.0 - s - sigma * sigma).max(0.0).sqrt() * epsilon, sigma)
    }
}

/// x_s = r·x_t + σ z, step by step, from N(0, 1) to N(0, s²).
///
/// At η = 0, with u_t = (√ᾱt s, √(1−ᾱt)), of length √v_t: r = u_s·u_t/|u_t|², which is |u_s|/|u_t| times the cosine of the angle
/// between the two. Over a whole run the lengths leave s/√v_T, the exact answer, and the cosines of S small angles, which add up
/// to a quarter turn, go to 1 as 1/S does.
#[test]
fn gaussian_data_step_by_step() {
    // x0 = (x − √(1−ᾱ) ε)/√ᾱ cancels where ᾱ is small, but what is left of x0 in x_s is as small.
    let tolerance = Tolerance::new(5e-7, "three products and sums of about x's size, in f32 with coefficients in f32");
    let shape = Shape::new(2, 12, 11, 3);
    for (name, backend) in backends() {
        let cases =
            [(0.5, 0.0, NoiseKind::Path), (0.5, 1.0, NoiseKind::Step), (0.5, 1.0, NoiseKind::Path), (2.0, 0.4, NoiseKind::Path)];
        for (s, eta, noise) in cases {
            let data = GaussianData::new(s);
            let mut toy = Toy::new(&backend, shape, 100, data.network());
            let handles = toy.handles;
            let steps = schedule(&ScheduleRequest { noise: Some(noise), ..request(100, eta) });
            let recorded = record(&mut toy, &handles, &steps, &x_t(3, 6, shape), StepNoise::Seed(3), 6);
            for (k, step) in steps.iter().enumerate() {
                let (r, sigma) = data.step(step, eta);
                let z = noise_of(step, 3, 6, k as u32, shape);
                let expected = |(x, z): (&f32, &f32)| (r * f64::from(*x) + sigma * f64::from(*z)) as f32;
                let expected: Vec<f32> = recorded.x[k].iter().zip(&z).map(expected).collect();
                assert_close(&recorded.x[k + 1], &expected, tolerance, &format!("{name} s = {s} eta = {eta} step {k}"));
                // E[x0 | x] = √ᾱ s²/v · x, whose error in f32 is that of x divided by √ᾱ.
                let a = data.alpha_bar[step.t as usize];
                let scaled: Vec<f32> = recorded.x0[k].iter().map(|v| v * a.sqrt() as f32).collect();
                let expected: Vec<f32> = recorded.x[k].iter().map(|x| (a * s * s / data.variance(a)) as f32 * x).collect();
                let largest = |of: &[f32]| of.iter().fold(0.0_f32, |most, v| most.max(v.abs()));
                let relative = 2.5e-7 * largest(&recorded.x[k]) / largest(&expected);
                assert_close(
                    &scaled,
                    &expected,
                    Tolerance::new(relative, "two roundings of x's size"),
                    &format!("{name} x0 of step {k}"),
                );
            }
        }
    }
}

#[test]
fn gaussian_data_becomes_exact_with_many_steps() {
    let data = GaussianData::new(0.5);
    let shape = Shape::new(1, 4, 4, 4);
    let mut toy = Toy::new(&Backend::Cpu, shape, 1000, data.network());
    let handles = toy.handles;
    let x = x_t(0, 0, shape);
    let mut short_by = Vec::new();
    for steps in [10, 100, 1000] {
        let steps = schedule(&request(steps, 0.0));
        let got = record(&mut toy, &handles, &steps, &x, StepNoise::Seed(0), 0).x.pop().expect("the last x");
        let v_t = data.variance(data.alpha_bar[steps[0].t as usize]);
        let angle = |t: Option<u32>| {
            t.map_or(0.0, |t| {
                let a = data.alpha_bar[t as usize];
                (1.0 - a).sqrt().atan2(a.sqrt() * data.s)
            })
        };
        let cosines: f64 = steps.iter().map(|step| (angle(Some(step.t)) - angle(step.previous)).cos()).product();
        let factor = data.s / v_t.sqrt() * cosines;
        let expected: Vec<f32> = x.iter().map(|x| (f64::from(*x) * factor) as f32).collect();
        // Every step rounds by a few 2^-25; their errors are as good as independent.
        assert_close(
            &got,
            &expected,
            Tolerance::new(1e-5, "1000 steps of 2e-7 each, independent"),
            &format!("{} steps", steps.len()),
        );
        short_by.push(1.0 - cosines);
    }
    println!("short of s by {short_by:?} with 10, 100, 1000 steps");
    assert!(short_by[1] < short_by[0] / 5.0 && short_by[2] < short_by[1] / 5.0 && short_by[2] < 4e-3, "{short_by:?}");
}

/// With η = 1, s = 1 and 65536 values: the variance after each step against the recursion r² v + σ², within five standard errors of
/// √(2/n), and the steps' noise uncorrelated with what was there before.
#[test]
fn noise_has_the_variance_it_should() {
    let data = GaussianData::new(1.0);
    let shape = Shape::new(4, 64, 64, 4);
    let mut toy = Toy::new(&Backend::Cpu, shape, 20, data.network());
    let handles = toy.handles;
    let steps = schedule(&request(20, 1.0));
    let recorded = record(&mut toy, &handles, &steps, &x_t(9, 0, shape), StepNoise::Seed(9), 0);
    let n = recorded.x[0].len() as f64;
    let mean_product = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>() / n;
    let mut variance = 1.0;
    for (k, step) in steps.iter().enumerate() {
        let (r, sigma) = data.step(step, 1.0);
        variance = r * r * variance + sigma * sigma;
        let (before, after) = (&recorded.x[k], &recorded.x[k + 1]);
        let got = mean_product(after, after);
        assert!((got / variance - 1.0).abs() < 5.0 * (2.0 / n).sqrt(), "step {k}: expected a variance of {variance}, got {got}");
        let fresh: Vec<f32> = after.iter().zip(before).map(|(a, b)| a - (r * f64::from(*b)) as f32).collect();
        let bound = 5.0 * sigma.max(1e-9) * variance.max(1.0).sqrt() / n.sqrt();
        let correlation = mean_product(&fresh, before);
        assert!(correlation.abs() < bound + 1e-6, "step {k}: its noise correlates with x by {correlation}");
    }
}

/// ε = 0 leaves only noise: z of image 5 is the same whether 5 is the sixth of six or the first of one, on any device.
#[test]
fn noise_knows_its_image_not_its_batch() {
    let steps = schedule(&request(3, 1.0));
    for (name, backend) in backends() {
        let run = |first: u32, images: u32| {
            let shape = Shape::new(images, 5, 7, 3);
            let mut toy = Toy::new(&backend, shape, 3, |_, _| 0.0);
            let handles = toy.handles;
            let x =
                record(&mut toy, &handles, &steps, &x_t(1, first, shape), StepNoise::Seed(1), first).x.pop().expect("the last x");
            bits(&x)
        };
        let (all, image_len) = (run(0, 6), 5 * 7 * 3);
        assert_eq!(all[5 * image_len..], run(5, 1), "{name}: image 5 alone");
        assert_eq!(all[2 * image_len..5 * image_len], run(2, 3), "{name}: images 2 to 4");
        assert_ne!(all[..image_len], all[image_len..2 * image_len], "{name}: two images");
    }
}
