//! How many kernel calls a step takes on a GPU: each costs some microseconds there, however little it computes.

use etude::{
    model::{Fused, Model, RecordOptions},
    program::{GroupNormFused, GroupNormParams, Kernel, Program, Stage},
};

fn recorded(name: &str, batch: u32, fused: Fused) -> Program {
    let model = Model::find(name).unwrap_or_else(|e| panic!("{e}"));
    let (height, width) = model.sample_size();
    let options = RecordOptions { prediction_only: true, fused, ..RecordOptions::default() };
    model.record_with(batch, height, width, 1, options).unwrap_or_else(|e| panic!("{e}")).0
}

/// Calls of a step without noise: what `etude bench` counts.
fn count(program: &Program) -> usize {
    program.calls().iter().filter(|(stage, ..)| matches!(stage, Stage::Network | Stage::Update)).count()
}

/// The fashion model has the blocks of google/ddpm-cifar10-32, with a quarter of its channels.
#[test]
fn a_step_takes_few_dispatches() {
    for (name, apart, most) in [("fashion", 250, 130), ("cifar10", 251, 130), ("emoji", 291, 150)] {
        for batch in [1, 16, 128] {
            let fused = count(&recorded(name, batch, Fused::ALL));
            println!("{name}, batch {batch}: {fused} dispatches per step");
            assert!(fused <= most, "{name}, batch {batch}: {fused} dispatches per step, expected at most {most}");
        }
        assert_eq!(count(&recorded(name, 1, Fused::NONE)), apart, "{name}, with kernels of their own");
    }
}

#[test]
fn fused_kernels_compute_as_much() {
    for name in ["fashion", "cifar10", "emoji"] {
        let [apart, fused] = [Fused::NONE, Fused::ALL].map(|fused| recorded(name, 2, fused).flops(Stage::Network, 1));
        assert!((fused / apart - 1.0).abs() < 1e-12, "{name}: {fused} operations fused, {apart} apart");
    }
}

/// Its own channels: every one of its normalisations fits a workgroup.
#[test]
fn normalisations_of_ddpm_cifar10_32_fit() {
    let sizes = [(32, 128, 0), (32, 128, 128), (32, 256, 128), (16, 256, 0), (16, 256, 256), (8, 256, 256), (4, 256, 256)];
    for (side, a, b) in sizes {
        let run_of = |batch| {
            let (a_c4, b_c4, channels, groups) = (a / 4, b / 4, a + b, 32);
            let params =
                GroupNormParams { batch, pixels: side * side, a_c4, b_c4, a_c: a, channels, groups, ..GroupNormParams::default() };
            GroupNormFused::fitted(params).map(|params| params.run)
        };
        assert!(run_of(1).is_some(), "{side}x{side}, {a} and {b} channels");
        assert_eq!(run_of(1), run_of(128), "a picture would not have the same bits in any batch");
    }
}

/// Pictures so large that a group has more values than a workgroup keeps, and more pixels than attention's scores have room for.
#[test]
fn large_pictures_keep_the_kernels_apart() {
    let model = Model::find("fashion").unwrap_or_else(|e| panic!("{e}"));
    let options = RecordOptions { fused: Fused::ALL, ..RecordOptions::default() };
    let (program, _) = model.record_with(1, 128, 128, 1, options).unwrap_or_else(|e| panic!("{e}"));
    let has = |wanted: fn(&Kernel) -> bool| program.calls().iter().any(|(_, kernel, _)| wanted(kernel));
    assert!(has(|k| matches!(k, Kernel::GroupNormStats(_))) && has(|k| matches!(k, Kernel::GroupNormFused(_))));
    // 64x64 pixels at the second level, 16x16 in the middle.
    assert!(has(|k| matches!(k, Kernel::AttentionScores(_))) && has(|k| matches!(k, Kernel::AttentionFused(_))));
}
