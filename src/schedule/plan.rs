//! [`Schedule`]: config and request -> every step's coefficients, for sampling and for encoding.

use super::{
    EncodeAt, Fork, NoiseKind, Preset, ScheduleRequest, SchedulerConfig, Spacing, StepCoefficients, Threshold, Variance,
    VarianceType, alpha_bar,
    coefficients::{ddim, ddpm, deterministic, read, read_elsewhere},
    fork::{Even, legs},
    tau::{Tau, tau},
};
use crate::{
    error::{Error, Result},
    noise::PathInterval,
};
use serde::{Deserialize, Serialize};

/// Every step of a run, with what the user should know about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    /// is 0 where the model predicts ε; a fork or a step's seed outside the run.
    pub fn new(config: &SchedulerConfig, request: &ScheduleRequest) -> Result<Self> {
        let mut plan = Plan::new(config, request.preset, request.steps, request.spacing.as_ref())?;
        plan.note_late_start();
        check_seeds(request)?;
        let legs = legs(plan.pairs.iter().rev().copied().collect(), &request.forks, Even::of(request.spacing.as_ref()))?;
        check_eta("eta", request.eta)?;
        let mut rule = Rule::new(config, request)?;
        let mut forks = legs.forks.iter().peekable();
        let mut steps = Vec::with_capacity(legs.pairs.len());
        for (index, pair) in legs.pairs.iter().enumerate() {
            while let Some((_, fork)) = forks.next_if(|(start, _)| *start == index) {
                rule = rule.after(config, fork)?;
                if fork.t != pair.0 {
                    let (asked, t) = (fork.t, pair.0);
                    plan.notes.push(format!("the fork at t = {asked} is at the run's first timestep below it, t = {t}"));
                }
            }
            let own = request.step_seeds.iter().rfind(|seed| seed.holds(pair.0)).map(|seed| seed.seed);
            let step = rule.step(config, *pair, plan.levels(*pair))?;
            steps.push(StepCoefficients { noise_seed: own.or(rule.noise_seed), ..step });
        }
        if let Some(seed) = request.step_seeds.iter().find(|seed| !steps.iter().any(|step| seed.holds(step.t))) {
            return Err(no_such_step(seed.from, seed.to, &steps));
        }
        if steps.iter().any(|step| step.noise_seed.is_some())
            && !steps.iter().any(|step| step.noise_seed.is_some() && step.next_from_noise != 0.0)
        {
            plan.notes.push("no noise is added where its seed is another (η = 0), so that changes nothing".to_owned());
        }
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

/// How the steps of a run are taken, up to its next fork.
struct Rule {
    /// What is asked for; its forks do not count.
    request: ScheduleRequest,
    /// The variance of preset `ddpm`.
    variance: Option<Variance>,
    clip: Option<f64>,
    threshold: Option<Threshold>,
    clip_epsilon: bool,
    /// The seed that the last fork has named.
    noise_seed: Option<u64>,
}

impl Rule {
    fn new(config: &SchedulerConfig, request: &ScheduleRequest) -> Result<Self> {
        let request = request.stem();
        let (clip, threshold) = limits(config, &request);
        let variance = if request.preset == Preset::Ddpm { Some(variance(config, &request)?) } else { None };
        let is_posterior = request.sigma_hat || variance.is_some();
        let clip_epsilon = request.clip_epsilon && !is_posterior && (clip.is_some() || threshold.is_some());
        Ok(Self { request, variance, clip, threshold, clip_epsilon, noise_seed: None })
    }

    /// From a fork on. An η takes the place of σ̂ and of DDPM's variance.
    fn after(self, config: &SchedulerConfig, fork: &Fork) -> Result<Self> {
        let noise_seed = fork.noise_seed.or(self.noise_seed);
        let Some(eta) = fork.eta else { return Ok(Self { noise_seed, ..self }) };
        check_eta("fork eta", eta)?;
        let request = ScheduleRequest { eta, sigma_hat: false, preset: self.request.preset.with_eta(), ..self.request };
        Ok(Self { noise_seed, ..Self::new(config, &request)? })
    }

    /// The step of a pair, from ᾱt to ᾱs.
    fn step(
        &self,
        config: &SchedulerConfig,
        pair: (u32, Option<u32>),
        (alpha_bar_t, alpha_bar_s): (f64, f64),
    ) -> Result<StepCoefficients> {
        let update = match self.variance {
            // DDPMScheduler adds noise wherever t > 0, in the last step too where an offset ends τ above 0.
            Some(variance) => ddpm(alpha_bar_t, alpha_bar_s, Some(variance).filter(|_| pair.0 > 0)),
            None if self.request.sigma_hat => {
                let is_last = pair.0 == 0 || pair.1.is_none();
                ddpm(alpha_bar_t, alpha_bar_s, (!is_last).then_some(Variance::FixedLarge))
            }
            None => ddim(alpha_bar_t, alpha_bar_s, self.request.eta),
        };
        let prediction = config.prediction_type;
        let read = read(prediction, alpha_bar_t);
        let step = StepCoefficients::new(pair.0, pair, (alpha_bar_t, alpha_bar_s), read, update, prediction)?;
        Ok(StepCoefficients { clip: self.clip, threshold: self.threshold, clip_epsilon: self.clip_epsilon, ..step })
    }
}

/// Torch's generator is one stream: no step of it has a seed of its own.
fn check_seeds(request: &ScheduleRequest) -> Result<()> {
    let is_seeded = !request.step_seeds.is_empty() || request.forks.iter().any(|fork| fork.noise_seed.is_some());
    if is_seeded && request.noise == Some(NoiseKind::Torch) {
        return Err(Error::argument(
            "noise: a fork or a step with a noise seed of its own needs noise path or step, got torch, whose generator draws all steps' \
             noise as one stream",
        ));
    }
    Ok(())
}

/// A seed is asked for where the run has no step.
fn no_such_step(from: u32, to: u32, steps: &[StepCoefficients]) -> Error {
    let (first, last) = (steps.first().map_or(0, |step| step.t), steps.last().map_or(0, |step| step.t));
    let nearest = steps.iter().map(|step| step.t).min_by_key(|t| t.abs_diff(from)).unwrap_or(0);
    let got = if from == to { from.to_string() } else { format!("{from}-{to}") };
    Error::argument(format!(
        "step noise seed: expected a timestep of the run, which goes from {first} down to {last}, got {got}; the nearest is {nearest}"
    ))
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

fn check_eta(name: &str, eta: f64) -> Result<()> {
    if (0.0..=1.0).contains(&eta) {
        return Ok(());
    }
    let why = if eta > 1.0 {
        ": above 1 the 1 - alpha_bar_s - sigma^2 under the root of the step (Eq. 12) can go negative; for more noise use sigma-hat"
    } else {
        ""
    };
    Err(Error::argument(format!("{name}: expected a number from 0 (DDIM) to 1 (DDPM), got {eta}{why}")))
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
