//! `etude view`, and `etude` alone: the desktop viewer.

use super::options::PrecisionOption;
use clap::Args;
use etude::{
    app::{self, WindowOptions},
    error::{Error, Result},
    model::with_variant,
    recipe::link::is_link,
};
use std::{path::PathBuf, process::ExitCode};

/// Arguments of `etude view`.
#[derive(Clone, Debug, Default, Args)]
pub struct ViewArgs {
    /// A picture etude saved, whose recipe sets every control, a link that does, or a model's folder
    #[arg(value_name = "FILE|LINK|DIR")]
    open: Option<PathBuf>,
    /// An embedded model's name, a folder in diffusers' layout, a file of weights, or owner/name[@revision] on the Hub [default: the last
    /// one used]
    #[arg(long, value_name = "NAME|DIR|FILE|OWNER/NAME")]
    model: Option<String>,
    /// Of weights that lie side by side those of this name: fp16, ema, non_ema, …
    #[arg(long, value_name = "NAME", requires = "model")]
    variant: Option<String>,
    /// auto, cpu, software, or part of an adapter's name [default: the last one used]
    #[arg(long, value_name = "DEVICE")]
    device: Option<String>,
    /// Type of weights and activations [default: the last one used, f32 on another device than the last]
    #[arg(long, value_enum)]
    precision: Option<PrecisionOption>,
    /// light, dark, or as the system has it [default: the last one used]
    #[arg(long, value_parser = ["light", "dark", "system"], value_name = "THEME")]
    theme: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// No window can be opened, or the file to open is not there.
pub fn run(args: ViewArgs) -> Result<ExitCode> {
    let mut options = WindowOptions {
        model: args.model.map(|model| with_variant(&model, args.variant.as_deref())),
        device: args.device,
        precision: args.precision.map(Into::into),
        theme: args.theme,
        ..WindowOptions::default()
    };
    match args.open {
        Some(path) if path.exists() => options.open = Some(path),
        // An address that holds a recipe is opened as well.
        Some(path) => match path.to_str().filter(|text| is_link(text)) {
            Some(link) => options.link = Some(link.to_owned()),
            None => return Err(Error::file(path, "expected a picture or a model's folder to open, got nothing of this name")),
        },
        None => {}
    }
    app::run(options)?;
    Ok(ExitCode::SUCCESS)
}
