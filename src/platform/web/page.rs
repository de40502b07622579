//! What only the page has: its canvas, the user's files, its address.

use super::{PickedFile, text_of};
use crate::{
    error::{Error, Result},
    platform::Picked,
};
use js_sys::{Array, Promise, Uint8Array};
use std::{path::PathBuf, pin::Pin};
use wasm_bindgen::{JsCast, closure::Closure, prelude::wasm_bindgen};
use wasm_bindgen_futures::JsFuture;
use web_sys::File;

#[wasm_bindgen(module = "/web/platform.js")]
extern "C" {
    #[wasm_bindgen(js_name = pick)]
    fn js_pick(accept: &str, several: bool) -> Promise;
    #[wasm_bindgen(js_name = on_paste)]
    fn js_on_paste(take: &Closure<dyn FnMut(Array)>);
    #[wasm_bindgen(js_name = base_address)]
    fn js_base_address() -> String;
    #[wasm_bindgen(js_name = address_recipe)]
    fn js_address_recipe() -> String;
    #[wasm_bindgen(js_name = set_address_recipe)]
    fn js_set_address_recipe(recipe: &str, fresh: bool);
    #[wasm_bindgen(js_name = offer)]
    fn js_offer(name: &str, read: &Closure<dyn FnMut() -> String>);
    #[wasm_bindgen(js_name = on_address)]
    fn js_on_address(take: &Closure<dyn FnMut()>);
}

/// The canvas that the viewer is drawn on.
///
/// # Errors
/// The page has none.
pub fn canvas() -> Result<web_sys::HtmlCanvasElement> {
    let found = web_sys::window().and_then(|window| window.document()).and_then(|document| document.get_element_by_id("etude"));
    let canvas = found.and_then(|element| element.dyn_into().ok());
    canvas
        .ok_or_else(|| Error::argument("the page has no canvas of the id etude; serve the folder as scripts/web.sh build makes it"))
}

async fn read(file: &File) -> Result<PickedFile> {
    let name = PathBuf::from(file.name());
    let buffer = JsFuture::from(file.array_buffer()).await;
    let buffer = buffer.map_err(|e| Error::file(&name, format!("cannot be read: {}", text_of(&e))))?;
    Ok(PickedFile::new(name, Uint8Array::new(&buffer).to_vec()))
}

async fn read_all(files: &Array) -> Result<Vec<PickedFile>> {
    let mut read_files = Vec::new();
    for file in files.iter().filter_map(|file| file.dyn_into::<File>().ok()) {
        read_files.push(read(&file).await?);
    }
    Ok(read_files)
}

/// Asks for files of these endings; none where the user calls it off.
///
/// # Errors
/// One that was chosen cannot be read.
pub async fn pick_files(endings: &[&str]) -> Result<Vec<PickedFile>> {
    let accept: Vec<String> = endings.iter().map(|ending| format!(".{ending}")).collect();
    let picked = JsFuture::from(js_pick(&accept.join(","), true)).await;
    read_all(&picked.map(|files| Array::from(&files)).unwrap_or_default()).await
}

/// Asks for a picture, a file of one of these endings.
pub async fn pick_picture(_title: &str, endings: &[&str]) -> Picked<PickedFile> {
    let accept: Vec<String> = endings.iter().map(|ending| format!(".{ending}")).collect();
    let Ok(files) = JsFuture::from(js_pick(&accept.join(","), false)).await else { return Picked::NoDialog };
    // One that has gone in the meantime is as good as none.
    let files = read_all(&Array::from(&files)).await.unwrap_or_default();
    files.into_iter().next().map_or(Picked::CalledOff, Picked::Chosen)
}

/// A page cannot ask for a folder.
pub async fn pick_folder(_title: &str) -> Picked<PathBuf> {
    Picked::CalledOff
}

/// From now on `take` gets the files that are pasted, those of one gesture as one future.
pub fn on_paste(take: impl Fn(Pin<Box<dyn Future<Output = Result<Vec<PickedFile>>>>>) + 'static) {
    let closure: Closure<dyn FnMut(Array)> =
        Closure::new(move |files: Array| take(Box::pin(async move { read_all(&files).await })));
    js_on_paste(&closure);
    closure.forget();
}

/// The page's address without its recipe.
pub fn base_address() -> String {
    js_base_address()
}

/// The recipe in the page's address, with its #; empty where there is none.
pub fn address_recipe() -> String {
    js_address_recipe()
}

/// Puts a recipe into the page's address; a `fresh` one has a place of its own in the browser's history.
pub fn set_address_recipe(recipe: &str, fresh: bool) {
    js_set_address_recipe(recipe, fresh);
}

/// From now on `take` is called when another recipe is in the address.
pub fn on_address(take: impl Fn() + 'static) {
    let closure: Closure<dyn FnMut()> = Closure::new(take);
    js_on_address(&closure);
    closure.forget();
}

/// Offers the page's tests what `read` returns, JSON, as a function of this name.
pub fn offer(name: &str, read: impl Fn() -> String + 'static) {
    let closure: Closure<dyn FnMut() -> String> = Closure::new(read);
    js_offer(name, &closure);
    closure.forget();
}
