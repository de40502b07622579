//! The memory plan: tensors share a slot only while that cannot be noticed, whatever the program.

use etude::{
    model::Model,
    program::{
        Access, AttentionChunk, AttentionScores, AttentionSoftmax, Element, GroupNormApply, GroupNormParams, Kernel, Life,
        MemoryPlan, NetworkInput, Program, Shape, Stage, TensorId,
    },
};
use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use std::collections::BTreeMap;

/// First and last call that uses each tensor.
fn lifetimes(program: &Program) -> BTreeMap<TensorId, (usize, usize)> {
    let mut all: BTreeMap<TensorId, (usize, usize)> = BTreeMap::new();
    for (i, (_, kernel, _)) in program.calls().iter().enumerate() {
        for operand in kernel.operands() {
            all.entry(operand.tensor).or_insert((i, i)).1 = i;
        }
    }
    all
}

/// Everything that is wrong with the plan of `program`.
fn faults(program: &Program, c4_bytes: u64) -> Vec<String> {
    let plan = MemoryPlan::new(program, c4_bytes);
    let (used, mut wrong) = (lifetimes(program), Vec::new());
    let bytes = |id: TensorId| program.get(id).bytes(c4_bytes);
    // When each tensor's content must be left alone: a state's always.
    let mut alive: Vec<(TensorId, usize, usize)> = Vec::new();
    for (id, tensor) in program.tensors() {
        match (&tensor.life, used.get(&id)) {
            (Life::State, _) => alive.push((id, 0, usize::MAX)),
            (Life::Scratch, Some((first, last))) => alive.push((id, *first, *last)),
            (Life::Constant(_), _) | (Life::Scratch, None) => {
                if plan.slot(id).is_some() {
                    wrong.push(format!("{}: has a slot and needs none", tensor.name));
                }
            }
        }
    }
    for (i, &(id, first, last)) in alive.iter().enumerate() {
        let name = &program.get(id).name;
        let Some(slot) = plan.slot(id) else {
            wrong.push(format!("{name}: has no slot"));
            continue;
        };
        if plan.slots()[slot] < bytes(id) {
            wrong.push(format!("{name}: {} bytes in a slot of {}", bytes(id), plan.slots()[slot]));
        }
        for &(other, other_first, other_last) in &alive[i + 1..] {
            if first <= other_last && other_first <= last && plan.slot(other) == Some(slot) {
                wrong.push(format!("{name} and {}: alive together in one slot", program.get(other).name));
            }
        }
    }
    for (i, (_, kernel, label)) in program.calls().iter().enumerate() {
        let slots = |written: bool| {
            let of = kernel.operands().into_iter().filter(move |o| (o.access != Access::Read) == written);
            of.filter_map(|o| plan.slot(o.tensor)).collect::<Vec<_>>()
        };
        let (mut written, read) = (slots(true), slots(false));
        if read.iter().any(|slot| written.contains(slot)) {
            wrong.push(format!("call {i}, {label}: one slot both read and written"));
        }
        let count = written.len();
        written.sort_unstable();
        written.dedup();
        if written.len() < count {
            wrong.push(format!("call {i}, {label}: one slot written as two tensors"));
        }
    }
    let at = |i: usize| alive.iter().filter(|(_, first, last)| (*first..=*last).contains(&i)).map(|(id, ..)| bytes(*id)).sum();
    let peak: u64 = (0..program.calls().len().max(1)).map(at).max().unwrap_or(0);
    if plan.live_peak() != peak {
        wrong.push(format!("the plan says that {} bytes are alive at most, they are {peak}", plan.live_peak()));
    }
    if peak > plan.slots().iter().sum() {
        wrong.push(format!("{peak} bytes alive in slots of {:?}", plan.slots()));
    }
    wrong
}

/// A call to record: which kernel, and numbers that choose its tensors among those there are.
type Choice = (u8, usize, usize, usize, u32);

