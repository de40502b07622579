//! The app: drains the session, starts the runs that the open panel needs, draws the panels and carries out what they ask for.

#[cfg(target_arch = "wasm32")]
use crate::app::actions::{address::Address, given};
use crate::{
    app::{
        actions::{apply_command::apply_command, link, models::use_model, open::open, task_results::take_result},
        panels::{
            compare, controls_panel, help, interpolate, introduction, keys, messages, models, open_panel, path_field, phone,
            presentation, save_figure, status_bar, top_bar,
        },
        state::{
            State, command::Command, controls::Controls, last_accepted::LastAccepted, live::Next, models::Then, pinned_controls,
            run_requests::Purpose, runs::asks, start::Start, view_settings::Tab,
        },
        widgets::{fonts, presenting, texture_cache::TextureCache, theme},
    },
    error::Result,
    gpu,
    hub::Cached,
    model::{EMBEDDED, with_variant},
    platform::{self, Instant},
    recipe::link::is_link,
    session::{Event, Session, TaskResult, Wake},
};
use eframe::egui::{self, CentralPanel, Color32, Context, Frame, Panel, Ui};
use std::{path::Path, sync::Arc, time::Duration};

/// Events that are not urgent are drawn this long after they came. A window that is drawn by the processor takes its time from the
/// computation, so it gets fewer frames.
const FRAME: Duration = Duration::from_millis(16);
const SOFTWARE_FRAME: Duration = Duration::from_millis(66);
/// From one frame to the next of a window drawn by the processor, at least, while drafts are computed.
const DRAFTING_FRAME: Duration = Duration::from_millis(60);
/// Folders of models that the list remembers.
const MAX_FOLDERS: usize = 8;

