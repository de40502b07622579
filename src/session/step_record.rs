//! From a step's numbers to what is shown of it.

use super::event::{Rms, Spread, StepRecord, Terms};
use crate::{
    engine::GroupStep,
    latent,
    picture::{Drawn, Picture},
    schedule::StepCoefficients,
};
use rayon::prelude::*;
use std::sync::Arc;

/// Images as they are shown, with their lengths.
#[derive(Clone)]
pub(super) struct Shown {
    pub(super) pictures: Vec<Arc<Picture>>,
    /// ‖x‖/√d of each.
    pub(super) rms: Vec<f64>,
}

impl Shown {
    /// Each image of x, `[M, C, H, W]`.
    pub(super) fn new(drawn: Drawn, x: &[f32]) -> Self {
        let shown = |x: &[f32]| (Arc::new(drawn.image(x)), latent::rms(x));
        let (pictures, rms) = x.par_chunks_exact(drawn.len().max(1)).map(shown).unzip();
        Self { pictures, rms }
    }
}

/// What the step saw and did, one record per image; `before` is what it started from. ε and the terms are left out where the network's
/// output was not read.
pub(super) fn records(drawn: Drawn, step: &GroupStep, c: &StepCoefficients, with_terms: bool, before: &Shown) -> Vec<StepRecord> {
    let len = drawn.len();
    let image = |values: &[f32]| drawn.image(values);
    let times = |values: &[f32], factor: f64| -> Vec<f32> { values.iter().map(|v| (f64::from(*v) * factor) as f32).collect() };
    // Several images at once: on the processor the next step waits for this.
    let records = before.pictures.par_iter().zip(&before.rms).enumerate().map(|(i, (picture, rms))| {
        let range = i * len..(i + 1) * len;
        let (x, x0) = (&step.x_t[range.clone()], &step.tensors.x0[range.clone()]);
        let epsilon = step.tensors.model.get(range.clone()).map(|model| -> Vec<f32> {
            let [from_x, from_model, from_x0] = c.epsilon();
            if (from_x, from_model, from_x0) == (0.0, 1.0, 0.0) {
                return model.to_vec();
            }
            let value =
                |((x, m), x0): ((&f32, &f32), &f32)| f64::from(*x) * from_x + f64::from(*m) * from_model + f64::from(*x0) * from_x0;
            x.iter().zip(model).zip(x0).map(|all| value(all) as f32).collect()
        });
        let terms = epsilon.as_ref().filter(|_| with_terms).map(|epsilon| {
            let term = |values: &[f32], factor: f64| (factor != 0.0).then(|| image(&times(values, factor)));
            Box::new(Terms {
                x: term(x, c.next_from_x),
                x0: image(&times(x0, c.next_from_x0)),
                direction: term(epsilon, c.next_from_epsilon),
                noise: step.tensors.noise.get(range).and_then(|z| term(z, c.next_from_noise)),
            })
        });
        let rms = Rms { x: *rms, x0: latent::rms(x0), epsilon: epsilon.as_deref().map(latent::rms) };
        StepRecord { x_t: picture.clone(), x0: Arc::new(image(x0)), terms, rms }
    });
    records.collect()
}

/// The standard deviation over the images of `[M, C, H, W]` (of the population: divided by M), at each pixel.
pub(super) fn spread(drawn: Drawn, values: &[f32]) -> Spread {
    let Drawn { channels, height, width, scale } = drawn;
    let (plane, len) = (height * width, channels * height * width);
    let images: Vec<&[f32]> = values.chunks_exact(len).collect();
    let count = images.len().max(1) as f64;
    let mut map = vec![0.0f32; plane];
    for (pixel, place) in map.iter_mut().enumerate() {
        let mut sum = 0.0;
        for channel in 0..channels {
            let at = channel * plane + pixel;
            // Shifted by the first image: where all are equal the result is 0 exactly.
            let shift = images.first().map_or(0.0, |image| f64::from(image[at]));
            let (mut first, mut second) = (0.0, 0.0);
            for image in &images {
                let value = f64::from(image[at]) - shift;
                first += value;
                second += value * value;
            }
            sum += (second / count - (first / count) * (first / count)).max(0.0).sqrt();
        }
        *place = (sum / channels as f64) as f32 * scale;
    }
    let mean = map.iter().map(|v| f64::from(*v)).sum::<f64>() / plane.max(1) as f64;
    Spread { map, mean }
}

#[cfg(test)]
mod tests {
    use super::{Drawn, spread};

    #[test]
    fn equal_images_have_no_spread_and_others_the_known_one() {
        let image = [0.1f32, -0.7, 0.333, 0.9];
        let equal = spread(Drawn { channels: 1, height: 2, width: 2, scale: 1.0 }, &[image, image, image].concat());
        assert_eq!((equal.map, equal.mean), (vec![0.0; 4], 0.0));
        // Values 1 and 3 lie 1 from their mean; the second channel adds nothing.
        let two = spread(Drawn { channels: 2, height: 1, width: 1, scale: 1.0 }, &[1.0, 5.0, 3.0, 5.0]);
        assert_eq!((two.map, two.mean), (vec![0.5], 0.5));
    }
}
