//! Opcodes that make objects: what a pickle would call, and what becomes of it here.

use super::{
    machine::{MAX_DIMENSIONS, Machine, refused, text_of},
    values::{Global, Node, TensorRef, Value, is_harmless, known_global},
};
use crate::weights::entry::printable;

impl Machine<'_> {
    /// BUILD: attributes. A state dict's are such as _metadata and hold no weights; a module's hold its parameters.
    pub(super) fn build(&mut self) -> Result<(), String> {
        let state = self.pop()?;
        let first = match state {
            // Attributes and those in slots, side by side.
            Value::Node(index) => match &self.nodes[index] {
                Node::Tuple(items) => items.first().copied().unwrap_or(state),
                _ => state,
            },
            _ => state,
        };
        let new = if let Value::Node(index) = first { Some(index) } else { None };
        match self.top().map(|index| &mut self.nodes[index]) {
            Some(Node::Object { state, .. }) => *state = new,
            Some(_) => {}
            None => return Err(self.broken()),
        }
        Ok(())
    }

    pub(super) fn global(&mut self, module: &str, name: &str) -> Result<Value, String> {
        if let Some(found) = known_global(module, name) {
            return Ok(Value::Global(found));
        }
        if !is_harmless(module, name) {
            return Err(refused(&format!("{}.{}", printable(module), printable(name))));
        }
        let class = format!("{module}.{name}");
        let next = self.classes.len() as u32;
        let index = *self.known.entry(class.clone()).or_insert(next);
        if index == next {
            self.classes.push(class);
        }
        Ok(Value::Global(Global::Other(index)))
    }

    pub(super) fn object(&mut self, class: u32) {
        self.asked = self.asked.or(Some(class));
        self.node(Node::Object { class, items: Vec::new(), state: None });
    }

    /// The class of an object, or one that stands for whatever has none.
    pub(super) fn class(&mut self, value: Value) -> Result<u32, String> {
        let found = match value {
            Value::Global(Global::Other(class)) => Some(class),
            Value::Node(index) => match &self.nodes[index] {
                Node::Object { class, .. } => Some(*class),
                _ => None,
            },
            _ => None,
        };
        found.ok_or_else(|| self.broken())
    }

    /// REDUCE: what would call a global with a tuple of arguments.
    pub(super) fn reduce(&mut self) -> Result<(), String> {
        let (arguments, callee) = (self.pop()?, self.pop()?);
        let arguments = self.arguments(arguments)?;
        match callee {
            Value::Global(Global::OrderedDict) => {
                let mut pairs = Vec::new();
                if let [list, ..] = arguments.as_slice() {
                    // Python 2 gives it all its items at once. The same list may be named again and again.
                    self.copied += self.items(*list)?.len();
                    if self.copied > self.input.length() {
                        return Err(self.broken());
                    }
                    for pair in self.items(*list)? {
                        let &[key, value] = self.items(*pair)? else { return Err(self.broken()) };
                        pairs.push((key, value));
                    }
                }
                self.node(Node::Dict(pairs));
            }
            Value::Global(Global::RebuildTensor) => self.rebuild(&arguments)?,
            Value::Global(Global::RebuildParameter) => match arguments.first() {
                Some(Value::Node(index)) if matches!(self.nodes[*index], Node::Tensor(_) | Node::Object { .. }) => {
                    self.stack.push(arguments[0]);
                }
                _ => return Err(refused("torch._utils._rebuild_parameter")),
            },
            Value::Global(Global::RebuildFromType) => match arguments.as_slice() {
                [Value::Global(Global::RebuildTensor), _, inner, ..] => {
                    let inner = self.arguments(*inner)?;
                    self.rebuild(&inner)?;
                }
                _ => {
                    let class = self.global("torch._tensor", "Tensor")?;
                    let class = self.class(class)?;
                    self.object(class);
                }
            },
            Value::Global(Global::Storage(_)) => return Err(self.broken()),
            other => {
                let class = self.class(other)?;
                self.object(class);
            }
        }
        Ok(())
    }

    /// A tensor of a storage, or where the storage is of a kind we know nothing of, an object of that class.
    pub(super) fn rebuild(&mut self, arguments: &[Value]) -> Result<(), String> {
        if let Some(Value::Node(storage)) = arguments.first()
            && let Node::Object { class, .. } = self.nodes[*storage]
        {
            self.object(class);
            return Ok(());
        }
        let tensor = self.tensor(arguments)?;
        self.node(Node::Tensor(Box::new(tensor)));
        Ok(())
    }

    /// storage, offset, size, stride, then what concerns gradients.
    pub(super) fn tensor(&self, arguments: &[Value]) -> Result<TensorRef, String> {
        let [Value::Node(storage), Value::Integer(offset), shape, strides, ..] = arguments else { return Err(self.broken()) };
        let Node::Storage { dtype, key, start, len } = &self.nodes[*storage] else { return Err(self.broken()) };
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
        let offset = usize::try_from(*offset).ok().and_then(|o| o.checked_add(*start)).ok_or_else(|| self.broken())?;
        let storage = text_of(&self.input, *key)?;
        Ok(TensorRef { dtype: *dtype, storage, storage_len: *len, offset, shape, strides })
    }

    /// BINPERSID: ("storage", type, key, device, elements); before PyTorch 1.6 also the part of another storage that it is.
    pub(super) fn persistent_id(&mut self) -> Result<(), String> {
        let id = self.pop()?;
        let items = self.arguments(id)?;
        // Before PyTorch 1.6 a pickled module's class comes with its source.
        if let [kind, class @ Value::Global(_), ..] = items.as_slice()
            && text_of(&self.input, *kind)? == "module"
        {
            self.stack.push(*class);
            return Ok(());
        }
        let [kind, Value::Global(class), key, _, Value::Integer(len), rest @ ..] = items.as_slice() else {
            return Err(self.broken());
        };
        if text_of(&self.input, *kind)? != "storage" {
            return Err(self.broken());
        }
        match class {
            Global::Storage(dtype) => {
                let len = usize::try_from(*len).map_err(|_| self.broken())?;
                let start = match rest {
                    [Value::Node(_), ..] => match self.items(rest[0])? {
                        [_, Value::Integer(start), ..] => usize::try_from(*start).map_err(|_| self.broken())?,
                        _ => return Err(self.broken()),
                    },
                    _ => 0,
                };
                self.node(Node::Storage { dtype: *dtype, key: *key, start, len });
            }
            Global::Other(class) => self.object(*class),
            _ => return Err(self.broken()),
        }
        Ok(())
    }
}
