//! What to compute next, so that pictures follow the controls: drafts while something moves, at rest the picture that is looked at, then
//! the rest, then what may be wanted next.

use super::{
    controls::Controls,
    pinned_controls::controls_of_a,
    run_requests::{Purpose, Touched, cell_controls, compare_columns, compare_rows},
    runs::{Runs, asks},
    scale::Scale,
    view_settings::Tab,
};
use crate::session::Request;
use std::collections::VecDeque;

/// The controls are at rest after so many seconds without a change.
pub(crate) const REST: f64 = 0.15;

/// How fast a hand moves is seen from what it did in so many seconds.
const MOVES: f64 = 0.2;

/// Follows the controls.
#[derive(Default)]
pub struct Live {
    /// The controls when they were last looked at, with what they ask for: the picture looked at, and the whole panel.
    seen: Option<(Controls, [Option<Request>; 2])>,
    /// Row and column of the comparison's picture that is looked at.
    cell: [usize; 2],
    /// When what they ask for last changed, in egui's time.
    changed: f64,
    /// What changed then.
    touched: Touched,
    /// Whether it was at rest before.
    jumped: bool,
    /// Which way the position of an interpolation goes by itself: 1, −1, or 0 where it does not.
    plays: f64,
    /// Where on its scale it has been lately, and when: the newest last.
    moves: VecDeque<(f64, f64)>,
}

