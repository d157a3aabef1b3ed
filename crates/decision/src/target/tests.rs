#![allow(clippy::unwrap_used)]

use std::borrow::Cow;

use super::*;
use crate::request::Headers;

mod queries;

const HOST: &str = "api.example.com";

fn request<'a>(kind: EventKind, stage: &str, route: &str, path: PathView<'a>, query: QueryView<'a>) -> Request<'a> {
    let method = if kind == EventKind::WebSocket { "$connect" } else { "GET" };
    let arn = format!("arn:aws:execute-api:eu-west-1:123456789012:abc/{stage}/{method}{route}");
    Request {
        kind,
        arn: Arn::parse(arn).unwrap(),
        method: "GET".into(),
        headers: Headers::default(),
        authorization_token: None,
        path,
        query,
        api_id: None,
        stage: None,
        domain_name: None,
        source_ip: None,
        request_id: None,
        route: None,
    }
}

fn rest<'a>(stage: &str, wire: &'a str, route: &str) -> Request<'a> {
    request(EventKind::RestRequest, stage, route, PathView::Wire(wire.into()), QueryView::Decoded(Vec::new()))
}

fn rest_by_path<'a>(stage: &str, path: &'a str, route: &str) -> Request<'a> {
    let view = PathView::WireWithoutStage(path.into());
    request(EventKind::RestRequest, stage, route, view, QueryView::Decoded(Vec::new()))
}

fn http_1<'a>(stage: &str, path: &'a str, route: &str) -> Request<'a> {
    request(EventKind::Http1, stage, route, PathView::Decoded(path.into()), QueryView::Decoded(Vec::new()))
}

fn http_2<'a>(stage: &str, raw_path: &'a str, route: &str) -> Request<'a> {
    request(EventKind::Http2, stage, route, PathView::Decoded(raw_path.into()), QueryView::Raw("".into()))
}

fn websocket(stage: &str) -> Request<'static> {
    request(EventKind::WebSocket, stage, "", PathView::Hidden, QueryView::Decoded(Vec::new()))
}

fn agreement(target: &str, request: &Request<'_>, map: &str) -> Result<(), String> {
    let map = PathMap::parse(map).unwrap();
    Target::parse(target).unwrap().agrees(request, &map, HOST).map_err(|mismatch| mismatch.detail)
}

fn check(target: &str, request: &Request<'_>, map: &str, expected: bool) {
    let agreed = agreement(target, request, map);
    assert_eq!(agreed.is_ok(), expected, "{target} {:?} {:?} {map:?}: {agreed:?}", request.path, request.arn.path);
}

#[test]
fn targets_are_what_a_url_serialises_to() {
    for target in [
        "/",
        "/a/b%20c/?x=1&y=%2F%5C%3F%23",
        "//a",
        "/a?",
        "/a?b?c",
        "/a|b[c]^d'e?f|g[h]{i}^`j'k\\l",
        "/caf%C3%A9",
        "/a:b@c;d=e,f!g(h)+i~",
        "/%7euser/%41",
        "/a%252Fb",
        "/a?q=caf%E9",
    ] {
        assert!(Target::parse(target).is_ok(), "{target:?}");
    }
}

#[test]
fn malformed_and_ambiguous_targets_are_refused() {
    for target in [
        "",
        "items",
        "?x=1",
        "https://api.example.com/items",
        "*",
        "/a b",
        "/a\tb",
        "/a\r\nb: c",
        "/a\0",
        "/café",
        "/a#b",
        "/a?b#c",
        "/a?b c",
        "/a\"b",
        "/a<b",
        "/a\\b",
        "/a`b",
        "/a{b}",
        "/a?b=\"",
        "/a%",
        "/a%2",
        "/a%2g",
        "/a%+1b",
        "/a?b=%",
        "/a?b=%zz",
        "/a%2Fb",
        "/a%2fb",
        "/a%5Cb",
        "/a%3Fb",
        "/a%23b",
        "/a%00b",
        "/a%2f..%2fb",
        "/a%FF",
        "/caf%E9",
    ] {
        assert_eq!(Target::parse(target).unwrap_err(), Refusal::TargetMalformed, "{target:?}");
    }
    assert!(Target::parse(&format!("/{}", "a".repeat(limits::EDGE_TARGET - 1))).is_ok());
    let long = format!("/{}", "a".repeat(limits::EDGE_TARGET));
    assert_eq!(Target::parse(&long).unwrap_err(), Refusal::TargetMalformed);
}

