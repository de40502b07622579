//! Random and spoilt files, for each loader.

use crate::{EDGES, cases, edited, edits, folder, harmless, read_all};
use etude::{
    model::UnetConfig,
    picture::{Picture, gif::write_gif, png::write_png, recipe::read_recipe},
    schedule::SchedulerConfig,
    weights::Weights,
};
use proptest::{prelude::*, sample::Index};
use std::fs;

/// Files to spoil: a whole small model's, a checkpoint's with every kind of view, one with a zip64 directory.
fn weights_files() -> Vec<(&'static str, Vec<u8>)> {
    let names = [
        "corpus/weights/views.safetensors",
        "corpus/weights/views.bin",
        "corpus/weights/zip64.bin",
        "corpus/weights/protocol_4.bin",
        "corpus/weights/training_protocol_2.bin",
        "corpus/weights/training_old_format.bin",
        "corpus/weights/whole_module.bin",
        "fixtures/unets/pickled/diffusion_pytorch_model.bin",
        "fixtures/unets/scale_shift/diffusion_pytorch_model.safetensors",
    ];
    names.map(|name| (name, fs::read(folder(name)).expect("readable"))).to_vec()
}

/// The opcodes of the pickle reader, and a few it refuses, with operands that fit them more or less.
fn pickle_piece() -> impl Strategy<Value = Vec<u8>> {
    let number = || prop::sample::select(EDGES.to_vec());
    let with = |opcodes: &'static [u8], width: usize| {
        (prop::sample::select(opcodes), number()).prop_map(move |(op, n)| [&[op], &n.to_le_bytes()[..width]].concat())
    };
    let text = |text: &'static str| [b"X", &(text.len() as u32).to_le_bytes()[..], text.as_bytes()].concat();
    let global = |name: &'static str| format!("c{name}\n").into_bytes();
    prop_oneof![
        4 => prop::sample::select(&b"(tNR)}subQe]alo0d\x85\x86\x87\x88\x89\x8f\x90\x91\x92\x93\x94\x81.12"[..]).prop_map(|op| vec![op]),
        2 => with(b"Kqh", 1),
        1 => with(b"M", 2),
        1 => with(b"Jrj", 4),
        1 => with(b"\x95\x8d\x8e\x96G", 8),
        1 => with(b"CU\x8a", 1),
        1 => with(b"BT\x8b", 4),
        1 => prop::sample::select(vec!["I7", "L7L", "F0.5", "S'a'", "Vstorage", "p3", "g3", "iargparse\nNamespace"]).prop_map(|line| format!("{line}\n").into_bytes()),
        2 => prop::sample::select(vec!["storage", "0", "cpu", "a"]).prop_map(text),
        2 => prop::sample::select(vec!["collections\nOrderedDict", "torch._utils\n_rebuild_tensor_v2", "torch\nFloatStorage", "os\nsystem", "torch._utils\n_rebuild_parameter", "torch._tensor\n_rebuild_from_type_v2", "somebody\nThing"]).prop_map(global),
        // What a tensor is made of, so that deeper checks are reached as well.
        2 => (number(), number(), number()).prop_map(move |(offset, side, stride)| {
            let long = |n: u64| [&[0x8a, 8][..], &n.to_le_bytes()[..]].concat();
            let storage = [&b"("[..], &text("storage"), &global("torch\nFloatStorage"), &text("0"), &text("cpu"), &long(6), b"tQ"].concat();
            [&text("a"), &global("torch._utils\n_rebuild_tensor_v2"), &b"("[..], &storage, &long(offset), &long(side), b"\x85", &long(stride), b"\x85tRs"].concat()
        }),
    ]
}

