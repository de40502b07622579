//! Adapters and the compute device: which one, and what it can do.

use super::{kept, pipeline::PipelineStore, queue::Counters, tuning::Tuning};
use crate::{
    error::{Error, Result},
    program::{DeviceInfo, DeviceKind},
};
use std::sync::{Arc, Mutex, PoisonError};

/// Which kernels suit a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeviceClass {
    /// Fast shared memory: tiled kernels.
    Tiled,
    /// A driver that computes on the processor: large register tiles handed round by subgroup shuffles, no shared memory, no
    /// barriers.
    Wide {
        /// Invocations of a subgroup, 4 or 8.
        subgroup: u32,
    },
}

impl DeviceClass {
    /// Invocations of a subgroup, where the kernels rely on it.
    pub(super) fn subgroup(self) -> Option<u32> {
        match self {
            Self::Tiled => None,
            Self::Wide { subgroup } => Some(subgroup),
        }
    }

    /// The class for drivers that compute on the processor, by the size of their subgroups; `None` where our kernels have none.
    fn wide(info: &wgpu::AdapterInfo, features: wgpu::Features) -> Option<Self> {
        let (subgroup, largest) = (info.subgroup_min_size, info.subgroup_max_size);
        let suits = features.contains(wgpu::Features::SUBGROUP) && subgroup == largest && matches!(subgroup, 4 | 8);
        suits.then_some(Self::Wide { subgroup })
    }
}

/// An adapter as `etude devices` lists it.
#[derive(Clone, Debug)]
pub struct AdapterReport {
    /// Name and kind.
    pub info: DeviceInfo,
    /// Driver name and version.
    pub driver: String,
    /// Whether f16 storage works.
    pub f16: bool,
    /// Whether kernels can be timed one by one.
    pub timestamps: bool,
    /// The largest buffer a shader may see, bytes.
    pub max_binding: u64,
    /// Workgroup memory, bytes.
    pub workgroup_memory: u32,
    /// Whether it has what this program needs; if not, what is missing.
    pub usable: std::result::Result<(), String>,
}

/// An open compute device with its pipelines. Shared by all executors on it.
#[derive(Debug)]
pub struct Gpu {
    pub(super) device: wgpu::Device,
    pub(super) queue: wgpu::Queue,
    /// Name and kind.
    pub info: DeviceInfo,
    /// Which kernels it gets.
    pub class: DeviceClass,
    /// The class for drivers that compute on the processor, where this device's subgroups allow it.
    wide: Option<DeviceClass>,
    /// Whether f16 storage is on.
    pub f16: bool,
    /// Whether kernels can be timed.
    pub timestamps: bool,
    pub(super) limits: wgpu::Limits,
    pub(super) pipelines: PipelineStore,
    pub(super) tuning: Tuning,
    pub(super) counters: Counters,
    /// The first fault the driver reported outside a call's result and nobody has been told of.
    fault: Arc<Mutex<Option<Fault>>>,
}

/// A fault of the driver.
#[derive(Debug)]
struct Fault {
    text: String,
    /// The device is gone: every later call fails with it, too.
    lost: bool,
}

fn instance() -> wgpu::Instance {
    // WGPU_BACKEND and its kin are honoured.
    wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle_from_env())
}

fn kind(info: &wgpu::AdapterInfo) -> DeviceKind {
    match info.device_type {
        wgpu::DeviceType::DiscreteGpu => DeviceKind::DiscreteGpu,
        wgpu::DeviceType::IntegratedGpu => DeviceKind::IntegratedGpu,
        wgpu::DeviceType::Cpu => DeviceKind::Software,
        wgpu::DeviceType::VirtualGpu | wgpu::DeviceType::Other => DeviceKind::OtherGpu,
    }
}

fn describe(adapter: &wgpu::Adapter) -> DeviceInfo {
    let info = adapter.get_info();
    // Browsers may keep the name to themselves.
    let unnamed = if kind(&info) == DeviceKind::Software { "a software adapter" } else { "a GPU" };
    let name = if info.name.is_empty() { unnamed.to_owned() } else { info.name.clone() };
    DeviceInfo { name, backend: info.backend.to_string(), kind: kind(&info) }
}

/// Storage buffers the largest kernel binds.
const STORAGE_BUFFERS: u32 = 7;
/// Invocations of the largest workgroup: what WebGPU grants everywhere.
const INVOCATIONS: u32 = 256;

