//! The runs the app knows of: for each purpose the newest, those before it while the newest has less to show, and what was computed ahead.
//!
//! What is on screen is never replaced by less: a place shows the newest run that has a picture there.

use super::{
    controls::Controls,
    run_requests::{self, Purpose, Touched},
    run_view::{RunView, Shown},
    scale::Scale,
    view_settings::Tab,
};
use crate::{
    error::Result,
    session::{Event, Keep, Kind, Order, Request, Session},
};
use std::collections::HashMap;

/// What is computed ahead takes no more memory than this, in bytes of pictures.
const AHEAD_BYTES: usize = 96 << 20;
/// Nor do the comparisons that one may come back to.
const GRIDS_BYTES: usize = 128 << 20;
/// So many of them are kept.
const MAX_GRIDS: usize = 4;

/// How long a draft takes to compute before one has ended, and a frame to be drawn, in seconds.
const DRAFT_SECONDS: f64 = 0.08;
const FRAME_SECONDS: f64 = 0.03;

/// All runs.
#[derive(Default)]
pub struct Runs {
    /// The newest run of each purpose comes first, followed by at most one finished run and one that may still finish.
    by_purpose: HashMap<Purpose, Vec<RunView>>,
    /// The comparisons that were finished last, the newest first: who comes back to one finds it as it was.
    grids: Vec<RunView>,
    next_id: u64,
    active: Option<Purpose>,
}

/// The request of `purpose` apart from its number: what two runs must have in common to show the same.
pub(crate) fn asks(purpose: Purpose, controls: &Controls) -> Option<Request> {
    run_requests::request(0, purpose, controls).ok()
}

fn keep(run: &RunView) -> Keep {
    run_requests::request(0, run.purpose, &run.controls).map_or(Keep::Latest, |request| request.keep)
}

/// Whether two controls ask for the same picture but for their places on `scale`.
fn is_like(of: &Controls, controls: &Controls, scale: Scale) -> bool {
    if of.seed != controls.seed || of.view.tab != controls.view.tab || of.view.image != controls.view.image {
        return false;
    }
    let mut like = scale.at(scale.place(controls), of);
    // What the picture does not depend on.
    (like.count, like.sigma_hat, like.size) = (controls.count, controls.sigma_hat, controls.size);
    let position = |of: &Controls| (of.view.tab == Tab::Interpolate).then_some(of.view.interpolate.position);
    let same_place = position(&like) == position(controls);
    like.view = controls.view.clone();
    same_place && like == *controls
}

/// The purposes whose runs have a trajectory's steps.
const STEP_BY_STEP: [Purpose; 4] = [Purpose::Trajectory, Purpose::Focus, Purpose::Draft, Purpose::Ahead];

impl Runs {
    /// Notes that the run of `purpose` under `controls` is wanted: until it is submitted, it waits.
    pub(crate) fn register(&mut self, purpose: Purpose, controls: &Controls) {
        self.next_id += 1;
        self.insert(RunView::new(self.next_id, purpose, controls.clone()));
    }

    /// Takes the run of `purpose` under `controls` from those that were finished before, if it is there: a comparison that was left.
    pub(crate) fn bring_back(&mut self, purpose: Purpose, controls: &Controls) -> bool {
        let wanted = asks(purpose, controls).filter(|_| purpose == Purpose::Compare);
        let found = self.grids.iter().find(|run| wanted.is_some() && asks(purpose, &run.controls) == wanted);
        let Some(found) = found.map(|run| RunView { id: self.next_id + 1, controls: controls.clone(), ..run.clone() }) else {
            return false;
        };
        self.next_id += 1;
        self.displace(purpose);
        self.insert(found);
        true
    }

    /// Keeps a comparison that is finished.
    fn keep_grid(&mut self, run: RunView) {
        let wanted = asks(run.purpose, &run.controls);
        self.grids.retain(|old| asks(old.purpose, &old.controls) != wanted);
        self.grids.insert(0, run);
        let mut bytes = 0;
        let mut number = 0;
        self.grids.retain(|run| {
            (bytes, number) = (bytes + run.bytes(), number + 1);
            number == 1 || number <= MAX_GRIDS && bytes <= GRIDS_BYTES
        });
    }

    fn insert(&mut self, run: RunView) {
        let runs = self.by_purpose.entry(run.purpose).or_default();
        runs.insert(0, run);
        prune(runs);
    }

