//! The results of tasks that run beside the session: a picture that was saved, a dialog's answer, the recipe inside a dropped
//! picture.

#[cfg(target_arch = "wasm32")]
use super::given;
#[cfg(not(target_arch = "wasm32"))]
use super::open::open;
use super::{models, rewind_picture};
use crate::{
    app::state::{State, controls::Controls, models::Then, provenance::Provenance},
    error::{Error, Result},
    hub::HubName,
    model::{Model, variant_of},
    recipe::Recipe,
    session::{Session, TaskResult},
};

/// Takes in the result of a task.
pub(crate) fn take_result(state: &mut State, session: &Session, result: TaskResult, now: f64) {
    match result {
        TaskResult::Saved(path) => state.messages.news(format!("Saved {}", path.display()), now),
        TaskResult::Recipe(path, json) => match restored(state, &json) {
            // Without a commit it is the name of a folder on the machine that the picture comes from.
            Ok((controls, provenance)) => match Model::on_the_hub(&controls.model).filter(HubName::has_revision) {
                Some(name) => {
                    let variant = variant_of(&controls.model).map(str::to_owned);
                    models::use_model(state, session, (name, variant), Then::Restore(Box::new(controls), provenance, path), now);
                }
                None => models::restore(state, controls, provenance, &path, now),
            },
            Err(error) => state.messages.fault(Error::file(path, error.to_string()).to_string(), now),
        },
        TaskResult::ModelChosen(path) => {
            let controls = Controls { model: path.display().to_string(), size: None, class: None, ..state.controls.clone() };
            state.change(controls, now);
        }
        TaskResult::Picture(path, picture, note) => rewind_picture::take(state, &path, picture, note, now),
        #[cfg(target_arch = "wasm32")]
        TaskResult::Given(files) => given::take(state, session, files, now),
        // A desktop opens them by their paths.
        #[cfg(not(target_arch = "wasm32"))]
        TaskResult::Given(files) => {
            for file in files {
                open(session, file.path().to_owned(), None);
            }
        }
        TaskResult::FolderChosen(path) => (state.save_folder, state.folder_chosen) = (path, true),
        TaskResult::Fetched(watch, result) => models::fetched(state, session, &watch, result, now),
        TaskResult::Cached(models) => state.models.cached = models,
        TaskResult::Devices(adapters) => state.adapters = adapters,
        TaskResult::NoDialog(what) => state.path_field = Some((what, String::new())),
        TaskResult::Failed(message) => state.messages.fault(message, now),
        TaskResult::Nothing => {}
    }
}

/// The controls of a recipe. The device stays as it is here: the picture may come from a machine with another GPU.
fn restored(state: &State, json: &str) -> Result<(Controls, Provenance)> {
    let recipe = Recipe::from_json(json)?;
    let now = &state.controls.view;
    let mut controls = Controls::from_recipe(&recipe, now)?;
    (controls.view.device, controls.view.precision) = (now.device.clone(), now.precision);
    if let Some(pin) = &mut controls.view.pin {
        (pin.device, pin.precision) = (now.device.clone(), now.precision);
    }
    Ok((controls, Provenance { model: recipe.model, weights_crc32: recipe.weights_crc32 }))
}
