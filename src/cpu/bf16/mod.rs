//! Convolutions in bf16, the upper half of an f32: weights and what they are multiplied with are rounded to it, to nearest, ties to even;
//! products and sums are f32. Everything else of the network stays f32.
//!
//! Half as many bytes of weights come from memory, and processors with AVX-512 BF16 (VDPBF16PS) or Arm's BFDOT multiply twice as many pairs at a
//! time, those with AMX sixteen times as many. Others compute the same from widened values, and where Winograd's transforms save
//! multiplications only the weights are rounded: transformed values would need more digits than bf16 has.

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod amx;
#[cfg(target_arch = "aarch64")]
mod arm;
mod conv2d;
mod product;
#[cfg(target_arch = "x86_64")]
mod x86;

pub(super) use conv2d::conv2d;

#[cfg(target_arch = "aarch64")]
use arm as vectors;
use product::Product;
#[cfg(target_arch = "x86_64")]
use x86 as vectors;

/// What multiplies bf16.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Instructions {
    /// Those for f32, on widened values.
    Widened,
    /// AVX-512 BF16 or Arm's BFDOT.
    #[cfg(any(target_arch = "aarch64", target_arch = "x86_64"))]
    Vectors,
    /// AMX.
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    Tiles,
}

impl Instructions {
    /// The quickest of this processor.
    fn best() -> Self {
        #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
        if amx::available() {
            return Self::Tiles;
        }
        #[cfg(any(target_arch = "aarch64", target_arch = "x86_64"))]
        if vectors::available() {
            return Self::Vectors;
        }
        Self::Widened
    }

    /// All of this processor.
    #[cfg(test)]
    fn all() -> impl Iterator<Item = Self> {
        let all = [
            Self::Widened,
            #[cfg(any(target_arch = "aarch64", target_arch = "x86_64"))]
            Self::Vectors,
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            Self::Tiles,
        ];
        all.into_iter().filter(|by| *by <= Self::best())
    }

    /// As many pixels as are computed at once; bands of a picture are whole multiples of it.
    fn pixels(self) -> usize {
        match self {
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            Self::Tiles => amx::PIXELS,
            _ => 12,
        }
    }

    /// Writes a product.
    fn write(self, product: Product) {
        match self {
            Self::Widened => product.write_widened(),
            #[cfg(any(target_arch = "aarch64", target_arch = "x86_64"))]
            Self::Vectors => vectors::write(product),
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            Self::Tiles if amx::takes(&product) => amx::write(product),
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            Self::Tiles => vectors::write(product),
        }
    }
}

/// Which instructions this processor multiplies bf16 by, if it does.
pub(super) fn in_hardware() -> Option<&'static str> {
    match Instructions::best() {
        Instructions::Widened => None,
        #[cfg(any(target_arch = "aarch64", target_arch = "x86_64"))]
        Instructions::Vectors => Some(vectors::NAME),
        #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
        Instructions::Tiles => Some(amx::NAME),
    }
}

/// Does `rounds` multiply-adds in each of many chains on registers, and gives how many operations those were; `None` without instructions,
/// or where they are not measured.
pub(super) fn multiply_adds(rounds: usize) -> Option<f64> {
    match Instructions::best() {
        #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
        Instructions::Tiles => Some(amx::multiply_adds(rounds / 16)),
        #[cfg(target_arch = "x86_64")]
        Instructions::Vectors => Some(vectors::multiply_adds(rounds)),
        _ => {
            let _ = rounds;
            None
        }
    }
}

/// The nearest bf16, of two equally near the even one; NaN stays NaN.
#[inline(always)]
pub(super) fn round(value: f32) -> u16 {
    let bits = value.to_bits();
    let rounded = (bits.wrapping_add(0x7fff + (bits >> 16 & 1)) >> 16) as u16;
    if value.is_nan() { 0x7fc0 } else { rounded }
}

/// The f32 of the same value.
#[inline(always)]
pub(super) fn widen(value: u16) -> f32 {
    f32::from_bits(u32::from(value) << 16)
}

#[cfg(test)]
mod tests {
    #[test]
    fn rounding_is_the_half_crates() {
        for i in 0..=u16::MAX {
            for low in [0, 1, 0x7fff, 0x8000, 0x8001, 0xffff] {
                let value = f32::from_bits(u32::from(i) << 16 | low);
                let (ours, theirs) = (super::widen(super::round(value)), half::bf16::from_f32(value).to_f32());
                assert!(ours == theirs || ours.is_nan() && theirs.is_nan(), "{value:e}: {ours:e}, expected {theirs:e}");
            }
        }
    }
}
