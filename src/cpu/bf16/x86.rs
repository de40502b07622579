//! The product by VDPBF16PS of AVX-512 BF16.
#![allow(
    unsafe_code,
    reason = "the instructions of one kind of processor: loads by address, and a call that the processor must be of it"
)]

use super::product::Product;
use crate::cpu::{packed::BLOCK, simd::prefetch};
use std::{
    arch::x86_64::{
        __m512, __m512bh, __m512i, _mm512_dpbf16_ps, _mm512_loadu_si512, _mm512_set1_epi32, _mm512_setzero_ps, _mm512_storeu_ps,
    },
    sync::LazyLock,
};

/// What they are called.
pub(super) const NAME: &str = "AVX-512 BF16";

/// Whether the processor has what [`write`] needs.
pub(super) fn available() -> bool {
    static AVAILABLE: LazyLock<bool> = LazyLock::new(|| {
        is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw") && is_x86_feature_detected!("avx512bf16")
    });
    *AVAILABLE
}

/// Writes the product, on a processor where [`available`].
pub(super) fn write(mut product: Product) {
    assert!(available());
    // SAFETY: it is available.
    unsafe { write_all(&mut product) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
fn write_all(product: &mut Product) {
    let mut at = product.pixels.start;
    while at < product.pixels.end {
        at += match product.pixels.end - at {
            12.. => tile::<12>(product, at),
            8.. => tile::<8>(product, at),
            4.. => tile::<4>(product, at),
            2.. => tile::<2>(product, at),
            _ => tile::<1>(product, at),
        };
    }
}

/// `ROWS` pixels from `first` on: sums of two vectors each, which stay in registers.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
fn tile<const ROWS: usize>(product: &mut Product, first: usize) -> usize {
    let windows = product.windows;
    // Each tile asks for its share of the next block's weights, a row between some rows of its own.
    let (mut ahead, mut wait) = (product.ahead(first).as_chunks::<BLOCK>().0.iter(), 0);
    let every = product.pixels.len().div_ceil(12);
    let starts = windows.starts::<ROWS>(first);
    let mut sums = [[_mm512_setzero_ps(); 2]; ROWS];
    for run in 0..windows.runs {
        let mut rows: [&[u32]; ROWS] = [&[]; ROWS];
        for r in 0..ROWS {
            rows[r] = &windows.words[starts[r] + run * windows.pitch..][..windows.run];
        }
        let weights = &product.weights[run * windows.run * BLOCK..][..windows.run * BLOCK];
        for (k, weights) in weights.as_chunks::<BLOCK>().0.iter().enumerate() {
            if wait == 0 {
                wait = every;
                ahead.next().inspect(|row| prefetch(*row));
            }
            wait -= 1;
            let weights = [load(weights, 0), load(weights, 16)];
            for r in 0..ROWS {
                let pair = bf16(_mm512_set1_epi32(rows[r][k] as i32));
                for v in 0..2 {
                    sums[r][v] = _mm512_dpbf16_ps(sums[r][v], pair, weights[v]);
                }
            }
        }
    }
    for (r, sums) in sums.into_iter().enumerate() {
        product.finish(first + r, &values(sums));
    }
    ROWS
}

/// Sixteen words of a block from the `first` on.
#[target_feature(enable = "avx512f")]
fn load(weights: &[u32; BLOCK], first: usize) -> __m512bh {
    assert!(first + 16 <= BLOCK);
    // SAFETY: sixteen words from there are within the block.
    bf16(unsafe { _mm512_loadu_si512(weights.as_ptr().add(first).cast()) })
}

/// The same bits.
#[target_feature(enable = "avx512f")]
fn bf16(words: __m512i) -> __m512bh {
    // SAFETY: both are 64 bytes of which every value is valid.
    unsafe { std::mem::transmute(words) }
}

/// Two vectors' values.
#[target_feature(enable = "avx512f")]
fn values(sums: [__m512; 2]) -> [f32; BLOCK] {
    let mut values = [0.0; BLOCK];
    // SAFETY: each store fills one half of the values.
    unsafe {
        _mm512_storeu_ps(values.as_mut_ptr(), sums[0]);
        _mm512_storeu_ps(values.as_mut_ptr().add(16), sums[1]);
    }
    values
}

/// Multiply-adds on registers, `rounds` of each of 24 chains, on a processor where [`available`]; gives the operations.
pub(super) fn multiply_adds(rounds: usize) -> f64 {
    assert!(available());
    // SAFETY: it is available.
    unsafe { chains(rounds) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
fn chains(rounds: usize) -> f64 {
    const CHAINS: usize = 24;
    // Pairs of 2^-7 in bf16.
    let pairs = bf16(_mm512_set1_epi32(std::hint::black_box(0x3c00_3c00)));
    let mut sums = [_mm512_setzero_ps(); CHAINS];
    for _ in 0..rounds {
        for sum in &mut sums {
            *sum = _mm512_dpbf16_ps(*sum, pairs, pairs);
        }
    }
    for sums in sums.as_chunks::<2>().0 {
        std::hint::black_box(values(*sums));
    }
    (rounds * CHAINS * 64) as f64
}
