//! Models from the Hugging Face Hub, by `owner/name` or `owner/name@revision`: looked up in the Hub's own cache on this disk, and fetched where
//! they are not there. The network is touched by [`fetch`] alone, which runs when the user has named a model that is not in the cache.
//!
//! ```text
//! name ── cache::look_up ──> Snapshot, a folder that Model::open takes
//!            │ not there
//!            ▼
//!         fetch: client::listing ─> needed ─> client::facts ─> download::bring (resume, SHA-256) ─> cache: links, then the ref
//!            │                        a Watch carries progress out and a cancellation in
//! ```
//!
//! # Why not the crate hf-hub
//!
//! hf-hub 1.0 writes to `<blob>.incomplete` from the start each time, so an interrupted download of 455 MB begins anew; it does not
//! compare SHA-256; and it brings tokio, reqwest, hyper and the Xet client. Here one thread makes one request after the other, which ureq does with
//! rustls (ring, so that no cmake or nasm is needed to build; certificates are checked against the system's own). The cache's layout is a page
//! of code and is tested against Python's huggingface_hub (tests/hub/compat.py).

#[cfg_attr(target_arch = "wasm32", allow(dead_code, reason = "a page has no cache of the Hub's kind"))]
mod name;
mod snapshot;
#[cfg_attr(target_arch = "wasm32", allow(dead_code, reason = "a browser waits and tries again itself"))]
mod watch;
mod well_known;

#[cfg(not(target_arch = "wasm32"))]
mod cache;
#[cfg(not(target_arch = "wasm32"))]
mod client;
#[cfg(not(target_arch = "wasm32"))]
mod download;
#[cfg(not(target_arch = "wasm32"))]
mod environment;
#[cfg(not(target_arch = "wasm32"))]
mod fetch;
mod listing;
#[cfg(not(target_arch = "wasm32"))]
mod lock;
mod needed;
#[cfg(not(target_arch = "wasm32"))]
mod refusals;
#[cfg(not(target_arch = "wasm32"))]
mod url;
#[cfg(target_arch = "wasm32")]
mod web;

pub use name::HubName;
pub use snapshot::{Cached, Snapshot};
pub use watch::{Progress, Watch, bytes};
pub use well_known::{WELL_KNOWN, WellKnown};

#[cfg(not(target_arch = "wasm32"))]
pub use self::{
    cache::{list, look_up},
    environment::Settings,
    fetch::{fetch, fetch_in_task},
};
pub use self::{
    listing::{Listed, Listing},
    needed::{Needed, needed, shards},
};
#[cfg(target_arch = "wasm32")]
pub use web::{Settings, fetch_in_task, list, look_up};
