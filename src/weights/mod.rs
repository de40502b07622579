//! safetensors bytes -> named tensors, checked for name, shape, type and finiteness, as f32.

use crate::error::{Error, Result};
use half::{bf16, f16};
use safetensors::{Dtype, SafeTensors, tensor::Metadata};
use std::path::{Path, PathBuf};

/// The content of one .safetensors file.
#[derive(Debug)]
pub struct Weights {
    origin: PathBuf,
    bytes: Vec<u8>,
    data_start: usize,
    metadata: Metadata,
}

impl Weights {
    /// Takes a whole file's bytes; `origin` is what messages call it.
    ///
    /// # Errors
    /// A header that is truncated, not JSON, or whose offsets do not match the file's length.
    pub fn from_bytes(bytes: Vec<u8>, origin: impl AsRef<Path>) -> Result<Self> {
        let origin = origin.as_ref().to_owned();
        let bad = |what: String| Error::file(&origin, what);
        // Checks that the data is as long as the header says.
        SafeTensors::deserialize(&bytes).map_err(|e| {
            bad(format!("not a complete safetensors file of {} bytes ({e}); download or export it again", bytes.len()))
        })?;
        let (header, metadata) = SafeTensors::read_metadata(&bytes).map_err(|e| bad(format!("safetensors header: {e}")))?;
        Ok(Self { origin, bytes, data_start: header + 8, metadata })
    }

    /// Reads a file.
    ///
    /// # Errors
    /// The file cannot be read, or as [`Self::from_bytes`].
    pub fn open(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|e| Error::file(path, format!("cannot be read: {e}")))?;
        Self::from_bytes(bytes, path)
    }

    /// What messages call the file.
    pub fn origin(&self) -> &Path {
        &self.origin
    }

    /// The names in the file, sorted.
    pub fn names(&self) -> Vec<String> {
        let mut names = self.metadata.offset_keys();
        names.sort();
        names
    }

    /// Whether a tensor of this name exists.
    pub fn contains(&self, name: &str) -> bool {
        self.metadata.info(name).is_some()
    }

    /// The shape of a tensor.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.metadata.info(name).map(|info| info.shape.as_slice())
    }

    /// The element type of a tensor, as safetensors spells it.
    pub fn dtype(&self, name: &str) -> Option<String> {
        self.metadata.info(name).map(|info| format!("{:?}", info.dtype))
    }

    /// CRC-32 of the whole file: tells two sets of weights apart.
    pub fn crc32(&self) -> u32 {
        crc32fast::hash(&self.bytes)
    }

    /// Scalars in the whole file.
    pub fn parameters(&self) -> u64 {
        self.metadata.tensors().values().map(|info| info.shape.iter().product::<usize>() as u64).sum()
    }

    /// A tensor of exactly this shape as f32, row-major. Leading or trailing axes of length one may be missing or more in the file
    /// where `loose` is set (old attention weights are stored `[C, C, 1, 1]`).
    ///
    /// # Errors
    /// A missing name, another shape, an integer type, a NaN or an infinity; the message names the tensor, expected and got.
    pub fn get(&self, name: &str, shape: &[usize], loose: bool) -> Result<Vec<f32>> {
        let bad = |what: String| Error::file(&self.origin, what);
        let info = self.metadata.info(name).ok_or_else(|| bad(format!("tensor {name} of shape {shape:?} is missing")))?;
        let squeeze = |s: &[usize]| s.iter().copied().filter(|&n| n != 1).collect::<Vec<_>>();
        if info.shape != shape && !(loose && squeeze(&info.shape) == squeeze(shape)) {
            return Err(bad(format!("tensor {name}: expected shape {shape:?}, got {:?}", info.shape)));
        }
        let values = self.floats(name)?;
        if let Some(i) = values.iter().position(|v| !v.is_finite()) {
            return Err(bad(format!("tensor {name}: expected finite numbers, got {} at index {i}", values[i])));
        }
        Ok(values)
    }

    fn raw(&self, name: &str) -> Result<(Dtype, &[u8])> {
        let info = self.metadata.info(name).ok_or_else(|| Error::file(&self.origin, format!("tensor {name} is missing")))?;
        let (start, end) = info.data_offsets;
        let data = self.bytes.get(self.data_start + start..self.data_start + end);
        let data = data.ok_or_else(|| Error::file(&self.origin, format!("tensor {name}: its data lies outside the file")))?;
        Ok((info.dtype, data))
    }

    /// A floating point tensor of any shape as f32, NaN and all.
    ///
    /// # Errors
    /// A missing name or a type other than f16, bf16, f32 and f64.
    pub fn floats(&self, name: &str) -> Result<Vec<f32>> {
        let (dtype, data) = self.raw(name)?;
        Ok(match dtype {
            Dtype::F32 => chunks(data).map(f32::from_le_bytes).collect(),
            Dtype::F16 => chunks(data).map(|b| f16::from_le_bytes(b).to_f32()).collect(),
            Dtype::BF16 => chunks(data).map(|b| bf16::from_le_bytes(b).to_f32()).collect(),
            Dtype::F64 => chunks(data).map(|b| f64::from_le_bytes(b) as f32).collect(),
            other => {
                return Err(Error::file(
                    &self.origin,
                    format!("tensor {name}: expected f32, f16, bf16 or f64 numbers, got {other:?}"),
                ));
            }
        })
    }

    /// A tensor of any integer or floating point type as f64.
    ///
    /// # Errors
    /// A missing name or a type that is no number.
    pub fn numbers(&self, name: &str) -> Result<Vec<f64>> {
        let (dtype, data) = self.raw(name)?;
        Ok(match dtype {
            Dtype::I64 => chunks(data).map(|b| i64::from_le_bytes(b) as f64).collect(),
            Dtype::I32 => chunks(data).map(|b| i32::from_le_bytes(b).into()).collect(),
            Dtype::I16 => chunks(data).map(|b| i16::from_le_bytes(b).into()).collect(),
            Dtype::I8 => chunks(data).map(|b| i8::from_le_bytes(b).into()).collect(),
            Dtype::U64 => chunks(data).map(|b| u64::from_le_bytes(b) as f64).collect(),
            Dtype::U32 => chunks(data).map(|b| u32::from_le_bytes(b).into()).collect(),
            Dtype::U16 => chunks(data).map(|b| u16::from_le_bytes(b).into()).collect(),
            Dtype::U8 => chunks(data).map(|[b]: [u8; 1]| b.into()).collect(),
            Dtype::F64 => chunks(data).map(f64::from_le_bytes).collect(),
            _ => self.floats(name)?.into_iter().map(f64::from).collect(),
        })
    }
}

/// The fixed-size pieces of a byte slice; a rest that does not fill one is dropped (safetensors has checked the length).
fn chunks<const N: usize>(data: &[u8]) -> impl Iterator<Item = [u8; N]> + '_ {
    data.as_chunks::<N>().0.iter().copied()
}
