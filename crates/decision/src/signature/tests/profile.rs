use std::time::Duration;

use super::super::fixture::{Draft, Edge, NOW};
use super::super::{Tag, is_edge_header, read};
use crate::decision::Refusal;
use crate::lifetimes::Lifetimes;
use crate::limits;
use crate::time::Timestamp;

fn judged(draft: &Draft, edge: &Edge) -> Result<Tag, Refusal> {
    draft.sign(edge).judge(&edge.key)
}

#[test]
fn a_signature_holds_from_created_to_expires_and_no_longer_than_a_minute() {
    const FUTURE: Result<Tag, Refusal> = Err(Refusal::SignatureFuture);
    const STALE: Result<Tag, Refusal> = Err(Refusal::SignatureStale);
    const EXPIRED: Result<Tag, Refusal> = Err(Refusal::SignatureExpired);
    const WINDOW: Result<Tag, Refusal> = Err(Refusal::SignatureWindow);
    const GOOD: Result<Tag, Refusal> = Ok(Tag::Caller);
    let edge = Edge::hmac();
    // Seconds around now for created and expires, milliseconds after now for the judge.
    for (created, expires, late, expected) in [
        (0, 60, 0, GOOD),
        (5, 65, 0, GOOD),
        (6, 66, 0, FUTURE),
        (6, 66, 999, FUTURE),
        (6, 66, 1000, GOOD),
        (-60, 60, 0, GOOD),
        (-60, 60, 1, STALE),
        (-61, 60, 0, STALE),
        (-30, 1, 0, GOOD),
        (-30, 1, 999, GOOD),
        (-30, 1, 1000, EXPIRED),
        (-30, 0, 0, EXPIRED),
        (-30, -1, 0, EXPIRED),
        (0, 300, 0, GOOD),
        (0, 301, 0, WINDOW),
        (0, 0, 0, WINDOW),
        (0, -1, 0, WINDOW),
        (-120, -60, 0, STALE),
        (100_000, 100_060, 0, FUTURE),
        (-i64::try_from(NOW).unwrap(), 999_999_999_999_999 - i64::try_from(NOW).unwrap(), 0, WINDOW),
    ] {
        let at = |offset: i64| NOW.checked_add_signed(offset).unwrap();
        let draft = Draft::new(&edge).parameter("created", at(created)).parameter("expires", at(expires));
        let now = Timestamp::from_millis(NOW * 1000 + late);
        assert_eq!(draft.sign(&edge).judge_at(&edge.key, now), expected, "{created} to {expires}, {late} ms late");
    }
}

#[test]
fn lifetimes_are_those_that_are_given() {
    let edge = Edge::hmac();
    let signed = Draft::new(&edge).parameter("created", NOW - 2).parameter("expires", NOW + 8).sign(&edge);
    let headers = signed.headers();
    let claim = read(&headers).unwrap().unwrap();
    let check = |lifetimes: Lifetimes| claim.check(&headers, true, &lifetimes, Timestamp::from_secs(NOW));
    let seconds = Duration::from_secs;
    let base =
        Lifetimes { signature_age: seconds(2), signature_window: seconds(10), skew: seconds(0), ..Lifetimes::DEFAULT };
    assert_eq!(check(base), Ok(()));
    assert_eq!(check(Lifetimes { signature_age: seconds(1), ..base }), Err(Refusal::SignatureStale));
    assert_eq!(check(Lifetimes { signature_window: seconds(9), ..base }), Err(Refusal::SignatureWindow));
}

#[test]
fn a_nonce_is_16_to_64_visible_characters() {
    let edge = Edge::hmac();
    let with = |nonce: &str| judged(&Draft::new(&edge).parameter("nonce", format!("\"{nonce}\"")), &edge);
    for nonce in ["0123456789abcdef", &"x".repeat(64), "b3k2pp5k7z-50gnwp.yemd", "AZaz09-_+/=.~!$%&'()*,:;<>?@[]^`{|}"]
    {
        assert_eq!(with(nonce), Ok(Tag::Caller), "{nonce}");
    }
    for nonce in
        ["", "0123456789abcde", &"x".repeat(65), "0123456789 abcdef", "0123456789#abcdef", "nonce#k#0123456789"]
    {
        assert_eq!(with(nonce), Err(Refusal::NonceMalformed), "{nonce}");
    }
}