/// The viewer.
pub struct Viewer {
    /// What it knows.
    pub state: State,
    session: Session,
    textures: TextureCache,
    playback: interpolate::Playback,
    frame: Duration,
    last_frame: Option<Instant>,
    #[cfg(target_arch = "wasm32")]
    address: Address,
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
        let session = Session::with(wake, start.instruments)?;
        session.spawn_task(|| async {
            TaskResult::Devices(gpu::list_adapters().await.into_iter().filter(|a| a.usable.is_ok()).map(|a| a.info).collect())
        });
        let mut controls = start.controls.unwrap_or_default();
        if let Some(Cached::Whole(snapshot)) = start.model.as_ref().map(|(name, variant)| session.look_up(name, variant.as_deref()))
        {
            let variant = start.model.as_ref().and_then(|(_, variant)| variant.as_deref());
            (controls.model, controls.size) = (with_variant(&snapshot.name.to_string(), variant), None);
        }
        let state = State {
            last_accepted: LastAccepted::new(controls.clone()),
            controls,
            folders: start.folders,
            folder_chosen: start.save_folder.is_some(),
            introducing: start.introduce,
            figure: start.figure,
            captions: start.captions,
            save_folder: start.save_folder.unwrap_or_else(platform::current_folder),
            ..State::default()
        };
        let mut viewer = Self {
            state,
            session,
            textures: TextureCache::default(),
            playback: interpolate::Playback::default(),
            frame,
            last_frame: None,
            #[cfg(target_arch = "wasm32")]
            address: {
                let repaint = ctx.clone();
                Address::new(move || repaint.request_repaint())
            },
        };
        #[cfg(target_arch = "wasm32")]
        given::tell_pasted(&viewer.session);
        if let Some(text) = start.link {
            take_result(&mut viewer.state, &viewer.session, link::read(&text), 0.0);
        }
        if let Some(model) = start.model {
            use_model(&mut viewer.state, &viewer.session, model, Then::Use, 0.0);
        }
        viewer.keep_going(ctx, 0.0);
        if let Some(path) = start.open {
            open(&viewer.session, path, None);
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

    /// Drains events and moves what moves by itself. No drawing, and no waiting but for [`Self::pace`].
    pub fn logic(&mut self, ctx: &Context) {
        self.pace();
        let (now, seconds) = ctx.input(|input| (input.time, f64::from(input.unstable_dt.min(0.1))));
        for event in self.session.drain() {
            self.take(event, now);
        }
        let playhead = self.state.open_playhead_mut();
        playhead.advance(seconds);
        if playhead.playing {
            ctx.request_repaint_after(self.frame);
        }
        self.take_dropped(ctx, now);
        self.take_pasted(ctx, now);
        self.state.loading = self.session.loading();
        self.state.dropping = ctx.input(|input| !input.raw.hovered_files.is_empty());
        #[cfg(target_arch = "wasm32")]
        if let Some(seconds) = self.address.follow(&mut self.state, &self.session, ctx.input(|input| input.pointer.any_down()), now)
        {
            ctx.request_repaint_after_secs(seconds as f32);
        }
        self.keep_going(ctx, now);
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn take_dropped(&mut self, ctx: &Context, now: f64) {
        let dropped: Vec<std::path::PathBuf> =
            ctx.input(|input| input.raw.dropped_files.iter().map(|f| f.path().to_owned()).collect());
        for path in dropped {
            self.apply_command(ctx, Command::Open(path), now);
        }
    }

    /// A page is given files, and no paths.
    #[cfg(target_arch = "wasm32")]
    fn take_dropped(&mut self, ctx: &Context, _now: f64) {
        let dropped = ctx.input(|input| input.raw.dropped_files.clone());
        if !dropped.is_empty() {
            given::tell(&self.session, given::read_dropped(dropped));
        }
    }

    /// A link that is pasted sets the controls, unless it is meant for a text field.
    fn take_pasted(&mut self, ctx: &Context, now: f64) {
        if self.state.typing {
            return;
        }
        let pasted = ctx.input(|input| {
            input.events.iter().find_map(|event| match event {
                egui::Event::Paste(text) if is_link(text) => Some(text.clone()),
                _ => None,
            })
        });
        if let Some(text) = pasted {
            take_result(&mut self.state, &self.session, link::read(&text), now);
        }
    }

    /// A window that is drawn by the processor would paint at every move of the mouse, and leave the drafts that the hand is waiting for
    /// next to nothing to be computed with. While there are any it paints when one has ended, or after [`DRAFTING_FRAME`].
    fn pace(&mut self) {
        let last = self.last_frame.unwrap_or_else(Instant::now);
        while self.frame == SOFTWARE_FRAME
            && self.state.runs.is_drafting()
            && last.elapsed() < DRAFTING_FRAME
            && !self.session.has_finished()
        {
            platform::rest(Duration::from_millis(2));
        }
        self.last_frame = Some(Instant::now());
    }

    fn take(&mut self, event: Event, now: f64) {
        let refused = self.state.runs.apply(&event);
        let state = &mut self.state;
        match event {
            Event::Device { info, reason } => state.device = Some((info, reason)),
            // What is pinned has its own model and controls.
            Event::Planned(plan) if state.runs.purpose_of(plan.id) == Some(Purpose::Pinned) => {}
            Event::Planned(plan) => {
                if state.model.as_ref().is_none_or(|known| known.key != plan.model.key) {
                    for note in &plan.model.notes {
                        state.messages.news(format!("{}: {note}.", plan.model.name), now);
                    }
                }
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
                let (model, t) = (&plan.model, plan.model.scheduler.num_train_timesteps);
                if state.controls.model == model.key && state.controls.fit(t) {
                    state.messages.news(format!("{} was trained with T = {t} timesteps: S = {t}", model.name), now);
                }
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
            Event::Done(result) => take_result(state, &self.session, result, now),
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

    /// Starts what the controls ask for next and is not there yet.
    fn keep_going(&mut self, ctx: &Context, now: f64) {
        let state = &mut self.state;
        if state.last_accepted.is_stuck(&state.controls) {
            return;
        }
        let (purpose, controls) = (state.purpose(), state.controls.clone());
        // Of a comparison, the cell that is enlarged or was looked at last.
        let looked_at = controls.view.compare.enlarged.unwrap_or_else(|| compare::looked_at(ctx));
        state.live.look_at(looked_at, now);
        state.live.plays(self.playback.direction());
        state.live.follow(&controls, now);
        state.runs.keep_pinned(&self.session, pinned_controls::controls_of_a(&controls).as_ref());
        if purpose == Purpose::Race {
            // It begins when the user says so.
            state.last_accepted.accept_like(&controls);
            return state.runs.stop_other_race(&self.session, &controls);
        }
        let wanted = asks(purpose, &controls);
        if state.runs.is_current(purpose, |of| *of == controls || asks(purpose, of) == wanted) {
            // Of what changed since its run was accepted, nothing needs another: a lock, say, or the panel.
            if state.runs.current(purpose).is_some_and(|run| run.plan.is_some()) {
                state.last_accepted.accept(&controls);
            }
        } else if !state.runs.bring_back(purpose, &controls) {
            state.runs.register(purpose, &controls);
        }
        let (watched, hidden) = ctx.input(|input| (input.focused, input.viewport().minimized == Some(true)));
        let may_look_ahead = watched && !hidden && controls.view.ahead;
        if !may_look_ahead {
            state.runs.stop_ahead(&self.session);
        }
        let started = match state.live.next(&state.runs, &controls, now, may_look_ahead) {
            Next::DraftCell(cell, of, touched) => state.runs.start_cell_draft(&self.session, cell, &of, touched),
            Next::Draft(touched) => state.runs.start_draft(&self.session, &controls, touched),
            Next::Adopt => {
                state.runs.adopt(purpose, &controls);
                ctx.request_repaint();
                Ok(())
            }
            Next::StandIn(near) => {
                state.runs.stand_in(&near);
                ctx.request_repaint();
                Ok(())
            }
            Next::Focus => state.runs.start(&self.session, Purpose::Focus, &controls),
            Next::Pinned(a) => state.runs.start(&self.session, Purpose::Pinned, &a),
            Next::Whole => {
                // Of a grid, the row or cell under the pointer.
                let looked = (purpose == Purpose::Compare).then(|| compare::group_of(&controls, looked_at));
                state.runs.submit(&self.session, purpose, looked)
            }
            Next::Measure => state.runs.start(&self.session, Purpose::Decided, &controls),
            Next::Ahead(controls) => state.runs.start_ahead(&self.session, &controls, state.live.touched()),
            Next::Wait | Next::Nothing => Ok(()),
        };
        if let Some(seconds) = state.live.rests_in(now) {
            ctx.request_repaint_after_secs(seconds as f32);
        }
        if let Err(error) = started {
            state.messages.fault(error.to_string(), now);
            state.controls = state.last_accepted.instead_of(&controls);
        }
    }

    /// Draws everything.
    pub fn ui(&mut self, ui: &mut Ui) {
        self.textures.tidy();
        let now = ui.input(|input| input.time);
        let mut draft = self.state.controls.clone();
        let mut commands: Vec<Command> = keys::keys(ui.ctx(), &self.state, &mut draft).into_iter().collect();
        // All panels have the colour that the window is cleared with: filling them would paint every pixel twice.
        let bar = Frame::side_top_panel(ui.style()).fill(Color32::TRANSPARENT);
        let centre = Frame::central_panel(ui.style()).fill(Color32::TRANSPARENT);
        presenting::set(ui.ctx(), self.state.presenting);
        let window = ui.available_size();
        if !self.state.presenting {
            Panel::top("top").frame(bar).show(ui, |ui| {
                ui.add_space(2.0);
                commands.extend(top_bar::top_bar_ui(ui, &self.state, &mut draft));
                ui.add_space(2.0);
            });
            Panel::bottom("status").frame(bar).show(ui, |ui| commands.extend(status_bar::status_bar_ui(ui, &self.state)));
            if phone::is_phone(window) {
                commands.extend(phone::phone_ui(ui, &self.state, &mut draft, &mut self.textures));
            } else {
                // In a window that was made smaller they do not keep what they had: the panel has more than half.
                let most = (ui.available_width() * 0.42).max(200.0);
                let sides = Panel::left("controls").frame(bar).default_size(most.min(300.0)).min_size(200.0).max_size(most);
                sides.resizable(true).show(ui, |ui| {
                    commands.extend(controls_panel::controls_ui(ui, &self.state, &mut draft, &mut self.textures));
                });
            }
        } else {
            Panel::bottom("presentation").frame(bar).show(ui, |ui| {
                ui.add_space(4.0);
                commands.extend(presentation::presentation_ui(ui, &self.state, &mut draft));
                ui.add_space(4.0);
            });
        }
        CentralPanel::default().frame(centre).show(ui, |ui| {
            commands.extend(models::download_ui(ui, &self.state));
            commands.extend(open_panel::panel_ui(ui, &self.state, &mut draft, &mut self.playback, &mut self.textures, now));
        });
        messages::messages_ui(ui.ctx(), &mut self.state.messages);
        if let Some((what, text)) = &mut self.state.path_field {
            commands.extend(path_field::path_field_ui(ui.ctx(), *what, text));
        }
        commands.extend(help::help_ui(ui.ctx(), &mut self.state.helping));
        if self.state.saving_figure {
            commands.extend(save_figure::save_figure_ui(ui.ctx(), &mut self.state.figure, self.state.controls.view.tab));
        }
        commands.extend(introduction::introduction_ui(ui.ctx(), &self.state, &mut draft));
        commands.extend(models::models_ui(ui.ctx(), &mut self.state.models, &self.state.controls.model));
        if self.state.dropping {
            open_panel::drop_hint_ui(ui, self.state.controls.view.tab);
        }
        self.state.typing = ui.ctx().text_edit_focused();
        draft.tidy();
        // The way to the panel leads to the comparison that was left there.
        let opens = draft.view.tab == Tab::Compare && self.state.controls.view.tab != Tab::Compare;
        if let Some(left) = self.state.left_grid.as_ref().filter(|left| opens && left.is_unchanged(&draft)) {
            draft = left.grid(&draft);
        }
        self.change(draft, now);
        for command in commands {
            self.apply_command(ui.ctx(), command, now);
        }
        self.keep_going(ui.ctx(), now);
    }
}
