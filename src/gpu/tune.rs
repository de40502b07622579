//! Which shader variant a kernel call gets on a class of device, and how many workgroups.

use super::DeviceClass;
use crate::program::{Kernel, Program};

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
    let wide = class == DeviceClass::Wide;
    match kernel {
        Kernel::Conv2d(conv) => {
            let p = conv.params(program);
            if wide { conv2d_wide(&p) } else { conv2d_tiled(p.batch * p.out_h * p.out_w, p.out_c4) }
        }
        Kernel::AttentionScores(k) => {
            let c = k.chunk;
            if wide {
                return attention_scores_wide(&c);
            }
            let tiles = c.rows.div_ceil(64) * (c.tokens.div_ceil(4) * 4).div_ceil(64);
            Dispatch::plain("attention_scores", c.groups * tiles)
        }
        Kernel::AttentionApply(k) => {
            let c = k.chunk;
            if wide {
                return attention_apply_wide(&c);
            }
            Dispatch::plain("attention_apply", c.groups * c.rows.div_ceil(64) * c.head_lanes.div_ceil(8))
        }
        Kernel::AttentionSoftmax(k) => Dispatch::plain("attention_softmax", (k.chunk.groups * k.chunk.rows).div_ceil(32)),
        Kernel::Linear(k) => Dispatch::plain("linear", (rows * program.shape(k.output).lanes()).div_ceil(64)),
        Kernel::TimeEmbedding(k) => Dispatch::plain("time_embedding", (rows * program.shape(k.output).lanes()).div_ceil(64)),
        Kernel::GroupNormStats(k) => {
            let lanes = program.shape(k.a).lanes() + k.b.map_or(0, |b| program.shape(b).lanes());
            let shape = program.shape(k.a);
            Dispatch::plain("group_norm_stats", (shape.batch * shape.pixels().div_ceil(k.chunk) * lanes).div_ceil(64))
        }
        Kernel::GroupNormFold(k) => Dispatch::plain("group_norm_fold", (k.params.batch * k.params.groups).div_ceil(32)),
        Kernel::GroupNormApply(k) => Dispatch::plain("group_norm_apply", program.shape(k.output).total_lanes().div_ceil(64) as u32),
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
fn conv2d_tiled(pixels: u32, lanes: u32) -> Dispatch {
    let tiles = |per_thread: (u32, u32)| pixels.div_ceil(8 * per_thread.0) * lanes.div_ceil(8 * per_thread.1);
    let lanes_a_thread = if lanes > 8 { 2 } else { 1 };
    // Enough workgroups for two on each multiprocessor of a large GPU.
    let candidates = [(8, lanes_a_thread), (4, lanes_a_thread), (4, 1), (2, 1)];
    let variant = candidates.into_iter().find(|v| tiles(*v) >= 256).unwrap_or((2, 1));
    Dispatch { shader: "conv2d", constants: vec![("PIXELS", variant.0), ("LANES", variant.1)], workgroups: tiles(variant) }
}

fn conv2d_wide(p: &crate::program::Conv2dParams) -> Dispatch {
    conv2d_tiled(p.batch * p.out_h * p.out_w, p.out_c4)
}

fn attention_scores_wide(c: &crate::program::AttentionChunk) -> Dispatch {
    let tiles = c.rows.div_ceil(64) * (c.tokens.div_ceil(4) * 4).div_ceil(64);
    Dispatch::plain("attention_scores", c.groups * tiles)
}

fn attention_apply_wide(c: &crate::program::AttentionChunk) -> Dispatch {
    Dispatch::plain("attention_apply", c.groups * c.rows.div_ceil(64) * c.head_lanes.div_ceil(8))
}
