//! How many of its steps a comparison keeps for its scrubber.

use crate::session::Plan;

/// A comparison keeps so many bytes of pictures at most. Six seeds by four η of 32 x 32 pixels in 50 steps take 8 MB.
const MAX_BYTES: usize = 64 << 20;
/// A group that has no more steps than this keeps all of them: they take next to nothing, and it has none to spare.
const FEW: usize = 8;

/// Of each group's steps every so many are kept (all: 1), beside the last. Where not all fit, groups of many steps keep every second, every
/// fourth, …
pub(super) fn kept_every(plan: &Plan) -> Vec<usize> {
    let pixels = plan.size.0 as usize * plan.size.1 as usize;
    let groups: Vec<(usize, usize)> = plan
        .schedules
        .iter()
        .enumerate()
        .map(|(group, schedule)| {
            let members = plan.latent_rms.get(group).map_or(1, Vec::len);
            // x_t and x̂0 of each member in three bytes per pixel, and the map of their spread in four.
            (schedule.steps.len(), pixels * (members * 6 + 4))
        })
        .collect();
    kept_within(&groups, MAX_BYTES)
}

/// The same for groups of so many steps of so many bytes each.
fn kept_within(groups: &[(usize, usize)], max_bytes: usize) -> Vec<usize> {
    let longest = groups.iter().map(|(steps, _)| *steps).max().unwrap_or(0);
    let mut every = 1;
    loop {
        let of_group = |steps: usize| {
            let mut own = every;
            while own > 1 && steps.div_ceil(own) < FEW {
                own /= 2;
            }
            own
        };
        let kept: Vec<usize> = groups.iter().map(|(steps, _)| of_group(*steps)).collect();
        let bytes: usize =
            groups.iter().zip(&kept).map(|((steps, bytes), every)| steps.div_ceil(*every).saturating_mul(*bytes)).sum();
        if bytes <= max_bytes || every >= longest {
            return kept;
        }
        every *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::kept_within;

    #[test]
    fn what_fits_is_kept_and_of_the_rest_every_second_fourth_and_so_on() {
        assert_eq!(kept_within(&[(50, 10), (50, 10)], 1000), [1, 1]);
        assert_eq!(kept_within(&[(50, 10), (50, 10)], 999), [2, 2]);
        assert_eq!(kept_within(&[(1000, 10); 3], 4000), [8, 8, 8]);
    }

    #[test]
    fn a_group_of_few_steps_keeps_them() {
        assert_eq!(kept_within(&[(5, 10), (1000, 10)], 3000), [1, 4]);
        assert_eq!(kept_within(&[(5, 10), (1000, 10)], 0), [1, 128], "however little there is, eight stay");
        assert!(kept_within(&[], 0).is_empty());
    }
}
