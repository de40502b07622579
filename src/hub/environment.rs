//! Where the cache lies, which server is the Hub, and who asks: from the variables that Python's huggingface_hub reads, with its defaults.

use super::HubName;
use crate::{
    error::{Error, Result},
    files, platform,
};
use std::{fmt, path::PathBuf, time::Duration};

/// The Hub itself.
pub const ENDPOINT: &str = "https://huggingface.co";
/// A server that says nothing for so long is given up.
const SILENCE: Duration = Duration::from_secs(30);
/// The longest token that is believed.
const LONGEST_TOKEN: u64 = 1 << 16;

/// How to reach the Hub and where to keep what it gives.
#[derive(Clone)]
pub struct Settings {
    /// The cache: one folder per model, `models--owner--name`.
    pub cache: PathBuf,
    /// The server, without a slash at its end.
    pub endpoint: String,
    /// Who asks.
    pub token: Option<String>,
    /// Whether the network must not be touched.
    pub offline: bool,
    /// Whether snapshots may be links to blobs; else they are copies.
    pub links: bool,
    /// A server that says nothing for so long is given up.
    pub silence: Duration,
    /// The pause before a request is made for the second time; each further one is twice as long.
    pub pause: Duration,
}

/// All but the token, which is nobody's business.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("cache", &self.cache).field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::from_environment()
    }
}

impl Settings {
    /// From HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE, HF_HOME, XDG_CACHE_HOME; HF_ENDPOINT; HF_TOKEN, HUGGING_FACE_HUB_TOKEN, HF_TOKEN_PATH;
    /// HF_HUB_OFFLINE, TRANSFORMERS_OFFLINE; HF_HUB_DISABLE_SYMLINKS, HF_HUB_DISABLE_IMPLICIT_TOKEN, HF_HUB_DOWNLOAD_TIMEOUT.
    pub fn from_environment() -> Self {
        Self::from_variables(&platform::variable)
    }

    fn from_variables(variable: &dyn Fn(&str) -> Option<String>) -> Self {
        let path = |text: String| PathBuf::from(expanded(&text, variable));
        let is_true = |name: &str| variable(name).is_some_and(|value| is_true(&value));
        let caches = variable("XDG_CACHE_HOME").map_or_else(|| platform::home_folder().join(".cache"), PathBuf::from);
        let home = variable("HF_HOME").map_or_else(|| caches.join("huggingface"), path);
        let cache = variable("HF_HUB_CACHE").or_else(|| variable("HUGGINGFACE_HUB_CACHE")).map_or_else(|| home.join("hub"), path);
        let endpoint = variable("HF_ENDPOINT").unwrap_or_else(|| ENDPOINT.to_owned());
        let seconds = variable("HF_HUB_DOWNLOAD_TIMEOUT").and_then(|text| text.trim().parse::<u64>().ok()).filter(|s| *s > 0);
        Self {
            cache,
            endpoint: endpoint.trim().trim_end_matches('/').to_owned(),
            token: token(variable, &home),
            offline: is_true("HF_HUB_OFFLINE") || is_true("TRANSFORMERS_OFFLINE"),
            links: !is_true("HF_HUB_DISABLE_SYMLINKS"),
            silence: seconds.map_or(SILENCE, Duration::from_secs),
            pause: Duration::from_millis(500),
        }
    }

    /// The model's page, for people.
    pub fn page(&self, name: &HubName) -> String {
        format!("{}/{}", self.endpoint, name.repository())
    }

    /// Checks what a request is made of.
    ///
    /// # Errors
    /// HF_ENDPOINT is no address, the token has characters that no header may have.
    pub(crate) fn check(&self) -> Result<()> {
        let host = self.endpoint.strip_prefix("https://").or_else(|| self.endpoint.strip_prefix("http://"));
        let is_address = |host: &str| !host.is_empty() && host.chars().all(|c| c.is_ascii_graphic());
        if !host.is_some_and(is_address) {
            return Err(Error::argument(format!(
                "HF_ENDPOINT: expected the address of a server, such as {ENDPOINT}, got {:?}",
                self.endpoint
            )));
        }
        if self.token.as_ref().is_some_and(|token| !token.chars().all(|c| c.is_ascii_graphic())) {
            return Err(Error::argument(
                "HF_TOKEN, or the file with the token: expected letters, digits and signs without spaces, got others; log in again \
                 with `hf auth login`",
            ));
        }
        Ok(())
    }
}

