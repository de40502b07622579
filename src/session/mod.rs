//! The session: a task that owns the compute device, a thread on a desktop. The latest request wins; events come out.
//!
//! The app posts a [`Request`] and fetches [`Event`]s whenever it draws; neither waits for the other. A new request takes the place
//! of the run before at its next step, and its own first step comes at once. All tasks of the viewer are started here.

mod compute;
mod event;
mod instruments;
mod latents;
#[cfg(target_arch = "wasm32")]
mod link;
mod mailbox;
mod memo;
mod request;
mod run;
mod schedules;
mod stage;
mod step_record;
mod worker;

pub use event::{End, Event, Loading, ModelFacts, Plan, Rms, Spread, StepRecord, StepUpdate, TaskResult, Terms, Wake, WhatFor};
pub use instruments::Instruments;
pub use latents::{ForkAt, Latent, LatentOf, TorchLatents};
#[cfg(target_arch = "wasm32")]
pub use link::serve;
pub use request::{Budget, EncodeBy, Group, Keep, Kind, MIN_DRAFT_STEPS, Member, Order, Request};

pub use crate::latent::InterpolationMode;

use crate::{
    error::{Error, Result},
    hub::{self, HubName, Watch},
    platform::{self, Task},
};
use mailbox::{Inbox, Outbox};
use std::{sync::Arc, time::Duration};
#[cfg(not(target_arch = "wasm32"))]
use worker::Worker;

/// A closing window waits so long for the step in flight. Some drivers crash when the process ends under them.
const PATIENCE: Duration = Duration::from_secs(3);

/// The app's end of the session. Dropping it ends the worker.
pub struct Session {
    inbox: Arc<Inbox>,
    outbox: Arc<Outbox>,
    wake: Wake,
    worker: Task,
    hub: hub::Settings,
    #[cfg(target_arch = "wasm32")]
    link: link::Link,
}

impl Session {
    /// Starts the worker. `wake` is called from its threads.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn new(wake: Wake) -> Result<Self> {
        Self::with(wake, Instruments::default())
    }

    /// As [`Self::new`], with `instruments` between the worker and its device.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn with(wake: Wake, instruments: Instruments) -> Result<Self> {
        let (inbox, outbox, hub) = (Arc::new(Inbox::default()), Arc::new(Outbox::default()), instruments.hub.clone());
        let (worker_inbox, worker_outbox, worker_wake) = (inbox.clone(), outbox.clone(), wake.clone());
        #[cfg(not(target_arch = "wasm32"))]
        let worker =
            platform::spawn_on_cores("session", move || Worker::new(worker_inbox, worker_outbox, worker_wake, instruments).run())?;
        #[cfg(target_arch = "wasm32")]
        let (worker, link) = link::connect(worker_inbox, worker_outbox, worker_wake)?;
        Ok(Self {
            inbox,
            outbox,
            wake,
            worker,
            hub,
            #[cfg(target_arch = "wasm32")]
            link,
        })
    }

    /// Asks for a run: a full one takes the place of the full one before and of what is computed ahead, and waits for a draft to end; a
    /// draft takes the place of the full one, and waits for the draft before; what is computed ahead waits for both.
    pub fn submit(&self, request: Request) {
        self.inbox.post(|pending| {
            match request.kind {
                // A draft that still waits is for controls that are not the newest any more.
                Kind::Full => (pending.full, pending.draft) = (Some(request), None),
                Kind::Draft(_) => (pending.draft, pending.full) = (Some(request), None),
                Kind::Ahead => pending.ahead = Some(request),
            }
            pending.cancel = false;
        });
    }

    /// Calls off what is computed ahead.
    pub fn cancel_ahead(&self) {
        self.inbox.post(|pending| (pending.ahead, pending.cancel_ahead) = (None, true));
    }

    /// Stops after the step in flight. Its updates may still come; the caller knows their request.
    pub fn cancel(&self) {
        self.inbox.post(|pending| {
            (pending.full, pending.draft, pending.ahead) = (None, None, None);
            pending.cancel = true;
        });
    }

    /// Whether a run has ended since the last [`Self::drain`].
    pub fn has_finished(&self) -> bool {
        self.outbox.has_finished()
    }

    /// What has happened since the last call.
    pub fn drain(&self) -> Vec<Event> {
        self.outbox.drain()
    }

    /// Does `work` (files, dialogs) in a task of its own; its result comes as [`Event::Done`].
    pub fn spawn_task<F>(&self, work: impl FnOnce() -> F + Send + 'static)
    where
        F: Future<Output = TaskResult> + 'static,
    {
        let (outbox, wake) = (self.outbox.clone(), self.wake.clone());
        let body = move || async move {
            outbox.push(Event::Done(work().await));
            wake(true);
        };
        if let Err(error) = platform::spawn("task", body) {
            self.outbox.push(Event::Done(TaskResult::Failed(error.to_string())));
        }
    }

    /// What the Hub's cache has of a model; no request is made.
    pub fn look_up(&self, name: &HubName, variant: Option<&str>) -> hub::Cached {
        hub::look_up(&self.hub, name, variant)
    }

    /// Looks through the Hub's cache in a task of its own; [`TaskResult::Cached`] comes.
    pub fn list_cached(&self) {
        let settings = self.hub.clone();
        self.spawn_task(move || async move {
            TaskResult::Cached(hub::list(&settings).into_iter().map(|(snapshot, bytes)| (snapshot.name, bytes)).collect())
        });
    }

    /// Fetches a model from the Hub in a task of its own; [`TaskResult::Fetched`] comes with the watch returned, which shows the progress and
    /// can stop it.
    pub fn fetch(&self, name: HubName, variant: Option<String>) -> Arc<Watch> {
        let (wake, settings) = (self.wake.clone(), self.hub.clone());
        let watch = Arc::new(Watch::new(name, move || wake(false)));
        let task = watch.clone();
        self.spawn_task(move || async move {
            let fetched = hub::fetch_in_task(&settings, variant.as_deref(), &task)
                .await
                .map(|snapshot| snapshot.name)
                .map_err(|error: Error| error.to_string());
            TaskResult::Fetched(task, fetched)
        });
        watch
    }

    /// The weights that are on their way to the page, of a model that comes with it; a desktop has them.
    pub fn loading(&self) -> Option<Loading> {
        #[cfg(target_arch = "wasm32")]
        return self.link.loading();
        #[cfg(not(target_arch = "wasm32"))]
        None
    }

    /// Tells the app how a task ended that was started elsewhere.
    pub fn teller(&self) -> impl Fn(TaskResult) + Clone + 'static {
        let (outbox, wake) = (self.outbox.clone(), self.wake.clone());
        move |result| {
            outbox.push(Event::Done(result));
            wake(true);
        }
    }

    /// Loses the device before the next step, as a driver reset would: for tests.
    pub fn lose_device(&self) {
        self.inbox.post(|pending| pending.lose_device = true);
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.inbox.post(|pending| pending.quit = true);
        self.worker.wait(PATIENCE);
    }
}
