//! What changes on the way of a run: a fork, from which on it has another noise seed, η or number of steps than its stem, and steps whose
//! noise is of another seed.
//!
//! ```text
//! stem    x_T ──▶ ──▶ ──▶ x_t ──▶ ──▶ ──▶ x_0      as the run's own seed and η have it
//! branch                   └───▶ ────▶ ───▶ x_0    from x_t on, t the fork's, as the fork has it
//! ```

use super::Spacing;
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// From here on a run leaves its stem. What is `None` stays as it was before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fork {
    /// The step at this timestep is the first of the branch; where τ has no such one, the first step below it.
    pub t: u32,
    /// Seed of the noise from here on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise_seed: Option<u64>,
    /// η from here on, in the place of σ̂ as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eta: Option<f64>,
    /// Steps from here to the end: from t to the smallest timestep of the stem, even as the stem's τ is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<usize>,
}

/// The noise of these steps is drawn from a seed of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepSeed {
    /// The largest timestep.
    pub from: u32,
    /// The smallest.
    pub to: u32,
    /// Seed of the noise.
    pub seed: u64,
}

impl fmt::Display for Fork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { t, noise_seed, eta, steps } = self;
        write!(f, "{t}")?;
        noise_seed.iter().try_for_each(|seed| write!(f, ",noise-seed={seed}"))?;
        eta.iter().try_for_each(|eta| write!(f, ",eta={eta}"))?;
        steps.iter().try_for_each(|steps| write!(f, ",steps={steps}"))
    }
}

impl FromStr for Fork {
    type Err = Error;

    /// A timestep and what is another from there on: 500,noise-seed=7,eta=1,steps=10.
    fn from_str(text: &str) -> Result<Self> {
        let parsed = || {
            let mut parts = text.split(',').map(str::trim);
            let mut fork = Self { t: parts.next()?.parse().ok()?, ..Self::default() };
            for part in parts {
                let (name, value) = part.split_once('=')?;
                match name {
                    "noise-seed" => fork.noise_seed = Some(value.parse().ok()?),
                    "eta" => fork.eta = Some(value.parse().ok()?),
                    "steps" => fork.steps = Some(value.parse().ok()?),
                    _ => return None,
                }
            }
            (fork != Self { t: fork.t, ..Self::default() }).then_some(fork)
        };
        parsed().ok_or_else(|| {
            Error::argument(format!(
                "fork: expected a timestep and what is another from there on, as 500,noise-seed=7 or 500,eta=1,steps=10, got {text:?}"
            ))
        })
    }
}

impl StepSeed {
    /// For the step at one timestep.
    pub fn at(t: u32, seed: u64) -> Self {
        Self { from: t, to: t, seed }
    }

    /// Whether it is for the step at `t`.
    pub fn holds(&self, t: u32) -> bool {
        (self.to..=self.from).contains(&t)
    }
}

impl fmt::Display for StepSeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to, seed } = self;
        if from == to { write!(f, "{from}={seed}") } else { write!(f, "{from}-{to}={seed}") }
    }
}

impl FromStr for StepSeed {
    type Err = Error;

    /// A timestep or two with a hyphen between them, and the seed: 500=7, 980-500=7.
    fn from_str(text: &str) -> Result<Self> {
        let parsed = || {
            let (steps, seed) = text.split_once('=')?;
            let (from, to) = steps.split_once('-').unwrap_or((steps, steps));
            let (from, to): (u32, u32) = (from.trim().parse().ok()?, to.trim().parse().ok()?);
            Some(Self { from: from.max(to), to: from.min(to), seed: seed.trim().parse().ok()? })
        };
        parsed().ok_or_else(|| {
            Error::argument(format!("step noise seed: expected a timestep or two and a seed, as 500=7 or 980-500=7, got {text:?}"))
        })
    }
}

