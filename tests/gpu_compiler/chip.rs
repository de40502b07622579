//! The chips, by what decides how many waves fit on one: from AMD's public instruction set guides.

/// An AMD chip that RADV knows by `name`. Numbers are of waves of 64 invocations.
pub struct Chip {
    pub name: &'static str,
    /// Vector registers of a SIMD, for each invocation of a wave.
    registers: u32,
    /// Registers are handed out in this many.
    granularity: u32,
    /// Waves of a SIMD, at most.
    most_waves: u32,
    /// SIMDs that share 64 KiB of workgroup memory.
    simds: u32,
}

/// RDNA 3, RDNA 2 and the last GCN with a display: three generations of instruction sets.
pub const CHIPS: [Chip; 3] = [
    Chip { name: "gfx1100", registers: 768, granularity: 12, most_waves: 16, simds: 2 },
    Chip { name: "navi21", registers: 512, granularity: 8, most_waves: 16, simds: 2 },
    Chip { name: "vega20", registers: 256, granularity: 4, most_waves: 10, simds: 4 },
];

impl Chip {
    /// Waves per SIMD that `registers` and `local` bytes of workgroup memory leave room for. `subgroup` is the invocations of a wave.
    /// RADV tells a number of its own, which is wrong where there is no chip.
    pub fn waves(&self, registers: u32, local: u32, workgroup: u32, subgroup: u32) -> (f64, f64) {
        let narrow = (64 / subgroup).max(1);
        let used = registers.max(1).next_multiple_of(self.granularity * narrow);
        let by_registers = (self.registers * narrow / used).min(self.most_waves);
        let most = f64::from(self.most_waves);
        let by_memory = match (64_u32 << 10).checked_div(local) {
            Some(workgroups) => (f64::from(workgroups * workgroup.div_ceil(subgroup)) / f64::from(self.simds)).min(most),
            None => most,
        };
        (f64::from(by_registers), by_memory)
    }
}
