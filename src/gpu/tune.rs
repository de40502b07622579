//! Which shader variant a kernel call gets on a class of device, and how many workgroups.
//!
//! The sizes of tiles stand in the shaders, too: a [`Dispatch`] says which it takes for granted, and `tests/shaders.rs` compares.

use super::DeviceClass;
use crate::program::{AttentionChunk, Conv2dParams, GroupNormFused, GroupNormParams, Kernel, Precision, Program, Work};

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
        (Work::GroupNorm(p), None) => group_norm_fused(name, &p),
        (Work::GroupNorm(p), Some((subgroup, wide))) => group_norm_fused_wide(wide, &p, subgroup),
        (Work::Attention(c), _) => attention_fused(name, &c),
        (Work::Convolution(p), None) => conv_tile(&p).dispatch(name, &p, Shared::Widened),
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

/// What may be quicker on some device than the rule of thumb, which is the first of these: [`dispatch`], but for [`Precision::F16Fast`]. All
/// of them give the same bits, as they add up the same products in the same order, so that one may take another's place in the middle of a run.
pub fn candidates(kernel: &Kernel, program: &Program, class: DeviceClass, precision: Precision) -> Vec<Dispatch> {
    let mut all = Vec::new();
    if let (Work::Convolution(p), DeviceClass::Tiled) = (kernel.work(program, 1), class) {
        // Of the others none of which more than half would stick out.
        let fits = |tile: &ConvTile| tile.size().1 < 2 * p.out_c4.max(2);
        for shared in Shared::suitable(precision) {
            let tiles = std::iter::once(conv_tile(&p)).chain(TILES.into_iter().filter(fits));
            for tile in tiles.filter(|tile| shared.has_registers_for(*tile)) {
                let candidate = tile.dispatch(kernel.name(), &p, *shared);
                if !all.contains(&candidate) {
                    all.push(candidate);
                }
            }
        }
    }
    if all.is_empty() {
        all.push(dispatch(kernel, program, class, 1));
    }
    all
}

/// What the invocations of conv2d.wgsl share, and what they add up.
#[derive(Clone, Copy, PartialEq)]
enum Shared {
    /// Both in f32.
    Widened,
    /// As it is stored; sums in f32.
    AsStored,
    /// As it is stored; the products of a slice are added up in that, too.
    WithSums,
}

impl Shared {
    fn suitable(precision: Precision) -> &'static [Self] {
        match precision {
            Precision::F32 | Precision::Bf16 => &[Self::Widened],
            Precision::F16 => &[Self::Widened, Self::AsStored],
            Precision::F16Fast => &[Self::WithSums],
        }
    }

    /// With two kinds of sums AMD's compiler runs out of registers for RDNA 3 in one tile.
    fn has_registers_for(self, tile: ConvTile) -> bool {
        self != Self::WithSums || tile != ConvTile::new((4, 2), (8, 8))
    }

    /// The constants that say so.
    fn constants(self) -> &'static [(&'static str, u32)] {
        match self {
            Self::Widened => &[],
            Self::AsStored => &[(TILES_AS_STORED, 1)],
            Self::WithSums => &[(TILES_AS_STORED, 1), (SUMS_AS_STORED, 1)],
        }
    }
}

/// Constants of conv2d.wgsl on which the types depend that `shader.rs` puts in front.
pub(super) const TILES_AS_STORED: &str = "TILES_AS_STORED";
pub(super) const SUMS_AS_STORED: &str = "SUMS_AS_STORED";

/// How conv2d.wgsl cuts a layer: its constants of these names.
#[derive(Clone, Copy, PartialEq)]
struct ConvTile {
    pixels: u32,
    out_c4: u32,
    rows: u32,
    columns: u32,
}

/// Every tile that a layer may get.
const TILES: [ConvTile; 6] = [
    ConvTile::new((4, 2), (16, 16)),
    ConvTile::new((4, 2), (32, 8)),
    ConvTile::new((4, 2), (8, 8)),
    ConvTile::new((8, 1), (8, 8)),
    ConvTile::new((4, 1), (8, 8)),
    ConvTile::new((4, 1), (16, 4)),
];

impl ConvTile {
    const fn new((pixels, out_c4): (u32, u32), (rows, columns): (u32, u32)) -> Self {
        Self { pixels, out_c4, rows, columns }
    }

    /// Pixels and C4 that a workgroup makes.
    fn size(self) -> (u32, u32) {
        (self.pixels * self.rows, self.out_c4 * self.columns)
    }

    fn invocations(self) -> u32 {
        self.rows * self.columns
    }

    fn workgroups(self, pixels: u32, out_c4: u32) -> u32 {
        pixels.div_ceil(self.size().0) * out_c4.div_ceil(self.size().1)
    }

    /// Whether that fills a large GPU, of about 128 multiprocessors: four subgroups of 32 for each of them, in two workgroups or in one
    /// large one.
    fn fills_gpu(self, pixels: u32, out_c4: u32) -> bool {
        self.workgroups(pixels, out_c4) >= if self.invocations() > 64 { 128 } else { 256 }
    }

    /// The call of a layer cut so.
    fn dispatch(self, shader: &'static str, p: &Conv2dParams, shared: Shared) -> Dispatch {
        let (tile_m, tile_n) = self.size();
        let mut constants = vec![
            ("PIXELS", self.pixels),
            ("OUT_C4", self.out_c4),
            ("ROWS", self.rows),
            ("COLUMNS", self.columns),
            ("SHORTCUT", u32::from(p.shortcut_a_c4 > 0)),
        ];
        constants.extend(shared.constants());
        Dispatch {
            shader,
            constants,
            assumed: vec![("TILE_M", tile_m), ("TILE_N", tile_n)],
            workgroup: self.invocations(),
            workgroups: self.workgroups(p.batch * p.out_h * p.out_w, p.out_c4),
        }
    }
}

