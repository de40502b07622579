//! The scrubber: play, loop, speed, and the line along which the playhead moves.

use crate::app::{
    state::{State, command::Command, playhead::Playhead, run_requests::Purpose, view_settings::Tab},
    widgets::{hint::Hint, theme},
};
use eframe::egui::{self, Id, Rect, Sense, Ui, pos2, vec2};

/// The line along which a playhead moves.
pub(crate) struct Line<'a> {
    /// The playhead.
    pub(crate) playhead: &'a Playhead,
    /// How many steps it has.
    pub(crate) steps: usize,
    /// How much of it, from 0 to 1, is there to look at.
    pub(crate) done: f32,
    /// What moves: the trajectory, or all cells.
    pub(crate) what: &'a str,
    /// What to know about its places.
    pub(crate) hint: &'a str,
}

/// Draws the scrubber of the trajectory.
pub(crate) fn scrubber_ui(ui: &mut Ui, state: &State) -> Option<Command> {
    let run = state.runs.running().or_else(|| state.runs.current(Purpose::Trajectory));
    let done = run.map(|run| run.progress()).map(|(done, total)| done as f32 / total.max(1) as f32);
    let hint = "Drag to look at a step; arrow keys go step by step, Home and End to the ends";
    let line = Line { playhead: &state.playhead, steps: steps(state), done: done.unwrap_or(0.0), what: "the trajectory", hint };
    ui.horizontal(|ui| {
        let command = play_ui(ui, &line);
        if done.is_some() { line_ui(ui, &line).or(command) } else { command }
    })
    .inner
}

/// Draws the buttons before the line.
pub(crate) fn play_ui(ui: &mut Ui, line: &Line<'_>) -> Option<Command> {
    let mut command = None;
    let playhead = line.playhead;
    let (sign, name) = if playhead.playing { ("⏸", "Pause") } else { ("▶", "Play") };
    let play = ui.add(egui::Button::new(sign).min_size(vec2(36.0, 28.0))).hint(format!("{name} {} (Space)", line.what));
    play.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, name));
    if play.clicked() {
        command = Some(Command::Play);
    }
    let repeat = ui.selectable_label(playhead.looping, "🔁").hint("Begin again at the end");
    repeat.widget_info(|| egui::WidgetInfo::selected(egui::Role::Button, true, playhead.looping, "Loop"));
    if repeat.clicked() {
        command = Some(Command::Loop(!playhead.looping));
    }
    let mut speed = playhead.speed;
    let drag = egui::DragValue::new(&mut speed).range(0.1..=8.0).speed(0.02).suffix("×").max_decimals(2);
    let response = ui.add(drag).hint("Speed of playing: at 1× a run takes four seconds");
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::SpinButton, true, "Speed"));
    if response.changed() {
        command = Some(Command::Speed(speed));
    }
    command
}

/// Draws the line into the width that is left: what is there to look at is bright, and the playhead can be dragged.
pub(crate) fn line_ui(ui: &mut Ui, line: &Line<'_>) -> Option<Command> {
    let steps = line.steps;
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width().max(60.0), 28.0), Sense::hover());
    let response = ui.interact(rect, Id::unique("scrubber"), Sense::click_and_drag());
    let rail = Rect::from_center_size(rect.center(), vec2(rect.width() - 20.0, 6.0));
    let visuals = ui.visuals();
    ui.painter().rect_filled(rail, 3, visuals.widgets.inactive.bg_fill);
    let bright = Rect::from_min_max(rail.min, pos2(rail.left() + rail.width() * line.done, rail.bottom()));
    ui.painter().rect_filled(bright, 3, theme::accent(ui).gamma_multiply(0.6));
    let at = line.playhead.position() as f32;
    let centre = pos2(rail.left() + rail.width() * at, rail.center().y);
    ui.painter().circle(centre, 9.0, theme::accent(ui), (2.0, visuals.panel_fill));
    if response.has_focus() {
        // Otherwise the first arrow key would also move the focus away.
        let filter = egui::EventFilter { horizontal_arrows: true, ..Default::default() };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
        ui.painter().circle_stroke(centre, 12.0, (2.0, theme::accent(ui)));
    }
    let position = (at * steps as f32).round() as usize;
    let name = "Scrubber, step shown";
    response.widget_info(|| egui::WidgetInfo::slider(true, position as f64, name));
    let pointer = response.interact_pointer_pos().filter(|_| response.dragged() || response.clicked());
    let _ = response.hint(line.hint);
    pointer.map(|pointer| {
        let at = ((pointer.x - rail.left()) / rail.width()).clamp(0.0, 1.0);
        Command::Look((at * steps as f32).round() as usize)
    })
}

/// Steps that the playhead of the open panel moves over.
pub(crate) fn steps(state: &State) -> usize {
    if state.controls.view.tab == Tab::Compare {
        let runs = [state.runs.current(Purpose::Compare), state.runs.previous(Purpose::Compare)];
        return runs.into_iter().flatten().find(|run| run.plan.is_some()).map_or(1, |run| run.stops.last().max(1));
    }
    // A draft has fewer, and passes: the steps are those of the film strip.
    let full = state.runs.strip(state.image()).first().map(|run| run.steps());
    full.or_else(|| state.shown().map(|shown| shown.run.steps())).unwrap_or(1).max(1)
}
