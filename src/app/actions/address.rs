//! The page's address holds every control: it follows them, and they follow it when the user goes back or forward.

use super::{link, task_results::take_result};
use crate::{
    app::state::{State, controls::Controls},
    platform,
    session::Session,
};
use std::{cell::Cell, rc::Rc};

/// Controls that have not moved for so many seconds are at rest.
const REST: f64 = 0.4;

/// What of the address is known.
pub(crate) struct Address {
    /// What it holds.
    shown: String,
    /// Whether another recipe was put there.
    moved: Rc<Cell<bool>>,
    /// What the controls were made into last, and when they began to be so.
    newest: Option<(Controls, f64)>,
    /// Whether the address has these: they are packed once and not in every frame.
    is_settled: bool,
    /// Whether the controls have come to the address once.
    written: bool,
}

impl Address {
    /// Watches the page's address; `wake` is called when the user goes back or forward.
    pub(crate) fn new(wake: impl Fn() + 'static) -> Self {
        let moved = Rc::new(Cell::new(false));
        let told = moved.clone();
        platform::on_address(move || {
            told.set(true);
            wake();
        });
        Self { shown: platform::address_recipe(), moved, newest: None, is_settled: false, written: false }
    }

    /// Takes the controls from the address where it has others, or else writes them there once they are at rest; returns after how many
    /// seconds to look again. `held` says that a button is down.
    pub(crate) fn follow(&mut self, state: &mut State, session: &Session, held: bool, now: f64) -> Option<f64> {
        if self.moved.take() && platform::address_recipe() != self.shown {
            self.shown = platform::address_recipe();
            self.go_to(state, session, now);
            (self.newest, self.is_settled) = (Some((state.controls.clone(), now)), false);
            return None;
        }
        let since = match &self.newest {
            Some((controls, since)) if *controls == state.controls => *since,
            _ => {
                (self.newest, self.is_settled) = (Some((state.controls.clone(), now)), false);
                now
            }
        };
        if self.is_settled {
            return None;
        }
        if held || now - since < REST {
            return Some(REST);
        }
        // What cannot be written has been refused elsewhere.
        let Some(Ok(fragment)) = link::fragment(state) else { return None };
        self.is_settled = true;
        if fragment != self.shown {
            platform::set_address_recipe(&fragment, self.written && state.history.can_undo());
            (self.shown, self.written) = (fragment, true);
        }
        None
    }

    /// Sets the controls that the address holds: an undo or a redo, where they are what that leads to.
    fn go_to(&self, state: &mut State, session: &Session, now: f64) {
        let held = link::controls_of(&self.shown, &state.controls.view).ok();
        let leads = |to: Option<&Controls>| {
            let (Some(to), Some(held)) = (to, &held) else { return false };
            // A link names the size that the model has by itself, too.
            let mut to = to.clone();
            to.size = held.size;
            (to.view.device.clone_from(&held.view.device), to.view.precision = held.view.precision);
            to.view.interpolate.position = held.view.interpolate.position;
            to == *held
        };
        if leads(state.history.last()) {
            if let Some(old) = state.history.undo(&state.controls) {
                state.go_to(old);
            }
        } else if leads(state.history.next()) {
            if let Some(new) = state.history.redo(&state.controls) {
                state.go_to(new);
            }
        } else {
            take_result(state, session, link::read(&self.shown), now);
        }
    }
}
