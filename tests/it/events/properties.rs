//! Random URLs: as sent they agree; changed in any one place they agree only if the kind's view of
//! both is the same one.

use std::collections::BTreeMap;

use countersign_authorizer::event;
use countersign_decision::decision::Fault;
use countersign_tests::events::{Kind, WireRequest};
use percent_encoding::percent_decode_str;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::Deployment;

/// Pieces of a path segment, none of which makes the path hostile or ambiguous.
fn segment() -> impl Strategy<Value = String> {
    let plain = ["a", "B", "7", "-", "~", "+", ":", "@", "|", "items"];
    let escaped = ["%20", "%2B", "%41", "%C3%A9", "%25", "%2520", "%2A"];
    prop::collection::vec(select([&plain[..], &escaped[..]].concat()), 0..4).prop_map(|pieces| pieces.concat())
}

fn resource() -> impl Strategy<Value = String> {
    let path = prop::collection::vec(segment(), 1..5).prop_map(|segments| {
        // The first segment is never empty: slashes there are merged on REST before the event is made.
        let joined = segments.join("/");
        format!("/{}", joined.trim_start_matches('/'))
    });
    (path, query()).prop_map(|(path, query)| if query.is_empty() { path } else { format!("{path}?{query}") })
}

fn query() -> impl Strategy<Value = String> {
    let names = select(&["x", "X", "y", "%78", "a+b", "a%20b", "", "caf%C3%A9"][..]);
    let values = select(&["", "=", "=1", "=2", "=a+b", "=a%2Bb", "=a%20b", "=%26", "=b=c", "=%E2%82%AC", "=/?:@"][..]);
    prop::collection::vec((names, values), 0..6)
        .prop_map(|pairs| pairs.iter().map(|(name, value)| format!("{name}{value}")).collect::<Vec<_>>().join("&"))
}

/// One change, somewhere in path or query.
fn change() -> impl Strategy<Value = (Index, &'static str, usize)> {
    let insertions = vec!["", "/", "a", "%20", "%41", "+", "&", "=", "x=1&", "?", "/prod", "%2F"];
    (any::<Index>(), select(insertions), 0..3_usize)
}

fn changed(target: &str, (at, insert, cut): &(Index, &'static str, usize)) -> String {
    // Never the slash in front: without it there is no request.
    let at = 1 + at.index(target.len());
    let rest = target.get(at + cut..).unwrap_or_default();
    format!("{}{insert}{rest}", &target[..at.min(target.len())])
}

/// What a kind shows of a URL, according to the documentation.
#[derive(Debug, PartialEq)]
struct View {
    path: Option<Vec<u8>>,
    query: Query,
}

#[derive(Debug, PartialEq)]
enum Query {
    Raw(String),
    Decoded(BTreeMap<Vec<u8>, Vec<Vec<u8>>>),
}

fn view(kind: Kind, target: &str) -> View {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let path = match kind {
        Kind::RestRequest => Some(path.as_bytes().to_vec()),
        Kind::Http1 | Kind::Http2 => Some(percent_decode_str(path).collect()),
        Kind::WebSocket | Kind::RestToken => None,
    };
    let query = match kind {
        Kind::Http2 => Query::Raw(query.to_owned()),
        _ => Query::Decoded(grouped(query)),
    };
    View { path, query }
}

fn grouped(query: &str) -> BTreeMap<Vec<u8>, Vec<Vec<u8>>> {
    let mut groups: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for piece in query.split('&').filter(|piece| !piece.is_empty()) {
        let mut halves =
            piece.splitn(2, '=').map(|half| percent_decode_str(&half.replace('+', "%20")).collect::<Vec<u8>>());
        groups.entry(halves.next().unwrap_or_default()).or_default().push(halves.next().unwrap_or_default());
    }
    groups
}

/// Whether the gateway would take it for a request to the same stage, of a form that events render.
fn is_request_of(deployment: &Deployment, target: &str) -> bool {
    let base = deployment.api.target("");
    let path = target.split('?').next().unwrap_or_default();
    let routed = path.strip_prefix(&base).is_some_and(|rest| rest.starts_with('/') && !rest.starts_with("//"));
    let whole_escapes = target.match_indices('%').all(|(at, _)| {
        target.get(at + 1..at + 3).is_some_and(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
    });
    let text = |text: &str| percent_decode_str(&text.replace('?', "")).decode_utf8().is_ok();
    routed && whole_escapes && text(target)
}

proptest! {
    // Some changes make no request of it: the more cases are asked for, the more of them.
    #![proptest_config(ProptestConfig { max_global_rejects: 1_000_000, ..ProptestConfig::default() })]

    #[test]
    fn what_was_sent_agrees(resource in resource(), deployment in 0..5_usize) {
        let deployment = &Deployment::all()[deployment];
        let target = deployment.api.target(&resource);
        for kind in Kind::SIGNABLE {
            let agreed = deployment.agrees(kind, &target, &target);
            prop_assert_eq!(agreed, Ok(()), "{:?} {} {:?}", kind, target, deployment.map);
        }
    }

    #[test]
    fn what_was_changed_disagrees_unless_it_looks_the_same(
        resource in resource(),
        change in change(),
        deployment in 0..5_usize,
    ) {
        let deployment = &Deployment::all()[deployment];
        let signed = deployment.api.target(&resource);
        let sent = changed(&signed, &change);
        prop_assume!(is_request_of(deployment, &sent));
        for kind in Kind::SIGNABLE {
            let same = view(kind, &signed) == view(kind, &sent);
            let agreed = deployment.agrees(kind, &signed, &sent);
            prop_assert_eq!(agreed.is_ok(), same, "{:?} signed {}, sent {}: {:?}", kind, signed, sent, agreed);
        }
    }

    #[test]
    fn unrelated_requests_disagree_unless_they_look_the_same(
        signed in resource(),
        sent in resource(),
        deployment in 0..5_usize,
    ) {
        let deployment = &Deployment::all()[deployment];
        let (signed, sent) = (deployment.api.target(&signed), deployment.api.target(&sent));
        for kind in Kind::SIGNABLE {
            let same = view(kind, &signed) == view(kind, &sent);
            prop_assert_eq!(deployment.agrees(kind, &signed, &sent).is_ok(), same, "{:?} {} {}", kind, signed, sent);
        }
    }

    #[test]
    fn any_text_as_a_target_is_judged_without_a_panic(target in "\\PC*", sent in resource(), kind in select(&Kind::ALL[..])) {
        let deployment = &Deployment::all()[2];
        let sent = deployment.api.target(&sent);
        if deployment.agrees(kind, &target, &sent).is_ok() {
            prop_assert_eq!(view(kind, &target), view(kind, &sent));
        }
    }

    #[test]
    fn a_damaged_event_is_read_or_refused_without_a_panic(
        resource in resource(),
        kind in select(&Kind::ALL[..]),
        damage in prop::collection::vec((any::<Index>(), any::<u8>(), 0..40_usize), 1..4),
    ) {
        let api = &Deployment::all()[2].api;
        let sent = WireRequest::new("GET", &api.domain, &api.target(&resource));
        let mut payload = serde_json::to_vec(&api.event(kind, &sent)).unwrap();
        for (at, byte, cut) in damage {
            let at = at.index(payload.len());
            let end = payload.len().min(at + cut);
            payload.splice(at..end, [byte]);
        }
        // Lambda's runtime hands on text only.
        if let Err(unreadable) = event::parse(&String::from_utf8_lossy(&payload)) {
            prop_assert_eq!(unreadable.fault, Fault::EventUnreadable);
        }
    }
}
