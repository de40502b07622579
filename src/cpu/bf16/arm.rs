//! The product by Arm's BFDOT (Armv8.6; Apple's from the M2 on, Neoverse V1, N2 and later), whose intrinsics Rust does not have yet.
#![allow(
    unsafe_code,
    reason = "the instructions of one kind of processor: an instruction by name, loads by address, and a call that the processor must be of it"
)]

use super::product::Product;
use crate::cpu::packed::BLOCK;
use std::{
    arch::{
        aarch64::{float32x4_t, uint32x4_t, vdupq_n_f32, vdupq_n_u32, vld1q_u32, vst1q_f32},
        asm,
    },
    sync::LazyLock,
};

/// Words, and sums, of a vector.
const LANES: usize = 4;
/// Vectors of sums per pixel: with six pixels, their sums, the weights and a pair take 29 of the 32 registers.
const VECTORS: usize = 4;

/// What they are called.
pub(super) const NAME: &str = "Arm BF16";

/// Whether the processor has what [`write`] needs.
pub(super) fn available() -> bool {
    static AVAILABLE: LazyLock<bool> = LazyLock::new(|| std::arch::is_aarch64_feature_detected!("bf16"));
    *AVAILABLE
}

/// Writes the product, on a processor where [`available`].
pub(super) fn write(mut product: Product) {
    assert!(available());
    // SAFETY: it is available.
    unsafe { write_all(&mut product) }
}

#[target_feature(enable = "neon,bf16")]
fn write_all(product: &mut Product) {
    let mut at = product.pixels.start;
    while at < product.pixels.end {
        at += match product.pixels.end - at {
            6.. => tile::<6>(product, at),
            4.. => tile::<4>(product, at),
            2.. => tile::<2>(product, at),
            _ => tile::<1>(product, at),
        };
    }
}

/// `ROWS` pixels from `first` on, a part of the block's channels after the other.
#[target_feature(enable = "neon,bf16")]
fn tile<const ROWS: usize>(product: &mut Product, first: usize) -> usize {
    let starts = product.windows.starts::<ROWS>(first);
    let mut sums = [[0.0; BLOCK]; ROWS];
    for part in (0..BLOCK).step_by(VECTORS * LANES) {
        sum_part(product, &starts, part, &mut sums);
    }
    for (r, sums) in sums.iter().enumerate() {
        product.finish(first + r, sums);
    }
    ROWS
}

/// The sums of VECTORS vectors of channels from `part` on, which stay in registers.
#[target_feature(enable = "neon,bf16")]
fn sum_part<const ROWS: usize>(product: &Product, starts: &[usize; ROWS], part: usize, out: &mut [[f32; BLOCK]; ROWS]) {
    let windows = product.windows;
    let mut sums = [[vdupq_n_f32(0.0); VECTORS]; ROWS];
    for run in 0..windows.runs {
        let mut rows: [&[u32]; ROWS] = [&[]; ROWS];
        for r in 0..ROWS {
            rows[r] = &windows.words[starts[r] + run * windows.pitch..][..windows.run];
        }
        let weights = &product.weights[run * windows.run * BLOCK..][..windows.run * BLOCK];
        for (k, weights) in weights.as_chunks::<BLOCK>().0.iter().enumerate() {
            let mut vectors = [vdupq_n_u32(0); VECTORS];
            for (vector, words) in vectors.iter_mut().zip(weights[part..].as_chunks::<LANES>().0) {
                // SAFETY: four words.
                *vector = unsafe { vld1q_u32(words.as_ptr()) };
            }
            for r in 0..ROWS {
                let pair = vdupq_n_u32(rows[r][k]);
                for v in 0..VECTORS {
                    sums[r][v] = add_products(sums[r][v], pair, vectors[v]);
                }
            }
        }
    }
    for (sums, out) in sums.into_iter().zip(out) {
        for (sum, values) in sums.into_iter().zip(out[part..].as_chunks_mut::<LANES>().0) {
            // SAFETY: room for four values.
            unsafe { vst1q_f32(values.as_mut_ptr(), sum) };
        }
    }
}

/// Adds to each sum the two products of the bf16 in the words of its lane.
#[target_feature(enable = "neon,bf16")]
fn add_products(mut sums: float32x4_t, a: uint32x4_t, b: uint32x4_t) -> float32x4_t {
    // SAFETY: it computes one register from three, on a processor that has it.
    unsafe {
        asm!(
            "bfdot {sums:v}.4s, {a:v}.8h, {b:v}.8h",
            sums = inout(vreg) sums, a = in(vreg) a, b = in(vreg) b,
            options(pure, nomem, nostack, preserves_flags)
        );
    }
    sums
}
