//! What the app knows: controls, runs, play head, device, messages.

use super::{
    controls::{Controls, Tab},
    good::Good,
    head::Head,
    history::History,
    messages::Messages,
    outcomes::MadeWith,
    runs::{Runs, Shown},
    wanted::Purpose,
};
use crate::{
    program::DeviceInfo,
    schedule::Schedule,
    session::{ModelFacts, Plan},
};
use std::{path::PathBuf, sync::Arc};

/// The state that panels draw.
#[derive(Default)]
pub struct State {
    /// What the user has set.
    pub controls: Controls,
    /// Where a refused change goes back to.
    pub good: Good,
    /// Undo and redo.
    pub history: History,
    /// The runs.
    pub runs: Runs,
    /// Where in the trajectory to look.
    pub head: Head,
    /// The device in use, and why it is this one.
    pub device: Option<(DeviceInfo, String)>,
    /// The adapters there are.
    pub adapters: Vec<DeviceInfo>,
    /// The model in use.
    pub model: Option<Arc<ModelFacts>>,
    /// Folders of models that were opened, the newest first.
    pub folders: Vec<String>,
    /// Where files are saved.
    pub save_folder: PathBuf,
    /// Whether the user chose that folder; else it is the one the program was started in.
    pub folder_chosen: bool,
    /// The weights of a dropped picture, until its run tells whether they are here.
    pub made_with: Option<MadeWith>,
    /// What the user is told.
    pub messages: Messages,
    /// The controls are hidden but for η and S.
    pub presenting: bool,
    /// The zoom that leaving the presentation goes back to.
    pub zoom_before: f32,
    /// The list of keys is open.
    pub helping: bool,
    /// A text field had the focus when the last frame ended. In the frame of Esc it has lost it before anyone can ask.
    pub typing: bool,
    /// A file hovers over the window.
    pub dropping: bool,
}

impl State {
    /// What the open panel's run is for.
    pub fn purpose(&self) -> Purpose {
        Purpose::of(self.controls.viewer.tab)
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

    /// Sets controls of the history. Where one looks along the interpolation is not part of it.
    pub fn go_to(&mut self, controls: Controls) {
        let position = self.controls.viewer.interpolate.position;
        self.controls = controls;
        self.controls.viewer.interpolate.position = position;
    }

    /// What of the trajectory to draw.
    pub fn shown(&self) -> Option<Shown<'_>> {
        self.runs.shown(self.head.position())
    }

    /// Which image of the batch is shown large.
    pub fn image(&self) -> usize {
        self.controls.viewer.image as usize
    }

    /// Whether the play head does anything in the open panel.
    pub fn has_head(&self) -> bool {
        matches!(self.controls.viewer.tab, Tab::Trajectory | Tab::Explain)
    }
}
