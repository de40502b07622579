//! Which device a run gets, and the executor for it.

use crate::{
    cpu::{
        PackedWeights, bf16_in_hardware,
        executor::{CpuExecutor, device_info},
    },
    error::{Error, Result},
    gpu::{self, DeviceClass, DeviceWeights, Gpu, GpuExecutor},
    model::{Fused, Model, RecordOptions},
    program::{DeviceInfo, DeviceKind, Executor, Handles, MemoryPlan, Precision, Program},
};
use serde::{Deserialize, Serialize};
use std::{str::FromStr, sync::Arc};

/// No device gains from more images at a time.
const MAX_BATCH: u32 = 4096;

/// What the user asked for with `--device`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeviceChoice {
    /// A real GPU, discrete before integrated, else the CPU executor.
    #[default]
    Auto,
    /// The CPU executor.
    Cpu,
    /// A graphics driver that computes on the processor.
    Software,
    /// An adapter whose name contains this, whatever the case.
    Named(String),
}

impl FromStr for DeviceChoice {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.trim().to_lowercase().as_str() {
            "" => Err(Error::argument("--device: expected auto, cpu, software or part of an adapter's name, got nothing")),
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "software" => Ok(Self::Software),
            name => Ok(Self::Named(name.to_owned())),
        }
    }
}

/// A chosen device.
#[derive(Clone, Debug)]
pub enum Backend {
    /// Our executor in Rust.
    Cpu,
    /// A graphics device.
    Gpu(Arc<Gpu>),
}

/// A model's weights as a backend's executors share them.
#[derive(Debug, Default)]
pub struct SharedWeights {
    uploaded: DeviceWeights,
    packed: PackedWeights,
}

/// A backend with the sentence that says why it is this one.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// The device.
    pub backend: Backend,
    /// Name and reason, for the line the program prints.
    pub reason: String,
}

/// The precisions worth choosing on a device, where there are these adapters: those it has, and none that is slower than f32 there.
pub fn precisions(choice: &DeviceChoice, adapters: &[DeviceInfo]) -> Vec<Precision> {
    let cpu = match choice {
        DeviceChoice::Cpu => true,
        DeviceChoice::Auto => !adapters.iter().any(is_real),
        DeviceChoice::Software | DeviceChoice::Named(_) => false,
    };
    let suits = |precision: &Precision| match precision {
        Precision::F32 => true,
        Precision::F16 | Precision::F16Fast => !cpu,
        Precision::Bf16 => cpu && bf16_in_hardware().is_some(),
    };
    Precision::ALL.into_iter().filter(suits).collect()
}

/// Whether `--device auto` takes it. A browser's software driver has all cores, and our own executor there has one.
fn is_real(info: &DeviceInfo) -> bool {
    cfg!(target_arch = "wasm32") || info.kind != DeviceKind::Software
}

impl Backend {
    /// Finds the device.
    ///
    /// # Errors
    /// No adapter matches, or the driver refuses it.
    pub async fn choose(choice: &DeviceChoice, precision: Precision) -> Result<Chosen> {
        let chosen = match choice {
            DeviceChoice::Cpu => Chosen { backend: Self::Cpu, reason: "as --device cpu asks".to_owned() },
            DeviceChoice::Auto if precision == Precision::Bf16 => {
                Chosen { backend: Self::Cpu, reason: "the one with bf16".to_owned() }
            }
            DeviceChoice::Auto => match gpu::open(is_real).await {
                Ok(Some(gpu)) => {
                    let reason = if cfg!(target_arch = "wasm32") {
                        "the one that the browser offers".to_owned()
                    } else {
                        format!("{} GPU, found first", kind_name(gpu.info.kind))
                    };
                    Chosen { backend: Self::Gpu(gpu), reason }
                }
                Ok(None) => Chosen { backend: Self::Cpu, reason: no_gpu() },
                Err(error) => Chosen { backend: Self::Cpu, reason: format!("the GPU did not open: {error}") },
            },
            DeviceChoice::Software => {
                let gpu = gpu::open(|info| info.kind == DeviceKind::Software).await?;
                let what_to_do = "install a software Vulkan driver (Debian: mesa-vulkan-drivers), or use --device cpu";
                let Some(gpu) = gpu else { return Err(no_adapter("software", what_to_do).await) };
                Chosen { backend: Self::Gpu(gpu), reason: "software driver, as --device software asks".to_owned() }
            }
            DeviceChoice::Named(name) => {
                let gpu = gpu::open(|info| info.name.to_lowercase().contains(name)).await?;
                let Some(gpu) = gpu else { return Err(no_adapter(name, "see `etude devices` for what there is").await) };
                Chosen { backend: Self::Gpu(gpu), reason: format!("its name contains \"{name}\"") }
            }
        };
        if let (Self::Cpu, Precision::F16 | Precision::F16Fast) = (&chosen.backend, precision) {
            return Err(Error::argument(
                "--precision f16: expected a GPU with 16-bit shader arithmetic, got the CPU executor; use --precision f32 or bf16",
            ));
        }
        if let (Self::Gpu(gpu), Precision::Bf16) = (&chosen.backend, precision) {
            return Err(Error::argument(format!(
                "--precision bf16: expected the CPU executor, got {}; use --device cpu, or --precision f16",
                gpu.info.name
            )));
        }
        if precision == Precision::Bf16 && bf16_in_hardware().is_none() {
            let reason = format!("{}; without instructions for bf16, so that f32 is quicker", chosen.reason);
            return Ok(Chosen { reason, ..chosen });
        }
        Ok(chosen)
    }

