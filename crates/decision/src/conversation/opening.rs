//! What is checked before any credential is read: that the event is about an API, a host and a path
//! that this deployment answers for.

use std::borrow::Cow;
use std::net::IpAddr;

use super::Evidence;
use crate::decision::Refusal;
use crate::request::{EventKind, Request, Sent};
use crate::rules::Rules;
use crate::{limits, path};

pub(super) fn check(rules: &Rules, request: &Request<'_>, evidence: &mut Evidence<'_>) -> Result<(), Refusal> {
    evidence.source_ip =
        request.source_ip.as_deref().and_then(|ip| ip.parse::<IpAddr>().ok()).map(|ip| ip.to_canonical());
    if request.headers.len() > limits::HEADERS {
        return Err(Refusal::HeadersTooMany);
    }
    check_api(rules, request, evidence)?;
    check_authority(rules, request, evidence)?;
    let hostile = path::is_hostile(&request.arn.path) || path::is_hostile(request.path.text());
    if hostile { Err(Refusal::PathHostile) } else { Ok(()) }
}

fn check_api(rules: &Rules, request: &Request<'_>, evidence: &mut Evidence<'_>) -> Result<(), Refusal> {
    let arn = &request.arn;
    let listed = rules.apis.iter().any(|api| api.api_id == arn.api_id && api.stage == arn.stage);
    let same_api = request.api_id.as_deref().is_none_or(|api_id| api_id == arn.api_id);
    let same_stage = request.stage.as_deref().is_none_or(|stage| stage == arn.stage);
    if listed && same_api && same_stage {
        return Ok(());
    }
    evidence.say(|| format!("APIS does not list {}/{}, or the event disagrees with its ARN", arn.api_id, arn.stage));
    Err(Refusal::ApiUnknown)
}

/// `Host` and the gateway's domain name must agree where both are there, and be listed.
fn check_authority(rules: &Rules, request: &Request<'_>, evidence: &mut Evidence<'_>) -> Result<(), Refusal> {
    if request.kind == EventKind::RestToken {
        return Ok(());
    }
    let Some(authority) = authority(request) else {
        evidence.say(|| "the event has no Host and no domainName, or Host more than once".to_owned());
        return if rules.authorities.is_empty() { Ok(()) } else { Err(Refusal::AuthorityUnknown) };
    };
    let host = authority.rsplit_once(':').map_or(authority.as_ref(), |(host, _port)| host);
    if request.domain_name.as_deref().is_some_and(|domain| !domain.eq_ignore_ascii_case(host)) {
        evidence.say(|| format!("Host is {authority:?}, but the gateway's domainName is {:?}", request.domain_name));
        return Err(Refusal::AuthorityUnknown);
    }
    if rules.authorities.is_empty() || rules.authorities.iter().any(|listed| listed == authority.as_ref()) {
        return Ok(());
    }
    evidence.say(|| format!("AUTHORITIES does not list {authority:?}"));
    Err(Refusal::AuthorityUnknown)
}

/// `@authority`: the host in lower case, without the port that https has by default.
pub(super) fn authority<'r>(request: &'r Request<'_>) -> Option<Cow<'r, str>> {
    let host = match request.headers.sent("host") {
        Sent::Once(host) => host,
        Sent::Never => request.domain_name.as_deref()?,
        Sent::Repeatedly => return None,
    };
    let host = host.strip_suffix(":443").unwrap_or(host);
    // Both without an early end, so that they compile to a few instructions for many bytes.
    if host.is_empty() || !host.bytes().fold(true, |all, byte| all & byte.is_ascii_graphic()) {
        return None;
    }
    Some(if host.bytes().fold(false, |any, byte| any | byte.is_ascii_uppercase()) {
        Cow::Owned(host.to_ascii_lowercase())
    } else {
        Cow::Borrowed(host)
    })
}

/// Whether any view of the path leads to the inside doors.
pub(super) fn is_inside(request: &Request<'_>) -> bool {
    path::is_inside(&request.arn.path) || path::is_inside(request.path.text())
}
