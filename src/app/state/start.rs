//! How the viewer starts.

use super::{controls::Controls, figure_request::FigureRequest};
use crate::hub::HubName;
use crate::{program::Precision, session::Instruments};
use std::path::PathBuf;

/// What the command line says about the window.
#[derive(Clone, Debug, Default)]
pub struct WindowOptions {
    /// A picture with a recipe, or a model's folder.
    pub open: Option<PathBuf>,
    /// A link to what is to be shown.
    pub link: Option<String>,
    /// A model to use instead of the last one.
    pub model: Option<String>,
    /// A device to use instead of the last one.
    pub device: Option<String>,
    /// A precision to use instead of the last one.
    pub precision: Option<Precision>,
    /// light, dark or system, to use instead of the last theme.
    pub theme: Option<String>,
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
    /// A link to what is to be shown.
    pub link: Option<String>,
    /// A model from the Hub to use, fetched where it is not in the cache, and the variant of its weights.
    pub model: Option<(HubName, Option<String>)>,
    /// Whether it is told what one is looking at: nobody has put that away yet.
    pub introduce: bool,
    /// How figures are saved.
    pub figure: FigureRequest,
    /// Whether the frames of saved animations have captions.
    pub captions: bool,
    /// Whether the window is drawn by the processor.
    pub software_window: bool,
    /// What is put between the session and its device: tests do.
    pub instruments: Instruments,
}
