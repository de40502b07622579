//! The controls that only the viewer has, and `etude sample` has not.

use super::{given_picture::GivenPicture, pin::Pin, race::Race};
pub use crate::schedule::Convention;
use crate::{
    program::Precision,
    recipe::{Between, Encoded, End},
    schedule::{Fork, Spacing},
    session::InterpolationMode,
};
use serde::{Deserialize, Serialize};

/// The first seed of x_T: of the seeds 0 to 40 that whose sample at η = 0 lies nearest to a picture of emoji's training data (S = 50; as
/// below, 0.073), and one with which another picture appears at η = 0.5 and another again at 1.
pub const SEED: u64 = 32;

/// The ends of an interpolation, and the corners of a grid, as seeds of x_T.
///
/// They are chosen by measure, so that the interpolation shows what it is there for. Of the seeds 0 to 40 (model emoji, S = 50, η = 0) those
/// 14 whose own samples lie nearest to a picture of the training data make 91 pairs. A sample's distance is the root mean square over its
/// pixels, of which the data spans 2. The middle of 10 and 17 lies 0.096 from the data by slerp and 0.226 by lerp, the largest difference of
/// all pairs (both are a blue heart, lerp's is washed out and grainy); that of 2 and 27 is 0.080 and 0.193, the second largest.
pub const SEEDS: [u64; 4] = [10, 17, 2, 27];

/// The controls that only the viewer has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ViewSettings {
    /// As `--device` takes it.
    pub device: String,
    /// As `--precision` takes it.
    #[serde(alias = "f16", deserialize_with = "Precision::by_name_or_flag")]
    pub precision: Precision,
    /// The panel that is open.
    pub tab: Tab,
    /// The dice do not change the seed of x_T.
    pub seed_locked: bool,
    /// The dice do not change the seed of the noise.
    pub noise_locked: bool,
    /// Whether pictures that may be wanted next are computed while there is nothing else to do.
    pub ahead: bool,
    /// Which image of the batch is shown large.
    pub image: u32,
    /// The Compare panel.
    pub compare: Compare,
    /// The Interpolate panel.
    pub interpolate: Interpolate,
    /// The Rewind panel.
    pub rewind: Rewind,
    /// The Race panel.
    pub race: Race,
    /// What is pinned as A in the Trajectory panel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pin: Option<Pin>,
    /// The Fork panel.
    pub fork: Tree,
    /// In the recipe of what was saved, where the playhead stood, from 0 (x_T) to 1 (the finished sample).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<f64>,
}

/// The panels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Tab {
    /// One run, step by step.
    #[default]
    Trajectory,
    /// A grid of runs.
    Compare,
    /// Between seeds.
    Interpolate,
    /// The update rule with its numbers.
    Explain,
    /// A picture encoded to its x_T and decoded again.
    Rewind,
    /// Branches of one run.
    Fork,
    /// Two samplers by equal time of the device.
    Race,
}

/// The Rewind panel's controls.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rewind {
    /// The picture to encode; `None` is the sample of the other controls.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picture: Option<GivenPicture>,
    /// Whose convention.
    pub convention: Convention,
    /// Passes of a fixed-point iteration after each step of the way up.
    pub refine: usize,
    /// η of the way back.
    pub eta: f64,
    /// Each S, beside the controls' own, at which the error is measured.
    pub steps: Vec<usize>,
}

/// The Fork panel's controls.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tree {
    /// Each branch with the forks that lead to it from the stem, t falling; the last is its own, and those before it are of the branch
    /// that it leaves.
    pub branches: Vec<Vec<Fork>>,
    /// The branch that is saved and opened; `None` is the stem.
    pub chosen: Option<usize>,
    /// Show x_t instead of the predicted x̂0.
    pub noisy: bool,
    /// Whether it is measured when the picture is decided.
    pub measure: bool,
    /// At how many steps of the run it is measured.
    pub places: u32,
    /// How many noise seeds go on from each.
    pub seeds: u32,
}

