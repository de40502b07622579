//! From what a pickle made to the names of its tensors: those of nested dicts and lists are joined by dots, as in `state_dict.conv.weight`
//! or `4.conv.weight`.

use super::{
    machine::{Unpickled, refused},
    values::{Node, TensorRef, Value},
};
use crate::weights::entry::printable;

/// The deepest nesting whose tensors are named; a pickled module has two levels for each of the network's.
const MAX_DEPTH: usize = 40;
/// The longest joined name, in bytes.
const LONGEST_PATH: usize = 600;
/// Entries that a description lists.
const LISTED: usize = 12;
/// What a module's attributes are called that hold its tensors and its parts; they are no part of a parameter's name.
const OF_MODULES: [&str; 3] = ["_modules", "_parameters", "_buffers"];

/// The tensors of a pickle by name, in its order.
///
/// # Errors
/// One line: it holds no tensors, and what it holds instead.
pub fn named_tensors(pickle: &Unpickled) -> Result<Vec<(String, TensorRef)>, String> {
    let mut found = Vec::new();
    // Each container is gone into once: one may hold itself, or be held by many.
    let mut seen = vec![false; pickle.nodes.len()];
    let mut open = vec![(pickle.root, String::new(), 0)];
    while let Some((value, path, depth)) = open.pop() {
        let Value::Node(index) = value else { continue };
        let node = &pickle.nodes[index];
        if let Node::Tensor(tensor) = node {
            // A tensor alone has no name.
            if !path.is_empty() {
                found.push((path, (**tensor).clone()));
            }
            continue;
        }
        if depth > MAX_DEPTH || std::mem::replace(&mut seen[index], true) {
            continue;
        }
        // The last that is pushed is looked at first.
        let mut push = |key: &str, value: Value| {
            let path = match (path.is_empty(), key.is_empty()) {
                (true, _) => key.to_owned(),
                (_, true) => path.clone(),
                _ => format!("{path}.{key}"),
            };
            if path.len() <= LONGEST_PATH && matches!(value, Value::Node(_)) {
                open.push((value, path, depth + 1));
            }
        };
        match node {
            Node::Dict(items) => {
                for (key, value) in items.iter().rev().filter(|(_, value)| matches!(value, Value::Node(_))) {
                    push(&key_name(pickle, *key)?, *value);
                }
            }
            Node::List(items) | Node::Tuple(items) => {
                for (i, value) in items.iter().enumerate().rev() {
                    push(&i.to_string(), *value);
                }
            }
            Node::Object { items, state, .. } => {
                let attributes = match state.map(|index| &pickle.nodes[index]) {
                    Some(Node::Dict(pairs)) => pairs.as_slice(),
                    _ => &[],
                };
                for (key, value) in items.iter().chain(attributes).rev().filter(|(_, value)| matches!(value, Value::Node(_))) {
                    let key = key_name(pickle, *key)?;
                    push(if OF_MODULES.contains(&key.as_str()) { "" } else { &key }, *value);
                }
            }
            Node::Storage { .. } | Node::Tensor(_) => {}
        }
    }
    if found.is_empty() { nothing(pickle).map(|()| found) } else { Ok(found) }
}

/// A dict's key as part of a name; empty for what is neither text nor number.
fn key_name(pickle: &Unpickled, key: Value) -> Result<String, String> {
    match key {
        Value::Text(..) => pickle.text(key),
        Value::Integer(n) => Ok(n.to_string()),
        _ => Ok(String::new()),
    }
}

/// Why there are no tensors; an empty dict is a state dict without any.
fn nothing(pickle: &Unpickled) -> Result<(), String> {
    if let Some(class) = pickle.asked.and_then(|class| pickle.classes.get(class as usize)) {
        return Err(refused(&printable(class)));
    }
    let Value::Node(root) = pickle.root else { return Err("its pickle holds no dict of names and tensors".to_owned()) };
    match &pickle.nodes[root] {
        Node::Dict(items) => match items.first() {
            None => Ok(()),
            Some((key, _)) => Err(format!(
                "its entry {} is no tensor, expected a dict of names and tensors; save model.state_dict() alone",
                printable(&key_name(pickle, *key)?)
            )),
        },
        Node::List(items) if !items.is_empty() => {
            let shown: Vec<String> = items.iter().take(LISTED).map(|item| described(pickle, *item)).collect();
            let more = if items.len() > LISTED { ", …" } else { "" };
            Err(format!(
                "is a PyTorch checkpoint without a network: its pickle holds no dict of names and tensors but a list of {} entries: {}{more}; \
                 none of them holds a tensor",
                items.len(),
                shown.join(", ")
            ))
        }
        _ => Err("its pickle holds no dict of names and tensors".to_owned()),
    }
}

/// A value in a few words.
fn described(pickle: &Unpickled, value: Value) -> String {
    match value {
        Value::None => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Integer(n) => n.to_string(),
        Value::Float(x) => x.to_string(),
        Value::Text(..) => pickle.text(value).map_or_else(|_| "a text".to_owned(), |text| format!("{:?}", printable(&text))),
        Value::Opaque => "bytes".to_owned(),
        Value::Global(_) => "a class".to_owned(),
        Value::Node(index) => match &pickle.nodes[index] {
            Node::Tuple(items) => format!("a tuple of {}", items.len()),
            Node::List(items) => format!("a list of {}", items.len()),
            Node::Dict(items) if items.is_empty() => "an empty dict".to_owned(),
            Node::Dict(items) => format!("a dict of {}", items.len()),
            Node::Storage { .. } => "numbers".to_owned(),
            Node::Tensor(tensor) => format!("a tensor {:?}", tensor.shape),
            Node::Object { class, .. } => printable(pickle.classes.get(*class as usize).map_or("an object", String::as_str)),
        },
    }
}
