//! What bounds each kernel: the multiply-adds that the device does at most, or the bytes that its memory gives.

use super::super::output::outln;
use etude::program::CallTime;
use serde::Serialize;
use std::collections::BTreeMap;

/// What a device does at most, measured.
#[derive(Clone, Copy, Debug)]
pub struct Roofline {
    /// Operations a second.
    pub peak: f64,
    /// Bytes a second.
    pub bandwidth: f64,
}

/// The one that takes longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// The operations at the peak.
    Arithmetic,
    /// Each value read or written once at memory's rate.
    Memory,
}

/// A kernel call, or all of a kind.
#[derive(Debug, Serialize)]
pub struct Cost {
    kernel: String,
    layer: String,
    milliseconds: f64,
    share: f64,
    gflop: f64,
    gflops: f64,
    /// What it reads and writes, each value once.
    mbytes: f64,
    gbytes_per_second: f64,
    bound: Bound,
    /// What the bound alone would take, of the time that was measured.
    share_of_bound: f64,
}

/// Calls that are told of together.
#[derive(Clone, Copy, Default)]
struct Sum {
    milliseconds: f64,
    flops: f64,
    bytes: f64,
    /// Milliseconds of the calls' bounds, of those that arithmetic bounds and those that memory does.
    arithmetic: f64,
    memory: f64,
}

impl Sum {
    fn add(&mut self, call: &CallTime, roofline: Roofline) {
        self.milliseconds += call.milliseconds;
        self.flops += call.flops;
        self.bytes += call.bytes;
        let (arithmetic, memory) = (call.flops / roofline.peak * 1e3, call.bytes / roofline.bandwidth * 1e3);
        if arithmetic >= memory {
            self.arithmetic += arithmetic;
        } else {
            self.memory += memory;
        }
    }

    fn cost(&self, kernel: &str, layer: &str, total: f64) -> Cost {
        let time = self.milliseconds.max(1e-9);
        Cost {
            kernel: kernel.to_owned(),
            layer: layer.to_owned(),
            milliseconds: self.milliseconds,
            share: self.milliseconds / total.max(1e-9),
            gflop: self.flops * 1e-9,
            gflops: self.flops / (time * 1e6),
            mbytes: self.bytes * 1e-6,
            gbytes_per_second: self.bytes / (time * 1e6),
            bound: if self.arithmetic >= self.memory { Bound::Arithmetic } else { Bound::Memory },
            share_of_bound: (self.arithmetic + self.memory) / time,
        }
    }
}

/// The ten costliest calls, and below them each kind of kernel as a whole.
pub fn costs(times: &[CallTime], roofline: Roofline) -> Vec<Cost> {
    let total: f64 = times.iter().map(|c| c.milliseconds).sum();
    let sum = |calls: &[&CallTime]| {
        let mut sum = Sum::default();
        calls.iter().for_each(|call| sum.add(call, roofline));
        sum
    };
    let mut costliest: Vec<&CallTime> = times.iter().collect();
    costliest.sort_by(|a, b| b.milliseconds.total_cmp(&a.milliseconds));
    let mut rows: Vec<Cost> = costliest.iter().take(10).map(|c| sum(&[*c]).cost(c.kernel, &c.label, total)).collect();
    let mut kinds: BTreeMap<&str, Vec<&CallTime>> = BTreeMap::new();
    for call in times {
        kinds.entry(call.kernel).or_default().push(call);
    }
    let mut kinds: Vec<_> = kinds.into_iter().map(|(kernel, calls)| sum(&calls).cost(kernel, "(all)", total)).collect();
    kinds.sort_by(|a, b| b.milliseconds.total_cmp(&a.milliseconds));
    rows.extend(kinds);
    rows
}

/// A table of them.
pub fn print(costs: &[Cost]) {
    outln!(
        "\n{:<18} {:<36} {:>9} {:>7} {:>9} {:>7}  {:<10} {:>7}",
        "kernel",
        "layer",
        "ms",
        "share",
        "GFLOP/s",
        "GB/s",
        "bound by",
        "reached"
    );
    for c in costs {
        let bound = match c.bound {
            Bound::Arithmetic => "arithmetic",
            Bound::Memory => "memory",
        };
        outln!(
            "{:<18} {:<36} {:>9.3} {:>6.1}% {:>9.1} {:>7.1}  {:<10} {:>6.0}%",
            c.kernel,
            c.layer,
            c.milliseconds,
            c.share * 100.0,
            c.gflops,
            c.gbytes_per_second,
            bound,
            c.share_of_bound * 100.0
        );
    }
    outln!("reached: what the peak or memory alone would take, of the time. More than 100 %: values lay in a cache, or Winograd's");
    outln!("convolutions did with fewer multiplications than are counted.");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slower_of_arithmetic_and_memory_is_the_bound() {
        let call = |kernel, label: &str, milliseconds, flops, bytes| CallTime {
            kernel,
            label: label.to_owned(),
            milliseconds,
            flops,
            bytes,
        };
        // 4 ms at the peak, 1 ms of memory; the reverse; nothing but memory.
        let times = [
            call("conv2d", "wide", 5.0, 4e9, 1e7),
            call("conv2d", "small", 8.0, 1e9, 4e7),
            call("resample", "down", 2.0, 0.0, 1e7),
        ];
        let costs = costs(&times, Roofline { peak: 1e12, bandwidth: 1e10 });
        let row = |layer: &str, kernel: &str| {
            let row = costs.iter().find(|c| c.layer == layer && c.kernel == kernel).expect("a row");
            (row.bound, (row.share_of_bound * 1000.0).round() / 1000.0)
        };
        assert_eq!(row("wide", "conv2d"), (Bound::Arithmetic, 0.8));
        assert_eq!(row("small", "conv2d"), (Bound::Memory, 0.5));
        assert_eq!(row("down", "resample"), (Bound::Memory, 0.5));
        assert_eq!(row("(all)", "conv2d"), (Bound::Arithmetic, 0.615));
        assert_eq!(costs[0].layer, "small");
        assert_eq!(costs.len(), 5);
    }
}
