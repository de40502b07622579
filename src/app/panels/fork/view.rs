//! What the panel shows of its runs: each place the newest picture there is.

use crate::{
    app::{
        state::{
            controls::Controls,
            fork_requests::branch_controls,
            run_requests::Purpose,
            run_view::{GroupView, RunView},
            runs::Runs,
            view_settings::Tab,
        },
        widgets::{remembered::remembered, tile},
    },
    picture::{Picture, distance},
    schedule::{Fork, Schedule},
};
use eframe::egui::{Context, Id};
use std::sync::Arc;

/// The runs to draw.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    /// The newest of the tree.
    pub(crate) run: Option<&'a RunView>,
    /// One before it, for what the newest has not come to.
    previous: Option<&'a RunView>,
    /// Where drafts are, while a control moves: a row of one that has ended is shown while others go on.
    runs: &'a Runs,
    /// Where the picture is decided: the newest measurement and the one before it.
    measured: [Option<&'a RunView>; 2],
}

/// The row of a run: the stem or a branch.
#[derive(Clone, Copy)]
pub(crate) struct Row<'a> {
    pub(crate) run: &'a RunView,
    pub(crate) group: &'a GroupView,
    pub(crate) schedule: &'a Schedule,
}

impl<'a> View<'a> {
    /// Of the newest runs.
    pub(crate) fn new(runs: &'a Runs) -> Self {
        Self {
            run: runs.current(Purpose::Fork),
            previous: runs.previous(Purpose::Fork),
            runs,
            measured: [runs.current(Purpose::Decided), runs.previous(Purpose::Decided)],
        }
    }

    /// The rows of this name, `None` is the stem, that have come to anything: the newest first.
    pub(crate) fn rows(self, forks: Option<&'a [Fork]>) -> impl Iterator<Item = Row<'a>> {
        let full = [self.run, self.previous].into_iter().flatten();
        full.filter_map(move |run| Row::new(run, forks)).filter(|row| row.group.latest.is_some())
    }

    /// The end of a row: of the newest run or draft that has one, with the run it is of.
    pub(crate) fn end(self, forks: Option<&'a [Fork]>) -> Option<(&'a RunView, &'a Arc<Picture>)> {
        let drafts = self.runs.drafts().filter(|run| run.controls.view.tab == Tab::Fork);
        let all = [self.run, self.previous].into_iter().flatten().chain(drafts);
        let ends = all.filter_map(|run| Some((run, Row::new(run, forks)?.end()?)));
        ends.max_by_key(|(run, _)| run.id)
    }

    /// The steps of the stem, as the newest run has them.
    pub(crate) fn stem(self) -> Option<&'a Schedule> {
        let run = [self.run, self.previous].into_iter().flatten().find(|run| run.plan.is_some())?;
        run.plan.as_ref()?.schedules.first().map(|schedule| &**schedule)
    }

    /// The steps that a branch will have under `controls`, or the stem: known before any run of them is.
    pub(crate) fn schedule(self, ctx: &Context, controls: &Controls, branch: Option<usize>) -> Option<Arc<Schedule>> {
        let plan = [self.run, self.previous].into_iter().flatten().find_map(|run| run.plan.as_ref())?;
        let config = &plan.model.scheduler;
        let mut asked = branch_controls(controls, branch).schedule();
        asked.steps = asked.steps.min(config.num_train_timesteps as usize);
        let key = (plan.model.key.clone(), asked);
        remembered(ctx, Id::unique(("fork schedule", branch)), key, |(_, asked)| {
            let stem = Schedule::new(config, &asked.stem()).ok()?;
            Schedule::new(config, &asked.fitted(&stem.steps)).ok().map(Arc::new)
        })
    }

    /// How far the end of a branch, which is number `number`, lies from that of the stem in the same run: the root mean square difference,
    /// pixels in [0, 1].
    pub(crate) fn distance_from_stem(self, ctx: &Context, number: usize, forks: &'a [Fork]) -> Option<f64> {
        let ((of, end), (run, stem)) = (self.end(Some(forks))?, self.end(None)?);
        let apart =
            || remembered(ctx, Id::unique(("fork distance", number)), (run.id, forks.to_vec()), |_| distance::rms(end, stem));
        (run.id == of.id).then(apart)
    }

