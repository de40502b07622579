//! A picture to rewind: read from a file and made to fit the model.

use crate::{
    app::state::{State, given_picture::GivenPicture, view_settings::Tab},
    error::{Error, Result},
    files,
    picture::{Picture, decode, recipe::read_recipe},
    platform::PickedFile,
    recipe::Recipe,
    session::TaskResult,
};
use std::{
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
};

/// What a network takes: height and width, and channels. `None` before there is a model.
pub(super) type Takes = Option<((u32, u32), u32)>;

/// What the model in use takes.
pub(super) fn takes(state: &State) -> Takes {
    let model = state.model.as_ref().filter(|model| model.key == state.controls.model)?;
    Some((state.controls.size.unwrap_or(model.size), model.channels))
}

/// A picture that was dropped while the Rewind panel is open. One that this panel saved sets every control again.
pub(super) fn dropped(path: &Path, takes: Takes) -> TaskResult {
    if let Ok(Some(json)) = read_recipe(path)
        && is_of_rewind(&json)
    {
        return TaskResult::Recipe(path.to_owned(), json);
    }
    result(path, files::read(path).map_err(|e| Error::file(path, format!("cannot be read: {e}"))), takes)
}

/// A picture that was chosen in a dialog.
pub(super) fn chosen(file: &PickedFile, takes: Takes) -> TaskResult {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        file.open()?.read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    result(file.path(), read().map_err(|e| Error::file(file.path(), format!("cannot be read: {e}"))), takes)
}

fn is_of_rewind(json: &str) -> bool {
    let tab = Recipe::from_json(json).ok().and_then(|recipe| recipe.viewer?.get("tab").cloned());
    tab.is_some_and(|tab| serde_json::from_value::<Tab>(tab).is_ok_and(|tab| tab == Tab::Rewind))
}

fn result(path: &Path, bytes: Result<Vec<u8>>, takes: Takes) -> TaskResult {
    match bytes.and_then(|bytes| fitted(path, &bytes, takes)) {
        Ok((picture, note)) => TaskResult::Picture(path.to_owned(), Arc::new(picture), note),
        Err(error) => TaskResult::Failed(error.to_string()),
    }
}

/// The picture at the size the network takes, and what was done to it.
fn fitted(path: &Path, bytes: &[u8], takes: Takes) -> Result<(Picture, Option<String>)> {
    let not_yet = || Error::file(path, "no model is open yet that could encode it; give it again in a moment");
    let ((height, width), channels) = takes.ok_or_else(not_yet)?;
    let picture = decode::decode(bytes, path)?;
    let (fitted, how) = decode::fit(&picture, height as usize, width as usize);
    decode::to_nchw(&fitted, channels as usize).map_err(|e| Error::file(path, e.to_string()))?;
    let part = how.cropped.map(|(w, h)| format!("cropped to {w} x {h} in the middle"));
    let scaled = how.scaled.then(|| format!("scaled to {width} x {height} (Lanczos)"));
    let done: Vec<String> = part.into_iter().chain(scaled).collect();
    let note =
        (!done.is_empty()).then(|| format!("{} is {} x {}: {}", path.display(), picture.width, picture.height, done.join(", ")));
    Ok((fitted, note))
}

/// Rewinds `picture` from now on.
pub(super) fn take(state: &mut State, path: &Path, picture: Arc<Picture>, note: Option<String>, now: f64) {
    let name = path.file_name().map_or_else(|| PathBuf::from(path), PathBuf::from).display().to_string();
    let mut controls = state.controls.clone();
    controls.view.rewind.picture = Some(GivenPicture { name, picture });
    controls.view.tab = Tab::Rewind;
    state.change(controls, now);
    if let Some(note) = note {
        state.messages.news(note, now);
    }
}
