//! The app: drains the session, keeps the runs that the open panel needs going, draws the panels and does what they ask for.

use super::{
    command::Command,
    command_line::command_line,
    compare,
    controls::{Controls, Tab},
    controls_panel::{self, Ask},
    explain, export, fonts, help, interpolate, keys,
    pictures::Pictures,
    presentation, scrubber,
    state::State,
    status_bar, theme, top_bar, trajectory,
    wanted::{self, Purpose},
};
use crate::{
    error::{Error, Result},
    gpu,
    picture::recipe::read_recipe,
    recipe::Recipe,
    session::{Event, Frame, Outcome, Session, Wake},
};
use eframe::egui::{self, CentralPanel, Color32, Context, Panel, Ui};
use std::{path::PathBuf, sync::Arc, time::Duration};

/// News that is not urgent is drawn this long after it came. A window that is drawn by the processor takes its time from the
/// computation, so it gets half as many frames.
const FRAME: Duration = Duration::from_millis(16);
const SOFTWARE_FRAME: Duration = Duration::from_millis(33);
/// Folders of models that the list remembers.
const MOST_FOLDERS: usize = 8;

/// The viewer.
pub struct Viewer {
    /// What it knows.
    pub state: State,
    session: Session,
    pictures: Pictures,
    playback: interpolate::Playback,
    frame: Duration,
    /// When the position of the interpolation last changed, in egui's time.
    moved: f64,
}

