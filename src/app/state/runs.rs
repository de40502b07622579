//! The runs the app knows of: the newest for each purpose, and an earlier one while the newest has less to show.

use super::{
    controls::Controls,
    run_requests::{self, Purpose},
    run_view::{RunView, Shown},
};
use crate::{
    error::Result,
    session::{Event, Keep, Request, Session},
};
use std::collections::HashMap;

/// While a slider moves, the previous run stays on screen for this many seconds where the new one has nothing to show yet;
/// after that the newest step of the new run is shown.
const HOLD: f64 = 0.4;

/// All runs.
#[derive(Default)]
pub struct Runs {
    /// The newest run of each purpose comes first, followed by at most one finished run and one that may still finish.
    by_purpose: HashMap<Purpose, Vec<RunView>>,
    next_id: u64,
    active: Option<Purpose>,
}

fn keep(purpose: Purpose) -> Keep {
    if purpose == Purpose::Trajectory { Keep::Trajectory } else { Keep::Latest }
}

impl Runs {
    /// Starts the run that `purpose` needs under `controls`; it is `now`, in egui's time.
    ///
    /// # Errors
    /// Controls that cannot be turned into a request.
    pub(crate) fn start(&mut self, session: &Session, purpose: Purpose, controls: &Controls, now: f64) -> Result<()> {
        session.submit(self.begin(purpose, controls, now)?);
        Ok(())
    }

    /// Makes that run the newest of its purpose and returns what to ask the session for.
    fn begin(&mut self, purpose: Purpose, controls: &Controls, now: f64) -> Result<Request> {
        self.next_id += 1;
        let request = run_requests::request(self.next_id, purpose, controls)?;
        // What another panel was computing is not finished; it starts over when that panel is opened again.
        if let Some(other) = self.active.filter(|active| *active != purpose)
            && let Some(run) = self.by_purpose.get_mut(&other).and_then(|runs| runs.first_mut())
            && run.is_running()
        {
            run.displaced = true;
        }
        self.active = Some(purpose);
        let runs = self.by_purpose.entry(purpose).or_default();
        runs.insert(0, RunView::new(self.next_id, purpose, controls.clone(), now));
        prune(runs);
        Ok(request)
    }

    /// The newest run of a purpose.
    pub fn current(&self, purpose: Purpose) -> Option<&RunView> {
        self.by_purpose.get(&purpose)?.first()
    }

    /// The earlier run that has the most to show: a finished one, else the newest with any updates.
    pub fn previous(&self, purpose: Purpose) -> Option<&RunView> {
        let older = self.by_purpose.get(&purpose)?.get(1..)?;
        older.iter().find(|run| run.finished).or_else(|| older.iter().find(|run| run.has_updates()))
    }

    /// What is being computed.
    pub(crate) fn running(&self) -> Option<&RunView> {
        self.current(self.active?).filter(|run| run.is_running())
    }

    /// Whether the newest run of `purpose` was made by these controls and is finished, running or cancelled by the user: no
    /// need to start it again.
    pub(crate) fn is_current(&self, purpose: Purpose, wanted: impl Fn(&Controls) -> bool) -> bool {
        self.current(purpose).is_some_and(|run| !run.displaced && wanted(&run.controls))
    }

    /// Cancels what is being computed; its updates stay.
    pub(crate) fn cancel(&mut self, session: &Session) {
        session.cancel();
        let run = self.active.and_then(|purpose| self.by_purpose.get_mut(&purpose)?.first_mut());
        if let Some(run) = run.filter(|run| run.is_running()) {
            run.cancelled = true;
        }
    }

    /// The controls that asked for a run.
    pub(crate) fn controls_of(&self, id: u64) -> Option<&Controls> {
        self.by_purpose.values().flatten().find(|run| run.id == id).map(|run| &run.controls)
    }

