//! Étude: Denoising Diffusion Implicit Models (Song, Meng, Ermon 2020) on any GPU.

pub mod backend;
pub mod cli;
pub mod cpu;
pub mod error;
pub mod files;
pub mod gpu;
pub mod latent;
pub mod model;
pub mod noise;
pub mod picture;
pub mod program;
pub mod sampler;
pub mod schedule;
pub mod tensors;
pub mod weights;

pub use error::{Error, Result};
