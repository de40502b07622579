//! The recipe of an interpolation that the viewer saved: images between seeds and pictures, drawn as the viewer draws them.

use super::{latents::encode, progress::Progress, recipe::Prepared};
use etude::{
    engine::{Engine, Group, Groups},
    error::{Error, Result},
    platform::block_on,
    recipe::{Between, End, Recipe, Rng},
    sampler::{ImageKey, Reads},
};
use std::sync::Arc;

impl Prepared {
    /// The same for the images between the ends.
    ///
    /// # Errors
    /// As [`Recipe::of_between`] and [`Recipe::schedule`].
    pub(super) fn of_between(self, between: &Between) -> Result<Self> {
        let recipe = self.recipe.of_between(between)?;
        let schedule = recipe.schedule(&self.model)?;
        Ok(Self { recipe, schedule, ..self })
    }
}

/// The samples, `[N, C, H, W]`.
///
/// # Errors
/// [`Error::Cancelled`] after Ctrl-C; as [`encode`]; a device fault.
pub(super) fn sample(prepared: &Prepared, between: &Between, engine: &mut Engine) -> Result<Vec<f32>> {
    let Prepared { recipe, model, schedule } = prepared;
    let (channels, classes) = (model.config.in_channels, recipe.classes(model)?);
    let ends = between.ends.iter().map(|end| match end {
        End::Seed(seed) => Ok(Recipe { seed: *seed, rng: Rng::Etude, ..recipe.clone() }.x_t(channels, 0..1, None)),
        End::Encoded(encoded) => encode(encoded, prepared, engine, (1, classes)),
    });
    let x_t = between.x_t(&ends.collect::<Result<Vec<_>>>()?)?;
    let key = ImageKey { seed: recipe.noise_seed, image: 0, class: classes.of(0) };
    let group = Group::new(Arc::new(schedule.clone()), vec![key; between.images()], x_t);
    let mut groups = Groups::new(engine, recipe.size, vec![group])?;
    let progress = Progress::new(schedule.steps.len() as u64)?;
    let ended = loop {
        if groups.is_done() {
            break Ok(());
        }
        match block_on(groups.turn(engine, &|_, _| Reads::default(), &|| progress.interrupted())) {
            Ok(_) if progress.interrupted() => break Err(Error::Cancelled),
            Ok(_) => progress.step(),
            Err(error) => break Err(error),
        }
    };
    progress.finish();
    ended.map(|()| groups.groups()[0].x.clone())
}
