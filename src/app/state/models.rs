//! Models from the Hub: the list to choose from, and the download under way.

use super::{controls::Controls, provenance::Provenance};
use crate::hub::{HubName, Watch};
use std::{path::PathBuf, sync::Arc};

/// The window with the models of the Hub.
#[derive(Clone, Debug, Default)]
pub struct ModelList {
    /// Whether it is open.
    pub open: bool,
    /// What is in its text field.
    pub typed: String,
    /// The models of the cache, each with its commit and its bytes.
    pub cached: Vec<(HubName, u64)>,
}

impl ModelList {
    /// The newest known commit of a model that is in the cache.
    pub(crate) fn cached(&self, repository: &str) -> Option<&HubName> {
        self.cached.iter().map(|(name, _)| name).find(|name| name.repository() == repository)
    }
}

/// A model on its way. The run goes on with the one before.
#[derive(Debug)]
pub struct Download {
    /// Its progress and its switch.
    pub watch: Arc<Watch>,
    /// Which of its weights are wanted, where there are several.
    pub variant: Option<String>,
    /// What to do when it is here.
    pub then: Then,
}

/// What a model is wanted for.
#[derive(Clone, Debug)]
pub enum Then {
    /// To sample from it with the controls as they are.
    Use,
    /// For the controls of a picture that was dropped.
    Restore(Box<Controls>, Provenance, PathBuf),
}
