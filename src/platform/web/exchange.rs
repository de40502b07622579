//! What the page and the worker tell each other: bytes, and files.

use js_sys::Uint8Array;
use wasm_bindgen::{closure::Closure, prelude::wasm_bindgen};

#[wasm_bindgen(module = "/web/platform.js")]
extern "C" {
    #[wasm_bindgen(js_name = listen)]
    fn js_listen(take: &Closure<dyn FnMut(Uint8Array)>, take_file: &Closure<dyn FnMut(String, Uint8Array)>);
    #[wasm_bindgen(js_name = post)]
    fn js_post(bytes: &Uint8Array);
    #[wasm_bindgen(js_name = post_file)]
    fn js_post_file(path: &str, bytes: &Uint8Array);
}

/// From now on `take` gets each message of the other side, and `take_file` each file.
pub fn listen(mut take: impl FnMut(Vec<u8>) + 'static, mut take_file: impl FnMut(String, Vec<u8>) + 'static) {
    let take: Closure<dyn FnMut(Uint8Array)> = Closure::new(move |bytes: Uint8Array| take(bytes.to_vec()));
    let take_file: Closure<dyn FnMut(String, Uint8Array)> =
        Closure::new(move |path, bytes: Uint8Array| take_file(path, bytes.to_vec()));
    js_listen(&take, &take_file);
    // As long as the program.
    take.forget();
    take_file.forget();
}

/// Sends a message to the other side.
pub fn post(bytes: &[u8]) {
    js_post(&Uint8Array::from(bytes));
}

/// Sends a file to the other side.
pub fn post_file(path: &str, file: super::Fetched) {
    js_post_file(path, &file.into_array());
}
