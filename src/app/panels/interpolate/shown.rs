//! Which picture is shown for a position: the one decoded there, or the nearest available.

use super::view::View;
use crate::{
    app::{
        state::{
            controls::Controls,
            run_view::RunView,
            view_settings::{Interpolate, Tab},
        },
        widgets::tile,
    },
    picture::Picture,
};

/// A picture and where it is.
pub(crate) struct Shown<'a> {
    /// The picture.
    pub(crate) picture: &'a Picture,
    /// For [`crate::app::widgets::texture_cache::TextureCache`].
    pub(crate) version: u64,
    /// Where it is.
    pub(crate) position: [f64; 2],
    /// ‖x_T‖/√d.
    pub(crate) rms: Option<f64>,
    /// Decoded to the last step.
    pub(crate) finished: bool,
    /// The run it is from.
    pub(crate) run: &'a RunView,
    /// Whether other controls made it: it is shown until the current ones have a picture.
    pub(crate) old: bool,
}

/// More than any distance.
const AHEAD: f64 = 2.0;

/// Whether both have the same ends and decode them in the same way.
fn alike(a: &Controls, b: &Controls) -> bool {
    let (one, other) = (&a.view.interpolate, &b.view.interpolate);
    let ends = one.ends();
    one.grid == other.grid
        && one.eta == other.eta
        && (0..ends).all(|end| one.end(end) == other.end(end))
        && ((a.noise_seed, a.noise()) == (b.noise_seed, b.noise()) || one.eta == 0.0)
        && (&a.model, a.preset, a.steps, &a.spacing, a.clip) == (&b.model, b.preset, b.steps, &b.spacing, b.clip)
        && (a.size == b.size || a.size.is_none() || b.size.is_none())
}

/// Where the members of a strip or grid are.
pub(crate) fn stops(interpolate: &Interpolate) -> Vec<[f64; 2]> {
    if !interpolate.grid {
        return interpolate.stops().into_iter().map(|t| [t, 0.0]).collect();
    }
    let side = interpolate.side.max(2);
    let at = |i: u32| f64::from(i) / f64::from(side - 1);
    (0..side * side).map(|i| [at(i % side), at(i / side)]).collect()
}

/// The member to show for `position`: the nearest, or of those that were passed the last where the position goes in a `direction`.
pub(crate) fn nearest(interpolate: &Interpolate, position: [f64; 2], direction: f64) -> usize {
    let distance = |stop: &[f64; 2]| distance(interpolate.grid, *stop, position, direction);
    let all = stops(interpolate);
    (0..all.len()).min_by(|a, b| distance(&all[*a]).total_cmp(&distance(&all[*b]))).unwrap_or(0)
}

/// How far `stop` is from `position`. While the position goes in a `direction` by itself, what lies ahead of it counts as far: whatever
/// pictures come meanwhile, the one shown then never goes back.
fn distance(grid: bool, stop: [f64; 2], position: [f64; 2], direction: f64) -> f64 {
    let far = if grid { (stop[0] - position[0]).hypot(stop[1] - position[1]) } else { (stop[0] - position[0]).abs() };
    let is_ahead = (stop[0] - position[0]) * direction > 1e-9;
    far + if is_ahead { AHEAD } else { 0.0 }
}

/// The newest picture of one member of a run; the caller sets `old`.
fn of<'a>(run: &'a RunView, (group, member): (usize, usize), position: [f64; 2]) -> Option<Shown<'a>> {
    let update = run.groups.get(group)?.latest.as_deref()?;
    let picture = tile::of_update(update, member, false)?;
    let rms = run.plan.as_ref().and_then(|p| p.latent_rms.get(group)?.get(member).copied());
    let finished = update.index + 1 >= update.total;
    let version = tile::version((run.id, group, member, update.index));
    Some(Shown { picture, version, position, rms, finished, run, old: false })
}

