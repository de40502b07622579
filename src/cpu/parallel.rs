//! How the twins share their work among the cores.

use std::{marker::PhantomData, ops::Range};

/// How many of `units` one task takes: about four tasks per core, but none shorter than what it costs to hand one over.
/// `each` is the estimated number of vector operations a unit takes.
pub(super) fn piece(units: usize, each: usize) -> usize {
    const MIN_OPERATIONS: usize = 20_000;
    units.div_ceil(4 * rayon::current_num_threads()).max(MIN_OPERATIONS.div_ceil(each.max(1))).min(units).max(1)
}

/// Some columns of a matrix, which belong to one task.
///
/// ```text
///            ├─ stride ──┤
///            ┌───┬───┬───┐
///   row 0    │   │▒▒▒│   │    What `chunks_mut` is for rows: blocks beside each other, each with a part of every row.
///   row 1    │   │▒▒▒│   │
///            └───┴───┴───┘
///                ├───┤ columns
/// ```
pub(super) struct ColumnBlock<'a> {
    start: *mut f32,
    rows: usize,
    stride: usize,
    columns: Range<usize>,
    matrix: PhantomData<&'a mut [f32]>,
}

#[allow(unsafe_code, reason = "a block is a part of an exclusive borrow, and no two blocks overlap")]
// SAFETY: see `column_blocks`, the only place that makes one.
unsafe impl Send for ColumnBlock<'_> {}

/// Splits a matrix with rows of `stride` values into blocks of `width` columns, the last of which may be narrower.
pub(super) fn column_blocks(matrix: &mut [f32], stride: usize, width: usize) -> impl Iterator<Item = ColumnBlock<'_>> {
    let (start, rows) = (matrix.as_mut_ptr(), matrix.len() / stride);
    (0..stride).step_by(width).map(move |first| ColumnBlock {
        start,
        rows,
        stride,
        columns: first..stride.min(first + width),
        matrix: PhantomData,
    })
}

impl ColumnBlock<'_> {
    /// Which columns these are.
    pub(super) fn columns(&self) -> Range<usize> {
        self.columns.clone()
    }

    /// Its part of a row.
    #[inline(always)]
    pub(super) fn row(&mut self, row: usize) -> &mut [f32] {
        assert!(row < self.rows, "row {row} of {}", self.rows);
        // SAFETY: within the matrix, whose whole rows were counted; blocks have no column in common, and `&mut self` lends one row
        // at a time.
        #[allow(unsafe_code, reason = "safe Rust splits a slice by rows only")]
        unsafe {
            std::slice::from_raw_parts_mut(self.start.add(row * self.stride + self.columns.start), self.columns.len())
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn blocks_of_columns_are_the_whole_matrix() {
        let mut matrix: Vec<f32> = (0..5 * 7).map(|i| i as f32).collect();
        let mut seen = Vec::new();
        for mut block in super::column_blocks(&mut matrix, 7, 3) {
            for row in 0..5 {
                let first = row * 7 + block.columns().start;
                for (i, value) in block.row(row).iter_mut().enumerate() {
                    assert_eq!(*value, (first + i) as f32);
                    seen.push(first + i);
                    *value = -1.0;
                }
            }
        }
        seen.sort_unstable();
        assert!(seen.into_iter().eq(0..35) && matrix.iter().all(|v| *v == -1.0));
    }
}
