//! Browsers: a page draws, and a worker beside it computes; each has one thread, which must not wait. Files come from the user one by one
//! and go to the downloads. The lines of JavaScript that all of this needs are in web/platform.js.

mod exchange;
mod fetch;
#[cfg(feature = "app")]
mod page;

pub use exchange::{listen, post, post_file};
pub use fetch::{Fetched, fetch_file};
#[cfg(feature = "app")]
pub use page::{
    address_recipe, base_address, canvas, offer, on_address, on_paste, pick_files, pick_folder, pick_picture, set_address_recipe,
};

use crate::error::{Error, Result};
use js_sys::{Promise, Uint8Array};
use std::{
    future::Future,
    io::{self, BufRead, Seek},
    path::{Path, PathBuf},
    time::Duration,
};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use wasm_bindgen_futures::{JsFuture, spawn_local};

#[wasm_bindgen]
extern "C" {
    // Both a page and a worker have it.
    #[wasm_bindgen(js_namespace = crypto, js_name = getRandomValues)]
    fn get_random_values(bytes: &Uint8Array);
}

#[wasm_bindgen(module = "/web/platform.js")]
extern "C" {
    #[wasm_bindgen(js_name = on_page)]
    fn js_on_page() -> bool;
    #[wasm_bindgen(js_name = show_fault)]
    fn js_show_fault(text: &str);
    #[wasm_bindgen(js_name = pause)]
    fn js_pause() -> Promise;
    #[wasm_bindgen(js_name = download, catch)]
    fn js_download(name: &str, bytes: &Uint8Array) -> Result<(), JsValue>;
    #[wasm_bindgen(js_name = why_no_webgpu)]
    fn js_why_no_webgpu() -> String;
    #[wasm_bindgen(js_name = ask_for_subgroups)]
    fn js_ask_for_subgroups();
    #[wasm_bindgen(js_name = has_subgroups)]
    fn js_has_subgroups() -> bool;
}

/// Whether this is the page, and not its worker.
pub fn is_page() -> bool {
    js_on_page()
}

/// Shows a text on the page in the viewer's place.
pub fn say_on_page(text: &str) {
    js_show_fault(text);
}

/// From now on a panic's text is shown on the page.
pub fn show_panics() {
    std::panic::set_hook(Box::new(|panic| js_show_fault(&panic.to_string())));
}

/// Why no GPU computes here.
pub fn why_no_gpu() -> String {
    js_why_no_webgpu()
}

/// From now on devices of software adapters are opened with subgroups, where they have them: wgpu does not ask browsers for them.
pub fn ask_for_subgroups() {
    js_ask_for_subgroups();
}

/// Whether the device that was opened last has subgroups.
pub fn has_subgroups() -> bool {
    js_has_subgroups()
}

/// Leaves the cores to others: a page must not wait, and draws when the browser likes.
pub fn rest(_time: Duration) {}

/// There is no other thread.
pub fn give_way() {}

/// Lets the browser draw and take input before the task goes on.
pub async fn pause() {
    // It never fails.
    let _ = JsFuture::from(js_pause()).await;
}

/// A task that was spawned. Dropping it leaves the task alone.
#[derive(Debug)]
pub struct Task;

impl Task {
    /// Whether the task has ended, as far as is known: a page cannot wait for it.
    pub fn wait(&self, _patience: Duration) -> bool {
        false
    }
}

/// Starts a task on this thread; it gets its turns when the caller's own work is done.
///
/// # Errors
/// None here; a desktop may have no thread left.
pub fn spawn<F>(_name: &str, make: impl FnOnce() -> F + Send + 'static) -> Result<Task>
where
    F: Future<Output = ()> + 'static,
{
    spawn_local(async { make().await });
    Ok(Task)
}

/// As [`spawn`], of what cannot go to another thread.
pub fn spawn_here(task: impl Future<Output = ()> + 'static) {
    spawn_local(task);
}

/// Runs `work`. A panic ends the program here: the page shows its text.
///
/// # Errors
/// None here; on a desktop the panic's text.
pub fn catch_panic<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    Ok(work())
}

/// As [`catch_panic`], of a future.
///
/// # Errors
/// None here; on a desktop the panic's text.
pub async fn catch_panic_async<T>(work: impl Future<Output = T>) -> Result<T, String> {
    Ok(work.await)
}

/// A number nobody can foresee.
pub fn random_seed() -> u64 {
    let bytes = Uint8Array::new_with_length(8);
    get_random_values(&bytes);
    let mut seed = [0; 8];
    bytes.copy_to(&mut seed);
    u64::from_le_bytes(seed)
}

/// The place files are named in: there is no folder, only names.
pub fn current_folder() -> PathBuf {
    PathBuf::new()
}

/// A file the user gave.
#[derive(Clone, Debug)]
pub struct PickedFile {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl PickedFile {
    /// A file of this name with these bytes.
    pub fn new(path: PathBuf, bytes: Vec<u8>) -> Self {
        Self { path, bytes }
    }

    /// What messages call it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its content from the start.
    ///
    /// # Errors
    /// None here; on a desktop the file may not open.
    pub fn open(&self) -> io::Result<impl BufRead + Seek + '_> {
        Ok(io::Cursor::new(&self.bytes))
    }

    /// Its bytes.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// Gives the user a file of this name to download.
///
/// # Errors
/// The browser refuses it.
pub fn download(name: &str, bytes: &[u8]) -> Result<()> {
    js_download(name, &Uint8Array::from(bytes)).map_err(|e| Error::file(name, format!("cannot be downloaded: {}", text_of(&e))))
}

/// What a value that was thrown says.
fn text_of(thrown: &JsValue) -> String {
    let message = || js_sys::Reflect::get(thrown, &"message".into()).ok()?.as_string();
    let text = thrown.as_string().or_else(message).unwrap_or_else(|| "no reason given".to_owned());
    text.replace(char::is_control, " ")
}
