//! Files that are wrong in every way we could think of, and in random ways: each loader answers with a value or one line of text,
//! soon and in little memory. `corpus/` holds what once mattered; `ETUDE_FUZZ=100` tries a hundred times as many random files.

mod corpus;
mod files;
mod json;
mod models;
mod pictures;

use etude::{Result, weights::Weights};
use peak_alloc::PeakAlloc;
use proptest::{prelude::*, sample::Index};
use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// What all tests of this binary together may hold. The largest file they load has 2 MB; the most a hostile pickle of that size makes is
/// about 150 MB, and tests run side by side.
const MAX_MEGABYTES: f32 = 500.0;
/// The slowest is a network's evaluation; loading takes milliseconds. Other tests share the cores.
const LONGEST: Duration = Duration::from_secs(5);

/// Runs a loader, which must not panic, take long or take much memory; its error, if that is what it answers, must be one line.
fn harmless<T>(what: &str, load: impl FnOnce() -> Result<T>) -> Result<T, String> {
    let start = Instant::now();
    let answer = load().map_err(|error| error.to_string());
    let (took, megabytes) = (start.elapsed(), MEMORY.peak_usage_as_mb());
    assert!(took < LONGEST, "{what}: took {took:?}");
    assert!(megabytes < MAX_MEGABYTES, "{what}: memory rose to {megabytes} MB");
    if let Err(error) = &answer {
        assert!(!error.is_empty() && !error.contains(['\n', '\r']) && error.len() < 2000, "{what}: {error}");
    }
    answer
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

fn cases(count: u32) -> ProptestConfig {
    let times = std::env::var("ETUDE_FUZZ").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    // What fails belongs into the corpus, not into a file of seeds.
    ProptestConfig { cases: count * times, max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default() }
}

/// Reads everything in a weights file that reads without an error, as each kind of number.
fn read_all(weights: &Weights) -> usize {
    let names = weights.names();
    for name in &names {
        let shape = weights.shape(name).expect("listed").to_vec();
        for result in [
            weights.floats(name).map(|v| v.len()),
            weights.numbers(name).map(|v| v.len()),
            weights.get(name, &shape, true).map(|v| v.len()),
        ]
        .into_iter()
        .flatten()
        {
            assert_eq!(result, shape.iter().product::<usize>(), "{name}");
        }
    }
    weights.parameters() as usize + names.len()
}

/// One change to a file's bytes. Where it strikes: `Index` of the first or last 4 KiB (headers and directories), or of the whole.
#[derive(Clone, Debug)]
enum Edit {
    Set(u8),
    Number(u64),
    Insert(Vec<u8>),
    Remove(u16),
    Cut,
}

/// Numbers that counters, sizes and offsets dislike.
const EDGES: [u64; 10] = [0, 1, 7, 0x7f, 0xff, 0xffff, 0x7fff_ffff, 0xffff_ffff, i64::MAX as u64, u64::MAX];

fn edits() -> impl Strategy<Value = Vec<(Edit, Index, u8)>> {
    let edit = prop_oneof![
        4 => any::<u8>().prop_map(Edit::Set),
        3 => prop::sample::select(EDGES.to_vec()).prop_map(Edit::Number),
        1 => prop::collection::vec(any::<u8>(), 1..20).prop_map(Edit::Insert),
        1 => (1..2000_u16).prop_map(Edit::Remove),
        1 => Just(Edit::Cut),
    ];
    prop::collection::vec((edit, any::<Index>(), 0..3_u8), 1..6)
}

fn edited(bytes: &[u8], edits: &[(Edit, Index, u8)]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for (edit, index, place) in edits {
        if bytes.is_empty() {
            break;
        }
        let near = bytes.len().min(4096);
        let at = match place {
            0 => index.index(near),
            1 => bytes.len() - near + index.index(near),
            _ => index.index(bytes.len()),
        };
        match edit {
            Edit::Set(byte) => bytes[at] = *byte,
            Edit::Number(number) => bytes.iter_mut().skip(at).zip(number.to_le_bytes()).for_each(|(b, n)| *b = n),
            Edit::Insert(new) => drop(bytes.splice(at..at, new.iter().copied())),
            Edit::Remove(count) => drop(bytes.drain(at..(at + usize::from(*count)).min(bytes.len()))),
            Edit::Cut => bytes.truncate(at),
        }
    }
    bytes
}
