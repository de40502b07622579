//! τ: the subsequence of timesteps that a run visits, for every spacing and preset.

use super::{Preset, alpha_bar::linspace};
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// How the S timesteps of τ lie in 0 … T−1.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Spacing {
    /// floor(i T/S): the paper's linear τ. Preset `official`: every T//S, more than S steps where S does not divide T.
    #[default]
    Linear,
    /// The paper's quadratic τ: floor(linspace(0, √(0.8 T), S)²). Preset `official` keeps its repeats, which stand still.
    Quadratic,
    /// diffusers: i (T//S) + steps_offset.
    Leading,
    /// diffusers: round(T − i T/S) − 1.
    Trailing,
    /// diffusers: round(linspace(0, T−1, S)).
    Linspace,
    /// These timesteps, rising.
    List(Vec<u32>),
}

/// τ, rising, with what the user should know about it.
pub(super) struct Tau {
    /// The timesteps; repeats only in preset `official`'s quadratic.
    pub rising: Vec<u32>,
    /// Lines such as "49 distinct timesteps of 50".
    pub notes: Vec<String>,
}

/// τ of `steps` (S) timesteps out of `train_timesteps` (T).
///
/// # Errors
/// S = 0 or S > T; a list that is empty, repeats, falls or leaves 0 … T−1; an offset that leads beyond T−1.
pub(super) fn tau(spacing: &Spacing, steps: usize, train_timesteps: u32, steps_offset: u32, preset: Preset) -> Result<Tau> {
    let (t, s) = (u64::from(train_timesteps), steps as u64);
    if !matches!(spacing, Spacing::List(_)) && !(1..=t).contains(&s) {
        return Err(Error::argument(format!(
            "steps: expected a whole number from 1 to {t} (the model's training timesteps), got {steps}"
        )));
    }
    let mut notes = Vec::new();
    let rising: Vec<u64> = match spacing {
        Spacing::List(list) => {
            check_list(list, train_timesteps)?;
            list.iter().copied().map(u64::from).collect()
        }
        Spacing::Linear if preset == Preset::Official => official_linear(t, s, &mut notes),
        Spacing::Linear => (0..s).map(|i| i * t / s).collect(),
        Spacing::Quadratic => quadratic(t, steps, preset, &mut notes),
        Spacing::Leading => (0..s).map(|i| i * (t / s) + u64::from(steps_offset)).collect(),
        Spacing::Trailing => trailing(t, steps, preset, &mut notes),
        Spacing::Linspace => linspace(0.0, (t - 1) as f64, steps).into_iter().map(|x| x.round_ties_even() as u64).collect(),
    };
    let last = rising.last().copied().unwrap_or(0);
    if last >= t {
        return Err(Error::argument(format!(
            "spacing: expected timesteps up to {}, but {spacing} with steps_offset {steps_offset} and {steps} steps reaches \
             {last}; take fewer steps or another spacing",
            t - 1
        )));
    }
    Ok(Tau { rising: rising.into_iter().map(|x| x as u32).collect(), notes })
}

/// The official code's range(0, T, T//S).
fn official_linear(t: u64, s: u64, notes: &mut Vec<String>) -> Vec<u64> {
    let rising: Vec<u64> = (0..t).step_by((t / s) as usize).collect();
    if rising.len() as u64 != s {
        notes.push(format!("official linear τ has {} steps where S = {s}", rising.len()));
    }
    rising
}

/// The official code's values: it squares a linspace and truncates.
fn quadratic(t: u64, steps: usize, preset: Preset, notes: &mut Vec<String>) -> Vec<u64> {
    let all: Vec<u64> = linspace(0.0, (t as f64 * 0.8).sqrt(), steps).into_iter().map(|x| (x * x) as u64).collect();
    let mut distinct = all.clone();
    distinct.dedup();
    if distinct.len() == all.len() {
        return all;
    }
    let count = distinct.len();
    if preset == Preset::Official {
        notes.push(format!("quadratic τ has {count} distinct timesteps of {steps}; the repeated steps change nothing"));
        all
    } else {
        notes.push(format!("quadratic τ has {count} distinct timesteps of {steps}; {count} steps run"));
        distinct
    }
}

/// numpy's arange(T, 0, −T/S), rounded half to even, less 1, with its arithmetic: it steps by the difference of its first two
/// values.
fn trailing(t: u64, steps: usize, preset: Preset, notes: &mut Vec<String>) -> Vec<u64> {
    let start = t as f64;
    let step = start / steps as f64;
    let delta = (start - step) - start;
    // Where T/S is rounded down arange has one value more, 0 but for rounding, and diffusers adds a step at t = −1 that indexes
    // ᾱ(T−1): a ruined picture for no one's benefit.
    if (start / step).ceil() as usize > steps && preset == Preset::Diffusers {
        notes
            .push(format!("trailing τ: diffusers would add a step at t = −1 where S = {steps} (a rounding fault); it is left out"));
    }
    let at = |i: usize| ((start + i as f64 * delta).round_ties_even() as u64).saturating_sub(1);
    (0..steps).rev().map(at).collect()
}

fn check_list(list: &[u32], train_timesteps: u32) -> Result<()> {
    let expected = format!("expected rising timesteps from 0 to {}, as 0,100,500", train_timesteps.saturating_sub(1));
    let wrong = |what: String| Error::argument(format!("spacing: {expected}, got {what}"));
    if list.is_empty() {
        return Err(wrong("an empty list".to_owned()));
    }
    if let Some(t) = list.iter().find(|t| **t >= train_timesteps) {
        return Err(wrong(format!("{t}")));
    }
    match list.windows(2).find(|pair| pair[0] >= pair[1]) {
        Some(pair) if pair[0] == pair[1] => Err(wrong(format!("{} twice", pair[0]))),
        Some(pair) => Err(wrong(format!("{} after {}", pair[1], pair[0]))),
        None => Ok(()),
    }
}

impl fmt::Display for Spacing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Linear => "linear",
            Self::Quadratic => "quadratic",
            Self::Leading => "leading",
            Self::Trailing => "trailing",
            Self::Linspace => "linspace",
            Self::List(list) => return f.pad(&list.iter().map(u32::to_string).collect::<Vec<_>>().join(",")),
        })
    }
}

impl FromStr for Spacing {
    type Err = Error;

    /// A name, or timesteps with commas between them. Whether they rise and fit T is checked where T is known.
    fn from_str(text: &str) -> Result<Self> {
        Ok(match text {
            "linear" => Self::Linear,
            "quadratic" => Self::Quadratic,
            "leading" => Self::Leading,
            "trailing" => Self::Trailing,
            "linspace" => Self::Linspace,
            _ => {
                let list = text.split(',').map(|part| part.trim().parse().ok()).collect::<Option<Vec<u32>>>();
                Self::List(list.ok_or_else(|| {
                    Error::argument(format!(
                        "spacing: expected linear, quadratic, leading, trailing, linspace or timesteps as 0,100,500, got {text:?}"
                    ))
                })?)
            }
        })
    }
}
