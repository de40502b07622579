//! The controls that are dragged, as scales: where on its scale a control stands, and at which places pictures are worth computing before a
//! hand comes there.

use super::{controls::Controls, run_requests::Touched, view_settings::Tab};
use crate::schedule::Spacing;

/// A hand moves η in hundredths; every fifth of them comes first. The position of an interpolation moves freely, so its places lie as near as
/// one picture can stand for another.
const HUNDREDTHS: u32 = 100;
const FIFTHS: u32 = 5;
const POSITIONS: [u32; 4] = [20, 40, 80, 160];
/// The first values of S, and the most of those that come after them, one by one.
const STEPS: [usize; 6] = [5, 10, 20, 50, 100, 200];
const MAX_STEPS: usize = 100;

/// A control that can be dragged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scale {
    /// η.
    Eta,
    /// S, by its logarithm, as the slider has it.
    Steps,
    /// From left to right along an interpolation.
    Position,
}

impl Scale {
    /// The scale of the control that was touched; η's where it has none.
    pub(crate) fn of(touched: Touched, controls: &Controls) -> Self {
        match touched {
            Touched::Position => Self::Position,
            // An interpolation is there to be looked along.
            Touched::Other if controls.view.tab == Tab::Interpolate => Self::Position,
            Touched::Steps if !matches!(controls.spacing, Some(Spacing::List(_))) => Self::Steps,
            _ => Self::Eta,
        }
    }

    /// Where `controls` stand.
    pub(crate) fn place(self, controls: &Controls) -> f64 {
        match self {
            Self::Eta => controls.noisiness().0,
            Self::Steps => (controls.steps.max(1) as f64).ln(),
            Self::Position => controls.view.interpolate.position[0],
        }
    }

    /// `controls` at `place`.
    pub(crate) fn at(self, place: f64, controls: &Controls) -> Controls {
        let mut controls = controls.clone();
        match self {
            Self::Eta => controls.set_eta(place),
            Self::Steps => controls.steps = place.exp().round() as usize,
            Self::Position => controls.view.interpolate.position[0] = place,
        }
        controls
    }

    /// Whether a hand that moves at `speed` over `place` sees the pictures that are `ready`, and which of them: its neighbours must be ready
    /// wherever it comes to, or it must cross the gap between them sooner than a draft is seen, which takes `draft` seconds. Elsewhere it sees
    /// drafts alone: sharp and coarse pictures that take turns look restless. A draft of S has all its steps, so that none look coarse.
    pub(crate) fn nearest_ready(self, ready: &[f64], place: f64, velocity: f64, draft: f64) -> Option<f64> {
        let next = |to: f64, up: bool| {
            let beyond = ready.iter().copied().filter(|at| if up { *at > to } else { *at < to });
            beyond.min_by(|a, b| (a - to).abs().total_cmp(&(b - to).abs()))
        };
        let exact = ready.contains(&place);
        if exact && self == Self::Steps {
            return Some(place);
        }
        let (from, to) = match (exact, next(place, velocity >= 0.0), next(place, velocity < 0.0)) {
            (true, Some(before), _) => (place, before),
            // At the end of the scale.
            (true, None, Some(behind)) => (place, behind),
            (false, Some(before), Some(behind)) => (before, behind),
            _ => return None,
        };
        let finest = match self {
            Self::Eta => 1.0 / f64::from(HUNDREDTHS),
            Self::Steps => 0.0,
            Self::Position => 1.0 / f64::from(POSITIONS[2]),
        };
        let nearest = if (from - place).abs() <= (to - place).abs() { from } else { to };
        ((from - to).abs() <= finest.max(velocity.abs() * draft) + 1e-9).then_some(nearest)
    }

    /// Of the places that are `ready`, the one to show where the position goes in a `direction` by itself: the last that was passed, so that
    /// what is shown never goes back, however many come to be ready.
    pub(crate) fn last_passed(ready: &[f64], place: f64, direction: f64) -> Option<f64> {
        let passed = ready.iter().copied().filter(|at| (at - place) * direction <= 1e-9);
        passed.min_by(|a, b| (a - place).abs().total_cmp(&(b - place).abs()))
    }

    /// The places worth computing for a hand at `place`, which moves upwards (`direction` above 0), downwards or not at all: coarse ones all
    /// over the scale first, then what lies between them; of each kind the nearest first, and those that lie behind the hand later.
    pub(crate) fn worth_computing(self, place: f64, direction: f64) -> Vec<f64> {
        let grid = |parts: u32| (0..=parts).map(move |i| f64::from(i) / f64::from(parts));
        let levels: Vec<Vec<f64>> = match self {
            Self::Eta => vec![grid(HUNDREDTHS / FIFTHS).collect(), grid(HUNDREDTHS).collect()],
            Self::Steps => {
                let all: Vec<usize> = (2..=MAX_STEPS).collect();
                [STEPS.to_vec(), all].map(|steps| steps.into_iter().map(|s| (s as f64).ln()).collect()).to_vec()
            }
            Self::Position => POSITIONS.map(|parts| grid(parts).collect()).to_vec(),
        };
        let far = |to: &f64| (to - place).abs() * if (to - place) * direction < 0.0 { 3.0 } else { 1.0 };
        let mut places: Vec<f64> = Vec::new();
        for mut level in levels {
            level.sort_by(|a, b| far(a).total_cmp(&far(b)));
            level.retain(|new| !places.contains(new));
            places.extend(level);
        }
        places
    }
}

