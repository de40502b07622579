//! The recipe in an SVG file: an element of its own in the metadata, which drawing programs keep.

use super::recipe_text::LONGEST_RECIPE;
use std::io::{self, Read};

/// The namespace of the recipe's element, and its name.
pub(crate) const NAMESPACE: &str = "urn:etude";
pub(crate) const RECIPE: &str = "etude:recipe";
/// No figure is larger than this, in bytes.
const MAX_BYTES: u64 = 256 << 20;

/// Whether a file begins as an SVG does.
pub(super) fn begins(start: &[u8]) -> bool {
    let start = start.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(start).trim_ascii_start();
    start.starts_with(b"<?xml") || start.starts_with(b"<svg") || start.starts_with(b"<!--") || start.starts_with(b"<!DOCTYPE svg")
}

/// The recipe in the SVG that `input` is at the start of, `None` if there is none. What is no XML is an error of kind `InvalidData`.
pub(super) fn find_recipe(input: impl Read) -> io::Result<Option<String>> {
    let mut text = String::new();
    input.take(MAX_BYTES).read_to_string(&mut text)?;
    let invalid = |what: String| io::Error::new(io::ErrorKind::InvalidData, what);
    // Drawing programs write a document type; entities are not resolved beyond what the parser allows.
    let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
    let document = roxmltree::Document::parse_with_options(&text, options).map_err(|error| invalid(error.to_string()))?;
    let name = RECIPE.split(':').next_back().unwrap_or_default();
    let found =
        document.descendants().find(|node| node.tag_name().namespace() == Some(NAMESPACE) && node.tag_name().name() == name);
    let Some(recipe) = found.and_then(|node| node.text()) else { return Ok(None) };
    if recipe.len() > LONGEST_RECIPE {
        return Err(invalid(format!("a text is longer than the {LONGEST_RECIPE} bytes of any recipe")));
    }
    Ok(Some(recipe.to_owned()))
}
