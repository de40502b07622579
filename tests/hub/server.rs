//! A server that behaves like the Hub, with its storage on another port, and that can be told what to do wrong.
#![allow(dead_code, reason = "every test binary uses its own part of this")]

use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

pub const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// What to do in the place of the right answer, once.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Answer with this status and these headers, and a body that is no file.
    Status(u16, Vec<(String, String)>),
    /// Give so many bytes of the content, then close the connection.
    Cut(usize),
    /// Give all of it from the start, whatever range was asked for.
    Whole,
    /// Give other bytes of the same length.
    Wrong,
    /// Say that it is longer than it is, and give more.
    Longer,
    /// Give so many bytes per tenth of a second.
    Slow(usize),
    /// Give so many bytes and then nothing, without closing the connection.
    Silent(usize),
    /// Give so many bytes, some of them every twentieth of a second, and the others when the switch is on.
    Held(usize, Arc<AtomicBool>),
    /// Answer with these bytes as they are.
    Raw(Vec<u8>),
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Whether it came to the storage.
    pub storage: bool,
    pub method: String,
    pub path: String,
    pub headers: BTreeMap<String, String>,
}

/// A model's files.
#[derive(Clone, Debug, Default)]
pub struct Repository {
    /// By path; large files are in the storage, and have a SHA-256.
    pub files: BTreeMap<String, (Vec<u8>, bool)>,
    /// Whether only this token may have it.
    pub token: Option<String>,
}

#[derive(Default)]
struct State {
    repositories: Mutex<BTreeMap<String, Repository>>,
    /// What to do wrong: the first whose text is in the request's line, method and port included.
    faults: Mutex<Vec<(String, Fault)>>,
    seen: Mutex<Vec<Seen>>,
    closed: AtomicBool,
    storage: Mutex<String>,
}

/// The Hub, until it is dropped.
pub struct FakeHub {
    state: Arc<State>,
    pub endpoint: String,
}

pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A name as git's hash would be; what it is of does not matter.
pub fn small_etag(bytes: &[u8]) -> String {
    sha256(bytes)[..40].to_owned()
}

impl FakeHub {
    pub fn new() -> Self {
        let state = Arc::new(State::default());
        let [hub, storage] = [false, true].map(|is_storage| {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
            let address = format!("http://127.0.0.1:{}", listener.local_addr().expect("bound").port());
            let state = state.clone();
            thread::spawn(move || {
                for stream in listener.incoming().flatten() {
                    if state.closed.load(Ordering::SeqCst) {
                        return;
                    }
                    let state = state.clone();
                    thread::spawn(move || serve(&state, stream, is_storage));
                }
            });
            address
        });
        *state.storage.lock().expect("not poisoned") = storage;
        Self { state, endpoint: hub }
    }

    pub fn add(&self, name: &str, files: &[(&str, &[u8])]) {
        let files = files.iter().map(|(path, bytes)| {
            let is_large = path.ends_with(".safetensors") || path.ends_with(".bin") || path.ends_with(".png");
            ((*path).to_owned(), (bytes.to_vec(), is_large))
        });
        let repository = Repository { files: files.collect(), token: None };
        self.state.repositories.lock().expect("not poisoned").insert(name.to_owned(), repository);
    }

    pub fn gate(&self, name: &str, token: &str) {
        let mut all = self.state.repositories.lock().expect("not poisoned");
        all.get_mut(name).expect("added").token = Some(token.to_owned());
    }

    /// The next request whose line has `what` in it gets this answer.
    pub fn fault(&self, what: &str, fault: Fault) {
        self.state.faults.lock().expect("not poisoned").push((what.to_owned(), fault));
    }

    pub fn clear_faults(&self) {
        self.state.faults.lock().expect("not poisoned").clear();
    }

    /// The requests since the last call.
    pub fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.state.seen.lock().expect("not poisoned"))
    }

    pub fn storage(&self) -> String {
        self.state.storage.lock().expect("not poisoned").clone()
    }
}

