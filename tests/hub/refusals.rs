//! What cannot be had is refused in one line that says why and what to do, and leaves nothing that looks whole.

use crate::{
    NAME, Place, WEIGHTS, fetch_with, fixture,
    server::{self, Fault},
};
use std::{fs, time::Duration};

#[test]
fn names_revisions_and_files_that_are_not_there_are_told_apart() {
    let place = Place::new();
    let error = place.refused("someone/nothing");
    assert!(error.contains("does not exist, or is private or gated"), "{error}");
    let error = place.refused(&format!("{NAME}@v9"));
    assert!(error.contains("no revision v9") && error.contains(&place.hub.endpoint), "{error}");
    place.hub.add(NAME, &[("config.json", &fixture("config.json")), ("README.md", b"x"), ("model.onnx", b"x")]);
    let error = place.refused(NAME);
    assert!(error.contains("expected the weights in diffusion_pytorch_model.safetensors"), "{error}");
    place.hub.add(NAME, &[("README.md", b"x")]);
    assert!(place.refused(NAME).contains("config.json"));
    // It vanished between the listing and the question for it.
    let place = Place::new();
    place.hub.fault("hub HEAD", Fault::Status(404, vec![("X-Error-Code".to_owned(), "EntryNotFound".to_owned())]));
    assert!(place.refused(NAME).contains("no file"));
    place.hub.fault("hub GET /api", Fault::Status(404, Vec::new()));
    assert!(place.refused(NAME).contains("neither a folder here nor a model on"));
}

#[test]
fn gated_models_say_where_to_accept() {
    let place = Place::new();
    place.hub.gate(NAME, "hf_right");
    let page = format!("{}/{NAME}", place.hub.endpoint);
    let error = place.refused(NAME);
    assert!(error.contains("gated") && error.contains(&page) && error.contains("HF_TOKEN"), "{error}");
    let mut settings = place.settings();
    settings.token = Some("hf_wrong".to_owned());
    let error = fetch_with(&settings, NAME).expect_err("refused");
    assert!(error.contains("no access") && error.contains(&page) && !error.contains("hf_wrong"), "{error}");
    for (status, headers, word) in [
        (
            401,
            vec![("X-Error-Message".to_owned(), "Invalid credentials in Authorization header".to_owned())],
            "does not accept your token",
        ),
        (403, vec![("X-Error-Message".to_owned(), "Your request is awaiting a review".to_owned())], "awaiting a review"),
        (418, Vec::new(), "418"),
        (407, Vec::new(), "proxy"),
    ] {
        place.hub.fault("hub GET /api", Fault::Status(status, headers));
        let error = fetch_with(&settings, NAME).expect_err("refused");
        assert!(error.contains(word) && !error.contains('\n'), "{error}");
    }
}

#[test]
fn no_server_no_network_no_proxy() {
    let place = Place::new();
    for endpoint in ["http://127.0.0.1:1", "http://no-such-host.invalid", "https://127.0.0.1:1"] {
        let mut settings = place.settings();
        settings.endpoint = endpoint.to_owned();
        let error = fetch_with(&settings, NAME).expect_err("refused");
        assert!(error.contains("cannot be reached") && error.contains("etude models") && !error.contains('\n'), "{error}");
    }
    // The storage alone is out of reach.
    place.hub.fault("hub GET /someone", Fault::Status(302, vec![("Location".to_owned(), "http://127.0.0.1:1/x".to_owned())]));
    place.succeed();
}

#[test]
fn wrong_bytes_are_not_kept() {
    for (fault, word) in [(Fault::Wrong, "SHA-256"), (Fault::Longer, "bytes")] {
        let place = Place::new();
        for _ in 0..3 {
            place.hub.fault("storage GET", fault.clone());
        }
        let error = place.refused(NAME);
        assert!(error.contains(word) && error.contains("expected") && error.contains("got"), "{error}");
        assert!(!place.incomplete().exists(), "{error}");
        place.hub.clear_faults();
        place.succeed();
    }
}

#[test]
fn a_cache_that_cannot_be_written_to_is_named() {
    let place = Place::new();
    fs::write(place.folder.path().join("hub"), "a file").expect("written");
    let error = place.fetch(NAME).expect_err("refused");
    assert!(error.contains("HF_HUB_CACHE") && !error.contains('\n'), "{error}");
}

/// `/dev/full` takes the place of what comes: its name leads there, which is followed nowhere; so the disk is made full by a limit on files in
/// cli.rs. Here a folder stands where the file should.
#[test]
fn something_in_the_way_of_a_file_is_named() {
    let place = Place::new();
    fs::create_dir_all(place.incomplete()).expect("made");
    let error = place.fetch(NAME).expect_err("refused");
    assert!(error.contains("cannot be written") && !error.contains('\n'), "{error}");
    assert!(place.whole().is_empty());
}

#[cfg(unix)]
#[test]
fn what_has_come_is_not_written_to_where_a_link_leads() {
    let place = Place::new();
    let elsewhere = place.folder.path().join("elsewhere");
    fs::write(&elsewhere, "mine").expect("written");
    fs::create_dir_all(place.incomplete().parent().expect("blobs")).expect("made");
    std::os::unix::fs::symlink(&elsewhere, place.incomplete()).expect("linked");
    place.succeed();
    assert_eq!(fs::read_to_string(&elsewhere).expect("there"), "mine");
    assert!(!place.model_folder().join("blobs").join(server::sha256(&fixture(WEIGHTS))).is_symlink());
}

#[test]
fn a_server_that_never_answers_is_given_up() {
    let place = Place::new();
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let mut settings = place.settings();
    settings.endpoint = format!("http://{}", silent.local_addr().expect("bound"));
    settings.silence = Duration::from_millis(200);
    let error = fetch_with(&settings, NAME).expect_err("refused");
    assert!(error.contains("cannot be reached"), "{error}");
}
