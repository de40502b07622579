//! The product by TDPBF16PS of AMX (Intel's Xeons from Sapphire Rapids on): sixteen pixels by sixteen channels by sixteen pairs at once, from
//! tiles, registers of 16 rows of 64 bytes. Rust has no intrinsics for it yet, so the instructions are given by name.
#![allow(
    unsafe_code,
    reason = "the instructions of one kind of processor by name, which load and store by address; a system call that allows them"
)]

use super::product::Product;
use crate::cpu::{memory::Scratch, packed::BLOCK};
use std::{
    arch::{asm, x86_64::__cpuid_count},
    sync::LazyLock,
};

/// What they are called.
pub(super) const NAME: &str = "AMX BF16";

/// Rows of a tile, and words of each.
const SIDE: usize = 16;
/// Pixels whose sums are in tiles at once: with a block's 32 channels four tiles of sums, beside two of pixels and two of weights.
pub(super) const PIXELS: usize = 2 * SIDE;
/// Bytes of a pair of rows of weights, and of a pixel's sums.
const PITCH: usize = BLOCK * size_of::<u32>();

/// What LDTILECFG reads: palette 1 and the sizes of the eight tiles, here all as large as they can be.
#[repr(C, align(64))]
struct Config {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    row_bytes: [u16; 16],
    rows: [u8; 16],
}

static CONFIG: Config = {
    let mut config = Config { palette: 1, start_row: 0, reserved: [0; 14], row_bytes: [0; 16], rows: [0; 16] };
    let mut tile = 0;
    while tile < 8 {
        config.row_bytes[tile] = 64;
        config.rows[tile] = SIDE as u8;
        tile += 1;
    }
    config
};

/// Whether the processor has them and the system lets this process use them.
pub(super) fn available() -> bool {
    static AVAILABLE: LazyLock<bool> = LazyLock::new(|| super::x86::available() && in_processor() && allowed());
    *AVAILABLE
}

/// AMX-BF16 and AMX-TILE.
fn in_processor() -> bool {
    let (bf16, tile) = (1 << 22, 1 << 24);
    __cpuid_count(0, 0).eax >= 7 && __cpuid_count(7, 0).edx & (bf16 | tile) == bf16 | tile
}

