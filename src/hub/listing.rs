//! What the Hub says of a repository at a revision: the commit and its files.

use super::name::{is_file_path, is_plain, is_revision, is_sha256};
use serde_json::Value;

/// More files than this no model has.
const MAX_FILES: usize = 100_000;

/// A file of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its path, with slashes.
    pub path: String,
    /// Its bytes, where the server says so.
    pub size: Option<u64>,
    /// Of its content, where the server says so: of large files.
    pub sha256: Option<String>,
}

/// The files of a repository at one commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The commit.
    pub commit: String,
    /// Its files, but those whose paths lead elsewhere.
    pub files: Vec<Listed>,
}

impl Listing {
    /// From the answer to `/api/models/owner/name/revision/main`.
    ///
    /// # Errors
    /// It is no such answer: what was expected and got.
    pub fn from_json(bytes: &[u8]) -> Result<Self, String> {
        let bad =
            |what: &str| format!("does not answer as the Hub does: expected a model's {what}; check HF_ENDPOINT and the proxy");
        let value: Value = serde_json::from_slice(bytes).map_err(|_| bad("description as JSON"))?;
        let commit = value.get("sha").and_then(Value::as_str).filter(|sha| is_plain(sha) && is_revision(sha));
        let commit = commit.ok_or_else(|| bad("commit (sha)"))?.to_owned();
        let siblings = value.get("siblings").and_then(Value::as_array).filter(|files| files.len() <= MAX_FILES);
        let siblings = siblings.ok_or_else(|| bad("files (siblings)"))?;
        let files = siblings.iter().filter_map(listed).collect();
        Ok(Self { commit, files })
    }

    /// The file at `path`.
    pub fn file(&self, path: &str) -> Option<&Listed> {
        self.files.iter().find(|file| file.path == path)
    }
}

/// One entry; `None` where it names no file below its folder.
fn listed(value: &Value) -> Option<Listed> {
    let path = value.get("rfilename").and_then(Value::as_str).filter(|path| is_file_path(path))?.to_owned();
    let lfs = value.get("lfs");
    let size = lfs.and_then(|lfs| lfs.get("size")).or_else(|| value.get("size")).and_then(Value::as_u64);
    let sha256 = lfs.and_then(|lfs| lfs.get("sha256").or_else(|| lfs.get("oid"))).and_then(Value::as_str);
    let sha256 = sha256.map(|text| text.trim_start_matches("sha256:")).filter(|text| is_sha256(text)).map(str::to_owned);
    Some(Listed { path, size, sha256 })
}

#[cfg(test)]
mod tests {
    use super::Listing;

    #[test]
    fn a_commit_and_its_files() {
        let sha = "ab".repeat(32);
        let json = format!(
            r#"{{"sha":"c0ffee","siblings":[{{"rfilename":"config.json","size":7,"blobId":"x"}},
            {{"rfilename":"w.bin","size":9,"lfs":{{"size":9,"sha256":"{sha}","pointerSize":135}}}},{{"rfilename":"old.txt"}}]}}"#
        );
        let listing = Listing::from_json(json.as_bytes()).expect("as the Hub answers");
        assert_eq!((listing.commit.as_str(), listing.files.len()), ("c0ffee", 3));
        let of = |path: &str| listing.file(path).map(|file| (file.size, file.sha256.as_deref()));
        assert_eq!((of("config.json"), of("w.bin")), (Some((Some(7), None)), Some((Some(9), Some(sha.as_str())))));
        assert_eq!((of("old.txt"), of("gone")), (Some((None, None)), None));
    }

    #[test]
    fn what_is_no_answer_of_the_hub_is_refused_and_what_leads_elsewhere_left_out() {
        for bad in [
            "",
            "[]",
            "null",
            "{}",
            "<html>",
            "{\"sha\":1}",
            "{\"sha\":\"\"}",
            "{\"sha\":\"..\",\"siblings\":[]}",
            "{\"sha\":\"a/b\",\"siblings\":[]}",
            "{\"sha\":\"abc\"}",
            "{\"sha\":\"abc\",\"siblings\":{}}",
            "{\"sha\":\"x\\u0000\",\"siblings\":[]}",
            "{\"sha\":\"abc\",\"siblings\":[",
        ] {
            let error = Listing::from_json(bad.as_bytes()).expect_err(bad);
            assert!(!error.contains('\n') && error.contains("HF_ENDPOINT"), "{error}");
        }
        let json = r#"{"sha":"abc","siblings":[{"rfilename":"../../x"},{"rfilename":"/etc/x"},{"rfilename":"a\\..\\b"},{"rfilename":"x\u0000y"},
            {"rfilename":""},{"rfilename":7},{},null,3,{"rfilename":"a/b","size":-1},{"rfilename":"c","size":1e300,"lfs":"no"},
            {"rfilename":"d","lfs":{"sha256":"zz","size":18446744073709551615}}]}"#;
        let listing = Listing::from_json(json.as_bytes()).expect("an answer");
        let files: Vec<_> = listing.files.iter().map(|f| (f.path.as_str(), f.size, f.sha256.is_some())).collect();
        assert_eq!(files, [("a/b", None, false), ("c", None, false), ("d", Some(u64::MAX), false)]);
    }
}
