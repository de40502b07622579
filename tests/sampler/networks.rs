//! Runs of recorded networks on every backend.

use super::*;

/// The fixtures' trained network of 8x8 pictures of one channel.
fn tiny() -> Model {
    Model::open(&fixture("trajectories/model")).unwrap_or_else(|e| panic!("{e}"))
}

fn embedded() -> Model {
    Model::find("fashion").unwrap_or_else(|e| panic!("{e}"))
}

/// A model recorded for a number of images.
struct Sampler {
    executor: Box<dyn Executor>,
    handles: Handles,
    shape: Shape,
}

impl Sampler {
    fn new(model: &Model, backend: &Backend, images: u32, rows: u32) -> Self {
        let (height, width) = model.sample_size();
        let (program, handles) = model.record(images, height, width, rows).unwrap_or_else(|e| panic!("{e}"));
        let shape = program.shape(handles.x);
        let executor = backend.executor(Arc::new(program), Precision::F32).unwrap_or_else(|e| panic!("{e}"));
        Self { executor, handles, shape }
    }

    /// Pictures of the images from `first` on.
    fn sample(&mut self, steps: &[StepCoefficients], seed: u64, first: u32) -> Vec<f32> {
        let x = x_t(seed, first, self.shape);
        self.run(steps, &x, StepNoise::Seed(seed), first, &mut |_, _| Ok(Flow::Continue)).unwrap_or_else(|e| panic!("{e}"))
    }

    fn run(
        &mut self,
        steps: &[StepCoefficients],
        x: &[f32],
        noise: StepNoise,
        first: u32,
        on_step: &mut dyn FnMut(usize, &StepTensors) -> Result<Flow>,
    ) -> Result<Vec<f32>> {
        let reads = |_| Reads::default();
        block_on(sampler::run(
            self.executor.as_mut(),
            &self.handles,
            steps,
            x,
            noise,
            first,
            sampler::Classes::default(),
            &reads,
            on_step,
        ))
    }
}

/// On one executor twice, with another run between, and on another executor: no bit differs.
#[test]
fn same_recipe_same_bytes() {
    let check = |name: &str, backend: &Backend, model: &Model, steps: &[StepCoefficients]| {
        let mut sampler = Sampler::new(model, backend, 2, steps.len() as u32);
        let first = sampler.sample(steps, 5, 0);
        assert_ne!(first, sampler.sample(steps, 6, 0), "{name} {}: the seed matters", model.name);
        assert_eq!(bits(&first), bits(&sampler.sample(steps, 5, 0)), "{name} {}: the same executor", model.name);
        let elsewhere = Sampler::new(model, backend, 2, steps.len() as u32).sample(steps, 5, 0);
        assert_eq!(bits(&first), bits(&elsewhere), "{name} {}: another executor", model.name);
    };
    for (name, backend) in backends() {
        check(&name, &backend, &tiny(), &schedule(&request(10, 0.7)));
    }
    check("cpu", &Backend::Cpu, &embedded(), &schedule(&request(2, 0.7)));
}

/// Nor does a bit differ with the number of cores: whichever of them computes an element adds its terms in the same order.
#[test]
fn same_bytes_with_any_number_of_cores() {
    for (model, steps, images) in [(tiny(), 5, 3), (embedded(), 2, 1)] {
        let steps = schedule(&request(steps, 0.7));
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a few threads");
            pool.install(|| Sampler::new(&model, &Backend::Cpu, images, steps.len() as u32).sample(&steps, 5, 0))
        };
        let expected = run(1);
        for threads in [2, 3, 8] {
            assert_close(&run(threads), &expected, Tolerance::EXACT, &format!("{} with {threads} threads", model.name));
        }
    }
}

