//! The shape of an audit line: never a credential, never a raw header, nothing that breaks the line.

use std::net::IpAddr;

use countersign_function::journal::metrics::{Directive, Metadata, Metric, Unit};
use countersign_function::journal::{self, Long, Quoted};
use serde::Serialize;

use super::Entry;

/// A line that tells the decision. `decisions`: how many it counts for.
pub(super) fn whole(entry: &Entry<'_>, decisions: u64, namespace: &str) -> Option<String> {
    let (request, evidence) = (entry.request, entry.evidence);
    journal::line(&Line {
        outcome: entry.outcome,
        code: entry.code,
        decisions,
        duration: Some(entry.duration.as_micros()),
        invocation: Some(Quoted(entry.invocation)),
        request_id: request.and_then(|r| r.request_id.as_deref()).map(Quoted),
        event: request.map(|r| r.kind.name()),
        api: request.map(|r| Quoted(&r.arn.api_id)),
        stage: request.map(|r| Quoted(&r.arn.stage)),
        method: request.map(|r| Quoted(&r.method)),
        route: request.and_then(|r| r.route.as_deref()).map(Quoted),
        principal: evidence
            .and_then(|e| e.principal.as_deref().or_else(|| Some(&e.key.as_ref()?.principal)))
            .map(Quoted),
        key_id: evidence.and_then(|e| e.key.as_ref()).map(|key| Quoted(&key.key_id)),
        issuer: evidence.and_then(|e| e.issuer.as_deref()).map(Quoted),
        edge_keyid: evidence.and_then(|e| e.edge_keyid).map(Quoted),
        ray: evidence.and_then(|e| e.client.as_ref()?.ray.as_deref()).map(Quoted),
        country: evidence.and_then(|e| e.client.as_ref()?.country.as_deref()).map(Quoted),
        client_ip: evidence.and_then(|e| e.client_ip()),
        detail: evidence.and_then(|e| e.detail.as_deref()).map(Long),
        causes: entry.causes.iter().map(|cause| Long(cause)).collect(),
        kept: entry.kept,
        kept_count: entry.kept.len(),
        metrics: metrics(entry, namespace),
    })
}

/// A line that only counts, for allowed requests that get no line of their own.
pub(super) fn count(entry: &Entry<'_>, decisions: u64, namespace: &str) -> Option<String> {
    let metrics = metrics(entry, namespace);
    journal::line(&Count { outcome: entry.outcome, code: entry.code, decisions, metrics })
}

#[derive(Serialize)]
struct Count<'a> {
    outcome: &'static str,
    code: &'static str,
    #[serde(rename = "Decisions")]
    decisions: u64,
    #[serde(rename = "_aws")]
    metrics: Metrics<'a>,
}

#[derive(Serialize)]
struct Line<'a> {
    outcome: &'static str,
    code: &'static str,
    #[serde(rename = "Decisions")]
    decisions: u64,
    /// Microseconds from the event's first byte to the answer's last.
    #[serde(rename = "Duration", skip_serializing_if = "Option::is_none")]
    duration: Option<u128>,
    #[serde(skip_serializing_if = "Option::is_none")]
    invocation: Option<Quoted<'a>>,
    /// API Gateway's own id of the request, as in its access log.
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
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<Quoted<'a>>,
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
    country: Option<Quoted<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_ip: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<Long<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    causes: Vec<Long<'a>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    kept: &'a [&'static str],
    #[serde(rename = "Kept")]
    kept_count: usize,
    #[serde(rename = "_aws")]
    metrics: Metrics<'a>,
}

/// Dimensions are outcome and code only: each further one would be a metric per value, and callers
/// choose values.
const DIMENSIONS: [&[&str]; 2] = [&["outcome"], &["outcome", "code"]];
const METRICS: [Metric; 3] = [
    Metric { name: "Decisions", unit: Unit::Count },
    Metric { name: "Duration", unit: Unit::Microseconds },
    Metric { name: "Kept", unit: Unit::Count },
];

type Metrics<'a> = Metadata<[Directive<'a>; 1]>;

fn metrics<'a>(entry: &Entry<'_>, namespace: &'a str) -> Metrics<'a> {
    Metadata::new(entry.now, [Directive { namespace, dimensions: &DIMENSIONS, metrics: &METRICS }])
}
