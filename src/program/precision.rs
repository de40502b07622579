//! How many bits weights and activations are stored in.

use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// The type of weights and activations; sums are f32 whatever it is, but for parts of them in [`Self::F16Fast`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Precision {
    /// 32 bits.
    #[default]
    F32,
    /// 16 bits of storage, on a GPU.
    F16,
    /// As [`Self::F16`], and a GPU's convolutions add up 16 products at a time in 16 bits, before these go into a sum of 32.
    F16Fast,
    /// The CPU executor's convolutions multiply values of 16 bits with the exponent of an f32; what is stored between them stays f32.
    Bf16,
}

impl Precision {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::F32, Self::F16, Self::F16Fast, Self::Bf16];

    /// Reads one by its name, or by whether it is [`Self::F16`], as version 0.1.0 wrote it.
    ///
    /// # Errors
    /// Neither of the two.
    pub fn by_name_or_flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Stored {
            Flag(bool),
            Name(Precision),
        }
        Ok(match Stored::deserialize(deserializer)? {
            Stored::Flag(true) => Self::F16,
            Stored::Flag(false) => Self::F32,
            Stored::Name(precision) => precision,
        })
    }

    /// Whether what is stored has 16 bits.
    pub fn is_f16(self) -> bool {
        matches!(self, Self::F16 | Self::F16Fast)
    }

    /// Bytes of four channels.
    pub fn c4_bytes(self) -> u64 {
        match self {
            Self::F32 | Self::Bf16 => 16,
            Self::F16 | Self::F16Fast => 8,
        }
    }
}

impl fmt::Display for Precision {
    /// As `--precision` takes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::F16Fast => "f16-fast",
            Self::Bf16 => "bf16",
        })
    }
}
