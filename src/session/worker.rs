//! The worker's loop. Drafts come first, each of them whole; then the latest full run, whose first step comes at once, and which drops what
//! it replaces unless that is nearly done; then what is computed ahead.

use super::{
    compute::Compute,
    event::{Event, Wake},
    instruments::Instruments,
    mailbox::{Inbox, Outbox, Pending},
    request::{Group, Kind, Request},
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

/// A draft that has shown something gives way to what is newer after so long: on a slow device it would keep the newest controls waiting.
const DRAFT_PATIENCE: Duration = Duration::from_millis(400);

/// What the session's task owns.
pub(super) struct Worker {
    inbox: Arc<Inbox>,
    outbox: Arc<Outbox>,
    wake: Wake,
    compute: Compute,
    /// Few steps for controls that move: before all others.
    draft: Option<Run>,
    /// The draft that gave way last.
    gave_way: Option<u64>,
    /// What waits for it to end.
    next_draft: Option<Request>,
    next_full: Option<Request>,
    current: Option<Run>,
    /// The run before, where it was nearly done.
    finishing: Option<Run>,
    /// What is computed while there is nothing else to do.
    ahead: Option<Run>,
    next_ahead: Option<Request>,
}

impl Worker {
    pub(super) fn new(inbox: Arc<Inbox>, outbox: Arc<Outbox>, wake: Wake, instruments: Instruments) -> Self {
        let (next_draft, next_full, next_ahead) = (None, None, None);
        let (draft, gave_way, current, finishing, ahead) = (None, None, None, None, None);
        let compute = Compute::new(instruments);
        Self { inbox, outbox, wake, compute, draft, gave_way, next_draft, next_full, current, finishing, ahead, next_ahead }
    }

    /// Works until the app is gone. A desktop's thread blocks on this; a page's event loop drives it.
    pub(super) async fn run(mut self) {
        while self.turn().await {
            // A page draws and takes input between two steps.
            platform::pause().await;
        }
    }

    fn is_idle(&self) -> bool {
        let waiting = [&self.next_draft, &self.next_full, &self.next_ahead];
        self.runs().next().is_none() && waiting.into_iter().all(Option::is_none)
    }

    fn runs(&self) -> impl Iterator<Item = &Run> {
        [&self.draft, &self.finishing, &self.current, &self.ahead].into_iter().flatten()
    }

    /// Takes up what is pending, then begins what waits or takes one step of the run whose turn it is; waits for news where there is
    /// neither. Returns whether the app is still there.
    async fn turn(&mut self) -> bool {
        if self.is_idle() {
            self.inbox.news().await;
        }
        let pending = self.inbox.take();
        if pending.quit {
            return false;
        }
        self.take_up(pending);
        // A draft is never cut off, unless it is a slow one that has shown something.
        let newer = self.next_draft.is_some() || self.next_full.is_some();
        let gives_way = |draft: &mut Run| newer && draft.has_shown() && draft.age() > DRAFT_PATIENCE;
        // What it has shown is still to be fetched.
        self.gave_way = self.draft.take_if(gives_way).map(|draft| draft.request.id).or(self.gave_way);
        if let Some(draft) = self.draft.take() {
            self.step(draft).await;
        } else if let Some(request) = self.next_draft.take().or_else(|| self.next_full.take()) {
            self.begin(request).await;
        } else if !self.inbox.has_news() {
            let full = if self.finishing.is_some() { &mut self.finishing } else { &mut self.current };
            if let Some(run) = full.take().or_else(|| self.ahead.take()) {
                self.step(run).await;
            } else if let Some(request) = self.next_ahead.take() {
                self.begin(request).await;
            }
        }
        true
    }

    fn take_up(&mut self, pending: Pending) {
        if pending.lose_device {
            self.compute.lose_device();
        }
        if pending.cancel {
            (self.draft, self.current, self.finishing) = (None, None, None);
            (self.next_draft, self.next_full) = (None, None);
        }
        if pending.cancel || pending.cancel_ahead {
            (self.ahead, self.next_ahead) = (None, None);
        }
        if let Some(request) = pending.draft {
            // Whatever the full run is for, the controls have moved on.
            (self.current, self.finishing, self.next_full) = (None, None, None);
            self.next_draft = Some(request);
        }
        if let Some(request) = pending.full {
            (self.next_full, self.next_draft) = (Some(request), None);
        }
        if let Some(request) = pending.ahead {
            (self.next_ahead, self.ahead) = (Some(request), None);
        }
    }

    /// Encodes the pictures that `request` needs, a step at a time, then starts it and takes its first step; a full one in the place of the
    /// current run.
    async fn begin(&mut self, request: Request) {
        match guarded(self.encode(&request)).await {
            Ok(true) => {}
            // It waits where it was, unless something newer comes.
            Ok(false) => {
                let place = match request.kind {
                    Kind::Full => &mut self.next_full,
                    Kind::Draft(_) => &mut self.next_draft,
                    Kind::Ahead => &mut self.next_ahead,
                };
                *place = Some(request);
                return;
            }
            Err(error) => return self.say(Event::Failed { id: request.id, refused: true, message: error.to_string() }, true),
        }
        if request.kind == Kind::Full {
            if let Some(old) = self.current.take() {
                let nearly = old.remaining().is_some_and(|rest| rest <= NEARLY_DONE);
                if nearly && old.request.is_like(&request) && self.finishing.is_none() {
                    self.finishing = Some(old);
                }
            }
            if self.finishing.as_ref().is_some_and(|run| !run.request.is_like(&request)) {
                self.finishing = None;
            }
        }
        let id = request.id;
        let going_on: Vec<u64> = self.runs().map(|run| run.request.id).chain([id]).chain(self.gave_way).collect();
        self.outbox.keep_only(&going_on);
        let at_once = request.kind == Kind::Full;
        match guarded(self.start(request)).await {
            Ok(run) => {
                tracing::debug!("run {id} begins: {} steps", run.plan().schedules.iter().map(|s| s.steps.len()).sum::<usize>());
                self.say(Event::Planned(run.plan()), at_once);
                self.step(run).await;
            }
            Err(error) => self.say(Event::Failed { id, refused: true, message: error.to_string() }, true),
        }
    }

    /// Takes a step towards the pictures that `request` begins with. Returns whether all are encoded.
    async fn encode(&mut self, request: &Request) -> Result<bool> {
        let needs = |group: &Group| group.members.iter().any(|member| !member.latent.pictures().is_empty());
        if !request.groups.iter().any(needs) {
            return Ok(true);
        }
        let facts = self.compute.load_model(request)?;
        let inbox = self.inbox.clone();
        let mut losses = 0;
        loop {
            if let Some((info, reason)) = self.compute.open_device(request).await? {
                self.outbox.push(Event::Device { info, reason });
            }
            match self.compute.encode(request, &facts, &|| inbox.has_news()).await {
                Err(Error::Device { .. }) if losses < MAX_LOSSES => {
                    losses += 1;
                    if losses > 1 {
                        self.compute.shrink();
                    }
                    self.compute.drop_device();
                }
                other => return other,
            }
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
            let step = self.compute.step_time(&request);
            match self
                .compute
                .engine_and_memo()
                .and_then(|(engine, memo)| Run::start(request.clone(), engine, facts.clone(), step, memo))
            {
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
        let (id, kind) = (run.request.id, run.request.kind);
        let (inbox, compute) = (self.inbox.clone(), &mut self.compute);
        let stop = move || if let Kind::Draft(_) = kind { inbox.is_called_off() } else { inbox.has_news() };
        let advance = async {
            let (engine, memo) = compute.engine_and_memo()?;
            run.advance(engine, memo, &stop).await
        };
        match guarded(advance).await {
            Ok(update) => {
                if let Some(update) = update {
                    let first = update.index == 0;
                    let done = run.is_done();
                    self.compute.note_step(&run.request, update.index, run.step_time());
                    // A draft shows when it is done, and what is computed ahead when somebody looks; unless it takes long.
                    let quiet = match kind {
                        Kind::Full => false,
                        Kind::Draft(_) => run.age() < DRAFT_PATIENCE,
                        Kind::Ahead => true,
                    };
                    self.outbox.push(Event::Step(Arc::new(update)));
                    if done {
                        tracing::debug!("run {id} {kind:?}: {} ms", run.age().as_millis());
                        self.say(Event::Finished { id }, kind != Kind::Ahead);
                        return;
                    }
                    if !quiet {
                        (self.wake)(first || kind != Kind::Full);
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
        match run.request.kind {
            Kind::Draft(_) => self.draft = Some(run),
            Kind::Ahead => self.ahead = Some(run),
            Kind::Full => {
                let newer = self.current.as_ref().is_some_and(|current| current.request.id > run.request.id);
                if self.finishing.is_none() && newer {
                    self.finishing = Some(run);
                } else {
                    self.current = Some(run);
                }
            }
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