#[test]
fn hostile_targets_are_refused_as_hostile_paths() {
    for target in ["/a/../b", "/a/%2e%2E/b", "/.", "/*", "/a$b", "/a%0Ab", "/a%7f", "/%252e%252e/x", "/a;x/..;y/b"] {
        assert_eq!(Target::parse(target).unwrap_err(), Refusal::PathHostile, "{target:?}");
    }
    assert!(Target::parse("/a?x=../*$").is_ok());
}

#[test]
fn rest_compares_the_wire_path_byte_for_byte() {
    for (target, wire, route, expected) in [
        ("/prod/items", "/prod/items", "/items", true),
        ("/prod/items/", "/prod/items/", "/items/", true),
        ("/prod/space%20value", "/prod/space%20value", "/space%20value", true),
        ("/prod/space%20value", "/prod/space%20value", "/space value", true),
        ("/prod/caf%C3%A9", "/prod/caf%C3%A9", "/café", true),
        ("/prod/a%40b%20c", "/prod/a%40b%20c", "/a@b%20c", true),
        ("/prod", "/prod", "/", true),
        ("/prod/", "/prod/", "/", true),
        ("/prod/a//b", "/prod/a//b", "/a//b", true),
        ("/prod/items", "/prod/items/", "/items/", false),
        ("/prod/items/", "/prod/items", "/items", false),
        ("/prod/%41", "/prod/A", "/A", false),
        ("/prod/a%2520b", "/prod/a%20b", "/a%20b", false),
        ("/prod/items", "/prod/other", "/other", false),
        ("/prod/items", "/prod/items", "/other", false),
        ("/prod/items", "/prod/items", "/items/", false),
        // The gateway has merged slashes: what it routes is not what was signed.
        ("/prod//items", "/prod//items", "/items", false),
        ("//prod/items", "/prod/items", "/items", false),
        // Another stage, or none.
        ("/dev/items", "/dev/items", "/items", false),
        ("/production/items", "/production/items", "/uction/items", false),
        ("/items", "/items", "/items", false),
    ] {
        check(target, &rest("prod", wire, route), "", expected);
    }
}

#[test]
fn rest_without_the_wire_path_compares_path_with_or_without_the_stage() {
    for (target, path, route, expected) in [
        ("/prod/items", "/items", "/items", true),
        ("/prod/items", "/prod/items", "/items", true),
        ("/prod/a%20b", "/a%20b", "/a%20b", true),
        ("/prod", "/", "/", true),
        ("/prod/a%20b", "/a b", "/a b", false),
        ("/prod/prod/items", "/prod/items", "/prod/items", true),
        ("/prod/items", "/prod/items", "/prod/items", false),
        ("/prod/prod/items", "/prod/items", "/items", false),
        ("/prod/items", "/other", "/items", false),
    ] {
        check(target, &rest_by_path("prod", path, route), "", expected);
    }
}

