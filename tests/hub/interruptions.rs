//! Interruptions: cut connections, servers that are busy, slow or silent, two at once, a stop in the middle. What has come is not asked for again.

use crate::{
    NAME, Place, WEIGHTS, cached, fixture,
    server::{Fault, Seen},
};
use etude::hub::{Cached, HubName, Watch, fetch};
use std::{
    fs,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

/// The byte that each request to the storage began at.
fn starts(seen: &[Seen]) -> Vec<usize> {
    let from =
        |seen: &Seen| seen.headers.get("range").map_or(0, |range| range[6..].trim_end_matches('-').parse().expect("a number"));
    seen.iter().filter(|seen| seen.storage).map(from).collect()
}

#[test]
fn a_cut_connection_goes_on_where_it_was() {
    let place = Place::new();
    for n in [50_000, 30_000, 0, 10_000] {
        place.hub.fault("storage GET", Fault::Cut(n));
    }
    place.succeed();
    assert_eq!(starts(&place.hub.seen()), [0, 50_000, 80_000, 80_000, 90_000]);
}

#[test]
fn the_next_run_goes_on_too_and_what_is_wrong_is_fetched_anew() {
    let weights = fixture(WEIGHTS);
    let wrong: Vec<u8> = weights.iter().map(|byte| byte ^ 1).collect();
    let longer = [weights.clone(), vec![0; 10]].concat();
    for (there, expected) in [
        (&weights[..100_000], &[100_000][..]),
        (&[], &[0]),
        (&weights, &[]),
        (&wrong[..100_000], &[100_000, 0]),
        (&wrong, &[0]),
        (&longer, &[0]),
    ] {
        let place = Place::new();
        fs::create_dir_all(place.incomplete().parent().expect("blobs")).expect("made");
        fs::write(place.incomplete(), there).expect("written");
        place.succeed();
        assert_eq!(starts(&place.hub.seen()), expected, "{} bytes were there", there.len());
        assert!(!place.incomplete().exists());
    }
}

#[test]
fn a_server_without_ranges_gives_it_from_the_start() {
    let place = Place::new();
    place.hub.fault("storage GET", Fault::Cut(50_000));
    place.hub.fault("storage GET", Fault::Whole);
    place.succeed();
    assert_eq!(starts(&place.hub.seen()), [0, 50_000]);
}

#[test]
fn busy_servers_are_asked_again_and_as_late_as_they_ask() {
    let place = Place::new();
    let later = |seconds: &str| Fault::Status(429, vec![("Retry-After".to_owned(), seconds.to_owned())]);
    place.hub.fault("hub GET /api", later("1"));
    place.hub.fault("hub HEAD", Fault::Status(503, Vec::new()));
    place.hub.fault("hub HEAD", Fault::Raw(Vec::new()));
    place.hub.fault("storage GET", later("1"));
    place.hub.fault("storage GET", Fault::Status(500, Vec::new()));
    // A signed address that has run out.
    place.hub.fault("storage GET", Fault::Status(403, Vec::new()));
    let start = Instant::now();
    place.succeed();
    assert!(start.elapsed() >= Duration::from_secs(2), "{:?}", start.elapsed());
}

#[test]
fn there_is_an_end_to_trying() {
    for (what, fault, word) in [
        ("hub GET /api", Fault::Status(429, Vec::new()), "too many requests"),
        ("storage GET", Fault::Status(502, Vec::new()), "502"),
        ("storage GET", Fault::Cut(0), "broke off"),
        ("hub HEAD", Fault::Status(500, Vec::new()), "500"),
        ("storage GET", Fault::Status(429, vec![("Retry-After".to_owned(), "4000000".to_owned())]), "too many requests"),
    ] {
        let place = Place::new();
        for _ in 0..50 {
            place.hub.fault(what, fault.clone());
        }
        let error = place.refused(NAME);
        assert!(error.contains(word), "{error}");
        place.hub.clear_faults();
        place.succeed();
    }
}

#[test]
fn a_silent_server_is_given_up_and_asked_again() {
    let place = Place::new();
    place.hub.fault("storage GET", Fault::Silent(40_000));
    let start = Instant::now();
    place.succeed();
    assert!(start.elapsed() < Duration::from_secs(15));
    assert_eq!(starts(&place.hub.seen()), [0, 40_000]);
}

#[test]
fn who_stops_it_does_not_wait_for_the_server_and_the_next_goes_on() {
    let place = Place::new();
    for fault in [Fault::Slow(5_000), Fault::Silent(20_000)] {
        place.hub.fault("storage GET", fault);
        let mut settings = place.settings();
        settings.silence = Duration::from_secs(60);
        let watch = Arc::new(Watch::new(HubName::parse(NAME).expect("a name"), || {}));
        let before = fs::metadata(place.incomplete()).map_or(0, |metadata| metadata.len());
        let (fetching, its) = (watch.clone(), settings.clone());
        let thread = thread::spawn(move || fetch(&its, None, &fetching));
        let start = Instant::now();
        while watch.progress().done < before + 19_000 {
            assert!(start.elapsed() < Duration::from_secs(20), "{:?}", watch.progress());
            thread::sleep(Duration::from_millis(10));
        }
        assert!(watch.progress().total > 130_000 && !thread.is_finished());
        let stopped = Instant::now();
        watch.cancel();
        let error = thread.join().expect("no panic").expect_err("stopped").to_string();
        assert!(stopped.elapsed() < Duration::from_secs(2), "{:?}", stopped.elapsed());
        assert!(error.contains("stopped") && error.contains("goes on from there"), "{error}");
        assert!(fs::metadata(place.incomplete()).expect("kept").len() >= before + 15_000);
        assert!(place.whole().is_empty());
        assert_eq!(cached(&settings, NAME), Cached::No);
    }
    place.hub.seen();
    place.succeed();
    assert!(starts(&place.hub.seen())[0] > 30_000);
}

#[test]
fn two_at_once_fetch_it_once() {
    let place = Arc::new(Place::new());
    place.hub.fault("storage GET", Fault::Slow(20_000));
    let threads: Vec<_> = (0..3)
        .map(|_| {
            let place = place.clone();
            thread::spawn(move || place.fetch(NAME))
        })
        .collect();
    let snapshots: Vec<_> = threads.into_iter().map(|thread| thread.join().expect("no panic").expect("fetched")).collect();
    assert!(snapshots.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(starts(&place.hub.seen()), [0]);
}
