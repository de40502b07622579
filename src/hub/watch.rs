//! A download as others see it: how far it is, how fast, how long still; and their way to stop it.

use super::HubName;
use crate::{
    error::{Error, Result},
    platform::{self, Instant},
};
use std::{
    collections::VecDeque,
    fmt,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// The rate is that of the last so many seconds.
const WINDOW: Duration = Duration::from_secs(5);
/// Watchers are told at most so often.
const TELL: Duration = Duration::from_millis(50);

/// How far a download is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// Bytes that are here, those of an earlier, interrupted download included.
    pub done: u64,
    /// Bytes of all files that are fetched; 0 before it is known.
    pub total: u64,
    /// Bytes per second lately, once that can be told.
    pub rate: Option<f64>,
    /// Seconds to the end at that rate.
    pub left: Option<f64>,
    /// The file on its way.
    pub file: String,
    /// Why nothing comes just now.
    pub waits: Option<String>,
}

impl Progress {
    /// The share that is here, from 0 to 1.
    pub fn fraction(&self) -> f32 {
        if self.total == 0 { 0.0 } else { (self.done as f64 / self.total as f64).clamp(0.0, 1.0) as f32 }
    }

    /// Bytes, rate and time left on one line, or why nothing comes: `12.3 of 143 MB, 5.1 MB/s, 26 s left`.
    pub fn line(&self) -> String {
        if self.total == 0 {
            return self.waits.clone().unwrap_or_else(|| "asking the Hub".to_owned());
        }
        let mut line = format!("{} of {}", megabytes(self.done), bytes(self.total));
        match (&self.waits, self.rate) {
            (Some(waits), _) => line += &format!("; {waits}"),
            (None, Some(rate)) => line += &format!(", {}/s", bytes(rate as u64)),
            _ => {}
        }
        match self.left.filter(|_| self.waits.is_none()) {
            Some(left) => line + &format!(", {} left", duration(left)),
            None => line,
        }
    }
}

/// A number of bytes as a person would say it, in powers of ten, as the Hub's pages have it.
pub fn bytes(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.0} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{} MB", megabytes(bytes)),
        _ => format!("{:.2} GB", bytes as f64 / 1e9),
    }
}

fn megabytes(bytes: u64) -> String {
    let number = bytes as f64 / 1e6;
    if number < 99.95 { format!("{number:.1}") } else { format!("{number:.0}") }
}

fn duration(seconds: f64) -> String {
    let seconds = seconds.ceil() as u64;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
    }
}

/// What stops a request that is under way.
type Stop = Box<dyn FnOnce() + Send>;

struct Inner {
    progress: Progress,
    /// When so many bytes had come over the network: what the rate is measured by.
    marks: VecDeque<(Instant, u64)>,
    /// Bytes that came over the network.
    came: u64,
    told: Option<Instant>,
    stop: Option<Stop>,
}

/// A download's progress and its switch, shared between who fetches and who watches.
pub struct Watch {
    name: HubName,
    inner: Mutex<Inner>,
    cancelled: AtomicBool,
    tell: Box<dyn Fn() + Send + Sync>,
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("name", &self.name).field("progress", &self.progress()).finish_non_exhaustive()
    }
}

impl Watch {
    /// For a download of `name`; `tell` is called where there is news, by whoever fetches.
    pub fn new(name: HubName, tell: impl Fn() + Send + Sync + 'static) -> Self {
        let inner = Inner { progress: Progress::default(), marks: VecDeque::new(), came: 0, told: None, stop: None };
        Self { name, inner: Mutex::new(inner), cancelled: AtomicBool::new(false), tell: Box::new(tell) }
    }

    /// The model.
    pub fn name(&self) -> &HubName {
        &self.name
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How far it is.
    pub fn progress(&self) -> Progress {
        self.lock().progress.clone()
    }

    /// Stops the download; a request that waits for the server is cut off.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::SeqCst);
        let stop = self.lock().stop.take();
        if let Some(stop) = stop {
            stop();
        }
    }

