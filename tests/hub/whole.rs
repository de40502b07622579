//! What is fetched, where it lies, and that it is not fetched again.

use crate::{NAME, Place, WEIGHTS, cached, collect, fetch_with, fixture, server};
use etude::{hub::Cached, model::Model};
use std::fs;

#[test]
fn the_needed_files_alone_are_fetched_into_the_hubs_layout() {
    let place = Place::new();
    let snapshot = place.succeed();
    assert_eq!(snapshot.name.to_string(), format!("{NAME}@{}", server::COMMIT));
    let root = place.model_folder();
    assert_eq!(snapshot.folder, root.join("snapshots").join(server::COMMIT));
    let mut files = Vec::new();
    collect(&snapshot.folder, &mut files);
    let mut names: Vec<_> = files.iter().map(|path| path.file_name().expect("a name").to_str().expect("UTF-8")).collect();
    names.sort_unstable();
    assert_eq!(names, ["config.json", WEIGHTS, "model_index.json", "scheduler_config.json"]);
    assert_eq!(fs::read_to_string(root.join("refs/main")).expect("a ref"), server::COMMIT);
    let hash = server::sha256(&fixture(WEIGHTS));
    assert_eq!(
        fs::read_link(snapshot.folder.join(WEIGHTS)).expect("a link").to_str(),
        Some(format!("../../blobs/{hash}").as_str())
    );
    assert!(root.join("blobs").join(server::small_etag(&fixture("config.json"))).is_file());
    assert!(place.files().iter().all(|path| !path.display().to_string().ends_with(".incomplete")));
    let asked: Vec<_> = place.hub.seen().into_iter().map(|seen| seen.path).collect();
    assert!(
        asked.iter().all(|path| ![".bin", ".png", "README", ".gitattributes"].iter().any(|other| path.contains(other))),
        "{asked:?}"
    );
    let model = Model::of_snapshot(&snapshot).expect("it opens");
    assert_eq!((model.name.as_str(), model.hub.map(|hub| hub.to_string())), (NAME, Some(format!("{NAME}@{}", server::COMMIT))));
}

#[test]
fn what_is_there_makes_no_request() {
    let place = Place::new();
    place.succeed();
    place.hub.seen();
    let again = place.succeed();
    for name in [NAME.to_owned(), again.name.to_string()] {
        assert_eq!(cached(&place.settings(), &name), Cached::Whole(again.clone()));
        assert_eq!(place.fetch(&name), Ok(again.clone()));
    }
    let mut offline = place.settings();
    (offline.offline, offline.endpoint) = (true, "http://127.0.0.1:1".to_owned());
    assert_eq!(fetch_with(&offline, NAME), Ok(again));
    assert!(place.hub.seen().is_empty());
    let error = fetch_with(&offline, "someone/another").expect_err("not there");
    assert!(error.contains("HF_HUB_OFFLINE") && !error.contains('\n'), "{error}");
}

#[test]
fn revisions_have_refs_of_their_own_and_share_what_is_there() {
    let place = Place::new();
    place.succeed();
    place.hub.seen();
    for revision in ["v1", "refs/pr/1"] {
        let snapshot = place.fetch(&format!("{NAME}@{revision}")).expect("fetched");
        assert!(snapshot.name.to_string().ends_with(server::COMMIT));
        assert_eq!(fs::read_to_string(place.model_folder().join("refs").join(revision)).expect("a ref"), server::COMMIT);
    }
    assert!(place.hub.seen().iter().all(|seen| !seen.storage && (seen.method == "HEAD" || seen.path.contains("/api/"))));
    fs::remove_dir_all(place.model_folder().join("refs")).expect("removed");
    assert!(matches!(cached(&place.settings(), &format!("{NAME}@{}", server::COMMIT)), Cached::Whole(_)));
    assert_eq!(cached(&place.settings(), NAME), Cached::No);
}

