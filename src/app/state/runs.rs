//! The runs the app knows of: for each purpose the newest, and the one before while the newest has less to show.

use super::{
    controls::Controls,
    run_requests::{self, Purpose},
    run_view::{RunView, Shown},
};
use crate::{
    error::Result,
    session::{Event, Keep, Session},
};
use std::{collections::HashMap, time::Duration};

/// While a slider moves, the run before stays on screen for so long where the new one has nothing yet to show at this place; then
/// the new one is shown as far as it has come.
const HOLD: Duration = Duration::from_millis(400);

/// All runs.
#[derive(Default)]
pub struct Runs {
    /// Of each purpose the newest first; behind it at most one that is finished and one that may still finish.
    by_purpose: HashMap<Purpose, Vec<RunView>>,
    next_id: u64,
    active: Option<Purpose>,
}

fn keep(purpose: Purpose) -> Keep {
    if purpose == Purpose::Trajectory { Keep::Trajectory } else { Keep::Latest }
}

impl Runs {
    /// Starts the run that `purpose` needs under `controls`.
    ///
    /// # Errors
    /// Controls that make no request.
    pub(crate) fn start(&mut self, session: &Session, purpose: Purpose, controls: &Controls) -> Result<()> {
        self.next_id += 1;
        let request = run_requests::request(self.next_id, purpose, controls)?;
        // What another panel was computing is not finished any more; it begins again when it is looked at.
        if let Some(other) = self.active.filter(|active| *active != purpose)
            && let Some(run) = self.by_purpose.get_mut(&other).and_then(|runs| runs.first_mut())
            && run.is_running()
        {
            run.displaced = true;
        }
        session.submit(request);
        self.active = Some(purpose);
        let runs = self.by_purpose.entry(purpose).or_default();
        runs.insert(0, RunView::new(self.next_id, purpose, controls.clone()));
        prune(runs);
        Ok(())
    }

    /// The newest run of a purpose.
    pub fn current(&self, purpose: Purpose) -> Option<&RunView> {
        self.by_purpose.get(&purpose)?.first()
    }

    /// The one before it that has most to show: a finished one, else the newest with any updates.
    pub(crate) fn previous(&self, purpose: Purpose) -> Option<&RunView> {
        let older = self.by_purpose.get(&purpose)?.get(1..)?;
        older.iter().find(|run| run.finished).or_else(|| older.iter().find(|run| run.has_updates()))
    }

    /// What is being computed.
    pub(crate) fn running(&self) -> Option<&RunView> {
        self.current(self.active?).filter(|run| run.is_running())
    }

    /// Whether the newest run of `purpose` was made by these controls and is finished, on its way or called off by the user: no
    /// need to start it again.
    pub(crate) fn is_current(&self, purpose: Purpose, wanted: impl Fn(&Controls) -> bool) -> bool {
        self.current(purpose).is_some_and(|run| !run.displaced && wanted(&run.controls))
    }

    /// Calls off what is being computed; its updates stay.
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

    /// Gives an event to the run it is about. Returns its controls where that was the newest of its purpose and it was refused: it is
    /// forgotten then, and the run before is the newest again.
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
            // What was called off stays as the user last saw it.
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

    /// What of the trajectory to draw for a playhead at `at` (0: x_T, 1: the finished sample).
    pub(crate) fn shown(&self, at: f64) -> Option<Shown<'_>> {
        let current = self.current(Purpose::Trajectory);
        let exact = current.and_then(|run| run.at(at));
        if exact.is_some() {
            return exact;
        }
        let hold = current.is_none_or(|run| (run.is_running() && run.asked.elapsed() < HOLD) || !run.has_updates());
        let older = self.previous(Purpose::Trajectory).filter(|_| hold);
        let older = older.and_then(|run| run.at(at).or_else(|| run.newest()));
        older.or_else(|| current.and_then(RunView::newest))
    }
}

/// Forgets what will not be shown any more.
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
