//! `etude forks`: when is the picture decided? Branches leave a run at many steps, and it is measured how far their ends lie apart.

use super::{
    latents::Latents,
    noise::torch_noise,
    options::DeviceOptions,
    output::{claim_png, noteln, outln},
    progress::Progress,
    recipe::{Prepared, RecipeOptions},
};
use clap::Args;
use etude::{
    engine::{Engine, Group, Groups, Stem},
    error::{Error, Result},
    picture::{Picture, distance, png, sheet},
    platform::block_on,
    sampler::{ImageKey, Reads},
};
use serde_json::json;
use std::{path::PathBuf, process::ExitCode, sync::Arc};

/// Arguments of `etude forks`.
#[derive(Clone, Debug, Args)]
pub struct ForksArgs {
    #[command(flatten)]
    recipe: RecipeOptions,
    /// Steps of the run at which branches leave it, evenly spread from the first on
    #[arg(long, value_name = "K", default_value_t = 10)]
    places: u32,
    /// Noise seeds that go on from each, the ones after the run's own
    #[arg(long, value_name = "M", default_value_t = 4)]
    seeds: u32,
    /// A .png with the ends: a row per fork, a column per seed, image after image; - is standard output
    #[arg(long, short = 'o', value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print {"t": […], "distance": […]} and nothing else
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    device: DeviceOptions,
}

/// More pictures at once are no measurement of one run any more.
const MAX_PICTURES: u32 = 4096;

/// Runs the command.
///
/// # Errors
/// Anything that keeps the run or its branches from being made.
pub fn run(args: &ForksArgs) -> Result<ExitCode> {
    let prepared = args.recipe.prepare(1)?;
    check(args, &prepared)?;
    if let Some(out) = &args.out {
        claim_png(out, args.json)?;
    }
    prepared.print_notes();
    let steps = &prepared.schedule.steps;
    if steps.iter().all(|step| step.next_from_noise == 0.0) {
        noteln!("note: no step of this run adds noise (η = 0), so x_T decides the picture and every distance is 0");
    }
    let places = distance::places(steps.len(), args.places);
    let ends = ends(args, &prepared, &places)?;
    let images = prepared.recipe.count as usize;
    // Of each image its own seeds are compared, and the mean over the images is told.
    let apart = |row: &Vec<Picture>| row.chunks(row.len() / images).map(distance::mean_rms).sum::<f64>() / images as f64;
    let distances: Vec<f64> = ends.iter().map(apart).collect();
    let t: Vec<u32> = places.iter().map(|place| steps[*place].t).collect();
    if args.json {
        outln!("{}", json!({ "t": t, "distance": distances }));
    } else {
        let of = if images == 1 { "1 image".to_owned() } else { format!("{images} images") };
        outln!(
            "{of} of {}, {} steps, {}, {} noise seeds from each fork: root mean square difference of the ends, pixels in [0, 1]",
            prepared.recipe.model,
            steps.len(),
            prepared.recipe.noisiness(),
            args.seeds
        );
        outln!("{:>6}  {:>8}", "t", "distance");
        for (t, distance) in t.iter().zip(&distances) {
            outln!("{t:>6}  {distance:>8.4}");
        }
    }
    if let Some(out) = &args.out {
        let columns = args.seeds as usize * images;
        png::write_png(out, &sheet::contact_sheet(&ends.concat(), Some(columns), None), None)?;
        noteln!("a row per fork, from t = {} down: {}", t[0], out.display());
    }
    Ok(ExitCode::SUCCESS)
}

fn check(args: &ForksArgs, prepared: &Prepared) -> Result<()> {
    if args.places == 0 {
        return Err(Error::argument("--places: expected 1 or more forks, got 0"));
    }
    if args.seeds < 2 {
        return Err(Error::argument(format!(
            "--seeds: expected 2 or more noise seeds, whose ends are compared, got {}",
            args.seeds
        )));
    }
    let all = args.places.saturating_mul(args.seeds).saturating_mul(prepared.recipe.count);
    if all > MAX_PICTURES {
        return Err(Error::argument(format!(
            "--seeds: expected at most {MAX_PICTURES} pictures in all (forks × seeds × images), got {all}"
        )));
    }
    if torch_noise(prepared.recipe.torch(prepared.model.config.in_channels).as_ref(), &prepared.recipe).is_some() {
        return Err(Error::argument(
            "--noise: branches have noise seeds of their own, expected path or step, got torch, whose generator is one stream",
        ));
    }
    Ok(())
}

/// The finished pictures of the branches, a list per place: image by image, each with all seeds.
fn ends(args: &ForksArgs, prepared: &Prepared, places: &[usize]) -> Result<Vec<Vec<Picture>>> {
    let Prepared { recipe, model, schedule } = prepared;
    let (channels, images) = (model.config.in_channels, recipe.count);
    let chosen = args.device.open()?;
    let mut engine = Engine::new(model.clone(), chosen.backend, args.device.precision.into());
    let (first, classes) = (recipe.first, recipe.classes(model)?);
    let x_t = Latents::new(prepared, None, &mut engine)?.x_t(channels, 0..images as usize);
    let schedule = Arc::new(schedule.clone());
    let key = |seed: u64, image: u32| ImageKey { seed, image, class: classes.of(image) };
    let stem = (first..first + images).map(|image| key(recipe.noise_seed, image)).collect();
    let mut groups = vec![Group::new(schedule.clone(), stem, x_t)];
    for place in places {
        // The branches' own seeds hold where the recipe has forked before, too.
        let mut plain = (*schedule).clone();
        plain.steps[*place..].iter_mut().for_each(|step| step.noise_seed = None);
        let seeds = || (1..=u64::from(args.seeds)).map(|i| recipe.noise_seed.wrapping_add(i));
        let keys = (first..first + images).flat_map(|image| seeds().map(move |seed| key(seed, image))).collect();
        let members = (0..images as usize).flat_map(|image| seeds().map(move |_| image)).collect();
        groups.push(Group::branch(Arc::new(plain), keys, Stem { group: 0, steps: *place, members }));
    }
    let total = groups.iter().map(|group| group.schedule.steps.len() - group.taken).sum::<usize>();
    let mut groups = Groups::new(&mut engine, recipe.size, groups)?;
    let progress = Progress::new(total as u64)?;
    while let Some(_step) = block_on(groups.turn(&mut engine, &|_, _| Reads::default(), &|| progress.interrupted()))? {
        progress.step();
        if progress.interrupted() {
            return Err(Error::Cancelled);
        }
    }
    if !groups.is_done() {
        return Err(Error::Cancelled);
    }
    progress.finish();
    let drawn = prepared.drawn(recipe.size);
    Ok(groups.groups()[1..].iter().map(|group| drawn.images(&group.x)).collect())
}
