//! Memory for vectors: it begins on a cache line, so that no vector of the widest instructions lies across two of them.

use bytemuck::{Pod, Zeroable};
use std::{
    cell::RefCell,
    ops::{Deref, DerefMut},
};

#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C, align(64))]
struct Line([f32; 16]);

/// Values that begin on a cache line.
#[derive(Clone, Debug, Default)]
pub(super) struct Lines(Vec<Line>);

impl Lines {
    /// At least `len` zeros.
    pub(super) fn zeros(len: usize) -> Self {
        Self(vec![Line::zeroed(); len.div_ceil(16)])
    }

    fn grow(&mut self, len: usize) {
        if self.len() < len {
            self.0.resize(len.div_ceil(16), Line::zeroed());
        }
    }
}

impl Deref for Lines {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        bytemuck::cast_slice(&self.0)
    }
}

impl DerefMut for Lines {
    fn deref_mut(&mut self) -> &mut [f32] {
        bytemuck::cast_slice_mut(&mut self.0)
    }
}

thread_local!(static SPARE: RefCell<Vec<Lines>> = const { RefCell::new(Vec::new()) });

/// Memory with unspecified contents; the thread keeps it for the next call, so that a step allocates nothing large.
pub(super) struct Scratch {
    values: Lines,
    len: usize,
}

impl Scratch {
    pub(super) fn new(len: usize) -> Self {
        // The smallest that is large enough, else the largest, grown.
        let mut values = SPARE.with_borrow_mut(|spare| {
            let fits = (0..spare.len()).filter(|i| spare[*i].len() >= len).min_by_key(|i| spare[*i].len());
            let best = fits.or_else(|| (0..spare.len()).max_by_key(|i| spare[*i].len()));
            best.map(|i| spare.swap_remove(i)).unwrap_or_default()
        });
        values.grow(len);
        Self { values, len }
    }

    /// Memory with these values.
    pub(super) fn copy(values: &[f32]) -> Self {
        let mut copy = Self::new(values.len());
        copy.copy_from_slice(values);
        copy
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        SPARE.with_borrow_mut(|spare| spare.push(std::mem::take(&mut self.values)));
    }
}

impl Deref for Scratch {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.values[..self.len]
    }
}

impl DerefMut for Scratch {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.values[..self.len]
    }
}
