//! A device whose steps take as long as a test says, by a clock that the test sets: it computes real pictures, and each of its steps ends
//! when its time has come. Between two frames the test lets a sixtieth of a second pass.

use super::{Under, around::Around, finished, window_in};
use egui_kittest::Harness;
use etude::{
    app::{Controls, Start},
    error::Result,
    platform::Clock,
    program::Ticket,
    session::Instruments,
};
use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// From one frame to the next.
pub const FRAME: Duration = Duration::from_nanos(1_000_000_000 / 60);
/// A worker that asks its executor for nothing for so long, in real time, waits for the app.
const QUIET: Duration = Duration::from_millis(60);
/// One such window at a time: the device's threads stand below the tests' in priority.
static ALONE: Mutex<()> = Mutex::new(());

/// The time as the test sets it, and what the device makes of it.
#[derive(Default)]
pub struct Time {
    now: Mutex<Now>,
    changed: Condvar,
}

#[derive(Default)]
struct Now {
    now: Duration,
    /// How long a step of one image takes.
    step: Duration,
    /// When the step on its way will have taken its time.
    due: Option<Duration>,
    /// Whether the device computes, in real time.
    computes: bool,
    /// Steps that have ended.
    steps: usize,
    /// The test is over: nothing waits any more.
    over: bool,
}

impl Time {
    fn lock(&self) -> MutexGuard<'_, Now> {
        self.now.lock().expect("no test thread has panicked")
    }

    /// Steps that the device has taken.
    pub fn steps(&self) -> usize {
        self.lock().steps
    }

    /// Lets steps take so long from now on.
    pub fn set_step(&self, step: Duration) {
        self.lock().step = step;
    }

    /// Lets `time` pass, and waits until the device has done what fits into it.
    pub fn pass(&self, time: Duration) {
        let end = self.lock().now + time;
        loop {
            let mut now = self.lock();
            // From one step's end to the next, so that each is told at its own time.
            match now.due {
                Some(due) if due <= end => now.now = now.now.max(due),
                _ => now.now = end,
            }
            let arrived = now.now == end;
            drop(now);
            self.changed.notify_all();
            self.settle();
            if arrived && self.lock().due.is_none_or(|due| due > end) {
                return;
            }
        }
    }

    /// Waits until the device waits for its time, or has nothing to do.
    fn settle(&self) {
        let (mut since, mut steps) = (Instant::now(), self.steps());
        loop {
            let now = self.lock();
            if now.due.is_some_and(|due| due > now.now) {
                return;
            }
            if now.computes || now.due.is_some() || now.steps != steps {
                (since, steps) = (Instant::now(), now.steps);
            }
            drop(now);
            if since.elapsed() > QUIET {
                return;
            }
            std::thread::sleep(Duration::from_micros(300));
        }
    }

    /// Takes its time for a step, then computes it.
    fn step<T>(&self, compute: impl FnOnce() -> T) -> T {
        let mut now = self.lock();
        let due = now.now + now.step;
        now.due = Some(due);
        while now.now < due && !now.over {
            now = self.changed.wait(now).expect("no test thread has panicked");
        }
        (now.due, now.computes) = (None, true);
        drop(now);
        let result = compute();
        let mut now = self.lock();
        (now.computes, now.steps) = (false, now.steps + 1);
        result
    }
}

/// A window on a slow device, and its time.
pub struct Slow {
    pub time: Arc<Time>,
    pub harness: Harness<'static, Under>,
    _alone: MutexGuard<'static, ()>,
}

impl Slow {
    /// A window with `controls`, on a device whose steps take `step`.
    pub fn new(controls: Controls, step: Duration) -> Self {
        // One that failed does not fail the others.
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let time = Arc::new(Time::default());
        time.set_step(step);
        let (clock, device) = (time.clone(), time.clone());
        let instruments = Instruments {
            clock: Clock::by(move || clock.lock().now),
            around: Some(Arc::new(move |inner| {
                let time = device.clone();
                Box::new(Around { inner, step: move |submit: &mut dyn FnMut() -> Result<Ticket>| time.step(submit) })
            })),
            ..Instruments::default()
        };
        let harness = window_in(Start { controls: Some(controls), instruments, ..Start::default() });
        Self { time, harness, _alone: alone }
    }

    /// A sixtieth of a second passes, and a frame is drawn.
    pub fn frame(&mut self) {
        self.time.pass(FRAME);
        self.harness.step();
    }

    /// As many frames as fit into `time`; `seen` looks at each.
    pub fn frames(&mut self, time: Duration, mut seen: impl FnMut(&Self)) {
        for _ in 0..(time.as_secs_f64() / FRAME.as_secs_f64()).round() as usize {
            self.frame();
            seen(self);
        }
    }

    /// Frames until `enough`, for `patience` at most; how long that took, by the clock.
    pub fn until(&mut self, what: &str, patience: Duration, enough: impl Fn(&Self) -> bool) -> Duration {
        let start = self.now();
        while !enough(self) {
            assert!(self.now() - start <= patience, "{what}: not within {patience:?}");
            self.frame();
        }
        self.now() - start
    }

    /// What the clock says.
    pub fn now(&self) -> Duration {
        self.time.lock().now
    }

    /// A window whose first run is finished.
    pub fn opened(controls: Controls, step: Duration) -> Self {
        let mut slow = Self::new(controls, step);
        slow.until("the first run", Duration::from_secs(600), |slow| finished(slow.harness.state().viewer()));
        slow
    }
}

impl Drop for Slow {
    fn drop(&mut self) {
        // The window waits for the step on its way.
        self.time.lock().over = true;
        self.time.changed.notify_all();
    }
}
