//! Editing τ with the keys, while the strip has the focus: one tick is chosen, and the keys move it, remove it or add one beside
//! it.

use super::tau_edit;
use crate::app::{state::command::Command, widgets::own_keys};
use eframe::egui::{Id, Key, Modifiers, Ui};

/// What was asked for is shown for this many seconds until a run begins with it; after that it must have been refused or undone.
const PATIENCE: f64 = 1.0;
/// Timesteps of a larger move.
const FAR: f64 = 10.0;

/// The tick that the keys act on.
#[derive(Clone)]
pub(crate) struct Chosen {
    /// Where it is in `tau`.
    pub(crate) index: usize,
    /// τ with everything asked for so far; its run may take a while to begin.
    pub(crate) tau: Vec<u32>,
    /// When it was asked for, on the context's clock.
    asked_at: f64,
}

impl Chosen {
    /// Its timestep.
    pub(crate) fn t(&self) -> Option<u32> {
        self.tau.get(self.index).copied()
    }
}

/// The chosen tick, and what the keys of this frame ask for; `None` if the strip does not have the focus. At first the tick
/// nearest to `current` is chosen.
pub(crate) fn keys(ui: &Ui, id: Id, tau: &[u32], current: Option<u32>, train_timesteps: u32) -> Option<(Chosen, Option<Command>)> {
    let memory = id.with("chosen tick");
    if !ui.memory(|memory| memory.has_focus(id)) || tau.is_empty() {
        ui.data_mut(|data| data.remove::<Chosen>(memory));
        return None;
    }
    own_keys::use_arrows(ui, id, false);
    let now = ui.input(|input| input.time);
    let begin = || {
        let index = tau_edit::nearest(tau, f64::from(current.unwrap_or(0))).unwrap_or(0);
        Chosen { index, tau: tau.to_vec(), asked_at: f64::NEG_INFINITY }
    };
    let mut chosen = ui.data(|data| data.get_temp::<Chosen>(memory)).unwrap_or_else(begin);
    if chosen.tau != tau {
        let patience = chosen.asked_at + PATIENCE - now;
        if patience > 0.0 {
            ui.ctx().request_repaint_after_secs(patience as f32);
        } else {
            let t = chosen.t().map_or(0.0, f64::from);
            chosen = Chosen { index: tau_edit::nearest(tau, t).unwrap_or(0), tau: tau.to_vec(), ..chosen };
        }
    }
    let next = pressed(ui, &mut chosen, train_timesteps).filter(|next| *next != chosen.tau);
    if let Some(next) = &next {
        chosen = Chosen { index: chosen.index.min(next.len() - 1), tau: next.clone(), asked_at: now };
    }
    ui.data_mut(|data| data.insert_temp(memory, chosen.clone()));
    Some((chosen, next.map(Command::SetTau)))
}

/// Moves the choice; returns the τ that is asked for, if any.
fn pressed(ui: &Ui, chosen: &mut Chosen, train_timesteps: u32) -> Option<Vec<u32>> {
    let count = |modifiers, key| ui.input_mut(|input| input.count_and_consume_key(modifiers, key));
    // The most modifiers first, as fewer would match as well.
    let steps = |modifiers| count(modifiers, Key::ArrowRight) as f64 - count(modifiers, Key::ArrowLeft) as f64;
    let by = FAR * steps(Modifiers::COMMAND | Modifiers::SHIFT) + steps(Modifiers::SHIFT);
    if by != 0.0 {
        return Some(tau_edit::moved(&chosen.tau, chosen.index, f64::from(chosen.t()?) + by, train_timesteps));
    }
    let last = chosen.tau.len() - 1;
    // A negative number becomes 0.
    chosen.index = ((chosen.index as f64 + steps(Modifiers::NONE)) as usize).min(last);
    if count(Modifiers::NONE, Key::Home) > 0 {
        chosen.index = 0;
    }
    if count(Modifiers::NONE, Key::End) > 0 {
        chosen.index = last;
    }
    let add = [Key::Plus, Key::Insert].map(|key| count(Modifiers::NONE, key)).iter().any(|n| *n > 0);
    let remove = [Key::Delete, Key::Backspace].map(|key| count(Modifiers::NONE, key)).iter().any(|n| *n > 0);
    if add {
        let t = tau_edit::beside(&chosen.tau, chosen.index, train_timesteps)?;
        let next = tau_edit::added(&chosen.tau, f64::from(t), train_timesteps)?;
        chosen.index = next.binary_search(&t).unwrap_or(chosen.index);
        return Some(next);
    }
    if remove { tau_edit::removed(&chosen.tau, chosen.index) } else { None }
}
