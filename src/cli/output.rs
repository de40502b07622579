//! What the program says: answers on standard output, notes and faults on standard error. It survives a closed pipe (`etude info | head`
//! ends quietly, where the standard macros would panic), says less where `--quiet` asks for that, and keeps standard output clean where
//! the bytes of a picture go there.

use etude::{
    error::{Error, Result},
    files,
};
use serde::Serialize;
use std::{
    fmt,
    io::{self, Write},
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

/// As `println!`, an [`answer`].
macro_rules! outln {
    ($($arg:tt)*) => {
        $crate::cli::output::answer(format_args!("{}\n", format_args!($($arg)*)))
    };
}

/// As `print!`, an [`answer`].
macro_rules! out {
    ($($arg:tt)*) => {
        $crate::cli::output::answer(format_args!($($arg)*))
    };
}

/// As `eprintln!`, a [`note`].
macro_rules! noteln {
    ($($arg:tt)*) => {
        $crate::cli::output::note(format_args!("{}\n", format_args!($($arg)*)))
    };
}

/// As `eprintln!`, for faults and interruptions, which `--quiet` does not leave out.
macro_rules! errln {
    ($($arg:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), $($arg)*);
    }};
}

/// Whether `--quiet` was given.
static QUIET: AtomicBool = AtomicBool::new(false);
/// Whether a file goes to standard output, so that nothing else may.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// From now on there are neither notes nor progress, nor a word about the device and about what was written.
pub(super) fn be_quiet() {
    QUIET.store(true, Ordering::Relaxed);
}

/// Whether only faults and answers are printed.
pub(super) fn is_quiet() -> bool {
    QUIET.load(Ordering::Relaxed)
}

/// Checks that the file `out` can be written before hours are spent, and keeps standard output for it where it is `-`.
///
/// # Errors
/// It cannot; `json` would go to standard output as well.
pub(super) fn claim(out: &Path, json: bool) -> Result<()> {
    if files::is_standard_output(out) {
        if json {
            return Err(Error::argument("--json: standard output receives the file itself; write that to a file with a name"));
        }
        TAKEN.store(true, Ordering::Relaxed);
    }
    files::check_writable(out)
}

/// As [`claim`], of a .png.
///
/// # Errors
/// Another ending; as [`claim`].
pub(super) fn claim_png(out: &Path, json: bool) -> Result<()> {
    if !files::is_standard_output(out) && !out.extension().is_some_and(|e| e.eq_ignore_ascii_case("png")) {
        return Err(Error::argument(format!("--out {}: expected a .png, or - for standard output", out.display())));
    }
    claim(out, json)
}

/// An answer: on standard output, or on standard error where the bytes of a file go there.
pub(super) fn answer(text: fmt::Arguments<'_>) {
    // What cannot be written has no reader.
    if !TAKEN.load(Ordering::Relaxed) {
        let _ = io::stdout().write_fmt(text);
    } else if !is_quiet() {
        let _ = io::stderr().write_fmt(text);
    }
}

/// A note, which `--quiet` leaves out.
pub(super) fn note(text: fmt::Arguments<'_>) {
    if !is_quiet() {
        let _ = io::stderr().write_fmt(text);
    }
}

/// What was made: with `json` its facts, one object on a line, else a line that `--quiet` leaves out.
///
/// # Errors
/// Does not happen: facts are plain data.
pub(super) fn made(json: bool, facts: &impl Serialize, line: fmt::Arguments<'_>) -> Result<()> {
    if json {
        return object(facts);
    }
    if !is_quiet() {
        outln!("{line}");
    }
    Ok(())
}

/// One JSON object on a line. Numbers that are not finite are null.
///
/// # Errors
/// Does not happen: facts are plain data.
pub(super) fn object(facts: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string(facts).map_err(|e| Error::argument(format!("--json: {e}")))?;
    outln!("{text}");
    Ok(())
}

pub(super) use {errln, noteln, out, outln};
