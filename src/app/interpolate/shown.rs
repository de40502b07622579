//! Which picture stands for a position: the one decoded there, or the nearest there is.

use super::View;
use crate::{
    app::{controls::Interpolate, run_view::RunView, tile},
    picture::Picture,
};

/// A picture and where it is.
pub struct Shown<'a> {
    /// It.
    pub picture: &'a Picture,
    /// For [`crate::app::pictures::Pictures`].
    pub version: u64,
    /// Where it is.
    pub position: [f64; 2],
    /// |x_T|/√d.
    pub rms: Option<f64>,
    /// Decoded to the last step.
    pub finished: bool,
}

/// Whether the two show the same ends, decoded alike.
fn same_ends(a: &Interpolate, b: &Interpolate) -> bool {
    let ends = if a.grid { 4 } else { 2 };
    a.grid == b.grid && a.eta == b.eta && a.seeds[..ends] == b.seeds[..ends]
}

/// Where the members of a strip or grid are.
pub fn stops(interpolate: &Interpolate) -> Vec<[f64; 2]> {
    if !interpolate.grid {
        return interpolate.stops().into_iter().map(|t| [t, 0.0]).collect();
    }
    let side = interpolate.side.max(2);
    let at = |i: u32| f64::from(i) / f64::from(side - 1);
    (0..side * side).map(|i| [at(i % side), at(i / side)]).collect()
}

/// The member nearest to `position`.
pub fn nearest(interpolate: &Interpolate, position: [f64; 2]) -> usize {
    let distance = |stop: &[f64; 2]| distance(interpolate.grid, *stop, position);
    let all = stops(interpolate);
    (0..all.len()).min_by(|a, b| distance(&all[*a]).total_cmp(&distance(&all[*b]))).unwrap_or(0)
}

fn distance(grid: bool, a: [f64; 2], b: [f64; 2]) -> f64 {
    if grid { (a[0] - b[0]).hypot(a[1] - b[1]) } else { (a[0] - b[0]).abs() }
}

fn of<'a>(run: &'a RunView, (group, member): (usize, usize), position: [f64; 2]) -> Option<Shown<'a>> {
    let frame = run.groups.get(group)?.latest.as_deref()?;
    let picture = tile::of_frame(frame, member, false)?;
    let rms = run.plan.as_ref().and_then(|p| p.latent_rms.get(group)?.get(member).copied());
    let finished = frame.index + 1 >= frame.total;
    Some(Shown { picture, version: tile::version((run.id, group, member, frame.index)), position, rms, finished })
}

/// The best picture for the position of `wanted`, going `way` (0 slerp, 1 lerp): the finished one nearest to it, or an unfinished
/// one where there is no other.
pub fn at<'a>(view: &View<'a>, wanted: &Interpolate, way: usize) -> Option<Shown<'a>> {
    let points = [view.point, view.point_previous].into_iter().flatten().filter_map(|run| {
        let theirs = &run.controls.viewer.interpolate;
        same_ends(theirs, wanted).then(|| of(run, (0, way), theirs.position)).flatten()
    });
    let strips = [view.between, view.previous].into_iter().flatten().filter_map(|run| {
        let theirs = &run.controls.viewer.interpolate;
        let (group, member) = (way, nearest(theirs, wanted.position));
        let stop = *stops(theirs).get(member)?;
        same_ends(theirs, wanted).then(|| of(run, (group, member), stop)).flatten()
    });
    let rank = |s: &Shown<'_>| (!s.finished, distance(wanted.grid, s.position, wanted.position));
    let all = points.chain(strips);
    let fallback = || view.between.or(view.previous).filter(|r| r.controls.viewer.interpolate.grid == wanted.grid);
    let best = all.min_by(|a, b| {
        let (a, b) = (rank(a), rank(b));
        a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
    });
    best.or_else(|| {
        let run = fallback()?;
        let theirs = &run.controls.viewer.interpolate;
        let member = nearest(theirs, wanted.position);
        of(run, (way, member), stops(theirs)[member])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_stop() {
        let mut interpolate = Interpolate { columns: 5, side: 3, ..Interpolate::default() };
        assert_eq!(nearest(&interpolate, [0.0, 0.9]), 0);
        assert_eq!(nearest(&interpolate, [0.6, 0.0]), 2);
        assert_eq!(nearest(&interpolate, [1.0, 0.0]), 4);
        interpolate.grid = true;
        assert_eq!(nearest(&interpolate, [1.0, 0.0]), 2);
        assert_eq!(nearest(&interpolate, [0.4, 0.9]), 7);
        assert_eq!(stops(&interpolate)[5], [1.0, 0.5]);
    }
}
