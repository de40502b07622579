//! config.json's down_block_types and up_block_types -> what each level does.

use crate::{error::Result, json::Fields};
use serde_json::Value;

/// One entry per level: ten would halve the picture nine times, the deepest published models have six.
pub(super) fn list<'a>(fields: &Fields<'a>, key: &str) -> Result<Option<&'a Vec<Value>>> {
    let Some(value) = fields.value(key) else { return Ok(None) };
    let list = value.as_array().filter(|l| (1..=10).contains(&l.len()));
    list.map(Some).ok_or_else(|| fields.wrong(key, "a list of 1 to 10 entries"))
}

/// What a level does besides its resnets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Level {
    /// Attention after every resnet.
    pub attention: bool,
    /// A resnet changes the sides at its end, and not a convolution.
    pub resnet: bool,
}

/// One direction through the U-Net.
pub(super) struct Direction {
    /// The key of the types.
    pub key: &'static str,
    /// The key that says how a level with attention changes the sides.
    pub sampler_key: &'static str,
    /// The types: without attention, with it, without it and with a resnet that changes the sides.
    pub types: [&'static str; 3],
    /// Attention of each level where the file does not say.
    pub default: [bool; 4],
}

/// Going down.
pub(super) const DOWN: Direction = Direction {
    key: "down_block_types",
    sampler_key: "downsample_type",
    types: ["DownBlock2D", "AttnDownBlock2D", "ResnetDownsampleBlock2D"],
    default: [false, true, true, true],
};

/// Going up.
pub(super) const UP: Direction = Direction {
    key: "up_block_types",
    sampler_key: "upsample_type",
    types: ["UpBlock2D", "AttnUpBlock2D", "ResnetUpsampleBlock2D"],
    default: [true, true, true, false],
};

/// A name this like another one is a slip of the pen; names of other blocks are less alike (`AttnDownBlock2D`, `CrossAttnDownBlock2D`).
const ALIKE: f64 = 0.9;

impl Direction {
    /// What is expected in the place of a type that is none of ours; the one that was meant, where it is misspelt.
    fn expected(&self, value: &Value) -> String {
        let got = value.as_str().unwrap_or_default();
        let alike = |known: &&&str| strsim::normalized_damerau_levenshtein(&got.to_lowercase(), &known.to_lowercase());
        let nearest = self.types.iter().max_by(|a, b| alike(a).total_cmp(&alike(b)));
        let meant = nearest.filter(|known| alike(known) >= ALIKE).map(|known| format!("; {got:?} is not one, is {known} meant?"));
        format!("each of {} (no other block type is supported){}", self.types.join(", "), meant.unwrap_or_default())
    }

    /// The levels, in the file's order. diffusers reads `sampler_key` for the types with attention alone.
    ///
    /// # Errors
    /// Not a list, or a type that is none of the three.
    pub fn levels(&self, fields: &Fields) -> Result<Vec<Level>> {
        let resnet = fields.choice(self.sampler_key, &["conv", "resnet"])? == Some(1);
        let with_attention = |attention: bool| Level { attention, resnet: attention && resnet };
        let Some(list) = list(fields, self.key)? else {
            return Ok(self.default.map(with_attention).to_vec());
        };
        let one = |v: &Value| {
            // The oldest files say UNetResDownBlock2D.
            let name = v.as_str().map(|text| text.strip_prefix("UNetRes").unwrap_or(text));
            match self.types.iter().position(|known| Some(*known) == name) {
                Some(0) => Ok(with_attention(false)),
                Some(1) => Ok(with_attention(true)),
                Some(_) => Ok(Level { attention: false, resnet: true }),
                None => Err(fields.wrong(self.key, &self.expected(v))),
            }
        };
        list.iter().map(one).collect()
    }
}
