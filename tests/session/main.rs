//! The session: the latest request wins, pictures are those of `etude sample`, a lost device comes back.

#[path = "../common/mod.rs"]
mod common;
mod drafts;
mod faults;
mod runs;

use etude::{
    app::state::{
        controls::Controls,
        run_requests::{self, Purpose},
    },
    session::{Event, Session, StepUpdate},
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// Nothing here takes longer, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A session on the CPU executor that wakes nobody.
fn session() -> Session {
    Session::new(Arc::new(|_| {})).expect("a thread")
}

/// Controls for a short run on the CPU.
fn controls(steps: usize, count: u32) -> Controls {
    let mut controls = Controls { model: "fashion".to_owned(), steps, seed: 1, count, ..Controls::default() };
    controls.view.interpolate.seeds = [1, 2, 3, 4];
    controls.view.device = "cpu".to_owned();
    controls
}

/// The request of `controls` for the panel `purpose`.
fn request(id: u64, purpose: Purpose, controls: &Controls) -> etude::session::Request {
    run_requests::request(id, purpose, controls).expect("a request")
}

/// Collects events until `enough` of them, or fails.
fn collect(session: &Session, enough: impl Fn(&[Event]) -> bool) -> Vec<Event> {
    let (start, mut all) = (Instant::now(), Vec::new());
    while !enough(&all) {
        assert!(start.elapsed() < PATIENCE, "no end after {} events: {:?}", all.len(), all.last().map(name));
        std::thread::sleep(Duration::from_millis(2));
        all.extend(session.drain());
    }
    all
}

/// Whether request `id` has ended, one way or the other.
fn ended(id: u64) -> impl Fn(&[Event]) -> bool {
    move |events| events.iter().any(|e| matches!(e, Event::Finished { id: i } | Event::Failed { id: i, .. } if *i == id))
}

/// The updates of a request.
fn updates(events: &[Event], id: u64) -> Vec<&StepUpdate> {
    events.iter().filter_map(|e| if let Event::Step(f) = e { Some(&**f).filter(|f| f.id == id) } else { None }).collect()
}

fn name(event: &Event) -> String {
    match event {
        Event::Device { info, .. } => format!("device {}", info.name),
        Event::Planned(plan) => format!("planned {}", plan.id),
        Event::Step(update) => format!("update {} {}.{}", update.id, update.group, update.index),
        Event::Finished { id } => format!("finished {id}"),
        Event::Failed { id, message, .. } => format!("failed {id}: {message}"),
        Event::Recovered { id, message } => format!("recovered {id}: {message}"),
        Event::Done(outcome) => format!("done {outcome:?}"),
    }
}
