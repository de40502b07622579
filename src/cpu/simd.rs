//! The widest vector instructions this processor has, chosen at run time by the `pulp` crate.

use pulp::{Arch, Simd, WithSimd};
use std::sync::LazyLock;

static ARCH: LazyLock<Arch> = LazyLock::new(Arch::new);

/// Runs `work` as compiled for those instructions.
#[inline(always)]
pub(super) fn dispatch<W: WithSimd>(work: W) -> W::Output {
    ARCH.dispatch(work)
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