/// Every image of a batch, and each alone.
#[test]
fn an_image_does_not_depend_on_its_batch() {
    let check = |name: &str, backend: &Backend, model: &Model, steps: usize, images: u32| {
        let tolerance = match backend {
            Backend::Cpu => Tolerance::EXACT,
            Backend::Gpu(_) => Tolerance::new(1e-5, "other tiles for other sizes, whose products a compiler may fuse differently"),
        };
        let steps = schedule(&request(steps, 1.0));
        let batch = Sampler::new(model, backend, images, 10).sample(&steps, 2, 0);
        let mut alone = Sampler::new(model, backend, 1, 10);
        for (k, image) in batch.chunks_exact(batch.len() / images as usize).enumerate() {
            let what = format!("{name} {} image {k}", model.name);
            let distance =
                tolerance.check(&alone.sample(&steps, 2, k as u32), image, &what).unwrap_or_else(|text| panic!("{text}"));
            println!("{distance:.2e} {what}");
        }
    };
    for (name, backend) in backends() {
        check(&name, &backend, &tiny(), 10, 5);
    }
    check("cpu", &Backend::Cpu, &embedded(), 2, 2);
}

/// 80 images are a step of 57 GFLOP: the device gets it in more than one submission.
#[test]
fn a_long_step_is_the_same_in_parts() {
    let (name, backend) = &backends()[1];
    let (model, steps) = (embedded(), schedule(&request(1, 0.0)));
    let batch = Sampler::new(&model, backend, 80, 1).sample(&steps, 2, 0);
    let mut alone = Sampler::new(&model, backend, 1, 1);
    let tolerance = Tolerance::new(1e-5, "other tiles for other sizes, whose products a compiler may fuse differently");
    for k in [0, 79] {
        let image = batch.chunks_exact(batch.len() / 80).nth(k).expect("an image");
        let what = format!("{name} image {k}");
        tolerance.check(&alone.sample(&steps, 2, k as u32), image, &what).unwrap_or_else(|text| panic!("{text}"));
    }
}

#[test]
fn gpu_and_cpu_agree() {
    for (model, steps, images, etas) in [(tiny(), 10, 3, &[0.0, 1.0][..]), (embedded(), 2, 1, &[1.0])] {
        for eta in etas {
            let steps = schedule(&request(steps, *eta));
            let run = |backend: &Backend| Sampler::new(&model, backend, images, steps.len() as u32).sample(&steps, 4, 7);
            let expected = run(&Backend::Cpu);
            for (name, backend) in &backends()[1..] {
                let what = format!("{name} {} eta = {eta}", model.name);
                let tolerance = Tolerance::new(2e-5, "f32 roundings of every layer in another order, through every step");
                let distance = tolerance.check(&run(backend), &expected, &what).unwrap_or_else(|text| panic!("{text}"));
                println!("{distance:.2e} {what}");
            }
        }
    }
}

#[test]
fn a_run_that_is_stopped_stops_and_leaves_no_trace() {
    let (model, steps) = (tiny(), schedule(&request(10, 1.0)));
    for (name, backend) in backends() {
        let mut sampler = Sampler::new(&model, &backend, 2, 10);
        let expected = sampler.sample(&steps, 8, 0);
        for stop_at in [0, 4, 9] {
            let (x, mut seen) = (x_t(99, 0, sampler.shape), 0);
            let stopped = sampler.run(&steps, &x, StepNoise::Seed(99), 0, &mut |index, _| {
                seen += 1;
                Ok(if index == stop_at { Flow::Stop } else { Flow::Continue })
            });
            assert!(matches!(stopped, Err(Error::Cancelled)), "{name}: expected a cancelled run, got {stopped:?}");
            assert_eq!(seen, stop_at + 1, "{name}: no step after the one that stopped");
            assert_eq!(bits(&sampler.sample(&steps, 8, 0)), bits(&expected), "{name}: the next run is right");
        }
        // What goes wrong in the callback comes out as it is.
        let x = x_t(99, 0, sampler.shape);
        let failed = sampler.run(&steps, &x, StepNoise::Seed(99), 0, &mut |_, _| Err(Error::argument("the disk is full")));
        assert_eq!(failed.expect_err("the callback's error").to_string(), "the disk is full");
        assert_eq!(bits(&sampler.sample(&steps, 8, 0)), bits(&expected), "{name}: the next run is right");
    }
}

