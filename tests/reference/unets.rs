//! Each network of unets.json as a whole, with a timestep of its own for every image: with kernels fused and apart.

use crate::{Verdict, common::Tolerance, fixture, integer, list, manifest, on_the_adapter, text};
use etude::{
    backend::Backend,
    model::{Fused, Model, RecordOptions},
    platform::block_on,
    program::Precision,
    sampler,
    weights::Weights,
};
use std::sync::Arc;

/// f64_gap in the manifest is at most 1e-6, and we round as often as the reference does.
const F32: Tolerance = Tolerance::new(1e-5, "some hundred f32 roundings along 10 to 60 layers, on both sides");
/// Weights and activations are stored with 11 bits: every layer rounds by 2^-12 = 2.4e-4 or less, and up to 60 of these add up as
/// independent errors do, to 2e-3.
const F16: Tolerance = Tolerance::new(5e-3, "f16 storage: 2.4e-4 a layer, growing with the root of their number");

#[test]
fn unets_on_the_cpu() {
    check("cpu", &Backend::Cpu, Precision::F32, F32);
}

/// What convolutions multiply has 8 bits: each of their results is off by 2^-9 of itself and a little more for the sums, measured 1.6e-3
/// of the largest value of a layer; up to 60 of these add up as independent errors do, to 1.1e-2 measured.
const BF16: Tolerance = Tolerance::new(2e-2, "convolutions of bf16: 2e-3 a layer, growing with the root of their number");

#[test]
fn unets_on_the_cpu_in_bf16() {
    check("cpu bf16", &Backend::Cpu, Precision::Bf16, BF16);
}

#[test]
fn unets_on_the_adapter() {
    for (name, backend) in on_the_adapter() {
        check(&name, &backend, Precision::F32, F32);
    }
}

/// Products are added up in 11 bits, 16 at a time, 1e-3 of the largest value of a layer at most; up to 60 layers, as above.
const F16_FAST: Tolerance = Tolerance::new(1e-2, "f16 sums of 16 products: 1e-3 a layer, growing with the root of their number");

#[test]
fn unets_on_the_adapter_in_f16() {
    for (name, backend) in on_the_adapter() {
        match &backend {
            Backend::Gpu(gpu) if !gpu.f16 => {
                println!("{}: has no 16-bit shader arithmetic, so there is no f16 to test", gpu.info.name)
            }
            _ => {
                check(&format!("{name} f16"), &backend, Precision::F16, F16);
                check(&format!("{name} f16-fast"), &backend, Precision::F16Fast, F16_FAST);
            }
        }
    }
}

fn check(device: &str, backend: &Backend, precision: Precision, tolerance: Tolerance) {
    let mut verdict = Verdict::default();
    let cases = manifest("unets.json");
    for (case, fused) in list(&cases, "cases").iter().flat_map(|case| [(case, Fused::NONE), (case, Fused::ALL)]) {
        let name = text(case, "name");
        let folder = fixture("unets").join(name);
        let evaluated = Model::open(&folder).and_then(|model| {
            assert_eq!(model.weights().parameters(), u64::from(integer(case, "parameters")), "{name}");
            let file = Weights::open(&folder.join("case.safetensors"))?;
            let timesteps: Vec<f32> = file.numbers("timestep")?.into_iter().map(|t| t as f32).collect();
            let classes = if file.contains("class_labels") { file.numbers("class_labels")? } else { Vec::new() };
            let classes: Vec<u32> = classes.into_iter().map(|class| class as u32).collect();
            let shape = file.shape("sample").expect("sample").iter().map(|n| *n as u32).collect::<Vec<_>>();
            let options = RecordOptions { fused, ..RecordOptions::default() };
            let (program, handles) = model.record_with(shape[0], shape[2], shape[3], shape[0], options)?;
            let mut executor = backend.executor(Arc::new(program), precision)?;
            let eps = block_on(sampler::epsilon(executor.as_mut(), &handles, &file.floats("sample")?, &timesteps, &classes))?;
            Ok((eps, file.floats("eps")?))
        });
        let what = format!("{device} {name}{}", if fused == Fused::ALL { ", fused" } else { "" });
        match evaluated {
            Ok((eps, expected)) => verdict.compare(&eps, &expected, tolerance, &what),
            Err(error) => verdict.failures.push(format!("{what}: {error}")),
        }
    }
    verdict.finish(&format!("U-Nets on {device}"));
}
