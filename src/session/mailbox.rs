//! The two ends between the app and the worker: an inbox in which the latest request replaces the one before, and an outbox whose
//! stale frames vanish. Both are bounded, and neither side waits for the other longer than a lock takes.

use super::{event::Event, request::Request};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// What the app wants of the worker.
#[derive(Default)]
pub(super) struct Wishes {
    /// The latest request.
    pub(super) request: Option<Request>,
    /// Stop everything.
    pub(super) cancel: bool,
    /// Lose the device before the next step.
    pub(super) lose_device: bool,
    /// The app is gone.
    pub(super) quit: bool,
}

impl Wishes {
    fn is_empty(&self) -> bool {
        self.request.is_none() && !self.cancel && !self.lose_device && !self.quit
    }
}

/// App -> worker.
#[derive(Default)]
pub(super) struct Inbox {
    wishes: Mutex<Wishes>,
    news: Condvar,
}

impl Inbox {
    fn lock(&self) -> MutexGuard<'_, Wishes> {
        self.wishes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the wishes and wakes the worker.
    pub(super) fn post(&self, change: impl FnOnce(&mut Wishes)) {
        change(&mut self.lock());
        self.news.notify_one();
    }

    /// Whether anything was posted.
    pub(super) fn has_news(&self) -> bool {
        !self.lock().is_empty()
    }

    /// Takes the wishes; with `wait` not before there are some.
    pub(super) fn take(&self, wait: bool) -> Wishes {
        let mut wishes = self.lock();
        while wait && wishes.is_empty() {
            wishes = self.news.wait(wishes).unwrap_or_else(PoisonError::into_inner);
        }
        std::mem::take(&mut *wishes)
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

    /// Drops the frames that belong to none of `ids`: what a hidden window does not fetch must not pile up.
    pub(super) fn keep_only(&self, ids: [Option<u64>; 2]) {
        let keep = |event: &Event| match event {
            Event::Frame(frame) => ids.contains(&Some(frame.id)),
            _ => true,
        };
        self.events.lock().unwrap_or_else(PoisonError::into_inner).retain(keep);
    }

    /// Everything since the last call.
    pub(super) fn drain(&self) -> Vec<Event> {
        std::mem::take(&mut *self.events.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