    /// Whether it was stopped.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::SeqCst)
    }

    /// Goes on.
    ///
    /// # Errors
    /// It was stopped.
    pub(super) fn check(&self) -> Result<()> {
        if self.is_cancelled() {
            let megabytes = self.lock().progress.done / 1_000_000;
            return Err(Error::DownloadCancelled { model: self.name.repository(), megabytes });
        }
        Ok(())
    }

    /// Says how to stop the request that is under way.
    pub(super) fn stop_by(&self, stop: impl FnOnce() + Send + 'static) {
        self.lock().stop = Some(Box::new(stop));
        if self.is_cancelled() {
            self.cancel();
        }
    }

    /// All files together have so many bytes.
    pub(super) fn set_total(&self, total: u64) {
        self.lock().progress.total = total;
        (self.tell)();
    }

    /// Another file is on its way, before which `done` bytes of all were here.
    pub(super) fn begin(&self, file: &str, done: u64) {
        let mut inner = self.lock();
        file.clone_into(&mut inner.progress.file);
        inner.progress.done = done;
        drop(inner);
        (self.tell)();
    }

    /// Why nothing comes just now.
    pub(super) fn waits(&self, why: Option<&str>) {
        let mut inner = self.lock();
        if inner.progress.waits.as_deref() == why {
            return;
        }
        inner.progress.waits = why.map(str::to_owned);
        inner.marks.clear();
        drop(inner);
        (self.tell)();
    }

    /// `more` bytes have come over the network, so that `done` of all are here.
    pub(super) fn advance(&self, more: u64, done: u64) {
        let now = Instant::now();
        let mut inner = self.lock();
        inner.progress.done = done;
        inner.progress.waits = None;
        inner.came += more;
        let came = inner.came;
        inner.marks.push_back((now, came));
        while inner.marks.front().is_some_and(|(then, _)| now - *then > WINDOW) && inner.marks.len() > 2 {
            inner.marks.pop_front();
        }
        // Marks that are close together say nothing, and would be many.
        if inner.marks.len() > 2 && inner.marks.iter().rev().nth(1).is_some_and(|(then, _)| now - *then < TELL) {
            let newest = inner.marks.len() - 2;
            inner.marks.remove(newest);
        }
        if let Some((then, before)) = inner.marks.front().copied() {
            let seconds = (now - then).as_secs_f64();
            if seconds > 0.2 {
                let rate = (came - before) as f64 / seconds;
                let left = inner.progress.total.saturating_sub(done) as f64 / rate.max(1.0);
                (inner.progress.rate, inner.progress.left) = (Some(rate), Some(left));
            }
        }
        let due = inner.told.is_none_or(|told| now - told >= TELL);
        if due {
            inner.told = Some(now);
        }
        drop(inner);
        if due {
            (self.tell)();
        }
    }

    /// Waits so long, or until it is stopped.
    ///
    /// # Errors
    /// It was stopped.
    pub(super) fn rest(&self, time: Duration) -> Result<()> {
        let start = Instant::now();
        while start.elapsed() < time {
            self.check()?;
            platform::rest((time - start.elapsed().min(time)).min(Duration::from_millis(50)));
        }
        self.check()
    }
}

#[cfg(test)]
mod tests {
    use super::{HubName, Progress, Watch, bytes, duration};
    use std::time::Duration;

    #[test]
    fn numbers_read_well() {
        assert_eq!(
            [999, 12_345, 1_234_567, 142_985_228, 2_500_000_000].map(bytes),
            ["999 B", "12 kB", "1.2 MB", "143 MB", "2.50 GB"]
        );
        assert_eq!([0.2, 59.9, 61.0, 3725.0].map(duration), ["1 s", "1 min 00 s", "1 min 01 s", "1 h 02 min"]);
        let mut progress =
            Progress { done: 12_300_000, total: 143_000_000, rate: Some(5.1e6), left: Some(25.6), ..Progress::default() };
        assert_eq!(progress.line(), "12.3 of 143 MB, 5.1 MB/s, 26 s left");
        progress.waits = Some("waiting".to_owned());
        assert_eq!(progress.line(), "12.3 of 143 MB; waiting");
        assert_eq!((Progress::default().line().as_str(), progress.fraction() > 0.08), ("asking the Hub", true));
    }

    #[test]
    fn who_stops_it_stops_the_request_too_whichever_comes_first() {
        for early in [true, false] {
            let watch = Watch::new(HubName::parse("a/b").expect("a name"), || {});
            let stopped = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
            let flag = stopped.clone();
            if early {
                watch.cancel();
            }
            watch.stop_by(move || flag.store(true, std::sync::atomic::Ordering::SeqCst));
            watch.cancel();
            assert!(stopped.load(std::sync::atomic::Ordering::SeqCst));
            watch.rest(Duration::from_secs(60)).expect_err("stopped");
        }
    }

    #[test]
    fn the_rate_is_that_of_what_came_over_the_network() {
        let watch = Watch::new(HubName::parse("a/b").expect("a name"), || {});
        watch.set_total(2_000_000);
        watch.begin("x", 1_000_000);
        for i in 1..=10 {
            std::thread::sleep(Duration::from_millis(30));
            watch.advance(1000, 1_000_000 + i * 1000);
        }
        let progress = watch.progress();
        let rate = progress.rate.expect("known by now");
        assert!((1_000.0..40_000.0).contains(&rate), "{rate}");
        assert!(progress.left.is_some_and(|left| left > 20.0) && progress.done == 1_010_000);
    }
}
