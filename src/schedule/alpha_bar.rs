//! ᾱ: the βs of a config and the cumulative product of 1 − β, in f64.

use super::{BetaSchedule, SchedulerConfig};
use crate::error::{Error, Result};
use std::f64::consts::FRAC_PI_2;

/// The largest β of the squared cosine schedule.
const MAX_COSINE_BETA: f64 = 0.999;

/// ᾱ(0) … ᾱ(T−1), falling, each from 0 to just below 1. What comes before, ᾱ(−1), is 1 exactly and not in the list.
///
/// diffusers rounds β and each product to f32, which at T = 1000 changes ᾱ by at most 5e-7 of 1 (of its own size by 1e-6, by 1.3e-5
/// where the cosine schedule's β is capped).
///
/// # Errors
/// T or a β out of range, or βs so small that ᾱ(0) is 1.
pub fn alpha_bar(config: &SchedulerConfig) -> Result<Vec<f64>> {
    let wrong = |what: String| Error::argument(format!("scheduler config: {what}"));
    config.check().map_err(wrong)?;
    let mut product = 1.0;
    let mut alpha_bar: Vec<f64> = betas(config)
        .into_iter()
        .map(|beta| {
            product *= 1.0 - beta;
            product
        })
        .collect();
    if config.rescale_betas_zero_snr {
        rescale_to_zero_snr(&mut alpha_bar).map_err(|what| wrong(what.to_owned()))?;
    }
    // Everything after divides by 1 − ᾱ. The negation catches NaN too.
    if let Some(t) = alpha_bar.iter().position(|a| !(0.0..1.0).contains(a)) {
        return Err(wrong(format!(
            "alpha_bar({t}) is {}, expected a number from 0 to below 1; the betas are too small",
            alpha_bar[t]
        )));
    }
    Ok(alpha_bar)
}

/// β(0) … β(T−1).
fn betas(config: &SchedulerConfig) -> Vec<f64> {
    if let Some(betas) = &config.trained_betas {
        return betas.clone();
    }
    let count = config.num_train_timesteps as usize;
    match config.beta_schedule {
        BetaSchedule::Linear => linspace(config.beta_start, config.beta_end, count),
        BetaSchedule::ScaledLinear => {
            linspace(config.beta_start.sqrt(), config.beta_end.sqrt(), count).into_iter().map(|root| root * root).collect()
        }
        BetaSchedule::SquaredcosCapV2 => {
            let target = |u: f64| ((u + 0.008) / 1.008 * FRAC_PI_2).cos().powi(2);
            let at = |i: usize| target(i as f64 / count as f64);
            (0..count).map(|i| (1.0 - at(i + 1) / at(i)).min(MAX_COSINE_BETA)).collect()
        }
    }
}

/// `count` numbers from `first` to `last` at equal distances, with both ends exact, computed as numpy does.
pub(super) fn linspace(first: f64, last: f64, count: usize) -> Vec<f64> {
    let Some(intervals) = count.checked_sub(1).filter(|n| *n > 0) else { return vec![first; count] };
    let step = (last - first) / intervals as f64;
    (0..count).map(|i| if i == intervals { last } else { i as f64 * step + first }).collect()
}

/// Shifts and scales √ᾱ so that its last value is 0 and its first stays (Lin et al. 2023, Algorithm 1).
fn rescale_to_zero_snr(alpha_bar: &mut [f64]) -> Result<(), &'static str> {
    let (Some(first), Some(last)) = (alpha_bar.first().map(|a| a.sqrt()), alpha_bar.last().map(|a| a.sqrt())) else {
        return Ok(());
    };
    if first <= last {
        return Err("rescale_betas_zero_snr: expected an alpha_bar that falls over at least two timesteps, got a flat one");
    }
    for a in alpha_bar {
        *a = ((a.sqrt() - last) * (first / (first - last))).powi(2);
    }
    Ok(())
}
