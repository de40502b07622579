//! How many bits weights and activations are stored in.

use serde::{Deserialize, Serialize};

/// The type of weights and activations; sums are f32 whatever it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Precision {
    /// 32 bits.
    #[default]
    F32,
    /// 16 bits of storage, on a GPU.
    F16,
    /// The CPU executor's convolutions multiply values of 16 bits with the exponent of an f32; what is stored between them stays f32.
    Bf16,
}

impl Precision {
    /// Bytes of four channels.
    pub fn c4_bytes(self) -> u64 {
        match self {
            Self::F32 | Self::Bf16 => 16,
            Self::F16 => 8,
        }
    }
}
