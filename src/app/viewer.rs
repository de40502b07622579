//! The app: drains the session, starts the runs that the open panel needs, draws the panels and carries out what they ask for.

use crate::{
    app::{
        actions::{
            apply_command::{apply_command, open},
            task_results::take_result,
        },
        panels::{controls_panel, help, interpolate, keys, messages, open_panel, presentation, status_bar, top_bar},
        state::{
            State,
            command::Command,
            controls::Controls,
            last_accepted::LastAccepted,
            run_requests::{self, Purpose},
            start::Start,
        },
        widgets::{fonts, texture_cache::TextureCache, theme},
    },
    error::Result,
    gpu,
    model::EMBEDDED,
    platform,
    session::{Event, Session, TaskResult, Wake},
};
use eframe::egui::{CentralPanel, Color32, Context, Frame, Panel, Ui};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// Events that are not urgent are drawn this long after they came. A window that is drawn by the processor takes its time from the
/// computation, so it gets fewer frames.
const FRAME: Duration = Duration::from_millis(16);
const SOFTWARE_FRAME: Duration = Duration::from_millis(66);
/// How many folders of models the list remembers.
const MAX_FOLDERS: usize = 8;

/// The position of an interpolation counts as settled after this many seconds without a move.
const REST: f64 = 0.25;

/// The viewer.
pub struct Viewer {
    /// What it knows.
    pub state: State,
    session: Session,
    textures: TextureCache,
    playback: interpolate::Playback,
    frame: Duration,
    /// When the position of the interpolation last changed, in egui's time.
    moved: f64,
}

