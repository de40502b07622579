//! A model from the Hub: ask what there is, choose what is needed, bring each blob, and only then show them as a snapshot.

use super::{
    Cached, HubName, Settings, Snapshot, Watch,
    cache::{self, Repository, small},
    client::Client,
    download::{Wanted, bring, unwritable},
    listing::Listing,
    needed::{needed, shards},
};
use crate::error::{Error, Result};
use std::{collections::HashSet, io};

/// The snapshot of the model that `watch` is about, from the cache or else from the Hub; of the weights those of `variant`, where it is given.
/// Blocks until it is there; another thread may look at the watch and stop it.
///
/// # Errors
/// One line each: no network, no such model or revision, no access, a full disk, a wrong hash, stopped. The cache then has nothing that looks
/// whole and is not.
pub fn fetch(settings: &Settings, variant: Option<&str>, watch: &Watch) -> Result<Snapshot> {
    let name = watch.name();
    let before = cache::look_up(settings, name, variant);
    if let Cached::Whole(snapshot) = before {
        return Ok(snapshot);
    }
    let fetched = bring_all(settings, variant, watch);
    match (fetched, before) {
        // Offline, what is there will do: who opens it says what it assumes of the scheduler.
        (Err(error), Cached::WithoutScheduler(snapshot)) if !watch.is_cancelled() => {
            tracing::warn!("{error}");
            Ok(snapshot)
        }
        (fetched, _) => fetched,
    }
}

/// As [`fetch`], for a task: a page's version of it waits for nothing.
///
/// # Errors
/// As [`fetch`].
pub async fn fetch_in_task(settings: &Settings, variant: Option<&str>, watch: &Watch) -> Result<Snapshot> {
    fetch(settings, variant, watch)
}

fn bring_all(settings: &Settings, variant: Option<&str>, watch: &Watch) -> Result<Snapshot> {
    let name = watch.name();
    let client = Client::new(settings, watch)?;
    let listing = client.listing()?;
    let commit = listing.commit.as_str();
    let repository = Repository::new(settings, name);
    let paths: Vec<&str> = listing.files.iter().map(|file| file.path.as_str()).collect();
    let found = needed(&paths, variant).map_err(|what| client.error(format!("{what}; see {}", settings.page(name))))?;
    let mut wanted = Vec::new();
    for path in &found.files {
        wanted.push(ask(&client, &listing, path)?);
    }
    if let Some(index) = &found.index {
        let at = wanted.iter().position(|file| file.path == *index);
        let Some(file) = at.and_then(|at| wanted.get(at)) else { return Err(client.error("its index of weights is gone")) };
        bring(&client, &repository, commit, file, watch, 0)?;
        let bytes = small(&repository.blob(&file.facts.etag)).unwrap_or_default();
        for path in shards(&bytes, index).map_err(|what| client.error(what))? {
            if listing.file(&path).is_none() {
                return Err(client.error(format!("{index} names {path}, which is not there; see {}", settings.page(name))));
            }
            wanted.push(ask(&client, &listing, &path)?);
        }
    }
    // The small ones first: a configuration that cannot be had is known before the weights have come.
    wanted.sort_by_key(|file| !file.path.ends_with(".json"));
    let missing = |file: &&Wanted| !repository.blob(&file.facts.etag).is_file() && !is_in(&repository, commit, &file.path);
    let to_bring: Vec<&Wanted> = wanted.iter().filter(missing).collect();
    let size = |file: &Wanted| file.facts.size.unwrap_or(0);
    watch.set_total(to_bring.iter().fold(0, |sum: u64, file| sum.saturating_add(size(file))));
    let mut before = 0;
    for file in to_bring {
        bring(&client, &repository, commit, file, watch, before)?;
        before += size(file);
    }
    show(&repository, name, commit, &wanted, &found.absent)
}

fn is_in(repository: &Repository, commit: &str, path: &str) -> bool {
    repository.snapshot(commit).join(path).is_file()
}

/// What the Hub says of a file, in its listing and when asked for it.
fn ask(client: &Client<'_>, listing: &Listing, path: &str) -> Result<Wanted> {
    let mut facts = client.facts(&listing.commit, path)?;
    if let Some(listed) = listing.file(path) {
        if let (Some(a), Some(b)) = (facts.size, listed.size)
            && a != b
        {
            return Err(client.error(format!("{path}: the server says it has {a} bytes, and {b} bytes; try again later")));
        }
        facts.size = facts.size.or(listed.size);
        if let (Some(a), Some(b)) = (&facts.sha256, &listed.sha256)
            && a != b
        {
            return Err(client.error(format!("{path}: the server says its SHA-256 is {a}, and {b}; try again later")));
        }
        facts.sha256 = facts.sha256.or_else(|| listed.sha256.clone());
    }
    Ok(Wanted { path: path.to_owned(), facts })
}

/// Makes the snapshot of what has come.
fn show(repository: &Repository, name: &HubName, commit: &str, wanted: &[Wanted], absent: &[String]) -> Result<Snapshot> {
    let folder = repository.snapshot(commit);
    let cannot = |error: io::Error| unwritable(&folder, &error, None);
    // Where there are no links, a blob that two files share is copied before it is moved.
    let mut left: Vec<&str> = wanted.iter().map(|file| file.facts.etag.as_str()).collect();
    let mut moved = HashSet::new();
    for file in wanted {
        left.remove(0);
        if !is_in(repository, commit, &file.path) && moved.insert(file.path.as_str()) {
            let again = left.contains(&file.facts.etag.as_str());
            repository.put(commit, &file.path, &file.facts.etag, again).map_err(cannot)?;
        }
    }
    for path in absent {
        // Only spares a question later.
        let _ = repository.note_absent(commit, path);
    }
    repository.set_ref(name, commit).map_err(cannot)?;
    let name = name.at(commit).ok_or_else(|| Error::hub(name.to_string(), "its commit has an unusual name"))?;
    Ok(Snapshot { folder, name })
}
