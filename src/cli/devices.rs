//! `etude devices`: what there is to compute on.

use super::{
    options::JsonOption,
    output::{object, outln},
};
use clap::Args;
use etude::{
    backend::{Backend, DeviceChoice, kind_name},
    cpu::{bf16_in_hardware, executor::device_info},
    error::Result,
    gpu,
    platform::block_on,
    program::Precision,
};
use serde_json::json;
use std::process::ExitCode;

/// Arguments of `etude devices`.
#[derive(Clone, Debug, Args)]
pub struct DevicesArgs {
    #[command(flatten)]
    json: JsonOption,
}

/// Runs the command.
///
/// # Errors
/// None that matter: no adapter is an answer.
pub fn run(args: &DevicesArgs) -> Result<ExitCode> {
    let reports = block_on(gpu::list_adapters());
    let cpu = device_info();
    let chosen = block_on(Backend::choose(&DeviceChoice::Auto, Precision::F32))?;
    if args.json.json {
        let adapter = |report: &gpu::AdapterReport| {
            json!({
                "name": report.info.name,
                "backend": report.info.backend,
                "kind": kind_name(report.info.kind),
                "driver": report.driver,
                "f16": report.f16,
                "max_binding_bytes": report.max_binding,
                "missing": report.usable.as_ref().err(),
            })
        };
        let cpu =
            json!({ "name": cpu.name, "backend": cpu.backend, "kind": kind_name(cpu.kind), "bf16": bf16_in_hardware().is_some() });
        let devices: Vec<_> = reports.iter().map(adapter).chain([cpu]).collect();
        object(&json!({ "devices": devices, "auto": { "name": chosen.backend.info().name, "reason": chosen.reason } }))?;
        return Ok(ExitCode::SUCCESS);
    }
    for report in reports {
        outln!("{} via {}", report.info.name, report.info.backend);
        outln!("    kind        {}", kind_name(report.info.kind));
        outln!("    driver      {}", report.driver);
        outln!("    f16 storage {}", if report.f16 { "yes" } else { "no" });
        outln!("    binds up to {} MiB", report.max_binding >> 20);
        if let Err(missing) = report.usable {
            outln!("    unusable:   {missing}");
        }
    }
    outln!("{} via {}", cpu.name, cpu.backend);
    outln!("    kind        {}", kind_name(cpu.kind));
    match bf16_in_hardware() {
        Some(instructions) => outln!("    bf16        yes ({instructions})"),
        None => outln!("    bf16        without instructions for it, slower than f32"),
    }
    outln!("--device auto takes {} ({})", chosen.backend.info().name, chosen.reason);
    Ok(ExitCode::SUCCESS)
}
