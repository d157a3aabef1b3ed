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
use countersign_function::notes::Notes;

use self::identity_headers::IdentityHeaders;
use self::names::{is_ours, plain};
use crate::event::Request;
use crate::failure::Failure;
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

    fn hides_credentials(&self) -> bool {
        !self.credentials.is_empty()
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
    /// Credentials stay behind wherever else the event shows them, too.
    pub hides_credentials: bool,
}

impl<'a> Outgoing<'a> {
    /// What the client sent and cannot be sent on is left out; nothing that was verified is.
    ///
    /// # Errors
    /// `RecordMalformed` for a verified value that a back end would read as another one, or not at all.
    pub fn new(
        request: &'a Request<'a>,
        identity: &'a Identity<'a>,
        wire: Wire,
        rules: &'a Rules,
        notes: &Notes,
    ) -> Result<Self, Failure> {
        let asked = [("x-forwarded-host", identity.client_host()), ("cf-ray", identity.ray())];
        let asked = asked.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let verified: Vec<_> = rules.identity.of(identity).chain(asked).collect();
        if let Some((name, _)) = verified.iter().find(|(name, value)| !is_read_unchanged(name, value)) {
            notes.cause(&format!("{name}: the authorizer's context has for it what a back end would read differently"));
            return Err(Failure::RecordMalformed);
        }

        let named = connection_options(request);
        let passes = |name: &str, value: &str| {
            let plain = plain(name);
            !rules.keeps_back(&plain) && !named.contains(&plain) && can_be_sent(name, value)
        };
        let own = request.headers.iter().filter(|(name, value)| passes(name, value));
        let mut headers: Vec<Line<'a>> = own.map(|(name, value)| line(name, value)).collect();
        let has_id = headers.iter().any(|(name, _)| plain(name) == "x-request-id");
        let id = request.request_id.as_deref().filter(|id| !has_id && can_be_sent("x-request-id", id));
        let domain = request.domain.as_deref().filter(|domain| can_be_sent("host", domain));

        headers.extend(verified.into_iter().map(|(name, value)| line(name, value)));
        headers.extend(client_address(request, identity).map(|ip| (Cow::Borrowed("x-forwarded-for"), ip)));
        if identity.client_host().is_none() {
            headers.extend(domain.map(|domain| line("x-forwarded-host", domain)));
        }
        headers.push(line("x-forwarded-proto", "https"));
        headers.extend(id.map(|id| line("x-request-id", id)));
        let host = identity.client_host().or(domain);
        Ok(Self { request, wire, headers, host, hides_credentials: rules.hides_credentials() })
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

/// Readers of headers take white space around a value away (RFC 9110 §5.5).
fn is_read_unchanged(name: &str, value: &str) -> bool {
    can_be_sent(name, value) && value.trim() == value
}

/// A name that is a token (RFC 9110 §5.6.2), a value without control characters: nothing that ends a line.
pub(crate) fn can_be_sent(name: &str, value: &str) -> bool {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(token) && !value.chars().any(|c| c.is_control() && c != '\t')
}
