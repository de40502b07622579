//! Every shader in every variant: valid, translatable to what the drivers take, and laid out as the Rust side believes.

mod common;

use common::{CLASSES, calls};
use etude::{
    gpu::{DeviceClass, Dispatch, MAX_WORKGROUPS_PER_DIMENSION, assemble, candidates, dispatch, shader_sources},
    program::{Access, Kernel, Precision, uniform_layouts},
};
use naga::{
    AddressSpace, Expression, Literal, Module, StorageAccess, TypeInner,
    back::{hlsl, msl, spv},
    valid::{Capabilities, ModuleInfo, ShaderStages, SubgroupOperationSet, ValidationFlags, Validator},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// Between them these get every candidate.
const CHOICES: [Precision; 2] = [Precision::F16, Precision::F16Fast];

/// A shader with the values of its constants.
struct Variant {
    shader: &'static str,
    constants: Vec<(&'static str, u32)>,
    /// Whether only drivers with subgroups get it.
    wide: bool,
    /// One of the calls that get it, by its place in [`calls::sweep`], with its dispatch. `None`: no call does.
    call: Option<(usize, Kernel, Dispatch)>,
}

/// What `gpu::tune` chooses for the calls of [`calls::sweep`], and the shaders that none of them gets as their files have them.
fn variants() -> Vec<Variant> {
    let mut found: BTreeMap<_, Variant> = BTreeMap::new();
    for (i, program) in calls::sweep().into_iter().enumerate() {
        for class in CLASSES {
            let kernel = program.calls()[0].1;
            let chosen = dispatch(&kernel, &program, class, 1);
            // The engine makes the pipeline for one row and dispatches it for any.
            let of_many = dispatch(&kernel, &program, class, 1000);
            assert_eq!((chosen.shader, &chosen.constants), (of_many.shader, &of_many.constants), "depends on the number of rows");
            for other in CHOICES.into_iter().flat_map(|precision| candidates(&kernel, &program, class, precision)) {
                let (shader, constants) = (other.shader, other.constants.clone());
                found.entry((shader, constants.clone())).or_insert_with(|| Variant {
                    shader,
                    constants,
                    wide: class != DeviceClass::Tiled,
                    call: Some((i, kernel, other)),
                });
            }
            let (shader, constants) = (chosen.shader, chosen.constants.clone());
            let variant = found.entry((shader, constants.clone())).or_insert_with(|| Variant {
                shader,
                constants,
                wide: true,
                call: Some((i, kernel, chosen.clone())),
            });
            variant.wide &= class != DeviceClass::Tiled;
            let same =
                variant.call.as_ref().is_some_and(|(.., d)| (d.workgroup, &d.assumed) == (chosen.workgroup, &chosen.assumed));
            assert!(same, "{shader}: the same variant is taken for two different ones");
        }
    }
    let mut all: Vec<_> = found.into_values().collect();
    for source in shader_sources() {
        if !all.iter().any(|v| v.shader == source.name) {
            all.push(Variant { shader: source.name, constants: Vec::new(), wide: false, call: None });
        }
    }
    all
}

impl Variant {
    fn label(&self, f16: bool) -> String {
        let constants: String = self.constants.iter().map(|(name, value)| format!(" {name}={value}")).collect();
        format!("{}{constants} {}", self.shader, if f16 { "f16" } else { "f32" })
    }

    /// Assembled, parsed and validated with no capability beyond the storage type's and, for wide kernels, subgroups.
    fn validated(&self, f16: bool) -> Result<(Module, ModuleInfo), String> {
        let source = assemble(self.shader, &self.constants, f16).map_err(|e| e.to_string())?;
        let module = naga::front::wgsl::parse_str(&source).map_err(|e| e.emit_to_string(&source))?;
        let mut capabilities = Capabilities::empty();
        capabilities.set(Capabilities::SHADER_FLOAT16, f16);
        capabilities.set(Capabilities::SUBGROUP, self.wide);
        let mut validator = Validator::new(ValidationFlags::all(), capabilities);
        if self.wide {
            validator.subgroup_stages(ShaderStages::COMPUTE).subgroup_operations(SubgroupOperationSet::all());
        }
        let info = validator.validate(&module).map_err(|e| e.emit_to_string(&source))?;
        Ok((module, info))
    }
}

/// Each variant with each storage type; one list of everything wrong.
fn for_every_variant(check: impl Fn(&Variant, bool, Module, ModuleInfo) -> Vec<String>) {
    let mut wrong = Vec::new();
    for variant in variants() {
        for f16 in [false, true] {
            let faults = match variant.validated(f16) {
                Ok((module, info)) => check(&variant, f16, module, info),
                Err(text) => vec![text],
            };
            wrong.extend(faults.into_iter().map(|fault| format!("{}: {fault}", variant.label(f16))));
        }
    }
    assert!(wrong.is_empty(), "{} faults\n{}", wrong.len(), wrong.join("\n"));
}

/// SPIR-V for Vulkan, MSL for Metal, HLSL for DX12. Subgroups came with SPIR-V 1.3, MSL 2.1 and shader model 6.0, f16 with 6.2;
/// 5.1 is what the compiler that Windows brings along takes.
#[test]
fn every_variant_is_valid_and_translates() {
    use hlsl::ShaderModel::{V5_1, V6_0, V6_2};
    for_every_variant(|variant, f16, module, info| {
        let mut wrong = Vec::new();
        let spirv = spv::Options { lang_version: if variant.wide { (1, 3) } else { (1, 0) }, ..Default::default() };
        if let Err(error) = spv::write_vec(&module, &info, &spirv, None) {
            wrong.push(format!("SPIR-V: {error}"));
        }
        let metal = msl::Options { lang_version: if variant.wide { (2, 1) } else { (2, 0) }, ..Default::default() };
        if let Err(error) = msl::write_string(&module, &info, &metal, &msl::PipelineOptions::default()) {
            wrong.push(format!("MSL: {error}"));
        }
        let models: &[_] = match (f16, variant.wide) {
            (true, _) => &[V6_2],
            (false, true) => &[V6_0],
            (false, false) => &[V5_1, V6_0],
        };
        for &shader_model in models {
            let options = hlsl::Options { shader_model, ..Default::default() };
            let (mut text, pipeline) = (String::new(), hlsl::PipelineOptions::default());
            match hlsl::Writer::new(&mut text, &options, &pipeline).write(&module, &info, None) {
                Err(error) => wrong.push(format!("HLSL {shader_model:?}: {error}")),
                Ok(written) => {
                    let entries = written.entry_point_names.into_iter();
                    wrong.extend(entries.filter_map(|name| name.err()).map(|error| format!("HLSL {shader_model:?}: {error}")));
                }
            }
        }
        wrong
    });
}

/// A uniform struct's name, fields with their byte offsets, and size.
type Layout = (String, Vec<(String, usize)>, usize);

fn uniforms(module: &Module) -> Vec<Layout> {
    let of = |ty: &naga::Type| match &ty.inner {
        TypeInner::Struct { members, span } => {
            let fields = members.iter().map(|m| (m.name.clone().unwrap_or_default(), m.offset as usize)).collect();
            (ty.name.clone().unwrap_or_default(), fields, *span as usize)
        }
        other => (format!("{other:?}"), Vec::new(), 0),
    };
    module.global_variables.iter().filter(|(_, v)| v.space == AddressSpace::Uniform).map(|(_, v)| of(&module.types[v.ty])).collect()
}

#[test]
fn uniform_structs_have_the_rust_structs_layout() {
    let layouts = uniform_layouts();
    for_every_variant(|_, _, module, _| {
        let mut wrong = Vec::new();
        for (name, fields, size) in uniforms(&module) {
            match layouts.iter().find(|(known, ..)| *known == name) {
                None => wrong.push(format!("uniform {name} has no Rust struct in uniform_layouts()")),
                Some((_, rust_size, rust_fields)) => {
                    let rust_fields: Vec<(String, usize)> = rust_fields.iter().map(|(n, at)| ((*n).to_owned(), *at)).collect();
                    if fields != rust_fields || size != *rust_size {
                        wrong.push(format!(
                            "uniform {name}: Rust has {rust_size} bytes {rust_fields:?}, the shader {size} bytes {fields:?}"
                        ));
                    }
                }
            }
        }
        wrong
    });
    let modules = variants().into_iter().filter_map(|variant| variant.validated(false).ok());
    let used: BTreeSet<String> = modules.flat_map(|(module, _)| uniforms(&module)).map(|(name, ..)| name).collect();
    let unused: Vec<&str> = layouts.iter().map(|(name, ..)| *name).filter(|name| !used.contains(*name)).collect();
    assert!(unused.is_empty(), "no shader has these uniform structs: {unused:?}");
}

/// Parameters, then the step where the kernel says so, then its operands in order; `read` for what is read, else `read_write`.
#[test]
fn bindings_are_the_kernels_operands() {
    let programs = calls::sweep();
    for_every_variant(|variant, _, module, _| {
        let Some((program, kernel, _)) = &variant.call else { return Vec::new() };
        let mut expected = vec!["uniform"];
        if kernel.uses_step() {
            expected.push("uniform");
        }
        expected.extend(kernel.operands().iter().map(|o| if o.access == Access::Read { "read" } else { "read_write" }));
        let mut found: Vec<_> = module
            .global_variables
            .iter()
            .filter_map(|(_, v)| v.binding.map(|b| ((b.group, b.binding), v.space, v.ty)))
            .map(|(place, space, ty)| match space {
                AddressSpace::Uniform => (place, "uniform", ty),
                AddressSpace::Storage { access } if access.contains(StorageAccess::STORE) => (place, "read_write", ty),
                AddressSpace::Storage { .. } => (place, "read", ty),
                _ => (place, "something else", ty),
            })
            .collect();
        found.sort_by_key(|(place, ..)| *place);
        let mut wrong = Vec::new();
        let (places, kinds): (Vec<_>, Vec<_>) = found.iter().map(|(place, kind, _)| (*place, *kind)).unzip();
        if kinds != expected || places != (0..expected.len() as u32).map(|i| (0, i)).collect::<Vec<_>>() {
            wrong.push(format!("bindings {places:?} {kinds:?}, the kernel's operands are {expected:?}"));
        }
        let params = kernel.params(&programs[*program]).len();
        if let Some(TypeInner::Struct { span, .. }) = found.first().map(|(.., ty)| &module.types[*ty].inner)
            && *span as usize != params
        {
            wrong.push(format!("binding 0 has {span} bytes, the kernel's parameters {params}"));
        }
        if kernel.uses_step() && found.get(1).is_none_or(|(.., ty)| module.types[*ty].name.as_deref() != Some("Step")) {
            wrong.push("binding 1 is not a Step".to_owned());
        }
        wrong
    });
}

/// The value of each of a shader's named constants that is a u32.
fn constants(module: &Module) -> BTreeMap<&str, u32> {
    let value = |constant: &'_ naga::Constant| match module.global_expressions[constant.init] {
        Expression::Literal(Literal::U32(value)) => Some(value),
        _ => None,
    };
    module.constants.iter().filter_map(|(_, c)| Some((c.name.as_deref()?, value(c)?))).collect()
}

/// The number of workgroups rests on the sizes of workgroups and tiles and on how a long grid goes into two dimensions: the shader
/// must have those that `gpu::tune` and the calls count on.
#[test]
fn workgroups_and_tiles_are_as_the_dispatch_assumes() {
    for_every_variant(|variant, _, module, _| {
        let Some((_, _, dispatch)) = &variant.call else { return Vec::new() };
        let (found, mut wrong) = (constants(&module), Vec::new());
        let mut compare = |name: &str, found: Option<u32>, expected: u32| {
            if found != Some(expected) {
                wrong.push(format!("{name}: the shader has {found:?}, the dispatch assumes {expected}"));
            }
        };
        let [x, y, z] = module.entry_points[0].workgroup_size;
        compare("workgroup_size", Some(x * y * z), dispatch.workgroup);
        for (name, expected) in &dispatch.assumed {
            compare(name, found.get(name).copied(), *expected);
        }
        // Only a dispatch of one workgroup per image does without.
        if variant.shader != "quantile" {
            let name = "MAX_WORKGROUPS_PER_DIMENSION";
            compare(name, found.get(name).copied(), MAX_WORKGROUPS_PER_DIMENSION);
        }
        wrong
    });
}

/// What `gpu::device` asks of an adapter, among it 256 invocations a workgroup, of which convolutions for GPUs make use, and 16 KiB of
/// workgroup memory, which every adapter has (both are WebGPU's own minimum).
#[test]
fn every_variant_fits_the_smallest_adapter() {
    for_every_variant(|_, _, module, _| {
        let mut wrong = Vec::new();
        let entry = &module.entry_points[0];
        if module.entry_points.len() != 1 || entry.name != "main" || entry.workgroup_size.iter().product::<u32>() > 256 {
            wrong.push("expected one entry point, main, with at most 256 invocations a workgroup".to_owned());
        }
        let in_space = |wanted: fn(&AddressSpace) -> bool| module.global_variables.iter().filter(move |(_, v)| wanted(&v.space));
        let bytes = |(_, v): (_, &naga::GlobalVariable)| module.types[v.ty].inner.size(module.to_ctx());
        let shared: u32 = in_space(|s| *s == AddressSpace::WorkGroup).map(bytes).sum();
        if shared > 16 << 10 {
            wrong.push(format!("{shared} bytes of workgroup memory, 16384 at most"));
        }
        let buffers = in_space(|s| matches!(s, AddressSpace::Storage { .. })).count();
        if buffers > 7 {
            wrong.push(format!("{buffers} storage buffers, 7 at most"));
        }
        wrong
    });
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Names of the files in a folder, without the ending `ending`; other files are left out.
fn files(folder: &str, ending: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(repository().join(folder)).expect("the folder is part of the repository");
    let name = |e: std::io::Result<fs::DirEntry>| e.expect("readable").file_name().into_string().expect("UTF-8");
    entries.filter_map(|e| name(e).strip_suffix(ending).map(str::to_owned)).collect()
}

#[test]
fn every_kernel_has_a_shader_a_twin_a_case_and_a_call() {
    let (shaders, twins) = (files("shaders", ".wgsl"), files("src/cpu", ".rs"));
    let cases = fs::read_to_string(repository().join("tests/kernels.rs")).expect("tests/kernels.rs is part of the repository");
    let called: BTreeSet<&str> = calls::sweep().iter().map(|p| p.calls()[0].1.name()).collect();
    let mut wrong = Vec::new();
    for &name in Kernel::NAMES {
        let mut need = |there: bool, what: &str| {
            if !there {
                wrong.push(format!("{name}: no {what}"));
            }
        };
        need(shaders.contains(name), "shader in shaders/");
        need(twins.contains(name), "twin in src/cpu/");
        need(cases.contains(&format!("#[test]\nfn {name}() {{")), "test of its name in tests/kernels.rs");
        need(called.contains(name), "call in tests/common/calls.rs");
    }
    wrong.extend(called.iter().filter(|name| !Kernel::NAMES.contains(name)).map(|name| format!("{name}: not in Kernel::NAMES")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// No file is forgotten, none is there for nothing: each is in the table, and each is chosen by `gpu::tune` or imported. `peak`
/// alone is no kernel's: `gpu::peak` measures the device with it.
#[test]
fn every_shader_file_is_in_the_table_and_in_use() {
    let listed: BTreeSet<String> = shader_sources().iter().map(|s| s.name.to_owned()).collect();
    assert_eq!(files("shaders", ".wgsl"), listed, "left: files in shaders/; right: the table in src/gpu/shader.rs");
    let idle: Vec<_> = variants().into_iter().filter(|v| v.call.is_none()).map(|v| v.shader).collect();
    assert_eq!(idle, ["peak"], "shaders that no kernel call gets");
    let imported: BTreeSet<String> = shader_sources()
        .iter()
        .flat_map(|s| s.text.lines())
        .filter_map(|l| l.strip_prefix("#import "))
        .map(|i| i.trim().to_owned())
        .collect();
    assert_eq!(files("shaders/shared", ".wgsl"), imported, "left: files in shaders/shared/; right: what shaders import");
}

/// naga rejects the directive, though the built-ins work without it.
#[test]
fn no_shader_enables_subgroups() {
    for folder in ["shaders", "shaders/shared"] {
        for name in files(folder, ".wgsl") {
            let text = fs::read_to_string(repository().join(format!("{folder}/{name}.wgsl"))).expect("readable");
            assert!(!text.contains("enable subgroups"), "{folder}/{name}.wgsl enables subgroups");
        }
    }
}
