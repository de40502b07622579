//! What a run brings, and what becomes of it when another is asked for.

use super::{collect, controls, ended, request, session, updates};
use etude::{
    app::{
        Controls,
        state::{
            run_requests::Purpose,
            view_settings::{Axes, Tab},
        },
    },
    backend::Backend,
    model::Model,
    picture,
    platform::block_on,
    recipe::Rng,
    sampler::{self, Flow, Reads, StepNoise},
    schedule::{NoiseKind, Spacing},
    session::Event,
};
use std::time::{Duration, Instant};

/// The samples of the same recipe by the sampler itself, as `etude sample` runs it: seeds, not given noise.
fn sampled(controls: &Controls) -> Vec<picture::Picture> {
    let model = Model::find("fashion").expect("shipped");
    let recipe = controls.recipe("", (32, 32)).expect("a recipe");
    let schedule = recipe.schedule(&model).expect("a schedule");
    let size = model.sample_size();
    let rows = schedule.steps.len() as u32;
    let (program, handles, _) =
        Backend::Cpu.record(&model, controls.count, size, rows, etude::program::Precision::F32).expect("recorded");
    let mut executor = Backend::Cpu.executor(program, etude::program::Precision::F32).expect("an executor");
    let recipe = etude::recipe::Recipe { size, ..recipe };
    let (torch, first, len) = (recipe.torch(1), recipe.first as usize, (size.0 * size.1) as usize);
    let x_t = recipe.x_t(1, first..first + controls.count as usize, torch.as_ref());
    let draw = torch
        .as_ref()
        .filter(|_| recipe.noise == NoiseKind::Torch)
        .map(|torch| move |step: usize, images: std::ops::Range<usize>| torch.noise(step, images.start * len..images.end * len));
    let noise = draw.as_ref().map_or(StepNoise::Seed(controls.noise_seed), |draw| StepNoise::Drawn(draw));
    let reads = |_| Reads::default();
    let mut on_step = |_: usize, _: &_| Ok(Flow::Continue);
    let x = block_on(sampler::run(
        executor.as_mut(),
        &handles,
        &schedule.steps,
        &x_t,
        noise,
        recipe.first,
        sampler::Classes::default(),
        &reads,
        &mut on_step,
    ));
    picture::images_from_nchw(1, size.0 as usize, size.1 as usize, &x.expect("sampled"))
}

#[test]
fn pictures_are_those_of_the_command_line_byte_for_byte() {
    let session = session();
    // Eleven images are two parts on the CPU executor, the second padded.
    for (id, (eta, sigma_hat, count)) in [(0.0, false, 3), (0.7, false, 11), (0.0, true, 2)].into_iter().enumerate() {
        let mut controls = controls(6, count);
        (controls.eta, controls.sigma_hat, controls.noise_seed) = (eta, sigma_hat, 5);
        let id = id as u64 + 1;
        session.submit(request(id, Purpose::Trajectory, &controls));
        let events = collect(&session, ended(id));
        let updates = updates(&events, id);
        assert_eq!(updates.iter().map(|f| f.index).collect::<Vec<_>>(), (0..6).collect::<Vec<_>>());
        let last = updates.last().expect("updates");
        let expected = sampled(&controls);
        assert_eq!(last.after.len(), expected.len());
        for (i, (got, expected)) in last.after.iter().zip(&expected).enumerate() {
            assert!(**got == *expected, "η {eta}, σ̂ {sigma_hat}: image {i} differs");
        }
        // A record's x_t is what the step before left.
        for pair in updates.windows(2) {
            assert!(pair[0].after.iter().zip(&pair[1].records).all(|(after, record)| *after == record.x_t));
        }
    }
}

/// Images from the middle of a batch; x_T and noise of torch's stream, and of the counters.
#[test]
fn pictures_from_the_middle_of_a_batch_are_those_of_the_command_line() {
    let session = session();
    // The first is two parts on the CPU executor.
    let cases = [(Rng::Torch, Some(16), None, 11), (Rng::Torch, None, Some(NoiseKind::Step), 2), (Rng::Etude, None, None, 2)];
    for (id, (rng, drawn, noise, count)) in (1..).zip(cases) {
        let controls = Controls { eta: 0.7, rng, drawn, noise, first: 2, noise_seed: 5, ..controls(2, count) };
        session.submit(request(id, Purpose::Trajectory, &controls));
        let events = collect(&session, ended(id));
        let expected = sampled(&controls);
        let updates = updates(&events, id);
        for (i, (got, expected)) in updates.last().expect("updates").after.iter().zip(&expected).enumerate() {
            assert!(**got == *expected, "{rng}, {noise:?}: image {i} differs");
        }
        // The large picture is that of its number, alone.
        let mut one = controls.clone();
        one.view.image = count - 1;
        session.submit(request(id + 100, Purpose::Focus, &one));
        let events = collect(&session, ended(id + 100));
        let large = super::updates(&events, id + 100).last().expect("updates").after.clone();
        assert!(large.len() == 1 && *large[0] == expected[count as usize - 1], "{rng}, {noise:?}: the large picture differs");
    }
}

