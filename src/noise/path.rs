//! Noise of a step that does not depend on the number of steps: one Brownian path W per (seed, image, element), and z of a step is its
//! increment over the step's interval of time, (W(t) − W(s))/√(t − s). Increments over intervals that do not overlap are independent and
//! z is N(0, 1), so a run has noise of the same law as with a fresh z in each step; but the noise of one long step is that of the short
//! steps in its place, so that runs with other S draw the same picture.
//!
//! Time is the timestep plus one, and data is at 0: this way no constant here depends on a model's schedule. (Over log-SNR samples of
//! different S lie as close together; over SNR, where they would be equal if x̂0 stood still, they lie further apart.)
//!
//! The path is Lévy's construction, refined dyadically. A normal for the whole path, and one for each dyadic interval, which says how
//! much more of the interval's increment is in its left half than in its right one:
//!
//! ```text
//! 0               512              1024      position = the number of the normal that fixes W there
//! |----------------+----------------|  1024  fixes the sum of the whole
//! |--------+-------|--------+-------|   512  divides it between the two halves
//! |---+----|---+---|---+----|---+---|   256, 768  divide those, and so on down to intervals of two
//! ```
//!
//! An increment is the sum of all normals, each with the integral of its Haar function over the interval: for the normal of a dyadic
//! interval of `width`, (overlap with its left half − overlap with its right half)/√width. It is zero but where an end of the interval
//! is inside, so at most two count at each width. Divided by √(t − s), the squares of all weights add up to 1.

use super::gaussian::fill_sums_nchw;
use serde::{Deserialize, Serialize};

/// The stream of the path's normals; in the place of the step stands the position that a normal fixes.
pub const STREAM_PATH: u32 = 2;

/// The length of a path, where a model's T does not ask for more. A power of two.
const MIN_SPAN: u32 = 1024;

/// An interval of a path, of which z is the normalised increment: 0 ≤ `start` < `end` ≤ `span`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathInterval {
    /// Where it begins.
    pub start: u32,
    /// Where it ends.
    pub end: u32,
    /// The length of the whole path: a power of two.
    pub span: u32,
}

impl PathInterval {
    /// From timestep s (`None` is data) up to timestep t, for a model of T = `train_timesteps`. `None` where s is not below t.
    pub fn between(s: Option<u32>, t: u32, train_timesteps: u32) -> Option<Self> {
        let (start, end) = (s.map_or(0, |s| s + 1), t + 1);
        let span = train_timesteps.max(end).next_power_of_two().max(MIN_SPAN);
        (start < end).then_some(Self { start, end, span })
    }

    /// The normals that z is made of: each with the position that it fixes and its weight, in the order in which the shader adds them.
    /// At most one for the whole path and two for each width.
    pub fn terms(self) -> Vec<(u32, f32)> {
        let Self { start, end, span } = self;
        let overlap = |low: u32, high: u32| (end.min(high) as i32 - start.max(low) as i32).max(0);
        // A power of two times a whole number of at most 17 bits: exact.
        let length = (end - start) as f32;
        let mut terms = vec![(span, (length / span as f32).sqrt())];
        let mut width = span;
        while width > 1 {
            let lows = [start, end].map(|position| position & !(width - 1));
            for low in &lows[..if lows[0] == lows[1] { 1 } else { 2 }] {
                let middle = low + width / 2;
                let difference = overlap(*low, middle) - overlap(middle, low + width);
                if difference != 0 {
                    terms.push((middle, difference as f32 / (width as f32 * length).sqrt()));
                }
            }
            width /= 2;
        }
        terms
    }
}

/// One picture's z over an interval as `[C, H, W]`, the layout of files: as [`super::fill_nchw`].
pub fn fill_path_nchw(
    seed: u64,
    image: u32,
    interval: PathInterval,
    channels: usize,
    height: usize,
    width: usize,
    out: &mut [f32],
) {
    fill_sums_nchw(seed, STREAM_PATH, image, &interval.terms(), channels, height * width, out);
}

#[cfg(test)]
mod tests {
    use super::PathInterval;

    /// Weights are rounded three times or four, at most 2.5e-7 of each.
    #[test]
    fn the_squares_of_the_weights_add_up_to_one() {
        for (start, end) in [(0, 1), (0, 1024), (511, 512), (511, 513), (1, 1000), (999, 1000), (333, 777), (512, 768)] {
            let terms = PathInterval { start, end, span: 1024 }.terms();
            let sum: f64 = terms.iter().map(|(_, weight)| f64::from(*weight).powi(2)).sum();
            assert!((sum - 1.0).abs() < 5e-7, "{start}..{end}: {sum}");
            assert!(terms.len() <= 21, "{start}..{end}: {} normals", terms.len());
        }
        assert_eq!(PathInterval { start: 0, end: 1024, span: 1024 }.terms(), [(1024, 1.0)]);
    }

    #[test]
    fn a_path_is_as_long_as_the_model_needs() {
        let span = |t, train| PathInterval::between(Some(0), t, train).expect("rising").span;
        assert_eq!(
            [span(999, 1000), span(1, 2), span(1023, 1024), span(5, 1025), span(99_999, 100_000)],
            [1024, 1024, 1024, 2048, 131_072]
        );
        assert_eq!(PathInterval::between(None, 0, 1000), Some(PathInterval { start: 0, end: 1, span: 1024 }));
        assert_eq!(PathInterval::between(Some(7), 7, 1000), None);
    }
}