    /// Gives an event to the run it is about. If that run is the newest of its purpose and was refused, returns its controls: the
    /// run is forgotten, and the one before it is the newest again.
    pub(crate) fn apply(&mut self, event: &Event) -> Option<Controls> {
        let id = match event {
            Event::Planned(plan) => plan.id,
            Event::Step(update) => update.id,
            Event::Finished { id } | Event::Failed { id, .. } | Event::Recovered { id, .. } => *id,
            Event::Device { .. } | Event::Done(_) => return None,
        };
        for runs in self.by_purpose.values_mut() {
            let Some(place) = runs.iter().position(|run| run.id == id) else { continue };
            if matches!(event, Event::Failed { refused: true, .. }) {
                let run = runs.remove(place);
                return (place == 0).then_some(run.controls);
            }
            let run = &mut runs[place];
            // A cancelled run stays as the user last saw it.
            if !run.cancelled && !run.displaced {
                run.apply(event, keep(run.purpose));
            }
            if matches!(event, Event::Finished { .. }) {
                prune(runs);
            }
            return None;
        }
        None
    }

    /// What to draw of the trajectory for a playhead at `at` (0: x_T, 1: the finished sample) at the time `now`.
    pub(crate) fn shown(&self, at: f64, now: f64) -> Option<Shown<'_>> {
        let current = self.current(Purpose::Trajectory);
        let exact = current.and_then(|run| run.at(at));
        if exact.is_some() {
            return exact;
        }
        let hold = current.is_none_or(|run| (run.is_running() && now - run.asked < HOLD) || !run.has_updates());
        let older = self.previous(Purpose::Trajectory).filter(|_| hold);
        let older = older.and_then(|run| run.at(at).or_else(|| run.newest()));
        older.or_else(|| current.and_then(RunView::newest))
    }
}

