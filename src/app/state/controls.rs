//! The controls: everything the user sets, as plain values. A picture's recipe holds them all, so saving settings, undo and a
//! dropped picture are one and the same thing.

use crate::{
    backend::DeviceChoice,
    error::{Error, Result},
    gpu::Precision,
    model::DEFAULT,
    recipe::{PROGRAM, Recipe, Rng},
    schedule::{NoiseKind, Preset, ScheduleRequest, Spacing},
    session::InterpolationMode,
};
use serde::{Deserialize, Serialize};

/// Seeds with which the default model draws well: x_T's at first, and the ends and corners of an interpolation.
const SEEDS: [u64; 4] = [5, 10, 2, 7];

/// All controls.
#[derive(Clone, Debug, PartialEq)]
pub struct Controls {
    /// An embedded model's name, or a folder.
    pub model: String,
    /// Whose conventions hold.
    pub preset: Preset,
    /// S.
    pub steps: usize,
    /// η.
    pub eta: f64,
    /// The larger variance σ̂ in the place of η.
    pub sigma_hat: bool,
    /// τ; `None` is the preset's.
    pub spacing: Option<Spacing>,
    /// Clipping of x̂0; `None` is the preset's.
    pub clip: Option<bool>,
    /// Seed of x_T.
    pub seed: u64,
    /// Seed of the steps' noise.
    pub noise_seed: u64,
    /// What the steps' noise belongs to; `None` is the preset's.
    pub noise: Option<NoiseKind>,
    /// Generator of x_T.
    pub rng: Rng,
    /// Images of a trajectory.
    pub count: u32,
    /// Height and width; `None` is the model's.
    pub size: Option<(u32, u32)>,
    /// What the pictures of `etude sample` do not depend on.
    pub view: ViewSettings,
}

/// The controls that only the viewer has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ViewSettings {
    /// As `--device` takes it.
    pub device: String,
    /// 16-bit storage.
    pub f16: bool,
    /// The panel that is open.
    pub tab: Tab,
    /// The dice leave the seed of x_T alone.
    pub seed_locked: bool,
    /// The dice leave the seed of the noise alone.
    pub noise_locked: bool,
    /// Which image of the batch is shown large.
    pub image: u32,
    /// The Compare panel.
    pub compare: Compare,
    /// The Interpolate panel.
    pub interpolate: Interpolate,
}

/// The four panels.
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
    /// One row each.
    pub etas: Vec<f64>,
    /// One row more, of σ̂.
    pub sigma_hat: bool,
    /// Columns: noise seeds from the control's on.
    pub seeds: u32,
    /// One row each.
    pub steps: Vec<usize>,
    /// One column each: names as `--tau` takes them.
    pub spacings: Vec<String>,
    /// Show x_t in the place of the predicted x̂0.
    pub noisy: bool,
}

/// The Interpolate panel's controls.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Interpolate {
    /// A grid between four seeds in the place of a strip between two.
    pub grid: bool,
    /// Top left and top right (a strip's ends), bottom left and bottom right.
    pub seeds: [u64; 4],
    /// Pictures of a strip.
    pub columns: u32,
    /// Pictures of a grid's side.
    pub side: u32,
    /// Show lerp beside slerp.
    pub lerp: bool,
    /// Where the large picture is: from left to right and from the top down, 0 to 1.
    pub position: [f64; 2],
    /// η while interpolating: 0 unless the user wants to see it fall apart.
    pub eta: f64,
}

impl Default for ViewSettings {
    fn default() -> Self {
        Self {
            device: "auto".to_owned(),
            f16: false,
            tab: Tab::default(),
            seed_locked: false,
            noise_locked: false,
            image: 0,
            compare: Compare::default(),
            interpolate: Interpolate::default(),
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
        }
    }
}

impl Default for Interpolate {
    fn default() -> Self {
        Self { grid: false, seeds: SEEDS, columns: 9, side: 5, lerp: true, position: [0.5, 0.5], eta: 0.0 }
    }
}

impl Default for Controls {
    fn default() -> Self {
        Self {
            model: DEFAULT.to_owned(),
            preset: Preset::Etude,
            steps: 50,
            eta: 0.0,
            sigma_hat: false,
            spacing: None,
            clip: None,
            seed: SEEDS[0],
            noise_seed: 1,
            noise: None,
            rng: Rng::Etude,
            count: 8,
            size: None,
            view: ViewSettings::default(),
        }
    }
}

impl Controls {
    /// The schedule they ask for.
    pub fn schedule(&self) -> ScheduleRequest {
        ScheduleRequest {
            preset: self.preset,
            steps: self.steps,
            eta: self.eta,
            spacing: self.spacing.clone(),
            sigma_hat: self.sigma_hat,
            clip: self.clip,
            noise: self.noise,
        }
    }

    /// What the steps' noise belongs to.
    pub fn noise(&self) -> NoiseKind {
        self.noise.unwrap_or(self.preset.noise())
    }

