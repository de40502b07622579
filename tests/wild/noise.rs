//! Noise as torch draws it: what DDIMPipeline and DDPMPipeline take from one generator. diffusers#1222, PR#1924.

use etude::{
    backend::Backend,
    engine::{Engine, Run},
    model::Model,
    noise::torch::{TorchDraws, TorchGenerator},
    platform::block_on,
    program::Precision,
    sampler::{Classes, Flow, Reads, StepNoise},
    schedule::{NoiseKind, Preset, Schedule, ScheduleRequest},
    weights::Weights,
};
use std::{ops::Range, path::PathBuf, sync::Arc};

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// Whole blocks of 16, a tail that is redrawn, and fewer than 16, where the second of a pair is kept for the next draw.
#[test]
fn any_part_of_any_draw_is_that_of_the_stream() {
    for numbers in [1, 5, 12, 15, 16, 17, 31, 48, 100, 1300] {
        let mut generator = TorchGenerator::new(5);
        let stream: Vec<Vec<f32>> = (0..4).map(|_| generator.randn(numbers)).collect();
        let draws = TorchDraws::new(5, numbers);
        // Rising, again, and back.
        for draw in [0, 1, 1, 3, 2, 0] {
            for range in [0..numbers, 0..numbers / 2, numbers / 3..numbers, numbers - 1..numbers, 0..1, numbers / 2..numbers / 2] {
                let got = if draw == 0 { draws.x_t(range.clone()) } else { draws.noise(draw - 1, range.clone()) };
                assert_eq!(got, stream[draw][range.clone()], "{range:?} of draw {draw} of {numbers} numbers");
            }
        }
    }
}

/// What DDIMPipeline and DDPMPipeline made with one torch.Generator, before it became pixels; in batches of several sizes.
#[test]
fn pipelines_with_one_generator() {
    let made = Weights::open(&fixture("wild/pipelines.safetensors")).unwrap_or_else(|e| panic!("{e}"));
    let model = Arc::new(Model::open(&fixture("trajectories/model")).unwrap_or_else(|e| panic!("{e}")));
    let (images, size, len) = (3, (8, 8), 64);
    for name in made.names() {
        // ddim_20_0.5: scheduler, S, η.
        let words: Vec<&str> = name.split('_').collect();
        let (steps, eta) = (words[1].parse().expect("S"), words[2].parse().expect("eta"));
        let preset = if words[0] == "ddim" { Preset::Diffusers } else { Preset::Ddpm };
        let request = ScheduleRequest { preset, steps, eta, noise: Some(NoiseKind::Torch), ..ScheduleRequest::default() };
        let schedule = Schedule::new(&model.scheduler.clone().unwrap_or_default(), &request).unwrap_or_else(|e| panic!("{e}"));
        let draws = TorchDraws::new(5, images * len);
        let x_t = |images: Range<usize>| draws.x_t(images.start * len..images.end * len);
        let draw = |step: usize, images: Range<usize>| draws.noise(step, images.start * len..images.end * len);
        let expected = made.floats(&name).unwrap_or_else(|e| panic!("{e}"));
        for batch in [3, 2, 1] {
            let mut engine = Engine::new(model.clone(), Backend::Cpu, Precision::F32);
            engine.limit_batch(Some(batch));
            let run = Run {
                images,
                first: 0,
                size,
                steps: &schedule.steps,
                x_t: &x_t,
                noise: StepNoise::Drawn(&draw),
                classes: Classes::default(),
                reads: &|_| Reads::default(),
            };
            let mut got = Vec::new();
            let mut take = |_: Range<usize>, x: &[f32]| {
                got.extend_from_slice(x);
                Ok(())
            };
            block_on(engine.sample(&run, &mut |_, _, _| Ok(Flow::Continue), &mut take)).unwrap_or_else(|e| panic!("{e}"));
            let largest = expected.iter().fold(0.0_f32, |m, e| m.max(e.abs()));
            let worst = got.iter().zip(&expected).fold(0.0_f32, |m, (g, e)| m.max((g - e).abs())) / largest;
            // torch's normals differ from ours by last bits, and both round every step: as for trajectories with given noise.
            assert!(worst < 1e-4, "{name} in batches of {batch}: off by {worst:e} of the largest number");
        }
    }
}
