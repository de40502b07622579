//! One blob: from the server into the cache, going on where an earlier download stopped, and checked before it gets its name.

use super::{
    Watch,
    cache::Repository,
    client::{Answer, Client, Facts, Failure, Stream},
    lock::Lock,
    watch::bytes,
};
use crate::error::{Error, Result};
use sha2::{Digest, Sha256};
use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom, Write},
    path::Path,
};

/// Bytes that are read and written at a time.
const PIECE: usize = 1 << 17;
/// A file that comes in more pieces than this, each after a cut, never comes.
const MAX_CUTS: u32 = 500;

/// A file that is wanted.
pub(super) struct Wanted {
    pub(super) path: String,
    pub(super) facts: Facts,
}

/// What has come of a blob, with the hash of it so far.
struct Incomplete {
    file: File,
    hash: Sha256,
    len: u64,
}

impl Incomplete {
    /// Opens what is there of an earlier download, or starts one.
    fn open(path: &Path, size: Option<u64>) -> io::Result<Self> {
        // It might lead elsewhere.
        if path.is_symlink() {
            fs::remove_file(path)?;
        }
        let file = File::options().create(true).truncate(false).read(true).write(true).open(path)?;
        let mut incomplete = Self { file, hash: Sha256::new(), len: 0 };
        if size.is_some_and(|size| incomplete.file.metadata().is_ok_and(|metadata| metadata.len() > size)) {
            incomplete.clear()?;
        }
        let mut piece = vec![0; PIECE];
        loop {
            let n = incomplete.file.read(&mut piece)?;
            if n == 0 {
                return Ok(incomplete);
            }
            incomplete.hash.update(&piece[..n]);
            incomplete.len += n as u64;
        }
    }

    fn push(&mut self, piece: &[u8]) -> io::Result<()> {
        self.file.write_all(piece)?;
        self.hash.update(piece);
        self.len += piece.len() as u64;
        Ok(())
    }

    /// Starts over.
    fn clear(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        (self.hash, self.len) = (Sha256::new(), 0);
        Ok(())
    }

