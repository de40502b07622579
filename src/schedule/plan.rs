//! [`Schedule`]: config and request -> every step's coefficients, for sampling and for encoding.

use super::{
    EncodeAt, NoiseKind, Preset, ScheduleRequest, SchedulerConfig, Spacing, StepCoefficients, Threshold, Variance, VarianceType,
    alpha_bar,
    coefficients::{ddim, ddpm, deterministic, read, read_elsewhere},
    tau::{Tau, tau},
};
use crate::{
    error::{Error, Result},
    noise::PathInterval,
};

/// Every step of a run, with what the user should know about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// The steps in the order of execution: t falls when sampling, rises when encoding.
    pub steps: Vec<StepCoefficients>,
    /// ᾱ(0) … ᾱ(T−1).
    pub alpha_bar: Vec<f64>,
    /// S as asked for; of a list its length.
    pub requested_steps: usize,
    /// Where the steps are not what S and the spacing suggest, a line that says so.
    pub notes: Vec<String>,
}

/// The step before t in τ, or in t: (t, s), t rising.
type Pairs = Vec<(u32, Option<u32>)>;

/// What sampling and encoding share.
struct Plan {
    alpha_bar: Vec<f64>,
    /// ᾱ past the end.
    final_alpha_bar: f64,
    pairs: Pairs,
    requested_steps: usize,
    notes: Vec<String>,
}

impl Plan {
    fn new(config: &SchedulerConfig, preset: Preset, steps: usize, spacing: Option<&Spacing>) -> Result<Self> {
        let alpha_bar = alpha_bar(config)?;
        let spacing = spacing.unwrap_or(if preset.is_of_diffusers() { &config.timestep_spacing } else { &Spacing::Linear });
        let Tau { rising, notes } = tau(spacing, steps, config.num_train_timesteps, config.steps_offset, preset)?;
        let requested_steps = if matches!(spacing, Spacing::List(_)) { rising.len() } else { steps };
        let named_by_diffusers = matches!(spacing, Spacing::Leading | Spacing::Trailing | Spacing::Linspace);
        let pairs = if preset == Preset::Diffusers && named_by_diffusers {
            // DDIMScheduler.step: t − T//S always, whatever τ holds; below 0 is past the end.
            let stride = config.num_train_timesteps / steps as u32;
            rising.iter().map(|&t| (t, t.checked_sub(stride))).collect()
        } else {
            let before = std::iter::once(None).chain(rising.iter().copied().map(Some));
            rising.iter().copied().zip(before).collect()
        };
        let final_alpha_bar = if preset == Preset::Diffusers && !config.set_alpha_to_one { alpha_bar[0] } else { 1.0 };
        Ok(Self { alpha_bar, final_alpha_bar, pairs, requested_steps, notes })
    }

    /// ᾱt and ᾱs of a pair.
    fn levels(&self, (t, previous): (u32, Option<u32>)) -> (f64, f64) {
        (self.alpha_bar[t as usize], previous.map_or(self.final_alpha_bar, |s| self.alpha_bar[s as usize]))
    }

    /// A run that starts at a small t (S = 1 with linear τ starts at 0) takes pure noise for an almost finished picture.
    fn note_late_start(&mut self) {
        let Some(&(t, _)) = self.pairs.last() else { return };
        let alpha_bar = self.alpha_bar[t as usize];
        if alpha_bar > 0.5 {
            // Where τ starts at T - 1 already, no other spacing starts at more noise.
            let last = self.alpha_bar.len() as u32 - 1;
            let advice =
                if t < last { "try spacing trailing" } else { "the model itself was trained with no more noise than that" };
            self.notes.push(format!("τ starts at t = {t}, where alpha_bar is {alpha_bar:.4}: noise stays noise; {advice}"));
        }
    }

    fn finish(self, steps: Vec<StepCoefficients>) -> Schedule {
        Schedule { steps, alpha_bar: self.alpha_bar, requested_steps: self.requested_steps, notes: self.notes }
    }
}

impl Schedule {
    /// The steps from x_T to a picture.
    ///
    /// Every spacing works with every preset. In preset `diffusers` the three that diffusers names step to t − T//S whatever τ
    /// holds, as its code does; the others step to the previous of τ.
    ///
    /// # Errors
    /// S outside 1 … T, η outside 0 … 1, an impossible list, a config out of range, or a step that cannot be computed because ᾱ
    /// is 0 where the model predicts ε.
    pub fn new(config: &SchedulerConfig, request: &ScheduleRequest) -> Result<Self> {
        check_eta(request.eta)?;
        let mut plan = Plan::new(config, request.preset, request.steps, request.spacing.as_ref())?;
        plan.note_late_start();
        let (clip, threshold) = limits(config, request);
        let variance = if request.preset == Preset::Ddpm { Some(variance(config, request)?) } else { None };
        let is_posterior = request.sigma_hat || variance.is_some();
        let clip_epsilon = request.clip_epsilon && !is_posterior && (clip.is_some() || threshold.is_some());
        let step = |pair: (u32, Option<u32>)| {
            let (alpha_bar_t, alpha_bar_s) = plan.levels(pair);
            let update = match variance {
                // DDPMScheduler adds noise wherever t > 0, in the last step too where an offset ends τ above 0.
                Some(variance) => ddpm(alpha_bar_t, alpha_bar_s, Some(variance).filter(|_| pair.0 > 0)),
                None if request.sigma_hat => {
                    let is_last = pair.0 == 0 || pair.1.is_none();
                    ddpm(alpha_bar_t, alpha_bar_s, (!is_last).then_some(Variance::FixedLarge))
                }
                None => ddim(alpha_bar_t, alpha_bar_s, request.eta),
            };
            let prediction = config.prediction_type;
            let read = read(prediction, alpha_bar_t);
            let step = StepCoefficients::new(pair.0, pair, (alpha_bar_t, alpha_bar_s), read, update, prediction)?;
            Ok(StepCoefficients { clip, threshold, clip_epsilon, ..step })
        };
        let mut steps = plan.pairs.iter().rev().map(|pair| step(*pair)).collect::<Result<Vec<_>>>()?;
        if request.noise.unwrap_or(request.preset.noise()) == NoiseKind::Path {
            follow_path(&mut steps, config.num_train_timesteps);
        }
        Ok(plan.finish(steps))
    }

