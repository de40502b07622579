//! The recipe in a PDF file: a keyword of the document's information, in ASCII, so that it stands in the file as it is.

use super::recipe_text::{KEYWORD, LONGEST_RECIPE};
use std::io::{self, Read};

/// Where the document's information has it.
const KEY: &[u8] = b"/Keywords";
/// No figure is larger than this, in bytes.
const MAX_BYTES: u64 = 256 << 20;

/// The recipe as a keyword, which figures write: JSON whose other letters are written by their numbers.
#[cfg(any(feature = "figures", test))]
pub(crate) fn keyword(recipe: &str) -> String {
    let mut text = format!("{KEYWORD} ");
    // Outside strings JSON has no letters beyond ASCII and no line breaks that mean anything.
    for unit in recipe.encode_utf16() {
        match u8::try_from(unit) {
            Ok(b'\n' | b'\r' | b'\t') => text.push(' '),
            Ok(byte) if byte.is_ascii() => text.push(char::from(byte)),
            _ => text.push_str(&format!("\\u{unit:04x}")),
        }
    }
    text
}

/// The recipe in the PDF that `input` is at the start of, `None` if there is none that can be read as it is: a program that compressed
/// the document's information has hidden it.
pub(super) fn find_recipe(input: impl Read) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    input.take(MAX_BYTES).read_to_end(&mut bytes)?;
    let starts = bytes.windows(KEY.len()).enumerate().filter(|(_, window)| *window == KEY).map(|(at, _)| at + KEY.len());
    let found = starts.filter_map(|at| string(&bytes[at..])).find_map(|text| {
        let text = text.strip_prefix(KEYWORD)?.strip_prefix(' ')?;
        Some(text.to_owned())
    });
    match found {
        Some(recipe) if recipe.len() > LONGEST_RECIPE => {
            let what = format!("a text is longer than the {LONGEST_RECIPE} bytes of any recipe");
            Err(io::Error::new(io::ErrorKind::InvalidData, what))
        }
        found => Ok(found),
    }
}

/// The string in parentheses that `bytes` begin with, where it is ASCII.
fn string(bytes: &[u8]) -> Option<String> {
    let mut bytes = bytes.trim_ascii_start().strip_prefix(b"(")?.iter().copied();
    let (mut text, mut depth) = (String::new(), 1);
    loop {
        let byte = bytes.next()?;
        match byte {
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(text);
        }
        let byte = if byte == b'\\' {
            match bytes.next()? {
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                b'b' => 8,
                b'f' => 12,
                other => other,
            }
        } else {
            byte
        };
        if !byte.is_ascii() || text.len() > 2 * LONGEST_RECIPE {
            return None;
        }
        text.push(char::from(byte));
    }
}

#[cfg(test)]
mod tests {
    use super::{find_recipe, keyword};

    #[test]
    fn strings_are_read_with_their_escapes() {
        let recipe = "{\"model\": \"ä(b) \\\\ 🎉\",\n \"steps\": 3}";
        let written = keyword(recipe).replace('\\', "\\\\").replace('(', "\\(").replace(')', "\\)");
        let file = format!("%PDF-1.7\n1 0 obj\n<< /Title (x) /Keywords ({written}) >>\nendobj");
        let found = find_recipe(file.as_bytes()).expect("readable").expect("a recipe");
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
        assert_eq!(value(&found), value(recipe));
        for other in ["%PDF-1.7", "%PDF-1.7 /Keywords (cats)", "%PDF-1.7 /Keywords (etude {", "%PDF-1.7 /Keywords <00>"] {
            assert_eq!(find_recipe(other.as_bytes()).expect("readable"), None, "{other}");
        }
    }
}
