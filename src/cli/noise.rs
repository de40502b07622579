//! Where the noise of a recipe's steps comes from.

use etude::{noise::torch::TorchDraws, recipe::Recipe, sampler::StepNoise, schedule::NoiseKind};
use std::ops::Range;

/// Who draws the noise of the steps with torch's generator, where that is asked for.
pub(super) type DrawNoise<'a> = Box<dyn Fn(usize, Range<usize>) -> Vec<f32> + 'a>;

/// Draws torch's noise of a step for some images, where the recipe's noise is torch's.
pub(super) fn torch_noise<'a>(torch: Option<&'a TorchDraws>, recipe: &Recipe) -> Option<DrawNoise<'a>> {
    let torch = torch.filter(|_| recipe.noise == NoiseKind::Torch)?;
    let len = torch.numbers() / (recipe.drawn() as usize).max(1);
    Some(Box::new(move |step, images| torch.noise(step, images.start * len..images.end * len)))
}

/// Where a recipe's noise comes from.
pub(super) fn step_noise<'a>(recipe: &Recipe, draw: Option<&'a dyn Fn(usize, Range<usize>) -> Vec<f32>>) -> StepNoise<'a> {
    draw.map_or(StepNoise::Seed(recipe.noise_seed), StepNoise::Drawn)
}
