//! What one is looking at, for somebody who has never seen it: a few sentences and three things to try. Put away, it stays away.

use crate::app::{
    state::{State, command::Command, controls::Controls, view_settings::Tab},
    widgets::hint::Hint,
};
use eframe::egui::{Align2, Context, RichText, Ui, Window, vec2};

/// Its name, as the help and the window's title have it.
pub(crate) const TITLE: &str = "What am I looking at?";
const WIDTH: f32 = 400.0;

/// Draws it while it is wanted; `draft` takes what is tried.
pub(crate) fn introduction_ui(ctx: &Context, state: &State, draft: &mut Controls) -> Option<Command> {
    if !state.introducing {
        return None;
    }
    let (mut open, mut done) = (true, false);
    let room = ctx.content_rect();
    let window = Window::new(TITLE).open(&mut open).collapsible(false).resizable(false).pivot(Align2::RIGHT_TOP);
    let width = WIDTH.min(room.width() - 40.0);
    window.default_pos(room.right_top() + vec2(-14.0, 52.0)).default_width(width).show(ctx, |ui| {
        ui.set_max_width(width);
        ui.label(
            "A network that was trained to find noise turns noise into a picture, step by step: at the left x_t, what a step starts from, \
             at the right x̂0, the picture it believes is in there. Below is the whole run, from pure noise, x_T, to the sample, x_0.",
        );
        ui.label(format!(
            "It knows T = {} steps of noise; DDIM gets along with S of them. η is how much fresh noise each step adds: at 0 none, so \
             that x_T alone decides the picture, at 1 as much as DDPM.",
            state.train_timesteps()
        ));
        ui.separator();
        ui.label(RichText::new("Three things to try").strong());
        try_ui(ui, draft);
        ui.separator();
        ui.horizontal(|ui| {
            done = ui.button("Got it").hint("Puts this away for good; the list of keys (?) has it").clicked();
            ui.label(RichText::new("everything has a tooltip").weak());
        });
    });
    (!open || done).then_some(Command::Introduce(false))
}

fn try_ui(ui: &mut Ui, draft: &mut Controls) {
    let (low, high) = ("Back to η = 0", "Set η to 1");
    let noisy = draft.eta > 0.0;
    if ui.button(if noisy { low } else { high }).hint("Or drag the slider: the picture follows").clicked() {
        draft.view.tab = Tab::Trajectory;
        draft.set_eta(if noisy { 0.0 } else { 1.0 });
    }
    ui.label(
        RichText::new("Another picture from the same x_T: the noise of the steps had its say. Back at 0 the first returns.").weak(),
    );
    let few = draft.steps <= 10;
    if ui.button(if few { "Take 50 steps again" } else { "Take 10 steps in the place of 50" }).clicked() {
        (draft.steps, draft.spacing) = (if few { 50 } else { 10 }, None);
    }
    ui.label(RichText::new("Five times as fast, and at η = 0 nearly the same picture: what DDIM is for.").weak());
    if ui.button("Compare η and noise seeds").clicked() {
        draft.view.tab = Tab::Compare;
    }
    ui.label(RichText::new("At η = 0 all noise seeds make one picture; the larger η, the further they come apart.").weak());
}
