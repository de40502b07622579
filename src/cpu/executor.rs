//! Running a program on the processor's cores.

use super::{
    PackedWeights, bf16, call_twin,
    memory::Lines,
    packed::{Packed, Packing},
    team, winograd,
};
use crate::{
    error::{Error, Result},
    platform::Instant,
    program::{
        Access, BoxFuture, Call, CallTime, DeviceInfo, DeviceKind, Executor, Kernel, Life, MemoryPlan, Outstanding, Program, Stage,
        StepParams, TensorId, Ticket, check_words,
    },
};
use std::sync::Arc;

/// Runs a program on the processor's cores.
#[derive(Debug)]
pub struct CpuExecutor {
    device: DeviceInfo,
    program: Arc<Program>,
    /// Of each call, where it has a quicker way than its plain twin.
    packed: Vec<Option<Arc<Packed>>>,
    plan: MemoryPlan,
    slots: Vec<Lines>,
    /// What submissions were asked to read.
    done: Outstanding<Vec<Vec<f32>>>,
}

/// Name and kind of this executor as a device.
pub fn device_info() -> DeviceInfo {
    let cores = rayon::current_num_threads();
    DeviceInfo { name: format!("CPU ({cores} threads)"), backend: "Rust".to_owned(), kind: DeviceKind::Cpu }
}

impl CpuExecutor {
    /// Allocates and packs everything `program` needs.
    pub fn new(program: Arc<Program>) -> Self {
        Self::sharing(program, false, &mut PackedWeights::default())
    }

    /// As [`Self::new`], but for the weights that are packed already; those that are not come to be. With `bf16` convolutions multiply
    /// values that are rounded to it.
    pub fn sharing(program: Arc<Program>, bf16: bool, weights: &mut PackedWeights) -> Self {
        let packed = weights.pack(&program, bf16);
        Self { packed, ..Self::plain(program) }
    }

    /// As [`Self::new`], but every call goes by its plain twin, which is what the tests and `etude verify` compare with.
    pub fn plain(program: Arc<Program>) -> Self {
        let plan = MemoryPlan::new(&program, 16);
        let slots = plan.slots().iter().map(|bytes| Lines::zeros(*bytes as usize / 4)).collect();
        let packed = vec![None; program.calls().len()];
        Self { device: device_info(), program, packed, plan, slots, done: Outstanding::default() }
    }

    /// Runs `stages` once and times each kernel call.
    pub fn profile(&mut self, stages: &[Stage], step: &StepParams) -> Vec<CallTime> {
        let program = self.program.clone();
        let mut times = Vec::new();
        team::step(|| {
            for stage in stages {
                for (index, (_, kernel, label)) in program.calls().iter().enumerate().filter(|(_, c)| c.0 == *stage) {
                    let start = Instant::now();
                    self.call(index, step);
                    let milliseconds = start.elapsed().as_secs_f64() * 1e3;
                    times.push(CallTime {
                        kernel: kernel.name(),
                        label: label.clone(),
                        milliseconds,
                        flops: kernel.flops(&program, step.rows),
                        bytes: self.bytes(index),
                    });
                }
            }
        });
        times
    }

    /// Bytes that a call reads and writes, each value once; weights as they are packed.
    fn bytes(&self, index: usize) -> f64 {
        let (_, kernel, _) = &self.program.calls()[index];
        let all = kernel.bytes(&self.program, 16);
        match (kernel, &self.packed[index]) {
            (Kernel::Conv2d(conv), Some(packed)) => (all - self.program.get(conv.weights).bytes(16) + packed.bytes()) as f64,
            _ => all as f64,
        }
    }

    /// Scalars a tensor takes in its slot.
    fn len(&self, id: TensorId) -> usize {
        (self.program.get(id).bytes(16) / 4) as usize
    }

    fn state_slot(&self, id: TensorId) -> Result<usize> {
        self.plan.slot(id).ok_or_else(|| {
            let name = &self.program.get(id).name;
            Error::argument(format!("tensor {name}: expected one with memory of its own, got a constant"))
        })
    }

    fn values(&self, tensor: TensorId) -> Result<Vec<f32>> {
        let (slot, len) = (self.state_slot(tensor)?, self.len(tensor));
        Ok(self.slots[slot][..len].to_vec())
    }