#[test]
fn http_apis_compare_the_decoded_path() {
    for (target, path, route, expected) in [
        ("/prod/items", "/prod/items", "/items", true),
        ("/prod/items", "/items", "/items", true),
        ("/prod", "/prod", "/", true),
        ("/prod/", "/prod/", "/", true),
        ("/prod/space%20value", "/prod/space value", "/space value", true),
        ("/prod/space%20value", "/prod/space value", "/space%20value", true),
        ("/prod/a+b", "/prod/a+b", "/a+b", true),
        ("/prod/a%2Bb", "/prod/a+b", "/a+b", true),
        ("/prod/caf%C3%A9", "/prod/café", "/café", true),
        ("/prod/a%2520b", "/prod/a%20b", "/a%20b", true),
        // Documented: escaped unreserved characters cannot be told from plain ones.
        ("/prod/%41", "/prod/A", "/A", true),
        ("/prod/A", "/prod/A", "/A", true),
        ("/prod/a%20b", "/prod/a%20b", "/a%20b", false),
        ("/prod/a%2520b", "/prod/a b", "/a b", false),
        ("/prod/items", "/prod/items/", "/items/", false),
        ("/prod/items/", "/prod/items", "/items", false),
        ("/prod/a//b", "/prod/a/b", "/a/b", false),
        ("/prod/items", "/prod/prod/items", "/prod/items", false),
        ("/prod/prod/items", "/prod/items", "/items", false),
        // Without the stage in the event, only the route tells these two apart.
        ("/prod/items", "/prod/items", "/prod/items", false),
        ("/prod/prod/items", "/prod/items", "/prod/items", true),
        ("/items", "/items", "/items", false),
        ("/dev/items", "/dev/items", "/items", false),
    ] {
        check(target, &http_1("prod", path, route), "", expected);
        check(target, &http_2("prod", path, route), "", expected);
    }
}

#[test]
fn the_default_stage_is_not_in_the_path() {
    for (target, path, expected) in
        [("/items", "/items", true), ("/", "/", true), ("/a%20b", "/a b", true), ("/prod/items", "/items", false)]
    {
        check(target, &http_2("$default", path, path), "", expected);
        check(target, &http_1("$default", path, path), "", expected);
    }
}

#[test]
fn a_websocket_shows_no_path_but_the_stage_must_be_the_one_signed_for() {
    for (target, expected) in [
        ("/prod", true),
        ("/prod/", true),
        ("/prod/anything", true),
        ("/dev", false),
        ("/production", false),
        ("/", false),
    ] {
        check(target, &websocket("prod"), "", expected);
    }
    check("/chat", &websocket("prod"), "api.example.com/abc/prod: /chat => /prod", true);
    check("/prod", &websocket("prod"), "api.example.com/abc/prod: /chat => /prod", false);
}

#[test]
fn a_token_event_never_agrees() {
    for query in [QueryView::Hidden, QueryView::Decoded(Vec::new()), QueryView::Raw("".into())] {
        let hidden = request(EventKind::RestToken, "prod", "/items", PathView::Hidden, query);
        check("/prod/items", &hidden, "", false);
    }
}

#[test]
fn a_custom_domain_agrees_by_its_entry_and_no_other_way() {
    let map = "api.example.com/abc/prod: /v1 => /prod; other.example.com/abc/prod: / => /prod";
    for request in [
        rest("prod", "/v1/items", "/items"),
        rest_by_path("prod", "/items", "/items"),
        http_1("prod", "/prod/items", "/items"),
        http_2("prod", "/prod/items", "/items"),
        http_2("prod", "/items", "/items"),
    ] {
        check("/v1/items", &request, map, true);
        check("/v1/items", &request, "", false);
        check("/v2/items", &request, map, false);
        check("/v10/items", &request, map, false);
        check("/prod/items", &request, map, false);
        check("/v1/items/", &request, map, false);
        check("/v1/prod/items", &request, map, false);
        check("/items", &request, map, false);
    }
    // REST tells base paths apart even where the map does not.
    check("/v2/items", &rest("prod", "/v1/items", "/items"), "api.example.com/abc/prod: /v2 => /prod", false);
}

