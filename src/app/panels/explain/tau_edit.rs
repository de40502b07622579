//! Editing τ by hand: pure functions from one rising list of timesteps to the next. At least one timestep always stays.

/// τ without the repeats that the official quadratic spacing has: a list made by hand must not repeat any.
pub(crate) fn distinct(tau: &[u32]) -> Vec<u32> {
    let mut tau = tau.to_vec();
    tau.dedup();
    tau
}

/// Where in τ the timestep nearest to `t` is; `None` of an empty τ.
pub(crate) fn nearest(tau: &[u32], t: f64) -> Option<usize> {
    let distance = |i: &usize| (f64::from(tau[*i]) - t).abs();
    let after = tau.partition_point(|&own| f64::from(own) < t);
    [after.checked_sub(1), Some(after).filter(|&i| i < tau.len())]
        .into_iter()
        .flatten()
        .min_by(|a, b| distance(a).total_cmp(&distance(b)))
}

/// τ with the timestep at `index` as near to `t` as its neighbours and 0 … T−1 let it.
pub(crate) fn moved(tau: &[u32], index: usize, t: f64, train_timesteps: u32) -> Vec<u32> {
    let mut tau = tau.to_vec();
    let lowest = index.checked_sub(1).and_then(|i| tau.get(i)).map_or(0, |before| before + 1);
    let highest = tau.get(index + 1).map_or(train_timesteps, |after| *after).saturating_sub(1);
    if let Some(own) = tau.get_mut(index)
        && lowest <= highest
    {
        // `as` saturates: left of 0 is 0.
        *own = (t.round() as u32).clamp(lowest, highest);
    }
    tau
}

/// τ with one more timestep; `None` where it is there already.
pub(crate) fn added(tau: &[u32], t: f64, train_timesteps: u32) -> Option<Vec<u32>> {
    let t = (t.round() as u32).min(train_timesteps.saturating_sub(1));
    let at = tau.binary_search(&t).err()?;
    let mut tau = tau.to_vec();
    tau.insert(at, t);
    Some(tau)
}

/// A timestep halfway from that at `index` to the next larger one or, if there is no room, to the next smaller one; `None` if there
/// is no room there either.
pub(crate) fn beside(tau: &[u32], index: usize, train_timesteps: u32) -> Option<u32> {
    let own = *tau.get(index)?;
    let above = tau.get(index + 1).copied().unwrap_or(train_timesteps);
    if above > own + 1 {
        return Some(own + (above - own) / 2);
    }
    // Below the smallest there is room down to 0.
    let free = index.checked_sub(1).and_then(|i| tau.get(i)).map_or(0, |below| below + 1);
    (free < own).then(|| free + (own - free) / 2)
}

/// τ without the timestep at `index`; `None` where it is the only one.
pub(crate) fn removed(tau: &[u32], index: usize) -> Option<Vec<u32>> {
    if tau.len() < 2 || index >= tau.len() {
        return None;
    }
    let mut tau = tau.to_vec();
    tau.remove(index);
    Some(tau)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_of_a_rising_list() {
        let tau = [10, 20, 40];
        assert_eq!([-5.0, 10.0, 14.0, 16.0, 29.0, 31.0, 99.0].map(|t| nearest(&tau, t)), [0, 0, 0, 1, 1, 2, 2].map(Some));
        assert_eq!(nearest(&[], 3.0), None);
    }

    #[test]
    fn a_timestep_stays_between_its_neighbours() {
        let tau = [10, 20, 40];
        assert_eq!(moved(&tau, 1, 25.4, 1000), [10, 25, 40]);
        assert_eq!(moved(&tau, 1, 3.0, 1000), [10, 11, 40]);
        assert_eq!(moved(&tau, 1, 400.0, 1000), [10, 39, 40]);
        assert_eq!(moved(&tau, 0, -8.0, 1000), [0, 20, 40]);
        assert_eq!(moved(&tau, 2, 5000.0, 1000), [10, 20, 999]);
        // No room, no move; no such timestep, no move.
        assert_eq!(moved(&[4, 5, 6], 1, 9.0, 7), [4, 5, 6]);
        assert_eq!(moved(&tau, 3, 9.0, 1000), tau);
    }

    #[test]
    fn a_timestep_beside_another() {
        let tau = [10, 20, 21, 999];
        assert_eq!([0, 1, 2, 3, 4].map(|i| beside(&tau, i, 1000)), [Some(15), Some(15), Some(510), Some(510), None]);
        assert_eq!(beside(&[999], 0, 1000), Some(499));
        assert_eq!(beside(&[1, 2], 0, 3), Some(0));
        assert_eq!(beside(&[0, 1, 2], 1, 3), None);
        assert_eq!(beside(&[0], 0, 1), None);
    }

    #[test]
    fn timesteps_come_and_go() {
        let tau = [10, 20];
        assert_eq!(added(&tau, 15.2, 1000), Some(vec![10, 15, 20]));
        assert_eq!(added(&tau, 2000.0, 1000), Some(vec![10, 20, 999]));
        assert_eq!(added(&tau, -3.0, 1000), Some(vec![0, 10, 20]));
        assert_eq!(added(&tau, 20.3, 1000), None);
        assert_eq!(removed(&tau, 0), Some(vec![20]));
        assert_eq!(removed(&tau, 2), None);
        assert_eq!(removed(&[20], 0), None);
        assert_eq!(distinct(&[0, 0, 1, 3, 3]), [0, 1, 3]);
    }
}
