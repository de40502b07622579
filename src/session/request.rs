//! What the viewer asks of the session: groups of images that advance together, each group with a schedule of its own.

use super::{
    event::ModelFacts,
    latents::{ForkAt, Latent},
};
use crate::{
    backend::DeviceChoice,
    engine,
    error::{Error, Result},
    program::Precision,
    recipe::ClassLabel,
    schedule::{EncodeAt, NoiseKind, ScheduleRequest},
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A run: one or several groups of images of one model on one device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// Grows with every request; events carry it back.
    pub id: u64,
    /// An embedded model's name, or a folder.
    pub model: String,
    /// Where to compute.
    pub device: DeviceChoice,
    /// Storage of weights and activations.
    pub precision: Precision,
    /// Height and width; `None` is the model's.
    pub size: Option<(u32, u32)>,
    /// The class or classes, where the model has some.
    pub class: Option<ClassLabel>,
    /// The groups; a trajectory has one, a comparison one per row.
    pub groups: Vec<Group>,
    /// What the updates carry.
    pub keep: Keep,
    /// How urgent it is, and how much of it is wanted.
    pub kind: Kind,
    /// Whether S becomes T where it is more: controls that were set for another model.
    pub fit_steps: bool,
    /// In which order the groups take their steps.
    pub order: Order,
}

/// In which order the groups of a run take their steps: the engine's, which the app does not name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Order {
    /// All advance together.
    #[default]
    Together,
    /// This one takes all its steps before the others take theirs.
    First(usize),
    /// All use the device for the same time: the one that has used it less takes the next step.
    EqualTime,
}

impl From<Order> for engine::Order {
    fn from(order: Order) -> Self {
        match order {
            Order::Together => Self::Together,
            Order::First(first) => Self::First(first),
            Order::EqualTime => Self::EqualTime,
        }
    }
}

/// How urgent a run is, and how much of it is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Kind {
    /// Every step. Takes the place of the full run before.
    #[default]
    Full,
    /// While a control moves: few steps, but a whole run, which a newer one waits for.
    Draft(Budget),
    /// While there is nothing else to do.
    Ahead,
}

/// How long a draft may take. Fewer than [`MIN_DRAFT_STEPS`] steps are never taken, whatever that lasts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Budget {
    /// As many of the steps as fit into this.
    pub within: Duration,
    /// Every step, where that lasts no longer than this.
    pub whole_within: Duration,
}

/// Fewer steps make no picture.
pub const MIN_DRAFT_STEPS: usize = 4;

impl Budget {
    /// Its share where it is divided among so many.
    pub fn divided(self, among: usize) -> Self {
        let among = among.max(1) as u32;
        Self { within: self.within / among, whole_within: self.whole_within / among }
    }

    /// Steps of a draft of `wanted` steps where one takes `step`; `None` is not known yet.
    pub fn steps(&self, wanted: usize, step: Option<Duration>) -> usize {
        let fit = |time: Duration| step.map_or(0, |step| (time.as_secs_f64() / step.as_secs_f64().max(1e-6)) as usize);
        if fit(self.whole_within) >= wanted { wanted } else { fit(self.within).max(MIN_DRAFT_STEPS).min(wanted) }
    }
}

/// Images that share a schedule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// Its S, η, τ and conventions.
    pub schedule: ScheduleRequest,
    /// Its images.
    pub members: Vec<Member>,
    /// Its steps go from pictures to their latents; of the schedule S, τ and the preset count.
    pub encode: Option<EncodeBy>,
}

impl Group {
    /// The group that this one leaves, and at which step; `None` where it begins at x_T.
    ///
    /// # Errors
    /// Members that leave different groups, or at different steps.
    pub(super) fn stem(&self) -> Result<Option<(usize, ForkAt)>> {
        let stem = |member: &Member| match member.latent {
            Latent::StepOf { group, at, .. } => Some((group, at)),
            _ => None,
        };
        let first = self.members.first().and_then(stem);
        if self.members.iter().all(|member| stem(member) == first) {
            return Ok(first);
        }
        Err(Error::argument("fork: expected all images of a branch to leave one group at one step"))
    }
}

/// How a group is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EncodeBy {
    /// At which of a step's two times the network is asked.
    pub at: EncodeAt,
    /// Passes of a fixed-point iteration after each step.
    pub refine: usize,
}

