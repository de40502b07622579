//! The Hub's cache on this disk, in the layout of Python's huggingface_hub:
//!
//! ```text
//! <cache>/models--owner--name/
//!     blobs/<etag>                     the contents, named by their SHA-256 (large files) or git's hash (small ones)
//!     blobs/<etag>.incomplete          what has come of one; the next download goes on from there
//!     refs/main                        the commit that a branch or tag was at when it was fetched
//!     snapshots/<commit>/<path>        a link to ../../blobs/<etag>; where links are not possible, the contents
//!     .no_exist/<commit>/<path>        empty: this commit has no such file
//!     trees/<commit>.json              all files of the commit (newer versions of huggingface_hub write it; here it is only read)
//! <cache>/.locks/models--owner--name/<etag>.lock
//! ```
//!
//! A snapshot gets its links when all blobs are there, and a ref is set after that: whatever interrupts a download, what is there is whole.

use super::{
    Cached, HubName, Settings, Snapshot,
    name::{is_file_path, is_plain, is_revision},
    needed::{Needed, needed, shards},
};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// A snapshot with more files or deeper folders is none of a model.
const MAX_FILES: usize = 10_000;
const MAX_DEPTH: usize = 6;
/// The largest index or listing that is read.
const LARGEST_JSON: u64 = 64 << 20;

/// A model's folder in the cache.
#[derive(Clone, Debug)]
pub(super) struct Repository {
    folder: PathBuf,
    locks: PathBuf,
    links: bool,
}

impl Repository {
    pub(super) fn new(settings: &Settings, name: &HubName) -> Self {
        let folder = name.cache_folder();
        Self { locks: settings.cache.join(".locks").join(&folder), folder: settings.cache.join(folder), links: settings.links }
    }

    /// The commit that `revision` is, as far as this cache knows.
    pub(super) fn commit_of(&self, name: &HubName) -> Option<String> {
        if name.is_commit() {
            return Some(name.revision().to_owned());
        }
        let commit = fs::read_to_string(self.path("refs", name.revision())).ok()?;
        let commit = commit.trim();
        (is_plain(commit) && is_revision(commit)).then(|| commit.to_owned())
    }

    /// The folder with a commit's files.
    pub(super) fn snapshot(&self, commit: &str) -> PathBuf {
        self.folder.join("snapshots").join(commit)
    }

    pub(super) fn blob(&self, etag: &str) -> PathBuf {
        self.folder.join("blobs").join(etag)
    }

    pub(super) fn incomplete(&self, etag: &str) -> PathBuf {
        self.folder.join("blobs").join(format!("{etag}.incomplete"))
    }

    pub(super) fn lock(&self, etag: &str) -> PathBuf {
        self.locks.join(format!("{etag}.lock"))
    }

    /// A path of the repository, below one of this folder's folders.
    fn path(&self, below: &str, path: &str) -> PathBuf {
        path.split('/').fold(self.folder.join(below), |folder, part| folder.join(part))
    }

