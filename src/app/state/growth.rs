//! How the two pictures of a race grew: some moments of each, by the time that the device had worked for both, and by its own.

use crate::session::StepUpdate;
use std::sync::Arc;

/// The pictures kept take no more memory than this, for each side, in bytes.
const MAX_BYTES: usize = 32 << 20;
/// No more moments than these are kept of a side, and no fewer than those, whatever they take.
const MOMENTS: [usize; 2] = [8, 240];

/// How the groups of a race grew.
#[derive(Clone, Debug, Default)]
pub struct Growth {
    sides: Vec<Side>,
}

/// One group.
#[derive(Clone, Debug, Default)]
struct Side {
    seconds: f64,
    /// Of its steps every so many are kept, the first and the last among them.
    every: usize,
    moments: Vec<Moment>,
}

/// A step, and when it was done.
#[derive(Clone, Debug)]
pub struct Moment {
    /// Seconds that the device had worked for all groups.
    pub at: f64,
    /// For this one.
    pub seconds: f64,
    /// What the step brought.
    pub update: Arc<StepUpdate>,
}

impl Growth {
    /// Takes in the next step of a group.
    pub(crate) fn take(&mut self, update: &Arc<StepUpdate>) {
        if self.sides.len() <= update.group {
            self.sides.resize_with(update.group + 1, Side::default);
        }
        self.sides[update.group].seconds += update.seconds;
        let at = self.total();
        let side = &mut self.sides[update.group];
        side.every = side.every.max(1);
        let pixels = update.records.iter().map(|record| record.x0.pixels.len()).sum::<usize>().max(1);
        let room = (MAX_BYTES / (6 * pixels)).clamp(MOMENTS[0], MOMENTS[1]);
        let is_kept = |index: usize, every: usize| index.is_multiple_of(every) || index + 1 == update.total;
        if is_kept(update.index, side.every) {
            side.moments.push(Moment { at, seconds: side.seconds, update: update.clone() });
        }
        while side.moments.len() > room {
            side.every *= 2;
            let every = side.every;
            side.moments.retain(|moment| is_kept(moment.update.index, every));
        }
    }

    /// Seconds that the device has worked for a group.
    pub fn seconds(&self, side: usize) -> f64 {
        self.sides.get(side).map_or(0.0, |side| side.seconds)
    }

    /// Seconds that it has worked for all.
    pub fn total(&self) -> f64 {
        self.sides.iter().map(|side| side.seconds).sum()
    }

    /// How a group stood when the device had worked so many seconds for all; `None` before its first step.
    pub fn at(&self, side: usize, seconds: f64) -> Option<&Moment> {
        // Sums of one order and another differ in their last bits.
        self.sides.get(side)?.moments.iter().rfind(|moment| moment.at <= seconds + 1e-9)
    }

    /// The first step of a group that was kept.
    pub fn first(&self, side: usize) -> Option<&Moment> {
        self.sides.get(side)?.moments.first()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        picture::Picture,
        session::{Rms, StepRecord},
    };

    fn step(group: usize, index: usize, total: usize, side: usize) -> Arc<StepUpdate> {
        let picture = Arc::new(Picture::filled(side, side, [0; 3]));
        let record = StepRecord { x_t: picture.clone(), x0: picture, terms: None, rms: Rms::default() };
        let (id, seconds, records) = (1, 0.5, vec![record]);
        let (after, after_rms, end, spread) = (Vec::new(), Vec::new(), None, None);
        Arc::new(StepUpdate { id, group, index, total, seconds, records, after, after_rms, end, spread })
    }

    #[test]
    fn moments_are_found_by_the_time_of_the_race() {
        let mut growth = Growth::default();
        assert!(growth.at(0, 1.0).is_none() && growth.total() == 0.0);
        for (group, index, total) in [(0, 0, 2), (1, 0, 4), (0, 1, 2), (1, 1, 4), (1, 2, 4), (1, 3, 4)] {
            growth.take(&step(group, index, total, 1));
        }
        assert_eq!((growth.seconds(0), growth.seconds(1), growth.total()), (1.0, 2.0, 3.0));
        let index = |side, at| growth.at(side, at).map(|moment| (moment.update.index, moment.seconds));
        assert_eq!(
            [0.4, 0.5, 1.4, 1.5, 9.0].map(|at| index(0, at)),
            [None, Some((0, 0.5)), Some((0, 0.5)), Some((1, 1.0)), Some((1, 1.0))]
        );
        assert_eq!([0.5, 1.0, 3.0].map(|at| index(1, at)), [None, Some((0, 0.5)), Some((3, 2.0))]);
    }

    #[test]
    fn a_long_race_keeps_fewer_moments_and_its_end() {
        for (side, most) in [(1, 240), (1024, 9)] {
            let mut growth = Growth::default();
            for index in 0..1000 {
                growth.take(&step(0, index, 1000, side));
            }
            let moments = &growth.sides[0].moments;
            assert!(moments.len() <= most && moments.len() >= 5, "{}", moments.len());
            assert_eq!((moments[0].update.index, moments.last().map(|moment| moment.update.index)), (0, Some(999)));
        }
    }
}
