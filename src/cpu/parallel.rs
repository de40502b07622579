//! How the twins share their work among the cores, and the scratch memory of each thread.

use std::{
    cell::RefCell,
    ops::{Deref, DerefMut},
};

/// How many of `units` one task takes: about four tasks per core, but none shorter than what it costs to hand one over.
/// `each` is the estimated number of vector operations a unit takes.
pub(super) fn piece(units: usize, each: usize) -> usize {
    const MIN_OPERATIONS: usize = 20_000;
    units.div_ceil(4 * rayon::current_num_threads()).max(MIN_OPERATIONS.div_ceil(each.max(1))).min(units).max(1)
}

thread_local!(static SPARE: RefCell<Vec<Vec<f32>>> = const { RefCell::new(Vec::new()) });

/// Memory with unspecified contents; the thread keeps it for the next call, so that a step allocates nothing large.
pub(super) struct Scratch {
    values: Vec<f32>,
    len: usize,
}

impl Scratch {
    pub(super) fn new(len: usize) -> Self {
        let mut values = SPARE.with_borrow_mut(Vec::pop).unwrap_or_default();
        if values.len() < len {
            values.resize(len, 0.0);
        }
        Self { values, len }
    }
}

impl Scratch {
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
