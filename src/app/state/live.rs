//! What to compute next, so that pictures follow the controls: drafts while something moves, at rest the picture that is looked at, then
//! the rest, then what may be wanted next.

use super::{
    controls::Controls,
    run_requests::{Purpose, Touched},
    runs::{Runs, asks},
    view_settings::Tab,
};
use crate::{schedule::Spacing, session::Request};

/// The controls are at rest after so many seconds without a change.
pub(crate) const REST: f64 = 0.15;

/// Steps of the grids of η and of positions, and the values of S, for which pictures are computed ahead.
const GRID: u32 = 20;
const STEPS: [usize; 6] = [5, 10, 20, 50, 100, 200];

/// Follows the controls.
#[derive(Default)]
pub struct Live {
    /// The controls when they were last looked at, with what they ask for: the picture looked at, and the whole panel.
    seen: Option<(Controls, [Option<Request>; 2])>,
    /// When what they ask for last changed, in egui's time.
    changed: f64,
    /// What changed then.
    touched: Touched,
}

/// What to compute next.
#[derive(Debug, PartialEq)]
pub(crate) enum Next {
    /// The picture looked at, in few steps.
    Draft(Touched),
    /// It was computed ahead: take it from there.
    Adopt,
    /// The picture looked at, with all steps.
    Focus,
    /// The whole panel.
    Whole,
    /// The picture looked at for other controls, which may come next.
    Ahead(Box<Controls>),
    /// Nothing now; the controls are at rest in so many seconds.
    Wait(f64),
    /// Nothing until something changes.
    Nothing,
}

impl Live {
    /// Looks at the controls at `now`. The first time, and where another model or device is asked for, they count as at rest: nothing is
    /// there yet that a draft could stand beside.
    pub(crate) fn follow(&mut self, controls: &Controls, now: f64) {
        let purpose = Purpose::of(controls.view.tab);
        if self.seen.as_ref().is_some_and(|(seen, _)| seen == controls) {
            return;
        }
        let asked = [asks(Purpose::Focus, controls), asks(purpose, controls)];
        match &self.seen {
            Some((_, before)) if *before == asked => {}
            Some((seen, _)) => {
                let elsewhere = (&seen.model, &seen.view.device, seen.view.f16, seen.size, seen.view.tab)
                    != (&controls.model, &controls.view.device, controls.view.f16, controls.size, controls.view.tab);
                self.changed = if elsewhere { f64::NEG_INFINITY } else { now };
                self.touched = match () {
                    () if seen.noisiness() != controls.noisiness() => Touched::Eta,
                    () if seen.step_count() != controls.step_count() => Touched::Steps,
                    () if seen.view.interpolate.position != controls.view.interpolate.position => Touched::Position,
                    () => Touched::Other,
                };
            }
            None => self.changed = f64::NEG_INFINITY,
        }
        self.seen = Some((controls.clone(), asked));
    }

    /// What to compute next for `controls`; `may_look_ahead` where nobody needs the machine for something else.
    pub(crate) fn next(&self, runs: &Runs, controls: &Controls, now: f64, may_look_ahead: bool) -> Next {
        let purpose = Purpose::of(controls.view.tab);
        let same = |purpose: Purpose| {
            let wanted = asks(purpose, controls);
            move |of: &Controls| of == controls || asks(purpose, of) == wanted
        };
        let whole_done = match runs.current(purpose) {
            Some(run) if runs.is_current(purpose, same(purpose)) => {
                // Called off by the user: nothing begins again by itself.
                if run.cancelled {
                    return Next::Nothing;
                }
                run.submitted || run.finished || run.failed.is_some()
            }
            _ => false,
        };
        let left = self.changed + REST - now;
        let has_focus = controls.view.tab != Tab::Compare;
        let interpolating = controls.view.tab == Tab::Interpolate;
        let focus = runs.current(Purpose::Focus).filter(|_| runs.is_current(Purpose::Focus, same(Purpose::Focus)));
        // The strip of an interpolation does not have the picture of every position; a batch of one is the picture itself.
        let focus_first = interpolating || (has_focus && !whole_done && controls.count > 1);
        let picture_there = focus.is_some() || (whole_done && !interpolating);
        if has_focus && !picture_there && runs.ready(controls).is_some() {
            return Next::Adopt;
        }
        if left > 0.0 {
            let drafted = runs.is_current(Purpose::Draft, same(Purpose::Focus));
            return if has_focus && !picture_there && !drafted { Next::Draft(self.touched) } else { Next::Wait(left) };
        }
        if focus_first {
            match focus {
                None => return Next::Focus,
                Some(run) if run.cancelled || run.is_running() => return Next::Nothing,
                Some(_) => {}
            }
        }
        if !whole_done {
            return Next::Whole;
        }
        if runs.running().is_some() || !may_look_ahead || !has_focus || !controls.view.ahead {
            return Next::Nothing;
        }
        if runs.current(Purpose::Ahead).is_some_and(|run| run.is_running()) {
            return Next::Nothing;
        }
        let wanted = self.neighbours(controls).into_iter().find(|controls| runs.ready(controls).is_none());
        wanted.filter(|_| runs.has_room_ahead()).map_or(Next::Nothing, |controls| Next::Ahead(Box::new(controls)))
    }

    /// The controls at the other values of the control last touched, the nearest first.
    pub(crate) fn neighbours(&self, controls: &Controls) -> Vec<Controls> {
        if self.touched == Touched::Position {
            let [now, v] = controls.view.interpolate.position;
            let at = |t: f64| {
                let mut controls = controls.clone();
                controls.view.interpolate.position = [t, v];
                controls
            };
            return nearest_first(now, (0..=GRID).map(|i| f64::from(i) / f64::from(GRID)).collect(), |t| *t)
                .into_iter()
                .map(at)
                .collect();
        }
        if self.touched == Touched::Steps && !matches!(controls.spacing, Some(Spacing::List(_))) {
            // What S means grows with its logarithm, as the slider does.
            let near = nearest_first((controls.steps.max(1) as f64).ln(), STEPS.to_vec(), |steps| (*steps as f64).ln());
            return near.into_iter().filter(|s| *s != controls.steps).map(|steps| Controls { steps, ..controls.clone() }).collect();
        }
        let (now, sigma_hat) = controls.noisiness();
        let at = |eta| {
            let mut controls = controls.clone();
            controls.set_eta(eta);
            controls
        };
        let etas = (0..=GRID).map(|i| f64::from(i) / f64::from(GRID)).filter(|eta| sigma_hat || *eta != now).collect();
        nearest_first(now, etas, |eta| *eta).into_iter().map(at).collect()
    }
}

/// `values` by their distance from `now`.
fn nearest_first<T: Copy>(now: f64, mut values: Vec<T>, place: impl Fn(&T) -> f64) -> Vec<T> {
    values.sort_by(|a, b| (place(a) - now).abs().total_cmp(&(place(b) - now).abs()));
    values
}
