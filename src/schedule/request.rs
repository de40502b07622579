//! What a user asks of the sampler: preset, number of steps S, η, τ, σ̂ and clipping.

use super::{
    Fork, Spacing, StepCoefficients, StepSeed,
    fork::{Even, legs},
};
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Whose conventions hold where implementations of DDIM differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Preset {
    /// Ours: exactly S steps, no clipping, ᾱ = 1 past the end.
    #[default]
    Etude,
    /// The paper's code (ermongroup/ddim): its τ, with more than S steps or repeated ones. Its networks predict ε; of others the ε
    /// that their output means is taken.
    Official,
    /// diffusers' DDIMScheduler: spacing, clipping, thresholding and ᾱ past the end come from the config.
    Diffusers,
    /// diffusers' DDPMScheduler, as DDPMPipeline runs it: the posterior mean from the limited x0, and noise of the config's variance.
    /// Its S steps are spaced as preset `diffusers` spaces them. It has no η.
    Ddpm,
}

/// The variance of the noise in a step of DDPM, with β = 1 − ᾱt/ᾱs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Variance {
    /// β̃ = (1−ᾱs)/(1−ᾱt) β: that of DDIM at η = 1.
    FixedSmall,
    /// β: σ̂².
    FixedLarge,
}

/// At which of a step's two times the network is asked when a picture is encoded (DDIM inversion).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum EncodeAt {
    /// At the time the step comes from: the paper's ODE. The first step comes from data, which has no timestep: it asks at 0.
    #[default]
    Source,
    /// At the time the step goes to: diffusers' DDIMInverseScheduler.
    Target,
}

/// What a step's noise z belongs to. Its law is the same either way: N(0, 1), and independent of the other steps'.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NoiseKind {
    /// The time that the step covers: z is the increment of one path, and runs with other S draw the same picture.
    Path,
    /// The index of the step.
    Step,
    /// The place in the stream of torch's generator that drew x_T: what diffusers' pipelines do with one generator.
    Torch,
}

/// A sampling run, before it is checked against a config.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScheduleRequest {
    /// Whose conventions hold.
    pub preset: Preset,
    /// S, from 1 to T. Not used where `spacing` is a list.
    pub steps: usize,
    /// η, from 0 (deterministic) to 1 (as noisy as DDPM). Not used where `sigma_hat` is set.
    pub eta: f64,
    /// τ; `None` is the preset's default: linear, in preset `diffusers` the config's `timestep_spacing`.
    pub spacing: Option<Spacing>,
    /// Table 1's "larger variance" σ̂, as the official `ddpm_steps` computes it: the DDPM posterior mean from a clipped x0, plus
    /// √(1 − ᾱt/ᾱs) z.
    pub sigma_hat: bool,
    /// Whether x0 is clipped; `None` is the preset's default (with σ̂: on). `Some` also turns thresholding off.
    pub clip: Option<bool>,
    /// Whether ε is derived again from the x0 that was clipped or thresholded (diffusers' `use_clipped_model_output`), so that the
    /// direction fits the picture. The posterior mean of DDPM and σ̂ has no ε, and fits it always.
    pub clip_epsilon: bool,
    /// The variance of preset `ddpm`; `None` is the config's. σ̂ is the large one.
    pub variance: Option<Variance>,
    /// What the steps' noise belongs to; `None` is the preset's default.
    pub noise: Option<NoiseKind>,
    /// Where the run leaves its stem, t falling.
    pub forks: Vec<Fork>,
    /// Steps whose noise is of another seed; the last that holds a step counts, before that of a fork.
    pub step_seeds: Vec<StepSeed>,
}

impl Default for ScheduleRequest {
    fn default() -> Self {
        Self {
            preset: Preset::Etude,
            steps: 50,
            eta: 0.0,
            spacing: None,
            sigma_hat: false,
            clip: None,
            clip_epsilon: false,
            variance: None,
            noise: None,
            forks: Vec::new(),
            step_seeds: Vec::new(),
        }
    }
}

impl Preset {
    /// What the steps' noise belongs to where nothing else is asked for.
    pub fn noise(self) -> NoiseKind {
        match self {
            Self::Etude => NoiseKind::Path,
            Self::Official | Self::Diffusers | Self::Ddpm => NoiseKind::Step,
        }
    }

    /// Whether spacing and limits of x0 come from the scheduler's config.
    pub fn is_of_diffusers(self) -> bool {
        matches!(self, Self::Diffusers | Self::Ddpm)
    }

    /// The preset to take where η counts: DDPM has none.
    pub fn with_eta(self) -> Self {
        if self == Self::Ddpm { Self::Diffusers } else { self }
    }
}

impl Variance {
    /// Every variance's name.
    pub const NAMES: [&str; 2] = ["fixed_small", "fixed_large"];
}

impl fmt::Display for Variance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::FixedSmall => "fixed_small",
            Self::FixedLarge => "fixed_large",
        })
    }
}

