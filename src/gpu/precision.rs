//! How many bits weights and activations are stored in.

use serde::{Deserialize, Serialize};

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