/// The steps of a run, and where its forks are.
pub(super) struct Legs {
    /// The steps in the order of execution: each from t to s, where `None` is past the end.
    pub pairs: Vec<(u32, Option<u32>)>,
    /// The index of each fork's first step, rising, with the fork.
    pub forks: Vec<(usize, Fork)>,
}

/// Where each of `forks` leaves the run of `pairs`, which fall; forks with steps of their own replace those that are left. `even` is how
/// the timesteps of τ lie: in t, or in √t.
///
/// # Errors
/// A fork outside the run or above the one before it; more steps than there are timesteps left.
pub(super) fn legs(mut pairs: Vec<(u32, Option<u32>)>, forks: &[Fork], even: Even) -> Result<Legs> {
    let mut found: Vec<(usize, Fork)> = Vec::new();
    for fork in forks {
        let (high, low) = (pairs.first().map_or(0, |pair| pair.0), pairs.last().map_or(0, |pair| pair.0));
        let outside = || {
            Error::argument(format!("fork: expected a timestep of the run, which goes from {high} down to {low}, got {}", fork.t))
        };
        let start = pairs.iter().position(|pair| pair.0 <= fork.t).filter(|_| fork.t <= high).ok_or_else(outside)?;
        if let Some((_, before)) = found.last().filter(|(before, _)| *before > start) {
            return Err(Error::argument(format!(
                "fork: expected timesteps that fall, got {} after {}; a branch of a branch comes later in the run",
                fork.t, before.t
            )));
        }
        if let Some(steps) = fork.steps.filter(|steps| *steps != pairs.len() - start) {
            let first = pairs[start].0;
            let rising = even.timesteps(low, first, steps)?;
            let end = pairs.last().and_then(|pair| pair.1);
            pairs.truncate(start);
            for i in (0..rising.len()).rev() {
                pairs.push((rising[i], i.checked_sub(1).map_or(end, |below| Some(rising[below]))));
            }
        }
        found.push((start, *fork));
    }
    Ok(Legs { pairs, forks: found })
}

/// In what the timesteps of a run are even.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Even {
    /// In t.
    Linear,
    /// In √t.
    Quadratic,
}

impl Even {
    /// That of the timesteps of τ.
    pub(super) fn of(spacing: Option<&Spacing>) -> Self {
        if spacing == Some(&Spacing::Quadratic) { Self::Quadratic } else { Self::Linear }
    }

    /// `steps` timesteps from `low` to `high`, rising, both among them (one step: `high`).
    fn timesteps(self, low: u32, high: u32, steps: usize) -> Result<Vec<u32>> {
        let room = (high - low) as usize + 1;
        if !(1..=room).contains(&steps) {
            return Err(Error::argument(format!(
                "fork steps: expected 1 to {room} from timestep {high} down to {low}, got {steps}"
            )));
        }
        let last = steps - 1;
        if last == 0 {
            return Ok(vec![high]);
        }
        let (a, b) = (f64::from(low).sqrt(), f64::from(high).sqrt());
        let at = |i: usize| match self {
            Self::Linear => low + ((u64::from(high - low) * i as u64 + last as u64 / 2) / last as u64) as u32,
            Self::Quadratic => (a + (b - a) * i as f64 / last as f64).powi(2).round() as u32,
        };
        let mut rising: Vec<u32> = (0..steps).map(at).collect();
        // Where √t is even, small timesteps may come out equal: each is above the one before, and leaves room for those after.
        for i in 0..steps {
            let least = if i == 0 { low } else { rising[i - 1] + 1 };
            rising[i] = rising[i].max(least).min(high - (last - i) as u32);
        }
        Ok(rising)
    }
}

#[cfg(test)]
mod tests {
    use super::{Even, Fork, StepSeed, legs};

    fn run(list: &[u32]) -> Vec<(u32, Option<u32>)> {
        let after = list.iter().skip(1).copied().map(Some).chain([None]);
        list.iter().copied().zip(after).collect()
    }

