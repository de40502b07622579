//! What a cell shows at a place of the scrubber.

use crate::{
    app::{state::run_view::RunView, widgets::tile},
    picture::Picture,
    session::StepUpdate,
};
use std::sync::Arc;

/// What a cell shows.
#[derive(Clone, Copy)]
pub(crate) struct Shown<'a> {
    /// The run it is from.
    pub(crate) run: &'a RunView,
    /// Whether that is the run before, which the newest has not caught up with.
    pub(crate) is_old: bool,
    /// Its group and its place in the group.
    pub(crate) at: (usize, usize),
    /// Steps taken: 0 is x_T.
    pub(crate) taken: usize,
    /// The last of these steps; for x_T the first.
    pub(crate) update: &'a StepUpdate,
}

impl<'a> Shown<'a> {
    /// What `run` has of a cell after as many steps as it has taken at `place`, from 0 (x_T) to 1 (the finished sample).
    pub(crate) fn at(run: &'a RunView, place: f64, at: (usize, usize)) -> Option<Self> {
        let schedule = run.plan.as_ref()?.schedules.get(at.0)?;
        let (taken, update) = run.after_steps(at.0, run.stops.taken(run.stops.place(place), schedule))?;
        Some(Self { run, is_old: false, at, taken, update })
    }

    /// As far as `run` has come with a cell.
    pub(crate) fn newest(run: &'a RunView, at: (usize, usize)) -> Option<Self> {
        let update = run.groups.get(at.0)?.latest.as_deref()?;
        Some(Self { run, is_old: false, at, taken: update.index + 1, update })
    }

    /// What a cell shows: of `run` if it has come to `place`, else of the run before, else of `run` as far as it has come. A picture is
    /// never replaced by less.
    pub(crate) fn choose(run: Option<&'a RunView>, older: Option<&'a RunView>, place: f64, at: (usize, usize)) -> Option<Self> {
        let old = |shown: Self| Self { is_old: true, ..shown };
        let there = run.and_then(|run| Self::at(run, place, at));
        let there = there.or_else(|| older.and_then(|run| Self::at(run, place, at)).map(old));
        let there = there.or_else(|| run.and_then(|run| Self::newest(run, at)));
        there.or_else(|| older.and_then(|run| Self::newest(run, at)).map(old))
    }

    /// Steps in all.
    pub(crate) fn total(&self) -> usize {
        self.update.total
    }

    /// Whether it is the finished sample.
    pub(crate) fn is_finished(&self) -> bool {
        self.taken >= self.update.total
    }

    /// x_T before the first step, the sample after the last, and between them x̂0 as the last step predicted it, or (`noisy`) x after it.
    /// `None` where this step's pictures were left out.
    pub(crate) fn picture(&self, noisy: bool) -> Option<&'a Arc<Picture>> {
        let record = || self.update.records.get(self.at.1);
        if self.taken == 0 {
            record().map(|record| &record.x_t)
        } else if noisy || self.is_finished() {
            self.update.after.get(self.at.1)
        } else {
            record().map(|record| &record.x0)
        }
    }

    /// Differs whenever the picture does.
    pub(crate) fn version(&self, noisy: bool) -> u64 {
        tile::version((self.run.id, self.at, self.taken, noisy))
    }

    /// What there is to draw.
    pub(crate) fn tile(&self, noisy: bool) -> tile::Tile<'a> {
        let version = self.version(noisy);
        match self.picture(noisy) {
            None => tile::Tile::Same,
            Some(picture) if self.is_old => tile::Tile::Old(picture, version),
            Some(picture) => tile::Tile::Now(picture, version),
        }
    }

    /// How far it is, in words.
    pub(crate) fn text(&self) -> String {
        let schedule = self.run.plan.as_ref().and_then(|plan| plan.schedules.get(self.at.0));
        let timestep = |index: usize| schedule.and_then(|schedule| schedule.steps.get(index)).map_or(0, |step| step.t);
        let (taken, total) = (self.taken, self.total());
        match taken {
            0 => format!("x_T, the noise that every cell starts from, at t = {}", timestep(0)),
            _ if self.is_finished() => format!("the finished sample, after {total} step{}", if total == 1 { "" } else { "s" }),
            _ => format!("after step {taken} of {total}, from t = {} to {}", timestep(taken - 1), timestep(taken)),
        }
    }
}
