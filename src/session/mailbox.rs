//! The two ends between the app and the worker: an inbox in which the latest request replaces the one before, and an outbox whose
//! stale updates vanish. Both are bounded, and neither side waits for the other longer than a lock takes.

use super::{event::Event, request::Request};
use std::{
    future::poll_fn,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
};

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
pub(super) struct Inbox(Mutex<Letters>);

#[derive(Default)]
struct Letters {
    pending: Pending,
    /// Wakes the worker where it waits.
    waiting: Option<Waker>,
}

impl Inbox {
    fn lock(&self) -> MutexGuard<'_, Letters> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what is pending and wakes the worker.
    pub(super) fn post(&self, change: impl FnOnce(&mut Pending)) {
        let waiting = {
            let mut letters = self.lock();
            change(&mut letters.pending);
            letters.waiting.take()
        };
        if let Some(waker) = waiting {
            waker.wake();
        }
    }

    /// Whether anything was posted.
    pub(super) fn has_news(&self) -> bool {
        !self.lock().pending.is_empty()
    }

    /// Waits until something was posted.
    pub(super) async fn news(&self) {
        poll_fn(|context| {
            let mut letters = self.lock();
            if letters.pending.is_empty() {
                letters.waiting = Some(context.waker().clone());
                return Poll::Pending;
            }
            Poll::Ready(())
        })
        .await;
    }

    /// Takes what is pending.
    pub(super) fn take(&self) -> Pending {
        std::mem::take(&mut self.lock().pending)
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

#[cfg(test)]
mod tests {
    use super::{Event, Inbox, Outbox};
    use crate::{platform::block_on, session::StepUpdate};
    use std::sync::Arc;

    fn step(id: u64) -> Event {
        let (records, after, after_rms) = (Vec::new(), Vec::new(), Vec::new());
        Event::Step(Arc::new(StepUpdate {
            id,
            group: 0,
            index: 0,
            total: 1,
            seconds: 0.0,
            records,
            after,
            after_rms,
            spread: None,
        }))
    }

    #[test]
    fn only_steps_of_the_runs_that_go_on_stay_in_the_outbox() {
        let outbox = Outbox::default();
        for event in [step(1), Event::Finished { id: 1 }, step(2), step(3), step(2)] {
            outbox.push(event);
        }
        outbox.keep_only([Some(3), Some(1)]);
        let left: Vec<_> = outbox.drain().iter().map(|e| if let Event::Step(s) = e { Some(s.id) } else { None }).collect();
        assert_eq!(left, [Some(1), None, Some(3)], "steps of run 2 are gone, and no other event is");
        assert!(outbox.drain().is_empty());
        outbox.push(step(4));
        outbox.keep_only([None, None]);
        assert!(outbox.drain().is_empty());
    }

    #[test]
    fn news_wake_who_waits_for_them_once() {
        let inbox = Arc::new(Inbox::default());
        let posting = inbox.clone();
        let thread = std::thread::spawn(move || posting.post(|pending| pending.cancel = true));
        block_on(inbox.news());
        thread.join().expect("it posts and ends");
        assert!(inbox.has_news() && inbox.take().cancel && !inbox.has_news());
    }
}
