//! What torch.save wrote before PyTorch 1.6, and still writes where asked: pickles one behind the other, then the storages' numbers; see
//! _legacy_save in torch/serialization.py.

use super::{
    checkpoint::entries,
    entry::Entry,
    pickle::{LONGEST_PICKLE, Node, Unpickled, Value, named_tensors, refused, unpickle},
};
use std::{
    collections::{BTreeMap, HashMap},
    ops::Range,
};

/// What such a file begins with: a pickled number, in protocol 2.
pub(super) const MAGIC: &[u8] = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.";

/// The tensors of a checkpoint: magic number, protocol, facts of the system, the pickle itself, the storages' keys; then for each key
/// how many numbers it has, and they.
///
/// # Errors
/// One line: what is wrong with one of them.
pub(super) fn read(bytes: &[u8]) -> Result<BTreeMap<String, Entry>, String> {
    let mut at = MAGIC.len();
    // The protocol is 1001 in every version.
    next(bytes, &mut at)?;
    let system = next(bytes, &mut at)?;
    if is_big_endian(&system) {
        return Err("written on a big-endian machine, expected little-endian numbers; save it as safetensors there".to_owned());
    }
    let pickle = next(bytes, &mut at)?;
    let tensors = named_tensors(&pickle)?;
    let keys = next(bytes, &mut at)?;
    let sizes = element_sizes(&pickle)?;
    let Value::Node(list) = keys.root else { return Err(keys.input.broken()) };
    let Node::List(list) = &keys.nodes[list] else { return Err(keys.input.broken()) };
    let mut storages: HashMap<String, Range<usize>> = HashMap::new();
    for key in list {
        let key = keys.text(*key)?;
        let size = sizes.get(&key).copied().unwrap_or(1);
        let cut = || format!("breaks off at byte {} in the numbers of storage {key}; download or export it again", bytes.len());
        let count = bytes.get(at..at + 8).and_then(|b| b.try_into().ok()).map(u64::from_le_bytes).ok_or_else(cut)?;
        let start = at + 8;
        let length = usize::try_from(count).ok().and_then(|count| count.checked_mul(size));
        let end = length.and_then(|length| start.checked_add(length)).filter(|end| *end <= bytes.len()).ok_or_else(cut)?;
        storages.insert(key, start..end);
        at = end;
    }
    entries(bytes.len(), tensors, |key| storages.get(key).cloned())
}

/// The pickle at `at`, which then is behind it.
fn next<'b>(bytes: &'b [u8], at: &mut usize) -> Result<Unpickled<'b>, String> {
    let rest = &bytes[(*at).min(bytes.len())..];
    let pickle = unpickle(&rest[..rest.len().min(LONGEST_PICKLE)])?;
    *at += pickle.length;
    Ok(pickle)
}

/// Whether the facts of the system say so.
fn is_big_endian(system: &Unpickled) -> bool {
    let Value::Node(root) = system.root else { return false };
    let Node::Dict(facts) = &system.nodes[root] else { return false };
    facts
        .iter()
        .any(|(key, value)| matches!(value, Value::Bool(false)) && system.text(*key).is_ok_and(|key| key == "little_endian"))
}

/// Bytes of a number in each storage, of tensors that are wanted and of others.
fn element_sizes(pickle: &Unpickled) -> Result<HashMap<String, usize>, String> {
    let mut sizes = HashMap::new();
    for node in &pickle.nodes {
        match node {
            Node::Storage { dtype, key, .. } => drop(sizes.insert(pickle.text(*key)?, dtype.bitsize() / 8)),
            // Where numbers of a kind we know nothing of end cannot be told.
            Node::Object { class, .. } => {
                let name = pickle.classes.get(*class as usize).map_or("", String::as_str);
                if name.starts_with("torch.") && name.ends_with("Storage") {
                    return Err(refused(name));
                }
            }
            _ => {}
        }
    }
    Ok(sizes)
}
