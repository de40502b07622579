//! torch's CPU generator: `torch.manual_seed(seed); torch.randn(count)` in f32, so that a run can start from torch's x_T.
//!
//! Mersenne Twister 19937 (Matsumoto and Nishimura 1998) seeded with the seed's low 32 bits. From 16 values on, torch fills the
//! tensor with 24-bit uniforms and turns blocks of 16 into normals by Box–Muller in f32, pairing j with j + 8; a tail of fewer
//! than 16 is made by redrawing the last 16. Below 16, it draws pairs in f64 and keeps each pair's second for the next draw.
//! (ATen: DistributionTemplates.h, DistributionsHelper.h.) Words and their order are exact; the normals differ from torch's by the
//! last bits of its vectorised logarithm, sine and cosine, which change with torch's version and processor.

use std::{
    f64::consts::PI,
    ops::Range,
    sync::{Mutex, PoisonError},
};

const STATE: usize = 624;
const MIDDLE: usize = 397;
const BLOCK: usize = 16;

/// A `torch.Generator` on the CPU. Successive draws go on where the last one ended.
#[derive(Clone, Debug)]
pub struct TorchGenerator {
    state: [u32; STATE],
    next: usize,
    /// The second of a pair drawn by the scalar path.
    kept: Option<f64>,
}

/// `torch.randn(count, generator=torch.Generator().manual_seed(seed))`.
pub fn randn(seed: u64, count: usize) -> Vec<f32> {
    TorchGenerator::new(seed).randn(count)
}

impl TorchGenerator {
    /// `torch.Generator().manual_seed(seed)`: only the low 32 bits count.
    pub fn new(seed: u64) -> Self {
        let mut state = [seed as u32; STATE];
        for i in 1..STATE {
            let before = state[i - 1];
            state[i] = 1_812_433_253u32.wrapping_mul(before ^ (before >> 30)).wrapping_add(i as u32);
        }
        Self { state, next: STATE, kept: None }
    }

    /// `torch.randn(count, generator=self)`: `count` values; a tensor's shape does not matter, its elements are in row-major order.
    pub fn randn(&mut self, count: usize) -> Vec<f32> {
        if count < BLOCK {
            return (0..count).map(|_| self.scalar_normal() as f32).collect();
        }
        let mut out: Vec<f32> = (0..count).map(|_| self.uniform_f32()).collect();
        out.chunks_exact_mut(BLOCK).for_each(box_muller_block);
        if !count.is_multiple_of(BLOCK) {
            let tail = &mut out[count - BLOCK..];
            tail.iter_mut().for_each(|value| *value = self.uniform_f32());
            box_muller_block(tail);
        }
        out
    }

    /// `torch.randn(count, generator=self)[range]`, of which only the blocks around `range` are made.
    fn randn_part(mut self, count: usize, range: Range<usize>) -> Vec<f32> {
        if count < BLOCK {
            return self.randn(count).get(range).unwrap_or_default().to_vec();
        }
        // One word makes one number, so that the blocks before and behind can be passed over.
        let (first, last) = (range.start / BLOCK * BLOCK, range.end.next_multiple_of(BLOCK).min(count));
        self.skip(first);
        let mut out: Vec<f32> = (first..last).map(|_| self.uniform_f32()).collect();
        out.chunks_exact_mut(BLOCK).for_each(box_muller_block);
        if !count.is_multiple_of(BLOCK) && last > count - BLOCK {
            self.skip(count - last);
            let mut tail = [0.0; BLOCK];
            tail.iter_mut().for_each(|value| *value = self.uniform_f32());
            box_muller_block(&mut tail);
            for (at, value) in (count - BLOCK..).zip(tail) {
                if let Some(place) = at.checked_sub(first).and_then(|at| out.get_mut(at)) {
                    *place = value;
                }
            }
        }
        out.get(range.start - first..range.end - first).unwrap_or_default().to_vec()
    }

    /// What `randn(count)` would use up.
    fn skip_randn(&mut self, count: usize) {
        if count < BLOCK {
            self.randn(count);
        } else {
            self.skip(if count.is_multiple_of(BLOCK) { count } else { count + BLOCK });
        }
    }