impl Group {
    /// The seed, and how many images are drawn at once, where torch's generator draws the steps' noise; the group may have begun as one
    /// of `others`.
    ///
    /// # Errors
    /// It should, and did not draw x_T.
    pub(super) fn torch(&self, others: &[Self]) -> Result<Option<(u64, u32)>> {
        if self.schedule.noise != Some(NoiseKind::Torch) {
            return Ok(None);
        }
        match self.members.first().map(|member| &member.latent) {
            Some(Latent::Torch { seed, count, .. } | Latent::Encoded { torch: Some((seed, count)), .. }) => {
                Ok(Some((*seed, *count)))
            }
            // A stem comes before its branches.
            Some(Latent::StepOf { group, .. }) if *group < others.len() => others[*group].torch(&others[..*group]),
            _ => Err(Error::argument("noise: torch draws it after x_T from the same generator, expected x_T from torch")),
        }
    }
}

/// One image of a group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Member {
    /// Its x_T.
    pub latent: Latent,
    /// Seed of the steps' noise.
    pub noise_seed: u64,
    /// Its number, which counts the noise: the image that `etude sample` gives this number gets the same.
    pub image: u32,
}

/// What the updates of a run carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Keep {
    /// Each step's x_t and x̂0 and the terms of its update: for a trajectory that is looked at step by step.
    Trajectory,
    /// Each step's x_t and x̂0, of every group.
    Tree,
    /// The newest pictures, and the spread over each group's members.
    Latest,
    /// The same; who asks keeps the pictures of each step, as far as they fit.
    Grid,
    /// x after each step of group `strip` and of the one after it; of the others their end.
    Rewind {
        /// The group's number.
        strip: usize,
    },
}

impl Keep {
    /// Whether every step tells its pictures and how far a group's members lie apart, and nothing else.
    pub(super) fn tells_pictures(self) -> bool {
        matches!(self, Self::Latest | Self::Grid)
    }

    /// Whether the updates of each step of a group are kept, and not the newest alone.
    pub fn keeps_steps(self, group: usize) -> bool {
        match self {
            Self::Trajectory | Self::Tree | Self::Grid => true,
            Self::Latest => false,
            Self::Rewind { strip } => (strip..=strip + 1).contains(&group),
        }
    }
}

impl Request {
    /// S at most, for a model.
    pub(super) fn max_steps(&self, facts: &ModelFacts) -> usize {
        if self.fit_steps { facts.scheduler.num_train_timesteps as usize } else { usize::MAX }
    }

    /// Whether its groups are computed one after the other, as some begin where others end, or are encoded.
    pub fn is_chained(&self) -> bool {
        let goes_on = |group: &Group| group.members.iter().any(|member| matches!(member.latent, Latent::EndOf { .. }));
        self.groups.iter().any(|group| group.encode.is_some() || goes_on(group))
    }

    /// Whether the two differ in nothing but their schedules and seeds: then a run of the one looks like a run of the other.
    pub fn is_like(&self, other: &Self) -> bool {
        let members = |r: &Self| r.groups.iter().map(|g| g.members.len()).collect::<Vec<_>>();
        self.model == other.model
            && self.device == other.device
            && self.precision == other.precision
            && self.size == other.size
            && self.class == other.class
            && self.keep == other.keep
            && members(self) == members(other)
    }
}

#[cfg(test)]
mod tests {
    use super::Budget;
    use std::time::Duration;

    #[test]
    fn a_draft_takes_what_fits_and_never_fewer_than_four() {
        let ms = Duration::from_millis;
        let eta = Budget { within: ms(80), whole_within: ms(80) };
        let of = |budget: Budget, wanted, step| budget.steps(wanted, Some(Duration::from_micros(step)));
        assert_eq!([100, 8_000, 50_000, 2_600_000].map(|step| of(eta, 50, step)), [50, 10, 4, 4]);
        assert_eq!((of(eta, 3, 8_000), of(eta, 3, 2_600_000)), (3, 3));
        assert_eq!(eta.steps(50, None), 4, "before anything was measured");
        // S itself moves: all of it where it lasts no longer than 400 ms.
        let steps = Budget { whole_within: ms(400), ..eta };
        assert_eq!([50, 49, 10].map(|wanted| of(steps, wanted, 8_000)), [50, 49, 10]);
        assert_eq!(of(steps, 51, 8_000), 10);
    }
}
