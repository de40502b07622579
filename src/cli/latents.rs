//! x_T of the images of a recipe: of its seed, from a file, or what a picture is encoded to.

use super::{given::Given, progress::Progress, recipe::Prepared};
use etude::{
    engine::{Encode, Engine},
    error::Result,
    noise::torch::TorchDraws,
    platform::block_on,
    recipe::{Encoded, Recipe},
    sampler::{Classes, Flow, StepTensors},
};
use std::ops::Range;

/// Where x_T comes from.
pub(super) enum Latents<'a> {
    /// A file.
    Given(&'a Given),
    /// The recipe's generator, which may be torch's.
    Drawn(&'a Recipe, Option<Box<TorchDraws>>),
    /// A picture: x_T as each class, `[classes, C, H, W]`, and the number of the first image.
    Encoded { x_t: Vec<f32>, len: usize, first: usize },
}

impl<'a> Latents<'a> {
    /// Those of a file, or of a recipe. A picture is encoded now.
    ///
    /// # Errors
    /// As [`encode`].
    pub(super) fn new(prepared: &'a Prepared, given: Option<&'a Given>, engine: &mut Engine) -> Result<Self> {
        let Prepared { recipe, model, .. } = prepared;
        let channels = model.config.in_channels;
        if let Some(given) = given {
            return Ok(Self::Given(given));
        }
        let Some(encoded) = &recipe.encoded else { return Ok(Self::Drawn(recipe, recipe.torch(channels).map(Box::new))) };
        let (first, classes) = (recipe.first as usize, recipe.classes(model)?);
        let images = match classes {
            Classes::Cycle(classes) => (classes as usize).min(first + recipe.count as usize).max(1),
            Classes::One(_) => 1,
        };
        let x_t = encode(encoded, prepared, engine, (images, classes))?;
        Ok(Self::Encoded { len: x_t.len() / images, x_t, first })
    }

    /// x_T of some of the images, `[n, C, H, W]`.
    pub(super) fn x_t(&self, channels: u32, images: Range<usize>) -> Vec<f32> {
        match self {
            Self::Given(given) => {
                let len = given.x_t.len() / given.images as usize;
                given.x_t[images.start * len..images.end * len].to_vec()
            }
            Self::Drawn(recipe, torch) => {
                let first = recipe.first as usize;
                recipe.x_t(channels, first + images.start..first + images.end, torch.as_deref())
            }
            Self::Encoded { x_t, len, first } => {
                let classes = x_t.len() / len;
                let of = |image: usize| &x_t[(first + image) % classes * len..][..*len];
                images.flat_map(of).copied().collect()
            }
        }
    }
}

/// x_T of a picture as the first so many images, which are of these classes.
///
/// # Errors
/// [`Error::Cancelled`](etude::error::Error::Cancelled) after Ctrl-C; as [`Encoded::schedule`], [`Encoded::x_0`] and [`Engine::encode`].
pub(super) fn encode(
    encoded: &Encoded,
    prepared: &Prepared,
    engine: &mut Engine,
    (images, classes): (usize, Classes),
) -> Result<Vec<f32>> {
    let (channels, size) = (prepared.model.config.in_channels as usize, prepared.recipe.size);
    let schedule = encoded.schedule(&prepared.model.usable_scheduler()?, usize::MAX)?;
    let x_0 = encoded.x_0(channels, size.0 as usize, size.1 as usize)?;
    let x_0 = |images: Range<usize>| images.flat_map(|_| x_0.iter().copied()).collect();
    let run = Encode { images, size, schedule: &schedule, x_0: &x_0, classes, refine: encoded.refine };
    let parts = images.div_ceil(engine.batch(images));
    let progress = Progress::new((parts * schedule.steps.len()) as u64)?;
    progress.message(format!("encoding {}", encoded.picture.short_name()));
    let mut on_step = |_: Range<usize>, _: usize, _: &StepTensors| {
        progress.step();
        Ok(if progress.interrupted() { Flow::Stop } else { Flow::Continue })
    };
    let mut latents = Vec::new();
    let mut on_images = |_: Range<usize>, x: &[f32]| {
        latents.extend_from_slice(x);
        Ok(())
    };
    let ended = block_on(engine.encode(&run, &mut on_step, &mut on_images));
    progress.finish();
    ended.map(|()| latents)
}
