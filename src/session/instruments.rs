//! What can be put between the session and its surroundings: a clock, executors around those of the device, another Hub. Tests do.

use crate::{engine::AroundExecutor, hub, platform::Clock};
use std::fmt;

/// What is put between the session and its surroundings; by default nothing.
#[derive(Clone, Default)]
pub struct Instruments {
    /// Measures how long steps take.
    pub clock: Clock,
    /// Is put around every executor.
    pub around: Option<AroundExecutor>,
    /// Where the Hub and its cache are; as the environment has it by default.
    pub hub: hub::Settings,
}

impl fmt::Debug for Instruments {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let around = self.around.as_ref().map(|_| "an executor");
        formatter.debug_struct("Instruments").field("clock", &self.clock).field("around", &around).finish_non_exhaustive()
    }
}
