//! Pipelines, made at the first use of a shader variant and kept as long as the device; what the driver compiled on disk, where it lets
//! us, for the next start.

use super::{Gpu, kept, shader::assemble, tune::Dispatch};
use crate::error::Result;
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

/// A compute pipeline with its bind group layout.
#[derive(Debug)]
pub(super) struct Pipeline {
    pub pipeline: wgpu::ComputePipeline,
    pub layout: wgpu::BindGroupLayout,
}

/// What a binding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum BindingKind {
    Uniform,
    Read,
    Write,
}

/// All that distinguishes one pipeline from another. Whether shaders are checked does not: it is the same for the whole build.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    shader: &'static str,
    constants: Vec<(&'static str, u32)>,
    bindings: Vec<BindingKind>,
    f16: bool,
}

/// All pipelines of a device.
#[derive(Debug, Default)]
pub(super) struct PipelineStore {
    made: Mutex<HashMap<Key, Arc<Pipeline>>>,
    /// The driver's, where it has one that can be kept, and its file.
    cache: Option<(wgpu::PipelineCache, String)>,
    /// Whether it has more than the file.
    has_more: AtomicBool,
}

impl PipelineStore {
    /// With what the driver compiled before, where that can be kept.
    pub async fn open(device: &wgpu::Device, adapter: &wgpu::AdapterInfo) -> Self {
        let can = kept::is_on() && device.features().contains(wgpu::Features::PIPELINE_CACHE);
        let Some(_) = wgpu::util::pipeline_cache_key(adapter).filter(|_| can) else { return Self::default() };
        let file = format!("pipelines-{}.bin", kept::name_of(adapter));
        let data = kept::read_sealed(&file);
        let scope = device.push_error_scope(wgpu::ErrorFilter::Validation);
        let descriptor = wgpu::PipelineCacheDescriptor { label: Some("etude"), data: data.as_deref(), fallback: true };
        #[allow(
            unsafe_code,
            reason = "the checksum says that the data is what a cache gave; wgpu compares adapter and driver, and begins anew where they differ"
        )]
        let cache = unsafe { device.create_pipeline_cache(&descriptor) };
        match scope.pop().await {
            None => Self { cache: Some((cache, file)), ..Self::default() },
            Some(error) => {
                tracing::info!("pipelines are not kept: {error}");
                Self::default()
            }
        }
    }

    /// Writes what the driver compiled since the last time.
    pub fn keep(&self) {
        if let Some((cache, file)) = &self.cache
            && self.has_more.swap(false, Ordering::AcqRel)
            && let Some(data) = cache.get_data()
        {
            kept::write_sealed(file, &data);
        }
    }
}

impl Gpu {
    /// The pipeline of a shader variant with these bindings.
    ///
    /// # Errors
    /// The driver refuses it.
    pub(super) fn pipeline(&self, dispatch: &Dispatch, bindings: &[BindingKind], f16: bool) -> Result<Arc<Pipeline>> {
        let pipeline = self.pipeline_apart(dispatch, bindings, f16)?;
        self.check()?;
        Ok(pipeline)
    }

    /// As [`Self::pipeline`], without asking whether the driver refused it.
    ///
    /// # Errors
    /// A fault of this program.
    pub(super) fn pipeline_apart(&self, dispatch: &Dispatch, bindings: &[BindingKind], f16: bool) -> Result<Arc<Pipeline>> {
        let key = Key { shader: dispatch.shader, constants: dispatch.constants.clone(), bindings: bindings.to_vec(), f16 };
        let store = || self.pipelines.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = store().get(&key) {
            return Ok(found.clone());
        }
        // Unlocked meanwhile: a run does not wait for what is compiled to be measured.
        let made = Arc::new(self.make_pipeline(dispatch, bindings, f16)?);
        self.pipelines.has_more.store(true, Ordering::Release);
        Ok(store().entry(key).or_insert(made).clone())
    }

    fn make_pipeline(&self, dispatch: &Dispatch, bindings: &[BindingKind], f16: bool) -> Result<Pipeline> {
        let source = assemble(dispatch.shader, &dispatch.constants, f16)?;
        // Browsers ask for this line, and naga, which translates for all else, rejects it. That shuffles are called by whole subgroups they
        // cannot see where a loop's end is read from a buffer; the tests have shown it.
        #[cfg(target_arch = "wasm32")]
        let source = match self.class.subgroup() {
            Some(_) => format!("enable subgroups;\ndiagnostic(off, subgroup_uniformity);\n{source}"),
            None => source,
        };
        let descriptor =
            wgpu::ShaderModuleDescriptor { label: Some(dispatch.shader), source: wgpu::ShaderSource::Wgsl(source.into()) };
        // Debug builds, and so the tests, keep every check in the shaders; release builds trust what the tests have shown.
        let checked = cfg!(debug_assertions);
        let module = if checked {
            self.device.create_shader_module(descriptor)
        } else {
            #[allow(unsafe_code, reason = "the shaders are this program's own, and the tests run them with all checks on")]
            unsafe {
                self.device.create_shader_module_trusted(descriptor, wgpu::ShaderRuntimeChecks::unchecked())
            }
        };
        let entries: Vec<_> = bindings.iter().enumerate().map(|(i, kind)| layout_entry(i as u32, *kind)).collect();
        let layout = self
            .device
            .create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: Some(dispatch.shader), entries: &entries });
        let pipeline_layout = self.device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some(dispatch.shader),
            bind_group_layouts: &[Some(&layout)],
            immediate_size: 0,
        });
        let pipeline = self.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(dispatch.shader),
            layout: Some(&pipeline_layout),
            module: &module,
            entry_point: Some("main"),
            compilation_options: wgpu::PipelineCompilationOptions {
                zero_initialize_workgroup_memory: checked,
                ..Default::default()
            },
            cache: self.pipelines.cache.as_ref().map(|(cache, _)| cache),
        });
        Ok(Pipeline { pipeline, layout })
    }
}

fn layout_entry(binding: u32, kind: BindingKind) -> wgpu::BindGroupLayoutEntry {
    let ty = match kind {
        BindingKind::Uniform => wgpu::BufferBindingType::Uniform,
        BindingKind::Read => wgpu::BufferBindingType::Storage { read_only: true },
        BindingKind::Write => wgpu::BufferBindingType::Storage { read_only: false },
    };
    wgpu::BindGroupLayoutEntry {
        binding,
        visibility: wgpu::ShaderStages::COMPUTE,
        ty: wgpu::BindingType::Buffer { ty, has_dynamic_offset: false, min_binding_size: None },
        count: None,
    }
}