    /// The steps from a picture to its latent: the η = 0 steps of [`Schedule::new`] backwards, from ᾱ past the end up.
    ///
    /// A step's `t` and `previous` are those of the sampling step it undoes: it goes from `previous` to `t`. `preset` decides τ, ᾱ
    /// past the end and clipping as it does for sampling; preset `diffusers` with [`EncodeAt::Target`] is DDIMInverseScheduler
    /// (which does not threshold, and reads a `sample` or `v_prediction` output at the noise level of x; ours reads it at the one
    /// the network was asked for).
    ///
    /// # Errors
    /// As [`Schedule::new`]; also preset `diffusers` with a model that predicts x0, which says nothing about ε where ᾱ = 1.
    pub fn encode(
        config: &SchedulerConfig,
        steps: usize,
        spacing: Option<Spacing>,
        convention: EncodeAt,
        preset: Preset,
    ) -> Result<Self> {
        let plan = Plan::new(config, preset, steps, spacing.as_ref())?;
        let clip = (preset.is_of_diffusers() && config.clip_sample).then_some(config.clip_sample_range);
        let prediction = config.prediction_type;
        let step = |pair: (u32, Option<u32>)| {
            let (t, previous) = pair;
            let (alpha_bar_t, alpha_bar_s) = plan.levels(pair);
            let timestep = match convention {
                EncodeAt::Source => previous.unwrap_or(0),
                EncodeAt::Target => t,
            };
            let read = if preset == Preset::Diffusers || previous == Some(timestep) {
                read(prediction, alpha_bar_s)
            } else {
                read_elsewhere(prediction, alpha_bar_s, plan.alpha_bar[timestep as usize])
            };
            let update = deterministic(alpha_bar_t);
            let step = StepCoefficients::new(timestep, pair, (alpha_bar_t, alpha_bar_s), read, update, prediction)?;
            Ok(StepCoefficients { clip, ..step })
        };
        let steps = plan.pairs.iter().map(|pair| step(*pair)).collect::<Result<Vec<_>>>()?;
        Ok(plan.finish(steps))
    }
}

/// The variance of preset `ddpm`.
fn variance(config: &SchedulerConfig, request: &ScheduleRequest) -> Result<Variance> {
    if let Some(variance) = request.variance {
        return Ok(variance);
    }
    if request.sigma_hat {
        return Ok(Variance::FixedLarge);
    }
    let why = match config.variance_type {
        VarianceType::FixedSmall | VarianceType::FixedSmallLog => return Ok(Variance::FixedSmall),
        VarianceType::FixedLarge => return Ok(Variance::FixedLarge),
        VarianceType::FixedLargeLog => "fixed_large_log is the root of a logarithm below 0 in DDPMScheduler, not a number",
        VarianceType::Learned | VarianceType::LearnedRange => "the learned variance of the network's second half is not read",
        VarianceType::Unknown => "the scheduler's variance_type is not one that diffusers knows",
    };
    Err(Error::argument(format!("variance: {why}; expected fixed_small or fixed_large to be asked for in its place")))
}

fn check_eta(eta: f64) -> Result<()> {
    if (0.0..=1.0).contains(&eta) {
        return Ok(());
    }
    let why = if eta > 1.0 {
        ": above 1 the 1 - alpha_bar_s - sigma^2 under the root of the step (Eq. 12) can go negative; for more noise use sigma-hat"
    } else {
        ""
    };
    Err(Error::argument(format!("eta: expected a number from 0 (DDIM) to 1 (DDPM), got {eta}{why}")))
}

/// Gives each step that adds noise its interval of the noise path: down to where the next step begins. That is the step's s, but where
/// diffusers steps to t − T//S and its τ has other distances: intervals must not overlap, or the steps' noise would not be independent.
fn follow_path(steps: &mut [StepCoefficients], train_timesteps: u32) {
    for i in 0..steps.len() {
        let until = steps.get(i + 1).map_or(steps[i].previous, |next| Some(next.t));
        if steps[i].next_from_noise != 0.0 {
            steps[i].path = PathInterval::between(until, steps[i].t, train_timesteps);
        }
    }
}

/// What is done to x0: clipped, or thresholded, or neither.
fn limits(config: &SchedulerConfig, request: &ScheduleRequest) -> (Option<f64>, Option<Threshold>) {
    let diffusers = request.preset.is_of_diffusers();
    // Thresholding takes the place of clipping, as in DDIMScheduler.step and DDPMScheduler.step.
    let is_own_sigma_hat = request.sigma_hat && request.preset != Preset::Ddpm;
    if diffusers && config.thresholding && request.clip.is_none() && !is_own_sigma_hat {
        return (None, Some(Threshold { ratio: config.dynamic_thresholding_ratio, max: config.sample_max_value }));
    }
    let clip = request.clip.unwrap_or(is_own_sigma_hat || (diffusers && config.clip_sample));
    let range = if request.preset == Preset::Official { 1.0 } else { config.clip_sample_range };
    (clip.then_some(range), None)
}
