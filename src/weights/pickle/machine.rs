//! The pickle inside a PyTorch checkpoint: a machine that collects names and descriptions of tensors and calls nothing. What it knows is
//! state dicts, alone or among the rest of a training run; classes it does not know become objects that are passed over, and what asks for
//! a module that runs things is refused by name.
//!
//! Opcodes: Python's Lib/pickle.py, protocols 0 to 5. Values are small and flat (what is nested lies in [`Machine::nodes`] and is
//! referred to by index), so no pickle makes it recurse, and memory stays within a constant times the pickle's length.

use super::{
    bytes::Reader,
    values::{Node, Value},
};
use std::collections::HashMap;

/// The longest pickle read: about 200 bytes a tensor, so this is room for ten thousand.
pub const LONGEST_PICKLE: usize = 2 << 20;
/// The most dimensions of a tensor; a convolution's weights have four.
pub(super) const MAX_DIMENSIONS: usize = 8;
/// The longest name of a tensor or a storage, in bytes. A pickle may repeat a name in two bytes, each becoming a string of ours.
const LONGEST_NAME: usize = 256;

/// What a pickle made: its result, and all that it may refer to.
pub struct Unpickled<'p> {
    pub input: Reader<'p>,
    pub root: Value,
    pub nodes: Vec<Node>,
    /// Names of classes we know nothing of.
    pub classes: Vec<String>,
    /// The first of them that stands where a tensor or another object was to be made.
    pub asked: Option<u32>,
    /// Bytes of the pickle.
    pub length: usize,
}

impl Unpickled<'_> {
    /// A text's characters.
    ///
    /// # Errors
    /// No text, or too long to be a name.
    pub fn text(&self, value: Value) -> Result<String, String> {
        text_of(&self.input, value)
    }
}

/// Runs the pickle that `bytes` begins with.
///
/// # Errors
/// One line: what the pickle holds that no checkpoint does, or where it breaks off.
pub fn unpickle(bytes: &[u8]) -> Result<Unpickled<'_>, String> {
    Machine {
        input: Reader::new(bytes),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
        nodes: Vec::new(),
        classes: Vec::new(),
        known: HashMap::new(),
        asked: None,
        copied: 0,
    }
    .run()
}

/// As [`unpickle`], of a pickle that is the whole of `pickle`.
///
/// # Errors
/// As [`unpickle`]; too long.
pub fn unpickle_whole(pickle: &[u8]) -> Result<Unpickled<'_>, String> {
    if pickle.len() > LONGEST_PICKLE {
        return Err(format!("its pickle has {} bytes, expected a state dict's, at most {LONGEST_PICKLE}", pickle.len()));
    }
    unpickle(pickle)
}

pub(super) struct Machine<'p> {
    pub input: Reader<'p>,
    pub stack: Vec<Value>,
    /// Stack heights that MARK noted.
    pub marks: Vec<usize>,
    pub memo: HashMap<u32, Value>,
    pub nodes: Vec<Node>,
    pub classes: Vec<String>,
    /// Places in `classes`.
    pub known: HashMap<String, u32>,
    pub asked: Option<u32>,
    /// Items copied from lists into dicts.
    pub copied: usize,
}

pub(super) fn text_of(input: &Reader, value: Value) -> Result<String, String> {
    let Value::Text(start, length) = value else { return Err(input.broken()) };
    if length as usize > LONGEST_NAME {
        return Err(format!("its pickle has a name of {length} bytes, expected at most {LONGEST_NAME}"));
    }
    Ok(input.part(start, length))
}

