//! The recipe in a picture file: the JSON that makes the same picture again, found without decoding any pixel.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use super::{gif, png};
use crate::error::{Error, Result};
use crate::files::one_line;

/// What the recipe is filed under.
pub(super) const KEYWORD: &str = "etude";
/// The longest recipe written or read, in bytes; real ones have a few hundred.
pub const LONGEST_RECIPE: usize = 1 << 20;

/// The recipe inside the PNG or GIF file at `path`, or `None` if it has none. Of a hostile file no more than a few MiB are held.
///
/// # Errors
/// [`Error::File`] if the file cannot be read, is neither PNG nor GIF, is damaged or cut short before the recipe, or holds a longer
/// text than [`LONGEST_RECIPE`] allows.
pub fn read_recipe(path: impl AsRef<Path>) -> Result<Option<String>> {
    let path = path.as_ref();
    find_recipe(path).map_err(|error| {
        let what = match error.kind() {
            io::ErrorKind::UnexpectedEof => "is empty or cut short, expected a whole PNG or GIF; get the file again".into(),
            io::ErrorKind::InvalidData => {
                format!("is not an intact picture: {}; give the PNG or GIF that etude wrote", one_line(&error))
            }
            _ => format!("cannot be read: {}; give the PNG or GIF that etude wrote", one_line(&error)),
        };
        Error::file(path, what)
    })
}

fn find_recipe(path: &Path) -> io::Result<Option<String>> {
    let mut input = BufReader::new(File::open(path)?);
    let start = input.fill_buf()?;
    if start.is_empty() {
        Err(io::ErrorKind::UnexpectedEof.into())
    } else if start.starts_with(b"GIF8") {
        gif::find_recipe(input)
    } else if start.starts_with(b"\x89PNG") {
        png::find_recipe(input)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidData, "it is neither PNG nor GIF"))
    }
}

/// Refuses a recipe for `path` that [`read_recipe`] would refuse to read.
pub(super) fn check_length(path: &Path, recipe: Option<&str>) -> Result<()> {
    match recipe {
        Some(recipe) if recipe.len() > LONGEST_RECIPE => {
            Err(Error::file(path, format!("its recipe has {} bytes, at most {LONGEST_RECIPE} fit; leave it out", recipe.len())))
        }
        _ => Ok(()),
    }
}
