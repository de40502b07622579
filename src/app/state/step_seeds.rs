//! Other noise for some steps of a run: which steps have which seed, and back.

use super::controls::Controls;
use crate::schedule::{StepCoefficients, StepSeed};

/// Which steps a change is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// The step alone.
    One,
    /// It and all after it.
    After,
    /// It and all before it.
    Before,
}

/// The seed of each of `steps` that has one of its own.
fn seeds_of(controls: &Controls, steps: &[StepCoefficients]) -> Vec<Option<u64>> {
    let own = |step: &StepCoefficients| controls.step_seeds.iter().rfind(|seed| seed.holds(step.t)).map(|seed| seed.seed);
    steps.iter().map(own).collect()
}

/// Gives the step of an index, or those after or before it as well, the noise of a seed that is not in use; steps that have one already
/// get their own back.
pub(crate) fn transplant(controls: &mut Controls, steps: &[StepCoefficients], index: usize, which: Which) {
    let mut seeds = seeds_of(controls, steps);
    let range = match which {
        Which::One => index..index + 1,
        Which::After => index..seeds.len(),
        Which::Before => 0..index + 1,
    };
    let in_use = seeds.iter().flatten().chain([&controls.noise_seed]).copied();
    let new = in_use.chain(controls.forks.iter().filter_map(|fork| fork.noise_seed)).max().unwrap_or(0).wrapping_add(1);
    let Some(chosen) = seeds.get_mut(range) else { return };
    let seed = if chosen.iter().all(Option::is_some) { None } else { Some(new) };
    chosen.fill(seed);
    controls.step_seeds = ranges(&seeds, steps);
}

/// Steps in a row that share a seed are one entry.
fn ranges(seeds: &[Option<u64>], steps: &[StepCoefficients]) -> Vec<StepSeed> {
    let mut all: Vec<StepSeed> = Vec::new();
    let mut before = None;
    for (seed, step) in seeds.iter().zip(steps) {
        match (*seed, all.last_mut()) {
            (Some(seed), Some(last)) if before == Some(seed) => last.to = step.t,
            (Some(seed), _) => all.push(StepSeed::at(step.t, seed)),
            (None, _) => {}
        }
        before = *seed;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::{Schedule, SchedulerConfig};

    #[test]
    fn steps_get_other_seeds_and_their_own_back() {
        let mut controls = Controls { steps: 5, eta: 1.0, noise_seed: 3, ..Controls::default() };
        let steps = Schedule::new(&SchedulerConfig::default(), &controls.schedule()).expect("a schedule").steps;
        let seed = |from, to, seed| StepSeed { from, to, seed };
        transplant(&mut controls, &steps, 1, Which::One);
        assert_eq!(controls.step_seeds, [seed(600, 600, 4)]);
        transplant(&mut controls, &steps, 3, Which::After);
        assert_eq!(controls.step_seeds, [seed(600, 600, 4), seed(200, 0, 5)]);
        transplant(&mut controls, &steps, 2, Which::Before);
        assert_eq!(controls.step_seeds, [seed(800, 400, 6), seed(200, 0, 5)]);
        // Once more gives them their own back; what the schedule makes of it is what was asked for.
        transplant(&mut controls, &steps, 4, Which::One);
        assert_eq!(controls.step_seeds, [seed(800, 400, 6), seed(200, 200, 5)]);
        let made = Schedule::new(&SchedulerConfig::default(), &controls.schedule()).expect("a schedule").steps;
        let seeds: Vec<_> = made.iter().map(|step| step.noise_seed).collect();
        assert_eq!(seeds, [Some(6), Some(6), Some(6), Some(5), None]);
        transplant(&mut controls, &steps, 4, Which::Before);
        transplant(&mut controls, &steps, 4, Which::Before);
        assert!(controls.step_seeds.is_empty());
        transplant(&mut controls, &steps, 9, Which::One);
        assert!(controls.step_seeds.is_empty(), "there is no such step");
    }
}