/// Asks Linux for the tiles' 8 KiB of each thread's state, without which their first use is a fault.
fn allowed() -> bool {
    const ARCH_REQ_XCOMP_PERM: libc::c_long = 0x1023;
    const XFEATURE_XTILEDATA: libc::c_long = 18;
    // SAFETY: it changes nothing but what this process may use; a system that does not know it says so.
    unsafe { libc::syscall(libc::SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0 }
}

/// Whether [`write`] can compute this product: each run has to be whole tiles, as with channels in multiples of 32.
pub(super) fn takes(product: &Product) -> bool {
    product.windows.run.is_multiple_of(SIDE)
}

/// Writes a product that it [`takes`], on a processor where they are [`available`].
pub(super) fn write(mut product: Product) {
    assert!(available() && takes(&product));
    // SAFETY: they are available, so that AVX-512 is, too.
    unsafe { write_all(&mut product) }
}

#[target_feature(enable = "avx512f,avx512bw")]
fn write_all(product: &mut Product) {
    let windows = product.windows;
    let words = windows.runs * windows.run;
    let mut gathered = Scratch::new(0);
    let mut sums = Scratch::new(PIXELS * BLOCK);
    let _tiles = Tiles::configure();
    let mut first = product.pixels.start;
    while first < product.pixels.end {
        let count = (product.pixels.end - first).min(PIXELS);
        // Sixteen windows of one line lie equally far apart and are tiles as they are; others are copied to be so.
        let in_line = |first: usize| first % windows.width + SIDE <= windows.width;
        let halves = count.div_ceil(SIDE);
        let left = if count.is_multiple_of(SIDE) && (0..halves).all(|half| in_line(first + half * SIDE)) {
            let mut starts = [0; 2];
            for (half, start) in starts.iter_mut().enumerate() {
                [*start] = windows.starts::<1>((first + half * SIDE).min(first + count - SIDE));
            }
            Left { words: windows.words, starts, pixel: windows.pixel, runs: windows.runs, run: windows.run, pitch: windows.pitch }
        } else {
            if gathered.len() < PIXELS * words {
                gathered = Scratch::new(PIXELS * words);
            }
            let rows = bytemuck::cast_slice_mut::<f32, u32>(&mut gathered);
            for (r, row) in rows.chunks_exact_mut(words).take(halves * SIDE).enumerate() {
                // Rows beyond the last pixel are computed with it and not written.
                let [start] = windows.starts::<1>(first + r.min(count - 1));
                for (run, row) in row.chunks_exact_mut(windows.run).enumerate() {
                    row.copy_from_slice(&windows.words[start + run * windows.pitch..][..windows.run]);
                }
            }
            Left { words: rows, starts: [0, (halves - 1) * SIDE * words], pixel: words, runs: 1, run: words, pitch: 0 }
        };
        if halves == 2 {
            left.multiply::<2>(product.weights, &mut sums);
        } else {
            left.multiply::<1>(product.weights, &mut sums);
        }
        for (r, sums) in sums.as_chunks::<BLOCK>().0.iter().take(count).enumerate() {
            product.finish(first + r, sums);
        }
        first += count;
    }
}

/// The tiles of this thread, set up until it is dropped; in use, they would be saved whenever the system takes the core away.
struct Tiles;

impl Tiles {
    fn configure() -> Self {
        // SAFETY: whoever calls it has them; the configuration is the 64 bytes that are read.
        unsafe { asm!("ldtilecfg [{}]", in(reg) &raw const CONFIG, options(nostack, preserves_flags, readonly)) }
        Self
    }
}

impl Drop for Tiles {
    fn drop(&mut self) {
        // SAFETY: they are configured.
        unsafe { asm!("tilerelease", options(nostack, preserves_flags, nomem)) }
    }
}

/// The left factor of one or two tiles: windows that lie `pixel` words apart, in runs as [`super::product::Windows`] has them.
struct Left<'a> {
    words: &'a [u32],
    /// Of the first window of each tile.
    starts: [usize; 2],
    pixel: usize,
    runs: usize,
    run: usize,
    pitch: usize,
}

