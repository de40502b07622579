//! The exact inverse of a step with η = 0, found by iteration.
//!
//! A sampling step goes from x_t to x_s = √(ᾱs/ᾱt) x_t + c' ε(x_t, t). Encoding wants the x_t that leads to a given x_s. The paper's
//! ODE and diffusers' DDIMInverseScheduler put ε at a point they have, (x_s, s) or (x_s, t), for the one they look for. Solved for
//! x_t, the step reads
//!
//! ```text
//! x_t = √(ᾱt/ᾱs) x_s + (√(1−ᾱt) − √(ᾱt (1−ᾱs)/ᾱs)) ε(x_t, t)
//! ```
//!
//! and putting the x_t one has on the right gives a better one on the left. In each pass x_t changes by √ᾱt times what x_s is missed
//! by, in terms of x0: as gradient descent does, so it comes nearer wherever the step can lead there at all.

use super::{Prediction, StepCoefficients, coefficients::epsilon};

/// One pass: the next x_t from x_s, this x_t, and the network's output m at (x_t, t).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FixedPoint {
    /// t, which the network gets.
    pub timestep: f32,
    /// The share of x_s.
    pub from_source: f64,
    /// The share of this x_t; 0 where the network predicts ε.
    pub from_x: f64,
    /// The share of m.
    pub from_model: f64,
}

impl FixedPoint {
    /// The pass that undoes the sampling step which `step`, a step of [`super::Schedule::encode`], goes backwards.
    pub fn new(step: &StepCoefficients, prediction: Prediction) -> Self {
        let (alpha_bar_t, alpha_bar_s) = (step.alpha_bar_t, step.alpha_bar_s);
        let ratio = alpha_bar_t / alpha_bar_s;
        let share = (1.0 - alpha_bar_t).sqrt() - (ratio * (1.0 - alpha_bar_s)).sqrt();
        let (from_x, from_model) = epsilon(prediction, alpha_bar_t);
        // T is at most 100 000: exact.
        Self { timestep: step.t as f32, from_source: ratio.sqrt(), from_x: share * from_x, from_model: share * from_model }
    }

    /// The next x_t, in place.
    pub fn apply(&self, source: &[f32], x: &mut [f32], model: &[f32]) {
        for ((x, source), model) in x.iter_mut().zip(source).zip(model) {
            let sum = self.from_source * f64::from(*source) + self.from_x * f64::from(*x) + self.from_model * f64::from(*model);
            *x = sum as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::FixedPoint;
    use crate::schedule::{EncodeAt, Prediction, Preset, Schedule, ScheduleRequest, SchedulerConfig};

    /// The x_t that a sampling step takes to x_s is where the pass does not change anything, whatever the network predicts.
    #[test]
    fn the_step_undone_is_the_fixed_point() {
        for prediction_type in [Prediction::Epsilon, Prediction::VPrediction, Prediction::Sample] {
            let config = SchedulerConfig { prediction_type, ..SchedulerConfig::default() };
            let sampling =
                Schedule::new(&config, &ScheduleRequest { steps: 10, ..ScheduleRequest::default() }).expect("a schedule");
            let encoding = Schedule::encode(&config, 10, None, EncodeAt::Target, Preset::Etude);
            let Ok(encoding) = encoding else {
                assert_eq!(prediction_type, Prediction::Sample, "x0 says nothing about epsilon where alpha_bar is 1");
                continue;
            };
            for (down, up) in sampling.steps.iter().rev().zip(&encoding.steps) {
                let (x, m) = (0.3_f64, -0.7_f64);
                let x0 = down.x0_from_x * x + down.x0_from_model * m;
                let epsilon = down.epsilon_from_x * x + down.epsilon_from_model * m;
                let source = down.next_from_x0 * x0 + down.next_from_epsilon * epsilon;
                let mut found = [x as f32];
                FixedPoint::new(up, prediction_type).apply(&[source as f32], &mut found, &[m as f32]);
                assert!((f64::from(found[0]) - x).abs() < 1e-6, "t = {}: {}", up.t, found[0]);
            }
        }
    }
}
