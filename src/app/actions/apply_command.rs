//! Doing what the panels ask for.

use super::{
    command_line::command_line,
    export, link, models,
    open::{open, recipe},
    rewind_picture,
};
use crate::{
    app::{
        panels::scrubber,
        state::{
            State, command::Command, controls::Controls, fork_requests::fitted, left_grid::LeftGrid, models::Then,
            view_settings::Tab,
        },
    },
    error::Error,
    files,
    picture::{decode, recipe::recipe_of},
    platform::{self, Picked},
    schedule::Spacing,
    session::{Session, TaskResult, WhatFor},
};
use eframe::egui::{Context, ViewportCommand};
use std::path::PathBuf;

/// A presentation is enlarged by this factor, as far as this height in points is left. The words are enlarged by more, so that the room that
/// a picture gains is not taken by what is beside it.
const PRESENTING_ZOOM: f32 = 1.2;
const MIN_HEIGHT: f32 = 600.0;

/// Does what a panel asked for.
pub(crate) fn apply_command(ctx: &Context, state: &mut State, session: &Session, command: Command, now: f64) {
    match command {
        Command::SetTau(list) => {
            let spacing = Some(Spacing::List(list));
            let controls = Controls { spacing, ..state.controls.clone() };
            state.change(controls, now);
        }
        Command::Look(position) => {
            let steps = scrubber::steps(state);
            state.open_playhead_mut().look(position, steps);
        }
        Command::Use(controls) => state.change(*controls, now),
        Command::OpenCell(controls, at) => {
            let left = LeftGrid::new(&state.controls, &controls);
            state.playhead.at = at;
            state.change(*controls, now);
            state.left_grid = Some(left);
        }
        Command::BackToGrid => {
            if let Some(grid) = state.left_grid.as_ref().map(|left| left.grid(&state.controls)) {
                state.change(grid, now);
            }
        }
        Command::Save(what) => match export::job(state, what) {
            Ok(job) => session.spawn_task(|| async { job() }),
            Err(error) => state.messages.fault(error.to_string(), now),
        },
        Command::ShowFigure(open) => state.saving_figure = open,
        Command::SaveFigure(request) => {
            state.figure = request;
            match export::figure_job(state, &request) {
                Ok(job) => session.spawn_task(|| async { job() }),
                Err(error) => state.messages.fault(error.to_string(), now),
            }
        }
        Command::Captions(on) => state.captions = on,
        Command::Unfold(on) => state.unfolded = on,
        Command::Play => state.open_playhead_mut().toggle(),
        Command::Loop(looping) => state.open_playhead_mut().looping = looping,
        Command::Speed(speed) => state.open_playhead_mut().speed = speed,
        Command::Cancel => state.runs.cancel(session),
        Command::Restart => {
            state.messages.clear_faults();
            let controls = state.controls.clone();
            if let Err(error) = state.runs.start(session, state.purpose(), &controls) {
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
        Command::Present(on) => present(ctx, state, on),
        Command::CopyCommand => {
            let model = state.model.as_ref().filter(|model| model.key == state.controls.model);
            let controls = model.map_or_else(|| state.controls.clone(), |model| fitted(&state.controls, &model.scheduler));
            ctx.copy_text(command_line(&controls));
            let what = match state.controls.view.tab {
                Tab::Interpolate => "Copied the command that samples the ends",
                Tab::Fork => "Copied the commands that make the stem and its branches",
                Tab::Race => "Copied the two commands that make these pictures",
                Tab::Rewind => "Copied the commands that encode and reconstruct the picture",
                _ => "Copied the command that makes these pictures",
            };
            state.messages.news(what, now);
        }
        Command::CopyLink => match link::copied(state) {
            Ok(link) => {
                ctx.copy_text(link);
                state.messages.news("Copied a link that sets every control", now);
            }
            Err(error) => state.messages.fault(error.to_string(), now),
        },
        #[cfg(target_arch = "wasm32")]
        Command::OpenModel => super::given::pick_checkpoint(session),
        #[cfg(not(target_arch = "wasm32"))]
        Command::OpenModel => session.spawn_task(|| async {
            asked(platform::pick_folder("A model's folder").await, WhatFor::Model, TaskResult::ModelChosen)
        }),
        Command::ShowModels(open) => models::show_models(state, session, open),
        Command::UseModel(name, variant) => models::use_model(state, session, (name, variant), Then::Use, now),
        Command::CancelDownload => models::cancel_download(state, now),
        Command::ChooseFolder => session.spawn_task(|| async {
            asked(platform::pick_folder("Save pictures in").await, WhatFor::SaveFolder, TaskResult::FolderChosen)
        }),
        Command::OpenRecipe => session.spawn_task(|| async {
            let picked = platform::pick_picture("A picture that etude saved", &["png", "gif", "apng", "svg", "pdf"]).await;
            asked(picked, WhatFor::Recipe, |file| {
                recipe(file.path(), recipe_of(file.path(), file.open()), "has no recipe inside; nothing was changed")
            })
        }),
        Command::ChoosePicture => {
            let takes = rewind_picture::takes(state);
            session.spawn_task(move || async move {
                let picked = platform::pick_picture("A picture to rewind", &decode::ENDINGS).await;
                asked(picked, WhatFor::Picture, |file| rewind_picture::chosen(&file, takes))
            });
        }
        Command::Typed(what, path) => {
            state.path_field = None;
            if let Some(path) = path {
                typed(state, session, what, path, now);
            }
        }
        Command::Open(path) => {
            let rewound = (state.controls.view.tab == Tab::Rewind).then(|| rewind_picture::takes(state));
            open(session, path, rewound);
        }
        Command::Help => state.helping = !state.helping,
        Command::Introduce(on) => (state.introducing, state.helping) = (on, false),
        Command::Theme(preference) => ctx.set_theme(preference),
    }
}

/// What becomes of a dialog's answer.
fn asked<T>(picked: Picked<T>, what: WhatFor, chosen: impl FnOnce(T) -> TaskResult) -> TaskResult {
    match picked {
        Picked::Chosen(found) => chosen(found),
        Picked::CalledOff => TaskResult::Nothing,
        Picked::NoDialog => TaskResult::NoDialog(what),
    }
}

/// Takes a path that was typed.
fn typed(state: &mut State, session: &Session, what: WhatFor, path: PathBuf, now: f64) {
    match what {
        WhatFor::SaveFolder if files::is_dir(&path) => (state.save_folder, state.folder_chosen) = (path, true),
        WhatFor::SaveFolder => {
            state.messages.fault(Error::file(path, "expected a folder to save in, got none; make it first").to_string(), now);
        }
        WhatFor::Model | WhatFor::Recipe => open(session, path, None),
        WhatFor::Picture => open(session, path, Some(rewind_picture::takes(state))),
    }
}

fn present(ctx: &Context, state: &mut State, on: bool) {
    if state.presenting == on {
        return;
    }
    state.presenting = on;
    let zoom = if on {
        state.zoom_before = ctx.zoom_factor();
        ctx.zoom_factor() * (ctx.content_rect().height() / MIN_HEIGHT).clamp(1.0, PRESENTING_ZOOM)
    } else {
        state.zoom_before
    };
    ctx.set_zoom_factor(zoom.clamp(0.2, 5.0));
    ctx.send_viewport_cmd(ViewportCommand::Fullscreen(on));
}
