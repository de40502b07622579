//! The runs of the Fork panel: a stem with its branches, and forks along the whole run that show when the picture is decided.

use super::{
    controls::Controls,
    view_settings::{MAX_BRANCHES, Tree},
};
use crate::{
    picture::distance,
    schedule::{Fork, Schedule, ScheduleRequest, SchedulerConfig},
    session::{ForkAt, Group, Latent, Member},
};

impl Tree {
    /// The branch that this one leaves, and how many of its forks that one has: the stem has none. One that is not there any more is
    /// passed over.
    pub(crate) fn parent(&self, branch: usize) -> (Option<usize>, usize) {
        let forks = &self.branches[branch];
        let leads = |other: &usize| {
            let other = &self.branches[*other];
            other.len() < forks.len() && forks.starts_with(other)
        };
        let parent = (0..branch).filter(leads).max_by_key(|other| self.branches[*other].len());
        (parent, parent.map_or(0, |parent| self.branches[parent].len()))
    }

    /// One branch more, which leaves `from` (the stem, where that is `None`) at timestep `t` with a noise seed that is not in use. From a
    /// run without noise it is as noisy as DDPM: another seed alone would change nothing.
    pub(crate) fn branch_off(&mut self, from: Option<usize>, t: u32, stem: &Controls) {
        if self.branches.len() >= MAX_BRANCHES {
            return;
        }
        let mut forks: Vec<Fork> = from.and_then(|from| self.branches.get(from)).cloned().unwrap_or_default();
        forks.retain(|fork| fork.t > t);
        let seeds = self.branches.iter().flatten().filter_map(|fork| fork.noise_seed);
        let noise_seed = seeds.chain([stem.noise_seed]).max().unwrap_or(0).wrapping_add(1);
        let is_noisy = forks.iter().rev().find_map(|fork| fork.eta).map_or(stem.is_posterior() || stem.eta > 0.0, |eta| eta > 0.0);
        let eta = (!is_noisy).then_some(1.0);
        forks.push(Fork { t, noise_seed: Some(noise_seed), eta, steps: None });
        self.branches.push(forks);
        self.chosen = Some(self.branches.len() - 1);
    }

    /// Changes a branch's own fork, and with it those of the branches that leave it. Forks that do not fall any more are left out.
    pub(crate) fn change(&mut self, branch: usize, fork: Fork) {
        let before = self.branches[branch].clone();
        let mut after = before.clone();
        if let Some(own) = after.last_mut() {
            *own = fork;
        }
        for forks in &mut self.branches {
            if forks.starts_with(&before) {
                let rest = forks.split_off(before.len());
                forks.clone_from(&after);
                forks.extend(rest.into_iter().map(|later| Fork { t: later.t.min(fork.t), ..later }));
            }
        }
    }

    /// Removes a branch; those that leave it stay what they are.
    pub(crate) fn remove(&mut self, branch: usize) {
        self.branches.remove(branch);
        self.chosen = match self.chosen {
            Some(chosen) if chosen == branch => None,
            Some(chosen) if chosen > branch => Some(chosen - 1),
            other => other,
        };
    }
}

/// The stem's own controls: its noise has seeds, which torch's has not.
fn stem(controls: &Controls) -> Controls {
    let mut stem = controls.stem();
    stem.set_noise(controls.own_noise());
    stem
}

/// The controls of a branch's run; of the stem's, where it is `None`.
pub(crate) fn branch_controls(controls: &Controls, branch: Option<usize>) -> Controls {
    let forks = branch.and_then(|branch| controls.view.fork.branches.get(branch)).cloned().unwrap_or_default();
    Controls { forks, ..stem(controls) }
}

/// The controls with their forks, and those of the branches, moved into the run that they make, as a run itself does it where they were
/// set for another S or τ: the command line takes none outside.
pub(crate) fn fitted(controls: &Controls, config: &SchedulerConfig) -> Controls {
    let mut fitted = controls.clone();
    let asked = controls.schedule();
    let Ok(stem) = Schedule::new(config, &asked.stem()) else { return fitted };
    let into = |forks: &[Fork]| ScheduleRequest { forks: forks.to_vec(), ..asked.clone() }.fitted(&stem.steps);
    let own = into(&controls.forks);
    (fitted.forks, fitted.step_seeds) = (own.forks, own.step_seeds);
    for branch in &mut fitted.view.fork.branches {
        *branch = into(branch).forks;
    }
    fitted
}

