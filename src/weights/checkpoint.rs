//! PyTorch's .bin checkpoints: a zip whose members are stored uncompressed. `*/data.pkl` names the tensors, `*/data/N` holds the
//! numbers of each storage; see torch.save and caffe2/serialize/inline_container.h.

use super::{
    entry::{Entry, Strided, printable},
    pickle::{TensorRef, named_tensors, unpickle_whole},
};
use rawzip::{CompressionMethod, ZipArchive};
use std::{collections::BTreeMap, ops::Range};

/// How a zip begins.
pub(super) const MAGIC: &[u8] = b"PK\x03\x04";

/// The archive's members by name: where each one's bytes lie in the file.
type Members = BTreeMap<String, Range<usize>>;

/// The tensors of a checkpoint.
///
/// # Errors
/// One line: what is wrong with the archive or its pickle.
pub(super) fn read(bytes: &[u8]) -> Result<BTreeMap<String, Entry>, String> {
    let members = members(bytes)?;
    let (folder, pickle) = members
        .iter()
        .filter_map(|(name, range)| Some((name.strip_suffix("data.pkl")?, range)))
        .find(|(folder, _)| folder.is_empty() || folder.ends_with('/'))
        .ok_or("a zip without data.pkl, expected a PyTorch checkpoint; save model.state_dict() with torch.save")?;
    if let Some(order) = members.get(&format!("{folder}byteorder"))
        && &bytes[order.clone()] != b"little"
    {
        return Err("written on a big-endian machine, expected little-endian numbers; save it as safetensors there".to_owned());
    }
    let tensors = named_tensors(&unpickle_whole(&bytes[pickle.clone()])?)?;
    entries(bytes.len(), tensors, |key| members.get(&format!("{folder}data/{key}")).cloned())
}

/// The tensors of a pickle in a file of `length` bytes, whose `storage` of a name lies in it at some place.
///
/// # Errors
/// A tensor outside its storage, or without one.
pub(super) fn entries(
    length: usize,
    tensors: Vec<(String, TensorRef)>,
    storage: impl Fn(&str) -> Option<Range<usize>>,
) -> Result<BTreeMap<String, Entry>, String> {
    let mut entries = BTreeMap::new();
    // Names may share a storage, as tied layers do, and an average that has only begun; but a file cannot ask for much more memory than it
    // has bytes itself.
    let mut room = length.saturating_mul(4);
    for (name, tensor) in tensors {
        let storage = storage(&tensor.storage);
        let entry = storage.ok_or_else(|| "its numbers are missing from the archive".to_owned()).and_then(|s| entry(&tensor, &s));
        let entry = entry.map_err(|what| format!("tensor {}: {what}", printable(&name)))?;
        room = room
            .checked_sub(entry.bytes())
            .ok_or("its tensors overlap so much that they are larger than the file; save it as safetensors")?;
        entries.entry(name).or_insert(entry);
    }
    Ok(entries)
}

fn members(bytes: &[u8]) -> Result<Members, String> {
    let cut = |error: rawzip::Error| {
        format!("not a complete PyTorch checkpoint of {} bytes ({error}); download or export it again", bytes.len())
    };
    let archive = ZipArchive::from_slice(bytes).map_err(cut)?;
    let mut members = Members::new();
    let mut entries = archive.entries();
    let mut count = 0;
    while let Some(header) = entries.next_entry().map_err(cut)? {
        count += 1;
        let path = header.file_path();
        // torch.save writes ASCII; a member of another name is none of ours.
        let Ok(name) = std::str::from_utf8(path.as_ref()) else { continue };
        if header.compression_method() != CompressionMethod::STORE {
            return Err(format!("member {} is compressed, torch.save stores them as they are; save it again", printable(name)));
        }
        let (start, end) = archive.get_entry(header.wayfinder()).map_err(cut)?.compressed_data_range();
        members.insert(name.to_owned(), start as usize..end as usize);
    }
    let announced = archive.entries_hint();
    if count != announced {
        return Err(format!("a zip that lists {count} of {announced} members, so it is damaged; download or export it again"));
    }
    Ok(members)
}

/// Where a tensor's numbers lie, once everything is known to lie inside its storage.
fn entry(tensor: &TensorRef, storage: &Range<usize>) -> Result<Entry, String> {
    let TensorRef { dtype, storage_len, offset, shape, strides, .. } = tensor;
    let size = dtype.bitsize() / 8;
    let held = storage.len() / size;
    if *storage_len > held {
        return Err(format!("expected a storage of {storage_len} numbers, got {held}"));
    }
    let beyond = || format!("shape {shape:?} with strides {strides:?} from {offset} leaves its storage of {storage_len} numbers");
    let count = shape.iter().try_fold(1_usize, |n, side| n.checked_mul(*side)).ok_or_else(beyond)?;
    if count == 0 {
        return Ok(Entry { dtype: *dtype, shape: shape.clone(), range: storage.start..storage.start, file: 0, strided: None });
    }
    let reach = |(side, stride): (&usize, &usize)| (side - 1).checked_mul(*stride);
    let last = shape.iter().zip(strides).try_fold(*offset, |at, pair| at.checked_add(reach(pair)?)).ok_or_else(beyond)?;
    if last >= *storage_len || count > *storage_len {
        return Err(beyond());
    }
    let start = storage.start + offset * size;
    let end = storage.start + (last + 1) * size;
    // A side of length 1 may have any stride.
    let mut expected = 1;
    let contiguous = shape.iter().zip(strides).rev().all(|(side, stride)| {
        let fits = *side == 1 || *stride == expected;
        expected *= side;
        fits
    });
    let bytes = |(side, stride): (&usize, &usize)| if *side == 1 { 0 } else { stride * size };
    let strides = || shape.iter().zip(strides).map(bytes).collect();
    let strided = (!contiguous).then(|| Strided { sides: shape.clone(), strides: strides() });
    Ok(Entry { file: 0, dtype: *dtype, shape: shape.clone(), range: start..end, strided })
}