    /// Submits the run of `purpose` that waits; its group `first` comes before the others.
    ///
    /// # Errors
    /// Controls that make no request.
    pub(crate) fn submit(&mut self, session: &Session, purpose: Purpose, first: Option<usize>) -> Result<()> {
        if let Some(request) = self.begin(purpose) {
            let request = request?;
            let order = first.map_or(request.order, Order::First);
            session.submit(Request { order, fit_steps: true, ..request });
        }
        Ok(())
    }

    /// What to ask the session for; `None` where no run of `purpose` waits.
    fn begin(&mut self, purpose: Purpose) -> Option<Result<Request>> {
        let run = self.by_purpose.get_mut(&purpose)?.first_mut()?;
        // It begins now: what was drafted or stood for it while it waited is older.
        self.next_id += 1;
        (run.id, run.submitted) = (self.next_id, true);
        let request = run_requests::request(run.id, purpose, &run.controls);
        self.displace(purpose);
        if !matches!(purpose, Purpose::Draft | Purpose::Ahead) {
            self.active = Some(purpose);
        }
        Some(request)
    }

    /// Starts the run that `purpose` needs under `controls`.
    ///
    /// # Errors
    /// Controls that make no request.
    pub(crate) fn start(&mut self, session: &Session, purpose: Purpose, controls: &Controls) -> Result<()> {
        self.register(purpose, controls);
        self.submit(session, purpose, None)
    }

    /// Starts a draft of `controls` that may take what the control allows which moves.
    ///
    /// # Errors
    /// Controls that make no request.
    pub(crate) fn start_draft(&mut self, session: &Session, controls: &Controls, touched: Touched) -> Result<()> {
        self.register(Purpose::Draft, controls);
        let mut request = run_requests::request(self.next_id, Purpose::Draft, controls)?;
        // What several groups are computed in is divided among them.
        (request.kind, request.fit_steps) = (Kind::Draft(touched.budget().divided(request.groups.len())), true);
        self.displace(Purpose::Draft);
        session.submit(request);
        Ok(())
    }

    /// Starts a draft of the picture in row and column `cell` of a comparison, which `controls` make.
    ///
    /// # Errors
    /// Controls that make no request.
    pub(crate) fn start_cell_draft(&mut self, session: &Session, cell: [usize; 2], of: &Controls, touched: Touched) -> Result<()> {
        self.start_draft(session, of, touched)?;
        if let Some(run) = self.by_purpose.get_mut(&Purpose::Draft).and_then(|runs| runs.first_mut()) {
            run.cell = Some(cell);
        }
        Ok(())
    }

    /// The newest draft of a comparison's picture that has something to show.
    pub(crate) fn cell_draft(&self) -> Option<&RunView> {
        self.of(Purpose::Draft).find(|run| run.cell.is_some() && (run.finished || run.slow_draft().is_some()))
    }

    /// Computes the picture of `controls` ahead.
    ///
    /// # Errors
    /// Controls that make no request.
    pub(crate) fn start_ahead(&mut self, session: &Session, controls: &Controls, touched: Touched) -> Result<()> {
        let scale = Scale::of(touched, controls);
        // What is on another scale, of another seed say, is the first to go where memory is short.
        if let Some(runs) = self.by_purpose.get_mut(&Purpose::Ahead) {
            runs.sort_by_key(|run| !is_like(&run.controls, controls, scale));
        }
        self.register(Purpose::Ahead, controls);
        session.submit(Request { fit_steps: true, ..run_requests::request(self.next_id, Purpose::Ahead, controls)? });
        Ok(())
    }

    /// What was being computed in full is not finished any more where something else takes the device; it begins again when it is wanted.
    fn displace(&mut self, by: Purpose) {
        for (purpose, runs) in &mut self.by_purpose {
            if *purpose != by
                && !matches!(purpose, Purpose::Draft | Purpose::Ahead)
                && let Some(run) = runs.first_mut()
                && run.submitted
                && run.is_running()
            {
                run.displaced = true;
            }
        }
    }

    /// Takes the picture of `controls` from what was computed before, as if it had been computed now; where it is all that `whole` asks
    /// for, it is that.
    pub(crate) fn adopt(&mut self, whole: Purpose, controls: &Controls) {
        let Some(found) = self.ready(controls) else { return };
        let is_whole = found.focus == asks(whole, controls);
        let purpose = if is_whole { whole } else { Purpose::Focus };
        let run = RunView { purpose, id: self.next_id + 1, controls: controls.clone(), ..found.clone() };
        self.next_id += 1;
        self.displace(purpose);
        self.insert(run);
    }

