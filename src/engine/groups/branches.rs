//! Groups that begin where another one is after some of its steps: the stem is computed once, however many branches leave it.

use super::{Group, Groups};
use crate::{
    error::{Error, Result},
    sampler::ImageKey,
    schedule::Schedule,
};
use std::sync::Arc;

/// Where a branch leaves another group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stem {
    /// The number of that group, which comes before it.
    pub group: usize,
    /// After so many of its steps.
    pub steps: usize,
    /// Of which of its images each image of the branch comes.
    pub members: Vec<usize>,
}

impl Group {
    /// A group that begins where `stem` is after some of its steps, one image per key; of `schedule` it takes the steps after those.
    pub fn branch(schedule: Arc<Schedule>, keys: Vec<ImageKey>, stem: Stem) -> Self {
        Self { taken: stem.steps, stem: Some(stem), ..Self::new(schedule, keys, Vec::new()) }
    }

    /// Whether there is an x to go on from.
    pub(super) fn has_begun(&self) -> bool {
        !self.x.is_empty()
    }
}

impl Groups {
    /// Every branch needs an earlier group that comes to where it leaves it.
    pub(super) fn check_stems(&self) -> Result<()> {
        for (number, group) in self.groups.iter().enumerate() {
            let Some(Stem { group: from, steps, members }) = &group.stem else { continue };
            let source = self.groups[..number].get(*from);
            let is_there = source.is_some_and(|source| {
                let begins = source.stem.as_ref().map_or(0, |stem| stem.steps);
                (begins..=source.schedule.steps.len()).contains(steps) && members.iter().all(|member| *member < source.keys.len())
            });
            if !is_there || *steps > group.schedule.steps.len() || members.len() != group.keys.len() {
                return Err(Error::argument(format!(
                    "fork: expected an earlier group that takes {steps} steps, got group {from} for the branch that is group {number}"
                )));
            }
        }
        Ok(())
    }

    /// Lets every branch begin whose stem is where it leaves it.
    pub(super) fn branch_off(&mut self) {
        for number in 0..self.groups.len() {
            let Some(stem) = self.groups[number].stem.as_ref().filter(|_| !self.groups[number].has_begun()) else { continue };
            let Some(source) = self.groups[..number].get(stem.group).filter(|group| group.has_begun() && group.taken == stem.steps)
            else {
                continue;
            };
            let len = source.image_len();
            let x = stem.members.iter().flat_map(|member| source.x[member * len..(member + 1) * len].to_vec()).collect();
            self.groups[number].x = x;
        }
    }
}
