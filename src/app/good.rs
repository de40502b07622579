//! The controls to go back to when others are refused: the last that a run was accepted with, and behind them the defaults. A start
//! with a model or a device that is gone ends at something that works, and never asks for the same again and again.

use super::controls::{Controls, Viewer};

/// Where a refused change goes back to.
#[derive(Clone, Debug, Default)]
pub struct Good {
    controls: Controls,
    /// Whether a run was ever accepted with them.
    accepted: bool,
    /// Refused, with nothing left to go back to.
    stuck: Option<Controls>,
}

impl Good {
    /// Before the first run: nothing is known of `controls`.
    pub fn new(controls: Controls) -> Self {
        Self { controls, accepted: false, stuck: None }
    }

    /// A run with these controls was accepted, or what else changed in them since needs none.
    pub fn accept(&mut self, controls: &Controls) {
        if !self.accepted || self.controls != *controls {
            *self = Self { controls: controls.clone(), accepted: true, stuck: None };
        }
    }

    /// What to use in the place of the controls `refused`: the last good ones, else the same with the default model on any device,
    /// else the defaults. Where those were refused, too, `refused` stays and [`Self::is_stuck`].
    pub fn instead_of(&mut self, refused: &Controls) -> Controls {
        if self.accepted && self.controls != *refused {
            return self.controls.clone();
        }
        let default = Controls::default();
        let Viewer { device, f16, .. } = default.viewer.clone();
        let viewer = Viewer { device, f16, ..refused.viewer.clone() };
        let usual = Controls { model: default.model.clone(), size: None, viewer, ..refused.clone() };
        if let Some(next) = [usual, default].into_iter().find(|next| next != refused) {
            *self = Self::new(next.clone());
            return next;
        }
        self.stuck = Some(refused.clone());
        refused.clone()
    }

    /// Whether these controls were refused and nothing else was left: asking again would only be refused again.
    pub fn is_stuck(&self, controls: &Controls) -> bool {
        self.stuck.as_ref() == Some(controls)
    }
}

#[cfg(test)]
mod tests {
    use super::{Controls, Good};

    fn of_model(model: &str) -> Controls {
        Controls { model: model.to_owned(), ..Controls::default() }
    }

    #[test]
    fn a_refused_change_goes_back_to_what_was_accepted_last() {
        let mut good = Good::new(Controls::default());
        let mut locked = Controls { eta: 0.3, ..Controls::default() };
        good.accept(&locked);
        locked.viewer.seed_locked = true;
        good.accept(&locked);
        assert_eq!(good.instead_of(&of_model("gone")), locked);
        assert!(!good.is_stuck(&locked));
    }

    #[test]
    fn what_never_worked_ends_at_the_defaults_and_then_nowhere() {
        let mut start = Controls { eta: 0.3, steps: 5000, ..of_model("gone") };
        start.viewer.device = "gone".to_owned();
        let mut good = Good::new(start.clone());
        let usual = good.instead_of(&start);
        assert_eq!(usual, Controls { eta: 0.3, steps: 5000, ..Controls::default() });
        assert_eq!(good.instead_of(&usual), Controls::default());
        assert_eq!(good.instead_of(&Controls::default()), Controls::default());
        assert!(good.is_stuck(&Controls::default()) && !good.is_stuck(&start));
        good.accept(&Controls::default());
        assert!(!good.is_stuck(&Controls::default()));
    }

    #[test]
    fn good_controls_that_are_refused_later_are_not_asked_for_again() {
        // A device that was unplugged.
        let mut here = Controls { eta: 0.3, ..Controls::default() };
        here.viewer.device = "gone".to_owned();
        let mut good = Good::default();
        good.accept(&here);
        assert_eq!(good.instead_of(&here), Controls { eta: 0.3, ..Controls::default() });
    }
}