/// A program whose tensors have all sizes and lives: written once or in parts, read at once, late, often or never, updated in place.
fn program(choices: &[Choice]) -> Program {
    let mut p = Program::new();
    let shape = |size: u32| Shape::new(1, size, 1, 4 + size % 3);
    // What a call may read, and of that what a call may write (again).
    let mut readable = vec![
        p.tensor("x", shape(5), Element::F32, Life::State),
        p.tensor("y", shape(2), Element::C4, Life::State),
        p.tensor("weights", shape(3), Element::C4, Life::Constant(Default::default())),
    ];
    let mut scratch: Vec<TensorId> = Vec::new();
    let chunk = AttentionChunk { tokens: 1, heads: 1, head_c4: 1, group_base: 0, groups: 1, row_base: 0, rows: 1, scale: 1.0 };
    for (i, &(kind, first, second, third, size)) in choices.iter().enumerate() {
        let pick = |at: usize| readable[at % readable.len()];
        let (a, b, folded) = (pick(first), pick(second), pick(third));
        // Mostly a new tensor, sometimes one that is there already and is none of those this call reads.
        let old = (!scratch.is_empty()).then(|| scratch[third % scratch.len()]).filter(|t| ![a, b, folded].contains(t));
        let output = match old {
            Some(old) if kind % 5 == 0 => old,
            _ => {
                let element = if size % 2 == 0 { Element::C4 } else { Element::F32 };
                let new = p.tensor(format!("scratch {i}"), shape(size), element, Life::Scratch);
                scratch.push(new);
                new
            }
        };
        let kernel = match kind % 4 {
            0 => Kernel::NetworkInput(NetworkInput { x: a, output, scale: 1.0, shift: 0.0 }),
            1 => {
                let b = Some(b).filter(|b| *b != a);
                Kernel::GroupNormApply(GroupNormApply { a, b, folded, output, params: GroupNormParams::default() })
            }
            2 => Kernel::AttentionScores(AttentionScores { qkv: a, scores: output, chunk }),
            _ => {
                p.call(
                    Stage::Network,
                    format!("before {i}"),
                    Kernel::AttentionScores(AttentionScores { qkv: b, scores: output, chunk }),
                );
                Kernel::AttentionSoftmax(AttentionSoftmax { scores: output, chunk })
            }
        };
        p.call(Stage::Network, format!("call {i}"), kernel);
        readable.push(output);
    }
    p
}

#[test]
fn tensors_alive_together_never_share_a_slot() {
    let config = Config { cases: 500, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let choice = (any::<u8>(), any::<usize>(), any::<usize>(), any::<usize>(), 1..=9u32);
    let mut shared = 0;
    let outcome = runner.run(&prop::collection::vec(choice, 0..24), |choices| {
        let program = program(&choices);
        for c4_bytes in [8, 16] {
            let wrong = faults(&program, c4_bytes);
            prop_assert!(wrong.is_empty(), "{}\n{program}", wrong.join("\n"));
        }
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
    // The programs are such that memory is shared at all.
    let mut random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    for _ in 0..50 {
        let choices: Vec<Choice> =
            (0..20).map(|_| (1, random.next_u32() as usize, random.next_u32() as usize, 0, 1 + random.next_u32() % 9)).collect();
        let program = program(&choices);
        let scratch = program.tensors().filter(|(_, t)| matches!(t.life, Life::Scratch)).count();
        shared += usize::from(MemoryPlan::new(&program, 16).slots().len() < scratch + 2);
    }
    assert!(shared > 40, "memory is shared in {shared} of 50 programs");
}

#[test]
fn plans_of_the_shipped_models() {
    for embedded in etude::model::EMBEDDED {
        let model = Model::embedded(embedded).expect("it ships");
        let (height, width) = model.sample_size();
        for (batch, c4_bytes) in [(1, 16), (3, 8)] {
            let (program, _) = model.record(batch, height, width, 7).expect("recorded");
            let wrong = faults(&program, c4_bytes);
            assert!(wrong.is_empty(), "{}: {}", embedded.name, wrong.join("\n"));
            let plan = MemoryPlan::new(&program, c4_bytes);
            let (all, shared) = (lifetimes(&program).len(), plan.slots().len());
            println!(
                "{}: {all} tensors in {shared} slots, {} of {} bytes alive at most",
                embedded.name,
                plan.live_peak(),
                plan.slots().iter().sum::<u64>()
            );
            assert!(shared * 3 < all, "{}: {all} tensors take {shared} slots", embedded.name);
        }
    }
}
