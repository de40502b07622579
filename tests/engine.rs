//! The engine: what a step costs the device, batches that are not full, weights that are uploaded once, groups that advance together.

#[path = "common/mod.rs"]
mod common;

use etude::{
    backend::Backend,
    engine::{AroundExecutor, Engine, Group, Groups, Order, Run, Stem},
    error::{Error, Result},
    gpu::Gpu,
    model::Model,
    noise::{self, STREAM_X_T},
    platform::{Clock, block_on},
    program::{Precision, Ticket},
    sampler::{Classes, Flow, ImageKey, Reads, StepNoise, StepTensors},
    schedule::{Schedule, ScheduleRequest},
};
use std::{
    ops::Range,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

const SIZE: (u32, u32) = (32, 32);
const LEN: usize = 32 * 32;

fn fashion() -> Arc<Model> {
    Arc::new(Model::find("fashion").expect("shipped"))
}

fn engine(backend: Backend) -> Engine {
    Engine::new(fashion(), backend, Precision::F32)
}

/// An adapter that nothing else counts on.
fn own_gpu() -> Option<Arc<Gpu>> {
    common::software_gpu()?;
    block_on(etude::gpu::open(|_| true)).expect("it opened before")
}

fn schedule(steps: usize, eta: f64) -> Arc<Schedule> {
    let request = ScheduleRequest { steps, eta, ..ScheduleRequest::default() };
    Arc::new(Schedule::new(&fashion().scheduler.clone().unwrap_or_default(), &request).expect("a schedule"))
}

fn x_t(images: Range<usize>) -> Vec<f32> {
    let mut x = vec![0.0; images.len() * LEN];
    for (image, x) in images.zip(x.chunks_exact_mut(LEN)) {
        noise::fill_nchw(3, STREAM_X_T, image as u32, 0, 1, 32, 32, x);
    }
    x
}

fn group(schedule: &Arc<Schedule>, images: usize) -> Group {
    let keys = (0..images as u32).map(|image| ImageKey { seed: 5, image, class: 0 }).collect();
    Group::new(schedule.clone(), keys, x_t(0..images))
}

/// Samples `images` images as the command line does.
fn sampled(engine: &mut Engine, schedule: &Schedule, images: usize) -> Vec<f32> {
    let reads = |_| Reads::default();
    let run = Run {
        images,
        first: 0,
        size: SIZE,
        steps: &schedule.steps,
        x_t: &x_t,
        noise: StepNoise::Seed(5),
        classes: Classes::default(),
        reads: &reads,
    };
    let mut all = Vec::new();
    let mut on_images = |_: Range<usize>, x: &[f32]| {
        all.extend_from_slice(x);
        Ok(())
    };
    block_on(engine.sample(&run, &mut |_, _, _| Ok(Flow::Continue), &mut on_images)).expect("sampled");
    all
}

/// What bf16 changes in a picture: every step's network is off by up to 1 % of its largest output, which the steps after it mostly mend.
/// Measured at 8 images of 50 steps: emoji worst 6 levels of 255, mean 0.21; fashion worst 4, mean 0.14.
#[test]
fn fifty_steps_in_bf16_differ_by_few_levels() {
    let schedule = schedule(50, 0.0);
    let run = |precision| sampled(&mut Engine::new(fashion(), Backend::Cpu, precision), &schedule, 4);
    let level = |x: &f32| ((x / 2.0 + 0.5).clamp(0.0, 1.0) * 255.0).round();
    let (exact, rounded) = (run(Precision::F32), run(Precision::Bf16));
    let levels: Vec<f32> = exact.iter().zip(&rounded).map(|(a, b)| (level(a) - level(b)).abs()).collect();
    let (worst, mean) = (levels.iter().copied().fold(0.0, f32::max), levels.iter().sum::<f32>() / levels.len() as f32);
    println!("bf16 differs from f32 by at most {worst} levels, {mean} in the mean");
    assert!(worst > 0.0 && worst <= 12.0 && mean <= 0.5, "worst {worst}, mean {mean}");
}

/// Lets `groups` advance to their end; each group's last x.
fn advanced(engine: &mut Engine, groups: Vec<Group>, reads: Reads) -> Vec<Vec<f32>> {
    let mut groups = Groups::new(engine, SIZE, groups).expect("groups");
    while block_on(groups.turn(engine, &|_, _| reads, &|| false)).expect("a step").is_some() {}
    assert!(groups.is_done());
    groups.groups().iter().map(|group| group.x.clone()).collect()
}

#[test]
fn a_step_is_one_submission_and_one_wait_and_allocates_nothing() {
    let Some(gpu) = own_gpu() else { return };
    let mut engine = engine(Backend::Gpu(gpu.clone()));
    let schedule = schedule(12, 1.0);
    let reads = |_, _| Reads { model: true, noise: true, ..Reads::PICTURES };
    let mut groups = Groups::new(&mut engine, SIZE, vec![group(&schedule, 2)]).expect("groups");
    let mut step = |groups: &mut Groups| block_on(groups.turn(&mut engine, &reads, &|| false)).expect("a step").expect("not done");
    // The first steps make what the others use; from then on one step is on its way while the host looks at the one before.
    for _ in 0..3 {
        step(&mut groups);
    }
    for index in 3..10 {
        let before = gpu.counts();
        assert_eq!(step(&mut groups).index, index);
        let after = gpu.counts();
        let used = (after.submissions - before.submissions, after.waits - before.waits, after.buffers - before.buffers);
        assert_eq!(used, (1, 1, 0), "step {index}");
    }
}

#[test]
fn weights_are_uploaded_once_however_many_programs_are_recorded() {
    let Some(gpu) = own_gpu() else { return };
    let mut engine = engine(Backend::Gpu(gpu.clone()));
    engine.network(1, SIZE, 10).expect("a network");
    let [one, before] = [1, 2].map(|batch| {
        engine.network(batch, SIZE, 10).expect("a network");
        gpu.counts().weight_bytes
    });
    let weights = engine.model().weights().parameters() * 4;
    assert!(one > weights && before - one < weights / 100, "{one} bytes for the first, {} for the second", before - one);
}

#[test]
fn a_batch_that_is_not_full_is_padded_and_changes_no_picture() {
    let schedule = schedule(4, 0.7);
    let (mut whole, mut parts) = (engine(Backend::Cpu), engine(Backend::Cpu));
    parts.limit_batch(Some(3));
    assert_eq!((whole.batch(7), parts.batch(7)), (7, 3));
    let expected = sampled(&mut whole, &schedule, 7);
    assert_eq!(expected.len(), 7 * LEN);
    assert!(sampled(&mut parts, &schedule, 7) == expected, "some at a time, with the loop of the command line");
    let last = advanced(&mut parts, vec![group(&schedule, 7)], Reads::PICTURES);
    assert!(last[0] == expected, "some at a time, step by step");
}

#[test]
fn groups_take_turns_on_one_executor_as_if_each_were_alone() {
    let backends = [Some(Backend::Cpu), common::software_gpu().map(Backend::Gpu)];
    for backend in backends.into_iter().flatten() {
        let name = backend.info().name;
        let mut engine = engine(backend);
        let schedules = [schedule(3, 0.0), schedule(7, 1.0), schedule(5, 0.5)];
        let alone: Vec<_> = schedules.iter().map(|s| sampled(&mut engine, s, 2)).collect();
        let together = advanced(&mut engine, schedules.iter().map(|s| group(s, 2)).collect(), Reads::default());
        assert!(together == alone, "{name}: three groups of two");
        // With a smaller batch each group is two parts, which take turns as well.
        engine.limit_batch(Some(1));
        let parts = advanced(&mut engine, schedules.iter().map(|s| group(s, 2)).collect(), Reads::default());
        for (got, expected) in parts.iter().zip(&alone) {
            let bound = common::Tolerance::new(1e-5, "another batch gets other tiles, which sum in another order");
            common::assert_close(got, expected, bound, &name);
        }
    }
}

#[test]
fn the_group_that_is_looked_at_is_done_before_the_others_begin() {
    let mut engine = engine(Backend::Cpu);
    let schedule = schedule(3, 0.0);
    let groups = (0..3).map(|_| group(&schedule, 1)).collect();
    let mut groups = Groups::new(&mut engine, SIZE, groups).expect("groups").in_order(Order::First(1));
    let mut order = Vec::new();
    while let Some(step) = block_on(groups.turn(&mut engine, &|_, _| Reads::PICTURES, &|| false)).expect("a step") {
        order.push((step.group, step.index));
    }
    assert_eq!(order, [(1, 0), (1, 1), (1, 2), (0, 0), (2, 0), (0, 1), (2, 1), (0, 2), (2, 2)]);
    // A group that is not there is none.
    let mut groups = Groups::new(&mut engine, SIZE, vec![group(&schedule, 1)]).expect("groups").in_order(Order::First(7));
    assert!(block_on(groups.turn(&mut engine, &|_, _| Reads::PICTURES, &|| false)).expect("a step").is_some());
}

#[test]
fn two_runs_on_one_engine_do_not_disturb_each_other() {
    let Some(gpu) = common::software_gpu() else { return };
    let mut engine = engine(Backend::Gpu(gpu));
    let (one, two) = (schedule(6, 1.0), schedule(4, 0.0));
    let alone = [sampled(&mut engine, &one, 2), sampled(&mut engine, &two, 2)];
    let mut runs = [&one, &two].map(|s| Groups::new(&mut engine, SIZE, vec![group(s, 2)]).expect("groups"));
    // Each has a step on its way while the other takes one.
    while runs.iter().any(|run| !run.is_done()) {
        for run in &mut runs {
            block_on(run.turn(&mut engine, &|_, _| Reads::PICTURES, &|| false)).expect("a step");
        }
    }
    for (run, expected) in runs.iter().zip(&alone) {
        assert!(run.groups()[0].x == *expected);
    }
    // One that is given up half way leaves nothing behind.
    let mut given_up = Groups::new(&mut engine, SIZE, vec![group(&one, 2)]).expect("groups");
    block_on(given_up.turn(&mut engine, &|_, _| Reads::PICTURES, &|| false)).expect("a step");
    drop(given_up);
    assert!(advanced(&mut engine, vec![group(&one, 2)], Reads::PICTURES)[0] == alone[0]);
}

#[test]
fn a_run_goes_on_where_it_was_on_another_device() {
    let Some(gpu) = own_gpu() else { return };
    let schedule = schedule(6, 1.0);
    let mut first = engine(Backend::Gpu(gpu.clone()));
    let expected = sampled(&mut first, &schedule, 2);
    let mut groups = Groups::new(&mut first, SIZE, vec![group(&schedule, 2)]).expect("groups");
    let turn = |groups: &mut Groups, engine: &mut Engine| block_on(groups.turn(engine, &|_, _| Reads::PICTURES, &|| false));
    for _ in 0..2 {
        turn(&mut groups, &mut first).expect("a step");
    }
    gpu.lose();
    assert!(matches!(turn(&mut groups, &mut first), Err(Error::Device { .. })));
    drop(first);
    let mut second = engine(Backend::Gpu(own_gpu().expect("it opened before")));
    let mut taken = Vec::new();
    while let Some(step) = turn(&mut groups, &mut second).expect("a step") {
        taken.push(step.index);
    }
    assert_eq!(taken, [2, 3, 4, 5], "no step twice, none left out");
    assert!(groups.groups()[0].x == expected);
}

#[test]
fn a_step_says_how_long_it_took() {
    let mut engine = engine(Backend::Cpu);
    let schedule = schedule(8, 0.0);
    let mut groups = Groups::new(&mut engine, SIZE, vec![group(&schedule, 4)]).expect("groups");
    let start = std::time::Instant::now();
    let mut told = Duration::ZERO;
    while let Some(step) = block_on(groups.turn(&mut engine, &|_, _| Reads::PICTURES, &|| false)).expect("a step") {
        told += step.duration;
    }
    let whole = start.elapsed();
    // On a busy machine a pause may fall between two steps, but hardly half of the time.
    assert!(told <= whole && told * 2 > whole, "{told:?} of {whole:?}");
}

#[test]
fn stopping_between_parts_keeps_what_was_done() {
    let mut engine = engine(Backend::Cpu);
    engine.limit_batch(Some(1));
    let schedule = schedule(2, 0.0);
    let mut groups = Groups::new(&mut engine, SIZE, vec![group(&schedule, 3)]).expect("groups");
    let mut turns = 0;
    while !groups.is_done() {
        turns += 1;
        block_on(groups.turn(&mut engine, &|_, _| Reads::default(), &|| true)).expect("a part");
    }
    assert_eq!(turns, 6, "three parts of two steps, one per turn");
    assert!(groups.groups()[0].x == sampled(&mut engine, &schedule, 3));
}

#[test]
fn epsilon_of_more_images_than_a_batch_is_that_of_each() {
    let mut engine = engine(Backend::Cpu);
    let (x, t) = (x_t(0..5), [999.0, 500.0, 20.0, 1.0, 0.0]);
    let together = block_on(engine.epsilon(&x, &t, &[], SIZE)).expect("evaluated");
    engine.limit_batch(Some(2));
    assert!(block_on(engine.epsilon(&x, &t, &[], SIZE)).expect("evaluated") == together);
    assert!(block_on(engine.epsilon(&x[1..], &t, &[], SIZE)).is_err(), "a length that five does not divide");
}

#[test]
fn a_callback_sees_real_images_only_and_may_stop() {
    let mut engine = engine(Backend::Cpu);
    engine.limit_batch(Some(2));
    let schedule = schedule(3, 0.0);
    let reads = |_| Reads::PICTURES;
    let run = Run {
        images: 3,
        first: 0,
        size: SIZE,
        steps: &schedule.steps,
        x_t: &x_t,
        noise: StepNoise::Seed(5),
        classes: Classes::default(),
        reads: &reads,
    };
    let mut seen = Vec::new();
    let mut on_step = |images: Range<usize>, index: usize, tensors: &StepTensors| -> Result<Flow> {
        assert_eq!((tensors.x.len(), tensors.x0.len(), tensors.model.len()), (images.len() * LEN, images.len() * LEN, 0));
        seen.push((images, index));
        Ok(if seen.len() == 5 { Flow::Stop } else { Flow::Continue })
    };
    let ended = block_on(engine.sample(&run, &mut on_step, &mut |_, _| Ok(())));
    assert!(matches!(ended, Err(Error::Cancelled)));
    assert_eq!(seen, [(0..2, 0), (0..2, 1), (0..2, 2), (2..3, 0), (2..3, 1)]);
}

#[test]
fn groups_of_images_of_several_classes_are_what_each_image_is_alone() {
    let model = Arc::new(Model::open(Path::new("tests/fixtures/unets/classes")).expect("a fixture"));
    for backend in [Some(Backend::Cpu), own_gpu().map(Backend::Gpu)].into_iter().flatten() {
        let mut engine = Engine::new(model.clone(), backend, Precision::F32);
        let schedule = schedule(4, 0.5);
        let x = |images: Range<usize>| x_t(0..1)[..64].repeat(images.len());
        let size = (8, 8);
        let run = |engine: &mut Engine, classes: &[u32]| {
            let keys = classes.iter().map(|&class| ImageKey { seed: 5, image: 0, class }).collect();
            let mut groups =
                Groups::new(engine, size, vec![Group::new(schedule.clone(), keys, x(0..classes.len()))]).expect("groups");
            while block_on(groups.turn(engine, &|_, _| Reads::default(), &|| false)).expect("a step").is_some() {}
            groups.groups()[0].x.clone()
        };
        engine.limit_batch(Some(2));
        let classes = [3, 3, 9, 0, 4];
        let together = run(&mut engine, &classes);
        for (class, image) in classes.iter().zip(together.chunks_exact(64)) {
            let alone = run(&mut engine, &[*class]);
            let gap = image.iter().zip(&alone).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(gap < 1e-5, "class {class}: off by {gap}");
        }
        assert!(together[..64] == together[64..128] && together[..64] != together[128..192], "classes make no difference");
    }
}

/// The steps of `schedule` with the noise of `seed` from the step of an index on.
fn forked(schedule: &Schedule, from: usize, seed: u64) -> Arc<Schedule> {
    let mut forked = schedule.clone();
    for step in &mut forked.steps[from..] {
        step.noise_seed = Some(seed);
    }
    Arc::new(forked)
}

#[test]
fn a_branch_is_the_manual_continuation_of_its_stem() {
    for backend in [Some(Backend::Cpu), own_gpu().map(Backend::Gpu)].into_iter().flatten() {
        let name = backend.info().name;
        let mut engine = engine(backend);
        let stem = schedule(6, 1.0);
        let whole = sampled(&mut engine, &stem, 2);
        // By hand: x after two steps, and from there a run of the other four with another seed.
        let first = Schedule { steps: stem.steps[..2].to_vec(), ..(*stem).clone() };
        let x_2 = sampled(&mut engine, &first, 2);
        let rest = Schedule { steps: stem.steps[2..].to_vec(), ..(*stem).clone() };
        let run = Run {
            images: 2,
            first: 0,
            size: SIZE,
            steps: &rest.steps,
            x_t: &|images: Range<usize>| x_2[images.start * LEN..images.end * LEN].to_vec(),
            noise: StepNoise::Seed(9),
            classes: Classes::default(),
            reads: &|_| Reads::default(),
        };
        let mut by_hand = Vec::new();
        let mut keep = |_: Range<usize>, x: &[f32]| {
            by_hand.extend_from_slice(x);
            Ok(())
        };
        block_on(engine.sample(&run, &mut |_, _, _| Ok(Flow::Continue), &mut keep)).expect("sampled");
        assert!(by_hand != whole, "{name}: another seed is another picture");
        // In one run, as the command line does.
        let branch = forked(&stem, 2, 9);
        assert!(sampled(&mut engine, &branch, 2) == by_hand, "{name}: one run");
        // Beside its stem, as the viewer does; and a branch of the branch.
        let keys = |seed| (0..2).map(|image| ImageKey { seed, image, class: 0 }).collect::<Vec<_>>();
        let stem_at = |group, steps| Stem { group, steps, members: vec![0, 1] };
        let again = forked(&branch, 4, 11);
        let groups = vec![
            group(&stem, 2),
            Group::branch(branch.clone(), keys(5), stem_at(0, 2)),
            Group::branch(again.clone(), keys(5), stem_at(1, 4)),
            Group::branch(stem.clone(), keys(5), stem_at(0, 0)),
        ];
        let ends = advanced(&mut engine, groups, Reads::PICTURES);
        assert!(ends[0] == whole && ends[1] == by_hand && ends[3] == whole, "{name}: beside its stem");
        let expected = sampled(&mut engine, &again, 2);
        assert!(expected != by_hand && ends[2] == expected, "{name}: a branch of a branch");
    }
}

#[test]
fn many_branches_of_one_image_are_computed_from_one_stem() {
    let mut engine = engine(Backend::Cpu);
    let stem = schedule(5, 1.0);
    // Three seeds from step 3 on, of the second image.
    let seeds = [7, 8, 9];
    let keys = seeds.map(|seed| ImageKey { seed, image: 1, class: 0 }).to_vec();
    let branches = Group::branch(stem.clone(), keys, Stem { group: 0, steps: 3, members: vec![1; 3] });
    let mut groups = Groups::new(&mut engine, SIZE, vec![group(&stem, 2), branches]).expect("groups");
    let mut order = Vec::new();
    while let Some(step) = block_on(groups.turn(&mut engine, &|_, _| Reads::PICTURES, &|| false)).expect("a step") {
        order.push((step.group, step.index));
    }
    assert_eq!(order, [(0, 0), (0, 1), (0, 2), (0, 3), (1, 3), (0, 4), (1, 4)], "the stem once, then side by side");
    for (seed, x) in seeds.into_iter().zip(groups.groups()[1].x.chunks_exact(LEN)) {
        let alone = sampled(&mut engine, &forked(&stem, 3, seed), 2);
        let bound = common::Tolerance::new(1e-5, "another batch gets other tiles, which sum in another order");
        common::assert_close(x, &alone[LEN..], bound, "a seed of its own");
    }
}

#[test]
fn a_branch_of_nothing_is_refused() {
    let mut engine = engine(Backend::Cpu);
    let schedule = schedule(3, 1.0);
    for (from, steps, members) in [(1, 1, vec![0]), (0, 4, vec![0]), (0, 1, vec![2]), (0, 1, vec![0, 1]), (7, 0, vec![0])] {
        let keys = vec![ImageKey::default()];
        let branch = Group::branch(schedule.clone(), keys, Stem { group: from, steps, members });
        let refused = Groups::new(&mut engine, SIZE, vec![group(&schedule, 2), branch]);
        assert!(refused.is_err_and(|error| error.to_string().starts_with("fork: expected")));
    }
}

#[test]
fn by_equal_time_no_group_is_ahead_by_more_than_a_step_and_the_last_has_the_whole_device() {
    let ms = Duration::from_millis;
    let rules: [fn(usize) -> Duration; 3] = [
        |_| Duration::from_millis(7),
        // Some steps take ten times as long, and the first of all a hundred times.
        |n| {
            Duration::from_millis(if n == 0 {
                900
            } else if n % 5 == 3 {
                90
            } else {
                9
            })
        },
        |n| Duration::from_millis((n as u64 * 7919) % 40),
    ];
    for (rule, lasts) in rules.into_iter().enumerate() {
        let (now, steps) = (Arc::new(Mutex::new(Duration::ZERO)), Arc::new(AtomicUsize::new(0)));
        let (clock, set, count) = (now.clone(), now.clone(), steps.clone());
        let around: AroundExecutor = Arc::new(move |inner| {
            let (set, count) = (set.clone(), count.clone());
            // The device sets the clock itself.
            let step = move |submit: &mut dyn FnMut() -> Result<Ticket>| {
                let number = count.fetch_add(1, Ordering::Relaxed);
                *set.lock().expect("nobody has panicked") += lasts(number);
                submit()
            };
            Box::new(common::around::Around { inner, step })
        });
        let clock = Clock::by(move || *clock.lock().expect("nobody has panicked"));
        let mut engine = engine(Backend::Cpu).with(clock, Some(around));
        let schedules = [schedule(6, 0.0), schedule(40, 1.0)];
        let groups = schedules.iter().map(|s| group(s, 1)).collect();
        let mut groups = Groups::new(&mut engine, SIZE, groups).expect("groups").in_order(Order::EqualTime);
        let (mut used, mut longest, mut order) = ([Duration::ZERO; 2], Duration::ZERO, Vec::new());
        while let Some(step) = block_on(groups.turn(&mut engine, &|_, _| Reads::PICTURES, &|| false)).expect("a step") {
            used[step.group] += step.duration;
            longest = longest.max(step.duration);
            order.push(step.group);
            assert_eq!([0, 1].map(|n| groups.groups()[n].used()), used, "rule {rule}");
            if groups.groups().iter().all(|group| !group.is_done()) {
                assert!(used[0].abs_diff(used[1]) <= longest, "rule {rule}: {used:?} after {order:?}");
            }
        }
        assert_eq!((order.len(), steps.load(Ordering::Relaxed)), (46, 47), "a step before all others counts for none");
        assert!(longest < ms(900), "the first step of a device is nobody's");
        // And the pictures are those of each alone.
        for (number, schedule) in schedules.iter().enumerate() {
            assert!(groups.groups()[number].x == sampled(&mut engine, schedule, 1), "rule {rule}, group {number}");
        }
    }
}
