//! Assembling a shader: the prelude that names the storage type, the shared files it imports, its constants.

use crate::error::{Error, Result};

/// A shader file.
#[derive(Clone, Copy, Debug)]
pub struct ShaderSource {
    /// Its file's name without the ending.
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
}

macro_rules! sources {
    ($folder:literal: $($name:literal),* $(,)?) => {
        &[$(ShaderSource { name: $name, text: include_str!(concat!("../../shaders/", $folder, $name, ".wgsl")) }),*]
    };
}

const SHADERS: &[ShaderSource] = sources!["":
    "attention_apply",
    "attention_apply_wide",
    "attention_scores",
    "attention_scores_wide",
    "attention_softmax",
    "conv2d",
    "conv2d_wide",
    "ddim_step",
    "gaussian",
    "group_norm_apply",
    "group_norm_fold",
    "group_norm_stats",
    "linear",
    "network_input",
    "pack_picture",
    "peak",
    "quantile",
    "time_embedding",
];

const SHARED: &[ShaderSource] = sources!["shared/":
    "activation",
    "attention",
    "conv2d",
    "group_norm",
    "image",
    "linear_index",
    "philox",
    "shuffle_columns",
    "step",
];

/// Every shader with an entry point.
pub fn shader_sources() -> &'static [ShaderSource] {
    SHADERS
}

/// The WGSL text of shader `name`: `#import x` lines replaced by shaders/shared/x.wgsl, `const NAME: u32 = …;` lines by the given
/// values, and in front the storage type: `C4` is a vec4 of f32 or f16, `Scalar` one component of it.
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
    out.push_str(&format!("alias C4 = vec4<{scalar}>;\nalias Scalar = {scalar};\n"));
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
