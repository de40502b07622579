//! What the test binaries share: an adapter, tolerances, random data; in [`calls`] programs of a single kernel call, in [`compare`]
//! what runs one on the CPU and on the GPU.
#![allow(dead_code, reason = "every test binary uses its own part of this")]

pub mod around;
pub mod calls;
pub mod compare;

use etude::{
    gpu::{self, DeviceClass, Gpu},
    platform::block_on,
};
use std::{
    fmt,
    io::Write,
    sync::{Arc, OnceLock},
};

/// Every class of kernels. The last can only be run where subgroups have four invocations; on Mesa's llvmpipe,
/// `LP_NATIVE_VECTOR_WIDTH=128` makes them so.
pub const CLASSES: [DeviceClass; 3] = [DeviceClass::Tiled, DeviceClass::Wide { subgroup: 8 }, DeviceClass::Wide { subgroup: 4 }];

/// Set to 1, this lets a machine without any adapter skip what needs one.
const SKIP: &str = "ETUDE_SKIP_GPU_TESTS";

/// The best adapter there is, software or real, open once for the test binary. Where there is none the test fails, or, if
/// `ETUDE_SKIP_GPU_TESTS=1`, gets `None` and a line says so.
pub fn software_gpu() -> Option<Arc<Gpu>> {
    static OPENED: OnceLock<Option<Arc<Gpu>>> = OnceLock::new();
    say_if_skipped(OPENED.get_or_init(open).clone())
}

/// That adapter with each class of kernels that it can run: the tiled ones, and the wide ones where its subgroups are as they need
/// them. `None` as for [`software_gpu`].
pub fn both_classes() -> Option<Vec<Arc<Gpu>>> {
    static OPENED: OnceLock<Option<Vec<Arc<Gpu>>>> = OnceLock::new();
    let opened = OPENED.get_or_init(|| {
        let classes: Vec<_> = open()?.classes().collect();
        if classes.len() < 2 {
            say("the wide kernels are left out: the adapter has no subgroups of exactly four or eight invocations");
        }
        let with = |class| Some(open()?.with_class(class).expect("one of its classes"));
        classes.into_iter().map(with).collect()
    });
    say_if_skipped(opened.clone())
}

fn open() -> Option<Arc<Gpu>> {
    match block_on(gpu::open(|_| true)) {
        Ok(Some(gpu)) => Some(gpu),
        Ok(None) if std::env::var_os(SKIP).is_some_and(|value| value == "1") => None,
        Ok(None) => panic!("no graphics adapter: install a software Vulkan driver (Debian: mesa-vulkan-drivers), or set {SKIP}=1"),
        Err(error) => panic!("the graphics adapter does not open: {error}"),
    }
}

fn say_if_skipped<T>(opened: Option<T>) -> Option<T> {
    if opened.is_none() {
        let name = std::thread::current().name().unwrap_or("a test").to_owned();
        say(&format!("skipped for want of a graphics adapter ({SKIP}=1): {name}"));
    }
    opened
}

/// A line past the test harness, which keeps what a passing test prints to itself.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// How far two tensors may be apart, as a part of the expected one's largest magnitude, and why so far.
#[derive(Clone, Copy, Debug)]
pub struct Tolerance {
    /// The most that max|got − expected| / max|expected| may be.
    pub relative: f32,
    /// The reason for the number.
    pub why: &'static str,
}

impl Tolerance {
    /// Both sides round the same operations in the same order.
    pub const EXACT: Self = Self { relative: 0.0, why: "the same roundings in the same order" };

    /// A bound with its reason.
    pub const fn new(relative: f32, why: &'static str) -> Self {
        Self { relative, why }
    }

    /// The distance as a part of the bound's unit, or what is wrong: lengths, a value that is not finite, the worst place.
    pub fn check(&self, got: &[f32], expected: &[f32], what: &dyn fmt::Display) -> Result<f32, String> {
        if got.len() != expected.len() {
            return Err(format!("{what}: expected {} values, got {}", expected.len(), got.len()));
        }
        let scale = expected.iter().fold(0.0_f32, |most, v| most.max(v.abs()));
        let mut worst = (0, 0.0_f32);
        for (i, (&g, &e)) in got.iter().zip(expected).enumerate() {
            if !(g.is_finite() && e.is_finite()) {
                return Err(format!("{what}[{i}]: expected {e}, got {g}: not finite"));
            }
            if (g - e).abs() > worst.1 {
                worst = (i, (g - e).abs());
            }
        }
        let (at, distance) = worst;
        if distance > self.relative * scale {
            let Self { relative, why } = self;
            return Err(format!(
                "{what}[{at} of {}]: expected {}, got {}: off by {distance:e} = {:e} of the largest, {scale}; allowed {relative:e}: {why}",
                got.len(),
                expected[at],
                got[at],
                distance / scale
            ));
        }
        Ok(if scale > 0.0 { distance / scale } else { 0.0 })
    }
}

/// Fails unless max|got − expected| / max|expected| is within the tolerance and all of both is finite.
#[track_caller]
pub fn assert_close(got: &[f32], expected: &[f32], tolerance: Tolerance, what: &str) {
    if let Err(text) = tolerance.check(got, expected, &what) {
        panic!("{text}");
    }
}

/// SplitMix64: the same values for the same seed everywhere.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Starts at `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in (0, 1).
    pub fn uniform(&mut self) -> f32 {
        ((self.bits() >> 41) as f32 + 0.5) / 8_388_608.0
    }

    /// Uniform among 0…n−1.
    pub fn below(&mut self, n: u32) -> u32 {
        (self.bits() % u64::from(n)) as u32
    }

    /// Standard normal.
    pub fn normal(&mut self) -> f32 {
        (-2.0 * self.uniform().ln()).sqrt() * (std::f32::consts::TAU * self.uniform()).cos()
    }

    /// `n` standard normals.
    pub fn normals(&mut self, n: usize) -> Vec<f32> {
        (0..n).map(|_| self.normal()).collect()
    }
}