/// The stem first, then each branch, which begins where it leaves an earlier one.
pub(crate) fn tree(controls: &Controls) -> Vec<Group> {
    let (tree, stem, image) = (&controls.view.fork, stem(controls), controls.image_number());
    let group = |schedule: ScheduleRequest, latent: Latent| Group {
        schedule,
        members: vec![Member { latent, noise_seed: controls.noise_seed, image }],
        encode: None,
    };
    let branch = |(number, forks): (usize, &Vec<Fork>)| {
        let (parent, shared) = tree.parent(number);
        let at = ForkAt::Timestep(forks[shared].t);
        let latent = Latent::StepOf { group: parent.map_or(0, |parent| parent + 1), member: 0, at };
        group(ScheduleRequest { forks: forks.clone(), ..stem.schedule() }, latent)
    };
    std::iter::once(group(stem.schedule(), stem.latent(image))).chain(tree.branches.iter().enumerate().map(branch)).collect()
}

/// The stem, and from each of some steps on as many branches as there are noise seeds.
pub(crate) fn measurement(controls: &Controls) -> Vec<Group> {
    let (tree, stem, image) = (&controls.view.fork, stem(controls), controls.image_number());
    let member = |latent, noise_seed| Member { latent, noise_seed, image };
    let from = |index: usize| {
        let seeds = (1..=u64::from(tree.seeds)).map(|i| controls.noise_seed.wrapping_add(i));
        let latent = Latent::StepOf { group: 0, member: 0, at: ForkAt::Step(index) };
        Group { schedule: stem.schedule(), members: seeds.map(|seed| member(latent.clone(), seed)).collect(), encode: None }
    };
    let first = Group { schedule: stem.schedule(), members: vec![member(stem.latent(image), controls.noise_seed)], encode: None };
    std::iter::once(first).chain(distance::places(stem.step_count(), tree.places).into_iter().map(from)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branches_know_whom_they_leave() {
        let mut tree = Tree { branches: Vec::new(), ..Tree::default() };
        let controls = Controls { noise_seed: 5, ..Controls::default() };
        tree.branch_off(None, 500, &controls);
        tree.branch_off(Some(0), 200, &controls);
        tree.branch_off(None, 500, &controls);
        tree.branch_off(Some(1), 700, &controls);
        let seeds: Vec<Vec<_>> =
            tree.branches.iter().map(|forks| forks.iter().map(|f| (f.t, f.noise_seed.unwrap_or(0))).collect()).collect();
        assert_eq!(seeds, [vec![(500, 6)], vec![(500, 6), (200, 7)], vec![(500, 8)], vec![(700, 9)]]);
        // Without noise in the stem the first is as noisy as DDPM, and what leaves it needs no η of its own.
        let etas: Vec<Vec<_>> = tree.branches.iter().map(|forks| forks.iter().map(|f| f.eta).collect()).collect();
        assert_eq!(etas, [vec![Some(1.0)], vec![Some(1.0), None], vec![Some(1.0)], vec![Some(1.0)]]);
        assert_eq!((0..4).map(|i| tree.parent(i)).collect::<Vec<_>>(), [(None, 0), (Some(0), 1), (None, 0), (None, 0)]);
        // A change goes on to those that leave it.
        tree.change(0, Fork { t: 100, noise_seed: Some(1), eta: None, steps: None });
        assert_eq!(tree.branches[1].iter().map(|f| (f.t, f.noise_seed)).collect::<Vec<_>>(), [(100, Some(1)), (100, Some(7))]);
        assert_eq!(tree.parent(1), (Some(0), 1));
        tree.remove(0);
        assert_eq!((tree.parent(0), tree.chosen), ((None, 0), Some(2)));
        for _ in 0..10 {
            tree.branch_off(None, 1, &controls);
        }
        assert_eq!(tree.branches.len(), MAX_BRANCHES);
    }
}
