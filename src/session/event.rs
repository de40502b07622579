//! What comes out of the session.

use crate::{
    hub::{HubName, Progress, Watch},
    model::Card,
    picture::{Drawn, Picture},
    platform::PickedFile,
    program::DeviceInfo,
    schedule::{Schedule, SchedulerConfig},
};
use serde::{Deserialize, Serialize};
use std::{path::PathBuf, sync::Arc};

/// Called when there is news: with true where it should show at once, with false where the next frame will do.
pub type Wake = Arc<dyn Fn(bool) + Send + Sync>;

/// News from the session, in the order in which they happened.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Event {
    /// A device was opened, or opened again.
    Device {
        /// Name and kind.
        info: DeviceInfo,
        /// Why it is this one.
        reason: String,
    },
    /// A run has begun: model and schedules are good.
    Planned(Plan),
    /// A group has taken a step.
    Step(Arc<StepUpdate>),
    /// Every group has taken its last step.
    Finished {
        /// The request.
        id: u64,
    },
    /// The run cannot be made, or cannot go on.
    Failed {
        /// The request.
        id: u64,
        /// Whether it failed before its first step: its controls are wrong.
        refused: bool,
        /// What happened and what to do.
        message: String,
    },
    /// The device was lost and opened again; the run went on where it was.
    Recovered {
        /// The request.
        id: u64,
        /// What had happened.
        message: String,
    },
    /// A task apart from the runs has ended. It ends where it was started: no page's worker tells it.
    #[serde(skip)]
    Done(TaskResult),
}

/// The weights of a model that comes with a page, on their way.
#[derive(Clone, Debug)]
pub struct Loading {
    /// The model.
    pub model: String,
    /// How far they are.
    pub progress: Progress,
}

/// How a task apart from the runs ended.
#[derive(Clone, Debug)]
pub enum TaskResult {
    /// A file was written.
    Saved(PathBuf),
    /// A file's recipe was read (JSON).
    Recipe(PathBuf, String),
    /// A picture to encode was read: its file, the picture at the model's size, and what was done to it.
    Picture(PathBuf, Arc<Picture>, Option<String>),
    /// Files that the user gave a page.
    Given(Vec<PickedFile>),
    /// A folder was chosen in a dialog.
    ModelChosen(PathBuf),
    /// A folder for files was chosen in a dialog.
    FolderChosen(PathBuf),
    /// The adapters there are.
    Devices(Vec<DeviceInfo>),
    /// A model came from the Hub, or did not: the task's watch, and the model or the message.
    Fetched(Arc<Watch>, Result<HubName, String>),
    /// The models of the Hub's cache, with their bytes.
    Cached(Vec<(HubName, u64)>),
    /// No dialog could be shown that asks for a path.
    NoDialog(WhatFor),
    /// It failed; the message says what and what to do.
    Failed(String),
    /// It was called off.
    Nothing,
}

/// What a path is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhatFor {
    /// A model's folder or weights.
    Model,
    /// The folder that files are saved in.
    SaveFolder,
    /// A picture with a recipe.
    Recipe,
    /// A picture to encode.
    Picture,
}

/// A run as it was accepted.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Plan {
    /// The request.
    pub id: u64,
    /// The model.
    pub model: Arc<ModelFacts>,
    /// Height and width.
    pub size: (u32, u32),
    /// Each group's steps.
    pub schedules: Vec<Arc<Schedule>>,
    /// ‖x_T‖/√d of each group's members.
    pub latent_rms: Vec<Vec<f64>>,
    /// The updates of every so many steps have pictures (all: 1); the first and the last always do.
    pub every: usize,
}

/// What is worth showing of a model.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ModelFacts {
    /// What the request called it.
    pub key: String,
    /// Its name, without the folder's path.
    pub name: String,
    /// Channels of a picture.
    pub channels: u32,
    /// Classes, where it is class-conditional.
    pub classes: Option<u32>,
    /// Height and width it was trained at.
    pub size: (u32, u32),
    /// Parameters.
    pub parameters: u64,
    /// CRC-32 of the weights file.
    pub weights_crc32: String,
    /// The noise it was trained with; T is in it.
    pub scheduler: SchedulerConfig,
    /// Where the weights come from, where that is known.
    pub card: Option<Card>,
    /// What was chosen or assumed of it, and whether it makes latents.
    pub notes: Vec<String>,
    /// What its values are multiplied by to be drawn; see [`Drawn::scale`].
    pub picture_scale: f32,
}

impl ModelFacts {
    /// How its images of `size` (height, width) are drawn.
    pub fn drawn(&self, size: (u32, u32)) -> Drawn {
        let (height, width) = (size.0 as usize, size.1 as usize);
        Drawn { channels: self.channels as usize, height, width, scale: self.picture_scale }
    }
}

/// What one step of a group brought.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StepUpdate {
    /// The request.
    pub id: u64,
    /// Which group.
    pub group: usize,
    /// Which step, from 0.
    pub index: usize,
    /// Steps of the group.
    pub total: usize,
    /// How long the step took, in seconds.
    pub seconds: f64,
    /// What the step saw and did, one record per member; empty where this step's pictures are left out.
    pub records: Vec<StepRecord>,
    /// x after the step, one per member; empty where pictures are left out. After the last step it is the sample.
    pub after: Vec<Arc<Picture>>,
    /// ‖x‖/√d after the step, one per member.
    pub after_rms: Vec<f64>,
    /// The numbers themselves after the last step, where groups are computed one after the other.
    pub end: Option<Arc<End>>,
    /// How the members differ, in runs that keep the newest pictures only.
    pub spread: Option<Spread>,
}

/// Where a group's steps have led.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct End {
    /// What they started from, `[M, C, H, W]`.
    pub start: Vec<f32>,
    /// x after the last one.
    pub x: Vec<f32>,
    /// Of a picture that was encoded and decoded, how far it lies from what it was: mean square error per dimension, pixels in [0, 1].
    pub mse: Option<f64>,
}

/// One image at one step.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StepRecord {
    /// x_t: what the step started from.
    pub x_t: Arc<Picture>,
    /// x̂0: the picture predicted from it, as the step used it.
    pub x0: Arc<Picture>,
    /// The terms whose sum is the next x; left out where a long run of many images would fill the memory.
    pub terms: Option<Box<Terms>>,
    /// Lengths.
    pub rms: Rms,
}

/// The terms of Eq. 12 (or of σ̂'s posterior mean) with their factors: x_s = x + x0 + direction + noise. A mid grey is 0.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Terms {
    /// `next_from_x` · x_t; only σ̂ has it.
    pub x: Option<Picture>,
    /// `next_from_x0` · x̂0.
    pub x0: Picture,
    /// `next_from_epsilon` · ε, "direction pointing to x_t"; `None` where the factor is 0.
    pub direction: Option<Picture>,
    /// σ z; `None` where σ = 0.
    pub noise: Option<Picture>,
}

/// ‖·‖/√d of one image at one step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rms {
    /// Of x_t.
    pub x: f64,
    /// Of x̂0.
    pub x0: f64,
    /// Of ε; `None` where the run does not read it.
    pub epsilon: Option<f64>,
}

/// How far a group's members lie apart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Standard deviation over the members at each pixel, mean over the channels, `[H, W]`; pictures span -1 to 1.
    pub map: Vec<f32>,
    /// Its mean over the pixels.
    pub mean: f64,
}
