//! Requests to the Hub: redirects, who may see the token, another try after a failure that may pass.

use super::{
    Settings, Watch,
    listing::Listing,
    name::{is_plain, is_sha256},
    url,
};
use crate::error::{Error, Result};
use std::{cell::Cell, io::Read, time::Duration};
use ureq::{
    Agent, Body,
    http::{Method, Request, Response, StatusCode},
};

/// A request is made so many times before it is given up.
const TRIES: u32 = 5;
/// So many servers may send a request on.
const MAX_REDIRECTS: usize = 10;
/// Nobody waits longer than this because a server asks for it.
const LONGEST_WAIT: Duration = Duration::from_secs(300);
const CONNECT: Duration = Duration::from_secs(10);
/// The largest answer about a repository.
const LARGEST_LISTING: u64 = 32 << 20;
/// Larger files are not given over HTTP.
const LARGEST_FILE: u64 = 50_000_000_000;
/// These may see the token as well as the server that HF_ENDPOINT names, which may send requests on to them.
const HUB_HOSTS: [&str; 2] = ["huggingface.co", "hf.co"];

/// Why a request came to nothing.
pub(super) enum Failure {
    /// It will come to nothing again.
    Final(Error),
    /// It may go well the next time.
    Passing {
        error: Error,
        /// How long the server asks to wait.
        wait: Option<Duration>,
        /// Whether there was no server at all.
        unreachable: bool,
    },
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Final(error)
    }
}

/// What the Hub says of a file before it gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    /// The name of its blob.
    pub(super) etag: String,
    /// Of its content, where the Hub knows it: of every large file.
    pub(super) sha256: Option<String>,
    /// Its bytes.
    pub(super) size: Option<u64>,
}

/// A file's content as it comes.
pub(super) struct Stream {
    pub(super) reader: Box<dyn Read>,
    /// Where in the file it starts.
    pub(super) start: u64,
    /// The whole file's bytes.
    pub(super) total: Option<u64>,
}

/// What the answer to a request for a file was.
pub(super) enum Answer {
    Content(Stream),
    /// The file has no byte at the place asked for.
    NothingThere,
}

/// Asks for one model.
pub(super) struct Client<'a> {
    pub(super) settings: &'a Settings,
    pub(super) watch: &'a Watch,
    pub(super) agent: Agent,
    /// Whether any server has answered yet.
    pub(super) reached: Cell<bool>,
}

