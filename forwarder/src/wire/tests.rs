#![allow(clippy::indexing_slicing, clippy::unwrap_used)]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::event;

const NO_QUERY: Query<'_> = Query::Raw(Cow::Borrowed(""));

fn path(kind: Kind, path: &str, target: Option<&str>) -> Result<String, Failure> {
    let target = target.map(|target| Target::parse(target).unwrap());
    Wire::spelt(kind, path, &NO_QUERY, target).map(|wire| wire.path)
}

/// Paths that mean something else to the next reader, as an HTTP API shows them and as REST does.
#[test]
fn hostile_paths_are_refused() {
    for (named, decoded, encoded) in [
        ("nothing", "", ""),
        ("no slash in front", "items", "items"),
        ("an absolute URL", "https://evil.example/x", "https://evil.example/x"),
        ("another scheme", "file:/etc/passwd", "file:/etc/passwd"),
        ("a host as a reference", "//evil.example/x", "//evil.example/x"),
        ("nothing but slashes", "//", "//"),
        ("a host behind a backslash", r"/\evil.example", r"/\evil.example"),
        ("an encoded slash", "/a%2Fb", "/a%2Fb"),
        ("an encoded slash in lower case", "/a%2fb", "/a%2fb"),
        ("a slash encoded twice, around dots", "/a%252f..%252fb", "/a%252f..%252fb"),
        ("dots", "/a/../b", "/a/../b"),
        ("one dot", "/a/./b", "/a/./b"),
        ("dots at the end", "/a/..", "/a/.."),
        ("dots, encoded", "/a/%2e%2E/b", "/a/%2e%2E/b"),
        ("dots, half encoded", "/a/.%2e/b", "/a/.%2e/b"),
        ("dots, encoded twice", "/a/%252e%252e/b", "/a/%252e%252e/b"),
        ("dots, encoded three times", "/a/%25252e%25252e/b", "/a/%25252e%25252e/b"),
        ("dots before a parameter", "/a/..;x=1/b", "/a/..;x=1/b"),
        ("dots between backslashes", r"/a\..\b", "/a%5c..%5cb"),
        ("a backslash", r"/a\b", r"/a\b"),
        ("an encoded backslash", r"/a\b", "/a%5Cb"),
        ("NUL", "/a\0b", "/a%00b"),
        ("NUL, encoded twice", "/a%00b", "/a%2500b"),
        ("a line feed", "/a\nb", "/a%0Ab"),
        (
            "a request in the path",
            "/a HTTP/1.1\r\nHost: evil.example\r\n\r\n",
            "/a%20HTTP/1.1%0d%0aHost:%20evil.example",
        ),
        ("a tab", "/a\tb", "/a\tb"),
        ("delete", "/a\u{7f}b", "/a%7fb"),
        ("a query in the path", "/a?b", "/a?b"),
        ("an encoded question mark", "/a?b", "/a%3Fb"),
        ("a fragment", "/a#b", "/a#b"),
        ("an encoded fragment", "/a#b", "/a%23b"),
        ("a wildcard", "/a/*", "/a/*"),
        ("a variable", "/a/$b", "/a/$b"),
        ("encoded over and over", "/%25252525", "/%252525252525"),
    ] {
        let refused = Err(Failure::PathRefused);
        if !decoded.contains("%2F") && !decoded.contains("%2f") {
            assert_eq!(path(Kind::Http, decoded, None), refused, "{named}: {decoded:?}");
        }
        assert_eq!(path(Kind::Rest, encoded, None), refused, "{named}: {encoded:?}");
    }
    for encoded in ["/%", "/%zz", "/%f", "/a%ffb", "/%c3%28", "/%c0%af"] {
        assert_eq!(path(Kind::Rest, encoded, None), Err(Failure::PathRefused), "{encoded}");
    }
}

