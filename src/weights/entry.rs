//! What the readers of both formats find: a tensor's place in the file.

use safetensors::Dtype;
use std::ops::Range;

/// One tensor: where it lies in the file and what its bytes mean.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) dtype: Dtype,
    pub(super) shape: Vec<usize>,
    /// From its first to after its last byte.
    pub(super) range: Range<usize>,
    /// Bytes from one index to the next, one a dimension; `None` where the tensor is row-major without gaps.
    pub(super) strides: Option<Vec<usize>>,
}

impl Entry {
    pub(super) fn count(&self) -> usize {
        self.shape.iter().product()
    }

    /// Bytes of its numbers without gaps.
    pub(super) fn bytes(&self) -> usize {
        self.count() * self.dtype.bitsize() / 8
    }
}

/// A text from the file as a message can print it: short, and on one line.
pub(super) fn printable(text: &str) -> String {
    let short: String = text.chars().take(120).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(120).is_some() { short + "…" } else { short }
}
