//! What the panel knows of the race.

use crate::app::{
    state::{State, controls::Controls, growth::Growth, racers::SIDES, run_requests::Purpose, run_view::RunView},
    widgets::tile,
};
use crate::session::StepUpdate;
use std::sync::Arc;

/// How far the race is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Nobody has started it.
    Ready,
    /// It goes on.
    Running,
    /// It was stopped, or could not go on.
    Stopped,
    /// Both are done.
    Done,
}

/// The race to draw.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    /// The newest.
    pub(crate) run: Option<&'a RunView>,
    /// Whether it is of the settings of now.
    pub(crate) is_newest: bool,
    /// The controls of now.
    controls: &'a Controls,
    /// T of the model.
    pub(crate) train_timesteps: usize,
}

impl<'a> View<'a> {
    pub(crate) fn new(state: &'a State) -> Self {
        let run = state.runs.current(Purpose::Race);
        let is_newest = run.is_some_and(|run| state.is_newest(run));
        Self { run, is_newest, controls: &state.controls, train_timesteps: state.train_timesteps() as usize }
    }

    pub(crate) fn stage(&self) -> Stage {
        match self.run {
            None => Stage::Ready,
            Some(run) if run.finished => Stage::Done,
            Some(run) if run.is_running() => Stage::Running,
            Some(_) => Stage::Stopped,
        }
    }

    /// What is to be said of a race that is not the one of now, or that did not end.
    pub(crate) fn note(&self) -> Option<String> {
        let run = self.run?;
        match self.stage() {
            Stage::Stopped if run.failed.is_some() => run.failed.as_ref().map(|message| format!("This race stopped: {message}")),
            Stage::Stopped if !self.is_newest => Some("Stopped: the settings have changed.".to_owned()),
            Stage::Stopped if run.displaced => Some("Stopped: another panel took the device.".to_owned()),
            Stage::Stopped => Some("Stopped.".to_owned()),
            Stage::Done if !self.is_newest => Some("(before the change)".to_owned()),
            _ => None,
        }
    }

    /// Height over width of the pictures.
    pub(crate) fn aspect(&self) -> f32 {
        tile::aspect(self.run.and_then(|run| run.plan.as_ref()))
    }

    /// The newest step of a side.
    pub(crate) fn latest(&self, side: usize) -> Option<&'a Arc<StepUpdate>> {
        self.run?.groups.get(side)?.latest.as_ref()
    }

    /// Steps taken and all of them.
    pub(crate) fn steps(&self, side: usize) -> (usize, usize) {
        let total = self.run.and_then(|run| run.plan.as_ref()).and_then(|plan| plan.schedules.get(side));
        (self.latest(side).map_or(0, |update| update.index + 1), total.map_or(0, |schedule| schedule.steps.len()))
    }

    /// Whether a side has taken all its steps.
    pub(crate) fn is_done(&self, side: usize) -> bool {
        let (taken, total) = self.steps(side);
        total > 0 && taken == total
    }

    /// Seconds that the device has worked for a side.
    pub(crate) fn seconds(&self, side: usize) -> f64 {
        self.run.map_or(0.0, |run| run.growth.seconds(side))
    }

    /// Whether x_t is large.
    pub(crate) fn is_noisy(&self) -> bool {
        self.controls.view.race.noisy
    }

    /// What a side's picture is of.
    pub(crate) fn caption(&self, side: usize) -> String {
        let controls = self.run.map_or(self.controls, |run| &run.controls);
        controls.view.race.sides[side].name(self.max_steps())
    }

    fn max_steps(&self) -> usize {
        let of_run = self.run.and_then(|run| run.plan.as_ref()).map(|plan| plan.model.scheduler.num_train_timesteps as usize);
        of_run.unwrap_or(self.train_timesteps)
    }
}

/// What stands below the two pictures of a race at a moment: what each is, and how long the device has worked for it.
pub(crate) fn captions(run: &RunView, growth: &Growth, at: f64) -> [String; 2] {
    let max_steps = run.plan.as_ref().map_or(usize::MAX, |plan| plan.model.scheduler.num_train_timesteps as usize);
    let of = |side: usize| {
        let name = run.controls.view.race.sides[side].name(max_steps);
        format!("{}: {name}, {}", SIDES[side], seconds_text(growth.at(side, at).map_or(0.0, |moment| moment.seconds)))
    };
    [of(0), of(1)]
}

/// Seconds of the device with two or three digits that count.
pub(crate) fn seconds_text(seconds: f64) -> String {
    match seconds {
        s if s < 9.995 => format!("{s:.2} s"),
        s if s < 99.95 => format!("{s:.1} s"),
        s => format!("{s:.0} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::seconds_text;

    #[test]
    fn seconds_have_the_digits_that_count() {
        assert_eq!(
            [0.0, 0.163, 9.994, 12.34, 99.96, 340.2].map(seconds_text),
            ["0.00 s", "0.16 s", "9.99 s", "12.3 s", "100 s", "340 s"]
        );
    }
}
