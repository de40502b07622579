//! The two ends between the app and the worker: an inbox in which the latest request replaces the one before, and an outbox whose
//! stale updates vanish. Both are bounded, and neither side waits for the other longer than a lock takes.

use super::{event::Event, request::Request};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// What the app asked for and the worker has not taken up yet.
#[derive(Default)]
pub(super) struct Pending {
    /// The latest request.
    pub(super) request: Option<Request>,
    /// Stop everything.
    pub(super) cancel: bool,
    /// Lose the device before the next step.
    pub(super) lose_device: bool,
    /// The app is gone.
    pub(super) quit: bool,
}

impl Pending {
    fn is_empty(&self) -> bool {
        self.request.is_none() && !self.cancel && !self.lose_device && !self.quit
    }
}

/// App -> worker.
#[derive(Default)]
pub(super) struct Inbox {
    pending: Mutex<Pending>,
    news: Condvar,
}

impl Inbox {
    fn lock(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what is pending and wakes the worker.
    pub(super) fn post(&self, change: impl FnOnce(&mut Pending)) {
        change(&mut self.lock());
        self.news.notify_one();
    }

    /// Whether anything was posted.
    pub(super) fn has_news(&self) -> bool {
        !self.lock().is_empty()
    }

    /// Takes what is pending; with `wait` not before there is something.
    pub(super) fn take(&self, wait: bool) -> Pending {
        let mut pending = self.lock();
        while wait && pending.is_empty() {
            pending = self.news.wait(pending).unwrap_or_else(PoisonError::into_inner);
        }
        std::mem::take(&mut *pending)
    }
}

/// Worker -> app.
#[derive(Default)]
pub(super) struct Outbox {
    events: Mutex<Vec<Event>>,
}

impl Outbox {
    pub(super) fn push(&self, event: Event) {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).push(event);
    }

    /// Drops the updates that belong to none of `ids`: what a hidden window does not fetch must not pile up.
    pub(super) fn keep_only(&self, ids: [Option<u64>; 2]) {
        let keep = |event: &Event| match event {
            Event::Step(update) => ids.contains(&Some(update.id)),
            _ => true,
        };
        self.events.lock().unwrap_or_else(PoisonError::into_inner).retain(keep);
    }

    /// Everything since the last call.
    pub(super) fn drain(&self) -> Vec<Event> {
        std::mem::take(&mut *self.events.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