    /// A finished run of the picture of `controls`, computed ahead or looked at before.
    pub(crate) fn ready(&self, controls: &Controls) -> Option<&RunView> {
        let wanted = asks(Purpose::Focus, controls)?;
        self.of(Purpose::Ahead).find(|run| run.finished && run.focus.as_ref() == Some(&wanted))
    }

    /// Whether the picture of `controls` is there, computed ahead or looked at before.
    pub fn is_ready(&self, controls: &Controls) -> bool {
        self.ready(controls).is_some()
    }

    /// How many pictures are ready.
    pub fn computed_ahead(&self) -> usize {
        self.of(Purpose::Ahead).filter(|run| run.finished).count()
    }

    /// The places on `scale` at which the picture of `controls` is ready.
    pub(crate) fn ready_at(&self, controls: &Controls, scale: Scale) -> Vec<f64> {
        let ready = self.of(Purpose::Ahead).filter(|run| run.finished && is_like(&run.controls, controls, scale));
        ready.map(|run| scale.place(&run.controls)).collect()
    }

    /// Takes the picture of `controls`, which is ready, for that of others near them.
    pub(crate) fn stand_in(&mut self, controls: &Controls) {
        let Some(found) = self.ready(controls) else { return };
        let (purpose, id) = (Purpose::Focus, self.next_id + 1);
        let run = RunView { purpose, id, stands_in: true, controls: controls.clone(), ..found.clone() };
        self.next_id = id;
        self.displace(purpose);
        self.insert(run);
    }

    /// Keeps the run of `a`, the controls of what is pinned, where it was computed already; forgets it where nothing is pinned.
    pub(crate) fn keep_pinned(&mut self, session: &Session, a: Option<&Controls>) {
        let Some(a) = a else {
            let gone = self.by_purpose.remove(&Purpose::Pinned);
            if gone.is_some_and(|runs| runs.first().is_some_and(|run| run.submitted && run.is_running())) {
                session.cancel();
            }
            return;
        };
        if self.is_current(Purpose::Pinned, |of| of == a) {
            return;
        }
        let wanted = asks(Purpose::Pinned, a);
        let image_of = |run: &RunView| a.image_number().checked_sub(run.controls.first).map(|image| image as usize);
        let is_it = |run: &RunView, image: usize| {
            let mut made_with = run.made_with();
            made_with.view.image = image as u32;
            run.finished && run.has_image(image) && asks(Purpose::Pinned, &made_with) == wanted
        };
        let mut all = STEP_BY_STEP.into_iter().flat_map(|purpose| self.of(purpose));
        let found = all.find_map(|run| image_of(run).filter(|image| is_it(run, *image)).and_then(|image| run.alone(image, a)));
        drop(all);
        if let Some(found) = found {
            self.next_id += 1;
            self.insert(RunView { id: self.next_id, ..found });
        }
    }

    /// Stops a race whose settings are not those of `controls` any more.
    pub(crate) fn stop_other_race(&mut self, session: &Session, controls: &Controls) {
        let is_other = |run: &RunView| {
            run.submitted && run.is_running() && asks(Purpose::Race, &run.controls) != asks(Purpose::Race, controls)
        };
        if self.current(Purpose::Race).is_some_and(is_other) {
            self.cancel(session);
        }
    }

    /// What a run is for.
    pub(crate) fn purpose_of(&self, id: u64) -> Option<Purpose> {
        self.by_purpose.values().flatten().find(|run| run.id == id).map(|run| run.purpose)
    }

    /// Whether the picture of `controls` stands for that of others, and no draft came after it.
    pub(crate) fn stands_in(&self, controls: &Controls) -> bool {
        let newest = self.of(Purpose::Draft).map(|run| run.id).max();
        let is_it = |run: &RunView| run.stands_in && run.controls == *controls && newest.is_none_or(|draft| draft < run.id);
        self.current(Purpose::Focus).is_some_and(is_it)
    }

    /// Seconds from the beginning of a draft until it is seen, by the newest that has ended.
    pub(crate) fn draft_seconds(&self) -> f64 {
        self.draft().map_or(DRAFT_SECONDS, RunView::seconds) + FRAME_SECONDS
    }

    /// Seconds that a picture takes which is computed ahead.
    pub(crate) fn ahead_seconds(&self) -> f64 {
        self.of(Purpose::Ahead).find(|run| run.finished).map_or(0.0, RunView::seconds)
    }