fn report(adapter: &wgpu::Adapter) -> AdapterReport {
    let (info, features, limits) = (adapter.get_info(), adapter.features(), adapter.limits());
    let missing = if !adapter.get_downlevel_capabilities().flags.contains(wgpu::DownlevelFlags::COMPUTE_SHADERS) {
        Some("no compute shaders".to_owned())
    } else if limits.max_storage_buffers_per_shader_stage < STORAGE_BUFFERS {
        Some(format!("{} storage buffers a shader, {STORAGE_BUFFERS} needed", limits.max_storage_buffers_per_shader_stage))
    } else if limits.max_compute_invocations_per_workgroup < INVOCATIONS {
        Some(format!("workgroups of {} at most, {INVOCATIONS} needed", limits.max_compute_invocations_per_workgroup))
    } else {
        None
    };
    AdapterReport {
        info: describe(adapter),
        driver: [info.driver, info.driver_info].join(" ").trim().to_owned(),
        f16: features.contains(wgpu::Features::SHADER_F16),
        timestamps: features.contains(wgpu::Features::TIMESTAMP_QUERY),
        max_binding: limits.max_storage_buffer_binding_size,
        workgroup_memory: limits.max_compute_workgroup_storage_size,
        usable: missing.map_or(Ok(()), Err),
    }
}

/// Every adapter, real GPUs first.
pub async fn list_adapters() -> Vec<AdapterReport> {
    let mut reports: Vec<_> = adapters().await.iter().map(report).collect();
    reports.sort_by_key(|r| rank(r.info.kind));
    reports
}

/// Whether an adapter computes on the processor.
pub fn is_software(adapter: &wgpu::Adapter) -> bool {
    describe(adapter).kind == DeviceKind::Software
}

/// Every adapter; a browser tells of one only, and chooses it itself.
async fn adapters() -> Vec<wgpu::Adapter> {
    if cfg!(target_arch = "wasm32") {
        let options =
            wgpu::RequestAdapterOptions { power_preference: wgpu::PowerPreference::HighPerformance, ..Default::default() };
        return instance().request_adapter(&options).await.into_iter().collect();
    }
    instance().enumerate_adapters(wgpu::Backends::all()).await
}

fn rank(kind: DeviceKind) -> u32 {
    match kind {
        DeviceKind::DiscreteGpu => 0,
        DeviceKind::IntegratedGpu => 1,
        DeviceKind::OtherGpu => 2,
        DeviceKind::Software | DeviceKind::Cpu => 3,
    }
}

/// Opens the best usable adapter that `wanted` accepts: discrete before integrated before software. `None` where there is none.
///
/// # Errors
/// The driver refuses to open the device.
pub async fn open(wanted: impl Fn(&DeviceInfo) -> bool) -> Result<Option<Arc<Gpu>>> {
    let mut found: Vec<_> = adapters().await.into_iter().filter(|a| report(a).usable.is_ok() && wanted(&describe(a))).collect();
    found.sort_by_key(|a| rank(describe(a).kind));
    match found.first() {
        Some(adapter) => open_adapter(adapter).await.map(Some),
        None => Ok(None),
    }
}

