//! A page has no cache of models and fetches none: it has the embedded ones.

use super::{Cached, HubName, Snapshot, Watch};
use crate::error::{Error, Result};

/// Nothing to set.
#[derive(Clone, Debug, Default)]
pub struct Settings;

/// There is nothing.
pub fn look_up(_: &Settings, _: &HubName, _: Option<&str>) -> Cached {
    Cached::No
}

/// There is nothing.
pub fn list(_: &Settings) -> Vec<(Snapshot, u64)> {
    Vec::new()
}

/// # Errors
/// Always.
pub fn fetch(_: &Settings, _: Option<&str>, watch: &Watch) -> Result<Snapshot> {
    Err(Error::hub(watch.name().to_string(), "models from the Hub are for the program on a desktop; the page has its own"))
}
