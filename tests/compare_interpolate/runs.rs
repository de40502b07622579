//! Runs as the panels see them, computed here on the CPU.

use etude::{
    app::{
        Controls,
        state::{
            run_requests::{self, Purpose},
            run_view::RunView,
        },
    },
    backend::Backend,
    latent,
    model::Model,
    noise::{STREAM_STEP, fill_nchw, fill_path_nchw},
    picture::{Picture, images_from_nchw},
    platform::block_on,
    sampler::{self, Flow, Reads, StepNoise, StepTensors},
    schedule::Schedule,
    session::{Event, Group, Keep, Member, ModelFacts, Plan, Rms, Spread, StepRecord, StepUpdate, TorchLatents},
};
use std::sync::{Arc, LazyLock};

static MODEL: LazyLock<Model> = LazyLock::new(|| Model::find("fashion").expect("the embedded model"));

/// The plan of a run, before its first step.
pub fn planned(id: u64, purpose: Purpose, controls: &Controls) -> (RunView, Vec<Group>, Keep) {
    let request = run_requests::request(id, purpose, controls).expect("a device");
    let config = MODEL.scheduler.clone().expect("a scheduler");
    let size = request.size.unwrap_or_else(|| MODEL.sample_size());
    let channels = MODEL.config.in_channels;
    let schedules = request.groups.iter().map(|g| Arc::new(Schedule::new(&config, &g.schedule).expect("a schedule"))).collect();
    let rms = |g: &Group| {
        let x_t = |m: &Member| x_t(m, channels as usize, size, &mut TorchLatents::default());
        g.members.iter().map(|m| latent::rms(&x_t(m))).collect()
    };
    let model = ModelFacts {
        classes: None,
        key: MODEL.name.clone(),
        name: MODEL.name.clone(),
        channels,
        size,
        parameters: 0,
        weights_crc32: String::new(),
        scheduler: config,
        card: None,
        notes: Vec::new(),
        picture_scale: 1.0,
    };
    let latent_rms = request.groups.iter().map(rms).collect();
    let plan = Plan { id, model: Arc::new(model), size, schedules, latent_rms, every: 1 };
    let mut run = RunView::new(id, purpose, controls.clone());
    run.apply(&Event::Planned(plan), request.keep);
    (run, request.groups, request.keep)
}

/// x_T of an image that is not a picture's.
fn x_t(member: &Member, channels: usize, (height, width): (u32, u32), torch: &mut TorchLatents) -> Vec<f32> {
    let mut encoded = |_: &etude::recipe::Encoded| unreachable!("no picture is encoded here");
    member.latent.x_t(channels, height as usize, width as usize, torch, &mut encoded).expect("x_T")
}

/// A run, each group for at most `most` steps.
pub fn computed_until(id: u64, purpose: Purpose, controls: &Controls, most: usize) -> RunView {
    let (mut run, groups, keep) = planned(id, purpose, controls);
    for (index, group) in groups.iter().enumerate() {
        for update in updates(&run, index, group, most) {
            run.apply(&Event::Step(Arc::new(update)), keep);
        }
    }
    run.finished = most == usize::MAX;
    run
}

/// A finished run.
pub fn computed(id: u64, purpose: Purpose, controls: &Controls) -> RunView {
    computed_until(id, purpose, controls, usize::MAX)
}

fn updates(run: &RunView, index: usize, group: &Group, most: usize) -> Vec<StepUpdate> {
    let plan = run.plan.as_ref().expect("a plan");
    let (schedule, size, channels) = (&plan.schedules[index], plan.size, plan.model.channels as usize);
    let (h, w, count) = (size.0 as usize, size.1 as usize, group.members.len());
    let len = channels * h * w;
    let rows = schedule.steps.len();
    let mut torch = TorchLatents::default();
    let x_t: Vec<f32> = group.members.iter().flat_map(|m| x_t(m, channels, size, &mut torch)).collect();
    let mut noise = vec![0.0; rows * count * len];
    for (k, part) in noise.chunks_exact_mut(len).enumerate() {
        let (step, member) = (k / count, &group.members[k % count]);
        match schedule.steps[step].path {
            Some(path) => fill_path_nchw(member.noise_seed, member.image, path, channels, h, w, part),
            None => fill_nchw(member.noise_seed, STREAM_STEP, member.image, step as u32, channels, h, w, part),
        }
    }
    let (program, handles, batch) =
        Backend::Cpu.record(&MODEL, count as u32, size, rows as u32, Default::default()).expect("a program");
    assert_eq!(batch as usize, count);
    let mut executor = Backend::Cpu.executor(program, Default::default()).expect("an executor");
    let pictures = |x: &[f32]| images_from_nchw(channels, h, w, x).into_iter().map(Arc::new).collect::<Vec<_>>();
    let (mut all, mut before) = (Vec::new(), pictures(&x_t));
    let mut on_step = |step: usize, tensors: &StepTensors| {
        let (x, x0) = (&tensors.x, pictures(&tensors.x0));
        let after = pictures(x);
        let record = |(x_t, x0)| StepRecord { x_t, x0, terms: None, rms: Rms::default() };
        all.push(StepUpdate {
            id: run.id,
            group: index,
            index: step,
            total: rows,
            seconds: 0.01,
            records: before.iter().cloned().zip(x0).map(record).collect(),
            after_rms: x.chunks_exact(len).map(latent::rms).collect(),
            end: None,
            spread: Some(spread(x, len, channels)),
            after: after.clone(),
        });
        before = after;
        Ok(if step + 1 >= most { Flow::Stop } else { Flow::Continue })
    };
    let (noise, reads) = (StepNoise::Given(&noise), |_| Reads::PICTURES);
    let ended = block_on(sampler::run(
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
    assert!(ended.is_ok() || most < usize::MAX, "{:?}", ended.err());
    all
}

fn spread(x: &[f32], len: usize, channels: usize) -> Spread {
    let (n, plane) = ((x.len() / len) as f64, len / channels);
    let deviation = |i: usize| {
        let values = || x.iter().skip(i).step_by(len).map(|v| f64::from(*v));
        let mean = values().sum::<f64>() / n;
        (values().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt()
    };
    let map: Vec<f32> =
        (0..plane).map(|i| ((0..channels).map(|c| deviation(c * plane + i)).sum::<f64>() / channels as f64) as f32).collect();
    let mean = map.iter().map(|v| f64::from(*v)).sum::<f64>() / plane as f64;
    Spread { map, mean }
}

/// A finished run's picture.
pub fn sample(run: &RunView, group: usize, member: usize) -> Arc<Picture> {
    run.groups[group].latest.as_ref().expect("an update").after[member].clone()
}
