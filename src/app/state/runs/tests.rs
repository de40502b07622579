//! What is kept and shown of runs that come, step by step, in every order.

use super::*;
use crate::{
    app::state::scale::Scale,
    picture::Picture,
    schedule::{Schedule, SchedulerConfig},
    session::{ModelFacts, Plan, Rms, StepRecord, StepUpdate},
};
use std::sync::Arc;

const TRAJECTORY: Purpose = Purpose::Trajectory;

/// Runs of four steps, each with another η, of which nobody computes any: the test says what came.
#[derive(Default)]
struct Fed(Runs);

impl Fed {
    /// Begins a run with this η and accepts it. Returns its number.
    fn begin(&mut self, eta: f64) -> u64 {
        self.begin_as(TRAJECTORY, eta)
    }

    fn begin_as(&mut self, purpose: Purpose, eta: f64) -> u64 {
        let controls = Controls { steps: 4, eta, ..Controls::default() };
        self.0.register(purpose, &controls);
        let request = self.0.begin(purpose).expect("a run that waits").expect("a request");
        let schedule = Schedule::new(&SchedulerConfig::default(), &controls.schedule()).expect("a schedule");
        let model = ModelFacts {
            key: "toy".to_owned(),
            name: "toy".to_owned(),
            classes: None,
            channels: 1,
            size: (1, 1),
            parameters: 1,
            weights_crc32: "00000000".to_owned(),
            scheduler: SchedulerConfig::default(),
            card: None,
            notes: Vec::new(),
            picture_scale: 1.0,
        };
        let (id, schedules) = (request.id, vec![Arc::new(schedule)]);
        let plan = Plan { id, model: Arc::new(model), size: (1, 1), schedules, latent_rms: vec![vec![1.0]], every: 1 };
        self.0.apply(&Event::Planned(plan));
        id
    }

    /// The steps `indices` of run `id` come, and its end after the last.
    fn steps(&mut self, id: u64, indices: std::ops::Range<usize>) {
        self.steps_that_take(0.01, id, indices);
    }

    fn slow(&mut self, id: u64, indices: std::ops::Range<usize>) {
        self.steps_that_take(2.6, id, indices);
    }

    fn steps_that_take(&mut self, seconds: f64, id: u64, indices: std::ops::Range<usize>) {
        let picture = || Arc::new(Picture::filled(1, 1, [0; 3]));
        for index in indices {
            let records = vec![StepRecord { x_t: picture(), x0: picture(), terms: None, rms: Rms::default() }];
            let after = vec![picture()];
            let update = StepUpdate {
                id,
                group: 0,
                index,
                total: 4,
                seconds,
                records,
                after,
                after_rms: vec![1.0],
                end: None,
                spread: None,
            };
            self.0.apply(&Event::Step(Arc::new(update)));
            if index == 3 {
                self.0.apply(&Event::Finished { id });
            }
        }
    }

    /// The run and the position shown for a playhead at `at`.
    fn shown(&self, at: f64) -> Option<(u64, usize)> {
        self.0.shown(at, 0).map(|shown| (shown.run.id, shown.position()))
    }

    fn ids(&self) -> Vec<u64> {
        self.0.by_purpose[&TRAJECTORY].iter().map(|run| run.id).collect()
    }
}

#[test]
fn a_place_shows_the_newest_picture_there_is_and_never_less_than_before() {
    let mut runs = Fed::default();
    let first = runs.begin(0.0);
    assert_eq!(runs.shown(1.0), None);
    // Without a run before, it is shown as far as it has come.
    runs.steps(first, 0..2);
    assert_eq!([0.0, 0.25, 1.0].map(|at| runs.shown(at)), [Some((first, 0)), Some((first, 1)), Some((first, 1))]);
    runs.steps(first, 2..4);
    assert_eq!([0.5, 1.0].map(|at| runs.shown(at)), [Some((first, 2)), Some((first, 4))]);
    // A draft shows when it is finished, and not before.
    let draft = runs.begin_as(Purpose::Draft, 0.1);
    runs.steps(draft, 0..3);
    assert_eq!(runs.shown(1.0), Some((first, 4)));
    runs.steps(draft, 3..4);
    assert_eq!(runs.shown(1.0), Some((draft, 4)));
    // The full run of the same controls shows what it has; of what it has not yet the draft stays.
    let second = runs.begin(0.1);
    assert_eq!(runs.shown(1.0), Some((draft, 4)));
    runs.steps(second, 0..2);
    assert_eq!([0.25, 1.0].map(|at| runs.shown(at)), [Some((second, 1)), Some((draft, 4))]);
    runs.steps(second, 2..4);
    assert_eq!(runs.shown(1.0), Some((second, 4)));
    // The batch has no drafts.
    assert_eq!(runs.0.shown_batch(1.0).map(|shown| shown.run.id), Some(second));
}

