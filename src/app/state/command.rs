//! What panels ask for beside changed controls. The app carries it out between frames.

use super::controls::Controls;
use eframe::egui::ThemePreference;
use std::path::PathBuf;

/// What the user asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Use these timesteps as τ, rising.
    SetTau(Vec<u32>),
    /// Look at this step of the run: index of the step, from 0; the number of steps is the finished sample.
    Look(usize),
    /// Use these controls: a cell of a comparison was clicked, say.
    Use(Box<Controls>),
    /// Save what is on screen.
    Save(Export),
    /// Play or pause the trajectory.
    Play,
    /// Whether playing begins again at the end.
    Loop(bool),
    /// How fast to play.
    Speed(f64),
    /// Stop computing.
    Cancel,
    /// Compute again, from the start.
    Restart,
    /// One change back.
    Undo,
    /// One change forward again.
    Redo,
    /// Hide the controls but η and S, or show them again.
    Present(bool),
    /// Show the list of keys, or put it away.
    Help,
    /// Put the command line that makes this picture on the clipboard.
    CopyCommand,
    /// Ask for a model's folder.
    OpenModel,
    /// Ask for the folder that files are saved in.
    ChooseFolder,
    /// Ask for a picture with a recipe.
    OpenRecipe,
    /// A model's folder or a picture with a recipe.
    Open(PathBuf),
    /// Light, dark, or as the system has it.
    Theme(ThemePreference),
}

/// What can be saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Export {
    /// The picture shown large.
    Picture,
    /// All pictures shown: the batch, the grid of the comparison or the interpolation.
    Sheet,
    /// The film strip, or the strip of the interpolation.
    Strip,
    /// The trajectory or the interpolation as an animation.
    Gif,
}
