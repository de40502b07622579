//! The Race panel's controls: two samplers that start from one x_T.

use serde::{Deserialize, Serialize};

/// The Race panel's controls.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Race {
    /// A and B.
    pub sides: [Racer; 2],
    /// Show x_t large and the predicted x̂0 small, and not the other way round.
    pub noisy: bool,
}

/// One of the two.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Racer {
    /// How it samples.
    pub method: Method,
    /// S; T where the model has fewer timesteps.
    pub steps: usize,
    /// η, where the method has one.
    pub eta: f64,
}

/// How one samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// With η: 0 is DDIM, 1 DDPM.
    #[default]
    Eta,
    /// With the larger variance σ̂ of Table 1.
    SigmaHat,
    /// By preset ddpm: DDPMScheduler as the model's configuration sets it.
    Ddpm,
}

impl Default for Race {
    fn default() -> Self {
        let racer = |steps, eta| Racer { method: Method::Eta, steps, eta };
        Self { sides: [racer(20, 0.0), racer(1000, 1.0)], noisy: false }
    }
}

impl Default for Racer {
    fn default() -> Self {
        Self { method: Method::Eta, steps: 20, eta: 0.0 }
    }
}

/// The most steps that a field takes: more than any model has timesteps.
const MAX_STEPS: usize = 100_000;

impl Race {
    /// Brings numbers that come from a file or a text field into their ranges.
    pub fn tidy(&mut self) {
        for side in &mut self.sides {
            side.steps = side.steps.clamp(1, MAX_STEPS);
            side.eta = if side.eta.is_finite() { side.eta.clamp(0.0, 1.0) } else { 0.0 };
        }
    }
}