#[test]
fn a_draft_that_takes_long_shows_as_far_as_it_has_come() {
    let mut runs = Fed::default();
    let first = runs.begin(0.0);
    runs.steps(first, 0..4);
    let draft = runs.begin_as(Purpose::Draft, 0.1);
    runs.slow(draft, 0..2);
    assert_eq!(runs.shown(1.0), Some((draft, 1)));
    assert_eq!(runs.0.shown_whole(1.0, 0).map(|shown| shown.run.id), Some(first), "its x_t does not replace the finished picture");
}

#[test]
fn a_draft_that_gave_way_stays_until_the_next_has_something() {
    let mut runs = Fed::default();
    let first = runs.begin(0.0);
    runs.steps(first, 0..4);
    let draft = runs.begin_as(Purpose::Draft, 0.1);
    runs.slow(draft, 0..2);
    let next = runs.begin_as(Purpose::Draft, 0.2);
    runs.0.register(Purpose::Draft, &Controls { eta: 0.3, ..Controls::default() });
    assert_eq!(runs.shown(1.0), Some((draft, 1)));
    runs.slow(next, 0..1);
    assert_eq!(runs.shown(1.0), Some((next, 0)));
}

#[test]
fn a_batch_that_was_half_computed_stays_while_something_moves() {
    let mut runs = Fed::default();
    let first = runs.begin(0.0);
    runs.steps(first, 0..2);
    for eta in [0.1, 0.2, 0.3] {
        runs.0.register(TRAJECTORY, &Controls { eta, ..Controls::default() });
    }
    assert_eq!(runs.0.shown_batch(1.0).map(|shown| shown.run.id), Some(first));
    assert_eq!(runs.ids().len(), 2, "of those that wait the newest alone");
}

#[test]
fn of_the_drafts_that_wait_only_the_newest_is_kept_beside_the_one_that_is_computed_and_the_last_that_ended() {
    let mut runs = Fed::default();
    let ended = runs.begin_as(Purpose::Draft, 0.1);
    runs.steps(ended, 0..4);
    let computed = runs.begin_as(Purpose::Draft, 0.2);
    for eta in [0.3, 0.4, 0.5] {
        runs.0.register(Purpose::Draft, &Controls { eta, ..Controls::default() });
    }
    let etas: Vec<f64> = runs.0.by_purpose[&Purpose::Draft].iter().map(|run| run.controls.eta).collect();
    assert_eq!(etas, [0.5, 0.2, 0.1]);
    runs.steps(computed, 0..4);
    assert_eq!(runs.0.draft().map(|run| run.id), Some(computed));
    assert!(runs.0.is_drafting());
}

#[test]
fn what_was_computed_ahead_is_taken_when_the_controls_come_there() {
    let mut runs = Fed::default();
    let first = runs.begin(0.0);
    runs.steps(first, 0..4);
    let ahead = runs.begin_as(Purpose::Ahead, 0.05);
    let there = Controls { steps: 4, eta: 0.05, ..Controls::default() };
    assert!(runs.0.ready(&there).is_none(), "it is not finished");
    assert!(runs.0.controls_of(ahead).is_none(), "nobody set these controls: there is no going back to them");
    runs.steps(ahead, 0..4);
    assert_eq!(runs.shown(1.0), Some((first, 4)), "nobody has asked for it");
    assert_eq!(runs.0.ready_at(&Controls { eta: 0.7, ..there.clone() }, Scale::Eta), [0.05]);
    runs.0.adopt(TRAJECTORY, &there);
    let shown = runs.0.shown(0.25, 0).expect("a picture");
    assert_eq!((shown.run.purpose, shown.run.controls.eta, shown.position()), (Purpose::Focus, 0.05, 1));
    // Other seeds are another picture.
    assert!(runs.0.ready(&Controls { seed: 77, ..there }).is_none());
}

#[test]
fn a_drafts_recipe_has_the_steps_it_took() {
    let mut runs = Fed::default();
    let draft = runs.begin_as(Purpose::Draft, 0.1);
    let run = runs.0.by_purpose.get_mut(&Purpose::Draft).expect("runs").first_mut().expect("a run");
    assert_eq!((run.id, run.made_with().steps), (draft, 4));
    run.controls.steps = 50;
    assert_eq!(run.made_with().steps, 4);
    run.controls.spacing = Some(crate::schedule::Spacing::List((0..50).map(|i| 20 * i).collect()));
    assert_eq!(run.made_with().step_count(), 4);
}

