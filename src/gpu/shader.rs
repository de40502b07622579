//! Assembling a shader: the prelude that names the storage type, the shared files it imports, its constants.

use super::tune::{SUMS_AS_STORED, TILES_AS_STORED};
use crate::{
    error::{Error, Result},
    program::kernels,
};

/// A shader file.
#[derive(Clone, Copy, Debug)]
pub struct ShaderSource {
    /// Its file's name without the ending.
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
}

macro_rules! source {
    ($folder:literal, $name:expr) => {
        ShaderSource { name: $name, text: include_str!(concat!("../../shaders/", $folder, $name, ".wgsl")) }
    };
}

macro_rules! kernel_shaders {
    ($(
        $Kernel:ident($k:ident) = $name:ident $(or $wide:ident)? $(with $step:ident)? { $($access:ident $tensor:expr),* }
    )*) => {
        &[
            $(source!("", stringify!($name)), $(source!("", stringify!($wide)),)?)*
            // A third one of convolutions, which `tune.rs` takes where it is the quickest.
            source!("", "conv2d_winograd_wide"),
            // No kernel: `peak.rs` measures the device with it.
            source!("", "peak"),
        ]
    };
}

const SHADERS: &[ShaderSource] = kernels!(kernel_shaders);

/// What shaders import.
const SHARED: &[ShaderSource] = &[
    source!("shared/", "activation"),
    source!("shared/", "attention"),
    source!("shared/", "attention_apply"),
    source!("shared/", "attention_scores"),
    source!("shared/", "conv2d"),
    source!("shared/", "conv2d_wide"),
    source!("shared/", "group_norm"),
    source!("shared/", "group_norm_fused"),
    source!("shared/", "image"),
    source!("shared/", "linear_index"),
    source!("shared/", "noise_path"),
    source!("shared/", "philox"),
    source!("shared/", "shuffle_columns"),
    source!("shared/", "step"),
];

/// Every shader with an entry point.
pub fn shader_sources() -> &'static [ShaderSource] {
    SHADERS
}

/// Changes with every change of a shader.
pub(super) fn sources_checksum() -> u32 {
    let mut sum = crc32fast::Hasher::new();
    SHADERS.iter().chain(SHARED).for_each(|source| sum.update(source.text.as_bytes()));
    sum.finalize()
}

/// The WGSL text of shader `name`: `#import x` lines replaced by shaders/shared/x.wgsl, `const NAME: u32 = …;` lines by the given
/// values, and in front the types: `C4` is a vec4 of f32 or f16, as is stored, `Scalar` one component of it; `Tile` and
/// `Sum` are vec4 of f32, or of what is stored where TILES_AS_STORED and SUMS_AS_STORED say so.
///
/// # Errors
/// An unknown shader, import or constant: a fault of this program, not of its user.
pub fn assemble(name: &str, constants: &[(&str, u32)], f16: bool) -> Result<String> {
    let find = |list: &[ShaderSource], name: &str| list.iter().find(|s| s.name == name).map(|s| s.text);
    let fault = |what: &str, of: &str| Error::argument(format!("shader {name}: {what} {of} does not exist"));
    let text = find(SHADERS, name).ok_or_else(|| fault("file", name))?;
    let scalar = if f16 { "f16" } else { "f32" };
    let mut out = String::with_capacity(text.len() + 4096);
    if f16 {
        out.push_str("enable f16;\n");
    }
    let type_of = |constant| if constants.contains(&(constant, 1)) { scalar } else { "f32" };
    let (tile, sum) = (type_of(TILES_AS_STORED), type_of(SUMS_AS_STORED));
    out.push_str(&format!(
        "alias C4 = vec4<{scalar}>;\nalias Scalar = {scalar};\nalias Tile = vec4<{tile}>;\nalias Sum = vec4<{sum}>;\n"
    ));
    let mut left: Vec<_> = constants.to_vec();
    for line in text.lines() {
        let constant = left.iter().position(|(key, _)| line.starts_with(&format!("const {key}: u32 =")));
        if let Some(import) = line.strip_prefix("#import ") {
            out.push_str(find(SHARED, import.trim()).ok_or_else(|| fault("import", import))?);
        } else if let Some(i) = constant {
            let (key, value) = left.swap_remove(i);
            out.push_str(&format!("const {key}: u32 = {value}u;"));
        } else {
            out.push_str(line);
        }
        out.push('\n');
    }
    match left.first() {
        Some((key, _)) => Err(fault("constant", key)),
        None => Ok(out),
    }
}