    /// Name and kind.
    pub fn info(&self) -> DeviceInfo {
        match self {
            Self::Cpu => device_info(),
            Self::Gpu(gpu) => gpu.info.clone(),
        }
    }

    /// Images at a time that suit it: enough to fill it, few enough that a step stays short.
    pub fn default_batch(&self) -> u32 {
        match self.info().kind {
            DeviceKind::DiscreteGpu => 64,
            DeviceKind::IntegratedGpu | DeviceKind::OtherGpu => 16,
            DeviceKind::Software | DeviceKind::Cpu => 8,
        }
    }

    /// An executor for `program`, everything allocated.
    ///
    /// # Errors
    /// As [`GpuExecutor::new`].
    pub fn executor(&self, program: Arc<Program>, precision: Precision) -> Result<Box<dyn Executor>> {
        self.executor_sharing(program, precision, &mut SharedWeights::default())
    }

    /// As [`Self::executor`]; `weights` has those that are on this device already, and gets the others.
    ///
    /// # Errors
    /// As [`GpuExecutor::new`].
    pub fn executor_sharing(
        &self,
        program: Arc<Program>,
        precision: Precision,
        weights: &mut SharedWeights,
    ) -> Result<Box<dyn Executor>> {
        Ok(match self {
            Self::Cpu => Box::new(CpuExecutor::sharing(program, precision == Precision::Bf16, &mut weights.packed)),
            Self::Gpu(gpu) => Box::new(GpuExecutor::sharing(gpu.clone(), program, precision, &mut weights.uploaded)?),
        })
    }

    /// Records `model` for at most `batch` images, fewer where a tensor would not fit the device's binding limit. Returns the
    /// batch it settled on.
    ///
    /// # Errors
    /// As [`Model::record`]; not even one image fits.
    pub fn record(
        &self,
        model: &Model,
        batch: u32,
        size: (u32, u32),
        rows: u32,
        precision: Precision,
    ) -> Result<(Arc<Program>, Handles, u32)> {
        self.record_with(model, batch, size, rows, precision, RecordOptions::default())
    }

    /// As [`Self::record`], with what `options` ask for; kernels are fused as suits the device.
    ///
    /// # Errors
    /// As [`Self::record`].
    pub fn record_with(
        &self,
        model: &Model,
        batch: u32,
        size: (u32, u32),
        rows: u32,
        precision: Precision,
        options: RecordOptions,
    ) -> Result<(Arc<Program>, Handles, u32)> {
        let mut batch = batch.clamp(1, MAX_BATCH);
        let options = RecordOptions { fused: self.fused(), ..options };
        let c4_bytes = precision.c4_bytes();
        let (name, largest_tensor, all) = self.limits();
        loop {
            let (program, handles) = model.record_with(batch, size.0, size.1, rows, options)?;
            let largest = program.largest_tensor_bytes(c4_bytes);
            let total = MemoryPlan::new(&program, c4_bytes).slots().iter().sum::<u64>();
            if largest <= largest_tensor && (total <= all || batch == 1) {
                return Ok((Arc::new(program), handles, batch));
            }
            if batch == 1 {
                let (h, w) = size;
                let what = format!(
                    "one image of {h}x{w} needs a tensor of {largest} bytes, {largest_tensor} is its limit; use a smaller --size"
                );
                return Err(Error::device(name, what));
            }
            batch = batch.div_ceil(2);
        }
    }

    /// What is quicker as fewer, larger kernels.
    fn fused(&self) -> Fused {
        match self {
            Self::Gpu(gpu) if gpu.class == DeviceClass::Tiled && (gpu.info.kind != DeviceKind::Software || gpu.tunes()) => {
                Fused::ALL
            }
            // Barriers cost drivers that compute on the processor more than calls; a normalisation does without where there are subgroups.
            Self::Gpu(gpu) => Fused { shortcuts: true, norms: gpu.class != DeviceClass::Tiled, ..Fused::NONE },
            Self::Cpu => Fused::NONE,
        }
    }

    /// The device's name, the largest tensor it can hold, and the most activations worth holding at once, in bytes.
    fn limits(&self) -> (String, u64, u64) {
        const GIB: u64 = 1 << 30;
        match self {
            Self::Cpu => ("the CPU executor".to_owned(), 4 * GIB, 4 * GIB),
            Self::Gpu(gpu) => {
                let all = if gpu.info.kind == DeviceKind::DiscreteGpu { 16 * GIB } else { 4 * GIB };
                // Kernels count C4 in u32, as WGSL does.
                (gpu.info.name.clone(), gpu.max_binding().min(4 * GIB), all)
            }
        }
    }
}

#[cfg(not(target_arch = "wasm32"))]
fn no_gpu() -> String {
    "no GPU found".to_owned()
}

#[cfg(target_arch = "wasm32")]
fn no_gpu() -> String {
    crate::platform::why_no_gpu()
}

async fn no_adapter(wanted: &str, what_to_do: &str) -> Error {
    let names: Vec<String> = gpu::list_adapters().await.into_iter().map(|r| r.info.name).collect();
    let found = if names.is_empty() { "no adapters at all".to_owned() } else { names.join(", ") };
    Error::device(wanted, format!("expected such an adapter, found {found}; {what_to_do}"))
}

/// A word for a kind of device.
pub fn kind_name(kind: DeviceKind) -> &'static str {
    match kind {
        DeviceKind::DiscreteGpu => "discrete",
        DeviceKind::IntegratedGpu => "integrated",
        DeviceKind::OtherGpu => "virtual",
        DeviceKind::Software => "software",
        DeviceKind::Cpu => "CPU",
    }
}
