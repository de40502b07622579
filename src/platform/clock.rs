//! A clock that can be exchanged: what is measured with it can be tested without waiting.

use super::Instant;
use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

/// A clock that only goes forward: the system's, unless a test sets another.
#[derive(Clone, Default)]
pub struct Clock(Option<Arc<dyn Fn() -> Duration + Send + Sync>>);

impl Clock {
    /// A clock that says what `now` says.
    pub fn by(now: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(now)))
    }

    /// The time since some moment before.
    pub fn now(&self) -> Duration {
        static START: OnceLock<Instant> = OnceLock::new();
        self.0.as_ref().map_or_else(|| START.get_or_init(Instant::now).elapsed(), |now| now())
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.0.is_some() { "a clock that is set" } else { "the system's clock" })
    }
}

#[cfg(test)]
mod tests {
    use super::Clock;
    use std::{
        sync::{
            Arc,
            atomic::{AtomicU64, Ordering},
        },
        time::Duration,
    };

    #[test]
    fn a_clock_goes_by_itself_or_as_it_is_set() {
        let clock = Clock::default();
        let before = clock.now();
        assert!(clock.now() >= before);
        let milliseconds = Arc::new(AtomicU64::new(3));
        let read = milliseconds.clone();
        let clock = Clock::by(move || Duration::from_millis(read.load(Ordering::Relaxed)));
        milliseconds.store(8, Ordering::Relaxed);
        assert_eq!(clock.now(), Duration::from_millis(8));
    }
}
