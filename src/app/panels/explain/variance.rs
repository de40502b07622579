//! β of a step and σ of Eq. 16.

use crate::schedule::StepCoefficients;

/// σ of Eq. 16.
pub(crate) fn eq16(step: &StepCoefficients, eta: f64) -> f64 {
    let variance = (1.0 - step.alpha_bar_s) / (1.0 - step.alpha_bar_t) * beta(step);
    eta * variance.max(0.0).sqrt()
}

/// β of a step, the variance of the noise that leads from s to t.
pub(crate) fn beta(step: &StepCoefficients) -> f64 {
    if step.alpha_bar_s > 0.0 { (1.0 - step.alpha_bar_t / step.alpha_bar_s).max(0.0) } else { 0.0 }
}