    /// Puts a blob into a snapshot: a link, or where there can be none the file itself, a copy of it if `again` says that the blob is
    /// needed once more.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn put(&self, commit: &str, path: &str, etag: &str, again: bool) -> io::Result<()> {
        let place = self.path(&format!("snapshots/{commit}"), path);
        if place.is_file() {
            return Ok(());
        }
        let parent = place.parent().unwrap_or(&self.folder);
        fs::create_dir_all(parent)?;
        // A link to a blob that is gone.
        if place.is_symlink() {
            fs::remove_file(&place)?;
        }
        if self.links {
            let up = "../".repeat(2 + path.matches('/').count());
            match link(Path::new(&format!("{up}blobs/{etag}")), &place) {
                Ok(()) => return Ok(()),
                // Another program was as fast.
                Err(_) if place.is_file() => return Ok(()),
                Err(error) => tracing::info!("{}: no link, so the file itself: {error}", place.display()),
            }
        }
        if !again {
            return fs::rename(self.blob(etag), &place);
        }
        let temporary = tempfile::Builder::new().prefix(".etude-").make_in(parent, |name| fs::File::create_new(name))?;
        fs::copy(self.blob(etag), temporary.path())?;
        temporary.persist(&place).map(drop).map_err(|error| error.error)
    }

    /// Notes that a commit has no such file, so that nobody asks again.
    pub(super) fn note_absent(&self, commit: &str, path: &str) -> io::Result<()> {
        let place = self.path(&format!(".no_exist/{commit}"), path);
        fs::create_dir_all(place.parent().unwrap_or(&self.folder))?;
        fs::File::create(place).map(drop)
    }

    /// Whether a commit is known to have no such file.
    fn is_absent(&self, commit: &str, path: &str) -> bool {
        self.path(&format!(".no_exist/{commit}"), path).is_file()
            || self.listing(commit).is_some_and(|files| !files.iter().any(|f| f == path))
    }

    /// The files of a commit, where huggingface_hub has noted them.
    fn listing(&self, commit: &str) -> Option<Vec<String>> {
        let value: serde_json::Value = serde_json::from_slice(&small(&self.path("trees", &format!("{commit}.json")))?).ok()?;
        let is_known = value.get("format_version").and_then(serde_json::Value::as_u64) == Some(1);
        value.get("files")?.as_object().filter(|_| is_known).map(|files| files.keys().cloned().collect())
    }

    /// Notes which commit a branch or tag is at.
    pub(super) fn set_ref(&self, name: &HubName, commit: &str) -> io::Result<()> {
        let place = self.path("refs", name.revision());
        if name.revision() == commit || fs::read_to_string(&place).is_ok_and(|old| old == commit) {
            return Ok(());
        }
        let parent = place.parent().unwrap_or(&self.folder);
        fs::create_dir_all(parent)?;
        let mut file = tempfile::Builder::new().prefix(".etude-").make_in(parent, |name| fs::File::create_new(name))?;
        io::Write::write_all(&mut file, commit.as_bytes())?;
        file.persist(&place).map(drop).map_err(|error| error.error)
    }

    /// What is there of a commit.
    fn look(&self, name: &HubName, commit: &str, variant: Option<&str>) -> Cached {
        let folder = self.snapshot(commit);
        let mut files = Vec::new();
        collect(&folder, "", 0, &mut files);
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        let (Ok(found), Some(name)) = (needed(&files, variant), name.at(commit)) else { return Cached::No };
        if !self.has_shards(&folder, &found, &files) {
            return Cached::No;
        }
        let snapshot = Snapshot { folder, name };
        if found.has_scheduler() || found.absent.iter().all(|path| self.is_absent(commit, path)) {
            Cached::Whole(snapshot)
        } else {
            Cached::WithoutScheduler(snapshot)
        }
    }

    fn has_shards(&self, folder: &Path, found: &Needed, files: &[&str]) -> bool {
        let Some(index) = &found.index else { return true };
        let shards = small(&folder.join(index)).and_then(|bytes| shards(&bytes, index).ok());
        shards.is_some_and(|shards| shards.iter().all(|shard| files.contains(&shard.as_str())))
    }
}

/// What the cache has of `name`; no request is made.
pub fn look_up(settings: &Settings, name: &HubName, variant: Option<&str>) -> Cached {
    let repository = Repository::new(settings, name);
    repository.commit_of(name).map_or(Cached::No, |commit| repository.look(name, &commit, variant))
}

/// The models in the cache that can be opened without a request, with their sizes in bytes; sorted by name.
pub fn list(settings: &Settings) -> Vec<(Snapshot, u64)> {
    let folders = fs::read_dir(&settings.cache).into_iter().flatten().flatten();
    let names = folders.filter_map(|folder| HubName::of_cache_folder(folder.file_name().to_str()?));
    let mut found: Vec<(Snapshot, u64)> = names.filter_map(|name| any_snapshot(settings, &name)).collect();
    found.sort_by_key(|(snapshot, _)| snapshot.name.to_string());
    found
}

/// The snapshot of the Hub's default branch, else any that is whole.
fn any_snapshot(settings: &Settings, name: &HubName) -> Option<(Snapshot, u64)> {
    let repository = Repository::new(settings, name);
    let others = fs::read_dir(repository.folder.join("snapshots")).into_iter().flatten().flatten();
    let others = others.filter_map(|commit| commit.file_name().to_str().map(str::to_owned));
    let commits = repository.commit_of(name).into_iter().chain(others);
    let snapshot = commits.filter(|commit| is_plain(commit)).find_map(|commit| match repository.look(name, &commit, None) {
        Cached::Whole(snapshot) | Cached::WithoutScheduler(snapshot) => Some(snapshot),
        Cached::No => None,
    })?;
    let mut files = Vec::new();
    collect(&snapshot.folder, "", 0, &mut files);
    let size = |path: &String| fs::metadata(snapshot.folder.join(path)).map_or(0, |metadata| metadata.len());
    let size = files.iter().map(size).sum();
    Some((snapshot, size))
}