/// What the Compare panel's rows and columns are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Axes {
    /// Rows of η, columns of noise seeds; one x_T.
    #[default]
    EtaBySeed,
    /// Rows of S, columns of τ; one x_T, one noise seed.
    StepsBySpacing,
}

/// The Compare panel's controls.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Compare {
    /// Rows and columns.
    pub axes: Axes,
    /// One per row.
    pub etas: Vec<f64>,
    /// Whether there is one more row, of σ̂.
    pub sigma_hat: bool,
    /// Number of columns: noise seeds that begin with the controls' own.
    pub seeds: u32,
    /// One per row.
    pub steps: Vec<usize>,
    /// One per column: names as `--tau` takes them.
    pub spacings: Vec<String>,
    /// Show x_t instead of the predicted x̂0.
    pub noisy: bool,
    /// Row and column of the cell that is shown large beside the grid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enlarged: Option<[usize; 2]>,
}

/// The Interpolate panel's controls.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Interpolate {
    /// A grid between four seeds instead of a strip between two.
    pub grid: bool,
    /// Top left and top right (a strip's ends), bottom left and bottom right.
    pub seeds: [u64; 4],
    /// What is encoded in the place of a seed's x_T.
    #[serde(skip_serializing_if = "has_none")]
    pub pictures: [Option<Encoded>; 4],
    /// Number of pictures in a strip.
    pub columns: u32,
    /// Number of pictures along a side of a grid.
    pub side: u32,
    /// Show lerp beside slerp.
    pub lerp: bool,
    /// Where the large picture is: from left to right and from the top down, 0 to 1.
    pub position: [f64; 2],
    /// η of the interpolation: 0 unless the user wants to see what noise does to it.
    pub eta: f64,
}

impl Default for ViewSettings {
    fn default() -> Self {
        Self {
            device: "auto".to_owned(),
            precision: Precision::F32,
            tab: Tab::default(),
            seed_locked: false,
            noise_locked: false,
            ahead: true,
            image: 0,
            compare: Compare::default(),
            interpolate: Interpolate::default(),
            rewind: Rewind::default(),
            race: Race::default(),
            pin: None,
            fork: Tree::default(),
            at: None,
        }
    }
}

impl Default for Compare {
    fn default() -> Self {
        Self {
            axes: Axes::default(),
            etas: vec![0.0, 0.2, 0.5, 1.0],
            sigma_hat: false,
            seeds: 6,
            steps: vec![5, 10, 20, 50],
            spacings: ["linear", "quadratic", "trailing"].map(str::to_owned).to_vec(),
            noisy: false,
            enlarged: None,
        }
    }
}

impl Default for Interpolate {
    fn default() -> Self {
        Self {
            grid: false,
            seeds: SEEDS,
            pictures: Default::default(),
            columns: 9,
            side: 5,
            lerp: true,
            position: [0.5, 0.5],
            eta: 0.0,
        }
    }
}

impl Default for Rewind {
    fn default() -> Self {
        Self { picture: None, convention: Convention::default(), refine: 0, eta: 0.0, steps: vec![10, 20, 50, 100] }
    }
}

impl Default for Tree {
    fn default() -> Self {
        // As noisy as DDPM from early on, and from late on.
        let branch = |t, noise_seed| vec![Fork { t, noise_seed: Some(noise_seed), eta: Some(1.0), steps: None }];
        let branches = vec![branch(900, 2), branch(600, 3), branch(300, 4)];
        Self { branches, chosen: None, noisy: false, measure: false, places: 10, seeds: 4 }
    }
}

/// The most branches of a run.
pub const MAX_BRANCHES: usize = 8;

/// The most passes after a step: each is one more evaluation of the network.
pub const MAX_REFINE: usize = 20;

/// Brings the numbers of an encoding into their ranges.
pub(super) fn tidy_encoded(encoded: &mut Encoded) {
    encoded.refine = encoded.refine.min(MAX_REFINE);
    encoded.steps = encoded.steps.max(1);
}

