//! A page: one thread, which must not wait; files come from the user one by one and go to the downloads.

#[cfg(feature = "app")]
use super::picked::Picked;
use crate::error::{Error, Result};
use js_sys::{Array, Function, Promise, Uint8Array};
use std::{
    future::Future,
    io::{self, BufRead, Seek},
    path::{Path, PathBuf},
    time::Duration,
};
use wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};
use wasm_bindgen_futures::{JsFuture, spawn_local};

#[wasm_bindgen]
extern "C" {
    // Both a page and a worker have these.
    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(then: &Function, milliseconds: i32) -> JsValue;
    #[wasm_bindgen(js_namespace = crypto, js_name = getRandomValues)]
    fn get_random_values(bytes: &Uint8Array);
}

/// Leaves the cores to others: a page must not wait, and draws when the browser likes.
pub fn rest(_time: Duration) {}

/// Lets the page draw and take input before the task goes on.
pub async fn pause() {
    let later = Promise::new(&mut |then, _| {
        set_timeout(&then, 0);
    });
    // A timer never fails.
    let _ = JsFuture::from(later).await;
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

/// As [`spawn`]: without threads there are no other cores.
///
/// # Errors
/// None here; a desktop may have no thread left.
pub fn spawn_on_cores<F>(name: &str, make: impl FnOnce() -> F + Send + 'static) -> Result<Task>
where
    F: Future<Output = ()> + 'static,
{
    spawn(name, make)
}

/// Runs `work`. A panic ends the program here: the page shows its text.
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

/// A page cannot ask for a folder.
#[cfg(feature = "app")]
pub async fn pick_folder(_title: &str) -> Picked<PathBuf> {
    Picked::CalledOff
}

/// Asks for a picture, a file of one of these endings.
#[cfg(feature = "app")]
pub async fn pick_picture(title: &str, endings: &[&str]) -> Picked<PickedFile> {
    let dialog = rfd::AsyncFileDialog::new().set_title(title).add_filter("Pictures", endings);
    let Some(file) = dialog.pick_file().await else { return Picked::CalledOff };
    Picked::Chosen(PickedFile::new(file.file_name().into(), file.read().await))
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
}

/// Gives the user a file of this name to download.
///
/// # Errors
/// The page has no document to put a link in.
pub fn download(name: &str, bytes: &[u8]) -> Result<()> {
    let start = || -> Result<(), JsValue> {
        let document = web_sys::window().and_then(|window| window.document()).ok_or("there is no page")?;
        let blob = web_sys::Blob::new_with_u8_array_sequence(&Array::of1(&Uint8Array::from(bytes)))?;
        let address = web_sys::Url::create_object_url_with_blob(&blob)?;
        let link: web_sys::HtmlAnchorElement = document.create_element("a")?.unchecked_into();
        link.set_href(&address);
        link.set_download(name);
        link.click();
        web_sys::Url::revoke_object_url(&address)
    };
    start().map_err(|e| Error::file(name, format!("cannot be downloaded: {}", e.as_string().unwrap_or_default())))
}
