//! What it means that the Hub, a proxy or the network refuses a request, and whether another try may go well.

use super::{
    client::{Client, Failure},
    url,
};
use std::{io, time::Duration};
use ureq::{
    Body,
    http::{HeaderMap, Response},
};

impl Client<'_> {
    /// Why there was no answer.
    pub(super) fn unanswered(&self, error: &ureq::Error, address: &str) -> Failure {
        let host = url::host(address);
        let proxy = self.agent.config().proxy().filter(|proxy| address.parse().is_ok_and(|uri| !proxy.is_no_proxy(&uri)));
        let through = proxy.map_or_else(String::new, |proxy| format!(" through the proxy {}:{}", proxy.host(), proxy.port()));
        // What is wrong with a certificate comes as data that are invalid.
        let is_unsafe = match error {
            ureq::Error::Rustls(_) | ureq::Error::Tls(_) | ureq::Error::Pem(_) => true,
            ureq::Error::Io(error) => error.kind() == io::ErrorKind::InvalidData,
            _ => false,
        };
        let (what, passes, unreachable) = match error {
            _ if is_unsafe => (
                format!(
                    "no safe connection to {host}{through} ({}); behind a proxy with a certificate of its own let SSL_CERT_FILE name it",
                    one_line(error)
                ),
                false,
                false,
            ),
            ureq::Error::ConnectProxyFailed(why) if why.contains("407") => (proxy_wants_a_password(&through), false, true),
            ureq::Error::Timeout(_) if self.reached.get() => {
                (format!("{host}{through} says nothing for {} s; try again later", self.settings.silence.as_secs()), true, false)
            }
            ureq::Error::HostNotFound
            | ureq::Error::ConnectionFailed
            | ureq::Error::ConnectProxyFailed(_)
            | ureq::Error::Timeout(_)
            | ureq::Error::Io(_) => (
                format!(
                    "neither a folder here nor in the cache, and {host} cannot be reached{through} ({}); check the network, HF_ENDPOINT and HTTPS_PROXY, or \
                     take one of `etude models`",
                    one_line(error)
                ),
                true,
                !self.reached.get(),
            ),
            _ => (
                format!(
                    "{host}{through} does not answer as a web server does ({}); check HF_ENDPOINT and HTTPS_PROXY",
                    one_line(error)
                ),
                true,
                false,
            ),
        };
        let error = self.error(what);
        if passes { Failure::Passing { error, wait: None, unreachable } } else { Failure::Final(error) }
    }

    /// The failure of a body that stopped half way.
    pub(super) fn broken(&self, error: &io::Error, address: &str) -> Failure {
        let what = format!(
            "the connection to {} broke off ({}); ask for the model again, it goes on where it was",
            url::host(address),
            one_line(error)
        );
        Failure::Passing { error: self.error(what), wait: None, unreachable: false }
    }

    /// As [`Self::broken`], of a file.
    pub(super) fn cut(&self, error: &io::Error) -> Failure {
        self.broken(error, &self.settings.endpoint)
    }

    /// What an answer that is no success means; `path` is the file that was asked for.
    pub(super) fn refused(&self, response: &Response<Body>, address: &str, path: Option<&str>) -> Result<(), Failure> {
        let status = response.status();
        // A HEAD is answered by a redirect to where the file is stored.
        if status.is_success() || (status.is_redirection() && response.headers().contains_key("location")) {
            return Ok(());
        }
        let header = |name: &str| header_text(response.headers(), name);
        let (code, message) = (header("x-error-code"), header("x-error-message"));
        let name = self.watch.name();
        let (host, page) = (url::host(address), self.settings.page(name));
        let log_in = "log in with `hf auth login` or set HF_TOKEN";
        let said = if message.is_empty() { String::new() } else { format!(" ({message})") };
        let what = match (status.as_u16(), code.as_str()) {
            (_, "GatedRepo") => match self.settings.token {
                Some(_) => format!(
                    "it is gated, and the account of your token has no access{said}; ask for it, or accept the terms, at {page}"
                ),
                None => format!("it is gated{said}; accept its terms at {page}, then {log_in}"),
            },
            (404, "EntryNotFound") => {
                format!("it has no file {} at revision {}; see {page}", path.unwrap_or("of this name"), name.revision())
            }
            (404, "RevisionNotFound") => format!("it has no revision {}; see {page}", name.revision()),
            (401, _) if message.contains("Invalid credentials") => format!("{host} does not accept your token; {log_in} again"),
            (401, _) => format!(
                "neither a folder here nor a model that {host} gives to {}: it does not exist, or is private or gated; check the name, \
                 or accept its terms at {page}, then {log_in}",
                if self.settings.token.is_some() { "the account of your token" } else { "everybody" }
            ),
            (403, _) => format!("{host} refuses it{said}; ask for access at {page} and {log_in}"),
            (404, _) if path.is_some() => {
                format!("it has no file {} at revision {}; see {page}", path.unwrap_or_default(), name.revision())
            }
            (404, "") if name.has_revision() => {
                format!("{host} has no such model, or none of revision {}; see {page}", name.revision())
            }
            (404, _) => format!("neither a folder here nor a model on {host}; check the name"),
            (407, _) => proxy_wants_a_password(""),
            (429, _) => format!("{host} has had too many requests{said}; try again later, or {log_in} to be allowed more"),
            (408 | 500..=599, _) => format!("{host} has a fault of its own ({status}){said}; try again later"),
            _ => format!("expected the model from {host}, got {status}{said}; check HF_ENDPOINT"),
        };
        let error = self.error(what);
        let passing = matches!(status.as_u16(), 408 | 429 | 500..=599);
        // A signed address of the storage may have run out; the Hub gives a new one.
        let storage = path.is_some() && code.is_empty() && !self.may_see_token(address);
        if passing || storage {
            return Err(Failure::Passing { error, wait: retry_after(response.headers()), unreachable: false });
        }
        Err(Failure::Final(error))
    }
}

fn proxy_wants_a_password(through: &str) -> String {
    format!("the proxy wants a name and a password{through}; put them into HTTPS_PROXY: http://name:password@host:port")
}

/// A header for a message: short, on one line.
fn header_text(headers: &HeaderMap, name: &str) -> String {
    let text = headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    one_line(&text.chars().take(200).collect::<String>())
}

fn one_line(message: &dyn std::fmt::Display) -> String {
    let text = message.to_string();
    text.split_whitespace().collect::<Vec<_>>().join(" ").trim_start_matches("io: ").to_owned()
}

/// How long the server asks to wait, in seconds; a date is not read.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("retry-after").and_then(|value| value.to_str().ok())?;
    text.trim().parse::<u32>().ok().map(|seconds| Duration::from_secs(u64::from(seconds)))
}