#[test]
fn terms_add_up_to_the_next_x() {
    let session = session();
    let mut controls = controls(5, 1);
    controls.eta = 1.0;
    session.submit(request(1, Purpose::Trajectory, &controls));
    let events = collect(&session, ended(1));
    for update in updates(&events, 1) {
        let terms = update.records[0].terms.as_ref().expect("a short run keeps its terms");
        let last = update.index + 1 == update.total;
        assert_eq!(terms.noise.is_none(), last, "σ = 0 in the last step alone");
        let value = |byte: u8| f64::from(byte) / 127.5 - 1.0;
        for (i, pixel) in update.after[0].pixels.iter().enumerate() {
            let of = |picture: Option<&picture::Picture>| picture.map(|p| p.pixels[i][0]);
            let parts = [Some(terms.x0.pixels[i][0]), of(terms.direction.as_ref()), of(terms.noise.as_ref())];
            // A byte at its end was cut off there, and says nothing.
            if parts.iter().flatten().chain([&pixel[0]]).any(|b| [0, 255].contains(b)) {
                continue;
            }
            let sum: f64 = parts.iter().flatten().map(|b| value(*b)).sum();
            // Each of four bytes is rounded by half a step of 2/255.
            assert!((sum - value(pixel[0])).abs() <= 4.0 / 255.0, "step {}: {sum} for {}", update.index, value(pixel[0]));
        }
    }
}

#[test]
fn the_latest_request_wins_and_a_stale_one_is_silent() {
    let session = session();
    session.submit(request(1, Purpose::Trajectory, &controls(1000, 16)));
    collect(&session, |events| !updates(events, 1).is_empty());
    let start = Instant::now();
    session.submit(request(2, Purpose::Trajectory, &controls(4, 1)));
    let events = collect(&session, ended(2));
    let after: Vec<_> = events.iter().skip_while(|e| !matches!(e, Event::Planned(plan) if plan.id == 2)).collect();
    assert!(after.iter().all(|e| !matches!(e, Event::Step(f) if f.id == 1)), "a thousand steps are not nearly done");
    assert!(!ended(1)(&events));
    assert!(start.elapsed() < Duration::from_secs(30));
}

#[test]
fn a_run_that_is_nearly_done_finishes_after_the_first_step_of_the_next() {
    let session = session();
    // The first run warms up: recording the model is not a step.
    session.submit(request(1, Purpose::Trajectory, &controls(3, 1)));
    collect(&session, ended(1));
    // Ten small steps are far below a quarter of a second on an idle machine; on a busy one the older run may be dropped, and the
    // next attempt has fewer of them left.
    for attempt in 0..60 {
        let (old, new) = (10 + 2 * attempt, 11 + 2 * attempt);
        session.submit(request(old, Purpose::Trajectory, &controls([10, 6, 4][attempt as usize % 3], 1)));
        let mut events = collect(&session, |events| updates(events, old).len() >= 2);
        session.submit(request(new, Purpose::Trajectory, &controls(9, 1)));
        events.extend(collect(&session, ended(new)));
        if !ended(old)(&events) {
            continue;
        }
        let place = |wanted: &dyn Fn(&Event) -> bool| events.iter().position(wanted).expect("there");
        let first = place(&|e| matches!(e, Event::Step(f) if f.id == new));
        let finished = place(&|e| matches!(e, Event::Finished { id } if *id == old));
        if finished < first {
            // It was over before the request came.
            continue;
        }
        let second = events.iter().filter(|e| matches!(e, Event::Step(f) if f.id == new)).nth(1);
        assert!(second.is_some());
        let second = place(&|e| matches!(e, Event::Step(f) if f.id == new && f.index == 1));
        assert!(first < finished && finished < second, "first step of the new, rest of the old, rest of the new");
        return;
    }
    panic!("never saw a nearly finished run in sixty attempts");
}