/// What to compute next.
#[derive(Debug, PartialEq)]
pub(crate) enum Next {
    /// The picture looked at, in few steps.
    Draft(Touched),
    /// The picture in a row and column of the comparison, which these controls make, in few steps.
    DraftCell([usize; 2], Box<Controls>, Touched),
    /// It was computed ahead: take it from there.
    Adopt,
    /// The picture of these controls was, and is nearer to the hand than a draft would be when it is seen.
    StandIn(Box<Controls>),
    /// The picture looked at, with all steps.
    Focus,
    /// What is pinned as A, which nobody has computed yet.
    Pinned(Box<Controls>),
    /// The whole panel.
    Whole,
    /// When the picture is decided.
    Measure,
    /// The picture looked at for other controls, which may come next.
    Ahead(Box<Controls>),
    /// Nothing until the controls are at rest.
    Wait,
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
                let elsewhere = (&seen.model, &seen.view.device, seen.view.precision, seen.size, seen.view.tab)
                    != (&controls.model, &controls.view.device, controls.view.precision, controls.size, controls.view.tab);
                self.jumped = now - self.changed > REST;
                self.changed = if elsewhere { f64::NEG_INFINITY } else { now };
                let (rows, rows_seen) = (&controls.view.compare, &seen.view.compare);
                if let Some(row) = changed_row(&rows_seen.etas, &rows.etas).or(changed_row(&rows_seen.steps, &rows.steps)) {
                    self.cell[0] = row;
                }
                let touched = match () {
                    () if rows_seen.steps != rows.steps => Touched::Steps,
                    () if seen.noisiness() != controls.noisiness() => Touched::Eta,
                    () if seen.step_count() != controls.step_count() => Touched::Steps,
                    () if seen.view.interpolate.position != controls.view.interpolate.position => Touched::Position,
                    () => Touched::Other,
                };
                if touched != self.touched {
                    self.moves.clear();
                }
                self.touched = touched;
                let scale = Scale::of(touched, controls);
                if self.moves.is_empty() {
                    self.moves.push_back((now, scale.place(seen)));
                }
                self.moves.push_back((now, scale.place(controls)));
                while self.moves.len() > 2 && self.moves[0].0 < now - MOVES {
                    self.moves.pop_front();
                }
            }
            None => {
                self.changed = f64::NEG_INFINITY;
                if controls.view.tab == Tab::Interpolate {
                    self.touched = Touched::Other;
                }
            }
        }
        self.seen = Some((controls.clone(), asked));
    }

    /// The position of the interpolation goes in a `direction` by itself: 1, −1, or 0 where it does not.
    pub(crate) fn plays(&mut self, direction: f64) {
        self.plays = direction;
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
        let has_focus = !matches!(controls.view.tab, Tab::Compare | Tab::Rewind | Tab::Fork);
        let interpolating = controls.view.tab == Tab::Interpolate;
        let whole_runs = whole_done && runs.running().is_some_and(|run| run.purpose == purpose);
        if interpolating && whole_runs {
            // Another place in a strip or grid that is being computed does not begin it again: until it is there, its nearest picture is
            // shown.
            return Next::Wait;
        }
        if interpolating && self.plays != 0.0 && self.touched == Touched::Position && may_look_ahead {
            return self.playing(runs, controls, now, whole_done);
        }
        let focus = runs.current(Purpose::Focus).filter(|_| runs.is_current(Purpose::Focus, same(Purpose::Focus)));
        // The strip of an interpolation does not have the picture of every position; a batch of one is the picture itself.
        let focus_first = interpolating || (has_focus && !whole_done && controls.count > 1);
        let picture_there = focus.is_some() || (whole_done && !interpolating);
        let moves = self.rests_in(now).is_some();
        if has_focus && !picture_there && runs.is_ready(controls) && (!moves || self.jumped || self.touched == Touched::Other) {
            return Next::Adopt;
        }
        if moves && controls.view.tab == Tab::Compare && !whole_done {
            let last = [compare_rows(controls).len(), compare_columns(controls)].map(|count| count.saturating_sub(1));
            let cell = [self.cell[0].min(last[0]), self.cell[1].min(last[1])];
            let Some(of) = cell_controls(controls, cell[0], cell[1]) else { return Next::Wait };
            let drafted = runs.current(Purpose::Draft).is_some_and(|run| run.cell == Some(cell) && run.controls == of);
            return if drafted { Next::Wait } else { Next::DraftCell(cell, Box::new(of), self.touched) };
        }
        if moves && matches!(controls.view.tab, Tab::Fork | Tab::Rewind) && !whole_done {
            let drafted = runs.is_current(Purpose::Draft, same(Purpose::Draft));
            return if drafted { Next::Wait } else { Next::Draft(self.touched) };
        }
        if moves {
            if has_focus && !picture_there {
                match self.ready_near(runs, controls, now) {
                    Some(near) if near == *controls => return Next::Adopt,
                    Some(near) if runs.stands_in(&near) => {}
                    Some(near) => return Next::StandIn(Box::new(near)),
                    None if runs.is_current(Purpose::Draft, same(Purpose::Focus)) => return Next::Wait,
                    None => return Next::Draft(self.touched),
                }
            }
            // Over what is ready nothing else is to do.
            let ahead = if has_focus { self.ahead(runs, controls, now, may_look_ahead) } else { Next::Nothing };
            return if ahead == Next::Nothing { Next::Wait } else { ahead };
        }
        if focus_first {
            match focus {
                None => return Next::Focus,
                Some(run) if run.cancelled || run.is_running() => return Next::Nothing,
                Some(_) => {}
            }
        }
        if let Some(next) = pinned(runs, controls) {
            return next;
        }
        if !whole_done {
            return Next::Whole;
        }
        if controls.view.tab == Tab::Fork {
            let is_drawn = runs.current(purpose).is_some_and(|run| run.finished);
            let measured = !controls.view.fork.measure || runs.is_current(Purpose::Decided, same(Purpose::Decided));
            return if is_drawn && !measured { Next::Measure } else { Next::Nothing };
        }
        if has_focus { self.ahead(runs, controls, now, may_look_ahead) } else { Next::Nothing }
    }

    /// While the position goes by itself: first the strip or grid, then more and more pictures in between, all of all steps, as drafts would
    /// take turns with them; of what is ready, the last that was passed.
    fn playing(&self, runs: &Runs, controls: &Controls, now: f64, whole_done: bool) -> Next {
        if !whole_done {
            return Next::Whole;
        }
        let ready = runs.ready_at(controls, Scale::Position);
        let near = Scale::last_passed(&ready, controls.view.interpolate.position[0], self.plays);
        match near.map(|place| Scale::Position.at(place, controls)) {
            Some(near) if !runs.stands_in(&near) && runs.is_ready(&near) => Next::StandIn(Box::new(near)),
            _ => self.ahead(runs, controls, now, true),
        }
    }

    /// The comparison's picture in this row and column is looked at, by pointer or focus, when something begins to move. A row whose own
    /// value moves is looked at itself.
    pub(crate) fn look_at(&mut self, cell: [usize; 2], now: f64) {
        if self.rests_in(now).is_none() {
            self.cell = cell;
        }
    }

    /// What changed last.
    pub(crate) fn touched(&self) -> Touched {
        self.touched
    }

    /// Seconds until the controls are at rest; `None` where they are.
    pub(crate) fn rests_in(&self, now: f64) -> Option<f64> {
        Some(self.changed + REST - now).filter(|left| *left > 0.0)
    }

    fn ahead(&self, runs: &Runs, controls: &Controls, now: f64, may_look_ahead: bool) -> Next {
        let busy = runs.running().is_some() || runs.current(Purpose::Ahead).is_some_and(|run| run.is_running());
        if busy || !may_look_ahead || !controls.view.ahead {
            return Next::Nothing;
        }
        let scale = Scale::of(self.touched, controls);
        let ready = runs.ready_at(controls, scale);
        let place = scale.place(controls);
        let is_there = |to: &f64| ready.contains(to) || (*to == place && !(scale == Scale::Eta && controls.noisiness().1));
        let velocity = if self.rests_in(now).is_some() { self.velocity(now) } else { 0.0 };
        // Where a hand will be when the picture is there.
        let goal = place + velocity * runs.ahead_seconds();
        let wanted = scale.worth_computing(goal, velocity).into_iter().find(|to| !is_there(to));
        let wanted = wanted.filter(|_| runs.has_room_ahead(controls, scale)).map(|to| scale.at(to, controls));
        // Once more by what it asks for: the picture of the controls themselves is there.
        wanted.filter(|controls| runs.ready(controls).is_none()).map_or(Next::Nothing, |controls| Next::Ahead(Box::new(controls)))
    }

    /// How fast the control moves along its scale, per second.
    fn velocity(&self, now: f64) -> f64 {
        let (Some(first), Some(last)) = (self.moves.front(), self.moves.back()) else { return 0.0 };
        (last.1 - first.1) / (now - first.0).max(1.0 / 60.0)
    }

    /// The controls whose picture a hand that moves sees instead of a draft, as it is ready: those of now, or some near them.
    fn ready_near(&self, runs: &Runs, controls: &Controls, now: f64) -> Option<Controls> {
        let scale = Scale::of(self.touched, controls);
        if self.touched == Touched::Other || (scale == Scale::Eta && controls.noisiness().1) {
            return None;
        }
        let (ready, place) = (runs.ready_at(controls, scale), scale.place(controls));
        let nearest = scale.nearest_ready(&ready, place, self.velocity(now), runs.draft_seconds())?;
        let near = if nearest == place { controls.clone() } else { scale.at(nearest, controls) };
        Some(near).filter(|near| runs.is_ready(near))
    }
}

