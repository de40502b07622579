//! `etude figure`: what the viewer's panels save as figures, without a window.

use super::{
    options::{DeviceOptions, JsonOption},
    output::{claim, made, noteln},
    progress::{bar, handle_interrupts, interrupted},
    recipe::RecipeOptions,
};
use clap::{Args, ValueEnum};
use etude::{
    app::{
        Controls,
        headless::{self, News},
        state::{
            figure_request::{FigureRequest, Format, MAX_SCALE, Part, parts},
            view_settings::{Axes, Tab, ViewSettings},
        },
    },
    error::{Error, Result},
    files::{self, write_atomically},
    schedule::Spacing,
};
use serde_json::json;
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Of which panel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Panel {
    /// One run: its strip, its batch, a step's pictures
    Trajectory,
    /// A grid of η and noise seeds, or of S and τ
    Compare,
    /// Between two seeds or four
    Interpolate,
    /// Eq. 12 with a step's numbers, its pictures, the run's curves
    Explain,
    /// A sample encoded to its x_T and decoded
    Rewind,
    /// The branches of a recipe that the viewer saved
    Fork,
    /// Two samplers by equal time
    Race,
}

impl Panel {
    fn tab(self) -> Tab {
        match self {
            Self::Trajectory => Tab::Trajectory,
            Self::Compare => Tab::Compare,
            Self::Interpolate => Tab::Interpolate,
            Self::Explain => Tab::Explain,
            Self::Rewind => Tab::Rewind,
            Self::Fork => Tab::Fork,
            Self::Race => Tab::Race,
        }
    }
}

/// `--show`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Show {
    /// All pictures: the batch, the grid, the interpolation, the ends
    Sheet,
    /// Pictures step by step: the film strip, the tree, the way up and back
    Strip,
    /// The large picture
    Picture,
    /// The panel's curves
    Curve,
    /// compare: how far the pictures of each row lie apart, pixel by pixel
    Maps,
    /// Eq. 12 alone
    Equation,
    /// Eq. 12, pictures and curves
    Step,
}

impl Show {
    fn part(self) -> Part {
        match self {
            Self::Sheet => Part::Sheet,
            Self::Strip => Part::Strip,
            Self::Picture => Part::Picture,
            Self::Curve => Part::Curve,
            Self::Maps => Part::Maps,
            Self::Equation => Part::Equation,
            Self::Step => Part::Step,
        }
    }
}

/// Arguments of `etude figure`.
#[derive(Clone, Debug, Args)]
pub struct FigureArgs {
    /// Of which panel
    #[arg(value_enum)]
    panel: Panel,
    #[command(flatten)]
    recipe: RecipeOptions,
    /// A .svg, .pdf or .png; .csv for curves, .tex for Eq. 12; - is standard output
    #[arg(long, short = 'o', value_name = "FILE", default_value = "figure.svg")]
    out: PathBuf,
    /// svg, pdf, png, csv or tex [default: as the file's name ends; on standard output svg]
    #[arg(long, value_name = "FORMAT", value_parser = ["svg", "pdf", "png", "csv", "tex"])]
    format: Option<String>,
    /// What of the panel [default: its main figure; of a .csv the curves, of a .tex the equation]
    #[arg(long, value_enum)]
    show: Option<Show>,
    /// On a dark page
    #[arg(long)]
    dark: bool,
    /// Without labels
    #[arg(long)]
    no_labels: bool,
    /// Pixels per point of a .png, 1 to 8 [default: 2]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_SCALE)))]
    scale: Option<u32>,
    /// The step that is shown: 1 is the first, S the last, S + 1 the sample [default: the recipe's; explain: the middle; else the sample]
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..))]
    step: Option<u32>,
    /// compare: rows of η [default: the recipe's or 0,0.2,0.5,1]
    #[arg(long, value_name = "ETA,…", value_delimiter = ',')]
    etas: Vec<f64>,
    /// compare: a row of σ̂
    #[arg(long)]
    sigma_hat_row: bool,
    /// compare: columns, noise seeds from --noise-seed on [default: the recipe's or 6]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=16))]
    noise_seeds: Option<u32>,
    /// compare: rows of S in the place of η
    #[arg(long, value_name = "S,…", value_delimiter = ',', conflicts_with_all = ["etas", "noise_seeds", "sigma_hat_row"])]
    grid_steps: Vec<usize>,
    /// compare: columns of τ beside rows of S: linear, quadratic, …
    #[arg(long, value_name = "TAU,…", value_delimiter = ',', conflicts_with_all = ["etas", "noise_seeds", "sigma_hat_row"])]
    grid_taus: Vec<String>,
    /// interpolate: two seeds (a strip) or four (a grid)
    #[arg(long, value_name = "A,B[,C,D]", value_delimiter = ',')]
    seeds: Vec<u64>,
    /// interpolate: pictures of a strip [default: the recipe's or 9]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=25))]
    columns: Option<u32>,
    /// interpolate: pictures along a grid's side [default: the recipe's or 5]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=12))]
    side: Option<u32>,
    #[command(flatten)]
    json: JsonOption,
    #[command(flatten)]
    device: DeviceOptions,
}

