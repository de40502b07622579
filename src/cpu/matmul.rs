//! The matrix product of the CPU twins, by the `gemm` crate: the only place that calls it.

/// A row-major view: `values[r·stride + c]`.
#[derive(Clone, Copy)]
pub(super) struct Matrix<'a> {
    pub values: &'a [f32],
    pub stride: usize,
}

/// out = a·b, `[rows, depth]` by `[depth, columns]`, out dense row-major, on this thread.
pub(super) fn matmul(a: Matrix, b: Matrix, rows: usize, depth: usize, columns: usize, out: &mut [f32]) {
    let b = Strided { values: b.values, row: b.stride, column: 1 };
    product(a, b, rows, depth, columns, out, columns, 1.0);
}

/// A view with any strides.
#[derive(Clone, Copy)]
pub(super) struct Strided<'a> {
    pub values: &'a [f32],
    pub row: usize,
    pub column: usize,
}

/// out = scale·a·b with out's rows `out_stride` apart, on this thread.
pub(super) fn product(
    a: Matrix,
    b: Strided,
    rows: usize,
    depth: usize,
    columns: usize,
    out: &mut [f32],
    out_stride: usize,
    scale: f32,
) {
    if rows == 0 || columns == 0 || depth == 0 {
        return;
    }
    assert!(a.values.len() >= (rows - 1) * a.stride + depth, "a of a matrix product is too short");
    assert!(b.values.len() > (depth - 1) * b.row + (columns - 1) * b.column, "b of a matrix product is too short");
    assert!(out.len() >= (rows - 1) * out_stride + columns, "the result of a matrix product is too short");
    #[allow(unsafe_code, reason = "the gemm crate takes raw pointers; the three bounds above hold for every element it touches")]
    unsafe {
        gemm::gemm(
            rows,
            columns,
            depth,
            out.as_mut_ptr(),
            1,
            out_stride as isize,
            false,
            a.values.as_ptr(),
            1,
            a.stride as isize,
            b.values.as_ptr(),
            b.column as isize,
            b.row as isize,
            0.0,
            scale,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}