impl Drop for FakeHub {
    fn drop(&mut self) {
        self.state.closed.store(true, Ordering::SeqCst);
        for address in [self.endpoint.clone(), self.storage()] {
            let _ = TcpStream::connect(address.trim_start_matches("http://"));
        }
    }
}

fn serve(state: &State, stream: TcpStream, storage: bool) {
    let mut reader = BufReader::new(stream.try_clone().expect("cloned"));
    let mut line = String::new();
    if reader.read_line(&mut line).unwrap_or(0) == 0 {
        return;
    }
    let mut words = line.split_whitespace();
    let (method, path) = (words.next().unwrap_or_default().to_owned(), words.next().unwrap_or_default().to_owned());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 || line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':') {
            headers.insert(name.trim().to_lowercase(), value.trim().to_owned());
        }
    }
    let seen = Seen { storage, method: method.clone(), path: path.clone(), headers };
    state.seen.lock().expect("not poisoned").push(seen.clone());
    let fault = {
        let mut faults = state.faults.lock().expect("not poisoned");
        let line = format!("{} {method} {path}", if storage { "storage" } else { "hub" });
        faults.iter().position(|(what, _)| line.contains(what.as_str())).map(|at| faults.remove(at).1)
    };
    // A client that goes away is what some tests are about.
    let _ = answer(state, &seen, stream, fault);
}

fn answer(state: &State, seen: &Seen, mut stream: TcpStream, fault: Option<Fault>) -> std::io::Result<()> {
    match &fault {
        Some(Fault::Raw(bytes)) => return stream.write_all(bytes),
        Some(Fault::Status(status, headers)) => {
            let headers: Vec<(&str, String)> = headers.iter().map(|(n, v)| (n.as_str(), v.clone())).collect();
            return head(&mut stream, *status, &headers, 2).and_then(|()| stream.write_all(b"no"));
        }
        _ => {}
    }
    let repositories = state.repositories.lock().expect("not poisoned").clone();
    if seen.storage {
        let hash = seen.path.trim_start_matches('/').split('?').next().unwrap_or_default();
        let found = repositories.values().flat_map(|r| r.files.values()).find(|(bytes, _)| sha256(bytes) == hash);
        return match found {
            Some((bytes, _)) => content(&mut stream, seen, bytes, &[], fault),
            None => head(&mut stream, 403, &[], 0),
        };
    }
    let not_found = |stream: &mut TcpStream, code: &str, status: u16| {
        head(stream, status, &[("X-Error-Code", code.to_owned()), ("X-Error-Message", format!("{code}, it says"))], 0)
    };
    let path = seen.path.split('?').next().unwrap_or_default().to_owned();
    let (name, rest) = match path.strip_prefix("/api/models/").and_then(|path| path.split_once("/revision/")) {
        Some((name, revision)) => (name.to_owned(), Err(revision.to_owned())),
        None => match path.trim_start_matches('/').split_once("/resolve/") {
            Some((name, rest)) => {
                (name.to_owned(), Ok(rest.split_once('/').map(|(r, p)| (r.to_owned(), p.to_owned())).unwrap_or_default()))
            }
            None => return not_found(&mut stream, "", 404),
        },
    };
    let Some(repository) = repositories.get(&name) else { return not_found(&mut stream, "RepoNotFound", 401) };
    if let Some(token) = &repository.token {
        match seen.headers.get("authorization") {
            None => return not_found(&mut stream, "GatedRepo", 401),
            Some(sent) if *sent != format!("Bearer {token}") => return not_found(&mut stream, "GatedRepo", 403),
            _ => {}
        }
    }
    let revision = rest.as_ref().map_or_else(Clone::clone, |(revision, _)| revision.clone());
    if !["main", "v1", "refs%2Fpr%2F1", COMMIT].contains(&revision.as_str()) {
        return not_found(&mut stream, "RevisionNotFound", 404);
    }
    let Ok((_, path)) = rest else {
        let siblings: Vec<_> = repository
            .files
            .iter()
            .map(|(path, (bytes, large))| {
                let lfs = large.then(|| serde_json::json!({"size": bytes.len(), "sha256": sha256(bytes), "pointerSize": 135}));
                serde_json::json!({"rfilename": path, "size": bytes.len(), "blobId": small_etag(bytes), "lfs": lfs})
            })
            .collect();
        let json =
            serde_json::json!({"id": name, "sha": COMMIT, "siblings": siblings, "cardData": {"license": "apache-2.0"}}).to_string();
        return content(&mut stream, seen, json.as_bytes(), &[], fault);
    };
    let Some((bytes, large)) = repository.files.get(&path) else { return not_found(&mut stream, "EntryNotFound", 404) };
    let commit = ("X-Repo-Commit", COMMIT.to_owned());
    if !large {
        return content(&mut stream, seen, bytes, &[commit, ("ETag", format!("\"{}\"", small_etag(bytes)))], fault);
    }
    let hash = sha256(bytes);
    let location = format!("{}/{hash}?signature=x", state.storage.lock().expect("not poisoned"));
    let headers = [
        commit,
        ("ETag", format!("\"{}\"", small_etag(hash.as_bytes()))),
        ("X-Linked-ETag", format!("\"{hash}\"")),
        ("X-Linked-Size", bytes.len().to_string()),
        ("Location", location),
    ];
    head(&mut stream, 302, &headers, 0)
}

