//! The recipe in a picture file: the JSON that makes the same picture again, found without decoding any pixel.

use std::io::{self, BufRead, Seek};
use std::path::Path;

pub use super::recipe_text::LONGEST_RECIPE;

use super::{gif, pdf, png, svg};
use crate::error::{Error, Result};
use crate::files::{self, one_line};

/// The recipe inside the PNG, GIF, SVG or PDF file at `path`, or `None` if it has none; see [`recipe_of`].
///
/// # Errors
/// As [`recipe_of`].
pub fn read_recipe(path: impl AsRef<Path>) -> Result<Option<String>> {
    recipe_of(path.as_ref(), files::open(path.as_ref()))
}

/// The recipe inside a PNG, GIF, SVG or PDF, or `None` if it has none. `input` is at the start of the picture, or says why it did not open;
/// `path` is what messages call it. Of a hostile file no more than a few MiB are held, of an SVG or PDF no more than 256.
///
/// # Errors
/// [`Error::File`] if the file cannot be read, is none of the four, is damaged or cut short before the recipe, or holds a longer
/// text than [`LONGEST_RECIPE`] allows.
pub fn recipe_of(path: &Path, input: io::Result<impl BufRead + Seek>) -> Result<Option<String>> {
    input.and_then(find_recipe).map_err(|error| {
        let what = match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                "is empty or cut short, expected a whole PNG, GIF, SVG or PDF; get the file again".into()
            }
            io::ErrorKind::InvalidData => {
                format!("is not an intact picture: {}; give the file that etude wrote", one_line(&error))
            }
            _ => format!("cannot be read: {}; give the file that etude wrote", one_line(&error)),
        };
        Error::file(path, what)
    })
}

fn find_recipe(mut input: impl BufRead + Seek) -> io::Result<Option<String>> {
    let start = input.fill_buf()?;
    if start.is_empty() {
        Err(io::ErrorKind::UnexpectedEof.into())
    } else if start.starts_with(b"GIF8") {
        gif::find_recipe(input)
    } else if start.starts_with(b"\x89PNG") {
        png::find_recipe(input)
    } else if start.starts_with(b"%PDF") {
        pdf::find_recipe(input)
    } else if svg::begins(start) {
        svg::find_recipe(input)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidData, "it is neither PNG nor GIF nor SVG nor PDF"))
    }
}
