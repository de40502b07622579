//! The threads that compute: as many as there are cores, and below the window in priority, so that it paints at once however busy
//! they are. A graphics driver that computes on the processor starts its threads from them, and so at the same priority.

use crate::error::{Error, Result};
use rayon::{ThreadPool, ThreadPoolBuilder};
use thread_priority::{ThreadPriority, set_current_thread_priority};

/// Of 0 to 99, a little below the middle, which is where threads start: niceness 7 on Linux. A window that paints without a pause
/// leaves the computation about a quarter of a core then; lower still, it would hardly get anywhere.
const PRIORITY: u8 = 30;

/// Starts the threads.
///
/// # Errors
/// The system gives no threads.
pub(super) fn start() -> Result<ThreadPool> {
    let lower = |_| {
        let value = PRIORITY.try_into().map(ThreadPriority::Crossplatform);
        // Where the system refuses, everything works, and the window is a little slower.
        if let Err(e) =
            value.map_err(|e| format!("{e:?}")).and_then(|p| set_current_thread_priority(p).map_err(|e| format!("{e:?}")))
        {
            tracing::info!("the priority of a computing thread stays as it is: {e}");
        }
    };
    let built = ThreadPoolBuilder::new().thread_name(|i| format!("compute {i}")).start_handler(lower).build();
    built.map_err(|e| Error::argument(format!("the system gives no threads to compute on: {e}; close some programs")))
}