fn head(stream: &mut TcpStream, status: u16, headers: &[(&str, String)], length: usize) -> std::io::Result<()> {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    write!(stream, "HTTP/1.1 {status} x\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n")
}

/// Gives `bytes`, or the part of them that was asked for.
fn content(
    stream: &mut TcpStream,
    seen: &Seen,
    bytes: &[u8],
    headers: &[(&str, String)],
    fault: Option<Fault>,
) -> std::io::Result<()> {
    let from =
        seen.headers.get("range").and_then(|range| range.strip_prefix("bytes=")?.trim_end_matches('-').parse::<usize>().ok());
    let from = from.filter(|_| !matches!(fault, Some(Fault::Whole)));
    let mut headers = headers.to_vec();
    let (status, start) = match from {
        Some(from) if from >= bytes.len() => return head(stream, 416, &[("Content-Range", format!("bytes */{}", bytes.len()))], 0),
        Some(from) => {
            headers.push(("Content-Range", format!("bytes {from}-{}/{}", bytes.len() - 1, bytes.len())));
            (206, from)
        }
        None => (200, 0),
    };
    let mut part = bytes[start..].to_vec();
    match fault {
        Some(Fault::Wrong) => part.iter_mut().for_each(|byte| *byte ^= 1),
        Some(Fault::Longer) => part.extend([0; 1000]),
        _ => {}
    }
    head(stream, status, &headers, part.len())?;
    if seen.method == "HEAD" {
        return Ok(());
    }
    match fault {
        Some(Fault::Cut(n)) => stream.write_all(&part[..n.min(part.len())]),
        Some(Fault::Silent(n)) => {
            stream.write_all(&part[..n.min(part.len())])?;
            thread::sleep(Duration::from_secs(30));
            Ok(())
        }
        Some(Fault::Held(n, switch)) => {
            let (first, rest) = part.split_at(n.min(part.len()));
            for piece in first.chunks(4_000) {
                thread::sleep(Duration::from_millis(50));
                stream.write_all(piece)?;
            }
            while !switch.load(Ordering::SeqCst) {
                thread::sleep(Duration::from_millis(10));
            }
            stream.write_all(rest)
        }
        Some(Fault::Slow(n)) => part.chunks(n).try_for_each(|piece| {
            thread::sleep(Duration::from_millis(100));
            stream.write_all(piece)
        }),
        _ => stream.write_all(&part),
    }
}