#[test]
fn a_nonce_may_be_left_out_only_where_none_is_required() {
    let edge = Edge::hmac();
    for (draft, required, expected) in [
        (Draft::new(&edge).without_parameter("nonce"), true, Err(Refusal::NonceMissing)),
        (Draft::new(&edge).without_parameter("nonce"), false, Ok(())),
        (Draft::new(&edge).parameter("nonce", "\"short\""), false, Err(Refusal::NonceMalformed)),
    ] {
        let signed = draft.sign(&edge);
        let headers = signed.headers();
        let claim = read(&headers).unwrap().unwrap();
        assert_eq!(claim.check(&headers, required, &Lifetimes::DEFAULT, Timestamp::from_secs(NOW)), expected);
    }
}

#[test]
fn a_keyid_is_a_plain_name() {
    let edge = Edge::hmac();
    let with = |keyid: &str| judged(&Draft::new(&edge).parameter("keyid", format!("\"{keyid}\"")), &edge);
    // Allowed, and then not the name of the key at hand.
    for keyid in ["a", "A-Z_a.z-09", &"k".repeat(64)] {
        assert_eq!(with(keyid), Err(Refusal::SignatureKeyUnknown), "{keyid}");
    }
    for keyid in
        ["", &"k".repeat(65), "a b", "a/b", "../../etc/passwd", "k#n", "k%00", "' OR 1=1", "https://k.example", "k:1"]
    {
        assert_eq!(with(keyid), Err(Refusal::SignatureMalformed), "{keyid}");
    }
}

#[test]
fn what_must_be_covered_is() {
    let edge = Edge::hmac();
    for name in ["@method", "@authority", "edge-target", "edge-client"] {
        let draft = Draft::new(&edge).not_covering(name);
        assert_eq!(judged(&draft, &edge), Err(Refusal::SignatureCoverage), "{name} not covered");
    }
    for name in ["edge-target", "edge-client"] {
        assert_eq!(judged(&Draft::new(&edge).without_line(name), &edge), Err(Refusal::SignatureCoverage), "no {name}");
        let neither = Draft::new(&edge).not_covering(name).without_line(name);
        assert_eq!(judged(&neither, &edge), Err(Refusal::SignatureCoverage), "neither {name}");
    }
    let nothing = Draft { covered: Vec::new(), ..Draft::new(&edge) };
    assert_eq!(judged(&nothing, &edge), Err(Refusal::SignatureCoverage));
}

#[test]
fn what_is_on_the_request_is_covered_where_it_counts() {
    let edge = Edge::hmac();
    for (name, refusal) in [
        ("Authorization", Refusal::SignatureCoverage),
        ("Content-Digest", Refusal::SignatureCoverage),
        ("Edge-Key", Refusal::EdgeHeaderUnsigned),
        ("Edge-Token", Refusal::EdgeHeaderUnsigned),
        ("Edge-Anything-Else", Refusal::EdgeHeaderUnsigned),
        ("edge-", Refusal::EdgeHeaderUnsigned),
    ] {
        for name in [name.to_owned(), name.to_ascii_lowercase(), name.to_ascii_uppercase()] {
            assert_eq!(judged(&Draft::new(&edge).line(&name, "x"), &edge), Err(refusal), "{name} not covered");
            let covered = Draft::new(&edge).signed_line(&name, "x");
            assert_eq!(judged(&covered, &edge), Ok(Tag::Caller), "{name} covered");
            assert_eq!(judged(&covered.without_line(&name), &edge), Err(Refusal::SignatureCoverage), "{name} gone");
        }
    }
    for name in ["X-Edge-Target", "Edge", "Edgeware", "X-Authorization", "Digest"] {
        assert_eq!(judged(&Draft::new(&edge).line(name, "x"), &edge), Ok(Tag::Caller), "{name}");
    }
}

