//! A convolution's weights as the quick ways to convolve take them, packed once for all programs of a model.

use super::{
    bf16::{self, round},
    memory::Lines,
    simd::prefetch,
    winograd::Form,
};
use crate::program::{Call, Conv2dParams, Kernel, Life, Program};
use std::sync::{Arc, Weak};

/// Output channels of a block.
pub(super) const BLOCK: usize = 32;

/// How weights are packed, in blocks of [`BLOCK`] output channels, the last filled up with zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    /// To be transformed: f32, `[blocks, inputs, taps, BLOCK]`, so that all taps of a channel lie together and a block is read in one
    /// stream: rows of the unpacked matrix, a few lines of each, come from memory half as quickly.
    Taps(Form),
    /// The same in bf16.
    Bf16Taps(Form),
    /// To be multiplied: bf16, `[blocks, rows/2, BLOCK, 2]`, as VDPBF16PS and BFDOT take them: a pair of neighbouring rows in each word.
    Bf16Pairs,
}

impl Packing {
    /// What the quickest way to convolve needs; `None`: the plain twin's own.
    ///
    /// Where the processor multiplies bf16, nothing is transformed: products of bf16 take half as long as those of f32, and on two cores of
    /// a Zen 5 F(4x4, 3x3) was between 1.3 times as quick as they are (32x32 pixels at batch 1, 8x8 to 16x16 at batch 8) and half as quick
    /// (8x8 pixels at batch 1, and the wide layers in minutes in which others on the machine used the cache that all its cores share).
    fn of(p: &Conv2dParams, bf16: bool) -> Option<Self> {
        if p.shortcut_a_c4 > 0 {
            return None;
        }
        match (Form::of(p).filter(|_| !(bf16 && bf16::in_hardware().is_some())), bf16) {
            (Some(form), false) => Some(Self::Taps(form)),
            (Some(form), true) => Some(Self::Bf16Taps(form)),
            (None, false) => None,
            (None, true) => Some(Self::Bf16Pairs),
        }
    }
}

/// Packed weights.
#[derive(Debug)]
pub(super) struct Packed {
    values: Lines,
    pub(super) packing: Packing,
    /// Rows of the matrix of weights.
    rows: usize,
}

impl Packed {
    /// Packs a matrix of weights whose rows are tap by tap, within a tap the `inputs` channels.
    pub(super) fn new(weights: &[f32], inputs: usize, columns: usize, packing: Packing) -> Self {
        let rows = weights.len() / columns;
        let (taps, len) = (rows / inputs, columns.div_ceil(BLOCK) * rows * BLOCK);
        let mut values = Lines::zeros(if let Packing::Taps(_) = packing { len } else { len / 2 });
        for (row, weights) in weights.chunks_exact(columns).enumerate() {
            for (column, value) in weights.iter().enumerate() {
                let (block, lane) = (column / BLOCK, column % BLOCK);
                let block = block * rows * BLOCK;
                let by_taps = block + (row % inputs * taps + row / inputs) * BLOCK + lane;
                match packing {
                    Packing::Taps(_) => values[by_taps] = *value,
                    Packing::Bf16Taps(_) => bytemuck::cast_slice_mut::<f32, u16>(&mut values)[by_taps] = round(*value),
                    Packing::Bf16Pairs => {
                        let at = block + row / 2 * BLOCK * 2 + lane * 2 + row % 2;
                        bytemuck::cast_slice_mut::<f32, u16>(&mut values)[at] = round(*value);
                    }
                }
            }
        }
        Self { values, packing, rows }
    }

    /// Bytes of memory.
    pub(super) fn bytes(&self) -> u64 {
        size_of_val::<[f32]>(&self.values) as u64
    }

    /// A block's values in f32.
    #[inline(always)]
    pub(super) fn block(&self, block: usize) -> &[f32] {
        &self.values[block * self.rows * BLOCK..][..self.rows * BLOCK]
    }

    /// A block's values in bf16.
    #[inline(always)]
    pub(super) fn bf16_block(&self, block: usize) -> &[u16] {
        &bytemuck::cast_slice::<f32, u16>(&self.values)[block * self.rows * BLOCK..][..self.rows * BLOCK]
    }
}

impl Packed {
    /// Asks for a part of the weights of a block or of those that follow it: `part` of `parts` of `channels` input channels from the
    /// `first` on.
    #[inline(always)]
    pub(super) fn prefetch(&self, block: usize, first: usize, channels: usize, part: usize, parts: usize) {
        let value = if let Packing::Taps(_) = self.packing { 1 } else { 2 };
        let per_channel = 9 * BLOCK / value;
        let start = block * self.rows * BLOCK / value + first * per_channel;
        let len = channels * per_channel;
        let (from, to) = (start + len * part / parts, start + len * (part + 1) / parts);
        prefetch(self.values.get(from..to.min(self.values.len())).unwrap_or_default());
    }
}

/// Weights and how they are packed.
type Known = (Weak<Vec<f32>>, Arc<Packed>);

/// What is packed already of a model's weights.
#[derive(Debug, Default)]
pub struct PackedWeights(Vec<Known>);

impl PackedWeights {
    /// For each call of `program` its packed weights, where it is a convolution that needs some.
    pub(super) fn pack(&mut self, program: &Program, bf16: bool) -> Vec<Option<Arc<Packed>>> {
        // A new tensor may come to lie at the address of one that is gone.
        self.0.retain(|(known, _)| known.strong_count() > 0);
        let packed = |(_, kernel, _): &(_, Kernel, _)| {
            let Kernel::Conv2d(conv) = kernel else { return None };
            let Life::Constant(weights) = &program.get(conv.weights).life else { return None };
            let p = conv.params(program);
            let packing = Packing::of(&p, bf16)?;
            let same = |(known, packed): &&Known| std::ptr::eq(known.as_ptr(), Arc::as_ptr(weights)) && packed.packing == packing;
            if let Some((_, packed)) = self.0.iter().find(same) {
                return Some(packed.clone());
            }
            let (inputs, columns) = ((p.a_c4 + p.b_c4) as usize * 4, p.out_c4 as usize * 4);
            let packed = Arc::new(Packed::new(weights, inputs, columns, packing));
            self.0.push((Arc::downgrade(weights), packed.clone()));
            Some(packed)
        };
        program.calls().iter().map(packed).collect()
    }

    /// Bytes of memory.
    pub fn bytes(&self) -> u64 {
        self.0.iter().map(|(_, packed)| packed.bytes()).sum()
    }
}

/// The name of the instructions that this processor multiplies bf16 by; others widen it to f32, which takes longer than f32 itself.
pub fn bf16_in_hardware() -> Option<&'static str> {
    bf16::in_hardware()
}
