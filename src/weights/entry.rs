//! What the readers of both formats find: a tensor's place in the file.

use safetensors::Dtype;
use std::ops::Range;

/// One tensor: where it lies in the file and what its bytes mean.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Which of the files.
    pub(super) file: usize,
    pub(super) dtype: Dtype,
    pub(super) shape: Vec<usize>,
    /// From its first to after its last byte.
    pub(super) range: Range<usize>,
    /// How its numbers lie apart; `None` where the tensor is row-major without gaps.
    pub(super) strided: Option<Strided>,
}

/// Numbers that do not lie side by side. The sides may be others than the tensor's, as long as there are as many numbers: what is cut
/// out of a larger tensor may need one more.
#[derive(Clone, Debug)]
pub(super) struct Strided {
    pub(super) sides: Vec<usize>,
    /// Bytes from one index to the next, one per side.
    pub(super) strides: Vec<usize>,
}

impl Entry {
    pub(super) fn count(&self) -> usize {
        self.shape.iter().product()
    }

    /// Of its rows, `heads` groups of `parts` equal parts, part `part` of every group. `None` where they cannot be divided so, or do not
    /// lie row by row.
    pub(super) fn rows(&self, heads: usize, parts: usize, part: usize) -> Option<Self> {
        let (rows, others) = self.shape.split_first()?;
        let row = others.iter().try_fold(1_usize, |n, side| n.checked_mul(*side))?;
        let rows = *rows;
        let each = rows.checked_div(heads.checked_mul(parts)?)?;
        if self.strided.is_some() || part >= parts || each * heads * parts != rows || rows == 0 || row == 0 {
            return None;
        }
        let size = self.dtype.bitsize() / 8;
        let (part_bytes, head_bytes) = (each * row * size, each * row * size * parts);
        let start = self.range.start + part * part_bytes;
        let range = start..start + (heads - 1) * head_bytes + part_bytes;
        let strided = (heads > 1).then(|| Strided { sides: vec![heads, each * row], strides: vec![head_bytes, size] });
        let shape = [&[each * heads], &self.shape[1..]].concat();
        Some(Self { file: self.file, dtype: self.dtype, shape, range, strided })
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
