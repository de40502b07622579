//! What a model on the Hub is called: `owner/name`, and `@revision` where it is not the newest.

use std::fmt;

/// The longest name the Hub gives.
const MAX_NAME: usize = 96;
/// The longest name of a branch, a tag or a commit.
const MAX_REVISION: usize = 256;

/// A model's name on the Hub.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HubName {
    owner: String,
    name: String,
    revision: Option<String>,
}

impl HubName {
    /// `owner/name` or `owner/name@revision`; `None` where `text` cannot be the name of a model on the Hub, by the Hub's own rules: letters,
    /// digits, `-`, `_` and `.`, none of the last two or of `-` doubled, first or last.
    pub fn parse(text: &str) -> Option<Self> {
        let (path, revision) = match text.split_once('@') {
            Some((path, revision)) => (path, Some(revision)),
            None => (text, None),
        };
        let (owner, name) = path.split_once('/')?;
        if path.len() > MAX_NAME || !is_part(owner) || !is_part(name) || name.ends_with(".git") || !revision.is_none_or(is_revision)
        {
            return None;
        }
        Some(Self { owner: owner.to_owned(), name: name.to_owned(), revision: revision.map(str::to_owned) })
    }

    /// As [`Self::parse`] for what a person writes or pastes: spaces around it, or the address of the model's page.
    pub fn from_user(text: &str) -> Option<Self> {
        let text = text.trim().trim_end_matches('/');
        let pages = ["https://huggingface.co/", "http://huggingface.co/", "https://hf.co/", "huggingface.co/", "hf.co/"];
        match pages.iter().find_map(|page| text.strip_prefix(page)) {
            Some(path) => Self::parse(&path.replacen("/tree/", "@", 1)),
            None => Self::parse(text),
        }
    }

    /// `owner/name`.
    pub fn repository(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }

    /// The name without its owner.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The branch, tag or commit; the Hub's default where none was named.
    pub fn revision(&self) -> &str {
        self.revision.as_deref().unwrap_or("main")
    }

    /// Whether a branch, tag or commit was named.
    pub fn has_revision(&self) -> bool {
        self.revision.is_some()
    }

    /// Whether the revision is a commit, whose files never change.
    pub fn is_commit(&self) -> bool {
        is_commit(self.revision())
    }

    /// The same model at `revision`; `None` where that can be none.
    pub fn at(&self, revision: &str) -> Option<Self> {
        is_revision(revision).then(|| Self { revision: Some(revision.to_owned()), ..self.clone() })
    }

    /// The folder's name in the Hub's cache.
    pub(crate) fn cache_folder(&self) -> String {
        format!("models--{}--{}", self.owner, self.name)
    }

    /// The model that a folder of the Hub's cache is of.
    pub(crate) fn of_cache_folder(folder: &str) -> Option<Self> {
        let (owner, name) = folder.strip_prefix("models--")?.split_once("--")?;
        Self::parse(&format!("{owner}/{name}"))
    }
}

impl fmt::Display for HubName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)?;
        self.revision.as_ref().map_or(Ok(()), |revision| write!(f, "@{revision}"))
    }
}

fn is_part(part: &str) -> bool {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
    edge(part.chars().next())
        && edge(part.chars().next_back())
        && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        && !part.contains("--")
        && !part.contains("..")
}

/// Whether `text` can name a branch, a tag or a commit, and a file below `refs/` of the cache.
pub(crate) fn is_revision(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_REVISION && text.split('/').all(is_plain)
}

/// Whether a file or folder may have this name, on any system: one part, and nowhere else than where it is put.
pub(crate) fn is_plain(part: &str) -> bool {
    let reserved = ["con", "prn", "aux", "nul"];
    let stem = part.split('.').next().unwrap_or_default().to_ascii_lowercase();
    !part.is_empty()
        && part.len() <= 255
        && part.chars().any(|c| c != '.')
        && !part.ends_with(['.', ' '])
        && !part.contains(|c: char| c.is_control() || "/\\:*?\"<>|".contains(c))
        && !reserved.contains(&stem.as_str())
}

/// Whether a file of a repository may have this path.
pub(crate) fn is_file_path(path: &str) -> bool {
    path.len() <= 1024 && path.split('/').all(is_plain)
}

/// Whether `text` is a commit in full.
pub(crate) fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// Whether `text` is a SHA-256 in hexadecimal digits.
pub(crate) fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

#[cfg(test)]
mod tests {
    use super::{HubName, is_file_path};

    #[test]
    fn names_are_the_hubs() {
        for (text, revision) in [
            ("google/ddpm-cifar10-32", "main"),
            ("google/ddpm-cifar10-32@v1.0", "v1.0"),
            ("a/b@refs/pr/1", "refs/pr/1"),
            ("A_b.c/d_e.f-g@0123456789abcdef0123456789abcdef01234567", "0123456789abcdef0123456789abcdef01234567"),
        ] {
            let name = HubName::parse(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!((name.to_string().as_str(), name.revision()), (text, revision));
            assert_eq!(HubName::of_cache_folder(&name.cache_folder()).expect("itself").repository(), name.repository());
        }
    }

    #[test]
    fn what_leads_elsewhere_or_is_a_path_is_no_name() {
        for text in [
            "", "emoji", "/", "a/", "/b", "a/b/c", "./a", "../b", "a/..", "~/b", "a\\b", "C:/b", "a/b@", "a/b@..", "a/b@../x",
            "a/b@/x", "a/b@x//y", "a/b@x\\y", "a/b@x\ny", "a--b/c", "a/b..c", "a/b.git", "-a/b", "a/b-", "a b/c", "a/b@c d?",
            "ä/b", "a/b@\0",
        ] {
            assert_eq!(HubName::parse(text), None, "{text:?}");
        }
        assert_eq!(HubName::parse(&format!("a/{}", "b".repeat(200))), None);
        for text in [" a/b@v1 ", "https://huggingface.co/a/b/tree/v1", "hf.co/a/b@v1/"] {
            assert_eq!(HubName::from_user(text).map(|name| name.to_string()).as_deref(), Some("a/b@v1"), "{text}");
        }
        assert_eq!(HubName::from_user("https://huggingface.co/datasets/a/b"), None);
    }

    #[test]
    fn files_stay_below_their_folder() {
        for path in ["config.json", "unet/diffusion_pytorch_model-00001-of-00002.safetensors", ".gitattributes"] {
            assert!(is_file_path(path), "{path:?}");
        }
        for path in [
            "",
            "/etc/passwd",
            "../x",
            "a/../../x",
            "a//b",
            "a\\..\\b",
            "C:x",
            "a/./b",
            "x\0y",
            "x\ny",
            "..",
            "a/",
            "nul",
            "a/CON.txt",
        ] {
            assert!(!is_file_path(path), "{path:?}");
        }
    }
}