    /// Height over width of the pictures.
    pub(crate) fn aspect(self) -> f32 {
        let plan = [self.run, self.previous].into_iter().flatten().find_map(|run| run.plan.as_ref());
        tile::aspect(plan)
    }

    /// How far branches come apart, by the timestep at which they leave the stem; whether that is of before a change.
    pub(crate) fn decided(self, ctx: &Context, now: &Controls) -> (Vec<[f64; 2]>, bool) {
        let found = self.measured.into_iter().flatten().find(|run| run.has_updates());
        let Some(run) = found else { return (Vec::new(), false) };
        let points = remembered(ctx, Id::unique("fork distances"), (run.id, run.progress()), |_| distances(run));
        (points, !same_pictures(&run.controls, now))
    }
}

impl<'a> Row<'a> {
    fn new(run: &'a RunView, forks: Option<&[Fork]>) -> Option<Self> {
        let number = match forks {
            None => 0,
            Some(forks) => 1 + run.controls.view.fork.branches.iter().position(|branch| branch == forks)?,
        };
        Some(Self { run, group: run.groups.get(number)?, schedule: run.plan.as_ref()?.schedules.get(number)? })
    }

    /// The picture after the last step.
    pub(crate) fn end(self) -> Option<&'a Arc<Picture>> {
        let update = self.group.latest.as_ref().filter(|update| update.index + 1 == update.total)?;
        update.after.first()
    }

    /// What the run has come to at timestep `t` (`None` is the end): the picture of the newest step that is not below it.
    pub(crate) fn at(self, t: Option<u32>, noisy: bool) -> Option<(usize, &'a Arc<Picture>)> {
        let Some(t) = t else { return Some((self.schedule.steps.len(), self.end()?)) };
        let index = self.schedule.steps.iter().rposition(|step| step.t >= t)?;
        // Of a long run some steps' pictures are left out.
        self.group.updates.get(index)?.as_ref()?;
        let update = self.group.updates[..=index].iter().rev().flatten().find(|update| !update.records.is_empty())?;
        let record = update.records.first()?;
        Some((update.index, if noisy { &record.x_t } else { &record.x0 }))
    }
}

impl View<'_> {
    /// How far branches come apart, by the timestep at which they leave the stem, as far as it is measured.
    pub(crate) fn measured(self) -> Vec<[f64; 2]> {
        self.measured.into_iter().flatten().find(|run| run.has_updates()).map(distances).unwrap_or_default()
    }
}

/// Whether the pictures that two controls make are the same.
pub(crate) fn same_pictures(a: &Controls, b: &Controls) -> bool {
    let of = |controls: &Controls| Controls { view: Default::default(), ..branch_controls(controls, None) };
    (a.image_number(), &a.view.device, a.view.precision) == (b.image_number(), &b.view.device, b.view.precision) && of(a) == of(b)
}

/// Mean over all pairs of the root mean square difference of two ends, pixels in [0, 1]; by the timestep where they come apart.
fn distances(run: &RunView) -> Vec<[f64; 2]> {
    let Some(steps) = run.plan.as_ref().and_then(|plan| plan.schedules.first()).map(|schedule| &schedule.steps) else {
        return Vec::new();
    };
    let indices = distance::places(run.controls.stem().step_count(), run.controls.view.fork.places);
    let mut points = Vec::new();
    for (index, group) in indices.into_iter().zip(run.groups.iter().skip(1)) {
        let Some(update) = group.latest.as_ref().filter(|update| update.index + 1 == update.total) else { continue };
        let Some(step) = steps.get(index.min(steps.len().saturating_sub(1))) else { continue };
        let ends: Vec<&Picture> = update.after.iter().map(|end| &**end).collect();
        points.push([f64::from(step.t), distance::mean_rms(&ends)]);
    }
    points
}
