//! The controls to return to when others are refused: the last with which a run was accepted, else the defaults. A start with a
//! model or a device that is gone thus ends with something that works, and never asks for the same thing twice.

use super::{controls::Controls, view_settings::ViewSettings};

/// What to return to when a change is refused.
#[derive(Clone, Debug, Default)]
pub struct LastAccepted {
    controls: Controls,
    /// Whether a run was ever accepted with them.
    accepted: bool,
    /// Controls that were refused when there was nothing left to return to.
    stuck: Option<Controls>,
}

impl LastAccepted {
    /// Before the first run, when it is not known whether `controls` work.
    pub(crate) fn new(controls: Controls) -> Self {
        Self { controls, accepted: false, stuck: None }
    }

    /// Notes that a run with these controls was accepted, or that they differ from such controls only in what needs no new run.
    pub(crate) fn accept(&mut self, controls: &Controls) {
        if !self.accepted || self.controls != *controls {
            *self = Self { controls: controls.clone(), accepted: true, stuck: None };
        }
    }

    /// The same of controls whose run nobody has asked for yet, where they ask for the model, the size and the device that were accepted.
    pub(crate) fn accept_like(&mut self, controls: &Controls) {
        let of = |c: &Controls| (c.model.clone(), c.size, c.view.device.clone(), c.view.precision);
        if self.accepted && of(&self.controls) == of(controls) {
            self.accept(controls);
        }
    }

    /// What to use instead of the controls `refused`: the last accepted ones, else the same with the default model on any device,
    /// else the defaults. If those were refused as well, `refused` stays and [`Self::is_stuck`] is true of it.
    pub(crate) fn instead_of(&mut self, refused: &Controls) -> Controls {
        if self.accepted && self.controls != *refused {
            return self.controls.clone();
        }
        let default = Controls::default();
        let ViewSettings { device, precision, .. } = default.view.clone();
        let view = ViewSettings { device, precision, ..refused.view.clone() };
        let usual = Controls { model: default.model.clone(), size: None, view, ..refused.clone() };
        if let Some(next) = [usual, default].into_iter().find(|next| next != refused) {
            *self = Self::new(next.clone());
            return next;
        }
        self.stuck = Some(refused.clone());
        refused.clone()
    }

    /// Whether these controls were refused and there was nothing else to try: a new request would only be refused again.
    pub(crate) fn is_stuck(&self, controls: &Controls) -> bool {
        self.stuck.as_ref() == Some(controls)
    }
}

#[cfg(test)]
mod tests {
    use super::{Controls, LastAccepted};

    fn of_model(model: &str) -> Controls {
        Controls { model: model.to_owned(), ..Controls::default() }
    }

    #[test]
    fn a_refused_change_goes_back_to_what_was_accepted_last() {
        let mut last_accepted = LastAccepted::new(Controls::default());
        let mut locked = Controls { eta: 0.3, ..Controls::default() };
        last_accepted.accept(&locked);
        locked.view.seed_locked = true;
        last_accepted.accept(&locked);
        assert_eq!(last_accepted.instead_of(&of_model("gone")), locked);
        assert!(!last_accepted.is_stuck(&locked));
    }

    #[test]
    fn what_never_worked_ends_at_the_defaults_and_then_nowhere() {
        let mut start = Controls { eta: 0.3, steps: 5000, ..of_model("gone") };
        start.view.device = "gone".to_owned();
        let mut last_accepted = LastAccepted::new(start.clone());
        let usual = last_accepted.instead_of(&start);
        assert_eq!(usual, Controls { eta: 0.3, steps: 5000, ..Controls::default() });
        assert_eq!(last_accepted.instead_of(&usual), Controls::default());
        assert_eq!(last_accepted.instead_of(&Controls::default()), Controls::default());
        assert!(last_accepted.is_stuck(&Controls::default()) && !last_accepted.is_stuck(&start));
        last_accepted.accept(&Controls::default());
        assert!(!last_accepted.is_stuck(&Controls::default()));
    }

    #[test]
    fn good_controls_that_are_refused_later_are_not_asked_for_again() {
        // A device that was unplugged.
        let mut here = Controls { eta: 0.3, ..Controls::default() };
        here.view.device = "gone".to_owned();
        let mut last_accepted = LastAccepted::default();
        last_accepted.accept(&here);
        assert_eq!(last_accepted.instead_of(&here), Controls { eta: 0.3, ..Controls::default() });
    }
}