impl FromStr for Variance {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "fixed_small" => Ok(Self::FixedSmall),
            "fixed_large" => Ok(Self::FixedLarge),
            _ => Err(Error::argument(format!("variance: expected fixed_small or fixed_large, got {text:?}"))),
        }
    }
}

impl NoiseKind {
    /// Every kind's name.
    pub const NAMES: [&str; 3] = ["path", "step", "torch"];
}

impl fmt::Display for NoiseKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Path => "path",
            Self::Step => "step",
            Self::Torch => "torch",
        })
    }
}

impl FromStr for NoiseKind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "path" => Ok(Self::Path),
            "step" => Ok(Self::Step),
            "torch" => Ok(Self::Torch),
            _ => Err(Error::argument(format!("noise: expected path, step or torch, got {text:?}"))),
        }
    }
}

impl ScheduleRequest {
    /// The same with only `steps` steps, at least 1, placed as τ places them; of a list, as many of its timesteps, evenly chosen from its
    /// first to its last.
    pub fn thinned(&self, steps: usize) -> Self {
        let steps = steps.max(1);
        let spacing = match &self.spacing {
            Some(Spacing::List(list)) if list.len() > steps => {
                let last = list.len() - 1;
                // A single step starts where the list does: at its largest timestep.
                let pick = |i: usize| if steps == 1 { last } else { (i * last * 2 + steps - 1) / (2 * (steps - 1)) };
                Some(Spacing::List((0..steps).map(|i| list[pick(i)]).collect()))
            }
            other => other.clone(),
        };
        // A branch that has fewer steps than the run keeps them.
        let forks = self.forks.iter().map(|fork| Fork { steps: fork.steps.map(|own| own.min(steps)), ..*fork }).collect();
        Self { steps, spacing, forks, ..self.clone() }
    }

    /// The same without forks and seeds of single steps.
    pub fn stem(&self) -> Self {
        Self { forks: Vec::new(), step_seeds: Vec::new(), ..self.clone() }
    }

    /// The same with its forks moved into a run whose stem has these steps, and without the seeds of steps that it does not have: for
    /// controls that were set for another S or τ.
    pub fn fitted(&self, stem: &[StepCoefficients]) -> Self {
        let pairs: Vec<_> = stem.iter().map(|step| (step.t, step.previous)).collect();
        let (mut run, mut forks) = (pairs.clone(), Vec::new());
        for fork in &self.forks {
            let (high, low) = (run.first().map_or(0, |pair| pair.0), run.last().map_or(0, |pair| pair.0));
            let t = fork.t.clamp(low, high);
            let at = run.iter().find(|pair| pair.0 <= t).map_or(low, |pair| pair.0);
            forks.push(Fork { t, steps: fork.steps.map(|steps| steps.clamp(1, (at - low) as usize + 1)), ..*fork });
            // What an earlier fork makes of the run is what a later one leaves.
            run = legs(pairs.clone(), &forks, Even::of(self.spacing.as_ref())).map_or(run, |legs| legs.pairs);
        }
        let has = |seed: &&StepSeed| stem.iter().any(|step| seed.holds(step.t));
        let step_seeds = self.step_seeds.iter().filter(has).copied().collect();
        Self { forks, step_seeds, ..self.clone() }
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Etude => "etude",
            Self::Official => "official",
            Self::Diffusers => "diffusers",
            Self::Ddpm => "ddpm",
        })
    }
}

impl FromStr for Preset {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "etude" => Ok(Self::Etude),
            "official" => Ok(Self::Official),
            "diffusers" => Ok(Self::Diffusers),
            "ddpm" => Ok(Self::Ddpm),
            _ => Err(Error::argument(format!("preset: expected etude, official or diffusers, or ddpm, got {text:?}"))),
        }
    }
}

impl fmt::Display for EncodeAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Source => "source",
            Self::Target => "target",
        })
    }
}

impl FromStr for EncodeAt {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "source" => Ok(Self::Source),
            "target" => Ok(Self::Target),
            _ => Err(Error::argument(format!("encode at: expected source or target, got {text:?}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ScheduleRequest, Spacing};

    #[test]
    fn a_thinned_list_keeps_its_ends_and_no_timestep_twice() {
        let list: Vec<u32> = (0..50).map(|i| i * 20).collect();
        let request = ScheduleRequest { spacing: Some(Spacing::List(list.clone())), steps: 50, ..ScheduleRequest::default() };
        for steps in 1..60 {
            let Some(Spacing::List(thin)) = request.thinned(steps).spacing else { panic!("a list stays one") };
            assert_eq!(thin.len(), steps.min(50));
            assert!(thin.is_sorted_by(|a, b| a < b) && thin.iter().all(|t| list.contains(t)), "{thin:?}");
            assert_eq!(thin.last(), Some(&980));
            assert!(steps == 1 || thin[0] == 0);
        }
        assert_eq!(ScheduleRequest { steps: 50, ..ScheduleRequest::default() }.thinned(7).steps, 7);
    }
}