impl Left<'_> {
    /// The sums of `HALVES` times sixteen pixels and all channels of a block of weights, `[pairs, BLOCK]`; the tiles are configured.
    #[inline(always)]
    fn multiply<const HALVES: usize>(&self, weights: &[u32], sums: &mut [f32]) {
        let last = (SIDE - 1) * self.pixel + (self.runs - 1) * self.pitch + self.run;
        let [low, high] = self.starts.map(|start| self.words[start..][..last].as_ptr());
        assert!(self.runs > 0 && self.run > 0 && self.run.is_multiple_of(SIDE));
        assert!(weights.len() >= self.runs * self.run * BLOCK && sums.len() >= HALVES * SIDE * BLOCK);
        let (steps, to_next_run) = (self.run / SIDE, (self.pitch as isize - self.run as isize) * size_of::<u32>() as isize);
        // SAFETY: what is read of the windows and the weights and written of the sums was found to be in them.
        unsafe {
            if HALVES == 2 {
                asm!(
                    "tilezero tmm0", "tilezero tmm1", "tilezero tmm2", "tilezero tmm3",
                    "2:",
                    "mov {step}, {steps}",
                    "3:",
                    "tileloadd tmm4, [{low} + {pixel}]",
                    "tileloadd tmm6, [{weights} + {pitch}]",
                    "tileloadd tmm7, [{weights} + {pitch} + 64]",
                    "tdpbf16ps tmm0, tmm4, tmm6",
                    "tileloadd tmm5, [{high} + {pixel}]",
                    "tdpbf16ps tmm1, tmm4, tmm7",
                    "tdpbf16ps tmm2, tmm5, tmm6",
                    "tdpbf16ps tmm3, tmm5, tmm7",
                    "add {low}, 64",
                    "add {high}, 64",
                    "add {weights}, 2048",
                    "dec {step}",
                    "jnz 3b",
                    "add {low}, {to_next_run}",
                    "add {high}, {to_next_run}",
                    "dec {runs}",
                    "jnz 2b",
                    "tilestored [{sums} + {pitch}], tmm0",
                    "tilestored [{sums} + {pitch} + 64], tmm1",
                    "tilestored [{sums} + {pitch} + 2048], tmm2",
                    "tilestored [{sums} + {pitch} + 2112], tmm3",
                    low = inout(reg) low => _, high = inout(reg) high => _, weights = inout(reg) weights.as_ptr() => _,
                    runs = inout(reg) self.runs => _, step = out(reg) _, steps = in(reg) steps, to_next_run = in(reg) to_next_run,
                    pixel = in(reg) self.pixel * size_of::<u32>(), pitch = in(reg) PITCH, sums = in(reg) sums.as_mut_ptr(),
                    out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _, out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                    options(nostack),
                );
            } else {
                asm!(
                    "tilezero tmm0", "tilezero tmm1",
                    "2:",
                    "mov {step}, {steps}",
                    "3:",
                    "tileloadd tmm4, [{low} + {pixel}]",
                    "tileloadd tmm6, [{weights} + {pitch}]",
                    "tileloadd tmm7, [{weights} + {pitch} + 64]",
                    "tdpbf16ps tmm0, tmm4, tmm6",
                    "tdpbf16ps tmm1, tmm4, tmm7",
                    "add {low}, 64",
                    "add {weights}, 2048",
                    "dec {step}",
                    "jnz 3b",
                    "add {low}, {to_next_run}",
                    "dec {runs}",
                    "jnz 2b",
                    "tilestored [{sums} + {pitch}], tmm0",
                    "tilestored [{sums} + {pitch} + 64], tmm1",
                    low = inout(reg) low => _, weights = inout(reg) weights.as_ptr() => _,
                    runs = inout(reg) self.runs => _, step = out(reg) _, steps = in(reg) steps, to_next_run = in(reg) to_next_run,
                    pixel = in(reg) self.pixel * size_of::<u32>(), pitch = in(reg) PITCH, sums = in(reg) sums.as_mut_ptr(),
                    out("tmm0") _, out("tmm1") _, out("tmm4") _, out("tmm6") _, out("tmm7") _,
                    options(nostack),
                );
            }
        }
    }
}

/// Multiply-adds on tiles, `rounds` of each of six chains, on a processor where they are [`available`]; gives the operations.
pub(super) fn multiply_adds(rounds: usize) -> f64 {
    assert!(available());
    let _tiles = Tiles::configure();
    // SAFETY: they are available and configured; nothing else is read or written.
    unsafe {
        asm!(
            "tilezero tmm0", "tilezero tmm1", "tilezero tmm2", "tilezero tmm3", "tilezero tmm4", "tilezero tmm5", "tilezero tmm6", "tilezero tmm7",
            "2:",
            "tdpbf16ps tmm0, tmm6, tmm7",
            "tdpbf16ps tmm1, tmm6, tmm7",
            "tdpbf16ps tmm2, tmm6, tmm7",
            "tdpbf16ps tmm3, tmm6, tmm7",
            "tdpbf16ps tmm4, tmm6, tmm7",
            "tdpbf16ps tmm5, tmm6, tmm7",
            "dec {rounds}",
            "jnz 2b",
            rounds = inout(reg) rounds.max(1) => _,
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _, out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
            options(nostack, nomem),
        );
    }
    (rounds.max(1) * 6 * 2 * 2 * SIDE * SIDE * SIDE) as f64
}
