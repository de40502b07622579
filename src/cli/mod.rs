//! The command line: one file a subcommand; arguments become a validated request.

mod bench;
mod between;
mod completions;
#[cfg(all(test, feature = "app", unix))]
mod copied;
mod devices;
mod encode;
mod encode_options;
mod eps;
#[cfg(feature = "app")]
mod figure;
mod forks;
mod given;
mod info;
mod interpolate;
mod latents;
mod man;
mod markdown;
mod model;
mod models;
mod noise;
mod options;
mod output;
mod pictures;
mod progress;
mod recipe;
mod reconstruct;
mod sample;
mod trajectory;
mod usage;
mod verify;
#[cfg(feature = "app")]
mod view;
mod written;

use clap::{CommandFactory, Parser, Subcommand};
use etude::error::{Error, Result};
use output::errln;
use std::process::ExitCode;

/// Denoising Diffusion Implicit Models on any GPU.
#[derive(Debug, Parser)]
#[command(name = "etude", version, about, arg_required_else_help = cfg!(not(feature = "app")), disable_help_subcommand = true)]
struct Arguments {
    /// Print faults and answers alone: no notes, no progress, not which device it is nor what was written
    #[arg(long, short = 'q', global = true)]
    quiet: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Open the desktop viewer, as no command at all does
    #[cfg(feature = "app")]
    View(view::ViewArgs),
    /// Sample images: a contact sheet, one file an image, or an .npz for FID tools
    Sample(Box<sample::SampleArgs>),
    /// Draw a run as a strip, x_t above the predicted x0, or as an animation; PNG, GIF or animated PNG
    Trajectory(Box<trajectory::TrajectoryArgs>),
    /// Go from one picture to another: a strip between two seeds, or a grid between four; PNG, GIF, animated PNG, .npz or a folder
    Interpolate(Box<interpolate::InterpolateArgs>),
    /// Make a figure of one of the viewer's panels: SVG, PDF, PNG, curves as CSV, Eq. 12 as LaTeX
    #[cfg(feature = "app")]
    Figure(Box<figure::FigureArgs>),
    /// Encode pictures: the latents x_T that lead to them
    Encode(Box<encode::EncodeArgs>),
    /// Encode pictures, decode them again at several S, and measure what is lost (the paper's Table 2)
    Reconstruct(Box<reconstruct::ReconstructArgs>),
    /// Branch off a run at many steps, and measure when the picture is decided
    Forks(Box<forks::ForksArgs>),
    /// Evaluate the network on tensors of a file
    Eps(eps::EpsArgs),
    /// List the models: in the program, in the Hub's cache, on the Hub
    Models(models::ModelsArgs),
    /// List the devices
    Devices(devices::DevicesArgs),
    /// Describe a model, or print the recipe inside a picture
    Info(info::InfoArgs),
    /// Compare every kernel of a model on a device with the CPU executor
    Verify(verify::VerifyArgs),
    /// Measure speed and memory
    Bench(bench::BenchArgs),
    /// Print what a shell needs to complete commands and options
    Completions(completions::CompletionsArgs),
    /// Print the manual page, of the program or of a command
    Man(man::ManArgs),
}

/// Parses the arguments of this process, runs the command, and returns the exit code: 0, 1 where a verification failed, 2 where
/// something could not be done (one line on standard error says what), 130 after Ctrl-C.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage::print(&error, &Arguments::command()),
    };
    if arguments.quiet {
        output::be_quiet();
    }
    match run(arguments) {
        Ok(code) => code,
        Err(Error::Cancelled) => {
            errln!("interrupted: nothing was written");
            ExitCode::from(130)
        }
        Err(error @ Error::DownloadCancelled { .. }) => {
            errln!("interrupted: {error}");
            ExitCode::from(130)
        }
        Err(error) => {
            // One line, even where the name of a file or of something in it has line breaks.
            errln!("etude: {}", error.to_string().replace(char::is_control, " "));
            ExitCode::from(2)
        }
    }
}

fn run(arguments: Arguments) -> Result<ExitCode> {
    match arguments.command {
        #[cfg(feature = "app")]
        None => view::run(view::ViewArgs::default()),
        // clap has printed the help.
        #[cfg(not(feature = "app"))]
        None => Ok(ExitCode::from(2)),
        #[cfg(feature = "app")]
        Some(Command::View(args)) => view::run(args),
        Some(Command::Sample(args)) => sample::run(&args),
        Some(Command::Trajectory(args)) => trajectory::run(&args),
        Some(Command::Interpolate(args)) => interpolate::run(&args),
        #[cfg(feature = "app")]
        Some(Command::Figure(args)) => figure::run(&args),
        Some(Command::Encode(args)) => encode::run(&args),
        Some(Command::Reconstruct(args)) => reconstruct::run(&args),
        Some(Command::Forks(args)) => forks::run(&args),
        Some(Command::Eps(args)) => eps::run(&args),
        Some(Command::Models(args)) => models::run(&args),
        Some(Command::Devices(args)) => devices::run(&args),
        Some(Command::Info(args)) => info::run(&args),
        Some(Command::Verify(args)) => verify::run(&args),
        Some(Command::Bench(args)) => bench::run(&args),
        Some(Command::Completions(args)) => completions::run(&args, Arguments::command()),
        Some(Command::Man(args)) => man::run(&args, Arguments::command()),
    }
}
