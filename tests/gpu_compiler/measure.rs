//! One shader variant on one chip: a row of the table.

use crate::{
    assembly::Assembly,
    chip::Chip,
    driver::{Compiled, Device},
};
use etude::gpu::{Dispatch, assemble};
use naga::{
    back::spv,
    proc::{BoundsCheckPolicies, BoundsCheckPolicy::Unchecked},
    valid::{Capabilities, ValidationFlags, Validator},
};

/// What the compiler made of a variant.
pub struct Row {
    chip: &'static str,
    name: String,
    workgroup: u32,
    subgroup: u32,
    registers: u32,
    scalar_registers: u32,
    local: u32,
    instructions: u32,
    /// Vector and scalar registers that did not fit.
    pub spilled: u32,
    /// Bytes of memory of its own per wave.
    pub scratch: u32,
    waves_by_registers: f64,
    waves_by_memory: f64,
    /// Multiply-adds that the formula asks for by issue slots of vector arithmetic; `None` for shaders that are not matrix products.
    pub multiply_adds_per_slot: Option<f64>,
}

/// A matrix product of a usual size, of which the instructions are counted.
struct Product {
    /// Rounds of its loops, from the outermost.
    rounds: Vec<u64>,
    /// One round of so many of the outermost loop goes through blocks that need not be gone through and neither load nor multiply.
    rare: u64,
    /// Multiply-adds per invocation.
    multiply_adds: u64,
    /// Whether the products of a slice are added up by themselves.
    has_slice_sums: bool,
}

/// A 3x3 convolution of 128 channels, whose shader goes on to another tap once per eight slices of 16 channels; attention of heads of
/// 64 channels, over 256 tokens.
fn product(dispatch: &Dispatch) -> Option<Product> {
    let constant = |name: &str| {
        let found = dispatch.constants.iter().find(|(known, _)| *known == name);
        found.map_or(1, |(_, value)| u64::from(*value))
    };
    match dispatch.shader {
        "conv2d" => {
            let multiply_adds = 9 * 128 * 4 * constant("PIXELS") * constant("OUT_C4");
            let has_slice_sums = dispatch.constants.contains(&("SUMS_AS_STORED", 1));
            Some(Product { rounds: vec![9 * 8, 4], rare: 8, multiply_adds, has_slice_sums })
        }
        "attention_scores" => Some(Product { rounds: vec![4, 4, 2], rare: 1, multiply_adds: 64 * 8 * 8, has_slice_sums: false }),
        "attention_apply" => Some(Product { rounds: vec![16, 4], rare: 1, multiply_adds: 256 * 8 * 4, has_slice_sums: false }),
        _ => None,
    }
}

impl Row {
    /// Compiles a variant.
    pub fn measure(device: &Device, chip: &Chip, dispatch: &Dispatch, f16: bool) -> Result<Self, String> {
        let (spirv, uniforms) = translate(dispatch, f16)?;
        let compiled = device.compile(&spirv, uniforms)?;
        let number = |name: &str| compiled.statistic(name);
        let multiply_adds_per_slot = product(dispatch).map(|product| per_slot(&compiled, &product)).transpose()?;
        let constants: String = dispatch.constants.iter().map(|(name, value)| format!(" {name}={value}")).collect();
        let (registers, local, subgroup) = (number("VGPRs")?, number("LDS size")?, compiled.subgroup);
        let (waves_by_registers, waves_by_memory) = chip.waves(registers, local, dispatch.workgroup, subgroup);
        Ok(Self {
            chip: chip.name,
            name: format!("{}{constants} {}", dispatch.shader, if f16 { "f16" } else { "f32" }),
            workgroup: dispatch.workgroup,
            subgroup,
            registers,
            scalar_registers: number("SGPRs")?,
            local,
            instructions: number("Instructions")?,
            spilled: number("Spilled VGPRs")? + number("Spilled SGPRs")?,
            scratch: number("Scratch size")?,
            waves_by_registers,
            waves_by_memory,
            multiply_adds_per_slot,
        })
    }

