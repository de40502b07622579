//! The program with `--model owner/name`.

use crate::{
    NAME, Place, WEIGHTS, fixture,
    server::{self, Fault},
};
use std::{
    fs,
    process::{Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

fn etude(place: &Place, line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_etude"));
    let cleared = [
        "HF_TOKEN",
        "HF_HUB_OFFLINE",
        "HF_HUB_CACHE",
        "HUGGINGFACE_HUB_CACHE",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "http_proxy",
        "ETUDE_LOG",
    ];
    cleared.iter().for_each(|name| _ = command.env_remove(name));
    command.current_dir(place.folder.path()).args(line.split_whitespace()).stdin(Stdio::null());
    command
        .env("HF_HOME", place.folder.path())
        .env("HF_ENDPOINT", &place.hub.endpoint)
        .env("XDG_RUNTIME_DIR", std::env::temp_dir());
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

fn succeed(output: &Output) -> (String, String) {
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{out}{err}");
    (out, err)
}

#[test]
fn every_command_takes_it_and_a_recipe_names_the_commit() {
    let place = Place::new();
    let pinned = format!("{NAME}@{}", server::COMMIT);
    let sample = |model: &str, out: &str| format!("sample --device cpu --model {model} -n 1 -S 2 -o {out}");
    let (_, err) = succeed(&etude(&place, &sample(NAME, "a.png")).output().expect("run"));
    assert!(err.contains(&format!("{NAME}: 13")) && err.contains("fetched into"), "{err}");
    place.hub.seen();
    let (recipe, _) = succeed(&etude(&place, "info a.png").output().expect("run"));
    let recipe: serde_json::Value = serde_json::from_str(&recipe).expect("JSON");
    assert_eq!(recipe["model"], pinned.as_str());
    for line in [
        format!("info {NAME}"),
        sample(&pinned, "b.png"),
        format!("verify --device cpu --model {NAME} --batch 1"),
        format!("bench --device cpu --model {NAME} --seconds 0.1"),
        format!("trajectory --device cpu --model {NAME} -S 2 -n 1 -o t.png"),
        "models".to_owned(),
    ] {
        let (out, _) = succeed(&etude(&place, &line).output().expect("run"));
        assert!(out.contains(NAME) || out.contains("ok"), "{line}\n{out}");
    }
    assert_eq!(
        fs::read(place.folder.path().join("a.png")).expect("there"),
        fs::read(place.folder.path().join("b.png")).expect("there")
    );
    assert!(place.hub.seen().is_empty(), "it is in the cache");
    // Another machine has the picture and an empty cache.
    fs::remove_dir_all(place.folder.path().join("hub")).expect("removed");
    succeed(&etude(&place, "sample --device cpu --recipe a.png -o c.png").output().expect("run"));
    assert_eq!(
        fs::read(place.folder.path().join("a.png")).expect("there"),
        fs::read(place.folder.path().join("c.png")).expect("there")
    );
    assert!(place.hub.seen().iter().any(|seen| seen.storage));
}

#[test]
fn what_is_here_wins_and_no_request_is_made() {
    let place = Place::new();
    let folder = place.folder.path().join(NAME);
    fs::create_dir_all(&folder).expect("made");
    for name in ["config.json", WEIGHTS] {
        fs::write(folder.join(name), fixture(name)).expect("written");
    }
    succeed(&etude(&place, &format!("info {NAME}")).output().expect("run"));
    succeed(&etude(&place, "info fashion").output().expect("run"));
    let missing = etude(&place, "info ./someone/nothing").output().expect("run");
    assert_eq!(missing.status.code(), Some(2));
    assert!(place.hub.seen().is_empty());
}

#[test]
fn a_recipe_of_a_folder_asks_nobody() {
    let place = Place::new();
    succeed(&etude(&place, &format!("sample --device cpu --model {NAME} -n 1 -S 2 -o a.png")).output().expect("run"));
    let (recipe, _) = succeed(&etude(&place, "info a.png").output().expect("run"));
    // As of a folder models/mine on another machine.
    let recipe = recipe.replace(&format!("{NAME}@{}", server::COMMIT), "models/mine");
    fs::write(place.folder.path().join("theirs.json"), recipe).expect("written");
    place.hub.seen();
    let output = etude(&place, "sample --device cpu --recipe theirs.json -o b.png").output().expect("run");
    let err = text(&output.stderr);
    assert!(output.status.code() == Some(2) && err.contains("models/mine") && err.contains("--model"), "{err}");
    assert!(place.hub.seen().is_empty());
}

#[test]
fn a_refusal_is_one_line_and_exit_code_2() {
    let place = Place::new();
    for line in ["info someone/nothing", "sample --model someone/a-model@v9 -o x.png", "eps --model a/b --input x --output y"] {
        let output = etude(&place, line).output().expect("run");
        let err = text(&output.stderr);
        assert_eq!((output.status.code(), err.lines().count()), (Some(2), 1), "{line}\n{err}");
        assert!(err.starts_with("etude: "), "{err}");
    }
    let offline = etude(&place, &format!("info {NAME}")).env("HF_HUB_OFFLINE", "1").output().expect("run");
    let err = text(&offline.stderr);
    assert!(offline.status.code() == Some(2) && err.contains("HF_HUB_OFFLINE") && err.lines().count() == 1, "{err}");
    let proxy = etude(&place, &format!("info {NAME}"))
        .env("HF_ENDPOINT", "http://hub.invalid")
        .env("HTTP_PROXY", "http://127.0.0.1:1")
        .output()
        .expect("run");
    let err = text(&proxy.stderr);
    assert!(proxy.status.code() == Some(2) && err.contains("through the proxy 127.0.0.1:1") && err.lines().count() == 1, "{err}");
    assert!(!place.folder.path().join("x.png").exists() && place.whole().is_empty());
}

#[cfg(unix)]
#[test]
fn ctrl_c_stops_it_and_the_next_run_goes_on() {
    let place = Place::new();
    place.hub.fault("storage GET", Fault::Slow(5_000));
    let child = etude(&place, &format!("info {NAME}")).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("started");
    let start = Instant::now();
    while fs::metadata(place.incomplete()).map_or(0, |metadata| metadata.len()) < 20_000 {
        assert!(start.elapsed() < Duration::from_secs(30), "nothing comes");
        thread::sleep(Duration::from_millis(20));
    }
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill");
    let pressed = Instant::now();
    let output = child.wait_with_output().expect("ended");
    let err = text(&output.stderr);
    assert!(sent.success() && pressed.elapsed() < Duration::from_secs(4), "{:?}", pressed.elapsed());
    assert_eq!(output.status.code(), Some(130), "{err}");
    assert!(
        err.lines().last().is_some_and(|line| line.starts_with("interrupted: ")) && err.contains("goes on from there"),
        "{err}"
    );
    assert!(place.whole().is_empty());
    place.hub.seen();
    succeed(&etude(&place, &format!("info {NAME}")).output().expect("run"));
    let ranges: Vec<_> =
        place.hub.seen().into_iter().filter(|seen| seen.storage).map(|seen| seen.headers.get("range").cloned()).collect();
    assert!(ranges.len() == 1 && ranges[0].is_some(), "{ranges:?}");
}

/// A limit on the size of files stands for a full disk.
#[cfg(unix)]
#[test]
fn a_full_disk_is_one_line_and_leaves_nothing() {
    let place = Place::new();
    let program = env!("CARGO_BIN_EXE_etude");
    let mut shell = Command::new("sh");
    // 40 blocks of 512 or 1024 bytes; without the trap the signal would end the program.
    shell.args(["-c", &format!("trap '' XFSZ; ulimit -f 40; exec '{program}' info {NAME}")]);
    let likewise = etude(&place, "");
    for (name, value) in likewise.get_envs() {
        match value {
            Some(value) => _ = shell.env(name, value),
            None => _ = shell.env_remove(name),
        }
    }
    let output = shell.current_dir(place.folder.path()).output().expect("run");
    let err = text(&output.stderr);
    assert_eq!((output.status.code(), err.lines().count()), (Some(2), 1), "{err}");
    assert!(err.contains("free some space") && err.contains("HF_HUB_CACHE"), "{err}");
    assert!(place.whole().is_empty() && !place.incomplete().exists());
    succeed(&etude(&place, &format!("info {NAME}")).output().expect("run"));
}
