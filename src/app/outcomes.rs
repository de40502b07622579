//! What work beside the session brought: a picture that was saved, a dialog's answer, the recipe inside a dropped picture.

use super::{controls::Controls, state::State, viewer::Viewer};
use crate::{
    error::{Error, Result},
    recipe::Recipe,
    session::{ModelFacts, Outcome},
};

/// The weights a dropped picture was made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MadeWith {
    /// The model's name or folder.
    pub model: String,
    /// Its weights' CRC-32, eight hexadecimal digits.
    pub weights_crc32: String,
}

impl MadeWith {
    /// What to tell where `model` has other weights.
    pub fn note(&self, model: &ModelFacts) -> Option<String> {
        (self.weights_crc32 != model.weights_crc32).then(|| {
            format!(
                "That picture was made with other weights of {} (CRC-32 {}, these have {}): this one differs from it",
                model.name, self.weights_crc32, model.weights_crc32
            )
        })
    }
}

impl State {
    /// Tells where the model in use has other weights than the dropped picture's.
    pub(super) fn compare_weights(&mut self, model: &ModelFacts, now: f64) {
        if let Some(note) = self.made_with.take_if(|made| made.model == model.key).and_then(|made| made.note(model)) {
            self.messages.news(note, now);
        }
    }
}

impl Viewer {
    /// Takes what came.
    pub(super) fn done(&mut self, outcome: Outcome, now: f64) {
        match outcome {
            Outcome::Saved(path) => self.state.messages.news(format!("Saved {}", path.display()), now),
            Outcome::Recipe(path, json) => match self.restored(&json) {
                Ok((controls, made_with)) => {
                    self.change(controls, now);
                    self.state.messages.news(format!("The controls are as they were for {}", path.display()), now);
                    self.state.made_with = Some(made_with);
                    if let Some(model) = self.state.model.clone() {
                        self.state.compare_weights(&model, now);
                    }
                }
                Err(error) => self.state.messages.fault(Error::file(path, error.to_string()).to_string(), now),
            },
            Outcome::ModelChosen(path) => {
                let controls = Controls { model: path.display().to_string(), size: None, ..self.state.controls.clone() };
                self.change(controls, now);
            }
            Outcome::FolderChosen(path) => (self.state.save_folder, self.state.folder_chosen) = (path, true),
            Outcome::Devices(adapters) => self.state.adapters = adapters,
            Outcome::Failed(message) => self.state.messages.fault(message, now),
            Outcome::Nothing => {}
        }
    }

    /// The controls of a recipe. What computes stays as it is here: the picture may come from a machine with another GPU.
    fn restored(&self, json: &str) -> Result<(Controls, MadeWith)> {
        let recipe: Recipe = serde_json::from_str(json).map_err(|e| Error::argument(format!("its recipe cannot be used: {e}")))?;
        let now = &self.state.controls.viewer;
        let mut controls = Controls::from_recipe(&recipe, now)?;
        (controls.viewer.device, controls.viewer.f16) = (now.device.clone(), now.f16);
        Ok((controls, MadeWith { model: recipe.model, weights_crc32: recipe.weights_crc32 }))
    }
}