#[test]
fn without_links_the_files_themselves_are_in_the_snapshot() {
    let place = Place::new();
    let (config, weights) = (fixture("config.json"), fixture(WEIGHTS));
    // Two files of one content share a blob.
    place.hub.add(
        NAME,
        &[
            ("unet/config.json", &config),
            ("unet/diffusion_pytorch_model.safetensors", &weights),
            ("scheduler/scheduler_config.json", b"{}"),
            ("scheduler_config.json", b"{}"),
        ],
    );
    let mut settings = place.settings();
    settings.links = false;
    let snapshot = fetch_with(&settings, NAME).expect("fetched");
    let mut files = Vec::new();
    collect(&snapshot.folder, &mut files);
    assert!(files.len() == 4 && files.iter().all(|path| !path.is_symlink() && path.is_file()), "{files:?}");
    assert_eq!(fs::read(snapshot.folder.join("unet").join(WEIGHTS)).expect("readable"), weights);
    assert_eq!(cached(&settings, NAME), Cached::Whole(snapshot));
}

#[test]
fn shards_are_those_of_the_index_and_a_missing_scheduler_is_asked_for_once() {
    let place = Place::new();
    let shards = ["diffusion_pytorch_model-00001-of-00002.safetensors", "diffusion_pytorch_model-00002-of-00002.safetensors"];
    let index = format!(r#"{{"metadata":{{}},"weight_map":{{"a":"{}","b":"{}"}}}}"#, shards[0], shards[1]);
    let config = fixture("config.json");
    place.hub.add(
        NAME,
        &[
            ("config.json", &config),
            ("diffusion_pytorch_model.safetensors.index.json", index.as_bytes()),
            (shards[0], &[1; 300]),
            (shards[1], &[2; 400]),
            ("diffusion_pytorch_model-00003-of-00003.safetensors", &[3; 400]),
            ("diffusion_pytorch_model.bin", &[4; 500]),
        ],
    );
    let snapshot = place.fetch(NAME).expect("fetched");
    assert_eq!(shards.map(|shard| fs::read(snapshot.folder.join(shard)).expect("there").len()), [300, 400]);
    assert!(!snapshot.folder.join("diffusion_pytorch_model-00003-of-00003.safetensors").exists());
    place.hub.seen();
    assert_eq!(cached(&place.settings(), NAME), Cached::Whole(snapshot.clone()));
    assert_eq!(place.fetch(NAME), Ok(snapshot.clone()));
    assert!(place.hub.seen().is_empty(), "that there is no scheduler_config.json is noted");
    // A shard that is gone is fetched again, and nothing else.
    let blob = fs::canonicalize(snapshot.folder.join(shards[1])).expect("a link");
    fs::remove_file(blob).expect("removed");
    assert_eq!(place.fetch(NAME), Ok(snapshot));
    assert_eq!(place.hub.seen().iter().filter(|seen| seen.storage).count(), 1);
}

#[test]
fn what_another_program_left_out_is_fetched_and_without_a_network_done_without() {
    let place = Place::new();
    let snapshot = place.succeed();
    // As UNet2DModel.from_pretrained leaves it: no scheduler's configuration.
    fs::remove_file(snapshot.folder.join("scheduler_config.json")).expect("removed");
    place.hub.seen();
    let mut unreachable = place.settings();
    unreachable.endpoint = "http://127.0.0.1:1".to_owned();
    assert_eq!(cached(&unreachable, NAME), Cached::WithoutScheduler(snapshot.clone()));
    assert_eq!(fetch_with(&unreachable, NAME), Ok(snapshot.clone()));
    assert!(!snapshot.folder.join("scheduler_config.json").exists());
    assert_eq!(place.fetch(NAME), Ok(snapshot.clone()));
    assert!(snapshot.folder.join("scheduler_config.json").is_file());
    assert!(place.hub.seen().iter().all(|seen| !seen.storage), "the weights are there");
    assert_eq!(cached(&unreachable, NAME), Cached::Whole(snapshot));
}

#[test]
fn the_token_goes_to_the_hub_and_not_to_the_storage() {
    let place = Place::new();
    place.hub.gate(NAME, "hf_secret");
    let mut settings = place.settings();
    settings.token = Some("hf_secret".to_owned());
    fetch_with(&settings, NAME).expect("allowed");
    let (storage, hub): (Vec<_>, Vec<_>) = place.hub.seen().into_iter().partition(|seen| seen.storage);
    assert!(!storage.is_empty() && storage.iter().all(|seen| !seen.headers.contains_key("authorization")), "{storage:?}");
    assert!(hub.iter().all(|seen| seen.headers.get("authorization").is_some_and(|sent| sent == "Bearer hf_secret")));
}
