//! Reading JSON as its writers write it, and the fields of an object, one by one: getters that say file, field, expected and got.
//!
//! [`parse`] takes what serde_json takes, and beyond it what Python's `json` writes and reads: NaN, Infinity and -Infinity (every
//! DPMSolver configuration that diffusers saves has one), numbers beyond f64, halves of surrogate pairs, and a byte order mark. A number
//! that is not finite harms nobody who does not read it; a getter that does refuses it by name.

use crate::error::{Error, Result};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::{Map, Value};
use std::{borrow::Cow, path::Path};

/// What a number that is not finite is to serde_json: a text that begins with this character, which no configuration has.
const NOT_FINITE: char = '\u{7f}';

/// The value of a JSON file's bytes.
///
/// # Errors
/// What is wrong with them and where.
pub fn parse(json: &[u8]) -> std::result::Result<Value, String> {
    let text = decoded(json)?;
    let bytes = with_finite_numbers(&text);
    serde_json::from_slice(&bytes).map_err(|e| e.to_string())
}

/// The value of a JSON text as a `T`; a number that is not finite where `T` expects one is refused by its name.
///
/// # Errors
/// What is wrong with it, and where.
pub fn parse_as<T: DeserializeOwned>(json: &[u8]) -> std::result::Result<T, String> {
    let text = decoded(json)?;
    let bytes = with_finite_numbers(&text);
    serde_json::from_slice(&bytes).map_err(|error| {
        let message = error.to_string();
        let marked = message.contains(&format!("{NOT_FINITE:?}").replace('\'', ""));
        let name = serde_json::from_slice(&bytes).ok().filter(|_| marked).and_then(|value| not_finite(&value));
        name.map_or(message, |(name, got)| format!("{name}: expected a finite number, got {got}"))
    })
}

/// The first number of `value` that is not finite: its path, and what it is.
pub fn not_finite(value: &Value) -> Option<(String, String)> {
    let under = |key: &str, value: &Value| {
        let (path, got) = not_finite(value)?;
        Some((if path.is_empty() { key.to_owned() } else { format!("{key}.{path}") }, got))
    };
    match value {
        Value::String(text) => Some((String::new(), number_text(text)?)),
        Value::Array(list) => list.iter().enumerate().find_map(|(i, value)| under(&i.to_string(), value)),
        Value::Object(map) => map.iter().find_map(|(key, value)| under(key, value)),
        _ => None,
    }
}

/// The number that `text` stands for, where it stands for one that is not finite.
fn number_text(text: &str) -> Option<String> {
    let rest = text.strip_prefix(NOT_FINITE)?;
    Some(match rest {
        "" => "NaN".to_owned(),
        "Infin" => "Infinity".to_owned(),
        "-Infin" => "-Infinity".to_owned(),
        digits => format!("{}a number beyond 1.8e308", if digits.starts_with('-') { "the negative of " } else { "" }),
    })
}

/// UTF-8 without a byte order mark, of UTF-8 or of UTF-16 with one, as PowerShell writes it.
fn decoded(json: &[u8]) -> std::result::Result<Cow<'_, [u8]>, String> {
    let units = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let pairs = bytes.chunks(2).map(|pair| pair.try_into().map(unit)).collect::<std::result::Result<Vec<_>, _>>();
        let text = pairs.ok().and_then(|units| String::from_utf16(&units).ok());
        text.map(|text| Cow::Owned(text.into_bytes())).ok_or_else(|| "it begins as UTF-16 and is not".to_owned())
    };
    match json {
        [0xef, 0xbb, 0xbf, rest @ ..] => Ok(Cow::Borrowed(rest)),
        [0xff, 0xfe, rest @ ..] => units(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => units(rest, u16::from_be_bytes),
        _ => Ok(Cow::Borrowed(json)),
    }
}

