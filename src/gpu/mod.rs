//! The GPU executor: the recorded network as WGSL compute shaders through wgpu. The only folder that imports wgpu for compute.

mod constants;
mod device;
mod engine;
mod peak;
mod pipeline;
mod precision;
mod profile;
mod readback;
mod shader;
mod tune;

pub use device::{AdapterReport, DeviceClass, Gpu, is_software, list_adapters, open};
pub use engine::GpuExecutor;
pub use peak::Peak;
pub use precision::Precision;
pub use shader::{ShaderSource, assemble, shader_sources};
pub use tune::{Dispatch, MAX_WORKGROUPS_PER_DIMENSION, dispatch};
