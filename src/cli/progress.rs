//! The progress bar and Ctrl-C.

use etude::error::{Error, Result};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// A bar over all steps of all batches, and whether the user has pressed Ctrl-C.
pub struct Progress {
    bar: ProgressBar,
    interrupted: Arc<AtomicBool>,
}

impl Progress {
    /// A bar of `steps` steps on standard error. Hidden where that is no terminal.
    ///
    /// # Errors
    /// The operating system refuses the Ctrl-C handler.
    pub fn new(steps: u64) -> Result<Self> {
        let interrupted = Arc::new(AtomicBool::new(false));
        let flag = interrupted.clone();
        ctrlc::set_handler(move || {
            // A second Ctrl-C ends at once.
            if flag.swap(true, Ordering::SeqCst) {
                std::process::exit(130);
            }
        })
        .map_err(|e| Error::argument(format!("Ctrl-C cannot be handled: {e}")))?;
        let bar = ProgressBar::with_draw_target(Some(steps), ProgressDrawTarget::stderr_with_hz(10));
        let style = ProgressStyle::with_template("{msg} {wide_bar} step {pos}/{len} {per_sec} {eta} left");
        if let Ok(style) = style {
            bar.set_style(style.with_key("per_sec", |s: &indicatif::ProgressState, w: &mut dyn std::fmt::Write| {
                // A bar that cannot be written has nobody to tell.
                let _ = write!(w, "{:.1} it/s", s.per_sec());
            }));
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Ok(Self { bar, interrupted })
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
        self.interrupted.load(Ordering::SeqCst)
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