/// The same text with everything that serde_json does not know replaced by something of the same length, so that an error's line and
/// column stay those of the file: numbers that are not finite by a marked text, half a surrogate pair by the replacement character.
fn with_finite_numbers(json: &[u8]) -> Cow<'_, [u8]> {
    let mut bytes = Cow::Borrowed(json);
    let mut at = 0;
    while let Some(&byte) = json.get(at) {
        if byte == b'"' {
            at = end_of_text(json, at + 1, &mut bytes);
        } else if is_of_word(byte) {
            let end = json[at..].iter().position(|b| !is_of_word(*b)).map_or(json.len(), |len| at + len);
            if is_not_finite(&json[at..end]) && is_value(json, at, end) {
                bytes.to_mut()[at..end].copy_from_slice(&marked(&json[at..end]));
            }
            at = end;
        } else {
            at += 1;
        }
    }
    bytes
}

/// `word` as a text of the same length: quote, mark, all but its last three characters, quote.
fn marked(word: &[u8]) -> Vec<u8> {
    [b"\"\x7f", &word[..word.len() - 3], b"\""].concat()
}

/// Where the text that begins at `at`, behind its quote, is over; replaces half surrogate pairs in it.
fn end_of_text(json: &[u8], mut at: usize, bytes: &mut Cow<'_, [u8]>) -> usize {
    let unit = |at: usize| {
        let digits = json.get(at..at + 6)?.strip_prefix(b"\\u")?;
        u16::from_str_radix(std::str::from_utf8(digits).ok().filter(|d| !d.starts_with('+'))?, 16).ok()
    };
    while let Some(&byte) = json.get(at) {
        match (byte, unit(at)) {
            (b'"', _) => return at + 1,
            (_, Some(0xd800..=0xdbff)) if matches!(unit(at + 6), Some(0xdc00..=0xdfff)) => at += 12,
            (_, Some(0xd800..=0xdfff)) => {
                bytes.to_mut()[at..at + 6].copy_from_slice(b"\\ufffd");
                at += 6;
            }
            (b'\\', _) => at += 2,
            _ => at += 1,
        }
    }
    json.len()
}

fn is_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')
}

/// Python's three, or a well-formed number that f64 cannot hold.
fn is_not_finite(word: &[u8]) -> bool {
    if matches!(word, b"NaN" | b"Infinity" | b"-Infinity") {
        return true;
    }
    let number = std::str::from_utf8(word).ok().and_then(|text| text.parse::<f64>().ok());
    // serde_json reads over a number without asking how large it is.
    number.is_some_and(f64::is_infinite) && serde_json::from_slice::<IgnoredAny>(word).is_ok()
}

/// Whether the word from `start` to `end` stands where a value may: not before a colon, as a name would, nor behind another value.
fn is_value(json: &[u8], start: usize, end: usize) -> bool {
    let before = json[..start].iter().rev().find(|b| !b.is_ascii_whitespace());
    let after = json[end..].iter().find(|b| !b.is_ascii_whitespace());
    matches!(before, None | Some(b':' | b',' | b'[')) && after != Some(&b':')
}

/// A JSON object with the name of its file. `None` of a getter is a field that is missing or null; where the two differ, the reader says
/// so with [`Self::flag`] and [`Self::not_null`].
#[derive(Debug)]
pub struct Fields<'a> {
    map: &'a Map<String, Value>,
    origin: &'a Path,
}

impl<'a> Fields<'a> {
    /// The fields of `value`; `origin` is what messages call its file, `what` the object it should be.
    ///
    /// # Errors
    /// It is no object.
    pub fn new(value: &'a Value, origin: &'a Path, what: &str) -> Result<Self> {
        match value {
            Value::Object(map) => Ok(Self { map, origin }),
            _ => Err(Error::file(origin, format!("expected a JSON object with the fields of {what}"))),
        }
    }

    /// Whether the key is there, be it null.
    pub fn contains(&self, key: &str) -> bool {
        self.map.contains_key(key)
    }

    /// The error for a field that is not what is `expected`.
    pub fn wrong(&self, key: &str, expected: &str) -> Error {
        let value = self.map.get(key).unwrap_or(&Value::Null);
        let got = shown(value);
        let got = if got.chars().count() > 80 { format!("{}…", got.chars().take(80).collect::<String>()) } else { got };
        Error::file(self.origin, format!("{key}: expected {expected}, got {got}"))
    }

