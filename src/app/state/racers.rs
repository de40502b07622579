//! From the Race panel's controls to what each side samples.

use super::{
    controls::Controls,
    race::{Method, Racer},
    view_settings::Tab,
    written::plain,
};
use crate::schedule::{Preset, Spacing};

/// The names of the two sides.
pub(crate) const SIDES: [&str; 2] = ["A", "B"];

/// The controls of the trajectory that a side samples; τ by hand has its own number of steps, so it is left out.
pub(crate) fn racer_controls(controls: &Controls, side: usize) -> Controls {
    let racer = &controls.view.race.sides[side.min(1)];
    let mut of = controls.stem();
    of.view.tab = Tab::Trajectory;
    of.steps = racer.steps;
    of.spacing = controls.spacing.clone().filter(|spacing| !matches!(spacing, Spacing::List(_)));
    let noise = of.noise();
    (of.preset, of.eta, of.sigma_hat) = match racer.method {
        Method::Eta => (controls.preset.with_eta(), racer.eta, false),
        Method::SigmaHat => (controls.preset.with_eta(), 0.0, true),
        Method::Ddpm => (Preset::Ddpm, 0.0, false),
    };
    // One noise for both, as far as they have the same steps.
    of.set_noise(noise);
    of
}

impl Racer {
    /// What it is, in a few words, with at most `max_steps` steps.
    pub(crate) fn name(&self, max_steps: usize) -> String {
        let steps = self.steps.min(max_steps.max(1));
        match self.method {
            Method::Eta if self.eta >= 1.0 => format!("DDPM S = {steps}, η = 1"),
            Method::Eta => format!("DDIM S = {steps}, η = {}", plain(self.eta)),
            Method::SigmaHat => format!("DDPM S = {steps}, σ̂"),
            Method::Ddpm => format!("DDPM S = {steps}, preset ddpm"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_differ_in_their_sampler_alone() {
        let mut controls = Controls { seed: 9, eta: 0.3, spacing: Some(Spacing::List(vec![0, 9])), ..Controls::default() };
        controls.view.race.sides[1] = Racer { method: Method::SigmaHat, steps: 7, eta: 0.5 };
        let [a, b] = [0, 1].map(|side| racer_controls(&controls, side));
        assert_eq!((a.steps, a.eta, a.sigma_hat, a.seed, a.spacing), (20, 0.0, false, 9, None));
        assert_eq!((b.steps, b.eta, b.sigma_hat, b.preset), (7, 0.0, true, Preset::Etude));
        controls.view.race.sides[1].method = Method::Ddpm;
        let ddpm = racer_controls(&controls, 1);
        assert_eq!((ddpm.preset, ddpm.noise()), (Preset::Ddpm, controls.noise()));
        let names = controls.view.race.sides.each_ref().map(|racer| racer.name(10));
        assert_eq!(names, ["DDIM S = 10, η = 0", "DDPM S = 7, preset ddpm"]);
    }
}
