//! Pickles inside PyTorch's checkpoints: read, but never run.

mod bytes;
mod literals;
mod machine;
mod objects;
mod values;
mod walk;

pub(super) use machine::{LONGEST_PICKLE, Unpickled, refused, unpickle, unpickle_whole};
pub(super) use values::{Node, TensorRef, Value};
pub(super) use walk::named_tensors;
