//! The two ends between the app and the worker: an inbox in which the latest request replaces the one before, and an outbox whose
//! stale updates vanish. Both are bounded, and neither side waits for the other longer than a lock takes.

use super::{event::Event, request::Request};
use serde::{Deserialize, Serialize};
use std::{
    future::poll_fn,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
};

/// What the app asked for and the worker has not taken up yet.
#[derive(Default, Serialize, Deserialize)]
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

    fn requests(&self) -> impl Iterator<Item = &Request> {
        [&self.full, &self.draft, &self.ahead].into_iter().flatten()
    }

    /// The models that are asked for.
    #[cfg_attr(not(target_arch = "wasm32"), allow(dead_code, reason = "only a page sends models to its worker"))]
    pub(super) fn models(&self) -> Vec<&str> {
        self.requests().map(|request| request.model.as_str()).collect()
    }

    /// Drops the requests for a model, and returns their ids.
    #[cfg_attr(not(target_arch = "wasm32"), allow(dead_code, reason = "only a page sends models to its worker"))]
    pub(super) fn give_up(&mut self, model: &str) -> Vec<u64> {
        let ids = self.requests().filter(|request| request.model == model).map(|request| request.id).collect();
        for request in [&mut self.full, &mut self.draft, &mut self.ahead] {
            request.take_if(|request| request.model == model);
        }
        ids
    }

    /// Takes in what was posted after all of this: a page's worker gets it piece by piece.
    #[cfg_attr(not(target_arch = "wasm32"), allow(dead_code, reason = "only a page's worker gets it piece by piece"))]
    pub(super) fn merge(&mut self, newer: Self) {
        if newer.cancel {
            (self.full, self.draft) = (None, None);
        }
        if newer.cancel || newer.cancel_ahead {
            self.ahead = None;
        }
        // A full run takes the place of a draft that waits, and the other way round.
        if newer.full.is_some() || newer.draft.is_some() {
            (self.full, self.draft) = (newer.full, newer.draft);
        }
        self.ahead = newer.ahead.or(self.ahead.take());
        self.cancel_ahead |= newer.cancel_ahead;
        self.cancel |= newer.cancel;
        self.lose_device |= newer.lose_device;
        self.quit |= newer.quit;
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

    /// Looks at what is pending, or changes it, without waking anybody.
    #[cfg_attr(not(target_arch = "wasm32"), allow(dead_code, reason = "only a page forwards it"))]
    pub(super) fn with_pending<T>(&self, look: impl FnOnce(&mut Pending) -> T) -> T {
        look(&mut self.lock().pending)
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
    use super::{Event, Inbox, Outbox, Pending, Request};
    use crate::{
        backend::DeviceChoice,
        picture::Picture,
        platform::block_on,
        program::Precision,
        recipe::{Encoded, End, GivenPicture},
        schedule::{Convention, NoiseKind, ScheduleRequest, Spacing},
        session::{Budget, EncodeBy, Group, InterpolationMode, Keep, Kind, Latent, Member, Order, Rms, StepUpdate},
    };
    use std::{sync::Arc, time::Duration};

    fn request(id: u64, kind: Kind) -> Request {
        let picture = GivenPicture { name: "a.png".to_owned(), picture: Arc::new(Picture::filled(3, 2, [1, 2, 255])) };
        let encoded = Encoded { picture, steps: 7, tau: None, convention: Convention::default(), refine: 2 };
        let ends = [End::Seed(u64::MAX), End::Encoded(Box::new(encoded))];
        let latent = Latent::Between { ends, t: 0.25, mode: InterpolationMode::Lerp };
        let schedule = ScheduleRequest {
            eta: 0.1 + 0.2,
            spacing: Some(Spacing::List(vec![1, 500])),
            noise: Some(NoiseKind::Torch),
            ..ScheduleRequest::default()
        };
        let encode = Some(EncodeBy { at: Convention::default().steps().0, refine: 3 });
        Request {
            id,
            model: "given/checkpoint-1#ema".to_owned(),
            device: DeviceChoice::Named("x".to_owned()),
            precision: Precision::F16,
            size: Some((32, 48)),
            class: "3".parse().ok(),
            groups: vec![Group { schedule, members: vec![Member { latent, noise_seed: 9, image: 4 }], encode }],
            keep: Keep::Rewind { strip: 1 },
            kind,
            fit_steps: true,
            order: Order::First(1),
        }
    }

    #[test]
    fn what_page_and_worker_tell_each_other_arrives_as_it_was() {
        let budget = Budget { within: Duration::from_millis(80), whole_within: Duration::from_micros(400) };
        let sent = Pending { draft: Some(request(3, Kind::Draft(budget))), cancel_ahead: true, ..Pending::default() };
        let bytes = rmp_serde::to_vec_named(&sent).expect("written");
        let read: Pending = rmp_serde::from_slice(&bytes).expect("read");
        assert_eq!((read.draft, read.cancel_ahead, read.cancel, read.full), (sent.draft, true, false, None));
        let Event::Step(update) = step(7) else { panic!("a step") };
        let update = StepUpdate { after_rms: vec![f64::NAN, f64::INFINITY, 0.1], ..(*update).clone() };
        let bytes = rmp_serde::to_vec_named(&vec![Event::Step(Arc::new(update)), Event::Finished { id: 7 }]).expect("written");
        let read: Vec<Event> = rmp_serde::from_slice(&bytes).expect("read");
        let [Event::Step(update), Event::Finished { id: 7 }] = read.as_slice() else { panic!("{read:?}") };
        assert!(update.after_rms[0].is_nan() && update.after_rms[1..] == [f64::INFINITY, 0.1] && update.id == 7);
        let rms: Rms = rmp_serde::from_slice(&rmp_serde::to_vec_named(&Rms::default()).expect("written")).expect("read");
        assert_eq!(rms, Rms::default());
    }

    #[test]
    fn what_comes_piece_by_piece_is_as_if_it_had_been_posted_here() {
        let full = |id| Pending { full: Some(request(id, Kind::Full)), ..Pending::default() };
        let draft = |id| Pending { draft: Some(request(id, Kind::Ahead)), ..Pending::default() };
        let ids = |p: &Pending| [&p.full, &p.draft, &p.ahead].map(|r| r.as_ref().map(|r| r.id));
        let merged = |list: Vec<Pending>| {
            list.into_iter().fold(Pending::default(), |mut all, newer| {
                all.merge(newer);
                all
            })
        };
        assert_eq!(ids(&merged(vec![full(1), draft(2)])), [None, Some(2), None]);
        assert_eq!(ids(&merged(vec![draft(2), full(3)])), [Some(3), None, None]);
        let ahead = Pending { ahead: Some(request(4, Kind::Ahead)), ..Pending::default() };
        let all = merged(vec![full(3), ahead, Pending { lose_device: true, ..Pending::default() }]);
        assert_eq!((ids(&all), all.lose_device), ([Some(3), None, Some(4)], true));
        let cancelled = merged(vec![full(3), Pending { cancel: true, ..Pending::default() }]);
        assert_eq!((ids(&cancelled), cancelled.cancel), ([None; 3], true));
        let mut given_up = full(5);
        assert_eq!((given_up.give_up("emoji"), given_up.models()), (vec![], vec!["given/checkpoint-1#ema"]));
        assert_eq!((given_up.give_up("given/checkpoint-1#ema"), ids(&given_up)), (vec![5], [None; 3]));
    }

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
