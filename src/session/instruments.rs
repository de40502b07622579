//! What can be put between the session and its device: a clock, and executors around those of the device. Tests do.

use crate::{engine::AroundExecutor, platform::Clock};
use std::fmt;

/// What is put between the session and its device; by default nothing.
#[derive(Clone, Default)]
pub struct Instruments {
    /// Measures how long steps take.
    pub clock: Clock,
    /// Is put around every executor.
    pub around: Option<AroundExecutor>,
}

impl fmt::Debug for Instruments {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let around = self.around.as_ref().map(|_| "an executor");
        formatter.debug_struct("Instruments").field("clock", &self.clock).field("around", &around).finish()
    }
}
