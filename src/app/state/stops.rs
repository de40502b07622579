//! The places of a comparison's scrubber: at each of them every cell shows the step that it has come to.

use crate::schedule::Schedule;
use std::sync::Arc;

/// The places: x_T is the first, number 0, and the finished samples are the last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stops {
    /// A timestep for each place but the last, falling.
    timesteps: Vec<u32>,
    /// Whether all groups visit the same timesteps: a place is then the number of steps taken.
    is_common: bool,
}

impl Stops {
    /// The places of groups with these schedules. Where they differ, a place is a timestep that any of them visits.
    pub fn of(schedules: &[Arc<Schedule>]) -> Self {
        let visited = |schedule: &Arc<Schedule>| schedule.steps.iter().map(|step| step.t).collect::<Vec<_>>();
        let first = schedules.first().map(visited).unwrap_or_default();
        if schedules.iter().skip(1).all(|schedule| visited(schedule) == first) {
            return Self { timesteps: first, is_common: true };
        }
        let mut timesteps: Vec<u32> = schedules.iter().flat_map(visited).collect();
        timesteps.sort_unstable_by(|a, b| b.cmp(a));
        timesteps.dedup();
        Self { timesteps, is_common: false }
    }

    /// The number of the last place.
    pub fn last(&self) -> usize {
        self.timesteps.len()
    }

    /// The place of a playhead at `at`, from 0 (x_T) to 1 (the finished samples).
    pub fn place(&self, at: f64) -> usize {
        (at.clamp(0.0, 1.0) * self.last() as f64).round() as usize
    }

    /// The timestep of a place; the last has none.
    pub fn timestep(&self, place: usize) -> Option<u32> {
        self.timesteps.get(place).copied()
    }

    /// Whether a place is the number of steps that every group has taken.
    pub fn is_common(&self) -> bool {
        self.is_common
    }

    /// How many steps a group has taken at a place: as many as bring it down to the place's timestep, or as near above it as it comes.
    pub fn taken(&self, place: usize, schedule: &Schedule) -> usize {
        let Some(now) = self.timestep(place) else { return schedule.steps.len() };
        if self.is_common {
            return place;
        }
        // After k steps a group is at the timestep of its step number k.
        schedule.steps.partition_point(|step| step.t >= now).saturating_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::Stops;
    use crate::schedule::{Schedule, ScheduleRequest, SchedulerConfig, Spacing};
    use std::sync::Arc;

    fn visiting(timesteps: &[u32]) -> Arc<Schedule> {
        let spacing = Some(Spacing::List(timesteps.to_vec()));
        let request = ScheduleRequest { steps: timesteps.len(), spacing, ..ScheduleRequest::default() };
        Arc::new(Schedule::new(&SchedulerConfig::default(), &request).expect("a schedule"))
    }

    #[test]
    fn where_all_visit_the_same_timesteps_a_place_is_the_number_of_steps_taken() {
        let schedule = visiting(&[0, 250, 500, 750]);
        let stops = Stops::of(&[schedule.clone(), schedule.clone()]);
        assert_eq!((stops.last(), stops.is_common()), (4, true));
        assert_eq!([0, 1, 3, 4].map(|place| stops.taken(place, &schedule)), [0, 1, 3, 4]);
        assert_eq!([0, 3, 4].map(|place| stops.timestep(place)), [Some(750), Some(0), None]);
        assert_eq!([0.0, 0.3, 0.5, 0.9, 1.0, 7.0].map(|at| stops.place(at)), [0, 1, 2, 4, 4, 4]);
    }

    #[test]
    fn where_they_differ_every_group_stands_at_the_timestep_or_as_near_above_it_as_it_comes() {
        let (few, many) = (visiting(&[0, 500]), visiting(&[0, 300, 600, 999]));
        let stops = Stops::of(&[few.clone(), many.clone()]);
        assert_eq!((0..=stops.last()).map(|place| stops.timestep(place)).collect::<Vec<_>>().len(), 6);
        let timesteps: Vec<_> = (0..stops.last()).filter_map(|place| stops.timestep(place)).collect();
        assert_eq!(timesteps, [999, 600, 500, 300, 0]);
        // x_T is the first for all, the finished sample the last for all, and nobody goes back.
        let taken = |of| (0..=stops.last()).map(|place| stops.taken(place, of)).collect::<Vec<_>>();
        assert_eq!((taken(&few), taken(&many)), (vec![0, 0, 0, 0, 1, 2], vec![0, 1, 1, 2, 3, 4]));
    }

    #[test]
    fn nothing_has_one_place() {
        let stops = Stops::of(&[]);
        assert_eq!((stops.last(), stops.place(0.5), stops.timestep(0)), (0, 0, None));
    }
}
