//! What was measured on a device: the quickest of [`candidates`] for each shape of layer. `tuner.rs` measures; the numbers are kept on
//! disk by adapter, driver and version of this program.

use super::{
    DeviceClass, Gpu, kept,
    shader::sources_checksum,
    tune::{Dispatch, candidates},
};
use crate::program::{Kernel, Precision, Program, Work};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// The quickest way to compute a shape of layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// The shader's constants.
    pub constants: BTreeMap<String, u32>,
    /// How long one call took.
    pub microseconds: f64,
    /// How long one took as the rule of thumb has it.
    pub by_rule: f64,
}

impl Choice {
    /// With the numbers of the candidates' times in microseconds, the rule's first. What is hardly quicker does not count.
    #[cfg(not(target_arch = "wasm32"))]
    pub(super) fn best(measured: &[(Dispatch, f64)]) -> Option<Self> {
        /// Times differ by so much from one measurement to the next.
        const NOISE: f64 = 0.97;
        let (_, by_rule) = measured.first()?;
        let quickest = measured.iter().min_by(|a, b| a.1.total_cmp(&b.1))?;
        let (chosen, microseconds) = if quickest.1 < by_rule * NOISE { quickest } else { measured.first()? };
        let constants = chosen.constants.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
        Some(Self { constants, microseconds: *microseconds, by_rule: *by_rule })
    }

    fn is(&self, candidate: &Dispatch) -> bool {
        self.constants.len() == candidate.constants.len()
            && candidate.constants.iter().all(|(name, value)| self.constants.get(*name) == Some(value))
    }
}

/// Choices by [`layer_shape`].
pub(super) type Choices = BTreeMap<String, Choice>;

/// A file of choices, and whose they are.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct File {
    adapter: String,
    driver: String,
    /// Version and shaders of the program that measured.
    program: String,
    choices: Choices,
}

/// What a device knows of its own speed.
#[derive(Debug, Default)]
pub(super) struct Tuning {
    /// Whether layers are measured on this device at all.
    on: bool,
    file: String,
    adapter: String,
    driver: String,
    choices: Mutex<Choices>,
    /// Grows with every change of the choices.
    generation: AtomicU64,
    /// Whether somebody measures now.
    #[cfg(not(target_arch = "wasm32"))]
    pub busy: std::sync::atomic::AtomicBool,
}

impl Tuning {
    /// Of a device of this adapter, with what is on disk.
    pub fn new(on: bool, adapter: &wgpu::AdapterInfo) -> Self {
        let file = format!("tuning-{}.json", kept::name_of(adapter));
        let driver = format!("{} {}", adapter.driver, adapter.driver_info);
        let tuning = Self { on, file, adapter: adapter.name.clone(), driver, ..Self::default() };
        if on {
            *tuning.lock() = tuning.on_disk().unwrap_or_default();
        }
        tuning
    }

    fn lock(&self) -> MutexGuard<'_, Choices> {
        self.choices.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn whose(&self, choices: Choices) -> File {
        let program = format!("{} {:08x}", env!("CARGO_PKG_VERSION"), sources_checksum());
        File { adapter: self.adapter.clone(), driver: self.driver.clone(), program, choices }
    }

    fn on_disk(&self) -> Option<Choices> {
        let found: File = serde_json::from_slice(&kept::read(&self.file)?).ok()?;
        let File { choices, .. } = found;
        let expected = self.whose(BTreeMap::new());
        let is_ours = (found.adapter, found.driver, found.program) == (expected.adapter, expected.driver, expected.program);
        is_ours.then_some(choices)
    }

    /// Adds choices, in memory and on disk.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn add(&self, more: Choices) {
        if more.is_empty() {
            return;
        }
        let all = {
            let mut choices = self.lock();
            choices.extend(more);
            choices.clone()
        };
        self.generation.fetch_add(1, Ordering::AcqRel);
        if let Ok(text) = serde_json::to_vec_pretty(&self.whose(all)) {
            kept::write(&self.file, &text);
        }
    }
}

impl Gpu {
    /// Whether layers are measured on this device: on GPUs that can time kernels.
    pub fn tunes(&self) -> bool {
        self.tuning.on && self.timestamps && self.class == DeviceClass::Tiled
    }

