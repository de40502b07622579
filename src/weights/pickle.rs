//! The pickle inside a PyTorch checkpoint: a machine with just the opcodes of a state dict. It collects names and descriptions of
//! tensors and calls nothing; whatever a pickle asks for beyond that is refused by name.
//!
//! Opcodes: Python's Lib/pickle.py, protocols 2 to 5. Values are small and flat (what is nested lies in [`Machine::nodes`] and is
//! referred to by index), so no pickle makes it recurse, and memory stays within a constant times the pickle's length.

use super::{entry::printable, pickle_bytes::Reader};
use safetensors::Dtype;
use std::collections::{BTreeMap, HashMap};

/// The longest pickle read: about 200 bytes a tensor, so this is room for ten thousand.
const LONGEST_PICKLE: usize = 2 << 20;
/// The most dimensions of a tensor; a convolution's weights have four.
const MAX_DIMENSIONS: usize = 8;
/// The longest name of a tensor or a storage, in bytes. A pickle may repeat a name in two bytes, each becoming a string of ours.
const LONGEST_NAME: usize = 256;

/// A tensor as the pickle describes it; the numbers lie elsewhere in the archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TensorRef {
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

/// The names and tensors of a pickled state dict.
///
/// # Errors
/// One line: what the pickle holds that a state dict does not, or where it breaks off.
pub(super) fn read_state_dict(pickle: &[u8]) -> Result<BTreeMap<String, TensorRef>, String> {
    if pickle.len() > LONGEST_PICKLE {
        return Err(format!("its pickle has {} bytes, expected a state dict's, at most {LONGEST_PICKLE}", pickle.len()));
    }
    Machine { input: Reader::new(pickle), stack: Vec::new(), marks: Vec::new(), memo: HashMap::new(), nodes: Vec::new() }.run()
}

/// What a pickle may name.
#[derive(Clone, Copy, Debug)]
enum Global {
    /// collections.OrderedDict
    OrderedDict,
    /// torch._utils._rebuild_tensor_v2
    RebuildTensor,
    /// torch.FloatStorage and its like
    Storage(Dtype),
}

/// One value on the stack or in the memo.
#[derive(Clone, Copy, Debug)]
enum Value {
    /// None, True, False: nothing we read.
    Constant,
    Integer(i64),
    /// Where the text lies in the pickle.
    Text(u32, u32),
    Global(Global),
    /// Index of a [`Node`].
    Node(usize),
}

/// A value that holds others.
#[derive(Debug)]
enum Node {
    Tuple(Vec<Value>),
    Dict(Vec<(Value, Value)>),
    Storage { dtype: Dtype, key: Value, len: usize },
    Tensor(Box<TensorRef>),
}

struct Machine<'p> {
    input: Reader<'p>,
    stack: Vec<Value>,
    /// Stack heights that MARK noted.
    marks: Vec<usize>,
    memo: HashMap<u32, Value>,
    nodes: Vec<Node>,
}

