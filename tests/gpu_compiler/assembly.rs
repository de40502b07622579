//! Reading a disassembly: its basic blocks, its loops, and how many vector instructions they are.

/// Vector arithmetic of a part of a shader, per invocation.
#[derive(Clone, Copy, Default, Debug)]
pub struct Count {
    /// Multiply-adds of floating point numbers; a packed or dual instruction does two.
    pub multiply_adds: f64,
    /// Issue slots of all vector arithmetic: four for an instruction of quarter rate.
    pub slots: f64,
}

/// Instructions from one label or jump to the next.
#[derive(Clone, Copy, Default)]
struct Block {
    count: Count,
    /// Whether it reads or writes memory of any kind but scalars.
    has_memory: bool,
    /// Whether a jump forward leads past it.
    is_skippable: bool,
}

impl Count {
    fn add(&mut self, line: &str) {
        // Dual instructions are two on one line: `v_dual_fmac_f32 … :: v_dual_mov_b32 …`.
        let names: Vec<&str> = line.split("::").filter_map(|part| part.split_whitespace().next()).collect();
        let Some(name) = names.first().filter(|name| name.starts_with("v_")) else { return };
        let each: u8 = if name.starts_with("v_pk_") || name.starts_with("v_dot2") { 2 } else { 1 };
        self.multiply_adds += f64::from(each) * names.iter().filter(|name| is_multiply_add(name)).count() as f64;
        self.slots += if is_quarter_rate(name) { 4.0 } else { 1.0 };
    }
}

fn is_multiply_add(name: &str) -> bool {
    let plain = ["v_", "dual_", "pk_"].iter().fold(name, |name, prefix| name.strip_prefix(prefix).unwrap_or(name));
    let floats = ["_f32", "_f16", "mix"].iter().any(|part| plain.contains(part));
    floats && ["fma", "mac_", "mad_", "dot2"].iter().any(|start| plain.starts_with(start))
}

/// 32-bit integer products and transcendental functions.
fn is_quarter_rate(name: &str) -> bool {
    let slow = ["mul_lo_u32", "mul_hi_", "mad_u64_u32", "mad_i64_i32", "rcp", "rsq", "sqrt", "exp_", "log_", "sin", "cos"];
    let plain = name.trim_start_matches("v_");
    slow.iter().any(|start| plain.starts_with(start))
}

/// A disassembled shader.
pub struct Assembly {
    blocks: Vec<Block>,
    /// First and last block of each loop, outer loops before those within.
    loops: Vec<(usize, usize)>,
}

impl Assembly {
    /// Reads the text that RADV gives as "Assembly": labels, `name operands ; comment` lines.
    pub fn read(text: &str) -> Self {
        let (mut labels, mut blocks, mut jumps) = (vec![""], vec![Block::default()], Vec::new());
        for line in text.lines().map(|line| line.split(';').next().unwrap_or("").trim()) {
            if let Some(label) = line.strip_suffix(':') {
                labels.push(label);
                blocks.push(Block::default());
                continue;
            }
            let here = blocks.len() - 1;
            blocks[here].count.add(line);
            blocks[here].has_memory |=
                ["buffer_", "global_", "flat_", "scratch_", "ds_"].iter().any(|start| line.starts_with(start));
            if line.starts_with("s_branch") || line.starts_with("s_cbranch") {
                jumps.push((here, line.split_whitespace().nth(1).unwrap_or("")));
            }
        }
        // A loop goes from the target of a jump backward to the last such jump.
        let mut loops: Vec<(usize, usize)> = Vec::new();
        for (from, label) in jumps {
            let Some(to) = labels.iter().position(|known| *known == label) else { continue };
            if to > from {
                blocks[from + 1..to].iter_mut().for_each(|block| block.is_skippable = true);
                continue;
            }
            match loops.iter_mut().find(|known| known.0 == to) {
                Some(known) => known.1 = known.1.max(from),
                None => loops.push((to, from)),
            }
        }
        // The jump out of an inner loop may be the outer one's jump backward: that one ends no earlier than what begins within it.
        loops.sort_unstable_by_key(|l| std::cmp::Reverse(l.0));
        for outer in 1..loops.len() {
            let last = loops[..outer].iter().filter(|inner| inner.0 <= loops[outer].1).map(|inner| inner.1).max();
            loops[outer].1 = loops[outer].1.max(last.unwrap_or(0));
        }
        loops.sort_unstable();
        Self { blocks, loops }
    }

    /// What an invocation executes if the loops, of which each must lie within the one before, have these numbers of rounds; there
    /// may be fewer loops than numbers, as compilers unroll the innermost. Blocks that a jump leads past and that neither touch memory
    /// nor multiply and add are gone through in one round of `rare`, every other block in each, so that it is somewhat too much.
    /// `None` where the loops are others.
    pub fn executed(&self, rounds: &[u64], rare: u64) -> Option<Count> {
        let nested = self.loops.windows(2).all(|pair| pair[1].1 <= pair[0].1);
        if !nested || self.loops.is_empty() || self.loops.len() > rounds.len() {
            return None;
        }
        let mut sum = Count::default();
        for (i, block) in self.blocks.iter().enumerate() {
            let around: Vec<_> = self.loops.iter().zip(rounds).filter(|(l, _)| (l.0..=l.1).contains(&i)).collect();
            let is_rare = around.len() == 1 && block.is_skippable && !block.has_memory && block.count.multiply_adds == 0.0;
            let times = around.iter().map(|(_, rounds)| **rounds as f64).product::<f64>() / if is_rare { rare as f64 } else { 1.0 };
            sum.multiply_adds += times * block.count.multiply_adds;
            sum.slots += times * block.count.slots;
        }
        Some(sum)
    }
}
