//! The recipe as a text in a picture's file: what it is filed under, and how long it may be.

use crate::files::refusal;
use std::io;

/// What the recipe is filed under.
pub(super) const KEYWORD: &str = "etude";
/// The longest recipe written or read, in bytes; real ones have a few hundred.
pub const LONGEST_RECIPE: usize = 1 << 20;

/// Refuses a recipe that would be refused when it is read.
pub(super) fn check_length(recipe: Option<&str>) -> io::Result<()> {
    match recipe {
        Some(recipe) if recipe.len() > LONGEST_RECIPE => {
            Err(refusal(format!("its recipe has {} bytes, at most {LONGEST_RECIPE} fit; leave it out", recipe.len())))
        }
        _ => Ok(()),
    }
}