#[test]
fn cancelling_stops_within_a_step() {
    let session = session();
    session.submit(request(1, Purpose::Trajectory, &controls(1000, 4)));
    collect(&session, |events| updates(events, 1).len() >= 3);
    session.cancel();
    // What was in flight may still come; then nothing does.
    std::thread::sleep(Duration::from_millis(1500));
    session.drain();
    std::thread::sleep(Duration::from_millis(500));
    assert!(session.drain().is_empty());
    session.submit(request(2, Purpose::Trajectory, &controls(2, 4)));
    let events = collect(&session, ended(2));
    assert_eq!(updates(&events, 2).len(), 2);
}

#[test]
fn a_comparison_advances_together_and_without_noise_its_columns_are_equal() {
    let session = session();
    let mut controls = controls(8, 1);
    controls.view.tab = Tab::Compare;
    controls.view.compare.etas = vec![0.0, 0.5, 1.0];
    controls.view.compare.sigma_hat = true;
    controls.view.compare.seeds = 3;
    session.submit(request(1, Purpose::Compare, &controls));
    let events = collect(&session, ended(1));
    let updates = updates(&events, 1);
    let order: Vec<_> = updates.iter().map(|f| (f.index, f.group)).collect();
    assert_eq!(order, (0..8).flat_map(|i| (0..4).map(move |g| (i, g))).collect::<Vec<_>>());
    for update in updates {
        let spread = update.spread.as_ref().expect("a spread");
        let equal = update.after.windows(2).all(|pair| pair[0] == pair[1]);
        if update.group == 0 {
            assert!(equal && spread.mean == 0.0 && spread.map.iter().all(|v| *v == 0.0), "η = 0 at step {}", update.index);
        } else {
            assert!(!equal, "noise differs");
            // x̂0 of the first step comes before any noise.
            assert_eq!(spread.mean > 0.0, update.index > 0, "group {} step {}", update.group, update.index);
        }
    }
}

#[test]
fn steps_by_spacing_has_a_group_a_cell_and_each_its_own_number_of_steps() {
    let session = session();
    let mut controls = controls(8, 1);
    controls.view.compare.axes = Axes::StepsBySpacing;
    controls.view.compare.steps = vec![2, 7];
    controls.view.compare.spacings = vec!["linear".to_owned(), "trailing".to_owned()];
    session.submit(request(1, Purpose::Compare, &controls));
    let events = collect(&session, ended(1));
    let updates = updates(&events, 1);
    let totals: Vec<_> = (0..4).map(|g| updates.iter().filter(|f| f.group == g).count()).collect();
    assert_eq!(totals, [2, 2, 7, 7]);
    for (group, (steps, spacing)) in
        [(2, Spacing::Linear), (2, Spacing::Trailing), (7, Spacing::Linear), (7, Spacing::Trailing)].into_iter().enumerate()
    {
        let last = updates.iter().rfind(|f| f.group == group).expect("updates");
        let cell = Controls { steps, spacing: Some(spacing), ..controls.clone() };
        assert!(*last.after[0] == sampled(&cell)[0], "cell {group}");
    }
}

#[test]
fn the_ends_of_an_interpolation_are_the_seeds_own_samples() {
    let session = session();
    let mut controls = controls(6, 1);
    controls.view.interpolate.seeds = [11, 12, 13, 14];
    let base = controls.clone();
    let own = |seed| sampled(&Controls { seed, ..base.clone() }).remove(0);
    session.submit(request(1, Purpose::Between, &controls));
    let events = collect(&session, ended(1));
    for group in 0..2 {
        let last = updates(&events, 1).into_iter().rfind(|f| f.group == group).expect("updates");
        assert!(*last.after[0] == own(11) && **last.after.last().expect("pictures") == own(12), "way {group}");
    }
    controls.view.interpolate.grid = true;
    session.submit(request(2, Purpose::Between, &controls));
    let events = collect(&session, ended(2));
    let last = *updates(&events, 2).last().expect("updates");
    let side = controls.view.interpolate.side as usize;
    for (place, seed) in [(0, 11), (side - 1, 12), (side * (side - 1), 13), (side * side - 1, 14)] {
        assert!(*last.after[place] == own(seed), "corner {place}");
    }
}

#[test]
fn a_long_run_of_many_images_keeps_fewer_pictures() {
    let session = session();
    let mut request = request(1, Purpose::Trajectory, &controls(1000, 64));
    request.size = Some((64, 64));
    session.submit(request);
    let events = collect(&session, |events| events.iter().any(|e| matches!(e, Event::Planned(_))));
    session.cancel();
    let plan = events.iter().find_map(|e| if let Event::Planned(plan) = e { Some(plan) } else { None }).expect("planned");
    // 1000 steps of 64 pictures of 12 KiB, twice: 1.6 GB, of which 64 MiB stay.
    assert_eq!(plan.every, 32);
}
