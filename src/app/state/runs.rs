//! The runs the app knows of: for each purpose the newest, those before it while the newest has less to show, and what was computed ahead.
//!
//! What is on screen is never replaced by less: a place shows the newest run that has a picture there.

mod ahead;

use super::{
    controls::Controls,
    run_requests::{self, Purpose, Touched},
    run_view::{RunView, Shown},
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

    /// Seconds from the beginning of a draft until it is seen, by the newest that has ended.
    pub(crate) fn draft_seconds(&self) -> f64 {
        self.draft().map_or(DRAFT_SECONDS, RunView::seconds) + FRAME_SECONDS
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
mod tests;
