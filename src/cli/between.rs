//! Images between seeds and pictures, drawn as the viewer's panel Interpolate draws them.

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
    // As the viewer has them: a group for each way between the ends.
    let (schedule, places) = (Arc::new(schedule.clone()), between.at.len());
    let group = |x_t: &[f32]| Group::new(schedule.clone(), vec![key; places], x_t.to_vec());
    let all: Vec<Group> = x_t.chunks_exact(x_t.len() / between.modes.len()).map(group).collect();
    let progress = Progress::new((all.len() * schedule.steps.len()) as u64)?;
    let mut groups = Groups::new(engine, recipe.size, all)?;
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
    ended.map(|()| groups.groups().iter().flat_map(|group| group.x.iter().copied()).collect())
}