    /// Forgets the run that is being computed ahead, if one is.
    pub(crate) fn stop_ahead(&mut self, session: &Session) {
        if let Some(runs) = self.by_purpose.get_mut(&Purpose::Ahead)
            && runs.first().is_some_and(RunView::is_running)
        {
            runs.remove(0);
            session.cancel_ahead();
        }
    }

    /// Whether there is memory for one picture more of those of `controls` on `scale`. Others give way to it.
    pub(crate) fn has_room_ahead(&self, controls: &Controls, scale: Scale) -> bool {
        let like = self.of(Purpose::Ahead).filter(|run| is_like(&run.controls, controls, scale));
        let bytes: Vec<usize> = like.map(RunView::bytes).collect();
        let largest = bytes.iter().max().copied().unwrap_or(0);
        bytes.iter().sum::<usize>() + largest <= AHEAD_BYTES
    }

    fn of(&self, purpose: Purpose) -> impl Iterator<Item = &RunView> {
        self.by_purpose.get(&purpose).into_iter().flatten()
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

    /// Whether a draft is being computed or waits.
    pub(crate) fn is_drafting(&self) -> bool {
        self.of(Purpose::Draft).any(|run| run.is_running())
    }

    /// Whether a draft is being computed that takes longer than a hand waits.
    pub(crate) fn is_drafting_slowly(&self) -> bool {
        self.of(Purpose::Draft).any(|run| run.is_running() && run.slow_draft().is_some())
    }

    /// The newest draft and those before it that are kept.
    pub(crate) fn drafts(&self) -> impl Iterator<Item = &RunView> {
        self.of(Purpose::Draft)
    }

    /// The newest draft that has ended.
    pub(crate) fn draft(&self) -> Option<&RunView> {
        self.of(Purpose::Draft).find(|run| run.finished)
    }

    /// What is being computed in full.
    pub fn running(&self) -> Option<&RunView> {
        self.current(self.active?).filter(|run| run.submitted && run.is_running())
    }

    /// Whether the newest run of `purpose` was made by these controls and is finished, on its way, waits for its turn or was called off by
    /// the user: no need to start it again.
    pub(crate) fn is_current(&self, purpose: Purpose, same: impl Fn(&Controls) -> bool) -> bool {
        self.current(purpose).is_some_and(|run| !run.displaced && same(&run.controls))
    }

    /// Calls off what is being computed and what waits; its updates stay.
    pub(crate) fn cancel(&mut self, session: &Session) {
        session.cancel();
        for runs in self.by_purpose.values_mut() {
            if let Some(run) = runs.first_mut().filter(|run| run.is_running()) {
                run.cancelled = true;
            }
        }
        self.by_purpose.remove(&Purpose::Draft);
    }

    /// The controls that asked for a run; `None` for one that is computed ahead, or pinned: these are not the controls of now.
    pub(crate) fn controls_of(&self, id: u64) -> Option<&Controls> {
        let asked = self.by_purpose.values().flatten().filter(|run| !matches!(run.purpose, Purpose::Ahead | Purpose::Pinned));
        asked.into_iter().find(|run| run.id == id).map(|run| &run.controls)
    }

    /// Gives an event to the run it is about. Returns its controls where that was the newest of its purpose and it was refused: it is
    /// forgotten then with all that wait for the same controls, and the run before is the newest again.
    pub(crate) fn apply(&mut self, event: &Event) -> Option<Controls> {
        let id = match event {
            Event::Planned(plan) => plan.id,
            Event::Step(update) => update.id,
            Event::Finished { id } | Event::Failed { id, .. } | Event::Recovered { id, .. } => *id,
            Event::Device { .. } | Event::Done(_) => return None,
        };
        let found = self.by_purpose.iter().find_map(|(purpose, runs)| Some((*purpose, runs.iter().position(|run| run.id == id)?)));
        let (purpose, place) = found?;
        let runs = self.by_purpose.get_mut(&purpose)?;
        if let Event::Failed { refused: true, message, .. } = event {
            if purpose == Purpose::Pinned {
                // The controls are another's: they stay.
                runs[place].failed = Some(message.clone());
                return None;
            }
            let controls = runs.remove(place).controls;
            if place > 0 || purpose == Purpose::Ahead {
                return None;
            }
            for runs in self.by_purpose.values_mut() {
                runs.retain(|run| run.submitted || run.controls != controls);
            }
            return Some(controls);
        }
        let run = &mut runs[place];
        // What was called off stays as the user last saw it.
        if !run.cancelled && !run.displaced {
            let keep = keep(run);
            run.apply(event, keep);
        }
        if matches!(event, Event::Finished { .. }) {
            // What was looked at once is ready when one comes back to it.
            let keep = (purpose == Purpose::Focus && run.finished).then(|| RunView { purpose: Purpose::Ahead, ..run.clone() });
            let grid = (purpose == Purpose::Compare && run.finished).then(|| run.clone());
            prune(runs);
            if let Some(grid) = grid {
                self.keep_grid(grid);
                return None;
            }
            if let Some(run) = keep {
                let ahead = self.by_purpose.entry(Purpose::Ahead).or_default();
                // Behind one that is being computed, which stays the first.
                let place = usize::from(ahead.first().is_some_and(RunView::is_running));
                ahead.insert(place, run);
                prune(ahead);
            }
        }
        None
    }

    /// What of the trajectory of `image` to draw for a playhead at `at` (0: x_T, 1: the finished sample): the newest that has a picture
    /// there, be it a draft; where there is none at all, as far as the newest has come.
    pub fn shown(&self, at: f64, image: usize) -> Option<Shown<'_>> {
        let all = || {
            STEP_BY_STEP.into_iter().filter(|p| *p != Purpose::Ahead).flat_map(|p| self.of(p)).filter(|run| run.has_image(image))
        };
        let there = all().filter_map(|run| run.at(at).or_else(|| run.slow_draft())).max_by_key(|shown| shown.run.id);
        there.or_else(|| all().filter_map(RunView::newest).max_by_key(|shown| shown.run.id))
    }

