//! A weights file's bytes -> named tensors, checked for name, shape, type and finiteness, as f32. It reads .safetensors and PyTorch's
//! checkpoints (.bin, .pt, .pth, .ckpt), a zip or from before 1.6; every tensor stays where it is in the file until it is asked for.

mod checkpoint;
mod entry;
mod old_checkpoint;
mod pickle;

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

/// The content of one .safetensors file or PyTorch checkpoint, or of several that share a model's tensors.
#[derive(Debug)]
pub struct Weights {
    origin: PathBuf,
    files: Vec<Part>,
    tensors: BTreeMap<String, Entry>,
}

/// A file as it was read.
#[derive(Debug)]
struct Part {
    origin: PathBuf,
    bytes: Vec<u8>,
}

/// How a tensor of another code becomes one of ours.
#[derive(Clone, Debug)]
pub struct Renamed {
    /// What it is called in the file.
    pub from: String,
    /// What it shall be called.
    pub to: String,
    /// The part of its rows that is meant, where it is not all of them.
    pub rows: Option<Rows>,
}

/// Some of a tensor's rows: these are `heads` groups of `parts` equal parts, of which `part` of every group is meant.
#[derive(Clone, Copy, Debug)]
pub struct Rows {
    /// Groups.
    pub heads: usize,
    /// Parts of a group.
    pub parts: usize,
    /// Which of them.
    pub part: usize,
}

/// What lies in a clone of a repository in the place of its large files, unless git-lfs has fetched them.
const LFS_POINTER: &[u8] = b"version https://git-lfs";
/// How files begin that are something else.
const OTHER_FILES: [(&[u8], &str); 8] = [
    (b"\x89HDF", "an HDF5 file (Keras or an old TensorFlow), not a PyTorch checkpoint"),
    (b"\x89PNG", "a picture, not weights"),
    (b"\x1f\x8b", "compressed with gzip, expected the checkpoint itself; unpack it first"),
    (b"GGUF", "a GGUF file, expected safetensors or a PyTorch checkpoint"),
    (b"<!DOCTYPE", "a web page, not weights; download it again"),
    (b"<!doctype", "a web page, not weights; download it again"),
    (b"<html", "a web page, not weights; download it again"),
    (b"\x93NUMPY", "a NumPy array, expected safetensors or a PyTorch checkpoint"),
];
/// Endings of PyTorch's checkpoints.
const CHECKPOINTS: [&str; 5] = ["bin", "pt", "pth", "ckpt", "pkl"];

