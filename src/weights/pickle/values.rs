//! What a pickle's opcodes make: small flat values, and nodes that hold others, referred to by index.

use safetensors::Dtype;

/// A tensor as the pickle describes it; the numbers lie elsewhere in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorRef {
    pub dtype: Dtype,
    /// The storage's name in the archive's data/ folder.
    pub storage: String,
    /// Elements of the storage.
    pub storage_len: usize,
    /// Elements before the tensor's first.
    pub offset: usize,
    pub shape: Vec<usize>,
    /// In elements, one a dimension.
    pub strides: Vec<usize>,
}

/// What a pickle may name and we know what to make of. Anything else becomes an object that is passed over; nothing is ever called.
#[derive(Clone, Copy, Debug)]
pub enum Global {
    /// collections.OrderedDict
    OrderedDict,
    /// torch._utils._rebuild_tensor_v2, and its elder without hooks
    RebuildTensor,
    /// torch._utils._rebuild_parameter, whose first argument is the tensor
    RebuildParameter,
    /// torch._tensor._rebuild_from_type_v2: a function's name, a class, the function's arguments
    RebuildFromType,
    /// torch.FloatStorage and its like
    Storage(Dtype),
    /// A class we know nothing of: index of its name.
    Other(u32),
}

/// One value on the stack or in the memo.
#[derive(Clone, Copy, Debug)]
pub enum Value {
    None,
    Bool(bool),
    Integer(i64),
    Float(f64),
    /// Where the text lies in the pickle.
    Text(u32, u32),
    /// Bytes, or a number too long to count anything.
    Opaque,
    Global(Global),
    /// Index of a [`Node`].
    Node(usize),
}

/// A value that holds others.
#[derive(Debug)]
pub enum Node {
    Tuple(Vec<Value>),
    List(Vec<Value>),
    Dict(Vec<(Value, Value)>),
    Storage {
        dtype: Dtype,
        key: Value,
        start: usize,
        len: usize,
    },
    Tensor(Box<TensorRef>),
    /// Of a class of this name; what lies in it as in a dict, and its attributes.
    Object {
        class: u32,
        items: Vec<(Value, Value)>,
        state: Option<usize>,
    },
}

/// Modules that a checkpoint has no business with: what asks for them is meant to run something.
const HARMFUL: [&str; 22] = [
    "os",
    "posix",
    "nt",
    "sys",
    "subprocess",
    "pty",
    "shutil",
    "socket",
    "importlib",
    "runpy",
    "commands",
    "webbrowser",
    "ctypes",
    "code",
    "codeop",
    "pip",
    "pdb",
    "bdb",
    "asyncio",
    "multiprocessing",
    "urllib",
    "signal",
];

/// Builtins that hold data.
const BUILTINS: [&str; 17] = [
    "set",
    "frozenset",
    "slice",
    "complex",
    "bytearray",
    "range",
    "xrange",
    "object",
    "list",
    "dict",
    "tuple",
    "int",
    "float",
    "bool",
    "str",
    "bytes",
    "long",
];

/// The global a pickle names, if we know what to make of it.
pub(super) fn known_global(module: &str, name: &str) -> Option<Global> {
    Some(match (module, name) {
        ("collections", "OrderedDict") => Global::OrderedDict,
        ("torch._utils", "_rebuild_tensor_v2" | "_rebuild_tensor") => Global::RebuildTensor,
        ("torch._utils", "_rebuild_parameter" | "_rebuild_parameter_with_state") => Global::RebuildParameter,
        ("torch._tensor", "_rebuild_from_type_v2") => Global::RebuildFromType,
        ("torch", "DoubleStorage") => Global::Storage(Dtype::F64),
        ("torch", "FloatStorage") => Global::Storage(Dtype::F32),
        ("torch", "HalfStorage") => Global::Storage(Dtype::F16),
        ("torch", "BFloat16Storage") => Global::Storage(Dtype::BF16),
        ("torch", "LongStorage") => Global::Storage(Dtype::I64),
        ("torch", "IntStorage") => Global::Storage(Dtype::I32),
        ("torch", "ShortStorage") => Global::Storage(Dtype::I16),
        ("torch", "CharStorage") => Global::Storage(Dtype::I8),
        ("torch", "ByteStorage") => Global::Storage(Dtype::U8),
        ("torch", "BoolStorage") => Global::Storage(Dtype::BOOL),
        _ => return None,
    })
}

/// Whether a class of this name may stand in a checkpoint, to be passed over.
pub(super) fn is_harmless(module: &str, name: &str) -> bool {
    let plain = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '<' | '>'));
    let package = module.split('.').next().unwrap_or_default();
    let builtin = matches!(package, "builtins" | "__builtin__") && !BUILTINS.contains(&name);
    plain(module) && plain(name) && !HARMFUL.contains(&package) && !builtin
}