    /// Forgets what was measured on this device, here and on disk.
    pub fn forget_tuning(&self) {
        self.tuning.lock().clear();
        self.tuning.generation.fetch_add(1, Ordering::AcqRel);
        if let Ok(text) = serde_json::to_vec_pretty(&self.tuning.whose(BTreeMap::new())) {
            kept::write(&self.tuning.file, &text);
        }
    }

    /// What was measured of a program's layers: each shape once, in the order of the program, `None` where it was not.
    pub fn tuned(&self, program: &Program, precision: Precision) -> Vec<(String, Option<Choice>)> {
        let mut shapes: Vec<String> = Vec::new();
        for (_, kernel, _) in program.calls() {
            shapes.extend(layer_shape(kernel, program, precision).filter(|shape| !shapes.contains(shape)));
        }
        let choices = self.tuning.lock();
        shapes.into_iter().map(|shape| (shape.clone(), choices.get(&shape).cloned())).collect()
    }

    /// Changes with what [`Self::best_dispatch`] answers.
    pub(super) fn tuning_generation(&self) -> u64 {
        self.tuning.generation.load(Ordering::Acquire)
    }

    /// What was measured to be the quickest for a call, else what the rule of thumb says.
    pub(super) fn best_dispatch(&self, kernel: &Kernel, program: &Program, precision: Precision) -> Dispatch {
        let shape = if self.tunes() { layer_shape(kernel, program, precision) } else { None };
        let choice = shape.and_then(|shape| self.tuning.lock().get(&shape).cloned());
        let mut all = candidates(kernel, program, self.class, precision);
        let chosen = choice.and_then(|choice| all.iter().position(|candidate| choice.is(candidate)));
        all.swap_remove(chosen.unwrap_or(0))
    }
}

/// A name for what [`candidates`] depend on; `None` where there is nothing to choose.
pub(super) fn layer_shape(kernel: &Kernel, program: &Program, precision: Precision) -> Option<String> {
    let Work::Convolution(p) = kernel.work(program, 1) else { return None };
    let sources = |a: u32, b: u32| if b > 0 { format!("{a} + {b}") } else { a.to_string() };
    let mut text = format!(
        "conv2d {0}x{0}, {1} x {2}x{3} of {4} C4 to {5}x{6} of {7}",
        p.kernel,
        p.batch,
        p.in_h,
        p.in_w,
        sources(p.a_c4, p.b_c4),
        p.out_h,
        p.out_w,
        p.out_c4
    );
    if p.shortcut_a_c4 > 0 {
        text += &format!(", shortcut of {}", sources(p.shortcut_a_c4, p.shortcut_b_c4));
    }
    text += match precision {
        Precision::F16 => ", f16",
        Precision::F16Fast => ", f16-fast",
        Precision::F32 | Precision::Bf16 => ", f32",
    };
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(times: &[f64]) -> Vec<(Dispatch, f64)> {
        let dispatch = |pixels| Dispatch {
            shader: "conv2d",
            constants: vec![("PIXELS", pixels), ("ROWS", 8)],
            assumed: Vec::new(),
            workgroup: 64,
            workgroups: 1,
        };
        (1..).zip(times).map(|(pixels, time)| (dispatch(pixels), *time)).collect()
    }

    #[test]
    fn the_quickest_is_chosen_unless_it_is_hardly_quicker() {
        let best = |times: &[f64]| Choice::best(&measured(times)).map(|choice| (choice.constants["PIXELS"], choice.microseconds));
        assert_eq!(best(&[10.0, 8.0, 9.0]), Some((2, 8.0)));
        assert_eq!(best(&[10.0, 9.9, 11.0]), Some((1, 10.0)));
        assert_eq!(best(&[]), None);
    }

    #[test]
    fn a_choice_is_the_candidate_with_its_constants() {
        let all = measured(&[10.0, 8.0]);
        let mut choice = Choice::best(&all).expect("measured");
        assert!(choice.is(&all[1].0) && !choice.is(&all[0].0));
        choice.constants.insert("UNKNOWN".to_owned(), 1);
        assert!(!all.iter().any(|(candidate, _)| choice.is(candidate)));
    }
}
