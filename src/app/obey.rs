//! Doing what the panels ask for.

use super::{
    command::Command,
    command_line::command_line,
    controls::{Controls, Tab},
    export, scrubber,
    viewer::Viewer,
};
use crate::{error::Error, picture::recipe::read_recipe, schedule::Spacing, session::Outcome};
use eframe::egui::{Context, ViewportCommand};
use std::path::PathBuf;

/// Presenting enlarges everything by this, but leaves so many points of height.
const PRESENTING_ZOOM: f32 = 1.5;
const LEAST_HEIGHT: f32 = 480.0;

impl Viewer {
    /// Does what a panel asked for.
    pub fn obey(&mut self, ctx: &Context, command: Command, now: f64) {
        let state = &mut self.state;
        match command {
            Command::SetTau(list) => {
                let spacing = Some(Spacing::List(list));
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
                    state.go_to(old);
                }
            }
            Command::Redo => {
                if let Some(new) = state.history.redo(&state.controls) {
                    state.go_to(new);
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
        let zoom = if on {
            self.state.zoom_before = ctx.zoom_factor();
            ctx.zoom_factor() * (ctx.content_rect().height() / LEAST_HEIGHT).clamp(1.0, PRESENTING_ZOOM)
        } else {
            self.state.zoom_before
        };
        ctx.set_zoom_factor(zoom.clamp(0.2, 5.0));
        ctx.send_viewport_cmd(ViewportCommand::Fullscreen(on));
    }

    /// Opens a model's folder, or the recipe inside a picture.
    pub(super) fn open(&mut self, path: PathBuf) {
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
}
