//! A picture that the user gave. It travels in the recipe as a PNG in base64, so that the recipe makes the same again.

use crate::picture::{Picture, decode, png};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};
use std::{path::Path, sync::Arc};

/// The longest side of a picture in a recipe: pictures are stored at the size that the network takes.
const MAX_SIDE: usize = 4096;

/// A picture that the user gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct GivenPicture {
    /// Its file's name, or what it is.
    pub name: String,
    /// Its pixels, at the size that the network takes.
    pub picture: Arc<Picture>,
}

/// A longer name is cut.
const SHORT: usize = 28;

impl GivenPicture {
    /// Its name, cut where it is long.
    pub fn short_name(&self) -> String {
        if self.name.chars().count() <= SHORT {
            return self.name.clone();
        }
        format!("{}…", self.name.chars().take(SHORT - 1).collect::<String>())
    }
}

/// As a recipe holds it.
#[derive(Serialize, Deserialize)]
struct Stored {
    name: String,
    png: String,
}

impl From<GivenPicture> for Stored {
    fn from(given: GivenPicture) -> Self {
        let mut bytes = Vec::new();
        // Writing to memory fails for a picture without pixels alone, which reading refuses.
        let png = png::encode(&mut bytes, &given.picture, None).map(|()| BASE64_STANDARD.encode(&bytes)).unwrap_or_default();
        Self { name: given.name, png }
    }
}

impl TryFrom<Stored> for GivenPicture {
    type Error = String;

    fn try_from(stored: Stored) -> Result<Self, String> {
        let what = |e: &dyn std::fmt::Display| format!("its picture {:?} cannot be read: {e}", stored.name);
        let bytes = BASE64_STANDARD.decode(&stored.png).map_err(|e| what(&e))?;
        let picture = decode::decode(&bytes, Path::new(&stored.name)).map_err(|e| what(&e))?;
        if picture.width.max(picture.height) > MAX_SIDE {
            return Err(what(&format!("expected sides up to {MAX_SIDE}, got {} x {}", picture.width, picture.height)));
        }
        Ok(Self { picture: Arc::new(picture), name: stored.name })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_survive_json_and_damage_is_told() {
        for colour in [[9, 9, 9], [250, 3, 77]] {
            let mut picture = Picture::filled(5, 3, colour);
            picture.pixels[7] = [1, 1, 1];
            let given = GivenPicture { name: "a.png".to_owned(), picture: Arc::new(picture) };
            let json = serde_json::to_string(&given).expect("JSON");
            assert_eq!(serde_json::from_str::<GivenPicture>(&json).expect("read"), given);
        }
        for png in ["", "!!", "aGVsbG8="] {
            let json = format!("{{\"name\": \"b.png\", \"png\": \"{png}\"}}");
            let error = serde_json::from_str::<GivenPicture>(&json).expect_err("refused").to_string();
            assert!(error.contains("its picture \"b.png\" cannot be read"), "{error}");
        }
    }
}
