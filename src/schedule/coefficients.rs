//! One step's coefficients: what x_t, the network's output and fresh noise are multiplied with.

use super::{Prediction, Variance};
use crate::{
    error::{Error, Result},
    noise::PathInterval,
};
use serde::{Deserialize, Serialize};

/// One step, as three linear combinations of x (x_t), m (the network's output) and z (noise); see [`crate::schedule`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepCoefficients {
    /// What the network gets as its timestep.
    pub timestep: f32,
    /// t, the step's noisier end: where sampling comes from and encoding goes to.
    pub t: u32,
    /// s, the step's cleaner end; `None` is past the end of τ, which is data.
    pub previous: Option<u32>,
    /// ᾱt.
    pub alpha_bar_t: f64,
    /// ᾱs.
    pub alpha_bar_s: f64,
    /// σ, the standard deviation of the noise added; equal to `next_from_noise`.
    pub sigma: f64,
    /// x0's share of x.
    pub x0_from_x: f64,
    /// x0's share of m.
    pub x0_from_model: f64,
    /// ε's share of x.
    pub epsilon_from_x: f64,
    /// ε's share of m.
    pub epsilon_from_model: f64,
    /// The next x's share of this x; only σ̂ has one.
    pub next_from_x: f64,
    /// The next x's share of x0.
    pub next_from_x0: f64,
    /// The next x's share of ε.
    pub next_from_epsilon: f64,
    /// The next x's share of z.
    pub next_from_noise: f64,
    /// Clamp x0 to ± this. Never together with `threshold`.
    pub clip: Option<f64>,
    /// Threshold x0 dynamically.
    pub threshold: Option<Threshold>,
    /// ε is derived again from the limited x0: (x − √ᾱt x0)/√(1−ᾱt).
    pub clip_epsilon: bool,
    /// The interval of the noise path that z is the increment of; `None` where z belongs to the step's index, or none is added.
    pub path: Option<PathInterval>,
    /// Seed of this step's noise; `None` is the run's.
    pub noise_seed: Option<u64>,
}

/// Dynamic thresholding (Imagen): x0 = clamp(x0, ±s)/s with s the `ratio` quantile of an image's |x0|, at least 1, then at most `max`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Threshold {
    /// The quantile, from 0 to 1; between two values it is interpolated linearly.
    pub ratio: f64,
    /// The largest s.
    pub max: f64,
}

/// x0 and ε from x and m.
#[derive(Clone, Copy)]
pub(super) struct Readout {
    pub x0_from_x: f64,
    pub x0_from_model: f64,
    pub epsilon_from_x: f64,
    pub epsilon_from_model: f64,
}

/// The next x from x, x0, ε and z.
#[derive(Clone, Copy)]
pub(super) struct Update {
    pub from_x: f64,
    pub from_x0: f64,
    pub from_epsilon: f64,
    pub sigma: f64,
}

/// x0 and ε where x has the noise level ᾱ: x = √ᾱ x0 + √(1−ᾱ) ε, solved with what the network predicts. Infinite where it cannot
/// be: ε at ᾱ = 0, x0 at ᾱ = 1.
pub(super) fn read(prediction: Prediction, alpha_bar: f64) -> Readout {
    let (signal, noise) = (alpha_bar.sqrt(), (1.0 - alpha_bar).sqrt());
    let (epsilon_from_x, epsilon_from_model) = epsilon(prediction, alpha_bar);
    let (x0_from_x, x0_from_model) = match prediction {
        Prediction::Epsilon => (1.0 / signal, -noise / signal),
        Prediction::Sample => (0.0, 1.0),
        Prediction::VPrediction => (signal, -noise),
    };
    Readout { x0_from_x, x0_from_model, epsilon_from_x, epsilon_from_model }
}

/// As [`read`], with the network asked at another noise level than x has (`asked`), as encoding does: it is ε that carries over.
pub(super) fn read_elsewhere(prediction: Prediction, alpha_bar: f64, asked: f64) -> Readout {
    let (signal, noise) = (alpha_bar.sqrt(), (1.0 - alpha_bar).sqrt());
    let (epsilon_from_x, epsilon_from_model) = epsilon(prediction, asked);
    let x0_from_x = (1.0 - noise * epsilon_from_x) / signal;
    Readout { x0_from_x, x0_from_model: -noise * epsilon_from_model / signal, epsilon_from_x, epsilon_from_model }
}

/// ε's shares of x and of m.
pub(super) fn epsilon(prediction: Prediction, alpha_bar: f64) -> (f64, f64) {
    let (signal, noise) = (alpha_bar.sqrt(), (1.0 - alpha_bar).sqrt());
    match prediction {
        Prediction::Epsilon => (0.0, 1.0),
        Prediction::Sample => (1.0 / noise, -signal / noise),
        Prediction::VPrediction => (noise, signal),
    }
}

/// Eq. 12 and 16 of the paper: x_s = √ᾱs x0 + √(1−ᾱs−σ²) ε + σ z, σ = η √((1−ᾱs)/(1−ᾱt)) √(1−ᾱt/ᾱs).
pub(super) fn ddim(alpha_bar_t: f64, alpha_bar_s: f64, eta: f64) -> Update {
    let variance = (1.0 - alpha_bar_s) / (1.0 - alpha_bar_t) * (1.0 - ratio(alpha_bar_t, alpha_bar_s));
    let sigma = eta * variance.max(0.0).sqrt();
    // At η = 1 this is (1−ᾱs) times a number from 0 to 1: below zero only by rounding.
    let from_epsilon = (1.0 - alpha_bar_s - sigma * sigma).max(0.0).sqrt();
    Update { from_x: 0.0, from_x0: alpha_bar_s.sqrt(), from_epsilon, sigma }
}