/// Paths that only look odd: what is shown and what is sent for it.
#[test]
fn odd_paths_are_spelt_so_that_they_mean_what_was_matched() {
    for (shown, sent) in [
        ("/", "/"),
        ("/a//b/", "/a//b/"),
        ("/a b", "/a%20b"),
        ("/a;v=1/b", "/a;v=1/b"),
        ("/a|b", "/a%7Cb"),
        ("/a^b", "/a%5Eb"),
        ("/a[0]{b}`", "/a%5B0%5D%7Bb%7D%60"),
        ("/\"a\"<b>", "/%22a%22%3Cb%3E"),
        ("/caf\u{e9}/\u{65e5}", "/caf%C3%A9/%E6%97%A5"),
        ("/100%", "/100%25"),
        ("/a%41", "/a%2541"),
        ("/a%2Fb", "/a%252Fb"),
        ("/a+b&c=d,e'(f)!~:@", "/a+b&c=d,e'(f)!~:@"),
        ("/https://evil.example/", "/https://evil.example/"),
        ("/@evil.example", "/@evil.example"),
        ("/...", "/..."),
    ] {
        assert_eq!(path(Kind::Http, shown, None).as_deref(), Ok(sent), "{shown}");
    }
    for (shown, sent) in [
        ("/a%20b", "/a%20b"),
        ("/a b", "/a%20b"),
        ("/%7eme/%41", "/%7eme/%41"),
        ("/a|b^c", "/a|b^c"),
        ("/a{b}", "/a%7Bb%7D"),
        ("/caf\u{e9}", "/caf%C3%A9"),
        ("/caf%c3%a9", "/caf%c3%a9"),
        ("/a%252Fb", "/a%252Fb"),
        ("/a%2Ab%24", "/a%2Ab%24"),
        ("/a;v=1//b", "/a;v=1//b"),
    ] {
        assert_eq!(path(Kind::Rest, shown, None).as_deref(), Ok(sent), "{shown}");
    }
}

#[test]
fn the_signed_spelling_is_taken_where_it_is_of_the_same_path() {
    for (shown, target, sent) in [
        ("/a b", "/prod/a%20b?x=1", "/a%20b"),
        ("/a b", "/a%20b", "/a%20b"),
        ("/caf\u{e9}/~", "/base/path/caf%c3%a9/%7e", "/caf%c3%a9/%7e"),
        ("/a|b", "/prod/a|b", "/a|b"),
        ("/a*b", "/prod/a%2Ab", "/a%2Ab"),
        ("/", "/prod/", "/"),
        ("/a//b", "/prod/a//b", "/a//b"),
        // Not of this path: spelt anew.
        ("/a b", "/prod/a%20c", "/a%20b"),
        ("/a b", "/a%20b/", "/a%20b"),
        ("/prod/~", "/%7e", "/prod/~"),
        ("/", "/prod", "/"),
        ("/b~", "/prod/ab%7e", "/b~"),
        ("/A", "/prod/a", "/A"),
    ] {
        assert_eq!(path(Kind::Http, shown, Some(target)).as_deref(), Ok(sent), "{shown} {target}");
    }
    // REST shows the spelling itself.
    assert_eq!(path(Kind::Rest, "/a%20b", Some("/prod/%61%20b")).as_deref(), Ok("/a%20b"));
    assert_eq!(path(Kind::Rest, "/a%2Fb", Some("/prod/a/b")), Err(Failure::PathRefused));
    assert_eq!(path(Kind::Http, "//a", Some("/prod//a")), Err(Failure::PathRefused));
}

fn query(shown: &Query<'_>, target: Option<&str>) -> Option<String> {
    Wire::spelt(Kind::Http, "/a", shown, target.map(|target| Target::parse(target).unwrap())).unwrap().query
}

fn pairs(list: &[(&'static str, &'static str)]) -> Query<'static> {
    Query::Decoded(list.iter().map(|(name, value)| (Cow::Borrowed(*name), Cow::Borrowed(*value))).collect())
}

#[test]
fn a_raw_query_stays_as_it_is() {
    for (raw, sent) in [
        ("", None),
        ("b=2&a=1&b=1&&c", Some("b=2&a=1&b=1&&c")),
        ("q=1+2%202|[x]{y}`^\\'%zz%", Some("q=1+2%202|[x]{y}`^\\'%zz%")),
        ("u=https://evil.example/?x#y", Some("u=https://evil.example/?x%23y")),
        ("a b\r\nHost: evil.example", Some("a%20b%0D%0AHost:%20evil.example")),
        ("\u{e9}=\0", Some("%C3%A9=%00")),
    ] {
        assert_eq!(query(&Query::Raw(raw.into()), None).as_deref(), sent, "{raw:?}");
    }
}

