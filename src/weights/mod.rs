//! A weights file's bytes -> named tensors, checked for name, shape, type and finiteness, as f32. It reads .safetensors and PyTorch's
//! .bin; every tensor stays where it is in the file until it is asked for.

mod checkpoint;
mod entry;
mod pickle;
mod pickle_bytes;

use crate::{
    error::{Error, Result},
    files,
};
use entry::{Entry, printable};
use half::{bf16, f16};
use safetensors::{Dtype, SafeTensors};
use std::{
    borrow::Cow,
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// The content of one .safetensors or .bin file.
#[derive(Debug)]
pub struct Weights {
    origin: PathBuf,
    bytes: Vec<u8>,
    tensors: BTreeMap<String, Entry>,
}

/// What torch.save wrote before PyTorch 1.6 begins with: a pickled number, in protocol 2.
const OLD_CHECKPOINT: &[u8] = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.";
/// What lies in a clone of a repository in the place of its large files, unless git-lfs has fetched them.
const LFS_POINTER: &[u8] = b"version https://git-lfs";

impl Weights {
    /// Takes a whole file's bytes; `origin` is what messages call it. The bytes say themselves which format they are.
    ///
    /// # Errors
    /// A file that is cut short or damaged, or one that holds more than names and tensors.
    pub fn from_bytes(bytes: Vec<u8>, origin: impl AsRef<Path>) -> Result<Self> {
        let origin = origin.as_ref().to_owned();
        let tensors = if bytes.starts_with(checkpoint::MAGIC) {
            checkpoint::read(&bytes)
        } else if bytes.starts_with(OLD_CHECKPOINT) {
            Err("a checkpoint in PyTorch's format from before 1.6, expected its zip format; load it and save it again".to_owned())
        } else if bytes.starts_with(LFS_POINTER) {
            Err("a Git LFS pointer, not the file itself; fetch it with git lfs pull".to_owned())
        } else if origin.extension().is_some_and(|e| e == "bin" || e == "pt" || e == "pth") {
            Err(format!("not a PyTorch checkpoint (a zip) of {} bytes; download or export it again", bytes.len()))
        } else {
            safetensors(&bytes)
        };
        let tensors = tensors.map_err(|what| Error::file(&origin, what))?;
        Ok(Self { origin, bytes, tensors })
    }

    /// Reads a file.
    ///
    /// # Errors
    /// The file cannot be read or is no plain file, or as [`Self::from_bytes`].
    pub fn open(path: &Path) -> Result<Self> {
        // A device such as /dev/zero has no end.
        if matches!(files::plain_size(path), Ok(None)) {
            return Err(Error::file(path, "expected a file with tensors, got a folder or a device"));
        }
        let bytes = files::read(path).map_err(|e| Error::file(path, format!("cannot be read: {e}")))?;
        Self::from_bytes(bytes, path)
    }

    /// What messages call the file.
    pub fn origin(&self) -> &Path {
        &self.origin
    }

    /// The names in the file, sorted.
    pub fn names(&self) -> Vec<String> {
        self.tensors.keys().cloned().collect()
    }

    /// Whether a tensor of this name exists.
    pub fn contains(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// The shape of a tensor.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.tensors.get(name).map(|entry| entry.shape.as_slice())
    }

    /// The element type of a tensor, as safetensors spells it.
    pub fn dtype(&self, name: &str) -> Option<String> {
        self.tensors.get(name).map(|entry| format!("{:?}", entry.dtype))
    }

    /// CRC-32 of the whole file: tells two sets of weights apart.
    pub fn crc32(&self) -> u32 {
        crc32fast::hash(&self.bytes)
    }

    /// Scalars in the whole file.
    pub fn parameters(&self) -> u64 {
        self.tensors.values().map(|entry| entry.count() as u64).sum()
    }

    /// A tensor of exactly this shape as f32, row-major. Leading or trailing axes of length one may be missing or more in the file
    /// where `loose` is set (old attention weights are stored `[C, C, 1, 1]`).
    ///
    /// # Errors
    /// A missing name, another shape, an integer type, a NaN or an infinity; the message names the tensor, expected and got.
    pub fn get(&self, name: &str, shape: &[usize], loose: bool) -> Result<Vec<f32>> {
        let bad = |what: String| Error::file(&self.origin, what);
        let got = self.shape(name).ok_or_else(|| bad(format!("tensor {name} of shape {shape:?} is missing")))?;
        let squeeze = |s: &[usize]| s.iter().copied().filter(|&n| n != 1).collect::<Vec<_>>();
        if got != shape && !(loose && squeeze(got) == squeeze(shape)) {
            return Err(bad(format!("tensor {name}: expected shape {shape:?}, got {got:?}")));
        }
        let values = self.floats(name)?;
        if let Some(i) = values.iter().position(|v| !v.is_finite()) {
            return Err(bad(format!("tensor {name}: expected finite numbers, got {} at index {i}", values[i])));
        }
        Ok(values)
    }

    /// A tensor's type and its bytes, row-major without gaps.
    fn raw(&self, name: &str) -> Result<(Dtype, Cow<'_, [u8]>)> {
        let bad = |what: &str| Error::file(&self.origin, format!("tensor {name}{what}"));
        let entry = self.tensors.get(name).ok_or_else(|| bad(" is missing"))?;
        let data = self.bytes.get(entry.range.clone()).ok_or_else(|| bad(": its data lies outside the file"))?;
        let data = match &entry.strides {
            None => Cow::Borrowed(data),
            Some(strides) => Cow::Owned(gather(data, &entry.shape, strides, entry.dtype.bitsize() / 8)),
        };
        Ok((entry.dtype, data))
    }

    /// A floating point tensor of any shape as f32, NaN and all.
    ///
    /// # Errors
    /// A missing name or a type other than f16, bf16, f32 and f64.
    pub fn floats(&self, name: &str) -> Result<Vec<f32>> {
        let (dtype, data) = self.raw(name)?;
        let data = data.as_ref();
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
        let data = data.as_ref();
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

/// The tensors of a .safetensors file; the library checks that its offsets leave no gap, do not overlap and fit the file.
fn safetensors(bytes: &[u8]) -> Result<BTreeMap<String, Entry>, String> {
    let cut = |e: safetensors::SafeTensorError| {
        let why = printable(&e.to_string());
        format!("not a complete safetensors file of {} bytes ({why}); download or export it again", bytes.len())
    };
    let (header, metadata) = SafeTensors::read_metadata(bytes).map_err(cut)?;
    // The header follows its own length, eight bytes.
    let entry = |(name, info): (String, &safetensors::tensor::TensorInfo)| {
        let (start, end) = info.data_offsets;
        let range = header + 8 + start..header + 8 + end;
        (name, Entry { dtype: info.dtype, shape: info.shape.clone(), range, strides: None })
    };
    Ok(metadata.tensors().into_iter().map(entry).collect())
}

/// The elements of `size` bytes that `shape` and `strides` (in bytes) pick from `data`, row by row. The caller has checked that none
/// lies outside; one that did would be left out.
fn gather(data: &[u8], shape: &[usize], strides: &[usize], size: usize) -> Vec<u8> {
    let count: usize = shape.iter().product();
    let mut gathered = Vec::with_capacity(count * size);
    let mut index = vec![0; shape.len()];
    let mut at = 0;
    for _ in 0..count {
        gathered.extend_from_slice(data.get(at..at + size).unwrap_or_default());
        // Count up as an odometer does, the last dimension first.
        for d in (0..shape.len()).rev() {
            index[d] += 1;
            at += strides[d];
            if index[d] < shape[d] {
                break;
            }
            at -= shape[d] * strides[d];
            index[d] = 0;
        }
    }
    gathered
}

/// The fixed-size pieces of a byte slice; a rest that does not fill one is dropped (safetensors has checked the length).
fn chunks<const N: usize>(data: &[u8]) -> impl Iterator<Item = [u8; N]> + '_ {
    data.as_chunks::<N>().0.iter().copied()
}
