//! β of a step and σ of Eq. 16.

use crate::schedule::{Schedule, StepCoefficients};

/// σ of Eq. 16.
pub(crate) fn eq16(step: &StepCoefficients, eta: f64) -> f64 {
    let variance = (1.0 - step.alpha_bar_s) / (1.0 - step.alpha_bar_t) * beta(step);
    eta * variance.max(0.0).sqrt()
}

/// The noise of a run of posterior means in a few words.
pub(crate) fn name(schedule: &Schedule) -> &'static str {
    if schedule.steps.iter().any(is_small) { "DDPM's small variance" } else { "σ̂" }
}

/// Whether the noise of a posterior's step has the smaller variance β̃, which is Eq. 16's at η = 1.
pub(crate) fn is_small(step: &StepCoefficients) -> bool {
    // A step to data has β̃ = 0: DDPMScheduler's 1e-20.
    step.sigma > 0.0 && step.sigma <= eq16(step, 1.0).max(1e-9) * (1.0 + 1e-9) && beta(step).sqrt() > step.sigma * (1.0 + 1e-9)
}

/// β of a step, the variance of the noise that leads from s to t.
pub(crate) fn beta(step: &StepCoefficients) -> f64 {
    if step.alpha_bar_s > 0.0 { (1.0 - step.alpha_bar_t / step.alpha_bar_s).max(0.0) } else { 0.0 }
}
