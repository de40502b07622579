//! What the app knows, as plain values: controls, runs, playhead, device, messages.

pub mod command;
pub mod controls;
pub(crate) mod described;
pub mod figure_request;
pub mod fork_requests;
pub mod given_picture;
pub mod growth;
pub mod history;
pub(crate) mod kept_steps;
pub mod last_accepted;
pub mod left_grid;
pub mod live;
pub mod messages;
pub mod models;
pub mod pin;
pub mod pinned;
pub mod pinned_controls;
pub mod playhead;
pub mod provenance;
pub mod race;
pub(crate) mod racers;
pub mod run_requests;
pub mod run_view;
pub mod runs;
pub(crate) mod scale;
pub mod start;
pub(crate) mod step_seeds;
pub mod stops;
pub mod view_settings;
pub mod written;

use crate::{
    backend::precisions,
    program::{DeviceInfo, Precision},
    schedule::Schedule,
    session::{Loading, ModelFacts, Plan, WhatFor},
};
use controls::Controls;
use figure_request::FigureRequest;
use history::History;
use last_accepted::LastAccepted;
use left_grid::LeftGrid;
use live::Live;
use messages::Messages;
use models::{Download, ModelList};
use playhead::Playhead;
use provenance::Provenance;
use run_requests::Purpose;
use run_view::{RunView, Shown};
use runs::{Runs, asks};
use std::{path::PathBuf, sync::Arc};
use view_settings::Tab;

/// The state that panels draw.
#[derive(Default)]
pub struct State {
    /// What the user has set.
    pub controls: Controls,
    /// What to return to when a change is refused.
    pub last_accepted: LastAccepted,
    /// Undo and redo.
    pub history: History,
    /// The runs.
    pub runs: Runs,
    /// What they follow.
    pub live: Live,
    /// Where in the trajectory to look.
    pub playhead: Playhead,
    /// Where to look in all cells of the comparison.
    pub grid_playhead: Playhead,
    /// The comparison that was left for one of its cells.
    pub left_grid: Option<LeftGrid>,
    /// The device in use, and why it is this one.
    pub device: Option<(DeviceInfo, String)>,
    /// The adapters there are.
    pub adapters: Vec<DeviceInfo>,
    /// The model in use.
    pub model: Option<Arc<ModelFacts>>,
    /// Folders of models, and models from the Hub with their commits, that were opened; the newest first.
    pub folders: Vec<String>,
    /// Where files are saved.
    pub save_folder: PathBuf,
    /// Whether the user chose that folder; else it is the one the program was started in.
    pub folder_chosen: bool,
    /// The weights of a dropped picture, until its run tells whether they are here.
    pub provenance: Option<Provenance>,
    /// The models of the Hub to choose from.
    pub models: ModelList,
    /// The one on its way.
    pub download: Option<Download>,
    /// The weights that are on their way to a page.
    pub loading: Option<Loading>,
    /// A path that is typed as no dialog can be shown: what it is for, and what stands there.
    pub path_field: Option<(WhatFor, String)>,
    /// The figure that was saved last, and whether its settings are open.
    pub figure: FigureRequest,
    /// Whether the settings of a figure are open.
    pub saving_figure: bool,
    /// Whether the frames of animations have captions.
    pub captions: bool,
    /// What the user is told.
    pub messages: Messages,
    /// All controls except η and S are hidden.
    pub presenting: bool,
    /// The zoom to restore when the presentation ends.
    pub zoom_before: f32,
    /// In a tall and narrow window: all controls are shown, and not η and S alone.
    pub unfolded: bool,
    /// The list of keys is open.
    pub helping: bool,
    /// It is told what one is looking at.
    pub introducing: bool,
    /// A text field had the focus when the last frame ended. When Esc is pressed it loses the focus before this can be asked.
    pub typing: bool,
    /// A file hovers over the window.
    pub dropping: bool,
}

impl State {
    /// The precisions that are worth choosing on the device that `controls` ask for.
    pub fn precisions(&self, controls: &Controls) -> Vec<Precision> {
        controls.device().map_or_else(|_| vec![Precision::F32], |choice| precisions(&choice, &self.adapters))
    }

    /// What the open panel's run is for.
    pub fn purpose(&self) -> Purpose {
        Purpose::of(self.controls.view.tab)
    }