#[test]
fn a_decoded_query_is_spelt_as_it_was_signed_else_anew() {
    let shown = pairs(&[("b", "1 2"), ("a", ""), ("b", "&=+%/\u{e9}")]);
    let anew = Some("b=1%202&a=&b=%26%3D%2B%25%2F%C3%A9");
    for (target, sent) in [
        (None, anew),
        (Some("/a?b=1+2&b=%26=%2B%25/%c3%a9&a"), Some("b=1+2&b=%26=%2B%25/%c3%a9&a")),
        (Some("/a?a=&b=%26=%2B%25/%c3%a9&b=1+2"), anew),
        (Some("/a?b=1+2&a="), anew),
        (Some("/a"), anew),
    ] {
        assert_eq!(query(&shown, target).as_deref(), sent, "{target:?}");
    }
    assert_eq!(query(&pairs(&[]), None), None);
    assert_eq!(query(&pairs(&[]), Some("/a?x=1")), None);
    assert_eq!(query(&pairs(&[("", "")]), None).as_deref(), Some("="));
}

fn event(authorizer: &Value, target: &str) -> String {
    json!({
        "version": "2.0", "routeKey": "$default", "rawPath": "/prod/~a", "rawQueryString": "x=1",
        "headers": { "edge-target": target, "host": "evil.example" }, "isBase64Encoded": false,
        "requestContext": { "apiId": "abc", "stage": "prod", "domainName": "abc.execute-api.example", "requestId": "r",
            "authorizer": { "lambda": authorizer },
            "http": { "method": "GET", "path": "/prod/~a", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1" } },
    })
    .to_string()
}

/// A header is believed only where the authorizer says that the edge's signature verified.
#[test]
fn only_a_verified_target_is_believed() {
    let (signed, not_signed) = (json!({ "principal": "acme", "edge_keyid": "k" }), json!({ "principal": "acme" }));
    for (authorizer, target, sent) in [
        (&signed, "/prod/%7ea?x=1", "/%7ea"),
        (&not_signed, "/prod/%7ea?x=1", "/~a"),
        (&signed, "https://evil.example/%7ea", "/~a"),
        (&signed, "//evil.example/%7ea?x=1", "/%7ea"),
        (&signed, "/prod/%7eb", "/~a"),
        (&signed, "", "/~a"),
    ] {
        let event = event(authorizer, target);
        let wire = Wire::of(&event::parse(&event).unwrap()).unwrap();
        assert_eq!((wire.path.as_str(), wire.query.as_deref()), (sent, Some("x=1")), "{target}");
    }
}

/// RFC 3986 §3.3, behind exactly one slash: neither scheme nor host, neither query nor fragment.
fn is_path_absolute(path: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"\"#<>?\\`{}".contains(&byte);
    path.starts_with('/') && !path.starts_with("//") && path.bytes().all(is_plain)
}

fn is_query(query: &str) -> bool {
    query.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#')
}

fn unescaped(text: &str) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::new(), text.bytes().collect::<Vec<_>>().into_iter());
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                u8::from_str_radix(str::from_utf8(&digits).unwrap(), 16).unwrap()
            }
            other => other,
        });
    }
    bytes
}

/// As the other side of a form reads it.
fn form(query: &str) -> Vec<(String, String)> {
    let text = |part: &str| String::from_utf8(unescaped(&part.replace('+', "%20"))).unwrap();
    let parts = query.split('&').filter(|part| !part.is_empty());
    parts.map(|part| part.split_once('=').map_or((text(part), String::new()), |(n, v)| (text(n), text(v)))).collect()
}

