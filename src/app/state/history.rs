//! Undo and redo of the controls.
//!
//! `egui::util::undoer` is not used: it checks in every frame whether the state has settled. In a window that draws only when
//! something happens, two changes seconds apart would be undone together if no frame was drawn between them. Here each change says
//! when it came.

use super::controls::Controls;

/// How many changes can be undone.
const DEPTH: usize = 200;
/// Changes that follow each other faster than this many seconds, as while a slider is dragged, are undone together.
const PAUSE: f64 = 0.8;

/// Earlier controls.
#[derive(Default)]
pub struct History {
    past: Vec<Controls>,
    future: Vec<Controls>,
    last_change: Option<f64>,
}

impl History {
    /// Notes that the controls were `old` before a change at `time` (seconds).
    pub(crate) fn note(&mut self, old: &Controls, time: f64) {
        let in_one_go = self.last_change.is_some_and(|last| time - last < PAUSE);
        self.last_change = Some(time);
        self.future.clear();
        if in_one_go && !self.past.is_empty() {
            return;
        }
        self.past.push(old.clone());
        if self.past.len() > DEPTH {
            self.past.remove(0);
        }
    }

    /// The controls before the last change; `now` is what redo brings back.
    pub(crate) fn undo(&mut self, now: &Controls) -> Option<Controls> {
        let old = self.past.pop()?;
        self.future.push(now.clone());
        self.last_change = None;
        Some(old)
    }

    /// The controls before the last undo.
    pub(crate) fn redo(&mut self, now: &Controls) -> Option<Controls> {
        let new = self.future.pop()?;
        self.past.push(now.clone());
        self.last_change = None;
        Some(new)
    }

    /// What [`Self::undo`] leads to.
    #[cfg_attr(not(target_arch = "wasm32"), allow(dead_code, reason = "only an address is compared with it"))]
    pub(crate) fn last(&self) -> Option<&Controls> {
        self.past.last()
    }

    /// What [`Self::redo`] leads to.
    #[cfg_attr(not(target_arch = "wasm32"), allow(dead_code, reason = "only an address is compared with it"))]
    pub(crate) fn next(&self) -> Option<&Controls> {
        self.future.last()
    }

    /// Whether there is anything to undo.
    pub(crate) fn can_undo(&self) -> bool {
        !self.past.is_empty()
    }

    /// Whether there is anything to redo.
    pub(crate) fn can_redo(&self) -> bool {
        !self.future.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::{Controls, History};

    fn with_eta(eta: f64) -> Controls {
        Controls { eta, ..Controls::default() }
    }

    #[test]
    fn a_drag_is_one_step_and_a_new_change_forgets_what_was_undone() {
        let mut history = History::default();
        history.note(&with_eta(0.0), 10.0);
        history.note(&with_eta(0.1), 10.1);
        history.note(&with_eta(0.2), 10.2);
        history.note(&with_eta(0.3), 15.0);
        let now = with_eta(0.9);
        let once = history.undo(&now).expect("a change");
        assert_eq!(once, with_eta(0.3));
        assert_eq!(history.undo(&once), Some(with_eta(0.0)));
        assert_eq!(history.undo(&with_eta(0.0)), None);
        assert_eq!(history.redo(&with_eta(0.0)), Some(with_eta(0.3)));
        history.note(&with_eta(0.3), 20.0);
        assert!(!history.can_redo() && history.can_undo());
    }
}