    /// Sets what the steps' noise belongs to. The preset's own goes with the preset.
    pub fn set_noise(&mut self, noise: NoiseKind) {
        self.noise = Some(noise).filter(|noise| *noise != self.preset.noise());
    }

    /// S, or as many steps as a hand-made τ has.
    pub fn step_count(&self) -> usize {
        match &self.spacing {
            Some(Spacing::List(list)) => list.len(),
            _ => self.steps,
        }
    }

    /// η of the open panel, and whether σ̂ takes its place: interpolations have an η of their own.
    pub fn noisiness(&self) -> (f64, bool) {
        match self.view.tab {
            Tab::Interpolate => (self.view.interpolate.eta, false),
            _ => (self.eta, self.sigma_hat),
        }
    }

    /// Sets η of the open panel; σ̂ is left.
    pub fn set_eta(&mut self, eta: f64) {
        match self.view.tab {
            Tab::Interpolate => self.view.interpolate.eta = eta,
            _ => (self.eta, self.sigma_hat) = (eta, false),
        }
    }

    /// Whether the open panel has rows of η of its own, so that the slider's counts for nothing there.
    pub fn has_rows_of_eta(&self) -> bool {
        self.view.tab == Tab::Compare && self.view.compare.axes == Axes::EtaBySeed
    }

    /// The device they ask for.
    ///
    /// # Errors
    /// An empty name.
    pub fn device(&self) -> Result<DeviceChoice> {
        self.view.device.parse()
    }

    /// Storage of weights and activations.
    pub fn precision(&self) -> Precision {
        if self.view.f16 { Precision::F16 } else { Precision::F32 }
    }

    /// How `etude sample` would make the trajectory's pictures, with the viewer's own controls inside.
    ///
    /// # Errors
    /// Does not happen: every field is plain data.
    pub fn recipe(&self, weights_crc32: &str, size: (u32, u32)) -> Result<Recipe> {
        let viewer = serde_json::to_value(&self.view).map_err(|e| Error::argument(format!("viewer controls: {e}")))?;
        Ok(Recipe {
            program: PROGRAM.to_owned(),
            model: self.model.clone(),
            weights_crc32: weights_crc32.to_owned(),
            preset: self.preset.to_string(),
            steps: self.steps,
            eta: self.eta,
            tau: self.spacing.as_ref().map(ToString::to_string),
            sigma_hat: self.sigma_hat,
            clip: self.clip,
            seed: self.seed,
            noise_seed: self.noise_seed,
            noise: self.noise(),
            rng: self.rng,
            count: self.count,
            size,
            viewer: Some(viewer),
        })
    }

    /// The controls that made a picture. A recipe of the command line leaves the viewer's own as they are in `now`.
    ///
    /// # Errors
    /// A preset, a τ or viewer controls that cannot be understood.
    pub fn from_recipe(recipe: &Recipe, now: &ViewSettings) -> Result<Self> {
        let request = recipe.request()?;
        let view = match &recipe.viewer {
            Some(value) => serde_json::from_value(value.clone()).map_err(|e| Error::argument(format!("viewer controls: {e}")))?,
            None => ViewSettings { image: 0, tab: Tab::Trajectory, ..now.clone() },
        };
        let mut controls = Self {
            model: recipe.model.clone(),
            preset: request.preset,
            steps: request.steps,
            eta: request.eta,
            sigma_hat: request.sigma_hat,
            spacing: request.spacing,
            clip: request.clip,
            seed: recipe.seed,
            noise_seed: recipe.noise_seed,
            noise: None,
            rng: recipe.rng,
            count: recipe.count,
            size: Some(recipe.size),
            view,
        };
        controls.set_noise(recipe.noise);
        controls.tidy();
        Ok(controls)
    }

    /// Brings numbers that come from a file or a text field into their ranges.
    pub fn tidy(&mut self) {
        self.count = self.count.clamp(1, MAX_IMAGES);
        self.view.image = self.view.image.min(self.count - 1);
        let compare = &mut self.view.compare;
        compare.seeds = compare.seeds.clamp(2, 16);
        compare.etas.retain(|eta| (0.0..=1.0).contains(eta));
        compare.etas.truncate(8);
        compare.steps.retain(|steps| *steps > 0);
        compare.steps.truncate(8);
        compare.spacings.retain(|name| name.parse::<Spacing>().is_ok());
        compare.spacings.truncate(6);
        let interpolate = &mut self.view.interpolate;
        interpolate.columns = interpolate.columns.clamp(3, 33);
        interpolate.side = interpolate.side.clamp(2, 9);
        let unit = |x: f64| if x.is_finite() { x.clamp(0.0, 1.0) } else { 0.0 };
        interpolate.position = interpolate.position.map(unit);
        interpolate.eta = unit(interpolate.eta);
    }
}

/// Most images of a trajectory on screen.
pub const MAX_IMAGES: u32 = 64;

impl Interpolate {
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