impl Weights {
    /// Takes a whole file's bytes; `origin` is what messages call it. The bytes say themselves which format they are.
    ///
    /// # Errors
    /// A file that is cut short or damaged, or one without names and tensors.
    pub fn from_bytes(bytes: Vec<u8>, origin: impl AsRef<Path>) -> Result<Self> {
        let origin = origin.as_ref().to_owned();
        let tensors = tensors(&bytes, &origin).map_err(|what| Error::file(&origin, what))?;
        Ok(Self { files: vec![Part { origin: origin.clone(), bytes }], origin, tensors })
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

    /// Reads the files that an index names, in its folder, each with the tensors that should be in it.
    ///
    /// # Errors
    /// As [`Self::open`], for each; a tensor that is missing from its file or is in two of them.
    pub fn open_shards(index: &Path, parts: &BTreeMap<String, Vec<String>>) -> Result<Self> {
        let folder = index.parent().unwrap_or(Path::new(""));
        let mut all = Self { origin: index.to_owned(), files: Vec::new(), tensors: BTreeMap::new() };
        for (name, expected) in parts {
            let path = folder.join(name);
            let shard = Self::open(&path)?;
            if let Some(missing) = expected.iter().find(|tensor| !shard.tensors.contains_key(*tensor)) {
                let what = format!("tensor {} is missing, which {} says is here", printable(missing), index.display());
                return Err(Error::file(path, what));
            }
            let file = all.files.len();
            for (tensor, entry) in shard.tensors {
                if let Some(other) = all.tensors.insert(tensor.clone(), Entry { file, ..entry }) {
                    let first = all.files[other.file].origin.display();
                    return Err(Error::file(path, format!("tensor {} is in {first} as well", printable(&tensor))));
                }
            }
            all.files.extend(shard.files);
        }
        Ok(all)
    }

    /// Only the tensors whose names begin with `prefix`, by the rest of their names.
    #[must_use]
    pub fn behind(mut self, prefix: &str) -> Self {
        let tensors = std::mem::take(&mut self.tensors).into_iter();
        self.tensors = tensors.filter_map(|(name, entry)| Some((name.strip_prefix(prefix)?.to_owned(), entry))).collect();
        self
    }

    /// Other names for the tensors; what `renamed` does not name goes. Nothing is copied.
    ///
    /// # Errors
    /// A missing tensor, or one whose rows cannot be divided so.
    pub fn renamed(mut self, renamed: Vec<Renamed>) -> Result<Self> {
        let mut tensors = BTreeMap::new();
        for Renamed { from, to, rows } in renamed {
            let bad = |what: String| Error::file(&self.origin, format!("tensor {}{what}", printable(&from)));
            let entry = self.tensors.get(&from).ok_or_else(|| bad(" is missing".to_owned()))?;
            let entry = match rows {
                None => entry.clone(),
                Some(rows) => entry.rows(rows.heads, rows.parts, rows.part).ok_or_else(|| {
                    bad(format!(": expected rows that make {} times {} parts, got shape {:?}", rows.heads, rows.parts, entry.shape))
                })?,
            };
            tensors.insert(to, entry);
        }
        self.tensors = tensors;
        Ok(self)
    }

    /// What messages call the file.
    pub fn origin(&self) -> &Path {
        &self.origin
    }

    /// How many files they are in.
    pub fn files(&self) -> usize {
        self.files.len()
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

    /// CRC-32 of the whole file, or of all files one behind the other: tells two sets of weights apart.
    pub fn crc32(&self) -> u32 {
        let mut hasher = crc32fast::Hasher::new();
        for file in &self.files {
            hasher.update(&file.bytes);
        }
        hasher.finalize()
    }

    /// Scalars of all tensors.
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
        let bytes = self.files.get(entry.file).map(|file| file.bytes.as_slice());
        let data = bytes.and_then(|b| b.get(entry.range.clone())).ok_or_else(|| bad(": its data lies outside the file"))?;
        let data = match &entry.strided {
            None => Cow::Borrowed(data),
            Some(strided) => Cow::Owned(gather(data, &strided.sides, &strided.strides, entry.dtype.bitsize() / 8)),
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

/// The tensors in a file's bytes, whichever format they say they are.
fn tensors(bytes: &[u8], origin: &Path) -> Result<BTreeMap<String, Entry>, String> {
    if bytes.starts_with(checkpoint::MAGIC) {
        return checkpoint::read(bytes);
    }
    if bytes.starts_with(old_checkpoint::MAGIC) {
        return old_checkpoint::read(bytes);
    }
    if bytes.starts_with(LFS_POINTER) {
        return Err("a Git LFS pointer, not the file itself; fetch it with git lfs pull".to_owned());
    }
    if let Some((_, what)) = OTHER_FILES.iter().find(|(start, _)| bytes.starts_with(start)) {
        return Err(format!("not a complete safetensors file of {} bytes but {what}", bytes.len()));
    }
    let is_checkpoint = origin.extension().is_some_and(|e| CHECKPOINTS.iter().any(|known| e.eq_ignore_ascii_case(known)));
    // A header's length, then its brace: safetensors under another name.
    if is_checkpoint && bytes.get(8) != Some(&b'{') {
        let pickled = if bytes.first() == Some(&0x80) { "a pickle without torch's storages, " } else { "" };
        let what = format!("{pickled}not a PyTorch checkpoint (a zip) of {} bytes; download or export it again", bytes.len());
        return Err(what);
    }
    safetensors(bytes)
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
        (name, Entry { file: 0, dtype: info.dtype, shape: info.shape.clone(), range, strided: None })
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
