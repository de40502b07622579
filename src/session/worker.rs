//! The worker's loop: takes the latest request, gives its first step at once, and drops what it replaces, unless that is nearly done.

use super::{
    engine::Engine,
    event::Event,
    mailbox::{Inbox, Outbox, Pending},
    request::Request,
    run::Run,
};
use crate::error::{Error, Result};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

/// A run that a newer one of the same shape replaces may still finish where it needs no longer than this: while a slider is dragged,
/// finished pictures keep coming. The newer run's first step comes before.
const NEARLY_DONE: Duration = Duration::from_millis(250);
/// A run whose device is lost more often than this is given up.
const MAX_LOSSES: u32 = 3;

/// Everything the thread owns.
pub(super) struct Worker<'a> {
    inbox: &'a Inbox,
    outbox: &'a Outbox,
    wake: &'a (dyn Fn(bool) + Send + Sync),
    engine: Engine,
    current: Option<Run>,
    /// The run before, where it was nearly done.
    finishing: Option<Run>,
}

impl<'a> Worker<'a> {
    pub(super) fn new(inbox: &'a Inbox, outbox: &'a Outbox, wake: &'a (dyn Fn(bool) + Send + Sync)) -> Self {
        Self { inbox, outbox, wake, engine: Engine::default(), current: None, finishing: None }
    }

    /// Works until the app is gone.
    pub(super) fn run(mut self) {
        loop {
            let idle = self.current.is_none() && self.finishing.is_none();
            let pending = self.inbox.take(idle);
            if pending.quit {
                return;
            }
            self.take_up(pending);
            if self.inbox.has_news() {
                continue;
            }
            let next = if self.finishing.is_some() { &mut self.finishing } else { &mut self.current };
            if let Some(run) = next.take() {
                self.step(run);
            }
        }
    }

    fn take_up(&mut self, pending: Pending) {
        if pending.lose_device {
            self.engine.lose_device();
        }
        if pending.cancel {
            (self.current, self.finishing) = (None, None);
        }
        if let Some(request) = pending.request {
            self.begin(request);
        }
    }

    /// Starts `request` in the place of the current run, and takes its first step.
    fn begin(&mut self, request: Request) {
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
        match guarded(|| self.start(request)) {
            Ok(run) => {
                self.say(Event::Planned(run.plan()), true);
                self.step(run);
            }
            Err(error) => self.say(Event::Failed { id, refused: true, message: error.to_string() }, true),
        }
    }

    fn start(&mut self, request: Request) -> Result<Run> {
        // The model first: a folder that is none is the likelier fault, and the device stays as it was.
        let (_, facts) = self.engine.load_model(&request)?;
        let mut attempts = 0;
        loop {
            if let Some((info, reason)) = self.engine.open_device(&request)? {
                self.outbox.push(Event::Device { info, reason });
            }
            match Run::start(request.clone(), &mut self.engine, facts.clone()) {
                Err(Error::Device { device, what }) => {
                    attempts += 1;
                    self.engine.drop_device();
                    if attempts > MAX_LOSSES {
                        return Err(Error::Device { device, what });
                    }
                    if attempts > 1 {
                        self.engine.shrink();
                    }
                }
                other => return other,
            }
        }
    }

    /// Takes one step of `run` and puts it back where it belongs, if it goes on.
    fn step(&mut self, mut run: Run) {
        let id = run.request.id;
        let inbox = self.inbox;
        let engine = &mut self.engine;
        match guarded(|| run.advance(engine, &|| inbox.has_news())) {
            Ok(update) => {
                if let Some(update) = update {
                    let first = update.index == 0;
                    let done = run.is_done();
                    self.say(Event::Step(Box::new(update)), first || done);
                    if done {
                        self.say(Event::Finished { id }, true);
                        return;
                    }
                }
                self.put_back(run);
            }
            Err(error @ Error::Device { .. }) if run.losses < MAX_LOSSES => self.recover(run, &error),
            Err(error) => {
                // Whatever state it was left in is not worth keeping.
                self.engine.drop_device();
                self.say(Event::Failed { id, refused: false, message: error.to_string() }, true);
            }
        }
    }

    /// Opens the device again and lets the run go on with the step it failed at; from the second loss on with smaller batches, as
    /// memory may be what is short.
    fn recover(&mut self, mut run: Run, error: &Error) {
        let id = run.request.id;
        run.losses += 1;
        if run.losses > 1 {
            self.engine.shrink();
        }
        self.engine.drop_device();
        match self.engine.open_device(&run.request) {
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

/// Runs `work`; a panic in it becomes an error, so that the window lives on.
fn guarded<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
        Err(Error::argument(format!(
            "internal fault: {}; please report it with the picture's recipe",
            text.unwrap_or("no message")
        )))
    })
}
