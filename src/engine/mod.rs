//! A model on a device: its weights are uploaded once, however many programs (batch, size) are recorded of it; batches that are not full
//! are padded. The command line and the session take their steps through here and through nothing else.
//!
//! [`Engine::sample`] takes some images at a time through all their steps, x on the device from the first to the last; [`Groups`] lets
//! groups of images with schedules of their own advance together, a step at a time, for a viewer that shows every step.

mod encoding;
mod groups;
mod programs;
mod sampling;

pub use encoding::{Encode, Encoding};
pub use groups::{Group, GroupStep, Groups, Order, Stem};
pub use programs::{AroundExecutor, Network};
pub use sampling::{Engine, OnImages, OnStep, Run};
