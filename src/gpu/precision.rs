//! How many bits weights and activations are stored in.

use serde::{Deserialize, Serialize};

/// The storage type of weights and activations; arithmetic is f32 either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Precision {
    /// 32 bits.
    #[default]
    F32,
    /// 16 bits.
    F16,
}

impl Precision {
    /// Bytes of four channels.
    pub fn c4_bytes(self) -> u64 {
        match self {
            Self::F32 => 16,
            Self::F16 => 8,
        }
    }
}