impl<'a> Client<'a> {
    /// # Errors
    /// The settings cannot be used; the network must not be.
    pub(super) fn new(settings: &'a Settings, watch: &'a Watch) -> Result<Self> {
        settings.check()?;
        if settings.offline {
            return Err(Error::hub(
                watch.name().to_string(),
                format!(
                    "neither a folder here nor in the cache ({}), and HF_HUB_OFFLINE forbids to fetch it; unset that, or take one of `etude models`",
                    settings.cache.display()
                ),
            ));
        }
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("etude/", env!("CARGO_PKG_VERSION")))
            .accept_encoding("identity")
            .timeout_resolve(Some(CONNECT))
            .timeout_connect(Some(CONNECT))
            .timeout_recv_response(Some(settings.silence))
            .timeout_per_read(Some(settings.silence))
            .timeout_per_write(Some(settings.silence))
            .tls_config(ureq::tls::TlsConfig::builder().root_certs(ureq::tls::RootCerts::PlatformVerifier).build());
        // What is on this machine is never behind a proxy.
        let config = if url::is_local(&settings.endpoint) { config.proxy(None) } else { config };
        let agent: Agent = config.build().into();
        let other_end = agent.clone();
        watch.stop_by(move || other_end.shutdown());
        Ok(Self { settings, watch, agent, reached: Cell::new(false) })
    }

    /// The commit of the model's revision and its files.
    ///
    /// # Errors
    /// No network, no such model, no access; an answer that is none of the Hub's.
    pub(super) fn listing(&self) -> Result<Listing> {
        let name = self.watch.name();
        let revision = url::encoded(name.revision(), false);
        let address = format!("{}/api/models/{}/revision/{revision}?blobs=true", self.settings.endpoint, name.repository());
        self.patiently(|| {
            let (response, address) = self.follow(Method::GET, &address, None)?;
            self.refused(&response, &address, None)?;
            let mut bytes = Vec::new();
            let mut body = response.into_body().into_with_config().limit(LARGEST_LISTING).reader();
            body.read_to_end(&mut bytes).map_err(|error| self.broken(&error, &address))?;
            Listing::from_json(&bytes).map_err(|what| Failure::Final(self.error(format!("{} {what}", url::host(&address)))))
        })
    }

    fn file_address(&self, commit: &str, path: &str) -> String {
        let name = self.watch.name().repository();
        format!("{}/{name}/resolve/{}/{}", self.settings.endpoint, url::encoded(commit, false), url::encoded(path, true))
    }

    /// What the Hub says of a file.
    ///
    /// # Errors
    /// As [`Self::listing`].
    pub(super) fn facts(&self, commit: &str, path: &str) -> Result<Facts> {
        let address = self.file_address(commit, path);
        self.patiently(|| {
            let (response, address) = self.follow(Method::HEAD, &address, None)?;
            self.refused(&response, &address, Some(path))?;
            let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::trim);
            let etag =
                header("x-linked-etag").or_else(|| header("etag")).map(|etag| etag.trim_start_matches("W/").trim_matches('"'));
            let Some(etag) = etag.filter(|etag| is_plain(etag) && etag.len() <= 128 && !etag.ends_with(".incomplete")) else {
                let what = "expected its hash (ETag) from a server like the Hub, got none that can name a file; check HF_ENDPOINT";
                return Err(self.error(format!("{path}: {what}")).into());
            };
            let length = header("content-length").filter(|_| !response.status().is_redirection());
            let size = header("x-linked-size").or(length).and_then(|text| text.parse().ok());
            if size.is_some_and(|size: u64| size > LARGEST_FILE) {
                return Err(self
                    .error(format!("{path}: expected at most {LARGEST_FILE} bytes, the Hub has {}", size.unwrap_or(0)))
                    .into());
            }
            Ok(Facts { etag: etag.to_owned(), sha256: is_sha256(etag).then(|| etag.to_owned()), size })
        })
    }

    /// Asks for a file's content from byte `from` on. Not repeated: the caller knows how far it has come.
    ///
    /// # Errors
    /// As [`Self::listing`].
    pub(super) fn content(&self, commit: &str, path: &str, from: u64) -> Result<Answer, Failure> {
        let address = self.file_address(commit, path);
        let (response, address) = self.follow(Method::GET, &address, (from > 0).then_some(from))?;
        if response.status() == StatusCode::RANGE_NOT_SATISFIABLE {
            return Ok(Answer::NothingThere);
        }
        self.refused(&response, &address, Some(path))?;
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
        if header("content-encoding").is_some_and(|encoding| !encoding.eq_ignore_ascii_case("identity")) {
            return Err(self
                .error(format!("{path}: expected it as it is, the server compresses it; check HF_ENDPOINT and the proxy"))
                .into());
        }
        let length = header("content-length").and_then(|text| text.trim().parse::<u64>().ok());
        let (start, total) = if response.status() == StatusCode::PARTIAL_CONTENT {
            let range = header("content-range").and_then(content_range);
            let Some((start, total)) = range.filter(|(start, _)| *start == from) else {
                // Another part than the one asked for: the whole file then.
                return Ok(Answer::NothingThere);
            };
            (start, total)
        } else {
            (0, length)
        };
        Ok(Answer::Content(Stream {
            reader: Box::new(response.into_body().into_with_config().limit(u64::MAX).reader()),
            start,
            total,
        }))
    }

    /// Makes a request until it goes well, fails for good, or has failed [`TRIES`] times. Where no server was ever reached, once: there is
    /// no network then.
    fn patiently<T>(&self, mut request: impl FnMut() -> Result<T, Failure>) -> Result<T> {
        let mut failures = 0;
        loop {
            self.watch.check()?;
            match request() {
                Ok(value) => {
                    self.watch.waits(None);
                    return Ok(value);
                }
                Err(failure) => {
                    failures += 1;
                    self.pause(failure, failures)?;
                }
            }
        }
    }

    /// Waits after the given number of failures in a row.
    ///
    /// # Errors
    /// The failure is for good, or there were too many of them; the download was stopped.
    pub(super) fn pause(&self, failure: Failure, failures: u32) -> Result<()> {
        // What went wrong because it was stopped is no fault.
        self.watch.check()?;
        let (error, wait, unreachable) = match failure {
            Failure::Final(error) => return Err(error),
            Failure::Passing { error, wait, unreachable } => (error, wait, unreachable),
        };
        if failures >= TRIES || (unreachable && !self.reached.get()) || wait.is_some_and(|wait| wait > LONGEST_WAIT) {
            return Err(error);
        }
        let wait = wait.unwrap_or(self.settings.pause * 2_u32.pow(failures.saturating_sub(1).min(6)));
        tracing::info!("{error}; again in {} ms", wait.as_millis());
        self.watch.waits(Some(&format!("the server is busy or the connection was cut, once more in {} s", wait.as_secs().max(1))));
        self.watch.rest(wait)
    }

    pub(super) fn error(&self, what: impl Into<String>) -> Error {
        Error::hub(self.watch.name().to_string(), what)
    }

    /// Whether the token may go to `address`: to the server asked first and to the Hub itself, not to where files are stored.
    pub(super) fn may_see_token(&self, address: &str) -> bool {
        let Some((secure, host, port)) = url::origin(address) else { return false };
        let is_hub = secure && port == 443 && HUB_HOSTS.contains(&host.as_str());
        is_hub || url::origin(&self.settings.endpoint) == Some((secure, host, port))
    }

    /// Makes a request and goes where it is sent on to; returns who answered, too. A HEAD stays with the Hub: what it says of a file is in its own answer.
    fn follow(&self, method: Method, address: &str, from: Option<u64>) -> Result<(Response<Body>, String), Failure> {
        let mut address = address.to_owned();
        for _ in 0..=MAX_REDIRECTS {
            let response = self.once(&method, &address, from)?;
            let location = response.headers().get("location").and_then(|value| value.to_str().ok());
            let (true, Some(location)) = (response.status().is_redirection(), location) else { return Ok((response, address)) };
            let Some(next) = url::joined(&address, location) else {
                let what = format!(
                    "{} sends to a place that is not safe ({location:.80}); check HF_ENDPOINT and the proxy",
                    url::host(&address)
                );
                return Err(self.error(what).into());
            };
            if method == Method::HEAD && !self.may_see_token(&next) {
                return Ok((response, address));
            }
            address = next;
        }
        let host = url::host(&address);
        Err(self
            .error(format!("expected the file after at most {MAX_REDIRECTS} redirects, {host} sends on again; check HF_ENDPOINT"))
            .into())
    }

    fn once(&self, method: &Method, address: &str, from: Option<u64>) -> Result<Response<Body>, Failure> {
        let mut request = Request::builder().method(method).uri(address);
        if let Some(token) = self.settings.token.as_ref().filter(|_| self.may_see_token(address)) {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if let Some(from) = from {
            request = request.header("range", format!("bytes={from}-"));
        }
        let request = request.body(()).map_err(|error| self.error(format!("{address} cannot be asked for: {error}")))?;
        let response = self.agent.run(request).map_err(|error| self.unanswered(&error, address))?;
        self.reached.set(true);
        Ok(response)
    }
}

/// Start and the file's bytes of `bytes 5-9/10`.
fn content_range(text: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (start, _) = range.split_once('-')?;
    Some((start.trim().parse().ok()?, total.trim().parse().ok()))
}
