//! What panels ask for, apart from changed controls. The app carries it out after the frame is drawn.

use super::{controls::Controls, figure_request::FigureRequest};
use crate::{hub::HubName, picture::animation::AnimationFormat, session::WhatFor};
use eframe::egui::ThemePreference;
use std::path::PathBuf;

/// What the user asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Use these timesteps as τ, rising.
    SetTau(Vec<u32>),
    /// Look at this step of the run: index of the step, from 0; the number of steps is the finished sample.
    Look(usize),
    /// Use these controls.
    Use(Box<Controls>),
    /// Leave the comparison for the trajectory of one of its cells, which these controls make, at this place: 0 is x_T, 1 the finished
    /// sample.
    OpenCell(Box<Controls>, f64),
    /// Go back to the comparison that was left so.
    BackToGrid,
    /// Save what is on screen.
    Save(Export),
    /// Open the settings of a figure, or put them away.
    ShowFigure(bool),
    /// Save a figure.
    SaveFigure(FigureRequest),
    /// Whether the frames of animations have captions.
    Captions(bool),
    /// Whether a phone's window shows all controls.
    Unfold(bool),
    /// Play or pause the trajectory.
    Play,
    /// Whether playback starts over at the end.
    Loop(bool),
    /// How fast to play.
    Speed(f64),
    /// Stop computing.
    Cancel,
    /// Compute again, from the start.
    Restart,
    /// Go back one change.
    Undo,
    /// Go forward one change.
    Redo,
    /// Hide all controls except η and S, or show them again.
    Present(bool),
    /// Show or hide the list of keys.
    Help,
    /// Show what one is looking at, or put it away.
    Introduce(bool),
    /// Put the command line that makes this picture on the clipboard.
    CopyCommand,
    /// Put a link that sets every control on the clipboard.
    CopyLink,
    /// Ask for a model's folder.
    OpenModel,
    /// Show the models of the Hub, or hide them.
    ShowModels(bool),
    /// Use a model from the Hub, fetched where it is not in the cache; a variant of its weights, if one is named.
    UseModel(HubName, Option<String>),
    /// Stop the download.
    CancelDownload,
    /// Ask for the folder that files are saved in.
    ChooseFolder,
    /// Ask for a picture with a recipe.
    OpenRecipe,
    /// Ask for a picture to rewind.
    ChoosePicture,
    /// A path that was typed, as no dialog could be shown; `None` puts the field away.
    Typed(WhatFor, Option<PathBuf>),
    /// A model's folder or a picture with a recipe.
    Open(PathBuf),
    /// Light, dark, or as the system has it.
    Theme(ThemePreference),
}

/// What can be saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Export {
    /// The picture shown large; of the comparison, the enlarged cell.
    Picture,
    /// All pictures shown: the batch, the grid of the comparison or the interpolation.
    Sheet,
    /// The film strip, or the strip of the interpolation.
    Strip,
    /// What the panel shows, over its steps or from one end to the other, as a GIF.
    Gif,
    /// The same as an animated PNG, every colour exact.
    Apng,
}

impl Export {
    /// What it is written as, where it moves.
    pub fn animation(self) -> Option<AnimationFormat> {
        match self {
            Self::Gif => Some(AnimationFormat::Gif),
            Self::Apng => Some(AnimationFormat::Apng),
            Self::Picture | Self::Sheet | Self::Strip => None,
        }
    }

    /// Whether it is an animation.
    pub fn moves(self) -> bool {
        self.animation().is_some()
    }
}
