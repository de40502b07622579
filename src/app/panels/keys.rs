//! The keyboard: what each key asks for. Keys that a focused widget needs (arrows on a slider, letters in a text field) are left to
//! it.

use super::{pinned, scrubber, seeds};
use crate::app::{
    state::{
        State,
        command::{Command, Export},
        controls::Controls,
        view_settings::Tab,
    },
    widgets::own_keys::{self, Focus},
};
use egui::{Context, Key, KeyboardShortcut, Modifiers, text_selection::LabelSelectionState};

/// The keys and what they do, for the help.
pub(crate) const HELP: [(&str, &str); 18] = [
    ("Space", "play or pause the trajectory, or the grid of Compare"),
    ("← →", "one step back or on"),
    ("Home, End", "x_T, the finished sample"),
    ("in Compare: Tab, arrows, Enter", "go to a cell, enlarge it or close it"),
    ("N", "throw new seeds (those not locked)"),
    ("0 … 9", "η = 0 … 0.9"),
    ("D", "η = 1, DDPM"),
    ("P, Shift + P", "pin this run as A or unpin it, back to A"),
    ("on τ: ← →, Shift + ← →, +, Delete", "choose, move, add, remove a timestep"),
    ("F1 … F7", "Trajectory, Compare, Interpolate, Explain, Rewind, Fork, Race"),
    ("F11", "presentation mode"),
    ("Ctrl + −, Ctrl + +", "zoom"),
    ("Ctrl + Z, Ctrl + Shift + Z", "undo, redo"),
    ("Ctrl + S", "save the picture"),
    ("Ctrl + C", "copy the command line"),
    ("Ctrl + R", "run again"),
    ("?", "this list"),
    ("Esc", "close what is enlarged, cancel the download or the run, leave the presentation"),
];

/// What Esc ends: the first of these that there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Escape {
    Help,
    PathField,
    Introduction,
    Models,
    Download,
    /// The large picture of a comparison.
    Enlarged,
    Run,
    Presentation,
    Nothing,
}

fn escape(state: &State, draft: &Controls) -> Escape {
    match () {
        () if state.helping => Escape::Help,
        () if state.path_field.is_some() => Escape::PathField,
        () if state.introducing => Escape::Introduction,
        () if state.models.open => Escape::Models,
        () if state.download.is_some() => Escape::Download,
        () if draft.view.tab == Tab::Compare && draft.view.compare.enlarged.is_some() => Escape::Enlarged,
        () if state.runs.running().is_some() => Escape::Run,
        () if state.presenting => Escape::Presentation,
        () => Escape::Nothing,
    }
}

/// What Esc does now, in words that follow its name.
pub(super) fn escape_does(state: &State, draft: &Controls) -> &'static str {
    match escape(state, draft) {
        Escape::Help | Escape::PathField | Escape::Introduction | Escape::Models => "closes the window in front",
        Escape::Download => "stops the download",
        Escape::Enlarged => "closes the large picture",
        Escape::Run => "stops the run, then leaves",
        Escape::Presentation => "leaves the presentation",
        Escape::Nothing => "does nothing",
    }
}