/// The seed's noise and the same noise given are the same run.
#[test]
fn given_noise_is_the_seeds_noise() {
    for (kind, (name, backend)) in
        [NoiseKind::Step, NoiseKind::Path].into_iter().flat_map(|kind| backends().into_iter().map(move |b| (kind, b)))
    {
        let (model, steps) = (tiny(), schedule(&ScheduleRequest { noise: Some(kind), ..request(10, 1.0) }));
        let mut sampler = Sampler::new(&model, &backend, 2, 10);
        let expected = sampler.sample(&steps, 3, 4);
        let z: Vec<f32> = (0..).zip(&steps).flat_map(|(k, step)| noise_of(step, 3, 4, k, sampler.shape)).collect();
        let x = x_t(3, 4, sampler.shape);
        let got =
            sampler.run(&steps, &x, StepNoise::Given(&z), 0, &mut |_, _| Ok(Flow::Continue)).unwrap_or_else(|e| panic!("{e}"));
        // The adapter's normals differ from the CPU's by an ulp of their square root.
        assert_close(&got, &expected, Tolerance::new(1e-5, "an ulp of noise a step, through the network"), &name);
    }
}

/// Encoding at η = 0 asks the network at the step's source, decoding at its target: the two meet as S grows. Blobs as the network
/// was trained on; the mean squared error is that of pictures in [0, 1], as in the paper's Table 2.
#[test]
fn an_encoded_picture_comes_back() {
    let file = Weights::open(&fixture("trajectories/encode_etude_source_10.safetensors")).unwrap_or_else(|e| panic!("{e}"));
    let picture = file.floats("x_T").unwrap_or_else(|e| panic!("{e}"));
    let config = SchedulerConfig::default();
    let mut sampler = Sampler::new(&tiny(), &Backend::Cpu, 2, 1000);
    let mut errors = Vec::new();
    for steps in [10, 50, 200, 1000] {
        let up = Schedule::encode(&config, steps, None, EncodeAt::Source, Preset::Etude).unwrap_or_else(|e| panic!("{e}")).steps;
        let mut run = |steps: &[StepCoefficients], x: &[f32]| {
            sampler.run(steps, x, StepNoise::Seed(0), 0, &mut |_, _| Ok(Flow::Continue)).unwrap_or_else(|e| panic!("{e}"))
        };
        let latent = run(&up, &picture);
        let back = run(&schedule(&request(steps, 0.0)), &latent);
        let squares = back.iter().zip(&picture).map(|(a, b)| f64::from(a - b).powi(2) / 4.0).sum::<f64>();
        errors.push(squares / picture.len() as f64);
    }
    println!("mean squared errors with 10, 50, 200, 1000 steps: {errors:?}");
    assert!(errors.is_sorted_by(|a, b| a > b), "{errors:?}");
    assert!(errors[3] < 1e-4, "{errors:?}");
}

#[test]
fn what_does_not_fit_is_refused() {
    let mut sampler = Sampler::new(&tiny(), &Backend::Cpu, 2, 4);
    let steps = schedule(&request(5, 1.0));
    let x = Random::new(0).normals(128);
    let mut run = |steps: &[StepCoefficients], x: &[f32], noise: StepNoise| {
        let refused = sampler.run(steps, x, noise, 0, &mut |_, _| panic!("a step of a run that should be refused"));
        refused.expect_err("a refusal").to_string()
    };
    assert_eq!(run(&steps, &x, StepNoise::Seed(0)), "expected at most 4 timesteps for this program, got 5");
    assert_eq!(run(&steps[..4], &x, StepNoise::Given(&[0.0; 511])), "expected noise of 4 steps x 128 values, got 511");
    assert_eq!(run(&steps[..4], &x[1..], StepNoise::Seed(0)), "expected 128 values for a latent of [2,8,8,1], got 127");
}