    /// Waves per SIMD that fit.
    pub fn waves(&self) -> f64 {
        self.waves_by_registers.min(self.waves_by_memory)
    }

    /// Chip and variant.
    pub fn label(&self) -> String {
        format!("{} {}", self.chip, self.name)
    }

    /// The names of the columns.
    pub fn heading() -> String {
        format!(
            "{:8} {:51} {:>9} {:>5} {:>5} {:>7} {:>7} {:>6} {:>6} {:>6} {:>12}  multiply-adds per slot\n",
            "chip", "shader", "workgroup", "VGPRs", "SGPRs", "spilled", "scratch", "local", "waves", "of", "instructions"
        )
    }

    /// The row as text; tiles that wide layers get are marked.
    pub fn line(&self, is_wide: bool) -> String {
        let ratio = self.multiply_adds_per_slot.map_or("-".to_owned(), |ratio| format!("{ratio:.3}"));
        format!(
            "{:8} {:51} {:>9} {:>5} {:>5} {:>7} {:>7} {:>6} {:>6.1} {:>6} {:>12}  {ratio}{}\n",
            self.chip,
            self.name,
            self.workgroup,
            self.registers,
            self.scalar_registers,
            self.spilled,
            self.scratch,
            self.local,
            self.waves(),
            self.subgroup,
            self.instructions,
            if is_wide { " wide layers" } else { "" }
        )
    }
}

fn per_slot(compiled: &Compiled, product: &Product) -> Result<f64, String> {
    let assembly = Assembly::read(&compiled.assembly);
    let found = assembly.executed(&product.rounds, product.rare).ok_or("the loops are not those that measure.rs expects")?;
    // What comes before and after the loops may have a few more.
    let expected = product.multiply_adds as f64;
    // The first of 16 products that are added up by themselves is added to nothing.
    let least = if product.has_slice_sums { expected * 15.0 / 16.0 } else { expected };
    if !(least..=1.1 * expected).contains(&found.multiply_adds) {
        return Err(format!("{} multiply-adds found, {expected} expected: are the loops counted right?", found.multiply_adds));
    }
    Ok(expected / found.slots)
}

/// SPIR-V of a variant, with the options that wgpu's Vulkan backend has for a trusted module without runtime checks: that of a
/// release build; and its number of uniform buffers.
fn translate(dispatch: &Dispatch, f16: bool) -> Result<(Vec<u32>, u32), String> {
    let text = assemble(dispatch.shader, &dispatch.constants, f16).map_err(|e| e.to_string())?;
    let module = naga::front::wgsl::parse_str(&text).map_err(|e| e.emit_to_string(&text))?;
    let info =
        Validator::new(ValidationFlags::all(), Capabilities::all()).validate(&module).map_err(|e| e.emit_to_string(&text))?;
    let options = spv::Options {
        lang_version: (1, 6),
        flags: spv::WriterFlags::LABEL_VARYINGS | spv::WriterFlags::FORCE_POINT_SIZE,
        bounds_check_policies: BoundsCheckPolicies {
            index: Unchecked,
            buffer: Unchecked,
            image_load: Unchecked,
            binding_array: Unchecked,
        },
        zero_initialize_workgroup_memory: spv::ZeroInitializeWorkgroupMemoryMode::None,
        force_loop_bounding: false,
        emit_int_div_checks: false,
        ..Default::default()
    };
    let entry = spv::PipelineOptions { shader_stage: naga::ShaderStage::Compute, entry_point: "main".to_owned() };
    let spirv = spv::write_vec(&module, &info, &options, Some(&entry)).map_err(|e| e.to_string())?;
    let uniforms = module.global_variables.iter().filter(|(_, v)| v.space == naga::AddressSpace::Uniform).count();
    Ok((spirv, uniforms as u32))
}
