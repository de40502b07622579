//! The weights that a dropped picture was made with.

use crate::session::ModelFacts;

/// The weights a dropped picture was made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provenance {
    /// The model's name or folder.
    pub(crate) model: String,
    /// Its weights' CRC-32, eight hexadecimal digits.
    pub(crate) weights_crc32: String,
}

impl Provenance {
    /// What to tell the user if `model` has other weights.
    pub(crate) fn note(&self, model: &ModelFacts) -> Option<String> {
        (self.weights_crc32 != model.weights_crc32).then(|| {
            format!(
                "That picture was made with other weights of {} (CRC-32 {}, these have {}): this one differs from it",
                model.name, self.weights_crc32, model.weights_crc32
            )
        })
    }
}