impl Viewer {
    /// Starts the session and asks for the first run.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn new(ctx: &Context, start: Start) -> Result<Self> {
        fonts::install_fonts(ctx);
        theme::install(ctx);
        let repaint = ctx.clone();
        let frame = if start.software_window { SOFTWARE_FRAME } else { FRAME };
        let wake: Wake =
            Arc::new(move |at_once| if at_once { repaint.request_repaint() } else { repaint.request_repaint_after(frame) });
        let session = Session::new(wake)?;
        session.spawn_task(|| async {
            TaskResult::Devices(gpu::list_adapters().await.into_iter().filter(|a| a.usable.is_ok()).map(|a| a.info).collect())
        });
        let controls = start.controls.unwrap_or_default();
        let state = State {
            last_accepted: LastAccepted::new(controls.clone()),
            controls,
            folders: start.folders,
            folder_chosen: start.save_folder.is_some(),
            save_folder: start.save_folder.unwrap_or_else(platform::current_folder),
            ..State::default()
        };
        let mut viewer = Self {
            state,
            session,
            textures: TextureCache::default(),
            playback: interpolate::Playback::default(),
            frame,
            moved: f64::NEG_INFINITY,
        };
        viewer.keep_going(0.0);
        if let Some(path) = start.open {
            open(&viewer.session, path);
        }
        Ok(viewer)
    }

    /// Textures in use; tests check that their number does not grow.
    pub fn textures(&self) -> usize {
        self.textures.count()
    }

    /// The session, for tests that inject faults.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Drains events and advances what plays. Neither draws nor waits.
    pub fn logic(&mut self, ctx: &Context) {
        let (now, seconds) = ctx.input(|input| (input.time, f64::from(input.unstable_dt.min(0.1))));
        self.state.now = now;
        for event in self.session.drain() {
            self.take(event, now);
        }
        self.state.playhead.advance(seconds);
        if self.state.playhead.playing {
            ctx.request_repaint_after(self.frame);
        }
        let dropped: Vec<PathBuf> = ctx.input(|input| input.raw.dropped_files.iter().map(|f| f.path().to_owned()).collect());
        for path in dropped {
            self.apply_command(ctx, Command::Open(path), now);
        }
        self.state.dropping = ctx.input(|input| !input.raw.hovered_files.is_empty());
        self.keep_going(now);
    }

    fn take(&mut self, event: Event, now: f64) {
        let refused = self.state.runs.apply(&event);
        let state = &mut self.state;
        match event {
            Event::Device { info, reason } => state.device = Some((info, reason)),
            Event::Planned(plan) => {
                state.model = Some(plan.model.clone());
                if let Some(controls) = state.runs.controls_of(plan.id) {
                    state.last_accepted.accept(controls);
                }
                let key = &plan.model.key;
                let is_folder = Path::new(key).is_absolute() || EMBEDDED.iter().all(|e| e.name != key);
                if is_folder && !state.folders.contains(key) {
                    state.folders.insert(0, key.clone());
                    state.folders.truncate(MAX_FOLDERS);
                }
                state.compare_weights(&plan.model, now);
            }
            Event::Failed { message, .. } => {
                state.messages.fault(message, now);
                if let Some(controls) = refused {
                    // The last accepted state: a wrong model or an impossible τ leaves everything as it was.
                    state.controls = state.last_accepted.instead_of(&controls);
                }
            }
            Event::Recovered { message, .. } => {
                state.messages.news(format!("{message}. It was opened again, and the run goes on."), now);
            }
            Event::Done(result) => take_result(state, result, now),
            Event::Step(_) | Event::Finished { .. } => {}
        }
    }

    /// Sets the controls; the change can be undone.
    pub fn change(&mut self, controls: Controls, now: f64) {
        self.state.change(controls, now);
    }

    /// Does what a panel asked for.
    pub fn apply_command(&mut self, ctx: &Context, command: Command, now: f64) {
        apply_command(ctx, &mut self.state, &self.session, command, now);
    }

    /// Starts the run that the open panel needs, if it is not there yet.
    fn keep_going(&mut self, now: f64) {
        let state = &mut self.state;
        let controls = &state.controls;
        if state.last_accepted.is_stuck(controls) {
            return;
        }
        let asks = |purpose, controls: &Controls| run_requests::request(0, purpose, controls).ok();
        let is_current = |state: &State, purpose| {
            state.runs.is_current(purpose, |of| of == controls || asks(purpose, of) == asks(purpose, controls))
        };
        let purpose = state.purpose();
        let next = if purpose == Purpose::Between {
            // The large picture follows the pointer; the strip waits while it does.
            let dragging = now - self.moved < REST;
            let strip = is_current(state, Purpose::Between);
            let finished = state.runs.current(Purpose::Between).is_some_and(|run| !run.is_running());
            if !is_current(state, Purpose::Point) && (dragging || (strip && finished)) {
                Some(Purpose::Point)
            } else if !strip && !dragging && (state.runs.running().is_none_or(|run| run.purpose != Purpose::Point)) {
                Some(Purpose::Between)
            } else {
                None
            }
        } else {
            (!is_current(state, purpose)).then_some(purpose)
        };
        let Some(purpose) = next else {
            // What changed since the run was accepted (a lock, for example) needs no new run.
            if is_current(state, purpose) && state.runs.current(purpose).is_some_and(|run| run.plan.is_some()) {
                state.last_accepted.accept(controls);
            }
            return;
        };
        let controls = controls.clone();
        if let Err(error) = state.runs.start(&self.session, purpose, &controls, now) {
            state.messages.fault(error.to_string(), now);
            state.controls = state.last_accepted.instead_of(&controls);
        }
    }

    /// Draws everything.
    pub fn ui(&mut self, ui: &mut Ui) {
        self.textures.tidy();
        let now = ui.input(|input| input.time);
        self.state.now = now;
        let mut draft = self.state.controls.clone();
        let mut commands: Vec<Command> = keys::keys(ui.ctx(), &self.state, &mut draft).into_iter().collect();
        // All panels have the colour that the window is cleared with: filling them would paint every pixel twice.
        let bar = Frame::side_top_panel(ui.style()).fill(Color32::TRANSPARENT);
        let centre = Frame::central_panel(ui.style()).fill(Color32::TRANSPARENT);
        if !self.state.presenting {
            Panel::top("top").frame(bar).show(ui, |ui| {
                ui.add_space(2.0);
                commands.extend(top_bar::top_bar_ui(ui, &self.state, &mut draft));
                ui.add_space(2.0);
            });
            Panel::bottom("status").frame(bar).show(ui, |ui| commands.extend(status_bar::status_bar_ui(ui, &self.state)));
            let width = 300.0_f32.min(ui.available_width() * 0.42);
            Panel::left("controls").frame(bar).default_size(width).min_size(200.0).resizable(true).show(ui, |ui| {
                commands.extend(controls_panel::controls_ui(ui, &self.state, &mut draft));
            });
        } else {
            Panel::bottom("presentation").frame(bar).show(ui, |ui| {
                ui.add_space(8.0);
                presentation::presentation_ui(ui, &self.state, &mut draft);
                ui.add_space(8.0);
            });
        }
        CentralPanel::default().frame(centre).show(ui, |ui| {
            messages::messages_ui(ui, &mut self.state.messages);
            commands.extend(open_panel::panel_ui(ui, &self.state, &mut draft, &mut self.playback, &mut self.textures, now));
        });
        help::help_ui(ui.ctx(), &mut self.state.helping);
        if self.state.dropping {
            open_panel::drop_hint_ui(ui);
        }
        if draft.view.interpolate.position != self.state.controls.view.interpolate.position {
            self.moved = now;
            // Once it has settled the strip goes on.
            ui.ctx().request_repaint_after_secs(REST as f32);
        }
        self.state.typing = ui.ctx().text_edit_focused();
        draft.tidy();
        self.change(draft, now);
        for command in commands {
            self.apply_command(ui.ctx(), command, now);
        }
        self.keep_going(now);
    }
}
