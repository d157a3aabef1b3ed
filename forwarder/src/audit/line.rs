//! The shape of an audit line: never a credential, a header or a body, and nothing that breaks the line.

use std::net::IpAddr;

use countersign_function::journal::metrics::{Directive, Metadata, Metric, Unit};
use countersign_function::journal::{self, Long, Quoted};
use serde::Serialize;

use super::Entry;
use crate::identity::Identity;

/// Closed lists both.
const DIMENSIONS: &[&[&str]] = &[&["outcome"], &["outcome", "code"]];

const METRICS: [Metric; 3] = [
    Metric { name: "Forwards", unit: Unit::Count },
    Metric { name: "ForwardDuration", unit: Unit::Microseconds },
    Metric { name: "ForwardsKept", unit: Unit::Count },
];

/// A line that tells the request. `requests`: how many it counts for.
pub(super) fn whole(entry: &Entry<'_>, requests: u64, namespace: &str) -> Option<String> {
    let (request, trace) = (entry.request, entry.trace);
    let identity = request.and_then(|request| request.identity.as_ref());
    let said = |name: &str| identity.and_then(|identity| identity.get(name)).map(Quoted);
    journal::line(&Line {
        outcome: entry.outcome.outcome,
        code: entry.outcome.code,
        forwards: requests,
        duration: entry.duration.as_micros(),
        invocation: Quoted(entry.invocation),
        request_id: request.and_then(|r| r.request_id.as_deref()).map(Quoted),
        event: request.map(|r| r.event()),
        api: request.and_then(|r| r.api.as_deref()).map(Quoted),
        stage: request.and_then(|r| r.stage.as_deref()).map(Quoted),
        method: request.map(|r| Quoted(&r.method)),
        route: request.and_then(|r| r.route.as_deref()).map(Quoted),
        table_route: trace.table_route.as_deref(),
        backend: trace.backend.as_deref(),
        backend_duration: trace.backend_duration.map(|duration| duration.as_micros()),
        status: entry.status,
        bytes: trace.bytes,
        principal: said("principal"),
        key_id: said("key_id"),
        issuer: said("issuer"),
        edge_keyid: said("edge_keyid"),
        ray: said("ray"),
        client_ip: identity.and_then(Identity::client_ip),
        causes: entry.causes.iter().map(|cause| Long(cause)).collect(),
        kept: entry.kept,
        kept_count: entry.kept.len(),
        metrics: metadata(entry, namespace, &METRICS),
    })
}

/// A line that only counts, for requests that get no line of their own.
pub(super) fn count(entry: &Entry<'_>, requests: u64, namespace: &str) -> Option<String> {
    let metrics = metadata(entry, namespace, METRICS.get(..1).unwrap_or_default());
    journal::line(&Count { outcome: entry.outcome.outcome, code: entry.outcome.code, forwards: requests, metrics })
}

fn metadata<'a>(entry: &Entry<'_>, namespace: &'a str, metrics: &'a [Metric]) -> Metadata<[Directive<'a>; 1]> {
    Metadata::new(entry.now, [Directive { namespace, dimensions: DIMENSIONS, metrics }])
}

#[derive(Serialize)]
struct Count<'a> {
    outcome: &'static str,
    code: &'static str,
    #[serde(rename = "Forwards")]
    forwards: u64,
    #[serde(rename = "_aws")]
    metrics: Metadata<[Directive<'a>; 1]>,
}

#[derive(Serialize)]
struct Line<'a> {
    outcome: &'static str,
    code: &'static str,
    #[serde(rename = "Forwards")]
    forwards: u64,
    /// Microseconds from the event to the answer; to the end of one that is streamed.
    #[serde(rename = "ForwardDuration")]
    duration: u128,
    invocation: Quoted<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<Quoted<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    api: Option<Quoted<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stage: Option<Quoted<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<Quoted<'a>>,
    /// The gateway's route; the table's is `table_route`.
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<Quoted<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    table_route: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    backend: Option<&'a str>,
    /// Microseconds of `ForwardDuration` that went into waiting for the back end.
    #[serde(skip_serializing_if = "Option::is_none")]
    backend_duration: Option<u128>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    principal: Option<Quoted<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_id: Option<Quoted<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<Quoted<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    edge_keyid: Option<Quoted<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ray: Option<Quoted<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_ip: Option<IpAddr>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    causes: Vec<Long<'a>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    kept: &'a [&'static str],
    #[serde(rename = "ForwardsKept")]
    kept_count: usize,
    #[serde(rename = "_aws")]
    metrics: Metadata<[Directive<'a>; 1]>,
}
