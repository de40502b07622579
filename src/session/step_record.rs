//! From a step's numbers to what is shown of it.

use super::event::{Rms, Spread, StepRecord, Terms};
use crate::{
    latent,
    picture::{self, Picture},
    schedule::StepCoefficients,
};
use std::sync::Arc;

/// A step's tensors, each `[M, C, H, W]`; `z` is empty where no noise was added.
pub(super) struct StepTensors<'a> {
    pub(super) x_t: &'a [f32],
    pub(super) z: &'a [f32],
    pub(super) x0: Vec<f32>,
    /// The network's output.
    pub(super) model: Vec<f32>,
    pub(super) x_s: Vec<f32>,
}

/// Each image of `[M, C, H, W]`.
pub(super) fn pictures(channels: usize, height: usize, width: usize, values: &[f32]) -> Vec<Arc<Picture>> {
    picture::images_from_nchw(channels, height, width, values).into_iter().map(Arc::new).collect()
}

/// What the step saw and did, one record per image. `x_t` and `x_rms` are those of the step before.
pub(super) fn records(
    channels: usize,
    height: usize,
    width: usize,
    step: &StepTensors<'_>,
    c: &StepCoefficients,
    with_terms: bool,
    x_t: &[Arc<Picture>],
    x_rms: &[f64],
) -> Vec<StepRecord> {
    let len = channels * height * width;
    let image = |values: &[f32]| picture::image_from_nchw(channels, height, width, values);
    let times = |values: &[f32], factor: f64| -> Vec<f32> { values.iter().map(|v| (f64::from(*v) * factor) as f32).collect() };
    let mut records = Vec::with_capacity(x_t.len());
    for (i, (picture, rms)) in x_t.iter().zip(x_rms).enumerate() {
        let range = i * len..(i + 1) * len;
        let (x, x0, m) = (&step.x_t[range.clone()], &step.x0[range.clone()], &step.model[range.clone()]);
        let epsilon: Vec<f32> = if (c.epsilon_from_x, c.epsilon_from_model) == (0.0, 1.0) {
            m.to_vec()
        } else {
            let value = |(x, m): (&f32, &f32)| f64::from(*x) * c.epsilon_from_x + f64::from(*m) * c.epsilon_from_model;
            x.iter().zip(m).map(|pair| value(pair) as f32).collect()
        };
        let terms = with_terms.then(|| {
            let term = |values: &[f32], factor: f64| (factor != 0.0).then(|| image(&times(values, factor)));
            Box::new(Terms {
                x: term(x, c.next_from_x),
                x0: image(&times(x0, c.next_from_x0)),
                direction: term(&epsilon, c.next_from_epsilon),
                noise: step.z.get(range).and_then(|z| term(z, c.next_from_noise)),
            })
        });
        let rms = Rms { x: *rms, x0: latent::rms(x0), epsilon: latent::rms(&epsilon) };
        records.push(StepRecord { x_t: picture.clone(), x0: Arc::new(image(x0)), terms, rms });
    }
    records
}

/// The standard deviation over the images of `[M, C, H, W]` (of the population: divided by M), at each pixel.
pub(super) fn spread(channels: usize, height: usize, width: usize, values: &[f32]) -> Spread {
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
        *place = (sum / channels as f64) as f32;
    }
    let mean = map.iter().map(|v| f64::from(*v)).sum::<f64>() / plane.max(1) as f64;
    Spread { map, mean }
}

#[cfg(test)]
mod tests {
    use super::spread;

    #[test]
    fn equal_images_have_no_spread_and_others_the_known_one() {
        let image = [0.1f32, -0.7, 0.333, 0.9];
        let equal = spread(1, 2, 2, &[image, image, image].concat());
        assert_eq!((equal.map, equal.mean), (vec![0.0; 4], 0.0));
        // Values 1 and 3 lie 1 from their mean; the second channel adds nothing.
        let two = spread(2, 1, 1, &[1.0, 5.0, 3.0, 5.0]);
        assert_eq!((two.map, two.mean), (vec![0.5], 0.5));
    }
}