    #[test]
    fn as_many_steps_as_the_stem_has_left_are_the_stem_s() {
        let stem: Vec<u32> = (0..50).rev().map(|i| i * 20).collect();
        let fork = Fork { t: 500, steps: Some(26), ..Fork::default() };
        let found = legs(run(&stem), &[fork], Even::Linear).expect("inside");
        assert_eq!(found.pairs, run(&stem));
        assert_eq!(found.forks, [(24, fork)]);
        let even = Even::Linear.timesteps(0, 500, 26).expect("room");
        assert!(even.iter().rev().eq(&stem[24..]), "{even:?}");
    }

    #[test]
    fn fewer_and_more_steps_go_from_the_fork_to_the_stem_s_last() {
        let stem = run(&[900, 700, 500, 300, 100]);
        let with = |steps| {
            let fork = Fork { t: 650, steps: Some(steps), ..Fork::default() };
            legs(stem.clone(), &[fork], Even::Linear).map(|legs| legs.pairs)
        };
        assert_eq!(with(1).expect("one"), [(900, Some(700)), (700, Some(500)), (500, None)]);
        assert_eq!(with(2).expect("two"), [(900, Some(700)), (700, Some(500)), (500, Some(100)), (100, None)]);
        assert_eq!(with(401).expect("all").len(), 403);
        for (steps, got) in [(402, "got 402"), (0, "got 0")] {
            let message = with(steps).expect_err("no room").to_string();
            assert!(message.contains("expected 1 to 401 from timestep 500 down to 100") && message.contains(got), "{message}");
        }
    }

    #[test]
    fn quadratic_timesteps_rise_even_where_there_is_little_room() {
        for (low, high) in [(0, 10), (0, 800), (3, 5), (7, 7)] {
            for steps in 1..=(high - low + 1) as usize {
                let rising = Even::Quadratic.timesteps(low, high, steps).expect("room");
                assert!(rising.len() == steps && rising.is_sorted_by(|a, b| a < b), "{rising:?}");
                assert!(rising.last() == Some(&high) && (steps == 1 || rising[0] == low), "{rising:?}");
            }
        }
    }

    #[test]
    fn a_fork_is_inside_the_run_and_below_the_one_before() {
        let forks = |list: &[u32]| list.iter().map(|t| Fork { t: *t, ..Fork::default() }).collect::<Vec<_>>();
        let message = |list: &[u32]| {
            let found = legs(run(&[900, 500, 100]), &forks(list), Even::Linear);
            found.map(|_| ()).expect_err("outside").to_string()
        };
        assert!(message(&[901]).contains("from 900 down to 100, got 901"));
        assert!(message(&[99]).contains("got 99"));
        assert!(message(&[100, 500]).contains("got 500 after 100"));
        let found = legs(run(&[900, 500, 100]), &forks(&[900, 120]), Even::Linear).expect("inside");
        assert_eq!(found.forks.iter().map(|fork| fork.0).collect::<Vec<_>>(), [0, 2]);
    }

    #[test]
    fn forks_are_read_as_they_are_written() {
        for text in ["500,noise-seed=7", "500,eta=0.5", "0,steps=3", "980,noise-seed=1,eta=1,steps=10"] {
            assert_eq!(text.parse::<Fork>().expect(text).to_string(), text);
        }
        for wrong in ["500", "", "500,", "500,seed=1", "500,eta=x", "x,eta=1", "500,noise-seed"] {
            assert!(wrong.parse::<Fork>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn step_seeds_are_read_as_they_are_written() {
        for text in ["500=7", "980-500=7"] {
            assert_eq!(text.parse::<StepSeed>().expect(text).to_string(), text);
        }
        assert_eq!("0-500=7".parse::<StepSeed>().expect("sorted"), StepSeed { from: 500, to: 0, seed: 7 });
        for wrong in ["500", "=7", "500=", "a=7", "500=-1", "1-2-3=4", "500=7.5"] {
            assert!(wrong.parse::<StepSeed>().is_err(), "{wrong}");
        }
    }
}