/// Runs the command.
///
/// # Errors
/// Anything that keeps the figure from being made or written.
pub fn run(args: &FigureArgs) -> Result<ExitCode> {
    let out = if args.out.as_os_str().is_empty() { Path::new("figure.svg") } else { &args.out };
    let tab = args.panel.tab();
    let request = args.request(out, tab)?;
    let prepared = args.recipe.prepare(8)?;
    let mut controls = Controls::from_recipe(&prepared.recipe, &ViewSettings::default())?;
    controls.view.tab = tab;
    controls.view.device = if args.device.device.is_empty() { "auto".to_owned() } else { args.device.device.clone() };
    controls.view.precision = args.device.precision.into();
    args.of_compare(&mut controls)?;
    args.of_interpolation(&mut controls)?;
    if args.recipe.eta.is_some() {
        controls.set_eta(prepared.recipe.eta);
    }
    let at = args.at(controls.view.at.take(), tab, prepared.schedule.steps.len())?;
    controls.tidy();
    prepared.print_notes();
    claim(out, args.json.json)?;
    handle_interrupts(None)?;
    let bar = bar(1, "{wide_bar} step {pos}/{len} {per_sec} {eta} left");
    let mut hear = |news: News<'_>| {
        match news {
            News::Device(info, reason) => bar.suspend(|| noteln!("device: {} via {} ({reason})", info.name, info.backend)),
            // Those of the model and the schedule were printed above.
            News::Note(_) => {}
            News::Steps(done, total) => {
                bar.set_length(total.max(1) as u64);
                bar.set_position(done as u64);
            }
        }
        !interrupted()
    };
    let made_it = headless::figure(&controls, at, &request, &mut hear);
    bar.finish_and_clear();
    let bytes = made_it?;
    write_atomically(out, |w| w.write_all(&bytes))?;
    let facts = json!({ "model": prepared.recipe.model, "format": request.format.extension(), "bytes": bytes.len(), "out": out });
    made(args.json.json, &facts, format_args!("{} of {}: {}", request.format.name(), prepared.recipe.model, out.display()))?;
    Ok(ExitCode::SUCCESS)
}

impl FigureArgs {
    /// What is drawn, and as what.
    fn request(&self, out: &Path, tab: Tab) -> Result<FigureRequest> {
        let ending = out.extension().map(|e| e.to_string_lossy().to_lowercase());
        let asked = match (&self.format, &ending) {
            (Some(format), _) => format.clone(),
            (None, _) if files::is_standard_output(out) => "svg".to_owned(),
            (None, ending) => ending.clone().unwrap_or_default(),
        };
        let Some(format) = Format::ALL.into_iter().find(|format| format.extension() == asked) else {
            return Err(Error::argument(format!("--out {}: expected a .svg, .pdf, .png, .csv or .tex; name one", out.display())));
        };
        let has: Vec<Part> = parts(tab).iter().map(|(part, _)| *part).collect();
        let part = match self.show.map(Show::part) {
            Some(part) if !has.contains(&part) => {
                let names = has.iter().map(|part| Self::name(*part)).collect::<Vec<_>>().join(", ");
                return Err(Error::argument(format!("--show: this panel has {names}; got {}", Self::name(part))));
            }
            Some(part) if !part.formats().contains(&format) => {
                let names = part.formats().iter().map(|format| format.extension()).collect::<Vec<_>>().join(", ");
                return Err(Error::argument(format!("--show {}: expected {names}, got {asked}", Self::name(part))));
            }
            Some(part) => part,
            // The first that can be written so; numbers and formulas have a part of their own.
            None => match (format, has.iter().find(|part| part.formats().contains(&format))) {
                (Format::Tex, Some(_)) => Part::Equation,
                (Format::Csv, Some(_)) => Part::Curve,
                (_, Some(part)) => *part,
                (_, None) => {
                    let whose = if format == Format::Tex { "explain, whose equation it is" } else { "a panel with curves" };
                    return Err(Error::argument(format!("--out {}: expected {whose} for .{asked}", out.display())));
                }
            },
        };
        let scale = self.scale.unwrap_or(FigureRequest::default().scale);
        Ok(FigureRequest { part, format, light: !self.dark, labels: !self.no_labels, scale })
    }