    /// The plan of the open panel's newest accepted run.
    pub fn plan(&self) -> Option<&Plan> {
        let purpose = self.purpose();
        let newest = self.runs.current(purpose).and_then(|run| run.plan.as_ref());
        newest.or_else(|| self.runs.previous(purpose).and_then(|run| run.plan.as_ref()))
    }

    /// The schedule of that run's first group.
    pub fn schedule(&self) -> Option<&Arc<Schedule>> {
        self.plan()?.schedules.first()
    }

    /// T of the model in use.
    pub fn train_timesteps(&self) -> u32 {
        self.model.as_ref().map_or(1000, |model| model.scheduler.num_train_timesteps)
    }

    /// Sets controls taken from the history, which does not record the position of the interpolation.
    pub fn go_to(&mut self, controls: Controls) {
        let position = self.controls.view.interpolate.position;
        self.controls = controls;
        self.controls.view.interpolate.position = position;
        self.forget_grid();
    }

    /// Once another comparison is open, there is no way back to the one before.
    fn forget_grid(&mut self) {
        if self.controls.view.tab == Tab::Compare
            && self.left_grid.as_ref().is_some_and(|left| left.grid(&self.controls) != self.controls)
        {
            self.left_grid = None;
        }
    }

    /// Sets the controls; the change can be undone.
    pub fn change(&mut self, controls: Controls, now: f64) {
        if controls == self.controls {
            return;
        }
        // The position of the interpolation moves by itself while it plays: there is nothing to undo.
        let position = controls.view.interpolate.position;
        let mut elsewhere = self.controls.clone();
        elsewhere.view.interpolate.position = position;
        if elsewhere != controls {
            self.history.note(&self.controls, now);
        }
        if controls.view.tab != self.controls.view.tab {
            self.playhead.come_to(controls.view.tab);
        }
        self.controls = controls;
        self.forget_grid();
    }

    /// The playhead of the open panel.
    pub fn open_playhead(&self) -> &Playhead {
        if self.controls.view.tab == Tab::Compare { &self.grid_playhead } else { &self.playhead }
    }

    /// As [`Self::open_playhead`], to move it.
    pub(crate) fn open_playhead_mut(&mut self) -> &mut Playhead {
        if self.controls.view.tab == Tab::Compare { &mut self.grid_playhead } else { &mut self.playhead }
    }

    /// Tells the user if the model in use has other weights than the dropped picture's.
    pub fn compare_weights(&mut self, model: &ModelFacts, now: f64) {
        if let Some(note) = self.provenance.take_if(|made| made.model == model.key).and_then(|made| made.note(model)) {
            self.messages.news(note, now);
        }
    }

    /// What to draw of the trajectory.
    pub fn shown(&self) -> Option<Shown<'_>> {
        self.runs.shown(self.playhead.position(), self.image())
    }

    /// What of the whole batch to draw.
    pub fn shown_batch(&self) -> Option<Shown<'_>> {
        self.runs.shown_batch(self.playhead.position())
    }

    /// Whether a run's pictures are those that the controls ask for now.
    pub fn is_newest(&self, run: &RunView) -> bool {
        run.controls == self.controls || {
            let wanted = asks(run.purpose, &self.controls);
            wanted.is_some() && asks(run.purpose, &run.controls) == wanted
        }
    }

    /// Which image of the batch is shown large.
    pub fn image(&self) -> usize {
        self.controls.view.image as usize
    }

    /// Whether the open panel has a playhead.
    pub fn has_playhead(&self) -> bool {
        matches!(self.controls.view.tab, Tab::Trajectory | Tab::Explain | Tab::Compare)
    }
}

#[cfg(test)]
mod tests {
    use super::{Controls, LeftGrid, State, Tab};

    #[test]
    fn there_is_a_way_back_to_the_grid_until_another_is_open() {
        let mut grid = Controls::default();
        grid.view.tab = Tab::Compare;
        let cell = Controls { noise_seed: 3, view: Default::default(), ..grid.clone() };
        let mut state = State { controls: cell.clone(), left_grid: Some(LeftGrid::new(&grid, &cell)), ..State::default() };
        state.change(Controls { steps: 9, ..cell }, 1.0);
        assert!(state.left_grid.is_some(), "the trajectory is another, the grid is not");
        state.change(grid.clone(), 2.0);
        assert!(state.left_grid.is_some(), "this is the one");
        state.change(Controls { steps: 9, ..grid }, 3.0);
        assert!(state.left_grid.is_none());
    }
}