/// Forgets runs that will not be shown again.
fn prune(runs: &mut Vec<RunView>) {
    if runs.first().is_some_and(|run| run.finished) {
        runs.truncate(1);
        return;
    }
    let (mut finished, mut unfinished) = (false, false);
    let mut number = 0;
    runs.retain(|run| {
        number += 1;
        let seen = if run.finished { &mut finished } else { &mut unfinished };
        number == 1 || !std::mem::replace(seen, true)
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
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
        /// Begins a run at the time `now` and accepts it. Returns its number.
        fn begin(&mut self, now: f64) -> u64 {
            let controls = Controls { steps: 4, eta: now / 100.0, ..Controls::default() };
            let request = self.0.begin(TRAJECTORY, &controls, now).expect("a request");
            let schedule = Schedule::new(&SchedulerConfig::default(), &controls.schedule()).expect("a schedule");
            let model = ModelFacts {
                key: "toy".to_owned(),
                name: "toy".to_owned(),
                channels: 1,
                size: (1, 1),
                parameters: 1,
                weights_crc32: "00000000".to_owned(),
                scheduler: SchedulerConfig::default(),
                card: None,
            };
            let (id, schedules) = (request.id, vec![Arc::new(schedule)]);
            let plan = Plan { id, model: Arc::new(model), size: (1, 1), schedules, latent_rms: vec![vec![1.0]], every: 1 };
            self.0.apply(&Event::Planned(plan));
            id
        }

        /// The steps `indices` of run `id` come, and its end after the last.
        fn steps(&mut self, id: u64, indices: std::ops::Range<usize>) {
            let picture = || Arc::new(Picture::filled(1, 1, [0; 3]));
            for index in indices {
                let records = vec![StepRecord { x_t: picture(), x0: picture(), terms: None, rms: Rms::default() }];
                let after = vec![picture()];
                let update =
                    StepUpdate { id, group: 0, index, total: 4, seconds: 0.1, records, after, after_rms: vec![1.0], spread: None };
                self.0.apply(&Event::Step(Arc::new(update)));
                if index == 3 {
                    self.0.apply(&Event::Finished { id });
                }
            }
        }

        /// The run and the position shown for a playhead at `at`.
        fn shown(&self, at: f64, now: f64) -> Option<(u64, usize)> {
            self.0.shown(at, now).map(|shown| (shown.run.id, shown.position()))
        }

        fn ids(&self) -> Vec<u64> {
            self.0.by_purpose[&TRAJECTORY].iter().map(|run| run.id).collect()
        }
    }

    #[test]
    fn the_run_before_stays_for_a_while_where_the_new_one_has_nothing_yet() {
        let mut runs = Fed::default();
        let first = runs.begin(0.0);
        assert_eq!(runs.shown(1.0, 0.0), None);
        // Without a run before, it is shown as far as it has come.
        runs.steps(first, 0..2);
        assert_eq!([0.0, 0.25, 1.0].map(|at| runs.shown(at, 0.1)), [Some((first, 0)), Some((first, 1)), Some((first, 1))]);
        runs.steps(first, 2..4);
        assert_eq!([0.5, 1.0].map(|at| runs.shown(at, 0.2)), [Some((first, 2)), Some((first, 4))]);

        let second = runs.begin(10.0);
        // As long as it has nothing at all, however long that takes.
        assert_eq!([10.0, 99.0].map(|now| runs.shown(1.0, now)), [Some((first, 4)); 2]);
        runs.steps(second, 0..2);
        // What it has is shown at once; what it has not yet, from the run before, until its time is over.
        assert_eq!(runs.shown(0.25, 10.1), Some((second, 1)));
        assert_eq!(runs.shown(1.0, 10.0 + HOLD - 0.01), Some((first, 4)));
        assert_eq!(runs.shown(1.0, 10.0 + HOLD + 0.01), Some((second, 1)));
        runs.steps(second, 2..4);
        assert_eq!(runs.shown(1.0, 10.2), Some((second, 4)));
    }

    #[test]
    fn a_run_called_off_is_shown_as_far_as_it_had_come() {
        let mut runs = Fed::default();
        let first = runs.begin(0.0);
        runs.steps(first, 0..4);
        let second = runs.begin(10.0);
        runs.steps(second, 0..2);
        runs.0.by_purpose.get_mut(&TRAJECTORY).expect("runs")[0].cancelled = true;
        // What was in flight still comes, and changes nothing.
        runs.steps(second, 2..3);
        assert_eq!(runs.0.current(TRAJECTORY).expect("a run").progress(), (2, 4));
        assert_eq!(runs.shown(1.0, 10.1), Some((second, 1)));
    }

    #[test]
    fn behind_the_newest_stay_one_finished_run_and_one_that_may_still_finish() {
        let mut runs = Fed::default();
        let ids: Vec<u64> = (0..4).map(|i| runs.begin(f64::from(i))).collect();
        // Nothing is finished: the newest and the one before it.
        assert_eq!(runs.ids(), [ids[3], ids[2]]);
        assert!(runs.0.previous(TRAJECTORY).is_none(), "it has nothing to show");
        runs.steps(ids[2], 0..4);
        assert_eq!(runs.ids(), [ids[3], ids[2]]);
        let next = runs.begin(5.0);
        assert_eq!(runs.ids(), [next, ids[3], ids[2]]);
        let newest = runs.begin(6.0);
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
        let second = runs.begin(10.0);
        let refused = |id| Event::Failed { id, refused: true, message: String::new() };
        assert_eq!(runs.0.apply(&refused(second)).map(|controls| controls.eta), Some(0.1));
        assert_eq!((runs.ids(), runs.shown(1.0, 10.0)), (vec![first], Some((first, 4))));
        // Of one that another has replaced nobody has to know.
        let (third, fourth) = (runs.begin(11.0), runs.begin(12.0));
        assert!(runs.0.apply(&refused(third)).is_none());
        assert_eq!(runs.ids(), [fourth, first]);
    }

    #[test]
    fn another_panel_s_run_displaces_the_one_that_was_computed() {
        let mut runs = Fed::default();
        let first = runs.begin(0.0);
        runs.steps(first, 0..1);
        runs.0.begin(Purpose::Compare, &Controls::default(), 1.0).expect("a request");
        runs.steps(first, 1..2);
        let run = runs.0.current(TRAJECTORY).expect("a run");
        assert!(run.displaced && !run.is_running() && run.progress() == (1, 4));
        assert!(!runs.0.is_current(TRAJECTORY, |_| true), "it begins again when it is looked at");
        assert_eq!(runs.0.running().map(|run| run.purpose), Some(Purpose::Compare));
    }
}
