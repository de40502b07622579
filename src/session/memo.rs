//! What groups have come to that may be asked for again: the latent of a picture, a sample that is rewound with another η.

use super::{
    event::ModelFacts,
    latents::Latent,
    request::{EncodeBy, Request},
};
use crate::{
    error::{Error, Result},
    recipe::{ClassLabel, Encoded},
    sampler::{Classes, ImageKey},
    schedule::Schedule,
};
use std::{collections::VecDeque, sync::Arc};

/// So many numbers are remembered at most, 64 MiB of them, or as few as one group has.
const MAX_NUMBERS: usize = 16 << 20;

/// Everything that decides what images come to, apart from the model and the device.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Way {
    /// What they start from, `[M, C, H, W]`.
    pub(super) start: Vec<f32>,
    pub(super) size: (u32, u32),
    pub(super) schedule: Arc<Schedule>,
    keys: Vec<ImageKey>,
    /// Passes after each step, where it leads up.
    pub(super) refine: Option<usize>,
}

impl Way {
    pub(super) fn new(
        start: Vec<f32>,
        size: (u32, u32),
        schedule: Arc<Schedule>,
        keys: Vec<ImageKey>,
        encode: Option<EncodeBy>,
    ) -> Self {
        // Where no noise is added its seed does not matter.
        let noisy = schedule.steps.iter().any(|step| step.next_from_noise != 0.0);
        let keys = keys.into_iter().map(|key| if noisy { key } else { ImageKey { class: key.class, ..ImageKey::default() } });
        Self { start, size, schedule, keys: keys.collect(), refine: encode.map(|encode| encode.refine) }
    }

    /// The classes of its images.
    pub(super) fn classes(&self) -> Vec<u32> {
        self.keys.iter().map(|key| key.class).collect()
    }
}

/// What ways have led to; the newest last.
#[derive(Default)]
pub(super) struct Memo(VecDeque<(Way, Arc<Vec<f32>>)>);

impl Memo {
    /// Where `way` leads, if it was gone before.
    pub(super) fn find(&self, way: &Way) -> Option<&Arc<Vec<f32>>> {
        self.0.iter().rev().find(|(known, _)| known == way).map(|(_, end)| end)
    }

    /// Notes where `way` leads.
    pub(super) fn note(&mut self, way: Way, end: Vec<f32>) {
        self.0.retain(|(known, _)| *known != way);
        self.0.push_back((way, Arc::new(end)));
        let mut numbers: usize = self.0.iter().map(|(way, end)| way.start.len() + end.len()).sum();
        while self.0.len() > 1 && numbers > MAX_NUMBERS {
            numbers -= self.0.pop_front().map_or(0, |(way, end)| way.start.len() + end.len());
        }
    }
}

/// Knows how the pictures of a request are encoded.
pub(super) struct Encodings<'a> {
    facts: &'a ModelFacts,
    size: (u32, u32),
    classes: Classes,
    max_steps: usize,
    /// The ways found so far.
    ways: Vec<(Encoded, u32, Way)>,
}

impl<'a> Encodings<'a> {
    /// # Errors
    /// A class that the model does not have.
    pub(super) fn new(request: &Request, facts: &'a ModelFacts) -> Result<Self> {
        let (size, classes) = (request.size.unwrap_or(facts.size), ClassLabel::classes(request.class, facts.classes)?);
        Ok(Self { facts, size, classes, max_steps: request.max_steps(facts), ways: Vec::new() })
    }

    /// The way from a picture up to x_T, as an image of this number.
    fn way(&mut self, encoded: &Encoded, image: u32) -> Result<&Way> {
        let class = self.classes.of(image);
        let found = self.ways.iter().position(|(known, of, _)| *of == class && known == encoded);
        if let Some(found) = found {
            return Ok(&self.ways[found].2);
        }
        let (height, width) = (self.size.0 as usize, self.size.1 as usize);
        let start = encoded.x_0(self.facts.channels as usize, height, width)?;
        let schedule = Arc::new(encoded.schedule(&self.facts.scheduler, self.max_steps)?);
        let encode = EncodeBy { at: encoded.convention.steps().0, refine: encoded.refine };
        let key = ImageKey { class, ..ImageKey::default() };
        self.ways.push((encoded.clone(), class, Way::new(start, self.size, schedule, vec![key], Some(encode))));
        Ok(&self.ways[self.ways.len() - 1].2)
    }

    /// x_T of a picture, as an image of this number.
    ///
    /// # Errors
    /// As [`Encoded::x_0`] and [`Encoded::schedule`]; it was not encoded yet.
    pub(super) fn x_t(&mut self, memo: &Memo, encoded: &Encoded, image: u32) -> Result<Arc<Vec<f32>>> {
        let way = self.way(encoded, image)?;
        memo.find(way).cloned().ok_or_else(|| Error::argument(format!("{} is not encoded yet", encoded.picture.name)))
    }

    /// The first way that a request needs and `memo` does not know.
    ///
    /// # Errors
    /// As [`Self::x_t`].
    pub(super) fn missing(&mut self, memo: &Memo, request: &Request) -> Result<Option<Way>> {
        let members = request.groups.iter().flat_map(|group| &group.members);
        for (latent, image) in members.map(|member| (&member.latent, member.image)) {
            if let Latent::Seed { .. } | Latent::Torch { .. } = latent {
                continue;
            }
            for encoded in latent.pictures() {
                let way = self.way(encoded, image)?;
                if memo.find(way).is_none() {
                    return Ok(Some(way.clone()));
                }
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::{ImageKey, Memo, Way};
    use crate::schedule::{Schedule, ScheduleRequest, SchedulerConfig};
    use std::sync::Arc;

    fn way(start: f32, eta: f64, seed: u64) -> Way {
        let request = ScheduleRequest { steps: 4, eta, ..ScheduleRequest::default() };
        let schedule = Schedule::new(&SchedulerConfig::default(), &request).expect("a schedule");
        let key = ImageKey { seed, image: 3, class: 1 };
        Way::new(vec![start], (1, 1), Arc::new(schedule), vec![key], None)
    }

    #[test]
    fn where_a_way_leads_is_known_again_and_seeds_matter_where_there_is_noise() {
        let mut memo = Memo::default();
        memo.note(way(0.5, 0.0, 7), vec![1.0]);
        memo.note(way(0.5, 0.3, 7), vec![2.0]);
        let found = |start, eta, seed| memo.find(&way(start, eta, seed)).map(|end| end[0]);
        assert_eq!([found(0.5, 0.0, 7), found(0.5, 0.0, 8), found(0.5, 0.3, 7)], [Some(1.0), Some(1.0), Some(2.0)]);
        assert_eq!([found(0.5, 0.3, 8), found(0.25, 0.0, 7)], [None, None]);
    }
}
