//! Writing .safetensors files of results.

use crate::{error::Result, files};
use safetensors::{Dtype, tensor::TensorView};
use std::{
    io::{self, Write},
    path::Path,
};

/// One tensor to write.
#[derive(Clone, Debug)]
pub enum Values {
    /// f32.
    F32(Vec<f32>),
    /// i64.
    I64(Vec<i64>),
}

/// Writes named tensors with their shapes into the file at `path`, which appears whole or not at all.
///
/// # Errors
/// A shape that does not fit its values, a number that is not finite, or a file that cannot be written.
pub fn write(path: &Path, tensors: &[(&str, Vec<usize>, Values)]) -> Result<()> {
    files::write_atomically(path, |w| encode(w, tensors))
}

/// As [`write()`], to anywhere.
///
/// # Errors
/// A shape that does not fit its values, a number that is not finite, or what writing returns.
pub fn encode(mut w: impl Write, tensors: &[(&str, Vec<usize>, Values)]) -> io::Result<()> {
    let mut views = Vec::with_capacity(tensors.len());
    for (name, shape, values) in tensors {
        // Whoever computed them has looked already and knows more to say; this is for whoever forgets.
        if let Values::F32(v) = values
            && let Some(i) = v.iter().position(|v| !v.is_finite())
        {
            return Err(files::refusal(format!("tensor {name}: expected finite numbers, got {} at index {i}", v[i])));
        }
        let (dtype, bytes) = match values {
            Values::F32(v) => (Dtype::F32, bytemuck::cast_slice(v.as_slice())),
            Values::I64(v) => (Dtype::I64, bytemuck::cast_slice(v.as_slice())),
        };
        let view = TensorView::new(dtype, shape.clone(), bytes);
        views.push((*name, view.map_err(|e| files::refusal(format!("tensor {name}: {e}")))?));
    }
    let bytes = safetensors::serialize(views, None).map_err(|e| files::refusal(e.to_string()))?;
    w.write_all(&bytes)
}
