//! Files from the network or from the browser's cache, with their progress.

use super::text_of;
use js_sys::{Promise, Uint8Array};
use wasm_bindgen::{JsCast, closure::Closure, prelude::wasm_bindgen};
use wasm_bindgen_futures::JsFuture;

#[wasm_bindgen(module = "/web/platform.js")]
extern "C" {
    #[wasm_bindgen(js_name = fetch_file)]
    fn js_fetch_file(address: &str, sha256: Option<&str>, progress: &Closure<dyn FnMut(f64, f64) -> bool>) -> Promise;
}

/// A file's bytes. They lie outside the program's own memory, which would never become smaller again.
#[derive(Debug)]
pub struct Fetched(Uint8Array);

impl Fetched {
    /// Of these bytes.
    pub fn new(bytes: &[u8]) -> Self {
        Self(Uint8Array::from(bytes))
    }

    /// How many there are.
    pub fn len(&self) -> u64 {
        u64::from(self.0.length())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A copy.
    pub fn bytes(&self) -> Vec<u8> {
        self.0.to_vec()
    }

    pub(super) fn into_array(self) -> Uint8Array {
        self.0
    }
}

/// Fetches the file at an address, relative to the page's, or takes it from the browser's cache; checks its SHA-256, where it is known.
/// `progress` is told how many bytes have come and how many will, 0 where that is not known, and says whether to go on.
///
/// # Errors
/// Why there is none, in one line.
pub async fn fetch_file(
    address: &str,
    sha256: Option<&str>,
    progress: impl FnMut(u64, u64) -> bool + 'static,
) -> Result<Fetched, String> {
    let mut progress = progress;
    let progress: Closure<dyn FnMut(f64, f64) -> bool> =
        Closure::new(move |done: f64, total: f64| progress(done as u64, total as u64));
    let fetched = JsFuture::from(js_fetch_file(address, sha256, &progress)).await.map_err(|e| text_of(&e))?;
    fetched.dyn_into().map(Fetched).map_err(|_| "the browser gives no bytes".to_owned())
}