/// How the viewer starts.
#[derive(Clone, Debug, Default)]
pub struct Start {
    /// The first controls.
    pub controls: Option<Controls>,
    /// Folders of models opened before.
    pub folders: Vec<String>,
    /// Where files are saved; the working folder if not given.
    pub save_folder: Option<PathBuf>,
    /// A model's folder or a picture to open.
    pub open: Option<PathBuf>,
    /// Whether the window is drawn by the processor.
    pub software_window: bool,
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
        session.aside(|| Outcome::Devices(gpu::list_adapters().into_iter().filter(|a| a.usable.is_ok()).map(|a| a.info).collect()));
        let controls = start.controls.unwrap_or_default();
        let here = || std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
        let state = State {
            good: controls.clone(),
            controls,
            folders: start.folders,
            save_folder: start.save_folder.unwrap_or_else(here),
            ..State::default()
        };
        let mut viewer = Self {
            state,
            session,
            pictures: Pictures::default(),
            playback: interpolate::Playback::default(),
            frame,
            moved: f64::NEG_INFINITY,
        };
        viewer.keep_going(0.0);
        if let Some(path) = start.open {
            viewer.open(path);
        }
        Ok(viewer)
    }

    /// Textures in use: tests see that they do not grow.
    pub fn textures(&self) -> usize {
        self.pictures.len()
    }

    /// The session: tests inject faults.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Drains events and moves what moves by itself. No drawing, no waiting.
    pub fn logic(&mut self, ctx: &Context) {
        let (now, seconds) = ctx.input(|input| (input.time, f64::from(input.unstable_dt.min(0.1))));
        for event in self.session.drain() {
            self.take(event, now);
        }
        self.state.head.advance(seconds);
        if self.state.head.playing {
            ctx.request_repaint_after(self.frame);
        }
        let dropped: Vec<PathBuf> = ctx.input(|input| input.raw.dropped_files.iter().map(|f| f.path().to_owned()).collect());
        for path in dropped {
            self.open(path);
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
                state.good = state.controls.clone();
                let key = &plan.model.key;
                let is_folder = std::path::Path::new(key).is_absolute() || crate::model::EMBEDDED.iter().all(|e| e.name != key);
                if is_folder && !state.folders.contains(key) {
                    state.folders.insert(0, key.clone());
                    state.folders.truncate(MOST_FOLDERS);
                }
            }
            Event::Failed { message, .. } => {
                state.messages.fault(message, now);
                if refused {
                    // The last good state: a wrong model or an impossible τ leaves everything as it was.
                    state.controls = state.good.clone();
                }
            }
            Event::Recovered { message, .. } => {
                state.messages.news(format!("{message}. It was opened again, and the run goes on."), now);
            }
            Event::Done(outcome) => self.done(outcome, now),
            Event::Frame(_) | Event::Finished { .. } => {}
        }
    }

    fn done(&mut self, outcome: Outcome, now: f64) {
        match outcome {
            Outcome::Saved(path) => self.state.messages.news(format!("Saved {}", path.display()), now),
            Outcome::Recipe(path, json) => match self.restored(&json) {
                Ok(controls) => {
                    self.change(controls, now);
                    self.state.messages.news(format!("Every control is as it was for {}", path.display()), now);
                }
                Err(error) => self.state.messages.fault(Error::file(path, error.to_string()).to_string(), now),
            },
            Outcome::ModelChosen(path) => {
                let controls = Controls { model: path.display().to_string(), size: None, ..self.state.controls.clone() };
                self.change(controls, now);
            }
            Outcome::FolderChosen(path) => self.state.save_folder = path,
            Outcome::Devices(adapters) => self.state.adapters = adapters,
            Outcome::Failed(message) => self.state.messages.fault(message, now),
            Outcome::Nothing => {}
        }
    }

    fn restored(&self, json: &str) -> Result<Controls> {
        let recipe: Recipe = serde_json::from_str(json).map_err(|e| Error::argument(format!("its recipe cannot be used: {e}")))?;
        Controls::from_recipe(&recipe, &self.state.controls.viewer)
    }

    /// Sets the controls, with a way back.
    pub fn change(&mut self, controls: Controls, now: f64) {
        if controls != self.state.controls {
            self.state.history.note(&self.state.controls, now);
            self.state.controls = controls;
        }
    }

    /// Starts the runs that the open panel needs and that are not there yet.
    fn keep_going(&mut self, now: f64) {
        let state = &mut self.state;
        let controls = &state.controls;
        let asks = |purpose, controls: &Controls| wanted::request(0, purpose, controls).ok();
        let is_current = |state: &State, purpose| {
            state.runs.is_current(purpose, |of| of == controls || asks(purpose, of) == asks(purpose, controls))
        };
        let purpose = state.purpose();
        let next = if purpose == Purpose::Between {
            // The large picture follows the pointer; the strip waits while it does.
            let dragging = now - self.moved < 0.25;
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
        if let Some(purpose) = next {
            let controls = controls.clone();
            if let Err(error) = state.runs.start(&self.session, purpose, &controls) {
                state.messages.fault(error.to_string(), now);
                state.controls = state.good.clone();
            }
        }
    }

    /// Opens a model's folder, or the recipe inside a picture.
    fn open(&mut self, path: PathBuf) {
        self.session.aside(move || {
            if path.is_dir() {
                return Outcome::ModelChosen(path);
            }
            match read_recipe(&path) {
                Ok(Some(json)) => Outcome::Recipe(path, json),
                Ok(None) => {
                    let what = "expected a picture that etude saved, with its recipe inside, got one without; nothing was changed";
                    Outcome::Failed(Error::file(path, what).to_string())
                }
                Err(error) => Outcome::Failed(error.to_string()),
            }
        });
    }

    /// Draws everything.
    pub fn ui(&mut self, ui: &mut Ui) {
        self.pictures.tidy();
        let now = ui.input(|input| input.time);
        let mut draft = self.state.controls.clone();
        let mut commands: Vec<Command> = keys::keys(ui.ctx(), &self.state, &mut draft).into_iter().collect();
        // All panels have the colour that the window is cleared with: filling them would paint every pixel twice.
        let bar = egui::Frame::side_top_panel(ui.style()).fill(Color32::TRANSPARENT);
        let centre = egui::Frame::central_panel(ui.style()).fill(Color32::TRANSPARENT);
        if !self.state.presenting {
            Panel::top("top").frame(bar).show(ui, |ui| {
                ui.add_space(2.0);
                commands.extend(top_bar::top_bar_ui(ui, &self.state, &mut draft));
                ui.add_space(2.0);
            });
            Panel::bottom("status").frame(bar).show(ui, |ui| commands.extend(status_bar::status_bar_ui(ui, &self.state)));
            let width = 300.0_f32.min(ui.available_width() * 0.42);
            Panel::left("controls").frame(bar).default_size(width).min_size(200.0).resizable(true).show(ui, |ui| {
                if controls_panel::controls_ui(ui, &self.state, &mut draft) == Some(Ask::OpenModel) {
                    commands.push(Command::OpenModel);
                }
            });
        } else {
            Panel::bottom("presentation").frame(bar).show(ui, |ui| {
                ui.add_space(8.0);
                presentation::presentation_ui(ui, &self.state, &mut draft);
                ui.add_space(8.0);
            });
        }
        CentralPanel::default().frame(centre).show(ui, |ui| {
            self.state.messages.ui(ui);
            commands.extend(self.panel_ui(ui, &mut draft, now));
        });
        help::help_ui(ui.ctx(), &mut self.state.helping);
        if self.state.dropping {
            drop_hint_ui(ui);
        }
        if draft.viewer.interpolate.position != self.state.controls.viewer.interpolate.position {
            self.moved = now;
        }
        draft.tidy();
        self.change(draft, now);
        for command in commands {
            self.obey(ui.ctx(), command, now);
        }
        self.keep_going(now);
    }

    fn panel_ui(&mut self, ui: &mut Ui, draft: &mut Controls, now: f64) -> Option<Command> {
        match self.state.controls.viewer.tab {
            Tab::Trajectory => trajectory::trajectory_ui(ui, &self.state, draft, &mut self.pictures),
            Tab::Explain => explain_panel_ui(ui, &self.state, &mut self.pictures),
            Tab::Compare => {
                let runs = &self.state.runs;
                let view = compare::View {
                    run: runs.current(Purpose::Compare),
                    previous: runs.previous(Purpose::Compare),
                    train_timesteps: self.state.train_timesteps(),
                };
                compare::compare_ui(ui, &view, draft, &mut self.pictures)
            }
            Tab::Interpolate => {
                let runs = &self.state.runs;
                let view = interpolate::View {
                    between: runs.current(Purpose::Between),
                    previous: runs.previous(Purpose::Between),
                    point: runs.current(Purpose::Point),
                    point_previous: runs.previous(Purpose::Point),
                    time: now,
                };
                interpolate::interpolate_ui(ui, &view, draft, &mut self.playback, &mut self.pictures)
            }
        }
    }

    /// Does what a panel asked for.
    pub fn obey(&mut self, ctx: &Context, command: Command, now: f64) {
        let state = &mut self.state;
        match command {
            Command::SetTau(list) => {
                let spacing = Some(crate::schedule::Spacing::List(list));
                let controls = Controls { spacing, ..state.controls.clone() };
                self.change(controls, now);
            }
            Command::Look(position) => {
                let steps = scrubber::steps(state);
                state.head.look(position, steps);
            }
            Command::Use(controls) => self.change(*controls, now),
            Command::Save(what) => match export::job(state, what) {
                Ok(job) => self.session.aside(job),
                Err(error) => state.messages.fault(error.to_string(), now),
            },
            Command::Play => state.head.toggle(),
            Command::Loop(looping) => state.head.looping = looping,
            Command::Speed(speed) => state.head.speed = speed,
            Command::Cancel => state.runs.cancel(&self.session),
            Command::Restart => {
                state.messages.clear_faults();
                let controls = state.controls.clone();
                if let Err(error) = state.runs.start(&self.session, state.purpose(), &controls) {
                    state.messages.fault(error.to_string(), now);
                }
            }
            Command::Undo => {
                if let Some(old) = state.history.undo(&state.controls) {
                    state.controls = old;
                }
            }
            Command::Redo => {
                if let Some(new) = state.history.redo(&state.controls) {
                    state.controls = new;
                }
            }
            Command::Present(on) => self.present(ctx, on),
            Command::CopyCommand => {
                ctx.copy_text(command_line(&state.controls));
                let what = match state.controls.viewer.tab {
                    Tab::Interpolate => "Copied the command that samples the ends",
                    _ => "Copied the command that makes these pictures",
                };
                state.messages.news(what, now);
            }
            Command::OpenModel => self.session.aside(|| match rfd::FileDialog::new().set_title("A model's folder").pick_folder() {
                Some(path) => Outcome::ModelChosen(path),
                None => Outcome::Nothing,
            }),
            Command::ChooseFolder => {
                self.session.aside(|| match rfd::FileDialog::new().set_title("Save pictures in").pick_folder() {
                    Some(path) => Outcome::FolderChosen(path),
                    None => Outcome::Nothing,
                })
            }
            Command::OpenRecipe => {
                self.session.aside(|| {
                    let dialog =
                        rfd::FileDialog::new().set_title("A picture that etude saved").add_filter("Pictures", &["png", "gif"]);
                    let Some(path) = dialog.pick_file() else { return Outcome::Nothing };
                    match read_recipe(&path) {
                        Ok(Some(json)) => Outcome::Recipe(path, json),
                        Ok(None) => Outcome::Failed(Error::file(path, "has no recipe inside; nothing was changed").to_string()),
                        Err(error) => Outcome::Failed(error.to_string()),
                    }
                });
            }
            Command::Open(path) => self.open(path),
            Command::Help => state.helping = !state.helping,
            Command::Theme(preference) => ctx.set_theme(preference),
        }
    }

    fn present(&mut self, ctx: &Context, on: bool) {
        if self.state.presenting == on {
            return;
        }
        self.state.presenting = on;
        let factor = if on { 1.5 } else { 1.0 / 1.5 };
        ctx.set_zoom_factor((ctx.zoom_factor() * factor).clamp(0.5, 4.0));
        ctx.send_viewport_cmd(egui::ViewportCommand::Fullscreen(on));
    }
}