#[cfg(test)]
mod tests {
    use super::Scale;
    use crate::app::state::controls::Controls;

    #[test]
    fn the_coarse_grid_comes_first_and_the_nearest_of_it() {
        let places = Scale::Eta.worth_computing(0.42, 0.0);
        assert_eq!(places[..5], [0.4, 0.45, 0.35, 0.5, 0.3]);
        assert_eq!((places.len(), places[20], places[21..26].to_vec()), (101, 1.0, vec![0.42, 0.41, 0.43, 0.44, 0.39]));
        // A hand that goes up will sooner be at what lies above it.
        assert_eq!(Scale::Eta.worth_computing(0.42, 1.0)[..4], [0.45, 0.4, 0.5, 0.55]);
        // Exactly the values that a hand comes to.
        assert!((0..=100).all(|i| places.contains(&((f64::from(i) + 0.3).round() / 100.0))));
    }

    #[test]
    fn a_hand_sees_ready_pictures_where_they_lie_close_enough_for_its_speed_and_drafts_elsewhere() {
        let twentieths: Vec<f64> = (0..=20).map(|i| f64::from(i) / 20.0).collect();
        let eta = |place, velocity| Scale::Eta.nearest_ready(&twentieths, place, velocity, 0.11);
        // A fifth of the scale per second: two drafts fit between two twentieths, and even those are passed over.
        assert_eq!([0.42, 0.45, 0.47].map(|place| eta(place, 0.2)), [None; 3]);
        // A half: there is time for none.
        assert_eq!([0.42, 0.45, 0.47].map(|place| eta(place, 0.5)), [Some(0.4), Some(0.45), Some(0.45)]);
        assert_eq!([1.0, 0.0].map(|place| eta(place, -0.5)), [Some(1.0), Some(0.0)]);
        // Where every hundredth is ready it is seen at any speed.
        let some: Vec<f64> = twentieths.iter().copied().chain((30..45).map(|i| f64::from(i) / 100.0)).collect();
        let near = |place, velocity| Scale::Eta.nearest_ready(&some, place, velocity, 0.11);
        assert_eq!([0.31, 0.44].map(|place| near(place, 0.01)), [Some(0.31), Some(0.44)]);
        assert_eq!([near(0.47, 0.2), near(0.45, 0.2), near(0.45, -0.2)], [None, None, Some(0.45)]);
        assert_eq!(Scale::Eta.nearest_ready(&[], 0.3, 1.0, 0.11), None);
        // S has no coarse drafts where it is followed.
        let stops: Vec<f64> = [5f64, 10.0, 20.0].map(f64::ln).to_vec();
        assert_eq!(Scale::Steps.nearest_ready(&stops, 10f64.ln(), 0.2, 0.4), Some(10f64.ln()));
    }

    #[test]
    fn while_it_plays_the_picture_never_goes_back() {
        let mut ready = vec![0.0, 0.25, 0.5, 1.0];
        assert_eq!(
            [0.3, 0.49, 0.5, 0.9].map(|at| Scale::last_passed(&ready, at, 1.0)),
            [Some(0.25), Some(0.25), Some(0.5), Some(0.5)]
        );
        assert_eq!([0.9, 0.5, 0.3].map(|at| Scale::last_passed(&ready, at, -1.0)), [Some(1.0), Some(0.5), Some(0.5)]);
        // One that comes to be ready in between leads on, and one that lies ahead waits.
        ready.extend([0.28, 0.31]);
        assert_eq!(Scale::last_passed(&ready, 0.3, 1.0), Some(0.28));
        assert_eq!(Scale::last_passed(&[0.5], 0.3, 1.0), None);
    }

    #[test]
    fn s_has_its_stops_first_and_then_every_value() {
        let places = Scale::Steps.worth_computing(20f64.ln(), 0.0);
        let controls = Controls::default();
        let steps: Vec<usize> = places.iter().map(|place| Scale::Steps.at(*place, &controls).steps).collect();
        assert_eq!(steps[..3], [20, 10, 50]);
        assert_eq!(steps[6..9], [21, 19, 22]);
        assert!((2..=100).all(|s| steps.iter().filter(|found| **found == s).count() == 1));
    }
}