#[test]
fn a_path_mismatch_shows_both_sides_and_the_entry_to_set() {
    for (target, request, entry) in [
        ("/v1/items/7", rest("prod", "/v1/items/7", "/items/7"), "api.example.com/abc/prod: /v1 => /prod"),
        ("/v1/a%20b", http_2("prod", "/prod/a b", "/a b"), "api.example.com/abc/prod: /v1 => /prod"),
        ("/items", http_1("prod", "/items", "/items"), "api.example.com/abc/prod: / => /prod"),
        ("/v1/items", http_2("$default", "/items", "/items"), "api.example.com/abc/$default: /v1 => /"),
        ("/v1/", http_2("$default", "/", "/"), "api.example.com/abc/$default: /v1 => /"),
        ("/chat/", websocket("prod"), "api.example.com/abc/prod: /chat => /prod"),
    ] {
        let detail = agreement(target, &request, "").unwrap_err();
        assert!(detail.contains(&format!("add to PATH_MAP: {entry} -- ")), "{detail}");
        assert!(detail.contains(&format!("signed path {target:?}")), "{detail}");
        assert!(detail.contains(&format!("event path {:?}", request.path.text())), "{detail}");
        assert_eq!(agreement(target, &request, entry), Ok(()));
    }
}

#[test]
fn no_entry_is_offered_where_none_would_help() {
    for (target, request) in [
        ("/v1/items/7", rest("prod", "/v1/items/8", "/items/8")),
        ("/v1/items/7", rest("prod", "/v2/items/7", "/items/7")),
        ("/v1/items/7", http_2("prod", "/prod/items/8", "/items/8")),
        ("/v1/items", http_2("prod", "/prod/", "/")),
    ] {
        let detail = agreement(target, &request, "").unwrap_err();
        assert!(!detail.contains("PATH_MAP"), "{detail}");
    }
    let moved = http_2("dev", "/dev/items", "/items");
    let endpoint = "abc.execute-api.eu-west-1.amazonaws.com";
    let mismatch = Target::parse("/prod/items").unwrap().agrees(&moved, &PathMap::default(), endpoint).unwrap_err();
    assert!(!mismatch.detail.contains("PATH_MAP"), "{}", mismatch.detail);
}

#[test]
fn a_mismatch_is_bounded_and_cannot_break_a_line() {
    let path = format!("/prod/{}", "é\n\"".repeat(5_000));
    let target = format!("/prod/{}", "x".repeat(9_000));
    let detail = agreement(&target, &http_2("prod", &path, "/y"), "").unwrap_err();
    assert!(detail.len() < 3_000 && !detail.contains('\n'), "{} bytes", detail.len());
}

#[test]
fn the_end_of_a_path_is_found_by_what_it_decodes_to() {
    for (target, decoded, tail) in [
        ("/prod/a%20b", "/a b", Some("/a%20b")),
        ("/prod/a%20b", "/prod/a b", Some("/prod/a%20b")),
        ("/x/y/caf%C3%A9/?q=/caf", "/caf\u{e9}/", Some("/caf%C3%A9/")),
        ("/a%2541", "/a%41", Some("/a%2541")),
        ("/prod//a", "//a", Some("//a")),
        ("/prod/a", "/", None),
        ("/prod/", "/", Some("/")),
        ("/prod/a", "a", None),
        ("/prod/a", "", None),
        ("/prod/ba", "/a", None),
        ("/a", "/prod/a", None),
        ("/a/b", "/a%2Fb", None),
    ] {
        assert_eq!(Target::parse(target).unwrap().path_tail(decoded), tail, "{target} {decoded}");
    }
}

#[test]
fn a_path_alone_is_one_that_a_target_could_have() {
    for (path, is_path) in [
        ("/", true),
        ("/a%20b//c;v=1", true),
        ("/a?", false),
        ("/a?b", false),
        ("/a#", false),
        ("/%2f", false),
        ("", false),
    ] {
        assert_eq!(Target::is_path(path), is_path, "{path}");
    }
}

fn pairs(pairs: &[(&'static str, &'static str)]) -> Vec<(Cow<'static, str>, Cow<'static, str>)> {
    pairs.iter().map(|&(name, value)| (name.into(), value.into())).collect()
}
