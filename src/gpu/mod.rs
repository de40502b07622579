//! The GPU executor: the recorded network as WGSL compute shaders through wgpu. The only folder that imports wgpu for compute.

mod constants;
mod device;
mod executor;
mod kept;
mod peak;
mod pipeline;
mod profile;
mod queue;
mod shader;
mod staging;
mod tune;
#[cfg(not(target_arch = "wasm32"))]
mod tuner;
mod tuning;

pub use constants::DeviceWeights;
pub use device::{AdapterReport, DeviceClass, Gpu, is_software, list_adapters, open};
pub use executor::GpuExecutor;
pub use kept::keep_in;
pub use peak::Peak;
pub use queue::Counts;
pub use shader::{ShaderSource, assemble, shader_sources};
pub use tune::{Dispatch, MAX_WORKGROUPS_PER_DIMENSION, candidates, dispatch};
pub use tuning::Choice;