/// The Explain panel for the moment shown, with the scrubber above it.
fn explain_panel_ui(ui: &mut Ui, state: &State, pictures: &mut Pictures) -> Option<Command> {
    let command = scrubber::scrubber_ui(ui, state);
    let shown = state.shown();
    let Some((shown, plan)) = shown.and_then(|shown| Some((shown, shown.run.plan.as_ref()?))) else {
        ui.label("The first step has not come yet.");
        return command;
    };
    let group = shown.run.groups.first();
    let (schedule, image) = (plan.schedules.first()?, state.image());
    let rms = |frame: &Option<Arc<Frame>>| frame.as_ref().and_then(|frame| frame.moments.get(image)).map(|moment| moment.rms);
    let rms: Vec<_> = group.map(|group| group.frames.iter().map(rms).collect()).unwrap_or_default();
    let view = explain::View {
        plan,
        schedule,
        index: shown.position(),
        eta: shown.run.controls.eta,
        sigma_hat: shown.run.controls.sigma_hat,
        moment: shown.frame.moments.get(image),
        next: shown.frame.after.get(image).map(|picture| &**picture),
        rms: &rms,
        version: shown.version() ^ (image as u64) << 50,
        tau_editable: true,
    };
    let asked = egui::ScrollArea::vertical().auto_shrink(false).show(ui, |ui| explain::explain_ui(ui, &view, pictures)).inner;
    asked.or(command)
}

/// Over everything while a file hovers over the window.
fn drop_hint_ui(ui: &Ui) {
    let rect = ui.ctx().content_rect();
    let layer = egui::LayerId::new(egui::Order::Foreground, egui::Id::unique("drop hint"));
    let painter = ui.ctx().layer_painter(layer);
    painter.rect_filled(rect, 0, ui.visuals().panel_fill.gamma_multiply(0.85));
    let text = "Drop a picture to set every control as it was made,\nor a model's folder to sample from it";
    painter.text(rect.center(), egui::Align2::CENTER_CENTER, text, egui::FontId::proportional(24.0), theme::accent(ui));
}
