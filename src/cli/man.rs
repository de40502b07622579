//! `etude man`: the manual pages, written from what `--help` says.

use super::output::{made, out};
use clap::{Args, Command};
use clap_mangen::{
    Man,
    roff::{Roff, bold, roman},
};
use etude::{
    error::{Error, Result},
    files,
};
use serde_json::json;
use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

/// Arguments of `etude man`.
#[derive(Clone, Debug, Args)]
pub struct ManArgs {
    /// The page of this command [default: the program's own]
    #[arg(value_name = "COMMAND", conflicts_with = "out")]
    command: Option<String>,
    /// Write the pages of all commands into this folder
    #[arg(long, short = 'o', value_name = "DIR")]
    out: Option<PathBuf>,
}

/// What exit codes mean.
const EXIT_STATUS: [(&str, &str); 4] = [
    ("0", "Done."),
    ("1", "A verification failed."),
    ("2", "Something could not be done; one line on standard error says what."),
    ("130", "Interrupted by Ctrl\u{2011}C; what was finished is kept."),
];

/// What is read of the environment.
const ENVIRONMENT: [(&str, &str); 7] = [
    ("HF_HUB_CACHE, HF_HOME, XDG_CACHE_HOME", "Where models of the Hub are kept."),
    ("HF_TOKEN, HF_HUB_OFFLINE, HF_ENDPOINT", "Access to the Hub, no access at all, another server."),
    ("WGPU_BACKEND", "vulkan, metal, dx12 or gl: the only one that is used."),
    ("ETUDE_CACHE", "Where compiled kernels and what was measured of a GPU are kept; else a folder among the system's caches."),
    ("ETUDE_TUNE", "0: kernels are not measured on GPUs. 1: on software drivers, too, which then get those for GPUs."),
    ("NO_COLOR", "No colours."),
    (
        "ETUDE_LOG",
        "What is logged on standard error: error, warn, info, debug or trace, of some modules alone where they are named.",
    ),
];

/// Runs the command for `program`.
///
/// # Errors
/// No such command; a folder that cannot be written.
pub fn run(args: &ManArgs, mut program: Command) -> Result<ExitCode> {
    program.build();
    let pages = || std::iter::once(&program).chain(program.get_subcommands().filter(|command| !command.is_hide_set()));
    if let Some(folder) = &args.out {
        if files::is_standard_output(folder) {
            return Err(Error::argument("--out -: expected a folder for several pages; `etude man COMMAND` prints one"));
        }
        let mut written = Vec::new();
        for command in pages() {
            let page = page(command);
            let path = folder.join(Man::new(command.clone()).get_filename());
            files::write_atomically(&path, |w| w.write_all(&page))?;
            written.push(path.display().to_string());
        }
        let line = format_args!("{} pages: {}", written.len(), folder.display());
        made(false, &json!({ "pages": written }), line)?;
        return Ok(ExitCode::SUCCESS);
    }
    let name = args.command.as_deref();
    let found = pages().find(|command| name.is_none_or(|name| command.get_name() == name));
    let Some(command) = found else {
        let known = program.get_subcommands().map(Command::get_name).collect::<Vec<_>>().join(", ");
        return Err(Error::argument(format!("expected one of {known}, got {:?}", name.unwrap_or_default())));
    };
    out!("{}", String::from_utf8_lossy(&page(command)));
    Ok(ExitCode::SUCCESS)
}

/// A page, in the language of man.
fn page(command: &Command) -> Vec<u8> {
    let mut page = Vec::new();
    // Writing to memory does not fail.
    let _ = render(command, &mut page);
    page
}

fn render(command: &Command, w: &mut Vec<u8>) -> io::Result<()> {
    let is_program = command.get_name() == "etude";
    let man = Man::new(command.clone()).source(concat!("etude ", env!("CARGO_PKG_VERSION"))).manual("Étude");
    man.render_title(w)?;
    man.render_name_section(w)?;
    man.render_synopsis_section(w)?;
    man.render_description_section(w)?;
    man.render_options_section(w)?;
    if is_program {
        man.render_subcommands_section(w)?;
    }
    let mut roff = Roff::new();
    let mut section = |title: &str, rows: &[(&str, &str)]| {
        roff.control("SH", [title]);
        for (name, text) in rows {
            roff.control("TP", []);
            roff.text([bold(*name)]);
            roff.text([roman(*text)]);
        }
    };
    section("EXIT STATUS", &EXIT_STATUS);
    if is_program {
        section("ENVIRONMENT", &ENVIRONMENT);
    }
    roff.control("SH", ["SEE ALSO"]);
    roff.text([
        if is_program { roman("https://arxiv.org/abs/2010.02502") } else { bold("etude") },
        roman(if is_program { "" } else { "(1)" }),
    ]);
    w.write_all(roff.to_roff().as_bytes())
}
