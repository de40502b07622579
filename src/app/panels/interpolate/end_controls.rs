//! From an end of the interpolation to the trajectory that makes its picture.

use crate::{
    app::state::{controls::Controls, view_settings::Tab},
    recipe::Rng,
};

/// The controls of the trajectory that makes the picture of an end: the sample of its seed itself, or of the picture encoded there.
pub fn end_controls(controls: &Controls, number: usize) -> Controls {
    let (mut end, interpolate) = (controls.clone(), &controls.view.interpolate);
    (end.seed, end.encoded) = (interpolate.seeds[number], interpolate.pictures[number].clone());
    (end.eta, end.sigma_hat, end.count) = (controls.view.interpolate.eta, false, 1);
    (end.rng, end.first, end.drawn) = (Rng::Etude, 0, None);
    end.preset = controls.preset.with_eta();
    end.set_noise(controls.own_noise());
    (end.view.tab, end.view.image) = (Tab::Trajectory, 0);
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_the_seeds_own_sample() {
        let mut controls = Controls { sigma_hat: true, eta: 0.7, count: 8, ..Controls::default() };
        controls.view.interpolate.seeds[1] = 42;
        controls.view.image = 3;
        controls.view.interpolate.eta = 0.25;
        let end = end_controls(&controls, 1);
        assert_eq!((end.seed, end.eta, end.sigma_hat, end.count, end.view.image), (42, 0.25, false, 1, 0));
        assert_eq!((end.noise_seed, end.view.tab), (controls.noise_seed, Tab::Trajectory));
    }
}
