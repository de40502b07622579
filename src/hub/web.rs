//! Browsers: a model's files are fetched from the Hub by the page, kept by the browser, and sent to the worker that computes. The page's own
//! memory holds only their names; what it knows of a model is gone when it is loaded again, but the browser still has the files.

use super::{Cached, HubName, Listing, Snapshot, Watch, needed, shards};
use crate::{
    error::{Error, Result},
    files,
    platform::{self, Fetched},
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// Where the Hub is. It answers pages of any origin.
const ENDPOINT: &str = "https://huggingface.co";
/// The folder of its models.
const FOLDER: &str = "hub";
/// The file that names a commit, beside the commits.
const NEWEST: &str = "main";

/// Nothing to set.
#[derive(Clone, Debug, Default)]
pub struct Settings;

fn repository(name: &HubName) -> PathBuf {
    Path::new(FOLDER).join(name.cache_folder())
}

/// What has come since the page was loaded.
pub fn look_up(_: &Settings, name: &HubName, _: Option<&str>) -> Cached {
    let folder = repository(name);
    let newest = || files::read_text(&folder.join(NEWEST)).ok().and_then(|commit| name.at(&commit));
    let known = if name.is_commit() { Some(name.clone()) } else { newest() };
    let Some(name) = known else { return Cached::No };
    let folder = folder.join(name.revision());
    if files::is_dir(&folder) { Cached::Whole(Snapshot { folder, name }) } else { Cached::No }
}

/// The models that have come since the page was loaded. Their bytes are the worker's.
pub fn list(_: &Settings) -> Vec<(Snapshot, u64)> {
    let models = files::names(Path::new(FOLDER)).unwrap_or_default();
    let models = models.iter().filter_map(|folder| HubName::of_cache_folder(folder));
    models
        .filter_map(|name| match look_up(&Settings, &name, None) {
            Cached::Whole(snapshot) => {
                let size = files::read_text(&snapshot.folder.join(SIZE)).ok().and_then(|size| size.parse().ok());
                Some((snapshot, size.unwrap_or(0)))
            }
            _ => None,
        })
        .collect()
}

/// Holds how many bytes a model's files have, on the page, which does not hold the files.
const SIZE: &str = ".size";

/// The model that `watch` is about: of the weights those of `variant`, where it is given.
///
/// # Errors
/// One line each: no connection, no such model or revision, no access, a wrong hash, stopped.
pub async fn fetch_in_task(settings: &Settings, variant: Option<&str>, watch: &Arc<Watch>) -> Result<Snapshot> {
    let name = watch.name();
    if let Cached::Whole(snapshot) = look_up(settings, name, variant) {
        return Ok(snapshot);
    }
    let error = |what: String| Error::hub(name.to_string(), what);
    let address = format!("{ENDPOINT}/api/models/{}/revision/{}?blobs=true", name.repository(), name.revision());
    let listing = get(watch, &address, None, 0).await?;
    let listing = Listing::from_json(&listing.bytes()).map_err(error)?;
    let paths: Vec<&str> = listing.files.iter().map(|file| file.path.as_str()).collect();
    let found = needed(&paths, variant).map_err(|what| error(format!("{what}; see {ENDPOINT}/{}", name.repository())))?;
    let address = |path: &str| format!("{ENDPOINT}/{}/resolve/{}/{path}", name.repository(), listing.commit);
    let mut wanted = found.files.clone();
    if let Some(index) = &found.index {
        let bytes = get(watch, &address(index), None, 0).await?.bytes();
        wanted.extend(shards(&bytes, index).map_err(error)?);
    }
    // The small ones first: a configuration that cannot be had is known before the weights have come.
    wanted.sort_by_key(|file| !file.ends_with(".json"));
    let size = |path: &String| listing.file(path).and_then(|file| file.size).unwrap_or(0);
    watch.set_total(wanted.iter().map(size).sum());
    let snapshot = name.at(&listing.commit).ok_or_else(|| error("its commit has an unusual name".to_owned()))?;
    let folder = repository(name).join(&listing.commit);
    let (mut done, mut came) = (0, Vec::new());
    for path in &wanted {
        watch.begin(path, done);
        let file = get(watch, &address(path), listing.file(path).and_then(|file| file.sha256.as_deref()), done).await?;
        done += file.len();
        came.push((folder.join(path), file));
    }
    for (path, file) in came {
        platform::post_file(&path.display().to_string(), file);
    }
    // Only now does it look whole.
    files::put(&folder.join(SIZE), done.to_string().into_bytes());
    if !name.has_revision() {
        files::put(&repository(name).join(NEWEST), listing.commit.into_bytes());
    }
    Ok(Snapshot { folder, name: snapshot })
}

async fn get(watch: &Arc<Watch>, address: &str, sha256: Option<&str>, before: u64) -> Result<Fetched> {
    watch.check()?;
    let mut last = 0;
    let told = watch.clone();
    let progress = move |done: u64, _| {
        told.advance(done - last, before + done);
        last = done;
        !told.is_cancelled()
    };
    let fetched = platform::fetch_file(address, sha256, progress).await;
    watch.check()?;
    fetched.map_err(|what| {
        let what = match what.as_str() {
            what if what.contains(" 401") || what.contains(" 403") || what.contains(" 404") => {
                format!("{what}: there is no such model or revision, or it is not public; check the name")
            }
            what => what.to_owned(),
        };
        Error::hub(watch.name().to_string(), what)
    })
}
