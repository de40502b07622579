//! What the panel shows of its runs: each place the newest picture there is.

use crate::{
    app::state::{
        controls::Controls,
        run_requests::{Purpose, rewound_steps, strip_group},
        run_view::{GroupView, RunView},
        runs::Runs,
        view_settings::Tab,
    },
    picture::{Drawn, Picture, decode},
    recipe::{Encoded, GivenPicture},
    session::End,
};
use std::sync::Arc;

/// The runs to draw.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    /// The newest.
    pub(crate) run: Option<&'a RunView>,
    /// One before it, for what the newest has not come to.
    pub(crate) previous: Option<&'a RunView>,
    /// The same way in few steps, while a control moves.
    pub(crate) draft: Option<&'a RunView>,
}

/// A run that goes up and back.
#[derive(Clone, Copy)]
pub(crate) struct Rewound<'a> {
    pub(crate) run: &'a RunView,
    /// Whether it is of before a change.
    pub(crate) old: bool,
}

impl<'a> View<'a> {
    /// Of the newest runs.
    pub(crate) fn new(runs: &'a Runs) -> Self {
        let (run, previous) = (runs.current(Purpose::Rewind), runs.previous(Purpose::Rewind));
        // Of before the newest run that is done nobody wants to see a draft.
        let done = [run, previous].into_iter().flatten().filter(|run| run.finished).map(|run| run.id).max();
        let is_newer = |draft: &&RunView| draft.controls.view.tab == Tab::Rewind && done.is_none_or(|done| draft.id > done);
        Self { run, previous, draft: runs.draft().filter(is_newer) }
    }

