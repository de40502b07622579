//! The memory plan: scratch tensors whose lifetimes do not overlap share a slot.
//!
//! A slot is a buffer of its own, for WebGPU forbids one buffer as both input and output of a dispatch even where the ranges are
//! disjoint. Greedy in the order of the calls: the smallest free slot that is large enough, else the largest free one, grown.

use super::{Access, Life, Program, TensorId};

/// Which slot each tensor lives in.
#[derive(Clone, Debug)]
pub struct MemoryPlan {
    /// Slot of each tensor; `None` for constants and for tensors nothing uses.
    slot_of: Vec<Option<usize>>,
    /// Bytes of each slot.
    slots: Vec<u64>,
    /// The most bytes of scratch and state alive at one moment.
    live_peak: u64,
}

impl MemoryPlan {
    /// Plans `program` for C4 of `c4_bytes` (16 for f32, 8 for f16).
    pub fn new(program: &Program, c4_bytes: u64) -> Self {
        let tensors: Vec<_> = program.tensors().collect();
        let mut last_use = vec![None; tensors.len()];
        for (i, (_, kernel, _)) in program.calls().iter().enumerate() {
            for operand in kernel.operands() {
                last_use[operand.tensor.0 as usize] = Some(i);
            }
        }
        let mut plan = Self { slot_of: vec![None; tensors.len()], slots: Vec::new(), live_peak: 0 };
        let mut live = 0;
        for (id, tensor) in &tensors {
            if matches!(tensor.life, Life::State) {
                plan.slot_of[id.0 as usize] = Some(plan.slots.len());
                plan.slots.push(tensor.bytes(c4_bytes));
                live += tensor.bytes(c4_bytes);
            }
        }
        plan.live_peak = live;
        let mut free: Vec<usize> = Vec::new();
        for (i, (_, kernel, _)) in program.calls().iter().enumerate() {
            let operands = kernel.operands();
            for operand in operands.iter().filter(|o| o.access != Access::Read) {
                let (index, tensor) = (operand.tensor.0 as usize, program.get(operand.tensor));
                if plan.slot_of[index].is_none() && matches!(tensor.life, Life::Scratch) {
                    let bytes = tensor.bytes(c4_bytes);
                    plan.slot_of[index] = Some(plan.take(&mut free, bytes));
                    live += bytes;
                }
            }
            plan.live_peak = plan.live_peak.max(live);
            let mut ended: Vec<TensorId> = operands.iter().map(|o| o.tensor).collect();
            ended.sort_unstable();
            ended.dedup();
            for id in ended {
                let tensor = program.get(id);
                if last_use[id.0 as usize] == Some(i)
                    && matches!(tensor.life, Life::Scratch)
                    && let Some(slot) = plan.slot_of[id.0 as usize]
                {
                    free.push(slot);
                    live -= tensor.bytes(c4_bytes);
                }
            }
        }
        plan
    }

    fn take(&mut self, free: &mut Vec<usize>, bytes: u64) -> usize {
        let fits = free.iter().enumerate().filter(|(_, s)| self.slots[**s] >= bytes).min_by_key(|(_, s)| self.slots[**s]);
        let best = fits.or_else(|| free.iter().enumerate().max_by_key(|(_, s)| self.slots[**s])).map(|(i, _)| i);
        match best {
            Some(i) => {
                let slot = free.swap_remove(i);
                self.slots[slot] = self.slots[slot].max(bytes);
                slot
            }
            None => {
                self.slots.push(bytes);
                self.slots.len() - 1
            }
        }
    }

    /// The slot of a tensor, `None` for constants and unused tensors.
    pub fn slot(&self, id: TensorId) -> Option<usize> {
        self.slot_of[id.0 as usize]
    }

    /// Bytes of each slot.
    pub fn slots(&self) -> &[u64] {
        &self.slots
    }

    /// The most bytes of scratch and state alive at one moment: no plan can need less.
    pub fn live_peak(&self) -> u64 {
        self.live_peak
    }
}