/// The files below `folder`, by their paths with slashes; links to nothing are none.
fn collect(folder: &Path, prefix: &str, depth: usize, files: &mut Vec<String>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let Some(name) = entry.file_name().to_str().map(|name| format!("{prefix}{name}")) else { continue };
        if files.len() >= MAX_FILES || !is_file_path(&name) {
            continue;
        }
        match fs::metadata(entry.path()) {
            Ok(metadata) if metadata.is_file() => files.push(name),
            Ok(_) if depth < MAX_DEPTH => collect(&entry.path(), &format!("{name}/"), depth + 1, files),
            _ => {}
        }
    }
}

/// The bytes of a file that is not large.
pub(super) fn small(path: &Path) -> Option<Vec<u8>> {
    let size = fs::metadata(path).ok().filter(fs::Metadata::is_file)?.len();
    (size <= LARGEST_JSON).then(|| fs::read(path).ok()).flatten()
}

#[cfg(unix)]
fn link(to: &Path, at: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(to, at)
}

#[cfg(windows)]
fn link(to: &Path, at: &Path) -> io::Result<()> {
    let to = to.to_string_lossy().replace('/', "\\");
    std::os::windows::fs::symlink_file(to, at)
}

#[cfg(not(any(unix, windows)))]
fn link(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::{Cached, HubName, Repository, Settings, look_up};
    use std::fs;

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    fn settings(folder: &std::path::Path, links: bool) -> Settings {
        Settings { cache: folder.to_owned(), links, ..Settings::from_environment() }
    }

    fn with_blobs(repository: &Repository, etags: &[&str]) {
        for etag in etags {
            let blob = repository.blob(etag);
            fs::create_dir_all(blob.parent().expect("blobs")).expect("made");
            fs::write(blob, etag).expect("written");
        }
    }

    #[test]
    fn a_snapshot_is_whole_when_weights_and_configurations_are_there() {
        for links in [true, false] {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let (settings, name) = (settings(folder.path(), links), HubName::parse("a/b").expect("a name"));
            let repository = Repository::new(&settings, &name);
            with_blobs(&repository, &["e1", "e2", "e3"]);
            assert_eq!(look_up(&settings, &name, None), Cached::No);
            repository.set_ref(&name, COMMIT).expect("set");
            repository.put(COMMIT, "unet/config.json", "e1", true).expect("put");
            assert_eq!(look_up(&settings, &name, None), Cached::No);
            repository.put(COMMIT, "unet/diffusion_pytorch_model.safetensors", "e2", false).expect("put");
            assert!(matches!(look_up(&settings, &name, None), Cached::WithoutScheduler(_)));
            let at_commit = name.at(COMMIT).expect("a name");
            for path in ["unet/scheduler_config.json", "scheduler_config.json", "scheduler/scheduler_config.json"] {
                assert!(matches!(look_up(&settings, &at_commit, None), Cached::WithoutScheduler(_)), "{path}");
                repository.note_absent(COMMIT, path).expect("noted");
            }
            let Cached::Whole(snapshot) = look_up(&settings, &name, None) else { panic!("whole") };
            assert_eq!(snapshot.name, at_commit);
            assert_eq!(fs::read_to_string(snapshot.folder.join("unet/config.json")).expect("readable"), "e1");
            assert_eq!(super::list(&settings), [(snapshot.clone(), 4)]);
            assert_eq!(snapshot.folder.join("unet/config.json").is_symlink(), links && cfg!(unix));
            // A blob that is gone leaves a link to nothing.
            if links && cfg!(unix) {
                assert_eq!(
                    fs::read_link(snapshot.folder.join("unet/config.json")).expect("a link").to_str(),
                    Some("../../../blobs/e1")
                );
                fs::remove_file(repository.blob("e2")).expect("removed");
                assert_eq!(look_up(&settings, &name, None), Cached::No);
            }
        }
    }

    #[test]
    fn refs_that_lead_elsewhere_are_none() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (settings, name) = (settings(folder.path(), true), HubName::parse("a/b").expect("a name"));
        let refs = folder.path().join("models--a--b/refs");
        fs::create_dir_all(&refs).expect("made");
        for text in ["", "..", "../../x", "/etc", "a/b", "x\ny"] {
            fs::write(refs.join("main"), text).expect("written");
            assert_eq!(Repository::new(&settings, &name).commit_of(&name), None, "{text:?}");
        }
        fs::write(refs.join("main"), format!("{COMMIT}\n")).expect("written");
        assert_eq!(Repository::new(&settings, &name).commit_of(&name).as_deref(), Some(COMMIT));
    }
}
