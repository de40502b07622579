//! JSON as Python writes it: random values with numbers that are not finite, against what serde_json makes of the finite rest.

use crate::{cases, edited, edits};
use etude::json::{not_finite, parse};
use proptest::prelude::*;
use serde_json::{Value, json};

/// A value as Python's `json.dumps` writes it, and the same with null for each number that is not finite.
fn python_value() -> impl Strategy<Value = (String, Value)> {
    let text =
        prop_oneof!["[a-z NaI\\\\\"{}\\[\\]:,\u{7f}é😀-]{0,8}", Just("NaN".to_owned()), Just("-Infinity, Infinity".to_owned())];
    // serde_json keeps a text of our mark for one; no configuration has it.
    let text = text.prop_filter("a mark", |text| !text.starts_with('\u{7f}'));
    let special = prop::sample::select(vec!["NaN", "Infinity", "-Infinity", "1e309", "-2.5E+4000"]);
    let leaf = prop_oneof![
        special.prop_map(|word| (word.to_owned(), Value::Null)),
        Just(("null".to_owned(), json!("null itself"))),
        any::<bool>().prop_map(|b| (b.to_string(), json!(b))),
        any::<i64>().prop_map(|n| (n.to_string(), json!(n))),
        (-1e300..1e300).prop_map(|x: f64| (json!(x).to_string(), json!(x))),
        text.clone().prop_map(|text| (json!(text).to_string(), json!(text))),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        let space = prop::sample::select(vec!["", " ", "\n  ", "\t"]);
        prop_oneof![
            (prop::collection::vec(inner.clone(), 0..5), space.clone()).prop_map(|(list, space)| {
                let texts: Vec<_> = list.iter().map(|(text, _)| format!("{space}{text}{space}")).collect();
                (format!("[{}]", texts.join(",")), Value::Array(list.into_iter().map(|(_, value)| value).collect()))
            }),
            (prop::collection::btree_map(text.clone(), inner, 0..5), space).prop_map(|(map, space)| {
                let texts: Vec<_> =
                    map.iter().map(|(key, (text, _))| format!("{space}{}{space}:{space}{text}", json!(key))).collect();
                (format!("{{{}}}", texts.join(",")), Value::Object(map.into_iter().map(|(key, (_, value))| (key, value)).collect()))
            }),
        ]
    })
}

/// The value with null for each number that is not finite, as the strategy above has them.
fn finite(value: Value) -> Value {
    match value {
        Value::Null => json!("null itself"),
        Value::Array(list) => list.into_iter().map(finite).collect(),
        Value::Object(map) => map.into_iter().map(|(key, value)| (key, finite(value))).collect(),
        other if not_finite(&other).is_some() => Value::Null,
        other => other,
    }
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn what_python_writes_is_read((text, expected) in python_value()) {
        let value = parse(text.as_bytes()).map_err(|e| TestCaseError::fail(format!("{text}: {e}")))?;
        prop_assert_eq!(finite(value), expected);
    }

    /// Whatever serde_json takes is taken and means the same; whatever it refuses is refused in the same words, but for the words it does
    /// not know.
    #[test]
    fn nothing_else_changes((text, _) in python_value(), edits in edits()) {
        let bytes = edited(text.as_bytes(), &edits);
        let ours = parse(&bytes);
        match serde_json::from_slice::<Value>(&bytes) {
            Ok(theirs) => prop_assert_eq!(ours, Ok(theirs)),
            Err(error) => {
                let knows = ["NaN", "Infinity", "e309", "E+4000", "\\ud", "\\uD"].iter().all(|word| !String::from_utf8_lossy(&bytes).contains(word));
                let marked = bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") || bytes.starts_with(b"\xef\xbb\xbf");
                if knows && !marked && !error.to_string().contains("out of range") {
                    prop_assert_eq!(ours, Err(error.to_string()));
                }
            }
        }
    }
}

#[test]
fn errors_stay_where_they_are() {
    for text in [
        "{\"a\": NaN,\n \"b\": -Infinity x}",
        "[Infinity Infinity]",
        "{NaN: 1}",
        "[nan]",
        "[-NaN]",
        "[1 NaN]",
        "NaNa",
        "[01e999]",
        "\"\\ud800",
    ] {
        let error = parse(text.as_bytes()).expect_err(text);
        assert!(error.contains(" at line "), "{text}: {error}");
    }
    assert!(parse(b"{\"a\": NaN,\n \"b\": -Infinity x}").expect_err("x").ends_with("at line 2 column 17"));
    assert_eq!(parse(b"\xff\xfea").expect_err("odd"), "it begins as UTF-16 and is not");
    assert_eq!(parse(b"\"\\ud83d\\ude00 \\ud83d \\\\ud83d\"").expect("halves"), json!("😀 \u{fffd} \\ud83d"));
    assert_eq!(not_finite(&parse(b"{\"a\": [1, -Infinity]}").expect("read")), Some(("a.1".to_owned(), "-Infinity".to_owned())));
    // As serde_json and Python do it, the last one counts.
    assert_eq!(parse(b"{\"a\": NaN, \"a\": 1}").expect("twice"), json!({"a": 1}));
    let deep = [vec![b'['; 100_000], b"NaN".to_vec()].concat();
    assert!(parse(&deep).expect_err("deep").contains("recursion limit"));
}
