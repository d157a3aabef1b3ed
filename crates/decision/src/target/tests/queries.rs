//! Queries: what the decoded maps and the raw string each tell, and what they may not hide.

use super::*;

fn decoded(kind: EventKind, reported: &[(&'static str, &'static str)]) -> Request<'static> {
    let query = QueryView::Decoded(pairs(reported));
    match kind {
        EventKind::RestRequest => request(kind, "prod", "/a", PathView::Wire("/prod/a".into()), query),
        EventKind::WebSocket => request(kind, "prod", "", PathView::Hidden, query),
        _ => request(kind, "prod", "/a", PathView::Decoded("/prod/a".into()), query),
    }
}

fn raw(query: &'static str) -> Request<'static> {
    let path = PathView::Decoded("/prod/a".into());
    request(EventKind::Http2, "prod", "/a", path, QueryView::Raw(query.into()))
}

#[test]
fn decoded_queries_agree_name_by_name() {
    for (query, reported, expected) in [
        ("", &[][..], true),
        ("?", &[], true),
        ("?&&", &[], true),
        ("?x=1", &[("x", "1")], true),
        ("?x=1&&y=2&", &[("x", "1"), ("y", "2")], true),
        ("?x=&y&z", &[("x", ""), ("y", ""), ("z", "")], true),
        ("?=1&==", &[("", "1"), ("", "=")], true),
        ("?x=a=b", &[("x", "a=b")], true),
        ("?a+b=c+d", &[("a b", "c d")], true),
        ("?a%20b=c%2Bd", &[("a b", "c+d")], true),
        ("?%61=%26%3D%25", &[("a", "&=%")], true),
        ("?q=caf%C3%A9", &[("q", "café")], true),
        ("?u=https%3A%2F%2Fexample.com%2Fa%2Fb", &[("u", "https://example.com/a/b")], true),
        ("?x=%00%0A", &[("x", "\0\n")], true),
        // Documented: the order across names is lost, within one name it is kept.
        ("?x=1&y=2&x=3", &[("y", "2"), ("x", "1"), ("x", "3")], true),
        ("?x=2&x=1", &[("x", "2"), ("x", "1")], true),
        ("?x=2&x=1", &[("x", "1"), ("x", "2")], false),
        ("?x=1&x=2", &[("x", "2"), ("x", "1")], false),
        ("?x=1&x=1", &[("x", "1")], false),
        ("?x=1", &[("x", "1"), ("x", "1")], false),
        ("?x=1&y=2", &[("x", "1"), ("x", "1")], false),
        ("?x=1", &[], false),
        ("", &[("x", "1")], false),
        ("", &[("", "")], false),
        ("?x=1", &[("X", "1")], false),
        ("?x=1", &[("x", "2")], false),
        ("?x=1&y=2", &[("x", "2"), ("y", "1")], false),
        ("?x=a%2Bb", &[("x", "a b")], false),
        ("?x=a+b", &[("x", "a+b")], false),
        ("?x=%2561", &[("x", "a")], false),
        ("?x=1;y=2", &[("x", "1"), ("y", "2")], false),
        ("?q=caf%E9", &[("q", "caf\u{fffd}")], false),
        ("?q=caf%E9", &[("q", "café")], false),
        ("?x=one,two", &[("x", "one"), ("x", "two")], false),
    ] {
        for kind in [EventKind::RestRequest, EventKind::Http1, EventKind::WebSocket] {
            let path = if kind == EventKind::WebSocket { "/prod" } else { "/prod/a" };
            check(&format!("{path}{query}"), &decoded(kind, reported), "", expected);
        }
    }
}

#[test]
fn a_raw_query_agrees_byte_for_byte() {
    for (query, reported, expected) in [
        ("", "", true),
        ("?", "", true),
        ("?x=1&x=2&y", "x=1&x=2&y", true),
        ("?x=a+b", "x=a+b", true),
        ("?q=caf%E9", "q=caf%E9", true),
        ("?x=1&y=2", "y=2&x=1", false),
        ("?x=a+b", "x=a%20b", false),
        ("?x=%2f", "x=%2F", false),
        ("?x=%41", "x=A", false),
        ("?x=1&", "x=1", false),
        ("?x=1", "", false),
        ("", "x=1", false),
    ] {
        check(&format!("/prod/a{query}"), &raw(reported), "", expected);
    }
}

#[test]
fn a_query_that_lost_repeated_values_never_agrees() {
    let view = PathView::Decoded("/prod/a".into());
    let lossy = request(EventKind::Http1, "prod", "/a", view, QueryView::Lossy);
    for target in ["/prod/a?x=1", "/prod/a"] {
        let detail = agreement(target, &lossy, "").unwrap_err();
        assert!(detail.contains("payload format 2.0"), "{detail}");
    }
}

#[test]
fn a_query_mismatch_shows_no_value() {
    for request in [decoded(EventKind::RestRequest, &[("token", "s3cret"), ("y", "2")]), raw("token=s3cret&y=2")] {
        let detail = agreement("/prod/a?token=0ther", &request, "").unwrap_err();
        assert!(detail.contains("1 parameters signed, 2 in the event"), "{detail}");
        assert!(!detail.contains("s3cret") && !detail.contains("0ther"), "{detail}");
    }
}

#[test]
fn more_parameters_than_any_request_needs_do_not_agree() {
    let names: Vec<String> = (0..=limits::QUERY_PARAMETERS).map(|n| format!("p{n}")).collect();
    for (count, expected) in [(limits::QUERY_PARAMETERS, true), (limits::QUERY_PARAMETERS + 1, false)] {
        let query = names[..count].join("=&");
        let reported = names[..count].iter().map(|name| (name.as_str().into(), "".into())).collect();
        let view = PathView::Wire("/prod/a".into());
        let request = request(EventKind::RestRequest, "prod", "/a", view, QueryView::Decoded(reported));
        check(&format!("/prod/a?{query}"), &request, "", expected);
    }
}
