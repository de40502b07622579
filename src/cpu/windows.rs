//! What a convolution reads: windows of a padded copy of rows of pixels, so wide and high that no tap leaves it.

use crate::program::Conv2dParams;

/// The sizes of a convolution.
#[derive(Clone, Copy)]
pub(super) struct Sizes {
    /// Of the output, in pixels.
    pub out_w: usize,
    pub out_h: usize,
    /// Channels that are read and written, padding counted.
    pub inputs: usize,
    pub columns: usize,
    pub kernel: usize,
    pub stride: usize,
}

impl Sizes {
    pub(super) fn of(p: &Conv2dParams) -> Self {
        Self {
            out_w: p.out_w as usize,
            out_h: p.out_h as usize,
            inputs: (p.a_c4 + p.b_c4) as usize * 4,
            columns: p.out_c4 as usize * 4,
            kernel: p.kernel as usize,
            stride: p.stride as usize,
        }
    }

    /// Width and height of the copy from which `rows` rows of the output are made, in pixels.
    pub(super) fn window(&self, rows: usize) -> (usize, usize) {
        let side = |outputs: usize| (outputs - 1) * self.stride + self.kernel;
        (side(self.out_w), side(rows))
    }
}

/// Writes row `y` of upsample(a ++ b) with zeros around it; all zero where `y` is outside. `copy` converts some values.
#[inline(always)]
pub(super) fn copy_row<T: Copy + Default>(
    p: &Conv2dParams,
    image: usize,
    y: Option<usize>,
    a: &[f32],
    b: &[f32],
    row: &mut [T],
    copy: impl Fn(&mut [T], &[f32]),
) {
    let (a_width, b_width, up) = (p.a_c4 as usize * 4, p.b_c4 as usize * 4, p.upsample as usize);
    let width = a_width + b_width;
    let Some(y) = y.filter(|y| *y < p.in_h as usize * up) else {
        return row.fill(T::default());
    };
    let source = (image * p.in_h as usize + y / up) * p.in_w as usize;
    let (left, rest) = row.split_at_mut(p.pad as usize * width);
    let (middle, right) = rest.split_at_mut((p.in_w as usize * up * width).min(rest.len()));
    left.fill(T::default());
    right.fill(T::default());
    if up == 1 && b_width == 0 {
        return copy(middle, &a[source * width..][..middle.len()]);
    }
    for (x, pixel) in middle.chunks_exact_mut(width).enumerate() {
        let (of_a, of_b) = pixel.split_at_mut(a_width);
        let at = source + x / up;
        copy(of_a, &a[at * a_width..][..a_width]);
        if b_width > 0 {
            copy(of_b, &b[at * b_width..][..b_width]);
        }
    }
}