    /// The newest run.
    pub(crate) fn newest(self) -> Option<Rewound<'a>> {
        self.run.map(|run| Rewound { run, old: false })
    }

    /// The newest run that has something, with it.
    pub(crate) fn find<T>(self, what: impl Fn(Rewound<'a>) -> Option<T>) -> Option<(Rewound<'a>, T)> {
        let previous = self.previous.map(|run| Rewound { run, old: true });
        [self.newest(), previous].into_iter().flatten().find_map(|shown| Some((shown, what(shown)?)))
    }

    /// As [`Self::find`], with the newest draft for what the newest run has not come to.
    pub(crate) fn find_or_drafted<T>(self, what: impl Fn(Rewound<'a>) -> Option<T>) -> Option<(Rewound<'a>, T)> {
        let newest = self.newest().into_iter().chain(self.draft.map(|run| Rewound { run, old: false }));
        let previous = self.previous.map(|run| Rewound { run, old: true });
        newest.chain(previous).find_map(|shown| Some((shown, what(shown)?)))
    }

    /// Height over width of the pictures.
    pub(crate) fn aspect(self) -> f32 {
        self.find(Rewound::drawn).map_or(1.0, |(_, drawn)| drawn.height as f32 / drawn.width.max(1) as f32)
    }
}

impl<'a> Rewound<'a> {
    /// How its images are drawn.
    pub(crate) fn drawn(self) -> Option<Drawn> {
        self.run.plan.as_ref().map(|plan| plan.model.drawn(plan.size))
    }

    fn group(self, after_up: usize) -> Option<&'a GroupView> {
        self.run.groups.get(strip_group(&self.run.controls) + after_up)
    }

    fn end(self, after_up: usize) -> Option<&'a Arc<End>> {
        self.group(after_up)?.latest.as_ref()?.end.as_ref()
    }

    /// Where the way up has come to: x_T.
    pub(crate) fn up(self) -> Option<&'a Arc<End>> {
        self.end(0)
    }

    /// Where the way back has come to.
    pub(crate) fn back(self) -> Option<&'a Arc<End>> {
        self.end(1)
    }

    /// ‖x_T‖/√d.
    pub(crate) fn length(self) -> Option<f64> {
        self.up()?;
        self.group(0)?.latest.as_ref()?.after_rms.first().copied()
    }

    /// Steps of each way.
    pub(crate) fn steps(self) -> usize {
        self.group(0).map_or(0, |group| group.updates.len())
    }

    /// Steps of the way back.
    pub(crate) fn steps_back(self) -> usize {
        self.group(1).map_or(0, |group| group.updates.len())
    }

    /// The timestep that x has after so many steps up.
    pub(crate) fn timestep(self, position: usize) -> Option<u32> {
        let schedule = self.run.plan.as_ref()?.schedules.get(strip_group(&self.run.controls))?;
        schedule.steps.get(position.checked_sub(1)?).map(|step| step.t)
    }

    /// x after so many steps up; of 0 there is [`Self::x_0`].
    pub(crate) fn going_up(self, position: usize) -> Option<&'a Arc<Picture>> {
        after(self.group(0)?, position.checked_sub(1)?)
    }

    /// x on the way back, as many steps above the picture.
    pub(crate) fn coming_back(self, position: usize) -> Option<&'a Arc<Picture>> {
        // A draft's way back may have fewer steps than the way up, which was known.
        let (up, back) = (self.steps(), self.steps_back());
        let position = if up == back { position } else { (position as f64 / up.max(1) as f64 * back as f64).round() as usize };
        match back.checked_sub(position)? {
            0 => self.going_up(up),
            taken => after(self.group(1)?, taken - 1),
        }
    }

    /// The picture that is encoded, as the network is given it.
    pub(crate) fn x_0(self) -> Option<Picture> {
        let drawn = self.drawn()?;
        if let Some(up) = self.up() {
            return Some(drawn.image(&up.start));
        }
        match &self.run.controls.view.rewind.picture {
            Some(given) => {
                let fitted = decode::fit(&given.picture, drawn.height, drawn.width).0;
                Some(drawn.image(&decode::to_nchw(&fitted, drawn.channels).ok()?))
            }
            None => {
                let sample = self.run.groups.first()?.latest.as_ref()?;
                sample.end.as_ref()?;
                sample.after.first().map(|picture| (**picture).clone())
            }
        }
    }

    /// The picture with how it was encoded, for other panels to start from, and the controls it was rewound with; `None` before x_T is
    /// there.
    pub(crate) fn encoded(self) -> Option<(Encoded, Controls)> {
        let controls = &self.run.controls;
        self.up()?;
        let rewind = &controls.view.rewind;
        let picture = match &rewind.picture {
            Some(given) => given.clone(),
            None => {
                let name = format!("{} {}, image {}", controls.model, controls.latent_text(), controls.image_number());
                GivenPicture { name, picture: Arc::new(self.x_0()?) }
            }
        };
        let (steps, tau) = (controls.step_count(), controls.spacing.as_ref().map(ToString::to_string));
        let encoded = Encoded { picture, steps, tau, convention: rewind.convention, refine: rewind.refine };
        Some((encoded, controls.clone()))
    }

    /// Each S with its error, as far as they are measured.
    pub(crate) fn errors(self) -> Vec<(usize, f64)> {
        let all = rewound_steps(&self.run.controls).into_iter().enumerate();
        let mut points: Vec<_> = all.filter_map(|(number, steps)| Some((steps, self.end(2 * number + 1)?.mse?))).collect();
        points.sort_by_key(|(steps, _)| *steps);
        points
    }
}

/// x after step `index` of a group; where its picture was left out, the last before it that was kept.
fn after(group: &GroupView, index: usize) -> Option<&Arc<Picture>> {
    group.updates.get(index)?.as_ref()?;
    group.updates[..=index].iter().rev().flatten().find_map(|update| update.after.first())
}

/// An error as `etude reconstruct` writes it; smaller ones with their exponent.
pub(crate) fn error_text(error: f64) -> String {
    if error == 0.0 || error >= 1e-5 { format!("{error:.6}") } else { format!("{error:.1e}") }
}

#[cfg(test)]
mod tests {
    use super::error_text;

    #[test]
    fn errors_read_as_the_command_writes_them() {
        assert_eq!([0.0, 0.0123456, 0.00002, 3.21e-7].map(error_text), ["0.000000", "0.012346", "0.000020", "3.2e-7"]);
    }
}
