//! In a browser the session's worker is a Web Worker with a memory of its own, so that the page never freezes. The page forwards what is
//! pending, the worker answers with its events, as MessagePack; a model's files go before the first request for it.
//!
//! ```text
//! page:    Session ── inbox ── forward ──┐  pending requests, files   ┌── inbox ── Worker :worker
//!             ▲                          └────────────────────────────┘              │
//!             └───── outbox ◄──────────────────── events ◄─────────────── outbox ◄───┘
//! ```

use super::{
    event::{Event, Loading, Wake},
    instruments::Instruments,
    mailbox::{Inbox, Outbox, Pending},
    worker::Worker,
};
use crate::{
    error::{Error, Result},
    hub::Progress,
    model::{EMBEDDED, Embedded},
    platform::{self, Task},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    collections::HashSet,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

/// What the worker tells the page.
#[derive(Serialize, Deserialize)]
struct News {
    /// Whether it should show at once.
    at_once: bool,
    events: Vec<Event>,
}

/// The page's end of the link.
#[derive(Clone, Default)]
pub(super) struct Link {
    loading: Arc<Mutex<Option<Loading>>>,
}

impl Link {
    /// What is on its way.
    pub(super) fn loading(&self) -> Option<Loading> {
        self.loading.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_loading(&self, loading: Option<Loading>) {
        *self.loading.lock().unwrap_or_else(PoisonError::into_inner) = loading;
    }
}

fn packed(value: &impl Serialize) -> Result<Vec<u8>> {
    rmp_serde::to_vec_named(value).map_err(|e| Error::argument(format!("internal fault: a message cannot be written: {e}")))
}

fn unpacked<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    rmp_serde::from_slice(bytes).map_err(|e| {
        Error::argument(format!("the page and its worker are of different versions ({e}); load the page again, past the cache"))
    })
}

/// Connects the page with its worker.
///
/// # Errors
/// None here: a worker that does not start tells the page itself.
pub(super) fn connect(inbox: Arc<Inbox>, outbox: Arc<Outbox>, wake: Wake) -> Result<(Task, Link)> {
    let link = Link::default();
    let (news_outbox, news_wake) = (outbox.clone(), wake.clone());
    let take = move |bytes: Vec<u8>| match unpacked::<News>(&bytes) {
        Ok(news) => {
            news.events.into_iter().for_each(|event| news_outbox.push(event));
            news_wake(news.at_once);
        }
        Err(error) => platform::say_on_page(&error.to_string()),
    };
    platform::listen(take, |_, _| ());
    let forwarded = link.clone();
    let task = platform::spawn("session", move || forward(inbox, outbox, wake, forwarded))?;
    Ok((task, link))
}

/// Sends what is pending, until the app is gone.
async fn forward(inbox: Arc<Inbox>, outbox: Arc<Outbox>, wake: Wake, link: Link) {
    let mut sent: HashSet<&'static str> = HashSet::new();
    loop {
        inbox.news().await;
        let lacks = |name: &str| EMBEDDED.iter().find(|embedded| embedded.name == name && !sent.contains(embedded.name));
        if let Some(model) = inbox.with_pending(|pending| pending.models().into_iter().find_map(lacks)) {
            match bring(model, &link, &wake).await {
                Ok(()) => _ = sent.insert(model.name),
                Err(error) => refuse(&inbox, &outbox, &wake, model, &error),
            }
            // Meanwhile other requests may have come.
            continue;
        }
        let pending = inbox.take();
        match packed(&pending) {
            Ok(bytes) => platform::post(&bytes),
            Err(error) => platform::say_on_page(&error.to_string()),
        }
        if pending.quit {
            return;
        }
    }
}

/// Fetches the weights of a model that comes with the page, and sends them to the worker.
async fn bring(model: &'static Embedded, link: &Link, wake: &Wake) -> Result<()> {
    let path = model.weights_path();
    let name = path.display().to_string();
    let show = {
        let (link, wake, file) = (link.clone(), wake.clone(), name.clone());
        move |done, total| {
            let progress = Progress { done, total, file: file.clone(), ..Progress::default() };
            link.set_loading(Some(Loading { model: model.name.to_owned(), progress }));
            wake(false);
            true
        }
    };
    // The browser may keep it for as long as it likes: of another version the address is another.
    let fetched = platform::fetch_file(&format!("{name}?{}", &model.sha256[..16]), Some(model.sha256), show).await;
    link.set_loading(None);
    platform::post_file(&name, fetched.map_err(|what| Error::file(&path, format!("cannot be fetched: {what}")))?);
    Ok(())
}

/// Refuses the pending requests of a model that cannot be had.
fn refuse(inbox: &Inbox, outbox: &Outbox, wake: &Wake, model: &Embedded, error: &Error) {
    for id in inbox.with_pending(|pending| pending.give_up(model.name)) {
        outbox.push(Event::Failed { id, refused: true, message: error.to_string() });
    }
    wake(true);
}

/// The worker: takes requests from the page and answers with events, for as long as the page is there.
pub fn serve() {
    let (inbox, outbox) = (Arc::new(Inbox::default()), Arc::new(Outbox::default()));
    let take_inbox = inbox.clone();
    let take = move |bytes: Vec<u8>| match unpacked::<Pending>(&bytes) {
        Ok(newer) => take_inbox.post(|pending| pending.merge(newer)),
        Err(error) => platform::say_on_page(&error.to_string()),
    };
    platform::listen(take, |path, bytes| crate::files::put(Path::new(&path), bytes));
    let sent = outbox.clone();
    let wake: Wake = Arc::new(move |at_once| match packed(&News { at_once, events: sent.drain() }) {
        Ok(bytes) => platform::post(&bytes),
        Err(error) => platform::say_on_page(&error.to_string()),
    });
    let worker = Worker::new(inbox, outbox, wake, Instruments::default());
    if let Err(error) = platform::spawn("session", move || worker.run()) {
        platform::say_on_page(&error.to_string());
    }
}