    /// Passes over so many words.
    fn skip(&mut self, mut words: usize) {
        while words > STATE - self.next {
            words -= STATE - self.next;
            self.twist();
        }
        self.next += words;
    }

    /// A uniform word.
    fn word(&mut self) -> u32 {
        if self.next == STATE {
            self.twist();
        }
        let mut y = self.state[self.next];
        self.next += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }

    fn twist(&mut self) {
        for i in 0..STATE {
            let mixed = (self.state[i] & 0x8000_0000) | (self.state[(i + 1) % STATE] & 0x7fff_ffff);
            let twisted = (mixed >> 1) ^ if mixed & 1 == 1 { 0x9908_b0df } else { 0 };
            self.state[i] = self.state[(i + MIDDLE) % STATE] ^ twisted;
        }
        self.next = 0;
    }

    /// Uniform in [0, 1): the low 24 bits of a word.
    fn uniform_f32(&mut self) -> f32 {
        (self.word() & 0x00ff_ffff) as f32 / 16_777_216.0
    }

    /// Uniform in [0, 1): the low 53 bits of two words, the first the higher.
    fn uniform_f64(&mut self) -> f64 {
        let bits = u64::from(self.word()) << 32 | u64::from(self.word());
        (bits & ((1 << 53) - 1)) as f64 / (1u64 << 53) as f64
    }

    fn scalar_normal(&mut self) -> f64 {
        if let Some(kept) = self.kept.take() {
            return kept;
        }
        let (angle, u) = (2.0 * PI * self.uniform_f64(), self.uniform_f64());
        let radius = (-2.0 * (-u).ln_1p()).sqrt();
        self.kept = Some(radius * angle.sin());
        radius * angle.cos()
    }
}

/// What a pipeline of diffusers draws from one generator: x_T of the whole batch, then, step by step, noise for the whole batch.
///
/// It is one stream: what lies before a draw is passed over, and a draw before the last one asked for begins anew.
#[derive(Debug)]
pub struct TorchDraws {
    seed: u64,
    /// Numbers of a draw: those of the whole batch.
    numbers: usize,
    /// The generator, and how many draws it has behind it.
    place: Mutex<(TorchGenerator, usize)>,
}

impl TorchDraws {
    /// Draws of `numbers` numbers each.
    pub fn new(seed: u64, numbers: usize) -> Self {
        Self { seed, numbers, place: Mutex::new((TorchGenerator::new(seed), 0)) }
    }

    /// Numbers of a draw.
    pub fn numbers(&self) -> usize {
        self.numbers
    }

    /// Part of x_T.
    pub fn x_t(&self, range: Range<usize>) -> Vec<f32> {
        self.part(0, range)
    }

    /// Part of the noise of the step of an index.
    pub fn noise(&self, step: usize, range: Range<usize>) -> Vec<f32> {
        self.part(step + 1, range)
    }

    fn part(&self, draw: usize, range: Range<usize>) -> Vec<f32> {
        // What a panic left there is a generator still.
        let mut place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        if place.1 > draw {
            *place = (TorchGenerator::new(self.seed), 0);
        }
        let (generator, done) = &mut *place;
        (*done..draw).for_each(|_| generator.skip_randn(self.numbers));
        *done = draw;
        // The place stays before the draw: other images of it may be asked for next.
        generator.clone().randn_part(self.numbers, range)
    }
}

/// Sixteen uniforms to sixteen normals in place. Each operation rounds to f32 as torch's does; the functions are f64's, rounded.
fn box_muller_block(block: &mut [f32]) {
    let (radii, angles) = block.split_at_mut(BLOCK / 2);
    for (a, b) in radii.iter_mut().zip(angles) {
        let ln = f64::from(1.0 - *a).ln() as f32;
        let radius = (-2.0 * ln).sqrt();
        let (sin, cos) = f64::from(2.0 * std::f32::consts::PI * *b).sin_cos();
        *a = radius * cos as f32;
        *b = radius * sin as f32;
    }
}
