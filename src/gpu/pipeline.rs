//! Pipelines, made at the first use of a shader variant and kept as long as the device.

use super::{Gpu, shader::assemble, tune::Dispatch};
use crate::error::Result;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
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
pub(super) struct PipelineStore(Mutex<HashMap<Key, Arc<Pipeline>>>);

impl Gpu {
    /// The pipeline of a shader variant with these bindings.
    ///
    /// # Errors
    /// The driver refuses it.
    pub(super) fn pipeline(&self, dispatch: &Dispatch, bindings: &[BindingKind], f16: bool) -> Result<Arc<Pipeline>> {
        let key = Key { shader: dispatch.shader, constants: dispatch.constants.clone(), bindings: bindings.to_vec(), f16 };
        let mut store = self.pipelines.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = store.get(&key) {
            return Ok(found.clone());
        }
        let made = Arc::new(self.make_pipeline(dispatch, bindings, f16)?);
        self.check()?;
        store.insert(key, made.clone());
        Ok(made)
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
            cache: None,
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
