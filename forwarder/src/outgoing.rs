//! What a back end is told: the client's request, without what only concerned its way here or claims
//! what nobody verified, and with what the authorizer did verify.
//!
//! Refuses to know which back end it is and how it is reached.

pub mod identity_headers;
pub(crate) mod names;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::net::IpAddr;

use countersign_function::lines::Line;

use self::identity_headers::IdentityHeaders;
use self::names::{is_ours, plain};
use crate::event::Request;
use crate::identity::Identity;
use crate::wire::Wire;

/// What a deployment decides about headers.
pub struct Rules {
    identity: IdentityHeaders,
    /// Where clients put credentials that back ends are not shown; plain names.
    credentials: Vec<String>,
}

impl Rules {
    /// `credentials`: names of headers that are not passed on.
    pub fn new(identity: IdentityHeaders, credentials: &[&str]) -> Self {
        Self { identity, credentials: credentials.iter().map(|name| plain(name).into_owned()).collect() }
    }

    /// Whether a client's header of this plain name stays behind.
    fn keeps_back(&self, name: &str) -> bool {
        is_ours(name) || self.identity.has(name) || self.credentials.iter().any(|own| own == name)
    }
}

/// One request as a back end gets it. It has no `Debug`: it carries credentials.
pub struct Outgoing<'a> {
    pub request: &'a Request<'a>,
    pub wire: Wire,
    /// Names in lower case; a name with several values is there several times. Neither `host` nor
    /// `content-length`: they belong to the connection.
    pub headers: Vec<Line<'a>>,
    /// What the client asked for, as far as it is known.
    pub host: Option<&'a str>,
}

impl<'a> Outgoing<'a> {
    /// What cannot be sent is left out.
    pub fn new(request: &'a Request<'a>, identity: &'a Identity<'a>, wire: Wire, rules: &'a Rules) -> Self {
        let host = identity.client_host().or(request.domain.as_deref());
        let ray = identity.ray();
        let named = connection_options(request);
        let passes = |name: &str| {
            let name = plain(name);
            let replaced = name == "cf-ray" && ray.is_some();
            !replaced && !rules.keeps_back(&name) && !named.contains(&name)
        };
        let own = request.headers.iter().filter(|(name, _)| passes(name));
        let mut headers: Vec<Line<'a>> = own.map(|(name, value)| line(name, value)).collect();
        let has_id = headers.iter().any(|(name, _)| name == "x-request-id");

        headers.extend(rules.identity.of(identity).map(|(name, value)| line(name, value)));
        headers.extend(client_address(request, identity).map(|ip| (Cow::Borrowed("x-forwarded-for"), ip)));
        headers.extend(host.map(|host| line("x-forwarded-host", host)));
        headers.push(line("x-forwarded-proto", "https"));
        headers.extend(ray.map(|ray| line("cf-ray", ray)));
        headers.extend(request.request_id.as_deref().filter(|_| !has_id).map(|id| line("x-request-id", id)));
        headers.retain(|(name, value)| can_be_sent(name, value));
        Self { request, wire, headers, host: host.filter(|host| can_be_sent("host", host)) }
    }
}

fn line<'a>(name: &'a str, value: &'a str) -> Line<'a> {
    (Cow::Borrowed(name), Cow::Borrowed(value))
}

/// RFC 9110 §7.6.1: what the client named as meant for the next hop only. It can name only its own: what
/// is added here is added later.
fn connection_options<'a>(request: &'a Request<'_>) -> Vec<Cow<'a, str>> {
    let lines = request.headers.iter().filter(|(name, _)| name == "connection");
    lines.flat_map(|(_, value)| value.split(',')).map(|name| plain(name.trim())).collect()
}

/// The caller's address if the edge proved it, else the peer's, as the gateway saw it.
fn client_address(request: &Request<'_>, identity: &Identity<'_>) -> Option<Cow<'static, str>> {
    let peer = || request.source_ip.as_deref()?.parse::<IpAddr>().ok();
    identity.client_ip().or_else(peer).map(|ip| Cow::Owned(ip.to_string()))
}

/// A name that is a token (RFC 9110 §5.6.2), a value without control characters: nothing that ends a line.
pub(crate) fn can_be_sent(name: &str, value: &str) -> bool {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(token) && !value.chars().any(|c| c.is_control() && c != '\t')
}
