//! 3x3 convolutions of stride 1 with fewer multiplications: Winograd's F(2x2, 3x3) and F(4x4, 3x3).
//!
//! ```text
//!   input, in tiles of n x n        V [n², tiles, K]                     M [n², tiles, C_out]       output, in tiles of m x m
//!   that overlap by two             ┌──────────┐  U [n², K, C_out]       ┌──────────┐
//!   ┌────┬────┬──              Bᵀ d B         │  ┌──────┐               │          │  Aᵀ M A     ┌──┬──┬──
//!   │    │    │   ─────────────> │  tiles x K │ x│      │ ────────────> │          │ ──────────> │  │  │
//!   ├────┼────┼──                │            │  │      │  n² products  │          │             ├──┼──┼──
//!   │    │    │                  └────────────┘  └──────┘               └──────────┘             │  │  │
//!                    input.rs              Gᵀ ↑ g G          product.rs               product.rs
//! ```
//!
//! A band of rows of tiles goes through at a time: first every core transforms tiles, then each takes a block of output channels, whose
//! weights it transforms as it goes, a few input channels at a time, so that they lie in its cache. Transformed weights are n²/9 times as large
//! as the weights: to read them from memory in each step would cost more than to make them, which is n²·(2n + 6)/9 operations against the n²
//! of each tile. Each sum runs over the input channels in their order whatever the band, so the result depends on neither threads nor batch.

mod input;
mod product;
mod transforms;

use super::{
    conv2d::summands,
    memory::Scratch,
    packed::Packed,
    parallel::{ColumnBlock, column_blocks},
    simd::{dispatch, lanes},
    team::for_each,
};
use crate::program::{Conv2dParams, StepParams};

/// Tiles that the product takes at a time.
const GROUP: usize = 12;
/// Input channels whose weights are transformed at a time.
const DEPTH: usize = 64;
/// Tiles for which a core transforms its weights once, about.
const BAND: usize = 72;
/// No fewer, however many cores wait.
const MIN_BAND: usize = 24;
/// Vectors of output channels of a core's block.
const VECTORS: usize = 2;

/// The side of an output tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// F(2x2, 3x3).
    Two,
    /// F(4x4, 3x3).
    Four,
}

impl Form {
    /// The one that is quickest for a layer, `None` where the plain convolution is.
    ///
    /// It must not depend on the batch, lest a picture did. A tile is n² products of the layer's matrix of weights, a pixel of the plain
    /// convolution 9 of them; transforming the weights costs as much as about 12 tiles (measured on Zen 5), shared
    /// by the tiles of a batch. With 4 for batches of a few the choice was the quickest of the three or within 30 % of it in nearly all
    /// layers of networks of 9 and 36 M parameters, batch 1 and 8. Layers with few channels, conv_in and conv_out among them, are better off without transforms.
    pub(super) fn of(p: &Conv2dParams) -> Option<Self> {
        const TILES_OF_WEIGHTS: usize = 4;
        let suits = p.kernel == 3 && p.stride == 1 && p.pad == 1 && p.shortcut_a_c4 == 0 && p.a_c4 + p.b_c4 >= 8 && p.out_c4 >= 8;
        if !suits {
            return None;
        }
        let (h, w) = (p.out_h as usize, p.out_w as usize);
        let cost = |m: usize| (h.div_ceil(m) * w.div_ceil(m) + TILES_OF_WEIGHTS) * (m + 2) * (m + 2);
        let all = [(9 * h * w, None), (cost(4), Some(Self::Four)), (cost(2), Some(Self::Two))];
        all.into_iter().min_by_key(|(cost, _)| *cost)?.1
    }
}

/// Where the tiles of a layer are and how V and M are laid out.
#[derive(Clone, Copy)]
struct Layer<'a> {
    p: &'a Conv2dParams,
    /// m.
    side: usize,
    tiles_y: usize,
    tiles_x: usize,
    /// Input channels, padding counted.
    inputs: usize,
    /// Pieces of DEPTH that the input channels go in.
    chunks: usize,
}

impl Layer<'_> {
    /// Where in the output a row of tiles begins, in pixels.
    fn first_pixel(&self, row: usize) -> usize {
        let (image, y) = (row / self.tiles_y, row % self.tiles_y * self.side);
        (image * self.p.out_h as usize + y) * self.p.out_w as usize
    }

    /// Image of a tile, its row and its column in units of the output's pixels.
    fn place(&self, tile: usize) -> (usize, usize, usize) {
        let (image, rest) = (tile / (self.tiles_y * self.tiles_x), tile % (self.tiles_y * self.tiles_x));
        (image, rest / self.tiles_x * self.side, rest % self.tiles_x * self.side)
    }
}

