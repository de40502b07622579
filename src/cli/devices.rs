//! `etude devices`: what there is to compute on.

use super::output::outln;
use etude::{
    backend::{Backend, DeviceChoice, kind_name},
    cpu::executor::device_info,
    error::Result,
    gpu::{self, Precision},
    platform::block_on,
};
use std::process::ExitCode;

/// Runs the command.
///
/// # Errors
/// None that matter: no adapter is an answer.
pub fn run() -> Result<ExitCode> {
    for report in block_on(gpu::list_adapters()) {
        outln!("{} via {}", report.info.name, report.info.backend);
        outln!("    kind        {}", kind_name(report.info.kind));
        outln!("    driver      {}", report.driver);
        outln!("    f16 storage {}", if report.f16 { "yes" } else { "no" });
        outln!("    binds up to {} MiB", report.max_binding >> 20);
        if let Err(missing) = report.usable {
            outln!("    unusable:   {missing}");
        }
    }
    let cpu = device_info();
    outln!("{} via {}", cpu.name, cpu.backend);
    let chosen = block_on(Backend::choose(&DeviceChoice::Auto, Precision::F32))?;
    outln!("--device auto takes {} ({})", chosen.backend.info().name, chosen.reason);
    Ok(ExitCode::SUCCESS)
}