/// The best picture for the position of `controls`, by `mode` (0 slerp, 1 lerp): made by these controls rather than by
/// others, then finished rather than not, then the nearest; while the position goes in a `direction` by itself, the last that it passed,
/// and pictures of all steps rather than drafts, which would take turns with them.
pub(crate) fn at<'a>(view: &View<'a>, controls: &Controls, mode: usize, direction: f64) -> Option<Shown<'a>> {
    let here = &controls.view.interpolate;
    let points = [view.point, view.point_previous, view.draft].into_iter().flatten().filter_map(|run| {
        let theirs = &run.controls.view.interpolate;
        let interpolates = run.controls.view.tab == Tab::Interpolate && theirs.grid == here.grid;
        interpolates.then(|| of(run, (0, mode), theirs.position)).flatten()
    });
    let strips = [view.between, view.previous].into_iter().flatten().filter_map(|run| {
        let theirs = &run.controls.view.interpolate;
        let member = nearest(theirs, here.position, direction);
        let stop = *stops(theirs).get(member)?;
        (theirs.grid == here.grid).then(|| of(run, (mode, member), stop)).flatten()
    });
    let all = points.chain(strips).map(|s| Shown { old: !alike(&s.run.controls, controls), ..s });
    // Of those that other controls made, the newest: while η moves, that of the latest draft.
    let newest = |s: &Shown<'_>| std::cmp::Reverse(if s.old { s.run.id } else { 0 });
    let coarse = |s: &Shown<'_>| direction != 0.0 && s.run.is_draft() && s.run.steps() < s.run.controls.step_count();
    let rank = |s: &Shown<'_>| (s.old, !s.finished, coarse(s), newest(s));
    let far = |s: &Shown<'_>| distance(here.grid, s.position, here.position, direction);
    all.min_by(|a, b| {
        let drafts = || a.run.is_draft().cmp(&b.run.is_draft());
        rank(a).cmp(&rank(b)).then(far(a).total_cmp(&far(b))).then_with(drafts)
    })
}

/// The large picture of `controls`, the run it is from and its position, to be saved.
pub(crate) fn large<'a>(view: &View<'a>, controls: &Controls) -> Option<(&'a Picture, &'a RunView, [f64; 2])> {
    at(view, controls, 0, 0.0).map(|shown| (shown.picture, shown.run, shown.position))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_stop() {
        let mut interpolate = Interpolate { columns: 5, side: 3, ..Interpolate::default() };
        assert_eq!(nearest(&interpolate, [0.0, 0.9], 0.0), 0);
        assert_eq!(nearest(&interpolate, [0.6, 0.0], 0.0), 2);
        assert_eq!(nearest(&interpolate, [1.0, 0.0], 0.0), 4);
        // While it plays, the last that was passed.
        assert_eq!([0.6, 0.74, 0.75].map(|t| nearest(&interpolate, [t, 0.0], 1.0)), [2, 2, 3]);
        assert_eq!([0.6, 0.51, 0.5].map(|t| nearest(&interpolate, [t, 0.0], -1.0)), [3, 3, 2]);
        interpolate.grid = true;
        assert_eq!(nearest(&interpolate, [1.0, 0.0], 0.0), 2);
        assert_eq!(nearest(&interpolate, [0.4, 0.9], 0.0), 7);
        assert_eq!(stops(&interpolate)[5], [1.0, 0.5]);
    }

    #[test]
    fn another_s_is_not_decoded_alike() {
        let a = Controls::default();
        assert!(alike(&a, &Controls { noise_seed: 77, size: Some((32, 32)), eta: 0.5, ..a.clone() }));
        for b in [
            Controls { steps: 5, ..a.clone() },
            Controls { model: "fashion".to_owned(), ..a.clone() },
            Controls { clip: Some(true), ..a.clone() },
        ] {
            assert!(!alike(&a, &b), "{b:?}");
        }
        let mut noisy = a.clone();
        noisy.view.interpolate.eta = 0.5;
        assert!(!alike(&a, &noisy) && !alike(&noisy, &Controls { noise_seed: 77, ..noisy.clone() }));
        assert!(!alike(&noisy, &Controls { noise: Some(crate::schedule::NoiseKind::Step), ..noisy.clone() }));
    }
}