/// The largest tile that fits the layer's width and leaves enough of them to fill a GPU, else the smallest. tests/gpu_compiler says what
/// a GPU's compiler makes of each. With twice as much per invocation as 4 pixels x 2 C4, AMD's runs out of registers for RDNA 3; in
/// workgroups of 256 that many share what they load as well. With less than 4 x 1, what is around the multiply-adds costs too much.
fn conv_tile(p: &Conv2dParams) -> ConvTile {
    let (pixels, out_c4) = (p.batch * p.out_h * p.out_w, p.out_c4);
    let tile = ConvTile::new;
    let smallest = tile((4, 1), if out_c4 > 4 { (8, 8) } else { (16, 4) });
    let larger = match out_c4 {
        // A picture's channels.
        0..=4 => vec![],
        5..=8 => vec![tile((8, 1), (8, 8))],
        // 64 channels, where half of the next one's 128 would stick out.
        _ if (out_c4 - 1) % 32 < 16 => vec![tile((4, 2), (32, 8)), tile((4, 2), (8, 8))],
        _ => vec![tile((4, 2), (16, 16)), tile((4, 2), (8, 8))],
    };
    larger.into_iter().find(|tile| tile.fills_gpu(pixels, out_c4)).unwrap_or(smallest)
}

/// Subgroups of `subgroup` invocations, each with a run of pixels; three taps of a row at once where the layer is a plain 3x3, by Winograd's
/// products where eight divides its rows and it makes more than a picture's channels. Runs of eight are slower by a sixth on lavapipe where
/// there are no such products, and so are runs of two, but for pictures of 4x4, where they are as quick.
fn conv2d_wide(shader: &'static str, p: &Conv2dParams, subgroup: u32) -> Dispatch {
    let plain = p.kernel == 3 && p.stride == 1 && p.pad == 1 && p.out_h == p.in_h * p.upsample && p.out_w == p.in_w * p.upsample;
    let winograd = plain && p.out_w.is_multiple_of(8) && p.out_c4 > 2;
    let run = if winograd { 8 } else { 4 };
    let out_c4 = match p.out_c4 {
        _ if !plain => 8,
        0..=2 => 2,
        _ => 4,
    };
    let tiles = (p.batch * p.out_h * p.out_w.div_ceil(run)).div_ceil(subgroup);
    let mut constants = vec![("SUBGROUP", subgroup), ("CONCAT", u32::from(p.b_c4 > 0))];
    let mut assumed = vec![("RUN", run)];
    if winograd {
        constants.push(("BESIDE", u32::from(!(run * subgroup).is_multiple_of(p.out_w))));
        assumed.push(("OUT_C4", out_c4));
    } else {
        constants.extend([
            ("TAPS", if plain { 3 } else { 1 }),
            ("OUT_C4", out_c4),
            ("SHORTCUT", u32::from(p.shortcut_a_c4 > 0) + u32::from(p.shortcut_b_c4 > 0)),
            // Up to 16x16 pixels of one image; beyond, the weights are in the cache for most workgroups.
            ("AHEAD", u32::from(plain && subgroup == 8 && tiles <= 8)),
        ]);
    }
    Dispatch {
        shader: if winograd { "conv2d_winograd_wide" } else { shader },
        constants,
        assumed,
        workgroup: subgroup,
        workgroups: p.out_c4.div_ceil(out_c4) * tiles,
    }
}

/// One workgroup per run of C4, a small one where that is enough.
fn group_norm_fused(shader: &'static str, p: &GroupNormParams) -> Dispatch {
    const SMALL: u32 = 64;
    let kept = |workgroup: u32| p.pixels.div_ceil(workgroup / p.run).next_power_of_two();
    let workgroup = if p.run <= SMALL && kept(SMALL) <= 4 { SMALL } else { GroupNormFused::INVOCATIONS };
    Dispatch {
        shader,
        constants: vec![("WORKGROUP", workgroup), ("KEPT", kept(workgroup)), ("ACTIVATION", p.activation)],
        assumed: Vec::new(),
        workgroup,
        workgroups: p.batch * (p.a_c4 + p.b_c4).div_ceil(p.run),
    }
}

/// One subgroup per run of C4.
fn group_norm_fused_wide(shader: &'static str, p: &GroupNormParams, subgroup: u32) -> Dispatch {
    Dispatch {
        shader,
        constants: vec![("SUBGROUP", subgroup), ("CONCAT", u32::from(p.b_c4 > 0)), ("ACTIVATION", p.activation)],
        assumed: Vec::new(),
        workgroup: subgroup,
        workgroups: p.batch * (p.a_c4 + p.b_c4).div_ceil(p.run),
    }
}

/// Some queries per workgroup, with room for few tokens or for many, and for as many columns as a head has or half of them.
fn attention_fused(shader: &'static str, c: &AttentionChunk) -> Dispatch {
    const QUERIES: u32 = 8;
    let (keys4, workgroup) = if c.tokens <= 64 { (16, 128) } else { (64, 256) };
    let columns = match c.head_c4 {
        0..=16 => 16,
        17..=32 => 32,
        _ => 64,
    };
    Dispatch {
        shader,
        constants: vec![("KEYS4", keys4), ("COLUMNS", columns)],
        assumed: vec![("QUERIES", QUERIES)],
        workgroup,
        workgroups: c.groups * c.rows.div_ceil(QUERIES),
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
