//! Opening a file by its path: a model, or the recipe inside a picture.

use super::rewind_picture::{self, Takes};
use crate::{
    error::{Error, Result},
    files,
    model::is_weights_file,
    picture::recipe::read_recipe,
    session::{Session, TaskResult},
};
use std::path::{Path, PathBuf};

/// Opens a model's folder or weights, or the recipe inside a picture; with `rewound`, the picture itself for the Rewind panel.
pub(crate) fn open(session: &Session, path: PathBuf, rewound: Option<Takes>) {
    session.spawn_task(move || async move {
        // A recipe may lie in a .json as well.
        let is_json = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("json"));
        if files::is_dir(&path) || (is_weights_file(&path) && !is_json) {
            return TaskResult::ModelChosen(path);
        }
        if let Some(takes) = rewound.filter(|_| !is_json) {
            return rewind_picture::dropped(&path, takes);
        }
        let nothing = "expected a picture that etude saved, with its recipe inside, got one without; nothing was changed";
        recipe(&path, read_recipe(&path), nothing)
    });
}

/// What reading a picture's recipe came to; `nothing` is what to tell where it has none.
pub(super) fn recipe(path: &Path, read: Result<Option<String>>, nothing: &str) -> TaskResult {
    match read {
        Ok(Some(json)) => TaskResult::Recipe(path.to_owned(), json),
        Ok(None) => TaskResult::Failed(Error::file(path, nothing).to_string()),
        Err(error) => TaskResult::Failed(error.to_string()),
    }
}