#[test]
fn a_run_called_off_is_shown_as_far_as_it_had_come() {
    let mut runs = Fed::default();
    let first = runs.begin(0.0);
    runs.steps(first, 0..4);
    let second = runs.begin(0.1);
    runs.steps(second, 0..2);
    runs.0.by_purpose.get_mut(&TRAJECTORY).expect("runs")[0].cancelled = true;
    // What was in flight still comes, and changes nothing.
    runs.steps(second, 2..3);
    assert_eq!(runs.0.current(TRAJECTORY).expect("a run").progress(), (2, 4));
    // The finished picture of before stays; at the place it came to, what it has.
    assert_eq!([0.25, 1.0].map(|at| runs.shown(at)), [Some((second, 1)), Some((first, 4))]);
}

#[test]
fn behind_the_newest_stay_one_finished_run_and_one_that_may_still_finish() {
    let mut runs = Fed::default();
    let ids: Vec<u64> = (0..4).map(|i| runs.begin(0.01 * f64::from(i))).collect();
    // Nothing is finished: the newest and the one before it.
    assert_eq!(runs.ids(), [ids[3], ids[2]]);
    assert!(runs.0.previous(TRAJECTORY).is_none(), "it has nothing to show");
    runs.steps(ids[2], 0..4);
    assert_eq!(runs.ids(), [ids[3], ids[2]]);
    let next = runs.begin(0.5);
    assert_eq!(runs.ids(), [next, ids[3], ids[2]]);
    let newest = runs.begin(0.6);
    assert_eq!(runs.ids(), [newest, next, ids[2]], "the finished one stays behind any number of others");
    assert_eq!(runs.0.previous(TRAJECTORY).map(|run| run.id), Some(ids[2]));
    // A newer one that finishes takes its place, and the newest that finishes is all that is needed.
    runs.steps(next, 0..4);
    assert_eq!(runs.ids(), [newest, next]);
    runs.steps(newest, 0..4);
    assert_eq!(runs.ids(), [newest]);
}

#[test]
fn a_refused_run_is_forgotten_and_says_which_controls_it_had() {
    let mut runs = Fed::default();
    let first = runs.begin(0.0);
    runs.steps(first, 0..4);
    let second = runs.begin(0.1);
    let refused = |id| Event::Failed { id, refused: true, message: String::new() };
    assert_eq!(runs.0.apply(&refused(second)).map(|controls| controls.eta), Some(0.1));
    assert_eq!((runs.ids(), runs.shown(1.0)), (vec![first], Some((first, 4))));
    // Of one that another has replaced nobody has to know.
    let (third, fourth) = (runs.begin(0.11), runs.begin(0.12));
    assert!(runs.0.apply(&refused(third)).is_none());
    assert_eq!(runs.ids(), [fourth, first]);
}

#[test]
fn a_comparison_that_was_finished_comes_back_as_it_was() {
    let mut runs = Fed::default();
    let first = runs.begin_as(Purpose::Compare, 0.0);
    runs.steps(first, 0..4);
    let second = runs.begin_as(Purpose::Compare, 0.1);
    runs.steps(second, 0..2);
    let of = |eta: f64| Controls { steps: 4, eta, ..Controls::default() };
    assert!(!runs.0.bring_back(Purpose::Compare, &Controls { seed: 77, ..of(0.0) }));
    // It was not finished, so there is nothing to come back to. (The rows of η are the same whatever η the slider has.)
    assert!(!runs.0.bring_back(Purpose::Trajectory, &of(0.0)));
    assert!(runs.0.bring_back(Purpose::Compare, &of(0.0)));
    let run = runs.0.current(Purpose::Compare).expect("a run");
    assert!(run.finished && run.id > second && run.progress() == (4, 4));
}

#[test]
fn another_panel_s_run_displaces_the_one_that_was_computed() {
    let mut runs = Fed::default();
    let first = runs.begin(0.0);
    runs.steps(first, 0..1);
    runs.0.register(Purpose::Compare, &Controls::default());
    runs.0.begin(Purpose::Compare).expect("it waits").expect("a request");
    runs.steps(first, 1..2);
    let run = runs.0.current(TRAJECTORY).expect("a run");
    assert!(run.displaced && !run.is_running() && run.progress() == (1, 4));
    assert!(!runs.0.is_current(TRAJECTORY, |_| true), "it begins again when it is looked at");
    assert_eq!(runs.0.running().map(|run| run.purpose), Some(Purpose::Compare));
}
