//! What the cache has of a model.

use super::HubName;
use std::path::PathBuf;

/// A model's files on this disk, as [`crate::model::Model::open`] takes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The folder.
    pub folder: PathBuf,
    /// The model, with the commit as its revision: wherever this name is used, these are the files.
    pub name: HubName,
}

/// What the cache has of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cached {
    /// All that is needed.
    Whole(Snapshot),
    /// Configuration and weights, but it is not known whether there is a scheduler's configuration: another program has fetched what it
    /// needed itself.
    WithoutScheduler(Snapshot),
    /// Not enough to open it.
    No,
}