impl<'p> Machine<'p> {
    fn run(mut self) -> Result<Unpickled<'p>, String> {
        loop {
            let start = self.input.at();
            match self.input.byte()? {
                // PROTO and FRAME say nothing that matters.
                0x80 => self.input.skip(1)?,
                0x95 => self.input.skip(8)?,
                b'.' => {
                    let root = self.pop()?;
                    let Self { input, nodes, classes, asked, .. } = self;
                    return Ok(Unpickled { length: input.at(), input, root, nodes, classes, asked });
                }
                b'(' => self.marks.push(self.stack.len()),
                b'0' => match self.marks.last() {
                    Some(mark) if *mark == self.stack.len() => drop(self.marks.pop()),
                    _ => drop(self.pop()?),
                },
                b'1' => drop(self.since_mark()?),
                b'2' => {
                    let top = self.stack.last().copied().ok_or_else(|| self.broken())?;
                    self.stack.push(top);
                }
                b'N' => self.stack.push(Value::None),
                code @ (0x88 | 0x89) => self.stack.push(Value::Bool(code == 0x88)),
                b'J' => self.integer(4, true)?,
                b'K' => self.integer(1, false)?,
                b'M' => self.integer(2, false)?,
                b'I' | b'L' => self.written_integer()?,
                b'F' => {
                    let line = self.input.line()?;
                    self.stack.push(line.trim().parse().map_or(Value::Opaque, Value::Float));
                }
                b'G' => {
                    let bits = self.input.number(8)?.swap_bytes();
                    self.stack.push(Value::Float(f64::from_bits(bits)));
                }
                0x8a => self.long(1)?,
                0x8b => self.long(4)?,
                b'X' => self.text(4)?,
                0x8c => self.text(1)?,
                0x8d => self.text(8)?,
                // Python 2's texts are bytes; names in them are ASCII.
                b'U' => self.bytes_or_text(1)?,
                b'T' => self.bytes_or_text(4)?,
                b'V' | b'S' => self.written_text()?,
                b'C' => self.opaque_bytes(1)?,
                b'B' => self.opaque_bytes(4)?,
                0x8e | 0x96 => self.opaque_bytes(8)?,
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
                // A set lists its items as a list does.
                b']' | 0x8f => self.node(Node::List(Vec::new())),
                b'l' | 0x91 => {
                    let mut items = self.since_mark()?;
                    items.shrink_to_fit();
                    self.node(Node::List(items));
                }
                b'a' => {
                    let item = self.pop()?;
                    self.extend_list([item])?;
                }
                b'e' | 0x90 => {
                    let items = self.since_mark()?;
                    self.extend_list(items)?;
                }
                b'}' => self.node(Node::Dict(Vec::new())),
                b'd' => {
                    let items = self.since_mark()?;
                    self.node(Node::Dict(Vec::new()));
                    self.extend_dict(&items)?;
                }
                b's' => {
                    let (value, key) = (self.pop()?, self.pop()?);
                    self.extend_dict(&[key, value])?;
                }
                b'u' => {
                    let items = self.since_mark()?;
                    self.extend_dict(&items)?;
                }
                b'b' => self.build()?,
                b'c' => {
                    let (module, name) = (self.input.line()?, self.input.line()?);
                    let global = self.global(&module, &name)?;
                    self.stack.push(global);
                }
                0x93 => {
                    let (name, module) = (self.pop_text()?, self.pop_text()?);
                    let global = self.global(&module, &name)?;
                    self.stack.push(global);
                }
                b'R' => self.reduce()?,
                // NEWOBJ and NEWOBJ_EX: a class and its arguments.
                code @ (0x81 | 0x92) => {
                    if code == 0x92 {
                        self.pop()?;
                    }
                    self.reduce().map_err(|_| format!("its pickle has opcode {code:#04x} at byte {start} without a class"))?;
                }
                b'i' => {
                    let (module, name) = (self.input.line()?, self.input.line()?);
                    let arguments = self.since_mark()?;
                    let global = self.global(&module, &name)?;
                    self.stack.push(global);
                    self.tuple(arguments);
                    self.reduce()?;
                }
                b'o' => {
                    let mut items = self.since_mark()?;
                    if items.is_empty() {
                        return Err(self.broken());
                    }
                    self.stack.push(items.remove(0));
                    self.tuple(items);
                    self.reduce()?;
                }
                b'Q' => self.persistent_id()?,
                b'q' => self.put(1)?,
                b'r' => self.put(4)?,
                b'p' => {
                    let key = self.line_number()?;
                    self.remember(key)?;
                }
                0x94 => {
                    let key = self.memo.len() as u32;
                    self.remember(key)?;
                }
                b'h' => self.get(1)?,
                b'j' => self.get(4)?,
                b'g' => {
                    let key = self.line_number()?;
                    self.recall(key)?;
                }
                other => return Err(format!("its pickle has opcode {other:#04x} at byte {start}, which no checkpoint has")),
            }
        }
    }

    pub(super) fn broken(&self) -> String {
        self.input.broken()
    }

    pub(super) fn pop(&mut self) -> Result<Value, String> {
        self.stack.pop().ok_or_else(|| self.broken())
    }

    fn pop_text(&mut self) -> Result<String, String> {
        let value = self.pop()?;
        text_of(&self.input, value)
    }

    /// What was pushed since the last MARK.
    fn since_mark(&mut self) -> Result<Vec<Value>, String> {
        let mark = self.marks.pop().filter(|mark| *mark <= self.stack.len()).ok_or_else(|| self.broken())?;
        Ok(self.stack.split_off(mark))
    }

    pub(super) fn node(&mut self, node: Node) {
        self.stack.push(Value::Node(self.nodes.len()));
        self.nodes.push(node);
    }

    fn tuple(&mut self, mut items: Vec<Value>) {
        // split_off may leave room for the whole stack.
        items.shrink_to_fit();
        self.node(Node::Tuple(items));
    }

    /// The first items of a tuple or a list: as many as the arguments of anything that we know.
    pub(super) fn arguments(&self, value: Value) -> Result<Vec<Value>, String> {
        const MAX_ARGUMENTS: usize = 8;
        Ok(self.items(value)?.iter().take(MAX_ARGUMENTS).copied().collect())
    }

    /// The items of a tuple or a list.
    pub(super) fn items(&self, value: Value) -> Result<&[Value], String> {
        match value {
            Value::Node(index) => match &self.nodes[index] {
                Node::Tuple(items) | Node::List(items) => Ok(items),
                _ => Err(self.broken()),
            },
            _ => Err(self.broken()),
        }
    }

    /// Index of the node on top of the stack.
    pub(super) fn top(&self) -> Option<usize> {
        if let Some(Value::Node(index)) = self.stack.last() { Some(*index) } else { None }
    }

    fn extend_list(&mut self, more: impl IntoIterator<Item = Value>) -> Result<(), String> {
        match self.top().map(|index| &mut self.nodes[index]) {
            Some(Node::List(items)) => items.extend(more),
            // A class that is a list or a set: what is in it is none of ours.
            Some(Node::Object { .. }) => {}
            _ => return Err(self.broken()),
        }
        Ok(())
    }

    fn extend_dict(&mut self, more: &[Value]) -> Result<(), String> {
        let (pairs, []) = more.as_chunks::<2>() else { return Err(self.broken()) };
        match self.top().map(|index| &mut self.nodes[index]) {
            Some(Node::Dict(items) | Node::Object { items, .. }) => {
                items.extend(pairs.iter().map(|[key, value]| (*key, *value)));
            }
            _ => return Err(self.broken()),
        }
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
        self.recall(key as u32)
    }

    fn recall(&mut self, key: u32) -> Result<(), String> {
        let value = self.memo.get(&key).copied().ok_or_else(|| self.broken())?;
        self.stack.push(value);
        Ok(())
    }
}

/// The message for what a pickle asks for and does not get.
pub fn refused(what: &str) -> String {
    format!(
        "its pickle asks for {what}, which is refused: expected only collections.OrderedDict, torch._utils._rebuild_tensor_v2 and torch's \
         storage types, as in a saved state dict"
    )
}