proptest! {
    #![proptest_config(cases(2000))]

    #[test]
    fn spoilt_weights(which in any::<Index>(), edits in edits()) {
        let files = weights_files();
        let (name, bytes) = &files[which.index(files.len())];
        let _ = harmless(name, || Weights::from_bytes(edited(bytes, &edits), name).map(|weights| read_all(&weights)));
    }

    #[test]
    fn random_weights(start in prop::sample::select(vec!["", "PK\x03\x04", "\x09\0\0\0\0\0\0\0{"]), rest in prop::collection::vec(any::<u8>(), 0..600), bin in any::<bool>()) {
        let bytes = [start.as_bytes(), &rest].concat();
        let _ = harmless("random", || Weights::from_bytes(bytes, if bin { "a.bin" } else { "a.safetensors" }).map(|weights| read_all(&weights)));
    }

    /// A zip around a random pickle.
    #[test]
    fn random_pickles(pieces in prop::collection::vec(pickle_piece(), 0..40)) {
        let pickle = [b"}".to_vec(), pieces.concat(), b".".to_vec()].concat();
        let archive = stored_zip(&[("a/data.pkl", &pickle), ("a/data/0", &[0; 24])]);
        let _ = harmless("pickle", || Weights::from_bytes(archive, "a.bin").map(|weights| read_all(&weights)));
    }

    /// The old format around a random pickle: magic number, protocol, facts of the system, the pickle, the storages' keys and numbers.
    #[test]
    fn random_old_checkpoints(pieces in prop::collection::vec(pickle_piece(), 0..40), keys in prop::collection::vec(pickle_piece(), 0..4), count in prop::sample::select(EDGES.to_vec())) {
        let start = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}.";
        let bytes = [&start[..], b"}", &pieces.concat(), b".]", &keys.concat(), b"a.", &count.to_le_bytes(), &[0; 24]].concat();
        let _ = harmless("old checkpoint", || Weights::from_bytes(bytes, "a.bin").map(|weights| read_all(&weights)));
    }

    #[test]
    fn spoilt_configs(which in any::<Index>(), edits in edits()) {
        let names = ["ddpm/config.json", "deep/config.json", "old_names/scheduler/scheduler_config.json"];
        let path = folder("fixtures/unets").join(names[which.index(names.len())]);
        let bytes = edited(&fs::read(&path).expect("readable"), &edits);
        let _ = harmless("config", || UnetConfig::from_json(&bytes, &path));
        let _ = harmless("scheduler", || SchedulerConfig::from_json(&bytes, &path));
    }
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn spoilt_pictures(animated in any::<bool>(), edits in edits(), random in prop::option::weighted(0.1, prop::collection::vec(any::<u8>(), 0..400))) {
        let temporary = tempfile::tempdir().expect("a temporary folder");
        let path = temporary.path().join("picture");
        let picture = Picture::filled(5, 4, [9, 99, 200]);
        let recipe = Some(r#"{"steps":3}"#);
        if animated { write_gif(&path, [&picture], 50, 50, recipe) } else { write_png(&path, &picture, recipe) }.expect("written");
        let bytes = random.unwrap_or_else(|| edited(&fs::read(&path).expect("readable"), &edits));
        fs::write(&path, bytes).expect("written");
        let _ = harmless("picture", || read_recipe(&path));
    }
}

/// A zip of stored members, the least of one that a reader accepts.
fn stored_zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut zip, mut directory) = (Vec::new(), Vec::new());
    for (name, data) in members {
        let size = (data.len() as u32).to_le_bytes();
        let facts =
            [&[20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0][..], &size, &size, &(name.len() as u16).to_le_bytes(), &[0, 0]].concat();
        directory.extend([b"PK\x01\x02\x14\0", &facts[..], &[0; 10], &(zip.len() as u32).to_le_bytes(), name.as_bytes()].concat());
        zip.extend([b"PK\x03\x04", &facts[..], name.as_bytes(), data].concat());
    }
    let count = (members.len() as u16).to_le_bytes();
    let place = [(directory.len() as u32).to_le_bytes(), (zip.len() as u32).to_le_bytes()].concat();
    [&zip, &directory, &b"PK\x05\x06\0\0\0\0"[..], &count, &count, &place, &[0, 0]].concat()
}

/// Pickles of the largest size that is read, made of whatever takes the most memory a byte.
#[test]
fn the_largest_hostile_pickles_stay_small() {
    let most = (2 << 20) - 128;
    let open = |pickle: Vec<u8>| {
        let archive = stored_zip(&[("a/data.pkl", &pickle), ("a/data/0", &[0; 24])]);
        harmless("hostile", || Weights::from_bytes(archive, "a.bin").map(|weights| read_all(&weights)))
    };
    for piece in [&b"}"[..], b")", b"(t", b"N\x85", b"N\x94", b"}NNs", b"NNNNNNNN", b"("] {
        // Some are no state dict, some an empty one.
        let _ = open([&b"}"[..], &piece.repeat(most / piece.len()), b"."].concat());
    }
    // As many names as there is room for, all of one and the same tensor without elements.
    let tensor = b"ctorch._utils\n_rebuild_tensor_v2\n((\x8c\x07storagectorch\nFloatStorage\n\x8c\x010\x8c\x03cpuK\x06tQK\0K\0\x85K\x01\x85tRq\x01";
    let count = most / 11;
    let names = (0..count).flat_map(|i| [b"\x8c\x06", format!("{i:06x}").as_bytes(), b"h\x01s"].concat()).collect();
    assert_eq!(open([tensor.to_vec(), b"}".to_vec(), names, b".".to_vec()].concat()), Ok(count));
}
