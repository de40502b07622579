//! Files that the user gave a page: dropped, pasted, or chosen in a dialog. A picture is opened as on a desktop; a checkpoint's files are sent
//! to the worker that computes.

use super::{open::open, rewind_picture};
use crate::{
    app::state::{State, view_settings::Tab},
    files,
    model::is_weights_file,
    platform::{self, Fetched, PickedFile},
    session::{Session, TaskResult},
};
use eframe::egui::DroppedFile;
use std::{
    fmt::Display,
    path::{Path, PathBuf},
    sync::Arc,
};

/// The folder of checkpoints, and in it that of configurations that wait for their weights.
const FOLDER: &str = "given";
const WAITING: &str = "given/waiting";
/// A checkpoint's files that are not its weights.
const CONFIGURATIONS: [&str; 4] = ["config.json", "scheduler_config.json", "model_index.json", "card.json"];
/// Endings of a checkpoint's files, for a dialog.
pub(crate) const ENDINGS: [&str; 6] = ["safetensors", "bin", "pt", "pth", "ckpt", "json"];

fn name(file: &PickedFile) -> String {
    file.path().file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Whether a file belongs to a checkpoint, and whether it holds weights.
fn of_a_checkpoint(file: &PickedFile) -> Option<bool> {
    let name = name(file);
    let is_json = name.to_lowercase().ends_with(".json");
    if CONFIGURATIONS.contains(&name.as_str()) || is_json && name.contains(".index.") {
        return Some(false);
    }
    (!is_json && is_weights_file(file.path())).then_some(true)
}

/// Reads files, each by `read`, and tells the session's events what they are.
pub(crate) fn tell(session: &Session, work: impl Future<Output = Result<Vec<PickedFile>, impl Display>> + 'static) {
    tell_to(session.teller(), work);
}

fn tell_to(done: impl Fn(TaskResult) + 'static, work: impl Future<Output = Result<Vec<PickedFile>, impl Display>> + 'static) {
    platform::spawn_here(async move {
        done(match work.await {
            Ok(files) if files.is_empty() => TaskResult::Nothing,
            Ok(files) => TaskResult::Given(files),
            Err(error) => TaskResult::Failed(error.to_string()),
        });
    });
}

/// From now on what is pasted is taken in.
pub(crate) fn tell_pasted(session: &Session) {
    let done = session.teller();
    platform::on_paste(move |files| tell_to(done.clone(), files));
}

/// Reads what was dropped.
pub(crate) async fn read_dropped(dropped: Vec<Arc<dyn DroppedFile + Send + Sync>>) -> Result<Vec<PickedFile>, String> {
    let mut files = Vec::new();
    for file in dropped {
        let name = file.path();
        let bytes =
            file.bytes_async().await.map_err(|e| format!("{}: cannot be read: {e}; drop files, no folder", name.display()))?;
        files.push(PickedFile::new(name.to_owned(), bytes));
    }
    Ok(files)
}

/// Asks for a checkpoint's files.
pub(crate) fn pick_checkpoint(session: &Session) {
    tell(session, platform::pick_files(&ENDINGS));
}

/// Takes files in.
pub(crate) fn take(state: &mut State, session: &Session, given: Vec<PickedFile>, now: f64) {
    let (of_checkpoints, others): (Vec<PickedFile>, Vec<PickedFile>) =
        given.into_iter().partition(|file| of_a_checkpoint(file).is_some());
    for file in others {
        let path = PathBuf::from(name(&file));
        let rewound = (state.controls.view.tab == Tab::Rewind).then(|| rewind_picture::takes(state));
        files::put(&path, file.into_bytes());
        open(session, path, rewound);
    }
    if of_checkpoints.is_empty() {
        return;
    }
    let has_weights = of_checkpoints.iter().any(|file| of_a_checkpoint(file) == Some(true));
    if !has_weights {
        let names: Vec<String> = of_checkpoints.iter().map(name).collect();
        for file in of_checkpoints {
            files::put(&Path::new(WAITING).join(name(&file)), file.into_bytes());
        }
        let names = names.join(" and ");
        state.messages.news(format!("{names}: here; now drop the weights, and the checkpoint is used"), now);
        return;
    }
    let number = (1..).find(|number| !files::is_dir(&folder(*number))).unwrap_or(1);
    let folder = folder(number);
    // Configurations may have come before their weights.
    let given: Vec<String> = of_checkpoints.iter().map(name).collect();
    for waiting in files::names(Path::new(WAITING)).unwrap_or_default() {
        if !given.contains(&waiting)
            && let Ok(bytes) = files::read(&Path::new(WAITING).join(&waiting))
        {
            send(&folder.join(&waiting), &bytes);
        }
    }
    let mut path = folder.clone();
    for file in of_checkpoints {
        let place = folder.join(name(&file));
        send(&place, &file.into_bytes());
    }
    let inside = files::names(&folder).unwrap_or_default();
    if let [only] = inside.as_slice() {
        path = folder.join(only);
    }
    // On this page the path is the model's name.
    session.teller()(TaskResult::ModelChosen(path));
}

fn folder(number: u32) -> PathBuf {
    Path::new(FOLDER).join(format!("checkpoint-{number}"))
}

/// Sends a file to the worker. The page itself keeps its name alone.
fn send(path: &Path, bytes: &[u8]) {
    files::put(path, Vec::new());
    platform::post_file(&path.display().to_string(), Fetched::new(bytes));
}
