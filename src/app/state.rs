//! What the app knows: controls, runs, play head, device, messages.

use super::{
    controls::{Controls, Tab},
    head::Head,
    history::History,
    messages::Messages,
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
    /// The controls of the last run that was accepted: where a refused change goes back to.
    pub good: Controls,
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
    /// What the user is told.
    pub messages: Messages,
    /// The controls are hidden but for η and S.
    pub presenting: bool,
    /// The zoom that leaving the presentation goes back to.
    pub zoom_before: f32,
    /// The list of keys is open.
    pub helping: bool,
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
