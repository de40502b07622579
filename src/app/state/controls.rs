//! The controls: everything the user sets, as plain values. A picture's recipe holds them all, so saving settings, undo and a
//! dropped picture are one and the same thing.

use super::{
    view_settings::{Axes, SEED, Tab, ViewSettings, tidy_encoded},
    written::plain,
};
use crate::{
    backend::DeviceChoice,
    error::{Error, Result},
    model::DEFAULT,
    program::Precision,
    recipe::ClassLabel,
    recipe::{Encoded, PROGRAM, Recipe, Rng},
    schedule::{Fork, NoiseKind, Preset, ScheduleRequest, Spacing, StepSeed, Variance},
    session::Latent,
};
use std::sync::Arc;

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
    /// Use the larger variance σ̂ instead of η.
    pub sigma_hat: bool,
    /// τ; `None` is the preset's.
    pub spacing: Option<Spacing>,
    /// Clipping of x̂0; `None` is the preset's.
    pub clip: Option<bool>,
    /// ε is derived again from the clipped x̂0.
    pub clip_epsilon: bool,
    /// The variance of preset ddpm; `None` is the scheduler's.
    pub variance: Option<Variance>,
    /// Seed of x_T.
    pub seed: u64,
    /// Seed of the steps' noise.
    pub noise_seed: u64,
    /// What the steps' noise belongs to; `None` is the preset's.
    pub noise: Option<NoiseKind>,
    /// Where the run leaves its stem, t falling.
    pub forks: Vec<Fork>,
    /// Steps whose noise is of another seed.
    pub step_seeds: Vec<StepSeed>,
    /// Generator of x_T.
    pub rng: Rng,
    /// The picture that x_T is encoded from, in the place of the seed's.
    pub encoded: Option<Encoded>,
    /// The class or classes, where the model has some; `None` is all in turn.
    pub class: Option<ClassLabel>,
    /// Images of a trajectory.
    pub count: u32,
    /// The number of the first of them.
    pub first: u32,
    /// How many images torch draws at once, where that is more than there are on screen.
    pub drawn: Option<u32>,
    /// Height and width; `None` is the model's.
    pub size: Option<(u32, u32)>,
    /// Settings that the pictures of `etude sample` do not depend on.
    pub view: ViewSettings,
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
            clip_epsilon: false,
            variance: None,
            seed: SEED,
            noise_seed: 1,
            noise: None,
            forks: Vec::new(),
            step_seeds: Vec::new(),
            rng: Rng::Etude,
            encoded: None,
            class: None,
            count: 8,
            first: 0,
            drawn: None,
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
            clip_epsilon: self.clip_epsilon,
            variance: self.variance,
            noise: Some(self.noise()),
            forks: self.forks.clone(),
            step_seeds: self.step_seeds.clone(),
        }
    }

    /// The same without forks and without noise of other seeds in some steps.
    pub fn stem(&self) -> Self {
        Self { forks: Vec::new(), step_seeds: Vec::new(), ..self.clone() }
    }

    /// What the steps' noise belongs to.
    pub fn noise(&self) -> NoiseKind {
        let usual = self.rng.noise(self.preset);
        // Torch's noise comes after torch's x_T.
        self.noise.filter(|noise| self.rng == Rng::Torch || *noise != NoiseKind::Torch).unwrap_or(usual)
    }

    /// Sets what the steps' noise belongs to. The usual one goes with the preset and with the generator of x_T.
    pub fn set_noise(&mut self, noise: NoiseKind) {
        self.noise = Some(noise).filter(|noise| *noise != self.rng.noise(self.preset));
    }

    /// What the noise of runs belongs to whose x_T is not torch's, or that differ in the seed of the noise.
    pub fn own_noise(&self) -> NoiseKind {
        Some(self.noise()).filter(|noise| *noise != NoiseKind::Torch).unwrap_or(self.preset.noise())
    }

    /// x_T of an image: of the seed, or what a picture is encoded to.
    pub(crate) fn latent(&self, image: u32) -> Latent {
        if let Some(encoded) = &self.encoded {
            let torch = (self.rng == Rng::Torch).then(|| (self.seed, self.drawn()));
            return Latent::Encoded { from: Arc::new(encoded.clone()), torch };
        }
        match self.rng {
            Rng::Etude => Latent::Seed { seed: self.seed, image },
            Rng::Torch => Latent::Torch { seed: self.seed, image, count: self.drawn() },
        }
    }

    /// How many images torch draws at once.
    pub fn drawn(&self) -> u32 {
        let end = self.first.saturating_add(self.count);
        self.drawn.map_or(end, |drawn| drawn.max(end))
    }

    /// The number of the image that is shown large.
    pub fn image_number(&self) -> u32 {
        self.first.saturating_add(self.view.image)
    }

    /// S, or as many steps as a hand-made τ has.
    pub fn step_count(&self) -> usize {
        match &self.spacing {
            Some(Spacing::List(list)) => list.len(),
            _ => self.steps,
        }
    }

    /// η of the open panel, and whether σ̂ is used instead: an interpolation has its own η, and so has the way back from x_T.
    pub fn noisiness(&self) -> (f64, bool) {
        match self.view.tab {
            Tab::Interpolate => (self.view.interpolate.eta, false),
            Tab::Rewind => (self.view.rewind.eta, false),
            _ => (self.eta, self.sigma_hat),
        }
    }

    /// η, σ̂ or DDPM, in a few words.
    pub fn noise_text(&self) -> String {
        match (self.preset, self.sigma_hat) {
            (Preset::Ddpm, _) => "DDPM".to_owned(),
            (_, true) => "σ̂".to_owned(),
            (_, false) => format!("η = {}", plain(self.eta)),
        }
    }

    /// η of the step at timestep `t`, which a fork may have set, and whether that step is DDPM's posterior mean.
    pub fn noisiness_at(&self, t: u32) -> (f64, bool) {
        let forked = self.forks.iter().rev().filter(|fork| t <= fork.t).find_map(|fork| fork.eta);
        forked.map_or((self.eta, self.is_posterior()), |eta| (eta, false))
    }

    /// Whether the steps are those of DDPM's posterior mean, which has no ε.
    pub fn is_posterior(&self) -> bool {
        self.sigma_hat || self.preset == Preset::Ddpm
    }

    /// Sets η of the open panel, which turns σ̂ off.
    pub fn set_eta(&mut self, eta: f64) {
        match self.view.tab {
            Tab::Interpolate => self.view.interpolate.eta = eta,
            Tab::Rewind => self.view.rewind.eta = eta,
            // DDPM has no η: who moves it leaves that as well.
            _ => (self.eta, self.sigma_hat, self.preset) = (eta, false, self.preset.with_eta()),
        }
    }

    /// Whether the open panel has an η of its own, and no σ̂.
    pub fn has_own_eta(&self) -> bool {
        matches!(self.view.tab, Tab::Interpolate | Tab::Rewind)
    }

    /// Whether each side of the open panel has a sampler of its own, so that η and S have no effect there.
    pub fn has_sides(&self) -> bool {
        self.view.tab == Tab::Race
    }

    /// Whether the open panel has one η per row, so that the η slider has no effect there.
    pub fn has_rows_of_eta(&self) -> bool {
        self.view.tab == Tab::Compare && self.view.compare.axes == Axes::EtaBySeed
    }

    /// Whether the open panel's runs begin with pictures that are encoded first.
    pub(crate) fn starts_from_pictures(&self) -> bool {
        let interpolate = &self.view.interpolate;
        match self.view.tab {
            Tab::Interpolate => interpolate.pictures[..interpolate.ends()].iter().any(Option::is_some),
            _ => self.encoded.is_some(),
        }
    }

    /// Where x_T comes from, for a line.
    pub fn latent_text(&self) -> String {
        match &self.encoded {
            Some(encoded) => format!("x_T of {}", encoded.picture.short_name()),
            None => format!("seed {}", self.seed),
        }
    }

    /// Whether the open panel has its own S and τ in its grid, so that S and τ of the controls have no effect there.
    pub fn has_grid_of_steps(&self) -> bool {
        self.view.tab == Tab::Compare && self.view.compare.axes == Axes::StepsBySpacing
    }

    /// The device they ask for.
    ///
    /// # Errors
    /// An empty name.
    pub fn device(&self) -> Result<DeviceChoice> {
        self.view.device.parse()
    }

    /// The format in which weights and activations are stored.
    pub fn precision(&self) -> Precision {
        self.view.precision
    }

    /// How `etude sample` would make the trajectory's pictures, with the viewer's own controls inside.
    ///
    /// # Errors
    /// None in practice: every field is plain data.
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
            clip_epsilon: self.clip_epsilon,
            variance: self.variance,
            seed: self.seed,
            noise_seed: self.noise_seed,
            noise: self.noise(),
            forks: self.forks.clone(),
            step_seeds: self.step_seeds.clone(),
            rng: self.rng,
            class: self.class,
            count: self.count,
            first: self.first,
            image: None,
            drawn: Some(self.drawn()).filter(|drawn| self.rng == Rng::Torch && *drawn != self.first.saturating_add(self.count)),
            size,
            encoded: self.encoded.clone(),
            between: None,
            viewer: Some(viewer),
        })
    }

    /// The controls that made a picture. A recipe written by the command line has no viewer settings: they stay as in `now`.
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
            clip_epsilon: request.clip_epsilon,
            variance: request.variance,
            seed: recipe.seed,
            noise_seed: recipe.noise_seed,
            noise: None,
            forks: recipe.forks.clone(),
            step_seeds: recipe.step_seeds.clone(),
            rng: recipe.rng,
            encoded: recipe.encoded.clone(),
            class: recipe.class,
            count: recipe.count,
            first: recipe.first,
            drawn: Some(recipe.drawn()).filter(|_| recipe.rng == Rng::Torch),
            size: Some(recipe.size),
            view,
        };
        controls.set_noise(recipe.noise);
        if let Some(image) = recipe.image {
            controls.enlarge(image);
        }
        controls.tidy();
        Ok(controls)
    }

    /// Brings S, here and in the comparison's rows, down to the T timesteps of a model. Whether S changed.
    pub fn fit(&mut self, train_timesteps: u32) -> bool {
        let max = train_timesteps as usize;
        let compared = &mut self.view.compare.steps;
        if compared.iter().any(|steps| *steps > max) {
            compared.retain(|steps| *steps <= max);
            if compared.last() != Some(&max) {
                compared.push(max);
            }
        }
        self.view.rewind.steps.retain(|steps| *steps <= max);
        let changed = self.steps > max;
        self.steps = self.steps.min(max);
        changed
    }

    /// Shows the image of a number large, with as many of its batch as there is room for.
    fn enlarge(&mut self, image: u32) {
        let end = self.first.saturating_add(self.count).max(image.saturating_add(1));
        if !(self.first..self.first.saturating_add(MAX_IMAGES)).contains(&image) {
            self.first = image;
        }
        self.count = (end - self.first).clamp(1, MAX_IMAGES);
        self.view.image = image - self.first;
    }

    /// Brings numbers that come from a file or a text field into their ranges.
    pub fn tidy(&mut self) {
        self.count = self.count.clamp(1, MAX_IMAGES);
        self.first = self.first.min(u32::MAX - MAX_IMAGES);
        self.drawn = self.drawn.filter(|drawn| *drawn > self.first + self.count);
        self.encoded.iter_mut().for_each(tidy_encoded);
        self.view.tidy(self.count);
    }
}

/// Most images of a trajectory on screen.
pub const MAX_IMAGES: u32 = 64;

#[cfg(test)]
mod tests {
    use super::{Controls, Fork};

    #[test]
    fn a_fork_sets_eta_from_its_timestep_on() {
        let fork = |t, eta| Fork { t, eta, ..Fork::default() };
        let forks = vec![fork(600, Some(0.5)), fork(400, None), fork(200, Some(0.0))];
        let controls = Controls { eta: 1.0, sigma_hat: true, forks, ..Controls::default() };
        let at = [980, 601, 600, 300, 200, 0].map(|t| controls.noisiness_at(t));
        assert_eq!(at, [(1.0, true), (1.0, true), (0.5, false), (0.5, false), (0.0, false), (0.0, false)]);
    }
}
