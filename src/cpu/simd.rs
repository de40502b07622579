//! The widest vector instructions this processor has, chosen at run time by the `pulp` crate.

use pulp::{Arch, Simd, WithSimd};
use std::sync::LazyLock;

static ARCH: LazyLock<Arch> = LazyLock::new(Arch::new);

/// Runs `work` as compiled for those instructions.
#[inline(always)]
pub(super) fn dispatch<W: WithSimd>(work: W) -> W::Output {
    ARCH.dispatch(work)
}

/// Values of a vector of those instructions.
pub(super) fn lanes() -> usize {
    struct Lanes;

    impl WithSimd for Lanes {
        type Output = usize;

        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) -> usize {
            S::F32_LANES
        }
    }

    dispatch(Lanes)
}

/// A vector, its missing lanes zero.
#[inline(always)]
pub(super) fn load<S: Simd>(simd: S, values: &[f32]) -> S::f32s {
    match S::as_simd_f32s(values).0 {
        [vector, ..] => *vector,
        [] => simd.partial_load_f32s(values),
    }
}

/// As many lanes as `values` holds.
#[inline(always)]
pub(super) fn store<S: Simd>(simd: S, values: &mut [f32], vector: S::f32s) {
    match S::as_mut_simd_f32s(values).0 {
        [place, ..] => *place = vector,
        [] => simd.partial_store_f32s(values, vector),
    }
}

/// Asks for values that will soon be read, so that they come from memory while something else is computed.
#[inline(always)]
pub(super) fn prefetch<T>(values: &[T]) {
    #[cfg(target_arch = "x86_64")]
    for line in values.chunks(64 / size_of::<T>()) {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        // SAFETY: a hint about an address that is there.
        #[allow(unsafe_code, reason = "the instruction takes an address")]
        unsafe {
            _mm_prefetch::<_MM_HINT_T1>(line.as_ptr().cast());
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = values;
}

/// Runs a closure whose plain loops the compiler vectorises for those instructions. It and what it calls have to be `#[inline(always)]`,
/// else they are compiled for the oldest processor of the architecture.
#[inline(always)]
pub(super) fn vectorised(work: impl FnMut()) {
    struct Loops<F>(F);

    impl<F: FnMut()> WithSimd for Loops<F> {
        type Output = ();

        #[inline(always)]
        fn with_simd<S: Simd>(mut self, _: S) {
            (self.0)();
        }
    }

    dispatch(Loops(work));
}