/// The global a pickle names, if it is one of ours.
fn global(module: &str, name: &str) -> Option<Global> {
    Some(match (module, name) {
        ("collections", "OrderedDict") => Global::OrderedDict,
        ("torch._utils", "_rebuild_tensor_v2") => Global::RebuildTensor,
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

impl Machine<'_> {
    fn run(mut self) -> Result<BTreeMap<String, TensorRef>, String> {
        loop {
            let start = self.input.at();
            match self.input.byte()? {
                // PROTO and FRAME say nothing that matters.
                0x80 => self.input.skip(1)?,
                0x95 => self.input.skip(8)?,
                b'.' => return self.state_dict(),
                b'(' => self.marks.push(self.stack.len()),
                b'N' | 0x88 | 0x89 => self.stack.push(Value::Constant),
                b'J' => self.integer(4, true)?,
                b'K' => self.integer(1, false)?,
                b'M' => self.integer(2, false)?,
                0x8a => self.long()?,
                b'X' => self.text(4)?,
                0x8c => self.text(1)?,
                0x8d => self.text(8)?,
                b')' => self.tuple(Vec::new()),
                b't' => {
                    let items = self.since_mark()?;
                    self.tuple(items);
                }
                count @ 0x85..=0x87 => {
                    let first = self.stack.len().checked_sub(usize::from(count - 0x84)).ok_or_else(|| self.broken())?;
                    let items = self.stack.split_off(first);
                    self.tuple(items);
                }
                b'}' => self.node(Node::Dict(Vec::new())),
                b's' => {
                    let (value, key) = (self.pop()?, self.pop()?);
                    self.dict()?.push((key, value));
                }
                b'u' => {
                    let items = self.since_mark()?;
                    let (pairs, []) = items.as_chunks::<2>() else { return Err(self.broken()) };
                    self.dict()?.extend(pairs.iter().map(|[key, value]| (*key, *value)));
                }
                // BUILD on a dict sets attributes such as _metadata, which hold no weights.
                b'b' => {
                    self.pop()?;
                    self.dict()?;
                }
                b'c' => {
                    let (module, name) = (self.input.line()?, self.input.line()?);
                    self.global(&module, &name)?;
                }
                0x93 => {
                    let (name, module) = (self.pop_text()?, self.pop_text()?);
                    self.global(&module, &name)?;
                }
                b'R' => self.reduce()?,
                b'Q' => self.persistent_id()?,
                b'q' => self.put(1)?,
                b'r' => self.put(4)?,
                0x94 => {
                    let key = self.memo.len() as u32;
                    self.remember(key)?;
                }
                b'h' => self.get(1)?,
                b'j' => self.get(4)?,
                other => return Err(format!("its pickle has opcode {other:#04x} at byte {start}, which no state dict has")),
            }
        }
    }

    fn broken(&self) -> String {
        self.input.broken()
    }

    fn integer(&mut self, width: usize, signed: bool) -> Result<(), String> {
        let number = self.input.number(width)?;
        self.stack.push(Value::Integer(if signed { i64::from(number as u32 as i32) } else { number as i64 }));
        Ok(())
    }

    /// LONG1: a length, then two's complement. Longer than eight bytes counts nothing that a tensor has.
    fn long(&mut self) -> Result<(), String> {
        let width = usize::from(self.input.byte()?);
        if width > 8 {
            return Err(self.broken());
        }
        let number = self.input.number(width)?;
        let unused = 64 - 8 * width as u32;
        let number = if width == 0 { 0 } else { (number << unused) as i64 >> unused };
        self.stack.push(Value::Integer(number));
        Ok(())
    }

    fn text(&mut self, width: usize) -> Result<(), String> {
        let length = self.input.number(width)?;
        let (start, length) = self.input.text(length)?;
        self.stack.push(Value::Text(start, length));
        Ok(())
    }

    fn pop(&mut self) -> Result<Value, String> {
        self.stack.pop().ok_or_else(|| self.broken())
    }

    fn text_of(&self, value: Value) -> Result<String, String> {
        let Value::Text(start, length) = value else { return Err(self.broken()) };
        if length as usize > LONGEST_NAME {
            return Err(format!("its pickle has a name of {length} bytes, expected at most {LONGEST_NAME}"));
        }
        Ok(self.input.part(start, length))
    }

    fn pop_text(&mut self) -> Result<String, String> {
        let value = self.pop()?;
        self.text_of(value)
    }

    /// What was pushed since the last MARK.
    fn since_mark(&mut self) -> Result<Vec<Value>, String> {
        let mark = self.marks.pop().filter(|mark| *mark <= self.stack.len()).ok_or_else(|| self.broken())?;
        Ok(self.stack.split_off(mark))
    }

    fn node(&mut self, node: Node) {
        self.stack.push(Value::Node(self.nodes.len()));
        self.nodes.push(node);
    }

    fn tuple(&mut self, mut items: Vec<Value>) {
        // split_off may leave room for the whole stack.
        items.shrink_to_fit();
        self.node(Node::Tuple(items));
    }

    /// The items of a tuple.
    fn items(&self, value: Value) -> Result<&[Value], String> {
        match value {
            Value::Node(index) => match &self.nodes[index] {
                Node::Tuple(items) => Ok(items),
                _ => Err(self.broken()),
            },
            _ => Err(self.broken()),
        }
    }

    /// The dict on top of the stack.
    fn dict(&mut self) -> Result<&mut Vec<(Value, Value)>, String> {
        let Some(Value::Node(index)) = self.stack.last() else { return Err(self.input.broken()) };
        if let Node::Dict(pairs) = &mut self.nodes[*index] { Ok(pairs) } else { Err(self.input.broken()) }
    }

    fn global(&mut self, module: &str, name: &str) -> Result<(), String> {
        let found = global(module, name).ok_or_else(|| {
            format!(
                "its pickle asks for {}.{}, which is refused: expected only collections.OrderedDict, \
                 torch._utils._rebuild_tensor_v2 and torch's storage types, as in a saved state dict",
                printable(module),
                printable(name)
            )
        })?;
        self.stack.push(Value::Global(found));
        Ok(())
    }

    /// REDUCE: what would call a global with a tuple of arguments.
    fn reduce(&mut self) -> Result<(), String> {
        let (arguments, callee) = (self.pop()?, self.pop()?);
        let arguments = self.items(arguments)?;
        match callee {
            Value::Global(Global::OrderedDict) if arguments.is_empty() => self.node(Node::Dict(Vec::new())),
            Value::Global(Global::RebuildTensor) => {
                let tensor = self.tensor(arguments)?;
                self.node(Node::Tensor(Box::new(tensor)));
            }
            _ => return Err(self.broken()),
        }
        Ok(())
    }

    /// storage, offset, size, stride, then what concerns gradients.
    fn tensor(&self, arguments: &[Value]) -> Result<TensorRef, String> {
        let [Value::Node(storage), Value::Integer(offset), shape, strides, ..] = arguments else { return Err(self.broken()) };
        let Node::Storage { dtype, key, len } = &self.nodes[*storage] else { return Err(self.broken()) };
        let sizes = |value: Value| {
            let size = |v: &Value| if let Value::Integer(n) = v { usize::try_from(*n).ok() } else { None };
            let items = self.items(value)?;
            if items.len() > MAX_DIMENSIONS {
                return Err(format!("its pickle has a tensor of {} dimensions, expected at most {MAX_DIMENSIONS}", items.len()));
            }
            items.iter().map(size).collect::<Option<Vec<_>>>().ok_or_else(|| self.broken())
        };
        let (shape, strides) = (sizes(*shape)?, sizes(*strides)?);
        if shape.len() != strides.len() {
            return Err(self.broken());
        }
        let offset = usize::try_from(*offset).map_err(|_| self.broken())?;
        Ok(TensorRef { dtype: *dtype, storage: self.text_of(*key)?, storage_len: *len, offset, shape, strides })
    }

    /// BINPERSID: ("storage", type, key, device, elements).
    fn persistent_id(&mut self) -> Result<(), String> {
        let id = self.pop()?;
        let [kind, Value::Global(Global::Storage(dtype)), key, _, Value::Integer(len)] = self.items(id)? else {
            return Err(self.broken());
        };
        if self.text_of(*kind)? != "storage" {
            return Err(self.broken());
        }
        let len = usize::try_from(*len).map_err(|_| self.broken())?;
        let storage = Node::Storage { dtype: *dtype, key: *key, len };
        self.node(storage);
        Ok(())
    }

    fn remember(&mut self, key: u32) -> Result<(), String> {
        let value = self.stack.last().copied().ok_or_else(|| self.broken())?;
        self.memo.insert(key, value);
        Ok(())
    }

    fn put(&mut self, width: usize) -> Result<(), String> {
        let key = self.input.number(width)?;
        self.remember(key as u32)
    }

    fn get(&mut self, width: usize) -> Result<(), String> {
        let key = self.input.number(width)?;
        let value = self.memo.get(&(key as u32)).copied().ok_or_else(|| self.broken())?;
        self.stack.push(value);
        Ok(())
    }

    /// STOP: the stack's top is the result.
    fn state_dict(mut self) -> Result<BTreeMap<String, TensorRef>, String> {
        let pairs = std::mem::take(self.dict().map_err(|_| "its pickle holds no dict of names and tensors".to_owned())?);
        let entry = |(key, value): (Value, Value)| {
            let key = self.text_of(key)?;
            let node = if let Value::Node(index) = value { self.nodes.get(index) } else { None };
            match node {
                Some(Node::Tensor(tensor)) => Ok((key, (**tensor).clone())),
                _ => Err(format!(
                    "its entry {} is no tensor, expected a dict of names and tensors; save model.state_dict() alone",
                    printable(&key)
                )),
            }
        };
        pairs.into_iter().map(entry).collect()
    }
}
