//! Which shader variant a kernel call gets on a class of device, and how many workgroups.

use super::DeviceClass;
use crate::program::{AttentionChunk, Conv2dParams, Kernel, Program};

/// A shader variant and its number of workgroups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispatch {
    /// The shader's file name.
    pub shader: &'static str,
    /// Its constants' values.
    pub constants: Vec<(&'static str, u32)>,
    /// Workgroups in one dimension.
    pub workgroups: u32,
}

impl Dispatch {
    fn plain(shader: &'static str, workgroups: u32) -> Self {
        Self { shader, constants: Vec::new(), workgroups }
    }

    /// As x and y: more than 65535 spill into y, as shaders/shared/linear_index.wgsl expects.
    pub fn grid(&self) -> [u32; 2] {
        if self.workgroups <= 65535 { [self.workgroups, 1] } else { [65535, self.workgroups.div_ceil(65535)] }
    }
}

/// The variant of `kernel` for `class`. `rows` is the number of embedding rows in use.
pub fn dispatch(kernel: &Kernel, program: &Program, class: DeviceClass, rows: u32) -> Dispatch {
    let wide = class.subgroup();
    match kernel {
        Kernel::Conv2d(conv) => {
            let p = conv.params(program);
            match wide {
                Some(subgroup) => conv2d_wide(&p, subgroup),
                None => conv2d_tiled(p.batch * p.out_h * p.out_w, p.out_c4),
            }
        }
        Kernel::AttentionScores(k) => {
            let c = k.chunk;
            if let Some(subgroup) = wide {
                return attention_wide("attention_scores_wide", "TOKENS4", &c, c.tokens.div_ceil(4), subgroup);
            }
            let tiles = c.rows.div_ceil(64) * (c.tokens.div_ceil(4) * 4).div_ceil(64);
            Dispatch::plain("attention_scores", c.groups * tiles)
        }
        Kernel::AttentionApply(k) => {
            let c = k.chunk;
            if let Some(subgroup) = wide {
                return attention_wide("attention_apply_wide", "OUT_C4", &c, c.head_c4, subgroup);
            }
            Dispatch::plain("attention_apply", c.groups * c.rows.div_ceil(64) * c.head_c4.div_ceil(8))
        }
        Kernel::AttentionSoftmax(k) => Dispatch::plain("attention_softmax", (k.chunk.groups * k.chunk.rows).div_ceil(32)),
        Kernel::Linear(k) => Dispatch::plain("linear", (rows * program.shape(k.output).c4()).div_ceil(64)),
        Kernel::TimeEmbedding(k) => Dispatch::plain("time_embedding", (rows * program.shape(k.output).c4()).div_ceil(64)),
        Kernel::GroupNormStats(k) => {
            let c4 = program.shape(k.a).c4() + k.b.map_or(0, |b| program.shape(b).c4());
            let shape = program.shape(k.a);
            Dispatch::plain("group_norm_stats", (shape.batch * shape.pixels().div_ceil(k.chunk) * c4).div_ceil(64))
        }
        Kernel::GroupNormFold(k) => Dispatch::plain("group_norm_fold", (k.params.batch * k.params.groups).div_ceil(32)),
        Kernel::GroupNormApply(k) => {
            let p = k.params;
            // Eight pixels an invocation, as shaders/group_norm_apply.wgsl says.
            Dispatch::plain("group_norm_apply", (p.batch * p.pixels.div_ceil(8) * (p.a_c4 + p.b_c4)).div_ceil(64))
        }
        Kernel::Quantile(_) => Dispatch::plain("quantile", kernel.image_params(program).batch),
        Kernel::PackPicture(_) => {
            let p = kernel.image_params(program);
            Dispatch::plain("pack_picture", (p.batch * p.pixels).div_ceil(64))
        }
        Kernel::NetworkInput(_) | Kernel::Gaussian(_) | Kernel::DdimStep(_) => {
            let p = kernel.image_params(program);
            Dispatch::plain(kernel.name(), (p.batch * p.pixels * p.c4).div_ceil(64))
        }
    }
}

/// Tiles of 64 pixels x 64 channels, smaller where the layer is narrow or there would be too few tiles to fill a GPU.
fn conv2d_tiled(pixels: u32, out_c4: u32) -> Dispatch {
    let tiles = |(pixels_each, c4_each): (u32, u32)| pixels.div_ceil(8 * pixels_each) * out_c4.div_ceil(8 * c4_each);
    let c4_each = if out_c4 > 8 { 2 } else { 1 };
    // Enough workgroups for two on each multiprocessor of a large GPU.
    let candidates = [(8, c4_each), (4, c4_each), (4, 1), (2, 1)];
    let variant = candidates.into_iter().find(|v| tiles(*v) >= 256).unwrap_or((2, 1));
    Dispatch { shader: "conv2d", constants: vec![("PIXELS", variant.0), ("OUT_C4", variant.1)], workgroups: tiles(variant) }
}

/// Subgroups of `subgroup` invocations; three taps of a row at once where the layer is a plain 3x3.
fn conv2d_wide(p: &Conv2dParams, subgroup: u32) -> Dispatch {
    let plain = p.kernel == 3 && p.stride == 1 && p.pad == 1 && p.out_h == p.in_h * p.upsample && p.out_w == p.in_w * p.upsample;
    let (taps, out_c4) = if plain { (3, 4) } else { (1, 8) };
    let runs = p.batch * p.out_h * p.out_w.div_ceil(4);
    Dispatch {
        shader: "conv2d_wide",
        constants: vec![("SUBGROUP", subgroup), ("TAPS", taps), ("CONCAT", u32::from(p.b_c4 > 0))],
        workgroups: p.out_c4.div_ceil(out_c4) * runs.div_ceil(subgroup),
    }
}

/// Groups of four keys or channels per workgroup: eight, or four where eight would stick out by half.
fn wide_fours(columns4: u32) -> u32 {
    if (columns4 - 1) % 8 < 4 { 4 } else { 8 }
}

fn attention_wide(shader: &'static str, fours: &'static str, c: &AttentionChunk, columns4: u32, subgroup: u32) -> Dispatch {
    let each = wide_fours(columns4);
    Dispatch {
        shader,
        constants: vec![("SUBGROUP", subgroup), (fours, each)],
        workgroups: c.groups * c.rows.div_ceil(4 * subgroup) * columns4.div_ceil(each),
    }
}