#[test]
fn a_covered_header_is_sent_once() {
    let edge = Edge::hmac();
    let draft = Draft::new(&edge)
        .signed_line("Edge-Key", "k")
        .signed_line("Authorization", "a")
        .signed_line("Content-Digest", "d")
        .signed_line("X-Other", "o");
    assert_eq!(judged(&draft, &edge), Ok(Tag::Caller));
    for name in ["edge-target", "Edge-Target", "EDGE-CLIENT", "edge-key", "Authorization", "content-digest", "x-other"]
    {
        let twice = draft.clone().line(name, "value");
        assert_eq!(judged(&twice, &edge), Err(Refusal::SignatureCoverage), "{name} twice");
    }
}

#[test]
fn only_method_authority_and_plain_fields_are_covered() {
    let edge = Edge::hmac();
    let target = [
        "@path",
        "@query",
        "@target-uri",
        "@request-target",
        "@scheme",
        "@status",
        "@signature-params",
        "@query-param",
        "@METHOD",
        "@",
        "@edge-target",
        "Accept",
        "ACCEPT",
        "",
        "accept ",
        "ac cept",
        "accept:",
    ];
    for name in target {
        assert_eq!(judged(&Draft::new(&edge).covering(name), &edge), Err(Refusal::SignatureCoverage), "{name:?}");
    }
    for parameter in ["sf", "key=\"a\"", "bs", "tr", "req", "name=\"x\"", "x=1"] {
        for name in ["@method", "@authority", "edge-target", "accept", "@query-param"] {
            let signed = Draft::new(&edge).sign(&edge);
            let input = signed.line("signature-input").replace("=(", &format!("=(\"{name}\";{parameter} "));
            let judged = signed.with_line("signature-input", &input).judge(&edge.key);
            assert_eq!(judged, Err(Refusal::SignatureCoverage), "{name};{parameter}");
        }
    }
}

#[test]
fn a_component_is_covered_once() {
    let edge = Edge::hmac();
    for name in ["@method", "@authority", "edge-target", "edge-client"] {
        assert_eq!(judged(&Draft::new(&edge).covering(name), &edge), Err(Refusal::SignatureCoverage), "{name}");
    }
}

#[test]
fn covered_components_are_few() {
    let edge = Edge::hmac();
    let with_more =
        |more: usize| (0..more).fold(Draft::new(&edge), |draft, n| draft.signed_line(&format!("x-{n}"), "v"));
    assert_eq!(judged(&with_more(limits::COVERED_COMPONENTS - 4), &edge), Ok(Tag::Caller));
    assert_eq!(judged(&with_more(limits::COVERED_COMPONENTS - 3), &edge), Err(Refusal::SignatureCoverage));
}

/// No gateway passes such a name on, but an event is only a text.
#[test]
fn a_header_is_never_a_derived_component() {
    let edge = Edge::hmac();
    for name in ["@method", "@authority"] {
        let refusal = judged(&Draft::new(&edge).line(name, "GET"), &edge);
        assert_eq!(refusal, Err(Refusal::SignatureCoverage), "{name}");
    }
}

#[test]
fn edge_headers_are_known_in_any_case() {
    for name in ["edge-", "Edge-Key", "EDGE-KEY", "eDgE-x", "edge_key", "Edge_Client"] {
        assert!(is_edge_header(name), "{name}");
    }
    for name in ["", "edge", "edgekey", "xedge-", "édge-", "ed", "x-edge-key"] {
        assert!(!is_edge_header(name), "{name}");
    }
}

#[test]
fn a_spelling_that_a_back_end_takes_for_a_covered_header_is_refused() {
    let edge = Edge::hmac();
    for (name, refusal) in [
        ("edge_client", Refusal::EdgeHeaderUnsigned),
        ("Edge_Key", Refusal::EdgeHeaderUnsigned),
        ("Content_Digest", Refusal::SignatureCoverage),
    ] {
        assert_eq!(judged(&Draft::new(&edge).line(name, "x"), &edge), Err(refusal), "{name}");
    }
}
