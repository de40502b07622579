//! The only place that knows what a thread, a clock, a file dialog or a download is: `native.rs` for desktops, `web.rs` for a page.
//! Both offer the same names, but for those that block, which a page has not, and those of its worker and its address.
//!
//! Work is written as futures. A desktop gives each task a thread that blocks on it ([`spawn`], [`block_on`]); a page runs them all
//! on its one thread, which never waits.

mod clock;
#[cfg(not(target_arch = "wasm32"))]
mod native;
#[cfg(feature = "app")]
mod picked;
#[cfg(target_arch = "wasm32")]
mod web;

#[cfg(not(target_arch = "wasm32"))]
use native as system;
#[cfg(target_arch = "wasm32")]
use web as system;

pub use clock::Clock;
#[cfg(feature = "app")]
pub use picked::Picked;

#[cfg(not(target_arch = "wasm32"))]
pub use native::{
    arguments, block_on, cache_folder, catch_panic_quietly, home_folder, name_session_folder, spawn_on_cores, variable,
};
pub use system::{PickedFile, Task, catch_panic, catch_panic_async, current_folder, give_way, pause, random_seed, rest, spawn};
#[cfg(feature = "app")]
pub use system::{base_address, pick_folder, pick_picture};
#[cfg(target_arch = "wasm32")]
pub use web::{
    Fetched, ask_for_subgroups, download, fetch_file, has_subgroups, is_page, listen, post, post_file, say_on_page, show_panics,
    spawn_here, why_no_gpu,
};
#[cfg(all(feature = "app", target_arch = "wasm32"))]
pub use web::{address_recipe, canvas, offer, on_address, on_paste, pick_files, set_address_recipe};
/// A clock that only goes forward; the page's own in a browser, where the standard library's panics.
pub use web_time::Instant;
