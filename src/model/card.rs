//! A model's card: where its weights come from, as training/export.py writes it beside them.

use crate::json;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::Path};

/// card.json. What is missing there stays empty: cards are to be read, nothing depends on them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Card {
    /// The training set.
    pub data: Data,
    /// How the weights were trained.
    pub training: Training,
    /// The measured FIDs, if any.
    pub fid: Option<Fid>,
}

/// The training set of a [`Card`].
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Data {
    /// What it is called.
    pub title: String,
    /// Number of pictures.
    pub pictures: u64,
    /// Its licence.
    pub licence: String,
}

/// The training of a [`Card`].
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Training {
    /// Pictures seen, repeats counted.
    pub images: u64,
    /// How long it took.
    pub minutes: f64,
    /// What it ran on.
    pub hardware: Vec<String>,
    /// The model whose weights it began with, if any.
    pub start: Option<Start>,
}

/// The model a [`Training`] began with.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Start {
    /// Pictures it had seen.
    pub images: u64,
}

/// Fréchet Inception Distances over S and η, as training/fid_table.py measures them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Fid {
    /// Samples behind each number.
    pub samples: u64,
    /// The set they are compared with.
    pub reference: String,
    /// S -> (η or "sigma-hat" -> FID).
    pub table: BTreeMap<String, BTreeMap<String, f64>>,
}

impl Card {
    /// Parses card.json; `None`, and a line in the log, where it is something else.
    pub fn from_json(bytes: &[u8], path: &Path) -> Option<Self> {
        json::parse_as(bytes).inspect_err(|e| tracing::info!("{}: not read as a model card: {e}", path.display())).ok()
    }

    /// What `etude info` says, a name and a text a line; nothing for what the card does not say.
    pub fn lines(&self) -> Vec<(&'static str, String)> {
        let mut lines = Vec::new();
        if !self.data.title.is_empty() {
            lines.push(("data", format!("{}: {} pictures (licence: {})", self.data.title, self.data.pictures, self.data.licence)));
        }
        if self.training.images > 0 {
            let Training { images, minutes, hardware, start } = &self.training;
            let before = start.as_ref().map_or(String::new(), |start| format!(", after {} in a training before", start.images));
            lines.push((
                "training",
                format!("{images} images seen in {minutes:.0} minutes on {}{before}", hardware.join(", then ")),
            ));
        }
        lines.extend(self.fid.as_ref().and_then(Fid::line).map(|line| ("FID", line)));
        lines
    }
}

impl Fid {
    /// The lowest of the table with the S and η it is for.
    fn line(&self) -> Option<String> {
        let cells = self.table.iter().flat_map(|(s, row)| row.iter().map(move |(eta, fid)| (*fid, s, eta)));
        let (fid, s, eta) = cells.min_by(|a, b| a.0.total_cmp(&b.0))?;
        let noise = if eta == "sigma-hat" { "σ̂".to_owned() } else { format!("η = {eta}") };
        Some(format!("{fid:.1} at S = {s}, {noise} ({} samples against {})", self.samples, self.reference))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_it_knows() {
        let json = r#"{"data": {"title": "Shapes", "pictures": 12, "licence": "MIT", "source": "a test"}, "unknown": [1],
            "training": {"images": 3400, "minutes": 1.4, "hardware": ["a CPU", "a GPU"], "start": {"images": 500, "name": "x"}},
            "fid": {"samples": 500, "reference": "shapes", "table": {"10": {"0": 20.5, "1": 44.0}, "50": {"sigma-hat": 12.25}}}}"#;
        let card = Card::from_json(json.as_bytes(), Path::new("card.json")).expect("a card");
        assert_eq!(
            card.lines(),
            [
                ("data", "Shapes: 12 pictures (licence: MIT)".to_owned()),
                ("training", "3400 images seen in 1 minutes on a CPU, then a GPU, after 500 in a training before".to_owned()),
                ("FID", "12.2 at S = 50, σ̂ (500 samples against shapes)".to_owned()),
            ]
        );
    }

    #[test]
    fn whatever_is_written_there_does_no_harm() {
        for json in ["", "[", "{\"data\": 1}", "{\"fid\": {\"table\": {\"10\": 3}}}", "\0"] {
            assert!(Card::from_json(json.as_bytes(), Path::new("card.json")).is_none(), "{json}");
        }
        assert!(Card::from_json(b"{}", Path::new("card.json")).expect("empty").lines().is_empty());
    }
}
