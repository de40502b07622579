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
    /// The latest request of each kind.
    pub(super) full: Option<Request>,
    pub(super) draft: Option<Request>,
    pub(super) ahead: Option<Request>,
    /// Stop what is computed ahead.
    pub(super) cancel_ahead: bool,
    /// Stop everything.
    pub(super) cancel: bool,
    /// Lose the device before the next step.
    pub(super) lose_device: bool,
    /// The app is gone.
    pub(super) quit: bool,
}

impl Pending {
    fn is_empty(&self) -> bool {
        self.full.is_none()
            && self.draft.is_none()
            && self.ahead.is_none()
            && !(self.cancel_ahead || self.cancel || self.lose_device || self.quit)
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

    /// Whether everything is to stop, which even a draft does before its end.
    pub(super) fn is_called_off(&self) -> bool {
        let letters = self.lock();
        letters.pending.cancel || letters.pending.quit
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

    /// Drops the updates of runs that were given up: of none of `ids`, and not finished. What a hidden window does not fetch must not pile
    /// up.
    pub(super) fn keep_only(&self, ids: &[u64]) {
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        let finished: Vec<u64> =
            events.iter().filter_map(|e| if let Event::Finished { id } = e { Some(*id) } else { None }).collect();
        events.retain(|event| match event {
            Event::Step(update) => ids.contains(&update.id) || finished.contains(&update.id),
            _ => true,
        });
    }

    /// Whether a run has ended since the last call of [`Self::drain`].
    pub(super) fn has_finished(&self) -> bool {
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        events.iter().any(|event| matches!(event, Event::Finished { .. }))
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
            end: None,
            spread: None,
        }))
    }

    #[test]
    fn only_steps_of_the_runs_that_go_on_stay_in_the_outbox() {
        let outbox = Outbox::default();
        for event in [step(1), Event::Finished { id: 1 }, step(2), step(3), step(2)] {
            outbox.push(event);
        }
        outbox.keep_only(&[3]);
        let left: Vec<_> = outbox.drain().iter().map(|e| if let Event::Step(s) = e { Some(s.id) } else { None }).collect();
        assert_eq!(left, [Some(1), None, Some(3)], "steps of run 2 are gone; run 1 was finished, and run 3 goes on");
        assert!(outbox.drain().is_empty());
        outbox.push(step(4));
        outbox.keep_only(&[]);
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
