//! Addresses: joining a redirect's with the one it came from, and which server one belongs to.

use ureq::http::Uri;

/// `text` as a part of an address's path, with its slashes where `keep_slashes`.
pub(super) fn encoded(text: &str, keep_slashes: bool) -> String {
    let mut result = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => result.push(char::from(byte)),
            b'/' if keep_slashes => result.push('/'),
            _ => result += &format!("%{byte:02X}"),
        }
    }
    result
}

/// Scheme, host and port of an address on the web; `None` where it is none.
pub(super) fn origin(address: &str) -> Option<(bool, String, u16)> {
    let uri: Uri = address.parse().ok()?;
    let secure = match uri.scheme_str()? {
        "https" => true,
        "http" => false,
        _ => return None,
    };
    let host = uri.host().filter(|host| !host.is_empty())?;
    Some((secure, host.to_ascii_lowercase(), uri.port_u16().unwrap_or(if secure { 443 } else { 80 })))
}

/// Whether an address is of this machine.
pub(super) fn is_local(address: &str) -> bool {
    let host = origin(address).map(|(_, host, _)| host).unwrap_or_default();
    let number = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host == "localhost" || number.is_ok_and(|number| number.is_loopback())
}

/// The host of an address, with its port where it names one, for messages.
pub(super) fn host(address: &str) -> String {
    let authority = address.parse::<Uri>().ok().and_then(|uri| uri.authority().map(|a| a.as_str().to_owned()));
    let authority = authority.unwrap_or_else(|| address.to_owned());
    // A name and a password are nobody's business.
    authority.rsplit('@').next().unwrap_or_default().to_owned()
}

/// Where `location`, a header of the answer from `base`, leads; `None` where that is no place on the web, or would give up encryption.
pub(super) fn joined(base: &str, location: &str) -> Option<String> {
    let (secure, ..) = origin(base)?;
    if !location.chars().all(|c| c.is_ascii_graphic()) {
        return None;
    }
    let after_scheme = base.find("://")? + 3;
    let root = base[after_scheme..].find(['/', '?', '#']).map_or(base.len(), |at| after_scheme + at);
    let path_end = base.find(['?', '#']).unwrap_or(base.len());
    let joined = if location.contains("://") {
        location.to_owned()
    } else if let Some(rest) = location.strip_prefix("//") {
        format!("{}//{rest}", &base[..after_scheme - 2])
    } else if location.starts_with('/') {
        format!("{}{location}", &base[..root])
    } else {
        let folder = base[root..path_end].rfind('/').map_or("/", |at| &base[root..=root + at]);
        format!("{}{folder}{location}", &base[..root])
    };
    let (to_secure, ..) = origin(&joined)?;
    (to_secure || !secure).then_some(joined)
}

#[cfg(test)]
mod tests {
    use super::{encoded, host, is_local, joined, origin};

    #[test]
    fn redirects_lead_where_a_browser_would_go_or_nowhere() {
        for (base, location, expected) in [
            ("https://h/a/b?x", "https://s:8/c?d", Some("https://s:8/c?d")),
            ("https://h:1/a/b", "/api/x", Some("https://h:1/api/x")),
            ("http://h/a/b?q=/", "c", Some("http://h/a/c")),
            ("https://h", "c", Some("https://h/c")),
            ("https://h/a", "//s/c", Some("https://s/c")),
            ("http://h/a", "https://s/c", Some("https://s/c")),
            ("https://h/a", "http://s/c", None),
            ("http://h/a", "file:///etc/passwd", None),
            ("http://h/a", "ftp://s/c", None),
            ("http://h/a", "/c\r\nX: y", None),
            ("http://h/a", "http://", None),
        ] {
            assert_eq!(joined(base, location).as_deref(), expected, "{base} {location}");
        }
    }

    #[test]
    fn addresses_have_an_origin() {
        assert_eq!(origin("https://HuggingFace.co/x"), Some((true, "huggingface.co".to_owned(), 443)));
        let local = ["http://localhost:1", "http://127.0.0.1", "http://[::1]:8"].map(is_local);
        assert_eq!((local, is_local("https://huggingface.co")), ([true; 3], false));
        assert_ne!(origin("http://localhost:1/x"), origin("http://localhost:2/x"));
        assert_eq!((host("http://me:secret@h:1/x").as_str(), host("https://h/x").as_str()), ("h:1", "h"));
        assert_eq!((encoded("refs/pr/1", false).as_str(), encoded("a b/ü", true).as_str()), ("refs%2Fpr%2F1", "a%20b/%C3%BC"));
    }
}
