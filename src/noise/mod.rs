//! Normal noise from counters: a value depends on (seed, stream, picture, step, place) alone, not on what was drawn before it.
//!
//! So the same recipe gives the same pictures in any batch, on any device and in any order, and a picture changes smoothly with η.
//! [`philox`] is the counter-based generator, [`gaussian`] makes normals of its words; `shaders/shared/philox.wgsl` is the twin of
//! both. [`path`] makes a step's noise of the time that the step covers in the place of its index. [`torch`] imitates torch's own generator for runs that must start from its x_T.

pub mod gaussian;
pub mod path;
pub mod philox;
pub mod torch;

pub use gaussian::{STREAM_STEP, STREAM_X_T, fill_nchw, normal_c4, sums_c4};
pub use path::{PathInterval, STREAM_PATH, fill_path_nchw};
pub use philox::philox4x32_10;
