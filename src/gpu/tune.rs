//! Which shader variant a kernel call gets on a class of device, and how many workgroups.
//!
//! The sizes of tiles stand in the shaders, too: a [`Dispatch`] says which it takes for granted, and `tests/shaders.rs` compares.

use super::DeviceClass;
use crate::program::{AttentionChunk, Conv2dParams, Kernel, Program, Work};

/// Workgroups in one dimension, at most: WebGPU's smallest limit.
pub const MAX_WORKGROUPS_PER_DIMENSION: u32 = 65535;

/// A shader variant and its number of workgroups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispatch {
    /// The shader's file name.
    pub shader: &'static str,
    /// Constants of the shader that get these values.
    pub constants: Vec<(&'static str, u32)>,
    /// Constants of the shader that must have these values for the number of workgroups to be right.
    pub assumed: Vec<(&'static str, u32)>,
    /// Invocations of a workgroup, which the shader must have as well.
    pub workgroup: u32,
    /// Workgroups in one dimension.
    pub workgroups: u32,
}

impl Dispatch {
    /// As x and y: what is too much for x spills into y, as shaders/shared/linear_index.wgsl expects.
    pub fn grid(&self) -> [u32; 2] {
        const MAX: u32 = MAX_WORKGROUPS_PER_DIMENSION;
        if self.workgroups <= MAX { [self.workgroups, 1] } else { [MAX, self.workgroups.div_ceil(MAX)] }
    }
}

/// The variant of `kernel` for `class`. `rows` is the number of embedding rows in use.
pub fn dispatch(kernel: &Kernel, program: &Program, class: DeviceClass, rows: u32) -> Dispatch {
    let (name, wide) = (kernel.name(), class.subgroup().zip(kernel.wide_name()));
    match (kernel.work(program, rows), wide) {
        (Work::Each { pieces, workgroup }, _) => Dispatch {
            shader: name,
            constants: Vec::new(),
            assumed: kernel.shader_constants().to_vec(),
            workgroup,
            workgroups: pieces.div_ceil(workgroup),
        },
        (Work::Convolution(p), None) => conv2d(name, p.batch * p.out_h * p.out_w, p.out_c4),
        (Work::Convolution(p), Some((subgroup, wide))) => conv2d_wide(wide, &p, subgroup),
        (Work::AttentionScores(c), None) => {
            // Tiles of queries x keys; the last four keys are computed whole.
            const TILE: u32 = 64;
            let tiles = c.rows.div_ceil(TILE) * (c.tokens.div_ceil(4) * 4).div_ceil(TILE);
            attention(name, &[("TILE", TILE)], c.groups * tiles)
        }
        (Work::AttentionScores(c), Some((subgroup, wide))) => attention_wide(wide, "TOKENS4", &c, c.tokens.div_ceil(4), subgroup),
        (Work::AttentionApply(c), None) => {
            // Tiles of queries x C4.
            const TILE_M: u32 = 64;
            const TILE_N: u32 = 8;
            let tiles = c.rows.div_ceil(TILE_M) * c.head_c4.div_ceil(TILE_N);
            attention(name, &[("TILE_M", TILE_M), ("TILE_N", TILE_N)], c.groups * tiles)
        }
        (Work::AttentionApply(c), Some((subgroup, wide))) => attention_wide(wide, "OUT_C4", &c, c.head_c4, subgroup),
    }
}

/// Tiles of 64 pixels x 64 channels, smaller where the layer is narrow or there would be too few tiles to fill a GPU. A workgroup
/// is 8 x 8 invocations.
fn conv2d(shader: &'static str, pixels: u32, out_c4: u32) -> Dispatch {
    let tiles = |(pixels_each, c4_each): (u32, u32)| pixels.div_ceil(8 * pixels_each) * out_c4.div_ceil(8 * c4_each);
    let c4_each = if out_c4 > 8 { 2 } else { 1 };
    // Enough workgroups for two on each multiprocessor of a large GPU.
    let candidates = [(8, c4_each), (4, c4_each), (4, 1), (2, 1)];
    let variant = candidates.into_iter().find(|v| tiles(*v) >= 256).unwrap_or((2, 1));
    Dispatch {
        shader,
        constants: vec![("PIXELS", variant.0), ("OUT_C4", variant.1)],
        assumed: vec![("TILE_M", 8 * variant.0), ("TILE_N", 8 * variant.1)],
        workgroup: 64,
        workgroups: tiles(variant),
    }
}

/// Subgroups of `subgroup` invocations, each with a run of four pixels; three taps of a row at once where the layer is a plain 3x3.
fn conv2d_wide(shader: &'static str, p: &Conv2dParams, subgroup: u32) -> Dispatch {
    const RUN: u32 = 4;
    let plain = p.kernel == 3 && p.stride == 1 && p.pad == 1 && p.out_h == p.in_h * p.upsample && p.out_w == p.in_w * p.upsample;
    let (taps, out_c4) = if plain { (3, 4) } else { (1, 8) };
    let runs = p.batch * p.out_h * p.out_w.div_ceil(RUN);
    Dispatch {
        shader,
        constants: vec![("SUBGROUP", subgroup), ("TAPS", taps), ("CONCAT", u32::from(p.b_c4 > 0))],
        assumed: vec![("RUN", RUN), ("OUT_C4", out_c4)],
        workgroup: subgroup,
        workgroups: p.out_c4.div_ceil(out_c4) * runs.div_ceil(subgroup),
    }
}

fn attention(shader: &'static str, tile: &[(&'static str, u32)], workgroups: u32) -> Dispatch {
    Dispatch { shader, constants: Vec::new(), assumed: tile.to_vec(), workgroup: 64, workgroups }
}

/// Four rows per invocation, and eight groups of four `columns` per workgroup, or four where eight would stick out by half;
/// `columns4` is how many such groups there are, `constant` what the shader calls those of a workgroup.
fn attention_wide(shader: &'static str, constant: &'static str, c: &AttentionChunk, columns4: u32, subgroup: u32) -> Dispatch {
    const ROWS: u32 = 4;
    let each = if (columns4 - 1) % 8 < 4 { 4 } else { 8 };
    Dispatch {
        shader,
        constants: vec![("SUBGROUP", subgroup), (constant, each)],
        assumed: vec![("ROWS", ROWS)],
        workgroup: subgroup,
        workgroups: c.groups * c.rows.div_ceil(ROWS * subgroup) * columns4.div_ceil(each),
    }
}