/// Eq. 12 with η = 0 towards ᾱ: √ᾱ x0 + √(1−ᾱ) ε, in either direction of time.
pub(super) fn deterministic(alpha_bar: f64) -> Update {
    Update { from_x: 0.0, from_x0: alpha_bar.sqrt(), from_epsilon: (1.0 - alpha_bar).sqrt(), sigma: 0.0 }
}

/// DDPM: posterior mean (√ᾱs β x0 + √(1−β) (1−ᾱs) x)/(1−ᾱt) with β = 1 − ᾱt/ᾱs, plus noise of a variance where there is one. With the
/// large one it is σ̂, the official `ddpm_steps`.
pub(super) fn ddpm(alpha_bar_t: f64, alpha_bar_s: f64, variance: Option<Variance>) -> Update {
    let kept = ratio(alpha_bar_t, alpha_bar_s);
    let beta = (1.0 - kept).max(0.0);
    let noise_t = 1.0 - alpha_bar_t;
    Update {
        from_x: kept.sqrt() * (1.0 - alpha_bar_s) / noise_t,
        from_x0: alpha_bar_s.sqrt() * beta / noise_t,
        from_epsilon: 0.0,
        sigma: match variance {
            None => 0.0,
            Some(Variance::FixedLarge) => beta.sqrt(),
            // DDPMScheduler's own lower bound.
            Some(Variance::FixedSmall) => ((1.0 - alpha_bar_s) / noise_t * beta).max(1e-20).sqrt(),
        },
    }
}

/// ᾱt/ᾱs. Where both have underflowed to 0 the step changes nothing.
fn ratio(alpha_bar_t: f64, alpha_bar_s: f64) -> f64 {
    if alpha_bar_s > 0.0 { alpha_bar_t / alpha_bar_s } else { 1.0 }
}

impl StepCoefficients {
    /// x_s's shares of x, x0, ε and z with ε as the network says it: where ε is derived again from x0, its share is x's and x0's.
    pub fn update(&self) -> [f64; 4] {
        let [x, x0, epsilon, noise] = [self.next_from_x, self.next_from_x0, self.next_from_epsilon, self.next_from_noise];
        if !self.clip_epsilon {
            return [x, x0, epsilon, noise];
        }
        let share = epsilon / (1.0 - self.alpha_bar_t).sqrt();
        [x + share, x0 - share * self.alpha_bar_t.sqrt(), 0.0, noise]
    }

    /// ε's shares of x, of the network's output and of the limited x0.
    pub fn epsilon(&self) -> [f64; 3] {
        if self.clip_epsilon {
            let spread = (1.0 - self.alpha_bar_t).sqrt();
            [1.0 / spread, 0.0, -self.alpha_bar_t.sqrt() / spread]
        } else {
            [self.epsilon_from_x, self.epsilon_from_model, 0.0]
        }
    }

    /// Puts a step together; `timestep` is where the network is asked.
    ///
    /// # Errors
    /// A coefficient that an f32 cannot hold, with the reason: ᾱ is (next to) 0 or 1 where the prediction cannot bear it.
    pub(super) fn new(
        timestep: u32,
        (t, previous): (u32, Option<u32>),
        (alpha_bar_t, alpha_bar_s): (f64, f64),
        read: Readout,
        update: Update,
        prediction: Prediction,
    ) -> Result<Self> {
        let step = Self {
            // T is at most 100 000: exact.
            timestep: timestep as f32,
            t,
            previous,
            alpha_bar_t,
            alpha_bar_s,
            sigma: update.sigma,
            x0_from_x: read.x0_from_x,
            x0_from_model: read.x0_from_model,
            epsilon_from_x: read.epsilon_from_x,
            epsilon_from_model: read.epsilon_from_model,
            next_from_x: update.from_x,
            next_from_x0: update.from_x0,
            next_from_epsilon: update.from_epsilon,
            next_from_noise: update.sigma,
            clip: None,
            threshold: None,
            clip_epsilon: false,
            path: None,
            noise_seed: None,
        };
        // NaN compares as false, so this finds it as well.
        if step.all().iter().all(|c| c.abs() <= f64::from(f32::MAX)) {
            return Ok(step);
        }
        let s = previous.map_or_else(|| "data".to_owned(), |s| format!("t = {s}"));
        let why = if prediction == Prediction::Sample {
            "epsilon divides by 1 - alpha_bar, which is 0; expected a model that predicts epsilon or v_prediction, or preset etude"
        } else {
            "x0 divides by alpha_bar, which is 0; expected a model that predicts v_prediction or sample, or a spacing without this timestep"
        };
        Err(Error::argument(format!(
            "schedule: the step between t = {t} (alpha_bar {alpha_bar_t:.3e}) and {s} (alpha_bar {alpha_bar_s:.3e}) cannot be computed \
             for prediction_type {prediction}: {why}"
        )))
    }

    fn all(&self) -> [f64; 8] {
        [
            self.x0_from_x,
            self.x0_from_model,
            self.epsilon_from_x,
            self.epsilon_from_model,
            self.next_from_x,
            self.next_from_x0,
            self.next_from_epsilon,
            self.next_from_noise,
        ]
    }
}
