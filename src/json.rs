//! Reading the fields of a JSON object, one by one: getters that say file, field, expected and got.

use crate::error::{Error, Result};
use serde_json::{Map, Value};
use std::path::Path;

/// A JSON object with the name of its file. A field that is null is as good as missing.
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
        let got = self.map.get(key).unwrap_or(&Value::Null).to_string();
        let got = if got.chars().count() > 80 { format!("{}…", got.chars().take(80).collect::<String>()) } else { got };
        Error::file(self.origin, format!("{key}: expected {expected}, got {got}"))
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

    /// The index in `known` of a key's text.
    ///
    /// # Errors
    /// A text that is not in `known`, or no text.
    pub fn choice(&self, key: &str, known: &[&str]) -> Result<Option<usize>> {
        let Some(value) = self.value(key) else { return Ok(None) };
        let found = value.as_str().and_then(|text| known.iter().position(|k| *k == text));
        found.map(Some).ok_or_else(|| self.wrong(key, &format!("one of {}", known.join(", "))))
    }
}

/// `value` as a whole number from `min` to `max`, `None` where it is anything else.
pub fn whole(value: &Value, min: u32, max: u32) -> Option<u32> {
    value.as_u64().and_then(|n| u32::try_from(n).ok()).filter(|n| (min..=max).contains(n))
}
