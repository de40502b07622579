//! Progress bars and Ctrl-C.

use super::output::is_quiet;
use etude::error::{Error, Result};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::{
    sync::{
        Mutex, Once, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// Whether the user has pressed Ctrl-C.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);
/// What else is to happen then.
static ON_INTERRUPT: Mutex<Option<Box<dyn Fn() + Send>>> = Mutex::new(None);

/// From now on Ctrl-C asks to stop: [`interrupted`] says so, and `also` is done. A second one ends the program at once.
///
/// # Errors
/// The operating system refuses the handler.
pub fn handle_interrupts(also: Option<Box<dyn Fn() + Send>>) -> Result<()> {
    static ONCE: Once = Once::new();
    *ON_INTERRUPT.lock().unwrap_or_else(PoisonError::into_inner) = also;
    let mut result = Ok(());
    ONCE.call_once(|| {
        result = ctrlc::set_handler(|| {
            if INTERRUPTED.swap(true, Ordering::SeqCst) {
                std::process::exit(130);
            }
            if let Some(also) = &*ON_INTERRUPT.lock().unwrap_or_else(PoisonError::into_inner) {
                also();
            }
        })
        .map_err(|e| Error::argument(format!("Ctrl-C cannot be handled: {e}")));
    });
    result
}

/// Whether the user has asked to stop.
pub fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}

/// A bar on standard error. Hidden where that is no terminal, and by `--quiet`.
pub fn bar(length: u64, style: &str) -> ProgressBar {
    let target = if is_quiet() { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr_with_hz(10) };
    let bar = ProgressBar::with_draw_target(Some(length), target);
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style.with_key("per_sec", |s: &indicatif::ProgressState, w: &mut dyn std::fmt::Write| {
            // A bar that cannot be written has nobody to tell.
            let _ = write!(w, "{:.1} it/s", s.per_sec());
        }));
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// A bar over all steps of all batches, and whether the user has pressed Ctrl-C.
pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// A bar of `steps` steps on standard error. Hidden where that is no terminal.
    ///
    /// # Errors
    /// The operating system refuses the Ctrl-C handler.
    pub fn new(steps: u64) -> Result<Self> {
        handle_interrupts(None)?;
        Ok(Self { bar: bar(steps, "{msg} {wide_bar} step {pos}/{len} {per_sec} {eta} left") })
    }

    /// One step done.
    pub fn step(&self) {
        self.bar.inc(1);
    }

    /// What is being done.
    pub fn message(&self, text: String) {
        self.bar.set_message(text);
    }

    /// Whether the user has asked to stop.
    pub fn interrupted(&self) -> bool {
        interrupted()
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