/// What is pinned as A is computed after the picture that is looked at and before the rest, where its run is not there.
fn pinned(runs: &Runs, controls: &Controls) -> Option<Next> {
    let a = controls_of_a(controls).filter(|_| controls.view.tab == Tab::Trajectory)?;
    match runs.current(Purpose::Pinned) {
        Some(run) if runs.is_current(Purpose::Pinned, |of| *of == a) => {
            (run.submitted && run.is_running()).then_some(Next::Nothing)
        }
        _ if runs.running().is_some() => None,
        _ => Some(Next::Pinned(Box::new(a))),
    }
}

/// The row whose value alone has changed.
fn changed_row<T: PartialEq>(before: &[T], now: &[T]) -> Option<usize> {
    let mut changed = (0..now.len()).filter(|row| before.len() == now.len() && before[*row] != now[*row]);
    changed.next().filter(|_| changed.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::changed_row;

    #[test]
    fn a_row_is_looked_at_where_its_value_alone_changes() {
        assert_eq!(changed_row(&[0.0, 0.5, 1.0], &[0.0, 0.6, 1.0]), Some(1));
        assert_eq!(changed_row(&[0.0, 0.5], &[0.1, 0.6]), None);
        assert_eq!(changed_row(&[5, 10], &[5, 10]), None);
        assert_eq!(changed_row(&[5, 10], &[5, 10, 20]), None, "a row more");
    }
}