    /// Refuses null for keys that diffusers cannot have as null.
    ///
    /// # Errors
    /// One of `keys` is there and null.
    pub fn not_null(&self, keys: &[&str]) -> Result<()> {
        match keys.iter().find(|key| self.map.get(**key).is_some_and(Value::is_null)) {
            Some(key) => Err(self.wrong(key, "a value, or no such key for diffusers' default")),
            None => Ok(()),
        }
    }

    /// An error about the file as a whole.
    pub fn about(&self, what: &str) -> Error {
        Error::file(self.origin, what)
    }

    /// `None` where the key is missing or null, as for all that follow.
    pub fn value(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key).filter(|v| !v.is_null())
    }

    /// A whole number from `min` to `max`.
    ///
    /// # Errors
    /// Anything else.
    pub fn integer(&self, key: &str, min: u32, max: u32) -> Result<Option<u32>> {
        let Some(value) = self.value(key) else { return Ok(None) };
        let number = whole(value, min, max);
        number.map(Some).ok_or_else(|| self.wrong(key, &format!("a whole number from {min} to {max}")))
    }

    /// A number, as f64.
    ///
    /// # Errors
    /// Anything else.
    pub fn number(&self, key: &str) -> Result<Option<f64>> {
        let Some(value) = self.value(key) else { return Ok(None) };
        value.as_f64().map(Some).ok_or_else(|| self.wrong(key, "a number"))
    }

    /// A number that f32 can hold.
    ///
    /// # Errors
    /// Anything else.
    pub fn float(&self, key: &str) -> Result<Option<f32>> {
        let Some(value) = self.value(key) else { return Ok(None) };
        let number = value.as_f64().map(|n| n as f32).filter(|n| n.is_finite());
        number.map(Some).ok_or_else(|| self.wrong(key, "a number"))
    }

    /// A list of numbers.
    ///
    /// # Errors
    /// Anything else.
    pub fn numbers(&self, key: &str) -> Result<Option<Vec<f64>>> {
        let Some(value) = self.value(key) else { return Ok(None) };
        let list = value.as_array().and_then(|list| list.iter().map(Value::as_f64).collect::<Option<Vec<_>>>());
        list.map(Some).ok_or_else(|| self.wrong(key, "a list of numbers"))
    }

    /// True or false.
    ///
    /// # Errors
    /// Anything else.
    pub fn boolean(&self, key: &str) -> Result<Option<bool>> {
        let Some(value) = self.value(key) else { return Ok(None) };
        value.as_bool().map(Some).ok_or_else(|| self.wrong(key, "true or false"))
    }

    /// True or false, `default` where it is missing. Null is false: Python asks `if self.config.key`.
    ///
    /// # Errors
    /// Anything else.
    pub fn flag(&self, key: &str, default: bool) -> Result<bool> {
        Ok(self.boolean(key)?.unwrap_or(default && !self.contains(key)))
    }

    /// The index in `known` of a key's text.
    ///
    /// # Errors
    /// A text that is not in `known`, or no text.
    pub fn choice(&self, key: &str, known: &[&str]) -> Result<Option<usize>> {
        let Some(value) = self.value(key) else { return Ok(None) };
        let found = value.as_str().and_then(|text| known.iter().position(|k| *k == text));
        found.map(Some).ok_or_else(|| self.wrong(key, &format!("one of {}", known.join(", "))))
    }

    /// Whether the key holds Infinity: for the one key where that means something.
    pub fn is_infinity(&self, key: &str) -> bool {
        self.value(key).and_then(Value::as_str).and_then(number_text).is_some_and(|number| number == "Infinity")
    }
}

/// A value for a message; in a list, numbers that are not finite stand as they were written.
fn shown(value: &Value) -> String {
    match value {
        Value::Array(list) => format!("[{}]", list.iter().take(80).map(shown).collect::<Vec<_>>().join(",")),
        Value::String(text) => number_text(text).unwrap_or_else(|| value.to_string()),
        other => other.to_string(),
    }
}

/// `value` as a whole number from `min` to `max`, `None` where it is anything else.
pub fn whole(value: &Value, min: u32, max: u32) -> Option<u32> {
    value.as_u64().and_then(|n| u32::try_from(n).ok()).filter(|n| (min..=max).contains(n))
}