/// One of the spellings of `text`: each byte as it is, where it may be, or escaped.
fn spelling(text: &str, choices: &[u8]) -> String {
    let mut choices = choices.iter().cycle();
    let spell = |byte: u8| match choices.next().unwrap() % 4 {
        0 if byte != b'/' => format!("%{byte:02x}"),
        1 if byte != b'/' => format!("%{byte:02X}"),
        _ if byte.is_ascii_alphanumeric() || b"/-._~!&'()+,;=:@|^[]".contains(&byte) => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(spell).collect()
}

/// Few words of every kind, so that hostile ones meet each other.
const HOSTILE: &str =
    "(/|//|\\.|\\.\\.|%2e|%2F|%5c|%252e|%25|%00|%zz|%c3%a9|\\\\|;|\\||\\^|\\?|#|:|@|\\*|é| |\0|\n|https:|a|b){0,8}";
const BENIGN: &str = "/[a-zA-Z0-9_~ é日|^;:@+&='()\\[\\]{}<>\"-]{1,9}(/[a-zA-Z0-9 é]{0,5}){0,4}";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn whatever_an_http_api_shows_is_sent_as_that_or_refused(shown in HOSTILE, slash in prop::bool::weighted(0.9)) {
        let shown = if slash { format!("/{shown}") } else { shown };
        if let Ok(wire) = Wire::spelt(Kind::Http, &shown, &NO_QUERY, None) {
            prop_assert!(is_path_absolute(&wire.path), "{}", wire.path);
            prop_assert_eq!(unescaped(&wire.path), shown.as_bytes());
            prop_assert_eq!(wire.decoded_path(), shown);
        }
    }

    #[test]
    fn whatever_rest_shows_is_sent_as_that_or_refused(shown in HOSTILE, slash in prop::bool::weighted(0.9)) {
        let shown = if slash { format!("/{shown}") } else { shown };
        if let Ok(wire) = Wire::spelt(Kind::Rest, &shown, &NO_QUERY, None) {
            prop_assert!(is_path_absolute(&wire.path), "{}", wire.path);
            prop_assert_eq!(unescaped(&wire.path), unescaped(&shown));
            let decoded = wire.decoded_path();
            prop_assert!(decoded.split('/').all(|name| name != "." && name != ".."), "{}", decoded);
            prop_assert!(!decoded.contains(['\\', '\0', '\n', '?', '#']), "{}", decoded);
        }
    }

    #[test]
    fn ordinary_paths_are_sent_and_mean_the_same(shown in BENIGN) {
        let wire = Wire::spelt(Kind::Http, &shown, &NO_QUERY, None).unwrap();
        prop_assert!(is_path_absolute(&wire.path), "{}", wire.path);
        prop_assert_eq!(unescaped(&wire.path), shown.as_bytes());
    }

    /// However the edge spelt it and whatever was mapped away in front of it.
    #[test]
    fn a_signed_spelling_is_sent_as_it_is(
        shown in BENIGN, base in "(/[a-z]{1,5}){0,2}", choices in prop::collection::vec(any::<u8>(), 1..40),
    ) {
        let spelt = spelling(&shown, &choices);
        let target = format!("{base}{spelt}");
        for (kind, shown) in [(Kind::Http, shown), (Kind::Rest, spelt.clone())] {
            let wire = Wire::spelt(kind, &shown, &NO_QUERY, Some(Target::parse(&target).unwrap())).unwrap();
            prop_assert_eq!(&wire.path, &spelt);
        }
    }

    /// A target of any other path changes nothing.
    #[test]
    fn no_target_moves_a_request(shown in BENIGN, target in BENIGN, choices in prop::collection::vec(any::<u8>(), 1..40)) {
        let target = spelling(&target, &choices);
        let target = Target::parse(&target).unwrap();
        let wire = Wire::spelt(Kind::Http, &shown, &NO_QUERY, Some(target)).unwrap();
        prop_assert_eq!(unescaped(&wire.path), shown.as_bytes());
    }

    #[test]
    fn a_query_decodes_to_what_the_event_shows(list in prop::collection::vec((".{0,6}", ".{0,6}"), 0..6)) {
        let shown = Query::Decoded(list.iter().map(|(n, v)| (n.as_str().into(), v.as_str().into())).collect());
        let sent = query(&shown, None).unwrap_or_default();
        prop_assert!(is_query(&sent), "{}", sent);
        prop_assert_eq!(form(&sent), list);
    }

    #[test]
    fn a_raw_query_never_leaves_its_line(raw in "\\PC{0,40}[\0-\u{20}#]{0,4}\\PC{0,40}") {
        let sent = query(&Query::Raw(raw.as_str().into()), None).unwrap_or_default();
        prop_assert!(is_query(&sent), "{}", sent);
        if is_query(&raw) && !raw.contains(['"', '<', '>']) {
            prop_assert_eq!(sent, raw);
        }
    }
}