async fn open_adapter(adapter: &wgpu::Adapter) -> Result<Arc<Gpu>> {
    let info = describe(adapter);
    let useful = wgpu::Features::SHADER_F16 | wgpu::Features::TIMESTAMP_QUERY | wgpu::Features::SUBGROUP;
    let useful = if kept::is_on() { useful | wgpu::Features::PIPELINE_CACHE } else { useful };
    let features = adapter.features() & useful;
    let limits = adapter.limits();
    let descriptor = wgpu::DeviceDescriptor {
        label: Some("etude"),
        required_features: features,
        required_limits: limits.clone(),
        memory_hints: wgpu::MemoryHints::MemoryUsage,
        ..Default::default()
    };
    #[cfg(target_arch = "wasm32")]
    crate::platform::ask_for_subgroups();
    let (device, queue) = adapter
        .request_device(&descriptor)
        .await
        .map_err(|e| Error::device(&info.name, format!("cannot be opened: {e}; try --device cpu")))?;
    let fault: Arc<Mutex<Option<Fault>>> = Arc::default();
    let note = |fault: &Arc<Mutex<Option<Fault>>>, text: String, lost: bool| {
        let mut noted = fault.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.is_none() || lost {
            *noted = Some(Fault { text, lost });
        }
    };
    let on_error = fault.clone();
    device.on_uncaptured_error(Arc::new(move |error| {
        let text = match &error {
            wgpu::Error::OutOfMemory { .. } => "out of memory; use a smaller --batch or --device cpu".to_owned(),
            // One line: the rest of wgpu's text is for its own developers.
            other => other.to_string().lines().map(str::trim).collect::<Vec<_>>().join(" "),
        };
        note(&on_error, text, false);
    }));
    let on_lost = fault.clone();
    device.set_device_lost_callback(move |reason, text| {
        // A browser's page or its tools may destroy a device that is in use; elsewhere only this program does.
        if cfg!(target_arch = "wasm32") || reason != wgpu::DeviceLostReason::Destroyed {
            note(&on_lost, format!("lost ({text}); start again, or use --device cpu"), true);
        }
    });
    #[cfg(target_arch = "wasm32")]
    let features = if crate::platform::has_subgroups() { features | wgpu::Features::SUBGROUP } else { features };
    let wide = DeviceClass::wide(&adapter.get_info(), features);
    let tunes = asked_to_tune().unwrap_or(info.kind != DeviceKind::Software);
    let class = wide.filter(|_| info.kind == DeviceKind::Software && !tunes).unwrap_or(DeviceClass::Tiled);
    let pipelines = PipelineStore::open(&device, &adapter.get_info()).await;
    Ok(Arc::new(Gpu {
        class,
        wide,
        f16: features.contains(wgpu::Features::SHADER_F16),
        timestamps: features.contains(wgpu::Features::TIMESTAMP_QUERY),
        device,
        queue,
        info,
        limits,
        pipelines,
        tuning: Tuning::new(tunes, &adapter.get_info()),
        counters: Counters::default(),
        fault,
    }))
}

/// What `ETUDE_TUNE` says, where it says something: 1 measures layers on a software driver, too, which then gets the kernels of GPUs; 0
/// on none.
#[cfg(not(target_arch = "wasm32"))]
fn asked_to_tune() -> Option<bool> {
    match crate::platform::variable("ETUDE_TUNE")?.trim() {
        "1" => Some(true),
        "0" => Some(false),
        _ => None,
    }
}

/// A page has no thread to measure on.
#[cfg(target_arch = "wasm32")]
fn asked_to_tune() -> Option<bool> {
    Some(false)
}

impl Gpu {
    /// The first fault the driver has reported, as an error.
    ///
    /// # Errors
    /// That fault.
    pub(super) fn check(&self) -> Result<()> {
        let mut noted = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        match noted.take() {
            None => Ok(()),
            Some(fault) => {
                let error = Error::device(&self.info.name, fault.text.clone());
                *noted = fault.lost.then_some(fault);
                Err(error)
            }
        }
    }

    /// Loses the device on purpose, as a driver reset would: for tests of what comes after.
    pub fn lose(&self) {
        self.device.destroy();
        let text = "lost (destroyed on purpose); start again, or use --device cpu".to_owned();
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = Some(Fault { text, lost: true });
    }

    /// The largest buffer a kernel may see, bytes.
    pub fn max_binding(&self) -> u64 {
        self.limits.max_storage_buffer_binding_size.min(self.limits.max_buffer_size)
    }

    /// The classes whose kernels run on this device: the tests go through them on a software driver.
    pub fn classes(&self) -> impl Iterator<Item = DeviceClass> + use<> {
        std::iter::once(DeviceClass::Tiled).chain(self.wide)
    }

    /// The same device with another of its [`Self::classes`].
    ///
    /// # Errors
    /// The device has executors already, or does not have the class.
    pub fn with_class(self: Arc<Self>, class: DeviceClass) -> Result<Arc<Self>> {
        let name = self.info.name.clone();
        if !self.classes().any(|its| its == class) {
            return Err(Error::device(&name, format!("has no kernels of class {class:?}: its subgroups do not suit")));
        }
        match Arc::try_unwrap(self) {
            Ok(gpu) => Ok(Arc::new(Self { class, ..gpu })),
            Err(_) => Err(Error::device(&name, "its class can be chosen only before its first executor")),
        }
    }
}
