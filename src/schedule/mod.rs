//! The noise schedule: betas, ᾱ, the timestep subsequence τ and η become one row of coefficients per step. Pure f64, no I/O.
//!
//! A [`SchedulerConfig`] (diffusers' scheduler_config.json) says what the model was trained with, a [`ScheduleRequest`] how to
//! sample from it, and [`Schedule::new`] turns the two into [`StepCoefficients`] in the order of execution. [`Schedule::encode`]
//! does the same for the way back, from data to latent. ᾱ is the cumulative product of 1 − β, which the DDIM paper writes α.
//!
//! Every preset and every kind of prediction is the same three linear combinations, so that one kernel serves them all:
//!
//! ```text
//! x0      = x0_from_x · x + x0_from_model · m                 then clipped or thresholded
//! epsilon = epsilon_from_x · x + epsilon_from_model · m       from the clipped x0 again where that is asked for
//! x_s     = next_from_x · x + next_from_x0 · x0 + next_from_epsilon · epsilon + next_from_noise · z
//! ```

mod alpha_bar;
mod coefficients;
mod config;
mod convention;
mod fixed_point;
mod fork;
mod plan;
mod request;
mod tau;

pub use alpha_bar::alpha_bar;
pub use coefficients::{StepCoefficients, Threshold};
pub use config::{BetaSchedule, MAX_TRAIN_TIMESTEPS, Prediction, SchedulerConfig, VarianceType};
pub use convention::Convention;
pub use fixed_point::FixedPoint;
pub use fork::{Fork, StepSeed};
pub use plan::Schedule;
pub use request::{EncodeAt, NoiseKind, Preset, ScheduleRequest, Variance};
pub use tau::Spacing;
