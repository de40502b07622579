//! The worker's loop: takes the latest request, gives its first step at once, and drops what it replaces, unless that is nearly done.

use super::{
    compute::Compute,
    event::{Event, Wake},
    mailbox::{Inbox, Outbox, Pending},
    request::Request,
    run::Run,
};
use crate::{
    error::{Error, Result},
    platform,
};
use std::{sync::Arc, time::Duration};

/// A run that a newer one of the same shape replaces may still finish where it needs no longer than this: while a slider is dragged,
/// finished pictures keep coming. The newer run's first step comes before.
const NEARLY_DONE: Duration = Duration::from_millis(250);
/// A run whose device is lost more often than this is given up.
const MAX_LOSSES: u32 = 3;

/// What the session's task owns.
pub(super) struct Worker {
    inbox: Arc<Inbox>,
    outbox: Arc<Outbox>,
    wake: Wake,
    compute: Compute,
    current: Option<Run>,
    /// The run before, where it was nearly done.
    finishing: Option<Run>,
}

impl Worker {
    pub(super) fn new(inbox: Arc<Inbox>, outbox: Arc<Outbox>, wake: Wake) -> Self {
        Self { inbox, outbox, wake, compute: Compute::default(), current: None, finishing: None }
    }

    /// Works until the app is gone. A desktop's thread blocks on this; a page's event loop drives it.
    pub(super) async fn run(mut self) {
        while self.turn().await {
            // A page draws and takes input between two steps.
            platform::pause().await;
        }
    }

    /// Takes up what is pending, or one step of the run whose turn it is, or waits for news where there is none. Returns whether the app
    /// is still there.
    async fn turn(&mut self) -> bool {
        if self.current.is_none() && self.finishing.is_none() {
            self.inbox.news().await;
        }
        let pending = self.inbox.take();
        if pending.quit {
            return false;
        }
        self.take_up(pending).await;
        if !self.inbox.has_news() {
            let next = if self.finishing.is_some() { &mut self.finishing } else { &mut self.current };
            if let Some(run) = next.take() {
                self.step(run).await;
            }
        }
        true
    }

    async fn take_up(&mut self, pending: Pending) {
        if pending.lose_device {
            self.compute.lose_device();
        }
        if pending.cancel {
            (self.current, self.finishing) = (None, None);
        }
        if let Some(request) = pending.request {
            self.begin(request).await;
        }
    }

    /// Starts `request` in the place of the current run, and takes its first step.
    async fn begin(&mut self, request: Request) {
        if let Some(old) = self.current.take() {
            let nearly = old.remaining().is_some_and(|rest| rest <= NEARLY_DONE);
            if nearly && old.request.is_like(&request) && self.finishing.is_none() {
                self.finishing = Some(old);
            }
        }
        if self.finishing.as_ref().is_some_and(|run| !run.request.is_like(&request)) {
            self.finishing = None;
        }
        let id = request.id;
        self.outbox.keep_only([Some(id), self.finishing.as_ref().map(|run| run.request.id)]);
        match guarded(self.start(request)).await {
            Ok(run) => {
                self.say(Event::Planned(run.plan()), true);
                self.step(run).await;
            }
            Err(error) => self.say(Event::Failed { id, refused: true, message: error.to_string() }, true),
        }
    }

    async fn start(&mut self, request: Request) -> Result<Run> {
        // The model first: a folder that is none is the likelier fault, and the device stays as it was.
        let facts = self.compute.load_model(&request)?;
        let mut attempts = 0;
        loop {
            if let Some((info, reason)) = self.compute.open_device(&request).await? {
                self.outbox.push(Event::Device { info, reason });
            }
            match self.compute.engine().and_then(|engine| Run::start(request.clone(), engine, facts.clone())) {
                Err(Error::Device { device, what }) => {
                    attempts += 1;
                    if attempts > 1 {
                        self.compute.shrink();
                    }
                    self.compute.drop_device();
                    if attempts > MAX_LOSSES {
                        return Err(Error::Device { device, what });
                    }
                }
                other => return other,
            }
        }
    }

    /// Takes one step of `run` and puts it back where it belongs, if it goes on.
    async fn step(&mut self, mut run: Run) {
        let id = run.request.id;
        let (inbox, compute) = (self.inbox.clone(), &mut self.compute);
        let advance = async { run.advance(compute.engine()?, &|| inbox.has_news()).await };
        match guarded(advance).await {
            Ok(update) => {
                if let Some(update) = update {
                    let first = update.index == 0;
                    let done = run.is_done();
                    self.say(Event::Step(Arc::new(update)), first || done);
                    if done {
                        self.say(Event::Finished { id }, true);
                        return;
                    }
                }
                self.put_back(run);
            }
            Err(error @ Error::Device { .. }) if run.losses < MAX_LOSSES => self.recover(run, &error).await,
            Err(error) => {
                // Whatever state it was left in is not worth keeping.
                self.compute.drop_device();
                self.say(Event::Failed { id, refused: false, message: error.to_string() }, true);
            }
        }
    }

    /// Opens the device again and lets the run go on with the step it failed at; from the second loss on with smaller batches, as
    /// memory may be what is short.
    async fn recover(&mut self, mut run: Run, error: &Error) {
        let id = run.request.id;
        run.losses += 1;
        if run.losses > 1 {
            self.compute.shrink();
        }
        self.compute.drop_device();
        match self.compute.open_device(&run.request).await {
            Ok(opened) => {
                if let Some((info, reason)) = opened {
                    self.outbox.push(Event::Device { info, reason });
                }
                self.say(Event::Recovered { id, message: error.to_string() }, true);
                self.put_back(run);
            }
            Err(again) => {
                let message = format!("{error}; it could not be opened again: {again}");
                self.say(Event::Failed { id, refused: false, message }, true);
            }
        }
    }

    fn put_back(&mut self, run: Run) {
        if self.finishing.is_none() && self.current.as_ref().is_some_and(|current| current.request.id > run.request.id) {
            self.finishing = Some(run);
        } else {
            self.current = Some(run);
        }
    }

    fn say(&self, event: Event, at_once: bool) {
        self.outbox.push(event);
        (self.wake)(at_once);
    }
}

/// Does `work`; a panic in it becomes an error, so that the window lives on.
async fn guarded<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    platform::catch_panic_async(work)
        .await
        .unwrap_or_else(|text| Err(Error::argument(format!("internal fault: {text}; please report it with the picture's recipe"))))
}