    fn name(part: Part) -> &'static str {
        match part {
            Part::Sheet => "sheet",
            Part::Strip => "strip",
            Part::Picture => "picture",
            Part::Curve => "curve",
            Part::Maps => "maps",
            Part::Equation => "equation",
            Part::Step => "step",
        }
    }

    /// Where the playhead stands.
    fn at(&self, of_recipe: Option<f64>, tab: Tab, steps: usize) -> Result<f64> {
        match self.step {
            Some(step) if step as usize > steps + 1 => {
                Err(Error::argument(format!("--step: expected 1 to {steps}, or {} for the sample, got {step}", steps + 1)))
            }
            Some(step) => Ok((f64::from(step) - 1.0) / steps.max(1) as f64),
            // At the end nothing but x̂0 is left of Eq. 12.
            None => Ok(of_recipe.unwrap_or(if tab == Tab::Explain { 0.5 } else { 1.0 })),
        }
    }

    fn of_compare(&self, controls: &mut Controls) -> Result<()> {
        let asked = !self.etas.is_empty() || self.noise_seeds.is_some() || self.sigma_hat_row;
        let grid = !self.grid_steps.is_empty() || !self.grid_taus.is_empty();
        if (asked || grid) && self.panel != Panel::Compare {
            return Err(Error::argument(
                "--etas, --noise-seeds, --sigma-hat-row, --grid-steps, --grid-taus: expected compare with them",
            ));
        }
        if let Some(wrong) = self.etas.iter().find(|eta| !(0.0..=1.0).contains(*eta)) {
            return Err(Error::argument(format!("--etas: expected η from 0 to 1, got {wrong}")));
        }
        for tau in &self.grid_taus {
            tau.parse::<Spacing>().map_err(|error| Error::argument(format!("--grid-taus: {error}")))?;
        }
        let compare = &mut controls.view.compare;
        if asked {
            compare.axes = Axes::EtaBySeed;
        }
        if grid {
            compare.axes = Axes::StepsBySpacing;
        }
        if !self.etas.is_empty() {
            compare.etas.clone_from(&self.etas);
        }
        compare.sigma_hat |= self.sigma_hat_row;
        compare.seeds = self.noise_seeds.unwrap_or(compare.seeds);
        if !self.grid_steps.is_empty() {
            compare.steps.clone_from(&self.grid_steps);
        }
        if !self.grid_taus.is_empty() {
            compare.spacings.clone_from(&self.grid_taus);
        }
        Ok(())
    }

    fn of_interpolation(&self, controls: &mut Controls) -> Result<()> {
        if (!self.seeds.is_empty() || self.columns.is_some() || self.side.is_some()) && self.panel != Panel::Interpolate {
            return Err(Error::argument("--seeds, --columns, --side: expected interpolate with them"));
        }
        let interpolate = &mut controls.view.interpolate;
        match self.seeds.len() {
            0 => {}
            count @ (2 | 4) => {
                interpolate.grid = count == 4;
                for (end, seed) in self.seeds.iter().enumerate() {
                    (interpolate.seeds[end], interpolate.pictures[end]) = (*seed, None);
                }
            }
            got => return Err(Error::argument(format!("--seeds: expected two ends (a strip) or four (a grid), got {got}"))),
        }
        interpolate.columns = self.columns.unwrap_or(interpolate.columns);
        interpolate.side = self.side.unwrap_or(interpolate.side);
        Ok(())
    }
}
