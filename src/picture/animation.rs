//! The two formats of an animation, and how long it shows what.

use super::{Picture, apng, gif};
use crate::error::Result;
use std::{borrow::Borrow, path::Path};

/// How long an animation shows a step, in milliseconds.
pub const FRAME_MS: u32 = 80;
/// How long it rests on its end.
pub const LAST_MS: u32 = 1500;

/// What an animation is written as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum AnimationFormat {
    /// 256 colours a frame; shown everywhere.
    #[default]
    Gif,
    /// Animated PNG: every pixel as it is.
    Apng,
}

impl AnimationFormat {
    /// How its files end.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Gif => "gif",
            Self::Apng => "apng",
        }
    }

    /// Writes `frames`, all of one size, into the file at `path`, as [`gif::encode`] and [`apng::encode`] do. They may be made as they are
    /// asked for.
    ///
    /// # Errors
    /// As [`gif::write_gif`] and [`apng::write_apng`].
    pub fn write<P: Borrow<Picture>>(
        self,
        path: impl AsRef<Path>,
        frames: impl IntoIterator<Item = P>,
        recipe: Option<&str>,
    ) -> Result<()> {
        match self {
            Self::Gif => gif::write_gif(path, frames, FRAME_MS, LAST_MS, recipe),
            Self::Apng => apng::write_apng(path, frames, FRAME_MS, LAST_MS, recipe),
        }
    }
}
