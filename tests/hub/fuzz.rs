//! A server that means no good: whatever it answers, nothing is written outside of the cache, nothing hangs and nothing panics.

use crate::{NAME, Place, fixture, server::Fault};
use std::fs;

fn json(body: &str) -> Fault {
    Fault::Raw(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len()).into_bytes())
}

/// Fetches, and checks that all it wrote is below the model's folder, the locks', or nowhere.
fn harmless(place: &Place, what: &str) {
    let result = place.fetch(NAME);
    if let Err(error) = &result {
        assert!(!error.contains('\n') && error.len() < 1000, "{what}: {error}");
    }
    let hub = place.folder.path().join("hub");
    for path in place.files() {
        let inside = path.strip_prefix(&hub).unwrap_or_else(|_| panic!("{what}: {} was written", path.display()));
        let inside = inside.display().to_string();
        assert!(
            inside.starts_with("models--someone--a-model/") || inside.starts_with(".locks/models--someone--a-model/"),
            "{what}: {inside}"
        );
        if let Ok(to) = fs::canonicalize(&path) {
            assert!(to.starts_with(fs::canonicalize(&hub).expect("there")), "{what}: {inside} leads outside");
        }
    }
}

#[test]
fn listings() {
    let deep = "[".repeat(100_000);
    let file = |path: &str| format!(r#"{{"sha":"abc","siblings":[{{"rfilename":"config.json"}},{{"rfilename":{path}}}]}}"#);
    let mut bodies: Vec<String> =
        ["", "{", "null", "[]", "\0", "{\"sha\":\"../../x\",\"siblings\":[]}", "<html></html>", &deep].map(str::to_owned).to_vec();
    for path in [
        r#""../../../escaped""#,
        r#""/tmp/escaped""#,
        r#""..\\..\\escaped""#,
        r#""a\u0000b""#,
        r#""""#,
        "7",
        "null",
        r#""C:\\x""#,
        r#""diffusion_pytorch_model.safetensors""#,
        r#""unet/../../../escaped""#,
        r#""x\r\nHost: y""#,
    ] {
        bodies.push(file(path));
    }
    bodies.push(r#"{"sha":"abc","siblings":[{"rfilename":"config.json","size":18446744073709551615},{"rfilename":"diffusion_pytorch_model.bin","size":-5,"lfs":{"size":1e400}}]}"#.to_owned());
    bodies.push(format!(r#"{{"sha":"{}","siblings":[]}}"#, "a".repeat(100_000)));
    for body in bodies {
        let place = Place::new();
        place.hub.fault("hub GET /api", json(&body));
        harmless(&place, &body.chars().take(80).collect::<String>());
    }
}

#[test]
fn indexes() {
    let config = fixture("config.json");
    for index in [
        "",
        "{}",
        r#"{"weight_map":{"a":"../../../escaped"}}"#,
        r#"{"weight_map":{"a":"/tmp/escaped"}}"#,
        r#"{"weight_map":{"a":"x\u0000"}}"#,
        r#"{"weight_map":{"a":"not-there.safetensors"}}"#,
        r#"{"weight_map":7}"#,
        r#"{"weight_map":{"a":{}}}"#,
    ] {
        let place = Place::new();
        place.hub.add(NAME, &[("config.json", &config), ("diffusion_pytorch_model.safetensors.index.json", index.as_bytes())]);
        harmless(&place, index);
        assert!(place.fetch(NAME).is_err(), "{index}");
    }
}

#[test]
fn headers_of_a_file() {
    let etags = ["", "\"\"", "../../escaped", "\"/tmp/escaped\"", "..", "a/b", "a\\b", "\"x.incomplete\"", &"f".repeat(300)];
    let etags = etags.map(|etag| format!("ETag: {etag}\r\nContent-Length: 3"));
    let others = [
        "X-Linked-ETag: ../../x\r\nETag: \"abc\"\r\nContent-Length: 3",
        "ETag: \"abc\"\r\nContent-Length: 99999999999999999999999",
        "ETag: \"abc\"\r\nX-Linked-Size: 18446744073709551615",
        "ETag: \"abc\"\r\nX-Linked-Size: -1",
        "ETag: \"abc\"\r\nContent-Length: 5\r\nX-Error-Message: a\x01b",
        "Content-Length: 3",
        "ETag: \"ab\u{e9}\"",
    ];
    for headers in etags.iter().map(String::as_str).chain(others) {
        let place = Place::new();
        for _ in 0..10 {
            place
                .hub
                .fault("hub HEAD", Fault::Raw(format!("HTTP/1.1 200 OK\r\n{headers}\r\nConnection: close\r\n\r\n").into_bytes()));
        }
        harmless(&place, headers);
    }
}

#[test]
fn redirects() {
    for location in [
        "/again",
        "../../../x",
        "file:///etc/passwd",
        "ftp://x/y",
        "http://",
        "http://[::1",
        "//",
        "",
        "http://127.0.0.1:1/x",
        "\u{1}",
        "javascript:x",
        "http://user:pass@127.0.0.1:1/",
        &"x".repeat(60_000),
    ] {
        for what in ["hub HEAD", "hub GET /someone", "hub GET /api"] {
            let place = Place::new();
            for _ in 0..100 {
                place.hub.fault(what, Fault::Status(302, vec![("Location".to_owned(), location.to_owned())]));
                place.hub.fault("/again", Fault::Status(307, vec![("Location".to_owned(), "/again".to_owned())]));
            }
            harmless(&place, &format!("{what} {location:.60}"));
        }
    }
}

#[test]
fn answers_that_are_none() {
    let large = format!("HTTP/1.1 200 OK\r\n{}\r\n\r\n", "X: y\r\n".repeat(100_000));
    for raw in [
        "",
        "\r\n\r\n",
        "HTTP/1.1",
        "HTTP/9.9 200 OK\r\n\r\n",
        "HTTP/1.1 999 x\r\n\r\n",
        "HTTP/1.1 abc\r\n\r\n",
        "SSH-2.0-x\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 206 x\r\nContent-Range: bytes 5-2/1\r\nContent-Length: 3\r\n\r\nabc",
        "HTTP/1.1 206 x\r\nContent-Range: nonsense\r\nContent-Length: 3\r\n\r\nabc",
        "HTTP/1.1 416 x\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 204 x\r\n\r\n",
        "HTTP/1.1 302 x\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 304 x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
        &large,
    ] {
        for what in ["hub GET /api", "hub HEAD", "hub GET /someone", "storage GET"] {
            let place = Place::new();
            for _ in 0..20 {
                place.hub.fault(what, Fault::Raw(raw.as_bytes().to_vec()));
            }
            harmless(&place, &format!("{what} {raw:.60}"));
        }
    }
}
