//! Which credentials are on a request. Reading is not judging: nothing here is verified.
//!
//! *Not presented* is `None`; *presented and wrong* is a refusal, which no other credential rescues.

use crate::api_key::KeyHash;
use crate::decision::Refusal;
use crate::request::{EventKind, Request, Sent};
use crate::rules::{EdgeProof, Rules};
use crate::signature::{self, Claim, Tag};
use crate::token::Unverified;

/// Everything presented, by what it is a proof of.
pub struct Presented<'r> {
    pub edge: Option<Edge<'r>>,
    pub key: Option<KeyHash>,
    pub token: Option<Unverified<'r>>,
}

pub enum Edge<'r> {
    Signature(Claim<'r>),
    Token(Unverified<'r>),
}

pub fn read<'r>(request: &'r Request<'_>, rules: &Rules) -> Result<Presented<'r>, Refusal> {
    if request.kind == EventKind::RestToken {
        return read_token_event(request);
    }
    let edge = read_edge(request, rules)?;
    let signed = matches!(edge, Some(Edge::Signature(_)));
    let presented = Presented { key: read_key(request, rules, signed)?, token: read_bearer(request)?, edge };
    let inside = matches!(&presented.edge, Some(Edge::Signature(claim)) if claim.tag == Tag::Inside);
    if inside && (presented.key.is_some() || presented.token.is_some()) {
        return Err(Refusal::CredentialsAmbiguous);
    }
    Ok(presented)
}

/// A TOKEN event carries one header's value: `Bearer` and a token, or an API key.
fn read_token_event<'r>(request: &'r Request<'_>) -> Result<Presented<'r>, Refusal> {
    let none = Presented { edge: None, key: None, token: None };
    match request.authorization_token.as_deref().map(str::trim) {
        None | Some("") => Ok(none),
        Some(value) => match bearer(value) {
            Some(token) => Ok(Presented { token: Some(Unverified::read(token)?), ..none }),
            None => Ok(Presented { key: Some(KeyHash::of_raw(value)?), ..none }),
        },
    }
}

fn read_edge<'r>(request: &'r Request<'_>, rules: &Rules) -> Result<Option<Edge<'r>>, Refusal> {
    let takes = |proof: fn(EdgeProof) -> bool| rules.edge.is_some_and(proof);
    let claim = signature::read(&request.headers)?;
    let token = request.headers.sent("edge-token");
    match (claim, token) {
        (Some(_), Sent::Once(_) | Sent::Repeatedly) | (None, Sent::Repeatedly) => Err(Refusal::CredentialsAmbiguous),
        (Some(claim), Sent::Never) if takes(EdgeProof::takes_signature) => Ok(Some(Edge::Signature(claim))),
        (None, Sent::Once(token)) if takes(EdgeProof::takes_token) => {
            only_edge_header(request, "edge-token")?;
            Ok(Some(Edge::Token(Unverified::read(token)?)))
        }
        // A proof that this deployment cannot verify is no proof, and its headers are unsigned.
        (Some(_), Sent::Never) => Err(Refusal::EdgeHeaderUnsigned),
        (None, _) => only_edge_header(request, "").map(|()| None),
    }
}

/// Back ends may trust `edge-*` headers, so one that nothing proves never passes.
fn only_edge_header(request: &Request<'_>, allowed: &str) -> Result<(), Refusal> {
    let is_stray = |name: &str| signature::is_edge_header(name) && !name.eq_ignore_ascii_case(allowed);
    let stray = request.headers.iter().any(|(name, _)| is_stray(name));
    if stray { Err(Refusal::EdgeHeaderUnsigned) } else { Ok(()) }
}

/// Behind an edge signature the key stays at the edge and only its hash comes along.
fn read_key(request: &Request<'_>, rules: &Rules, signed: bool) -> Result<Option<KeyHash>, Refusal> {
    let raw = request.headers.sent(&rules.api_key_header);
    match (signed, raw) {
        (true, Sent::Never) => match request.headers.sent("edge-key") {
            Sent::Never => Ok(None),
            Sent::Once(hash) => KeyHash::from_hex(hash).map(Some),
            Sent::Repeatedly => Err(Refusal::SignatureCoverage),
        },
        (false, Sent::Never) => Ok(None),
        (false, Sent::Once(raw)) => KeyHash::of_raw(raw).map(Some),
        (true, Sent::Once(_)) | (_, Sent::Repeatedly) => Err(Refusal::CredentialsAmbiguous),
    }
}

fn read_bearer<'r>(request: &'r Request<'_>) -> Result<Option<Unverified<'r>>, Refusal> {
    match request.headers.sent("authorization") {
        Sent::Never => Ok(None),
        Sent::Once(value) => match bearer(value.trim()) {
            Some(token) => Unverified::read(token).map(Some),
            None => Err(Refusal::AuthorizationScheme),
        },
        Sent::Repeatedly => Err(Refusal::CredentialsAmbiguous),
    }
}

/// RFC 6750: the scheme's case does not matter.
fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_start())
}