/// HF_TOKEN, or the file that `hf auth login` writes.
fn token(variable: &dyn Fn(&str) -> Option<String>, home: &std::path::Path) -> Option<String> {
    if variable("HF_HUB_DISABLE_IMPLICIT_TOKEN").is_some_and(|value| is_true(&value)) {
        return None;
    }
    let clean = |text: String| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let given = variable("HF_TOKEN").or_else(|| variable("HUGGING_FACE_HUB_TOKEN")).and_then(clean);
    given.or_else(|| {
        let file = variable("HF_TOKEN_PATH").map_or_else(|| home.join("token"), |text| PathBuf::from(expanded(&text, variable)));
        let is_small = files::plain_size(&file).ok().flatten().is_some_and(|size| size <= LONGEST_TOKEN);
        is_small.then(|| files::read_text(&file).ok()).flatten().and_then(clean)
    })
}

fn is_true(value: &str) -> bool {
    ["1", "ON", "YES", "TRUE"].contains(&value.trim().to_uppercase().as_str())
}

/// A path with `~` and `$NAME` or `${NAME}` replaced, as Python's os.path does; a name that is not set stays as it is.
fn expanded(text: &str, variable: &dyn Fn(&str) -> Option<String>) -> String {
    let mut text = text.to_owned();
    if text == "~" || text.starts_with("~/") || text.starts_with("~\\") {
        text = format!("{}{}", platform::home_folder().display(), &text[1..]);
    }
    let mut result = String::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find('$') {
        result.push_str(&rest[..at]);
        let tail = &rest[at + 1..];
        let braced = tail.strip_prefix('{').and_then(|inner| inner.split_once('}')).map(|(name, _)| (name, name.len() + 2));
        let plain = tail.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(tail.len());
        let (name, length) = braced.unwrap_or((&tail[..plain], plain));
        match variable(name).filter(|_| !name.is_empty()) {
            Some(value) => result.push_str(&value),
            None => result.push_str(&rest[at..at + 1 + length]),
        }
        rest = &tail[length..];
    }
    result + rest
}

#[cfg(test)]
mod tests {
    use super::{Settings, expanded};
    use std::path::Path;

    fn settings(variables: &[(&str, &str)]) -> Settings {
        let variables: Vec<(String, String)> = variables.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        Settings::from_variables(&move |name| variables.iter().find(|(n, _)| n == name).map(|(_, value)| value.clone()))
    }

    #[test]
    fn the_cache_is_where_huggingface_hub_has_it() {
        for (variables, cache) in [
            (&[("XDG_CACHE_HOME", "/x")][..], "/x/huggingface/hub"),
            (&[("XDG_CACHE_HOME", "/x"), ("HF_HOME", "/h")], "/h/hub"),
            (&[("HF_HOME", "/h"), ("HUGGINGFACE_HUB_CACHE", "/old")], "/old"),
            (&[("HF_HOME", "/h"), ("HUGGINGFACE_HUB_CACHE", "/old"), ("HF_HUB_CACHE", "/c")], "/c"),
            (&[("HF_HUB_CACHE", "$D/${E}x"), ("D", "/d"), ("E", "e")], "/d/ex"),
        ] {
            assert_eq!(settings(variables).cache, Path::new(cache), "{variables:?}");
        }
        assert!(settings(&[]).cache.ends_with(".cache/huggingface/hub"));
        assert_eq!(expanded("a$-$X/${X}", &|_| None), "a$-$X/${X}");
    }

    #[test]
    fn switches_and_tokens() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("token"), "hf_file\n").expect("written");
        let home = folder.path().display().to_string();
        assert_eq!(settings(&[("HF_HOME", &home)]).token.as_deref(), Some("hf_file"));
        assert_eq!(settings(&[("HF_HOME", &home), ("HF_TOKEN", " hf_x\r\n")]).token.as_deref(), Some("hf_x"));
        assert_eq!(settings(&[("HF_HOME", &home), ("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")]).token, None);
        let other = folder.path().join("other");
        std::fs::write(&other, "hf_other").expect("written");
        let other = other.display().to_string();
        assert_eq!(settings(&[("HF_TOKEN_PATH", &other)]).token.as_deref(), Some("hf_other"));
        for (value, offline) in [("1", true), ("yes", true), ("True", true), ("ON", true), ("0", false), ("false", false)] {
            assert_eq!(settings(&[("HF_HUB_OFFLINE", value)]).offline, offline, "{value}");
        }
        assert_eq!(settings(&[("HF_ENDPOINT", "http://localhost:8000/")]).endpoint, "http://localhost:8000");
    }

    #[test]
    fn what_no_request_can_hold_is_refused() {
        for (name, value) in
            [("HF_ENDPOINT", "huggingface.co"), ("HF_ENDPOINT", "ftp://x"), ("HF_ENDPOINT", "https://"), ("HF_TOKEN", "a\r\nX: y")]
        {
            let error = settings(&[(name, value)]).check().expect_err(value).to_string();
            assert!(error.starts_with(name) && !error.contains('\n'), "{error}");
        }
        settings(&[]).check().expect("the defaults are right");
    }
}
