//! What a folder holds, as messages list it; and small files read whole.

use crate::{
    error::{Error, Result},
    files,
};
use std::path::Path;

/// The largest JSON file read; configs have a few KiB, one with 100,000 trained betas about two MiB.
const LARGEST_JSON: u64 = 16 << 20;

/// "are: a, b", or "is nothing".
pub(super) fn there(names: &[String]) -> String {
    match names {
        [] => "is nothing".to_owned(),
        [one] => format!("is {one}"),
        many => format!("are {}", listed(many.iter().map(String::as_str))),
    }
}

/// Names side by side, of many the first dozen.
pub(super) fn listed<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    const SHOWN: usize = 12;
    let more = names.len().saturating_sub(SHOWN);
    let names: Vec<String> = names.take(SHOWN).map(|n| n.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()).collect();
    let text = names.join(", ");
    if more > 0 { format!("{text} and {more} more") } else { text }
}

/// The bytes of a JSON file.
///
/// # Errors
/// It cannot be read or is too large to be one.
pub(super) fn read(path: &Path) -> Result<Vec<u8>> {
    let bad = |e: std::io::Error| Error::file(path, format!("cannot be read: {e}"));
    // A folder or a device has no size.
    let size = files::plain_size(path).map_err(bad)?;
    if size.is_none_or(|size| size > LARGEST_JSON) {
        let got = size.map_or("a folder or a device".to_owned(), |size| format!("{size} bytes"));
        return Err(Error::file(path, format!("expected a JSON file of at most {LARGEST_JSON} bytes, got {got}")));
    }
    files::read(path).map_err(bad)
}