impl ViewSettings {
    /// Brings numbers that come from a file or a text field into their ranges; there are `count` images, at least one.
    pub fn tidy(&mut self, count: u32) {
        self.image = self.image.min(count - 1);
        let compare = &mut self.compare;
        compare.seeds = compare.seeds.clamp(2, 16);
        compare.etas.retain(|eta| (0.0..=1.0).contains(eta));
        compare.etas.truncate(8);
        compare.steps.retain(|steps| *steps > 0);
        compare.steps.truncate(8);
        compare.spacings.retain(|name| name.parse::<Spacing>().is_ok());
        compare.spacings.truncate(6);
        let interpolate = &mut self.interpolate;
        interpolate.columns = interpolate.columns.clamp(3, 33);
        interpolate.side = interpolate.side.clamp(2, 9);
        let unit = |x: f64| if x.is_finite() { x.clamp(0.0, 1.0) } else { 0.0 };
        interpolate.position = interpolate.position.map(unit);
        interpolate.eta = unit(interpolate.eta);
        interpolate.pictures.iter_mut().flatten().for_each(tidy_encoded);
        let fork = &mut self.fork;
        fork.branches.retain(|forks| {
            let has_eta = |fork: &Fork| fork.eta.is_none_or(|eta| (0.0..=1.0).contains(&eta));
            !forks.is_empty() && forks.len() <= MAX_BRANCHES && forks.iter().all(has_eta) && forks.is_sorted_by(|a, b| a.t >= b.t)
        });
        fork.branches.truncate(MAX_BRANCHES);
        fork.chosen = fork.chosen.filter(|chosen| *chosen < fork.branches.len());
        (fork.places, fork.seeds) = (fork.places.clamp(2, 40), fork.seeds.clamp(2, 16));
        let rewind = &mut self.rewind;
        rewind.eta = unit(rewind.eta);
        rewind.refine = rewind.refine.min(MAX_REFINE);
        rewind.steps.retain(|steps| *steps > 0);
        rewind.steps.sort_unstable();
        rewind.steps.dedup();
        rewind.steps.truncate(12);
        self.race.tidy();
        self.pin = self.pin.take().and_then(Pin::tidied);
    }
}

fn has_none(pictures: &[Option<Encoded>; 4]) -> bool {
    pictures.iter().all(Option::is_none)
}

impl Interpolate {
    /// The end or corner of a number: a seed, or a picture in its place.
    pub fn end(&self, number: usize) -> End {
        match &self.pictures[number] {
            Some(encoded) => End::Encoded(Box::new(encoded.clone())),
            None => End::Seed(self.seeds[number]),
        }
    }

    /// Where between the ends the pictures at these places are, in rows of `columns`.
    pub fn between(&self, at: Vec<[f64; 2]>, modes: &[InterpolationMode], columns: usize) -> Between {
        Between { ends: (0..self.ends()).map(|end| self.end(end)).collect(), at, modes: modes.to_vec(), columns, eta: self.eta }
    }

    /// What an end is called.
    pub fn end_name(&self, number: usize) -> String {
        match &self.pictures[number] {
            Some(encoded) => encoded.picture.short_name(),
            None => format!("seed {}", self.seeds[number]),
        }
    }

    /// How many ends there are: of a strip two, of a grid four.
    pub fn ends(&self) -> usize {
        if self.grid { 4 } else { 2 }
    }

    /// Where the pictures of the strip are, 0 to 1.
    pub fn stops(&self) -> Vec<f64> {
        let last = f64::from(self.columns.max(2) - 1);
        (0..self.columns.max(2)).map(|i| f64::from(i) / last).collect()
    }

    /// The modes shown.
    pub fn modes(&self) -> &'static [InterpolationMode] {
        if self.lerp { &[InterpolationMode::Slerp, InterpolationMode::Lerp] } else { &[InterpolationMode::Slerp] }
    }
}