    /// As [`Self::shown`], but for drafts that are shown step by step: their x̂0 is worth seeing, their x_t is noise.
    pub(crate) fn shown_whole(&self, at: f64, image: usize) -> Option<Shown<'_>> {
        let all = STEP_BY_STEP.into_iter().filter(|p| *p != Purpose::Ahead).flat_map(|p| self.of(p));
        all.filter(|run| run.has_image(image)).filter_map(|run| run.at(at)).max_by_key(|shown| shown.run.id)
    }

    /// As [`Self::shown`], of the whole batch, which drafts do not have.
    pub(crate) fn shown_batch(&self, at: f64) -> Option<Shown<'_>> {
        let there = self.of(Purpose::Trajectory).find_map(|run| run.at(at));
        there.or_else(|| self.of(Purpose::Trajectory).find_map(RunView::newest))
    }

    /// The newest full run of `image` whose steps are known: what the film strip shows, and one before it.
    pub(crate) fn strip(&self, image: usize) -> Vec<&RunView> {
        let full = [Purpose::Trajectory, Purpose::Focus].into_iter().flat_map(|purpose| self.of(purpose));
        let mut runs: Vec<_> = full.filter(|run| run.has_image(image) && run.has_updates()).collect();
        runs.sort_by_key(|run| std::cmp::Reverse(run.id));
        runs
    }
}

/// Forgets runs that will not be shown again.
fn prune(runs: &mut Vec<RunView>) {
    let Some(first) = runs.first() else { return };
    match first.purpose {
        Purpose::Ahead => {
            let mut bytes = 0;
            let mut newest = true;
            runs.retain(|run| {
                bytes += run.bytes();
                std::mem::take(&mut newest) || run.finished && bytes <= AHEAD_BYTES
            });
        }
        _ if first.finished && first.purpose != Purpose::Draft => runs.truncate(1),
        purpose => {
            // Of drafts that take long also the newest that has come to something.
            let (mut finished, mut unfinished, mut shown) = (false, false, false);
            let mut number = 0;
            // Of those that wait only the newest will begin; what has begun is behind it.
            let begun = |run: &RunView| if purpose == Purpose::Draft { run.plan.is_some() } else { run.submitted || run.finished };
            runs.retain(|run| {
                number += 1;
                let seen = match () {
                    () if run.finished => &mut finished,
                    () if run.is_draft() && run.has_updates() => &mut shown,
                    () => &mut unfinished,
                };
                number == 1 || begun(run) && !std::mem::replace(seen, true)
            });
        }
    }
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
        assert_eq!(
            runs.0.shown_whole(1.0, 0).map(|shown| shown.run.id),
            Some(first),
            "its x_t does not replace the finished picture"
        );
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
}
