//! The soak: the viewer's own window, whose controls change at random for a while as fast as frames come. Prints memory and the time
//! from frame to frame every ten seconds. `scripts/soak.sh` runs it on a display of its own.
//!
//!     cargo run --release --example soak -- [SECONDS] [DEVICE]

use eframe::egui::ViewportCommand;
use etude::{
    app::{
        Controls, Viewer, WindowOptions,
        state::{
            State,
            view_settings::{Axes, Tab},
        },
        window,
    },
    noise::philox4x32_10,
    schedule::{Preset, Spacing},
};
use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let seconds = arguments.next().map_or(Ok(600), |text| text.parse::<u64>());
    let (Ok(seconds), device, None) = (seconds, arguments.next(), arguments.next()) else {
        eprintln!("soak: expected [SECONDS] [DEVICE]");
        return ExitCode::from(2);
    };
    let options = WindowOptions { device: Some(device.unwrap_or_else(|| "cpu".to_owned())), ..WindowOptions::default() };
    let mut soak = Soak::new(Duration::from_secs(seconds));
    let driver: window::Driver = Box::new(move |ctx, viewer| {
        if soak.frame(viewer) {
            ctx.send_viewport_cmd(ViewportCommand::Close);
        }
    });
    match window::run_driven(options, Some(driver)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("soak: {error}");
            ExitCode::from(2)
        }
    }
}

/// Every so often nothing changes for so long: at rest pictures are computed ahead, where the window has the focus.
const RESTS: [Duration; 2] = [Duration::from_secs(15), Duration::from_secs(5)];

/// A line is printed this often.
const EVERY: Duration = Duration::from_secs(10);

/// What is counted.
struct Soak {
    start: Instant,
    length: Duration,
    counter: u32,
    last_frame: Option<Instant>,
    last_line: Instant,
    /// Milliseconds from frame to frame since the last line, and all of them in buckets of a millisecond.
    recent: Vec<f64>,
    buckets: Vec<u64>,
    restarts: u64,
    first_memory: Option<f64>,
    ended: bool,
}

impl Soak {
    /// A soak of so long, from now.
    fn new(length: Duration) -> Self {
        let now = Instant::now();
        Self {
            start: now,
            length,
            counter: 0,
            last_frame: None,
            last_line: now,
            recent: Vec::new(),
            buckets: vec![0; 1000],
            restarts: 0,
            first_memory: None,
            ended: false,
        }
    }

    /// A number below `below`; the same numbers in every soak.
    fn below(&mut self, below: u32) -> u32 {
        self.counter += 1;
        let [word, ..] = philox4x32_10([self.counter, 0, 0, 0], [7, 7]);
        ((u64::from(word) * u64::from(below)) >> 32) as u32
    }

    /// Call once a frame, before it is drawn. Returns whether the time is up.
    fn frame(&mut self, viewer: &mut Viewer) -> bool {
        let now = Instant::now();
        if let Some(last) = self.last_frame.replace(now) {
            let milliseconds = (now - last).as_secs_f64() * 1e3;
            self.recent.push(milliseconds);
            let last_bucket = self.buckets.len() - 1;
            self.buckets[(milliseconds as usize).min(last_bucket)] += 1;
        }
        if now - self.last_line >= EVERY {
            self.line(viewer);
            self.last_line = now;
        }
        if now - self.start >= self.length {
            // Closing takes a frame or two more.
            if !std::mem::replace(&mut self.ended, true) {
                self.end(viewer);
            }
            return true;
        }
        let [every, rest] = RESTS;
        if (now - self.start).as_millis() % every.as_millis() > (every - rest).as_millis() {
            return false;
        }
        // Some frames change nothing, so that runs get somewhere; most change something.
        if self.below(4) > 0 {
            let mut controls = viewer.state.controls.clone();
            self.change(&mut controls, &viewer.state);
            self.restarts += u64::from(controls != viewer.state.controls);
            viewer.change(controls, (now - self.start).as_secs_f64());
        }
        false
    }

    fn change(&mut self, controls: &mut Controls, state: &State) {
        match self.below(20) {
            0 => controls.steps = [1, 2, 10, 20, 50, 100, 1000][self.below(7) as usize],
            1 => controls.seed = u64::from(self.below(1000)),
            2 => controls.noise_seed = u64::from(self.below(1000)),
            3 => controls.sigma_hat = !controls.sigma_hat,
            4 => controls.count = 1 + self.below(16),
            5 => {
                let all = [None, Some(Spacing::Quadratic), Some(Spacing::Trailing), Some(Spacing::List(vec![3, 50, 400, 900]))];
                controls.spacing = all[self.below(4) as usize].clone();
            }
            6 => controls.preset = [Preset::Etude, Preset::Official, Preset::Diffusers][self.below(3) as usize],
            7 => controls.clip = [None, Some(true), Some(false)][self.below(3) as usize],
            8 => controls.view.image = self.below(controls.count),
            9 => {
                controls.view.tab = [Tab::Trajectory, Tab::Compare, Tab::Interpolate, Tab::Explain][self.below(4) as usize];
            }
            10 => controls.view.compare.seeds = 2 + self.below(6),
            11 => controls.view.compare.axes = [Axes::EtaBySeed, Axes::StepsBySpacing][self.below(2) as usize],
            12 => controls.view.interpolate.grid = !controls.view.interpolate.grid,
            13 => controls.view.interpolate.seeds[self.below(4) as usize] = u64::from(self.below(100)),
            14 | 15 => controls.view.interpolate.position = [f64::from(self.below(100)) / 99.0, f64::from(self.below(100)) / 99.0],
            _ => controls.eta = f64::from(self.below(1000)) / 999.0,
        }
        // A picture of another device or model would measure something else.
        controls.model.clone_from(&state.controls.model);
    }

    fn line(&mut self, viewer: &Viewer) {
        self.recent.sort_by(f64::total_cmp);
        let at = |part: f64| self.recent.get(((self.recent.len() as f64 - 1.0) * part) as usize).copied().unwrap_or(0.0);
        let memory = memory_mib();
        if self.first_memory.is_none() {
            self.first_memory = memory;
        }
        println!(
            "{:5.0} s: {:6} restarts, {} MiB, {} textures, {} pictures ahead, frame to frame {:.1} ms (median), {:.1} ms (99 %), {:.1} ms (worst)",
            self.start.elapsed().as_secs_f64(),
            self.restarts,
            memory.map_or_else(|| "?".to_owned(), |m| format!("{m:.0}")),
            viewer.textures(),
            viewer.state.runs.computed_ahead(),
            at(0.5),
            at(0.99),
            at(1.0)
        );
        self.recent.clear();
    }

    fn end(&mut self, viewer: &Viewer) {
        self.line(viewer);
        let frames: u64 = self.buckets.iter().sum();
        let slow: u64 = self.buckets[50..].iter().sum();
        println!(
            "{frames} frames, {slow} of them ({:.2} %) 50 ms or longer; memory after the first {} s {} MiB, at the end {} MiB",
            slow as f64 * 100.0 / frames.max(1) as f64,
            EVERY.as_secs(),
            self.first_memory.map_or_else(|| "?".to_owned(), |m| format!("{m:.0}")),
            memory_mib().map_or_else(|| "?".to_owned(), |m| format!("{m:.0}")),
        );
    }
}

/// Resident memory of this process, where the system says it in /proc.
fn memory_mib() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<f64>().ok().map(|kib| kib / 1024.0)
}
