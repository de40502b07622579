//! `etude reconstruct`: pictures -> x_T -> pictures again at several S, and by how much they miss (the paper's Table 2).

use super::{
    encode::{EncodeOptions, Job},
    output::{claim_png, noteln, outln},
    progress::Progress,
    recipe::by_option,
};
use clap::Args;
use etude::{
    engine::{Engine, Run},
    error::Result,
    picture::{
        self, Picture, png,
        reconstruction::{ENLARGED, PAPER, difference, mse},
        sheet,
    },
    platform::block_on,
    sampler::{Flow, Reads, StepNoise, StepTensors},
    schedule::{Schedule, ScheduleRequest, Spacing},
};
use serde_json::json;
use std::{ops::Range, path::PathBuf, process::ExitCode};

/// Arguments of `etude reconstruct`.
#[derive(Clone, Debug, Args)]
pub struct ReconstructArgs {
    /// PNG, JPEG, WebP or GIF (its first frame) files, folders of them, or an .npz with bytes [N, H, W, C]; without any, samples of the
    /// model: drawn at η = 0 in the largest S, or as --recipe says
    #[arg(value_name = "PICTURE")]
    pictures: Vec<PathBuf>,
    /// Each S: encoded in so many steps, and decoded in as many
    #[arg(long, short = 'S', value_name = "S,…", value_delimiter = ',', default_values_t = [10, 20, 50, 100, 200, 500, 1000])]
    steps: Vec<usize>,
    /// η on the way back; above 0 the picture does not return
    #[arg(long, value_name = "ETA", default_value_t = 0.0)]
    eta: f64,
    /// Seed of the noise on the way back, where η is above 0
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    noise_seed: u64,
    /// A .png with the pictures, what they become at each S, and ten times the difference; - is standard output
    #[arg(long, short = 'o', value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print {"steps": […], "mse": […]} and nothing else
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    options: EncodeOptions,
}

/// Pictures that a sheet shows at most.
const SHOWN: usize = 16;
/// Runs the command.
///
/// # Errors
/// Anything that keeps the pictures from being encoded, decoded or written.
pub fn run(args: &ReconstructArgs) -> Result<ExitCode> {
    let mut opened = args.options.open()?;
    let config = opened.scheduler();
    // Every S is checked before the first is computed.
    let both = |&steps: &usize| -> Result<(Schedule, Schedule)> {
        let spacing = args.options.tau.as_deref().map(str::parse::<Spacing>).transpose()?;
        let request =
            ScheduleRequest { preset: args.options.preset(), steps, eta: args.eta, spacing, ..ScheduleRequest::default() };
        Ok((args.options.schedule(&config, steps)?, Schedule::new(&config, &request).map_err(by_option)?))
    };
    let schedules = args.steps.iter().map(both).collect::<Result<Vec<_>>>()?;
    if let Some(out) = &args.out {
        claim_png(out, args.json)?;
    }
    let largest = args.steps.iter().copied().max().unwrap_or(1);
    let source = args.options.source(&args.pictures, &mut opened, largest)?;
    let chosen = args.options.device.open()?;
    let mut engine = Engine::new(opened.model.clone(), chosen.backend, args.options.device.precision.into());
    engine.limit_batch(args.options.batch);
    let job = Job::new(opened, source, &mut engine)?;
    let images = job.pictures.pictures.len();
    let parts = images.div_ceil(engine.batch(images));
    let steps: usize = schedules.iter().map(|(up, down)| up.steps.len() + down.steps.len()).sum();
    let progress = Progress::new((parts * steps) as u64)?;
    let mut made = Vec::new();
    for ((up, down), steps) in schedules.iter().zip(&args.steps) {
        progress.message(format!("S = {steps}"));
        let latents = job.encode(&mut engine, up, args.options.refine, &progress);
        made.push(latents.and_then(|x_t| decode(&job, &mut engine, down, &x_t, args.noise_seed, &progress)));
        if made.last().is_some_and(Result::is_err) {
            break;
        }
    }
    progress.finish();
    let made = made.into_iter().collect::<Result<Vec<_>>>()?;
    let errors: Vec<f64> = made.iter().map(|x| mse(&job.pictures.x_0, x)).collect();
    if args.json {
        outln!("{}", json!({ "steps": args.steps, "mse": errors }));
    } else {
        outln!("{images} {} with {}, mean square error per dimension, pixels in [0, 1]", job.name, job.opened.model.name);
        outln!("{:>6}  {:>10}  paper, Table 2 (CIFAR-10)", "S", "error");
        for (steps, error) in args.steps.iter().zip(&errors) {
            let paper = PAPER.iter().find(|(s, _)| s == steps).map_or(String::new(), |(_, error)| error.to_string());
            outln!("{steps:>6}  {error:>10.6}  {paper}");
        }
    }
    if let Some(out) = &args.out {
        png::write_png(out, &drawn(&job, &made), None)?;
        noteln!("originals, then for each S the pictures that return and {ENLARGED} times the difference: {}", out.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// x_0 from x_T, `[N, C, H, W]`.
fn decode(
    job: &Job,
    engine: &mut Engine,
    schedule: &Schedule,
    x_t: &[f32],
    noise_seed: u64,
    progress: &Progress,
) -> Result<Vec<f32>> {
    let images = job.pictures.pictures.len();
    let len = x_t.len() / images;
    let part = |images: Range<usize>| x_t[images.start * len..images.end * len].to_vec();
    let reads = |_| Reads::default();
    let run = Run {
        images,
        first: 0,
        size: job.opened.size,
        steps: &schedule.steps,
        x_t: &part,
        noise: StepNoise::Seed(noise_seed),
        classes: job.opened.classes,
        reads: &reads,
    };
    let mut on_step = |_: Range<usize>, _: usize, _: &StepTensors| {
        progress.step();
        Ok(if progress.interrupted() { Flow::Stop } else { Flow::Continue })
    };
    let mut x_0 = Vec::with_capacity(x_t.len());
    let mut on_images = |_: Range<usize>, x: &[f32]| {
        x_0.extend_from_slice(x);
        Ok(())
    };
    block_on(engine.sample(&run, &mut on_step, &mut on_images))?;
    Ok(x_0)
}

/// A column for each picture; rows: the originals, then for each S what returned and the difference, enlarged around grey.
fn drawn(job: &Job, made: &[Vec<f32>]) -> Picture {
    let shown = job.pictures.pictures.len().min(SHOWN);
    let len = job.pictures.x_0.len() / job.pictures.pictures.len();
    let (channels, height, width) =
        (job.opened.model.config.in_channels as usize, job.opened.size.0 as usize, job.opened.size.1 as usize);
    let scale = job.opened.model.picture_scale();
    let pictures = |x: &[f32]| picture::Drawn { channels, height, width, scale }.images(&x[..shown * len]);
    let mut all = pictures(&job.pictures.x_0);
    for x in made {
        all.extend(pictures(x));
        all.extend(pictures(&difference(x, &job.pictures.x_0)));
    }
    sheet::contact_sheet(&all, Some(shown), None)
}