    fn call(&mut self, index: usize, step: &StepParams) {
        let program = self.program.clone();
        let (_, kernel, _) = &program.calls()[index];
        let operands = kernel.operands();
        // The slots that are written leave the pool while the kernel runs, so that the others can be borrowed.
        let mut outputs: Vec<(TensorId, usize, Lines)> = operands
            .iter()
            .filter(|o| o.access != Access::Read)
            .filter_map(|o| self.plan.slot(o.tensor).map(|slot| (o.tensor, slot, std::mem::take(&mut self.slots[slot]))))
            .collect();
        let inputs: Vec<&[f32]> = operands
            .iter()
            .filter(|o| o.access == Access::Read)
            .map(|o| match (&program.get(o.tensor).life, self.plan.slot(o.tensor)) {
                (Life::Constant(values), _) => values.as_slice(),
                (_, Some(slot)) => &self.slots[slot][..self.len(o.tensor).min(self.slots[slot].len())],
                _ => &[],
            })
            .collect();
        let lens: Vec<usize> = outputs.iter().map(|(id, ..)| self.len(*id)).collect();
        let mut views: Vec<&mut [f32]> = outputs.iter_mut().zip(lens).map(|((_, _, values), len)| &mut values[..len]).collect();
        self.compute(index, step, &inputs, &mut views);
        for (_, slot, values) in outputs {
            self.slots[slot] = values;
        }
    }

    /// The quickest way to the same result.
    fn compute(&self, index: usize, step: &StepParams, read: &[&[f32]], written: &mut [&mut [f32]]) {
        let (_, kernel, _) = &self.program.calls()[index];
        if let (Some(packed), Kernel::Conv2d(conv)) = (&self.packed[index], kernel)
            && let (&[_, bias, a, b, temb, residual], [output]) = (read, &mut *written)
        {
            let p = conv.params(&self.program);
            return match packed.packing {
                Packing::Taps(form) | Packing::Bf16Taps(form) => {
                    winograd::conv2d(form, &p, step, packed, bias, a, b, temb, residual, output);
                }
                Packing::Bf16Pairs => bf16::conv2d(packed, &p, step, bias, a, b, temb, residual, output),
            };
        }
        call_twin(kernel, &self.program, step, read, written);
    }
}

impl Executor for CpuExecutor {
    fn device(&self) -> &DeviceInfo {
        &self.device
    }

    fn program(&self) -> &Program {
        &self.program
    }

    fn write(&mut self, tensor: TensorId, values: &[f32]) -> Result<()> {
        let (slot, len) = (self.state_slot(tensor)?, self.len(tensor));
        if values.len() != len {
            let name = &self.program.get(tensor).name;
            return Err(Error::argument(format!("tensor {name}: expected {len} values, got {}", values.len())));
        }
        self.slots[slot][..len].copy_from_slice(values);
        Ok(())
    }

    fn write_words(&mut self, tensor: TensorId, words: &[u32]) -> Result<()> {
        check_words(&self.program, tensor, words)?;
        let slot = self.state_slot(tensor)?;
        for (place, word) in self.slots[slot].iter_mut().zip(words) {
            *place = f32::from_bits(*word);
        }
        Ok(())
    }

    fn runs_ahead(&self) -> bool {
        // What is submitted is computed before the call returns: the host is the device.
        false
    }

    fn submit(&mut self, stages: &[Stage], step: &StepParams, reads: &[TensorId]) -> Result<Ticket> {
        drop(self.done.abandoned().collect::<Vec<_>>());
        let program = self.program.clone();
        team::step(|| {
            for stage in stages {
                for (index, _) in program.calls().iter().enumerate().filter(|(_, c)| c.0 == *stage) {
                    self.call(index, step);
                }
            }
        });
        let values = reads.iter().map(|tensor| self.values(*tensor)).collect::<Result<_>>()?;
        Ok(self.done.insert(values))
    }

    fn collect(&mut self, ticket: Ticket) -> BoxFuture<'_, Result<Vec<Vec<f32>>>> {
        let values = self.done.take(&ticket);
        Box::pin(async { values })
    }

    fn trace<'a>(&'a mut self, stages: &'a [Stage], step: &'a StepParams) -> BoxFuture<'a, Result<Vec<Vec<f32>>>> {
        Box::pin(async move {
            let program = self.program.clone();
            let mut results = Vec::new();
            for stage in stages {
                for (index, (_, kernel, _)) in program.calls().iter().enumerate().filter(|(_, c)| c.0 == *stage) {
                    self.call(index, step);
                    let output = kernel.operands().into_iter().rfind(|o| o.access != Access::Read);
                    results.push(output.map_or_else(|| Ok(Vec::new()), |o| self.values(o.tensor))?);
                }
            }
            Ok(results)
        })
    }
}
