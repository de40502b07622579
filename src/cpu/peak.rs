//! What the processor can do at most, measured: what `etude bench` compares the network with.

use super::{
    bf16,
    memory::Lines,
    simd::dispatch,
    team::{each, step},
};
use crate::platform::Instant;
use pulp::{Simd, WithSimd};
use std::hint::black_box;

/// Multiply-adds of a chain, so that a measurement takes some milliseconds.
const ROUNDS: usize = 1 << 20;

/// Operations a second of multiply-adds on registers of all cores, each counted as two; with `bf16` of those of bf16, where the processor
/// has instructions for them that can be measured. Takes some milliseconds.
pub fn multiply_adds(bf16: bool) -> f64 {
    rate(|| {
        let of_bf16 = if bf16 { bf16::multiply_adds(ROUNDS) } else { None };
        of_bf16.unwrap_or_else(|| dispatch(Chains))
    })
}

/// Bytes a second that all cores together read from memory, of 128 MiB. Takes a tenth of a second.
pub fn bandwidth() -> f64 {
    let mut values = Lines::zeros(128 << 18);
    values.fill(1.0);
    let cores = rayon::current_num_threads();
    let parts: Vec<&[f32]> = values.chunks(values.len().div_ceil(cores)).collect();
    let seconds = fastest(parts.len(), &|i| {
        black_box(dispatch(Sum(parts[i])));
    });
    size_of_val::<[f32]>(&values) as f64 / seconds
}

/// Operations a second where each core does as many as `work` says it did.
fn rate(work: impl Fn() -> f64 + Sync) -> f64 {
    let cores = rayon::current_num_threads();
    let operations = work();
    let seconds = fastest(cores, &|_| {
        black_box(work());
    });
    operations * cores as f64 / seconds
}

/// Seconds that `work` takes, the least of three times after one for the threads to wake up.
fn fastest(count: usize, work: &(dyn Fn(usize) + Sync)) -> f64 {
    step(|| {
        let time = |_| {
            let start = Instant::now();
            each(count, work);
            start.elapsed().as_secs_f64()
        };
        (0..4).map(time).skip(1).fold(f64::INFINITY, f64::min)
    })
}

/// Independent chains of multiply-adds, as many as registers hold; gives the operations.
struct Chains;

impl WithSimd for Chains {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f64 {
        if S::REGISTER_COUNT >= 32 { chains::<S, 24>(simd) } else { chains::<S, 12>(simd) }
    }
}

#[inline(always)]
fn chains<S: Simd, const CHAINS: usize>(simd: S) -> f64 {
    let (factor, summand) = (simd.splat_f32s(black_box(0.999)), simd.splat_f32s(black_box(1e-3)));
    let mut sums = [simd.splat_f32s(0.0); CHAINS];
    for _ in 0..ROUNDS {
        for sum in &mut sums {
            *sum = simd.mul_add_e_f32s(*sum, factor, summand);
        }
    }
    let all = sums.into_iter().fold(simd.splat_f32s(0.0), |all, sum| simd.add_f32s(all, sum));
    black_box(simd.reduce_sum_f32s(all));
    (2 * ROUNDS * CHAINS * S::F32_LANES) as f64
}

/// The sum of values, in eight vectors of partial sums.
struct Sum<'a>(&'a [f32]);

impl WithSimd for Sum<'_> {
    type Output = f32;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f32 {
        let mut sums = [simd.splat_f32s(0.0); 8];
        for vectors in S::as_simd_f32s(self.0).0.as_chunks::<8>().0 {
            for (sum, vector) in sums.iter_mut().zip(vectors) {
                *sum = simd.add_f32s(*sum, *vector);
            }
        }
        simd.reduce_sum_f32s(sums.into_iter().fold(simd.splat_f32s(0.0), |all, sum| simd.add_f32s(all, sum)))
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_is_measured_is_in_a_processors_range() {
        // From a single old core to a large server.
        for (what, measured) in
            [("f32", super::multiply_adds(false)), ("bf16", super::multiply_adds(true)), ("memory", super::bandwidth())]
        {
            assert!((1e8..1e15).contains(&measured), "{what}: {measured:e} a second");
        }
    }

    /// Vectors of bf16 do twice as many multiply-adds as those of f32 at most, where four times would be said if the two were not told apart; AMX's
    /// tiles do sixteen times as many at most. Other programs may disturb a measurement, but not ten.
    #[test]
    fn bf16_is_not_measured_with_f32() {
        let quotients = || super::multiply_adds(true) / super::multiply_adds(false);
        let most = if super::bf16::in_hardware().is_some_and(|name| name.starts_with("AMX")) { 24.0 } else { 3.0 };
        assert!((0..10).any(|_| quotients() < most));
    }
}
