//! Steps per second of the session, which shows every step, beside those of the command line, which reads only the last x:
//!
//!     cargo run --release --example stepping -- [--device cpu|software|…] [--model emoji] [--batch 8] [--rounds 9]
//!
//! Both take the same steps on the same device by turns, so that a busy machine is busy for both. The session's threads stand below
//! the window's in priority; with nothing else running that makes no difference.

use etude::{
    app::{
        Controls,
        state::run_requests::{self, Purpose},
    },
    backend::{Backend, DeviceChoice},
    engine::{Engine, Run},
    model::Model,
    platform::block_on,
    program::Precision,
    sampler::{Classes, Flow, Reads, StepNoise},
    session::{Event, Session},
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

const STEPS: usize = 50;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let option = |name: &str, default: &str| {
        let place = arguments.iter().position(|a| a == name);
        place.and_then(|i| arguments.get(i + 1)).map_or_else(|| default.to_owned(), Clone::clone)
    };
    let (device, model) = (option("--device", "cpu"), option("--model", "emoji"));
    let number = |name: &str, default: &str| option(name, default).parse::<u32>().expect("a number");
    let (batch, rounds) = (number("--batch", "8"), number("--rounds", "9"));

    let mut controls = Controls { model: model.clone(), steps: STEPS, count: batch, eta: 1.0, ..Controls::default() };
    controls.view.device = device.clone();
    let loaded = Arc::new(Model::find(&model).expect("a model"));
    let choice: DeviceChoice = device.parse().expect("a device");
    let backend = block_on(Backend::choose(&choice, Precision::F32)).expect("the device").backend;
    let size = loaded.sample_size();
    let recipe = controls.recipe("", size).expect("a recipe");
    let steps = recipe.schedule(&loaded).expect("a schedule").steps;
    let channels = loaded.config.in_channels;
    let mut engine = Engine::new(loaded, backend, Precision::F32);
    let session = Session::new(Arc::new(|_| {})).expect("threads");

    let mut command_line = || {
        let x_t = |images: std::ops::Range<usize>| recipe.x_t(channels, images, None);
        let reads = |_| Reads::default();
        let run = Run {
            images: batch as usize,
            first: 0,
            size,
            steps: &steps,
            x_t: &x_t,
            noise: StepNoise::Seed(0),
            classes: Classes::default(),
            reads: &reads,
        };
        let start = Instant::now();
        block_on(engine.sample(&run, &mut |_, _, _| Ok(Flow::Continue), &mut |_, _| Ok(()))).expect("sampled");
        STEPS as f64 / start.elapsed().as_secs_f64()
    };
    let mut id = 0;
    let mut in_the_session = || {
        id += 1;
        let start = Instant::now();
        session.submit(run_requests::request(id, Purpose::Trajectory, &controls).expect("a request"));
        loop {
            for event in session.drain() {
                match event {
                    Event::Finished { .. } => return STEPS as f64 / start.elapsed().as_secs_f64(),
                    Event::Failed { message, .. } => panic!("{message}"),
                    _ => {}
                }
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    };
    // The first of each records, compiles and allocates.
    command_line();
    in_the_session();
    let (mut ours, mut shares) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let (plain, shown) = (command_line(), in_the_session());
        ours.push((plain, shown));
        shares.push(shown / plain);
    }
    let median = |values: &mut Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let mut plain: Vec<f64> = ours.iter().map(|o| o.0).collect();
    let mut shown: Vec<f64> = ours.iter().map(|o| o.1).collect();
    println!(
        "{model}, batch {batch}, {device}: {:.1} steps/s on the command line, {:.1} in the session, {:.1} % of it (medians of {rounds} rounds)",
        median(&mut plain),
        median(&mut shown),
        100.0 * median(&mut shares)
    );
}
