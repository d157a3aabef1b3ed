//! Odd URLs through the whole chain: bytes over a socket to the edge Worker in workerd, what it signs and sends, the
//! event that each kind of API makes of that, and the authorizer's verdict.
//!
//! Either the edge refuses, with a code of its own, or what it sends is what was asked for, with the escapes that the
//! URL standard adds and nothing else; and every kind that can carry it accepts it, and accepts it nowhere else.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::Mutex;

use countersign_tests::binary;
use countersign_tests::events::{Kind, WireRequest};
use proptest::prelude::*;
use proptest::test_runner::{TestCaseResult, TestRunner};
use tokio::runtime::Runtime;

use chain::{Chain, Outcome};

mod chain;
mod targets;

/// What the edge says to targets; all of its other codes have other reasons.
const CODES: [(u16, &str); 5] = [
    (400, "target_malformed"),
    (400, "path_hostile"),
    (404, "inside_path"),
    (414, "url_too_long"),
    (431, "headers_too_large"),
];

/// Calls `check` with many targets, for which one chain is enough; afterwards, how often what it has noted was so.
fn with_many(
    targets: impl Strategy<Value = Vec<u8>>,
    check: impl AsyncFn(&Chain, &[u8], &Noted) -> TestCaseResult,
) -> Option<BTreeMap<String, u32>> {
    if binary::edge_worker().is_none() {
        println!("There is no edge Worker to ask: see COUNTERSIGN_WORKERD in the Makefile.");
        return None;
    }
    let runtime = Runtime::new().unwrap();
    let chain = runtime.block_on(Chain::start());
    let noted = Noted::default();
    let config = ProptestConfig::with_source_file(file!());
    let cases = config.cases;
    let outcome = TestRunner::new(config).run(&targets, |target| runtime.block_on(check(&chain, &target, &noted)));
    outcome.unwrap_or_else(|failed| panic!("{failed}\n{}", chain.edge.said()));
    let counts = noted.0.into_inner().unwrap();
    let told: Vec<_> = counts.iter().map(|(what, count)| format!("{count} x {what}")).collect();
    println!("{cases} targets: {}", told.join(", "));
    Some(counts)
}

#[derive(Default)]
struct Noted(Mutex<BTreeMap<String, u32>>);

impl Noted {
    fn note(&self, what: impl Display) {
        *self.0.lock().unwrap().entry(what.to_string()).or_default() += 1;
    }
}

#[test]
fn what_is_only_odd_arrives() {
    let counts = with_many(targets::odd(), async |chain, target, noted| {
        let Outcome::Sent(request) = chain.ask(target).await else {
            return Err(TestCaseError::fail(format!("{} is refused", target.escape_ascii())));
        };
        arrived(chain, target, &request, noted).await
    });
    if let Some(counts) = counts {
        let of = |kind: &str| counts[kind];
        assert!(["RestRequest", "Http1", "Http2"].iter().all(|kind| 2 * of(kind) > of("WebSocket")), "{counts:?}");
    }
}

#[test]
fn what_is_hostile_is_refused_or_arrives() {
    let counts = with_many(targets::any(), async |chain, target, noted| match chain.ask(target).await {
        Outcome::Sent(request) => arrived(chain, target, &request, noted).await,
        Outcome::Refused(status, code) => {
            let is_http = !target.iter().any(u8::is_ascii_whitespace);
            let clear = if is_http { CODES.contains(&(status, &code)) } else { (status, code.as_str()) == (400, "") };
            prop_assert!(clear, "{status} {code:?} for {}", target.escape_ascii());
            noted.note(if is_http { &code } else { "no request of HTTP" });
            Ok(())
        }
    });
    if let Some(counts) = counts {
        let all = ["RestRequest", "target_malformed", "path_hostile", "inside_path"];
        assert!(all.iter().all(|what| counts.contains_key(*what)), "{counts:?}");
    }
}

/// What was sent, held against what was asked for and against what each kind of API makes of it.
async fn arrived(chain: &Chain, asked: &[u8], request: &WireRequest, noted: &Noted) -> TestCaseResult {
    let written = targets::written(asked);
    let asked = asked.escape_ascii();
    prop_assert_eq!(&request.target, &chain.deployment.api.target(&written), "{}", asked);
    prop_assert_eq!(request.header("edge-target"), Some(request.target.as_str()));
    for kind in Kind::SIGNABLE {
        let expected = verdict(kind, &written);
        prop_assert_eq!(chain.judge(kind, request).await, expected, "{:?} {}", kind, asked);
        if expected != ALLOWED {
            noted.note(format!("{kind:?} cannot carry it"));
            continue;
        }
        noted.note(format!("{kind:?}"));
        if kind != Kind::WebSocket {
            let moved = WireRequest { target: targets::elsewhere(&request.target), ..request.clone() };
            prop_assert_eq!(chain.judge(kind, &moved).await, "target_mismatch", "{:?} {}", kind, moved.target);
        }
    }
    Ok(())
}

const ALLOWED: &str = "allow";

/// What the authorizer must say to a target, as it stands below the stage, because of what its kind of API makes of it:
/// REST merges slashes where a path begins, so what it routes is not what was signed; HTTP APIs route by a decoded
/// path, in which `*` and `$` would be part of an ARN.
fn verdict(kind: Kind, target: &str) -> &'static str {
    let path = target.split('?').next().unwrap_or_default().to_ascii_lowercase();
    match kind {
        Kind::RestRequest if path.starts_with("//") => "target_mismatch",
        Kind::Http1 | Kind::Http2 if path.contains("%2a") || path.contains("%24") => "path_hostile",
        _ => ALLOWED,
    }
}