    fn sha256(&self) -> String {
        self.hash.clone().finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Brings a blob into the cache, unless it is there; `before` bytes of other files are here already.
///
/// # Errors
/// The server's, after some tries; the disk is full; what came is not what was promised; it was stopped. What has come stays for the next
/// download, unless it is wrong or the disk is full.
pub(super) fn bring(
    client: &Client<'_>,
    repository: &Repository,
    commit: &str,
    wanted: &Wanted,
    watch: &Watch,
    before: u64,
) -> Result<()> {
    let Facts { etag, .. } = &wanted.facts;
    watch.begin(&wanted.path, before);
    if repository.blob(etag).is_file() {
        return Ok(());
    }
    let blob = repository.blob(etag);
    let cannot = |error: &io::Error| unwritable(&blob, error, wanted.facts.size);
    fs::create_dir_all(blob.parent().unwrap_or(&blob)).map_err(|error| cannot(&error))?;
    let _lock = Lock::take(&repository.lock(etag), watch)?;
    watch.waits(None);
    // Another program may have brought it meanwhile.
    if blob.is_file() {
        return Ok(());
    }
    let path = repository.incomplete(etag);
    let mut incomplete = Incomplete::open(&path, wanted.facts.size).map_err(|error| cannot(&error))?;
    watch.begin(&wanted.path, before + incomplete.len);
    let result = fill(client, commit, wanted, watch, before, &mut incomplete, &cannot);
    drop(incomplete);
    match result {
        Ok(()) => fs::rename(&path, &blob).map_err(|error| cannot(&error)),
        Err(Stopped::Keep(error)) => Err(error),
        Err(Stopped::Remove(error)) => {
            // If that fails, the next download finds out that it is wrong.
            let _ = fs::remove_file(&path);
            Err(error)
        }
    }
}

/// Why a blob did not become whole, and what is to become of what has come.
enum Stopped {
    Keep(Error),
    Remove(Error),
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Self::Keep(error)
    }
}

fn fill(
    client: &Client<'_>,
    commit: &str,
    wanted: &Wanted,
    watch: &Watch,
    before: u64,
    incomplete: &mut Incomplete,
    cannot: &dyn Fn(&io::Error) -> Error,
) -> Result<(), Stopped> {
    let (mut failures, mut cuts) = (0, 0);
    let mut began_anew = incomplete.len == 0;
    loop {
        watch.check()?;
        let start = incomplete.len;
        match piece(client, commit, wanted, watch, before, incomplete) {
            Ok(()) => match check(client, wanted, incomplete) {
                Ok(()) => return Ok(()),
                // What was there of an earlier download may have been wrong: once more from the start.
                Err(_) if !began_anew => {
                    began_anew = true;
                    incomplete.clear().map_err(|error| Stopped::Remove(cannot(&error)))?;
                }
                Err(error) => return Err(Stopped::Remove(error)),
            },
            Err(Piece::Disk(error)) => return Err(Stopped::Remove(cannot(&error))),
            Err(Piece::Network(failure)) => {
                failures = if incomplete.len > start { 1 } else { failures + 1 };
                cuts += 1;
                let failures = if cuts > MAX_CUTS { u32::MAX } else { failures };
                client.pause(failure, failures)?;
            }
        }
    }
}

/// What ended a piece.
enum Piece {
    Network(Failure),
    Disk(io::Error),
}

/// Takes in what one request gives.
fn piece(
    client: &Client<'_>,
    commit: &str,
    wanted: &Wanted,
    watch: &Watch,
    before: u64,
    incomplete: &mut Incomplete,
) -> Result<(), Piece> {
    if incomplete.len > 0 && wanted.facts.size == Some(incomplete.len) {
        return Ok(());
    }
    let mut answer = client.content(commit, &wanted.path, incomplete.len).map_err(Piece::Network)?;
    if matches!(answer, Answer::NothingThere) {
        // No byte after those that are here: either that is all, which the check will tell, or they are wrong.
        if wanted.facts.size.is_none() && incomplete.len > 0 {
            return Ok(());
        }
        incomplete.clear().map_err(Piece::Disk)?;
        answer = client.content(commit, &wanted.path, 0).map_err(Piece::Network)?;
    }
    let Answer::Content(Stream { mut reader, start, total }) = answer else {
        let error = client.error(format!("{}: the server gives no byte of it; try again later", wanted.path));
        return Err(Piece::Network(Failure::Passing { error, wait: None, unreachable: false }));
    };
    // The server gives all of it.
    if start != incomplete.len {
        incomplete.clear().map_err(Piece::Disk)?;
    }
    watch.waits(None);
    let expected = wanted.facts.size.or(total);
    let mut piece = vec![0; PIECE];
    loop {
        if watch.is_cancelled() {
            return Err(Piece::Network(client.cut(&io::ErrorKind::Interrupted.into())));
        }
        let n = reader.read(&mut piece).map_err(|error| Piece::Network(client.cut(&error)))?;
        if n == 0 {
            break;
        }
        incomplete.push(&piece[..n]).map_err(Piece::Disk)?;
        watch.advance(n as u64, before + incomplete.len);
        if expected.is_some_and(|expected| incomplete.len > expected) {
            // Longer than it can be: the check refuses it.
            return Ok(());
        }
    }
    if expected.is_some_and(|expected| incomplete.len < expected) {
        return Err(Piece::Network(client.cut(&io::ErrorKind::UnexpectedEof.into())));
    }
    Ok(())
}

/// Whether what has come is what the Hub has.
fn check(client: &Client<'_>, wanted: &Wanted, incomplete: &Incomplete) -> Result<()> {
    let advice = "nothing of it was kept; ask for the model again, or check HF_ENDPOINT and the proxy";
    if let Some(size) = wanted.facts.size.filter(|size| *size != incomplete.len) {
        return Err(client.error(format!("{}: expected {size} bytes, got {}; {advice}", wanted.path, incomplete.len)));
    }
    if let Some(expected) = &wanted.facts.sha256 {
        let got = incomplete.sha256();
        if got != *expected {
            return Err(client.error(format!("{}: expected the SHA-256 {expected}, got {got}; {advice}", wanted.path)));
        }
    }
    Ok(())
}

/// The error for a cache that cannot be written to.
pub(super) fn unwritable(path: &Path, error: &io::Error, size: Option<u64>) -> Error {
    let place = path.parent().unwrap_or(path);
    let needs = size.map_or_else(String::new, |size| format!(" (the file has {})", bytes(size)));
    let advice = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            "nothing of it was kept; free some space, or let HF_HUB_CACHE name a place with more"
        }
        _ => "let HF_HUB_CACHE name another place",
    };
    let what: Vec<String> = error.to_string().split_whitespace().map(str::to_owned).collect();
    Error::file(place, format!("the Hub's cache cannot be written to: {}{needs}; {advice}", what.join(" ")))
}