/// What the product takes at a time of V: a group's tiles for one of the n² places and one piece of the input channels. The line more
/// keeps the places of a tile out of the same sets of the cache.
const V_PLACE: usize = GROUP * DEPTH + 16;

/// As [`super::conv2d::conv2d`], for what [`Form::of`] chooses.
pub(super) fn conv2d(
    form: Form,
    p: &Conv2dParams,
    step: &StepParams,
    weights: &Packed,
    bias: &[f32],
    a: &[f32],
    b: &[f32],
    temb: &[f32],
    residual: &[f32],
    output: &mut [f32],
) {
    let summands = summands(p, step, bias, temb);
    let residual = if p.flags & 2 != 0 { residual } else { &[] };
    let sources = Sources { a, b, weights, summands: &summands, residual };
    match form {
        Form::Two => run::<2, 4>(p, sources, output),
        Form::Four => run::<4, 6>(p, sources, output),
    }
}

/// What a convolution reads.
#[derive(Clone, Copy)]
struct Sources<'a> {
    a: &'a [f32],
    b: &'a [f32],
    weights: &'a Packed,
    /// Of each image, bias and time together.
    summands: &'a [Vec<f32>],
    /// Empty for none.
    residual: &'a [f32],
}

fn run<const M: usize, const N: usize>(p: &Conv2dParams, sources: Sources, mut output: &mut [f32]) {
    let inputs = (p.a_c4 + p.b_c4) as usize * 4;
    let (tiles_y, tiles_x) = ((p.out_h as usize).div_ceil(M), (p.out_w as usize).div_ceil(M));
    let layer = Layer { p, side: M, tiles_y, tiles_x, inputs, chunks: inputs.div_ceil(DEPTH) };
    let (columns, width, rows) = (p.out_c4 as usize * 4, VECTORS * lanes(), p.batch as usize * tiles_y);
    let blocks = columns.div_ceil(width);
    let wanted = (2 * rayon::current_num_threads()).div_ceil(blocks);
    let band = (BAND / tiles_x).min(rows.div_ceil(wanted).max(MIN_BAND.div_ceil(tiles_x))).max(1);
    let (together, group_len) = (wanted.min(rows.div_ceil(band)), layer.chunks * N * N * V_PLACE);
    let band_len = (band * tiles_x).div_ceil(GROUP) * group_len;
    let mut v = Scratch::new(together * band_len);
    let bands: Vec<_> = (0..rows).step_by(band).map(|row| (row, band.min(rows - row) * tiles_x)).collect();
    for bands in bands.chunks(together) {
        let groups = v.chunks_exact_mut(band_len).zip(bands).flat_map(|(v, (row, tiles))| {
            let groups = v.chunks_exact_mut(group_len).enumerate().take(tiles.div_ceil(GROUP));
            groups.map(move |(g, v)| (row * tiles_x + g * GROUP..row * tiles_x + tiles.min(&((g + 1) * GROUP)), v))
        });
        for_each(groups, |(tiles, v)| dispatch(input::Transform::<N> { layer, sources, tiles, v }));
        let mut tasks: Vec<(usize, usize, &[f32], ColumnBlock)> = Vec::new();
        for ((row, tiles), v) in bands.iter().zip(v.chunks_exact(band_len)) {
            let pixels = layer.first_pixel(row + tiles / tiles_x) - layer.first_pixel(*row);
            let (out, rest) = std::mem::take(&mut output).split_at_mut(pixels * columns);
            output = rest;
            tasks.extend(column_blocks(out, columns, width).map(|block| (*row, *tiles, v, block)));
        }
        for_each(tasks, |(row, tiles, v, out)| {
            dispatch(product::Block::<M, N> { layer, sources, row, tiles, v, out });
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::{conv2d::conv2d as plain, packed::Packing, test_values::values};

    struct Case {
        p: Conv2dParams,
        a: Vec<f32>,
        b: Vec<f32>,
        weights: Vec<f32>,
        bias: Vec<f32>,
        temb: Vec<f32>,
        residual: Vec<f32>,
    }

    fn step() -> StepParams {
        StepParams { row_stride: 1, ..StepParams::default() }
    }

    fn case(batch: u32, (h, w): (u32, u32), a_c4: u32, b_c4: u32, out_c4: u32, upsample: u32) -> Case {
        let p = Conv2dParams {
            batch,
            out_h: h,
            out_w: w,
            out_c4,
            in_h: h / upsample,
            in_w: w / upsample,
            a_c4,
            b_c4,
            kernel: 3,
            stride: 1,
            pad: 1,
            upsample,
            temb_offset: 1,
            temb_stride: out_c4 + 1,
            flags: 3,
            scale: 0.5,
            ..Conv2dParams::default()
        };
        let (inputs, columns) = ((a_c4 + b_c4) as usize * 4, out_c4 as usize * 4);
        let (pixels_in, pixels_out) = ((batch * p.in_h * p.in_w) as usize, (batch * h * w) as usize);
        let mut weights = values(9 * inputs * columns, 1);
        weights.iter_mut().for_each(|v| *v /= (3.0 * inputs as f32).sqrt());
        Case {
            a: values(pixels_in * a_c4 as usize * 4, 2),
            b: values(pixels_in * b_c4 as usize * 4, 3),
            weights,
            bias: values(columns, 4),
            temb: values((batch * p.temb_stride) as usize * 4, 5),
            residual: values(pixels_out * columns, 6),
            p,
        }
    }

    fn output(c: &Case, form: Option<Form>) -> Vec<f32> {
        let mut output = vec![f32::NAN; c.residual.len()];
        match form {
            Some(form) => {
                let (inputs, columns) = ((c.p.a_c4 + c.p.b_c4) as usize * 4, c.p.out_c4 as usize * 4);
                let packed = Packed::new(&c.weights, inputs, columns, Packing::Taps(form));
                conv2d(form, &c.p, &step(), &packed, &c.bias, &c.a, &c.b, &c.temb, &c.residual, &mut output);
            }
            None => plain(&c.p, &step(), &c.weights, &c.bias, &c.a, &c.b, &c.temb, &c.residual, &mut output),
        }
        output
    }

    /// Sums of up to 4600 products on both sides; those of transformed values, a few times as large as the result, are off by 1.6 times as
    /// much. Measured 1.5e-6 of the largest value for F(2x2) and 2.5e-6 for F(4x4).
    const BOUND: f32 = 4e-6;

    #[test]
    fn every_shape_equals_the_plain_convolution() {
        let mut worst = [0.0_f32; 2];
        for (batch, size, a, b, out, up) in [
            (1, (8, 8), 16, 0, 16, 1),
            (2, (7, 9), 5, 3, 9, 1),
            (3, (4, 4), 24, 8, 20, 1),
            (1, (1, 1), 8, 0, 8, 1),
            (2, (10, 6), 18, 0, 8, 2),
            (2, (2, 37), 33, 2, 17, 1),
            (1, (33, 31), 9, 0, 10, 1),
            (1, (16, 16), 64, 64, 12, 1),
        ] {
            let case = case(batch, size, a, b, out, up);
            let expected = output(&case, None);
            let largest = expected.iter().fold(0.0_f32, |m, v| m.max(v.abs()));
            for (i, form) in [Form::Two, Form::Four].into_iter().enumerate() {
                for (at, (got, expected)) in output(&case, Some(form)).iter().zip(&expected).enumerate() {
                    let error = (got - expected).abs() / largest;
                    assert!(error <= BOUND, "{form:?} {:?} [{at}]: {got}, expected {expected}", case.p);
                    worst[i] = worst[i].max(error);
                }
            }
        }
        println!("F(2x2) off by at most {:e}, F(4x4) {:e}, allowed {BOUND:e}", worst[0], worst[1]);
    }

    #[test]
    fn a_picture_depends_on_neither_batch_nor_threads() {
        let whole = case(5, (12, 9), 16, 4, 12, 1);
        for form in [Form::Two, Form::Four] {
            let together = output(&whole, Some(form));
            let pool = rayon::ThreadPoolBuilder::new().num_threads(7).build().expect("threads");
            assert!(pool.install(|| output(&whole, Some(form))) == together, "{form:?}: seven threads");
            for image in 0..5 {
                let part = |values: &[f32]| values[image * values.len() / 5..(image + 1) * values.len() / 5].to_vec();
                let alone = Case {
                    p: Conv2dParams { batch: 1, ..whole.p },
                    a: part(&whole.a),
                    b: part(&whole.b),
                    temb: part(&whole.temb),
                    residual: part(&whole.residual),
                    weights: whole.weights.clone(),
                    bias: whole.bias.clone(),
                };
                assert!(output(&alone, Some(form)) == part(&together), "{form:?}: image {image} alone");
            }
        }
    }

    #[test]
    fn the_choice_follows_the_shape() {
        let of = |side: u32, inputs: u32, out: u32| Form::of(&case(1, (side, side), inputs / 4, 0, out / 4, 1).p);
        for side in [8, 16, 28, 32, 64] {
            assert_eq!(of(side, 128, 128), Some(Form::Four), "{side}");
        }
        assert_eq!(of(4, 256, 256), Some(Form::Two));
        assert_eq!((of(1, 256, 256), of(32, 4, 128), of(32, 128, 4)), (None, None, None));
    }
}