/// What the keys of this frame ask for. Changes of controls go to `draft`.
pub(crate) fn keys(ctx: &Context, state: &State, draft: &mut Controls) -> Option<Command> {
    let command_key = |key, extra: Modifiers| {
        ctx.input_mut(|input| input.consume_shortcut(&KeyboardShortcut::new(Modifiers::COMMAND | extra, key)))
    };
    if command_key(Key::Z, Modifiers::SHIFT) || command_key(Key::Y, Modifiers::NONE) {
        return Some(Command::Redo);
    }
    if command_key(Key::Z, Modifiers::NONE) {
        return Some(Command::Undo);
    }
    if command_key(Key::S, Modifiers::NONE) {
        return Some(Command::Save(Export::Picture));
    }
    if command_key(Key::R, Modifiers::NONE) {
        return Some(Command::Restart);
    }
    let plain = |key| ctx.input_mut(|input| input.consume_key(Modifiers::NONE, key));
    for (key, tab) in [
        (Key::F1, Tab::Trajectory),
        (Key::F2, Tab::Compare),
        (Key::F3, Tab::Interpolate),
        (Key::F4, Tab::Explain),
        (Key::F5, Tab::Rewind),
        (Key::F6, Tab::Fork),
        (Key::F7, Tab::Race),
    ] {
        if plain(key) {
            draft.view.tab = tab;
        }
    }
    if plain(Key::F11) {
        return Some(Command::Present(!state.presenting));
    }
    // A popup or a text field takes Esc first.
    let typing = state.typing || ctx.text_edit_focused();
    if !typing && !egui_popup_open(ctx) && plain(Key::Escape) {
        return match escape(state, draft) {
            Escape::Help => Some(Command::Help),
            Escape::PathField => state.path_field.as_ref().map(|(what, _)| Command::Typed(*what, None)),
            Escape::Introduction => Some(Command::Introduce(false)),
            Escape::Models => Some(Command::ShowModels(false)),
            Escape::Download => Some(Command::CancelDownload),
            Escape::Enlarged => {
                draft.view.compare.enlarged = None;
                None
            }
            Escape::Run => Some(Command::Cancel),
            Escape::Presentation => Some(Command::Present(false)),
            Escape::Nothing => None,
        };
    }
    // The scrubber's keys are the window's.
    let focus = own_keys::focus(ctx, egui::Id::unique("scrubber"));
    if focus == Focus::Text {
        return None;
    }
    // Letters that are marked are what is copied.
    let has_marked = ctx.with_plugin(|marked: &mut LabelSelectionState| marked.has_selection()).unwrap_or(false);
    if !has_marked && ctx.input(|input| input.events.iter().any(|event| matches!(event, egui::Event::Copy))) {
        return Some(Command::CopyCommand);
    }
    if ctx.input_mut(|input| input.consume_key(Modifiers::SHIFT, Key::Questionmark)) || plain(Key::Questionmark) {
        return Some(Command::Help);
    }
    if plain(Key::N) {
        seeds::new_seeds(draft);
    }
    if plain(Key::D) {
        draft.set_eta(1.0);
    }
    if state.controls.view.tab == Tab::Trajectory {
        // With Shift first: a key alone is found under it as well.
        if ctx.input_mut(|input| input.consume_key(Modifiers::SHIFT, Key::P)) {
            pinned::go_back_to_a(draft);
        } else if plain(Key::P) {
            pinned::pin_or_unpin(state, draft);
        }
    }
    let digits = [Key::Num0, Key::Num1, Key::Num2, Key::Num3, Key::Num4, Key::Num5, Key::Num6, Key::Num7, Key::Num8, Key::Num9];
    for (digit, key) in digits.into_iter().enumerate() {
        if plain(key) {
            draft.set_eta(digit as f64 / 10.0);
        }
    }
    if state.has_playhead() { playhead_keys(ctx, state, focus) } else { None }
}

fn playhead_keys(ctx: &Context, state: &State, focus: Focus) -> Option<Command> {
    let plain = |key| ctx.input_mut(|input| input.consume_key(Modifiers::NONE, key));
    let steps = scrubber::steps(state);
    let now = (state.open_playhead().position() * steps as f64).round() as usize;
    if let Focus::Button(id) = focus {
        own_keys::keep_focus(ctx, id);
    } else if plain(Key::Space) {
        return Some(Command::Play);
    }
    if plain(Key::Home) {
        return Some(Command::Look(0));
    }
    if plain(Key::End) {
        return Some(Command::Look(steps));
    }
    if focus == Focus::Slider {
        return None;
    }
    if plain(Key::ArrowLeft) {
        return Some(Command::Look(now.saturating_sub(1)));
    }
    plain(Key::ArrowRight).then_some(Command::Look((now + 1).min(steps)))
}

fn egui_popup_open(ctx: &Context) -> bool {
    egui::Popup::is_any_open(ctx)
}
