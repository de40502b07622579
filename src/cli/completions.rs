//! `etude completions`: what a shell needs to complete this program's commands and options.

use super::output::out;
use clap::Args;
use clap_complete::{Shell, generate};
use etude::error::Result;
use std::process::ExitCode;

/// Arguments of `etude completions`.
#[derive(Clone, Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Runs the command for `program`.
///
/// # Errors
/// None.
pub fn run(args: &CompletionsArgs, mut program: clap::Command) -> Result<ExitCode> {
    let mut script = Vec::new();
    generate(args.shell, &mut program, "etude", &mut script);
    out!("{}", String::from_utf8_lossy(&script));
    Ok(ExitCode::SUCCESS)
}
