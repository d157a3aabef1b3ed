//! What the edge's signature must say before anything is looked up for it.
//!
//! The profile of RFC 9421 (§1.4) that Countersign speaks: which parameters, how long they hold, and
//! which parts of the request they must cover. Everything here is decided on the request alone; only
//! the key is still missing. Not whether the signature verifies, nor what the covered values mean.

use std::ops::RangeInclusive;

use super::base::{is_field_name, is_field_text};
use super::{Claim, Tag};
use crate::decision::Refusal;
use crate::lifetimes::Lifetimes;
use crate::limits;
use crate::request::{Headers, length_bit};
use crate::time::Timestamp;

/// Covered by every signature of ours. `edge-client` is too, where there is a client.
const ALWAYS: [&str; 3] = ["@method", "@authority", "edge-target"];
/// Covered where they are on the request, besides every `edge-*` field.
const WHERE_SENT: [&str; 2] = ["authorization", "content-digest"];

const KEYID: RangeInclusive<usize> = 1..=limits::KEYID;

// One bit per component in `check_headers`.
const _: () = assert!(limits::COVERED_COMPONENTS <= u64::BITS as usize);

/// Whether a header of this name, in any case, speaks for the edge. With an underscore too: many back
/// ends (CGI and what followed it) cannot tell the two spellings apart.
pub fn is_edge_header(name: &str) -> bool {
    let is_separator = |byte: u8| matches!(byte, b'-' | b'_');
    match name.as_bytes().split_at_checked(4) {
        Some((edge, [separator, ..])) => edge.eq_ignore_ascii_case(b"edge") && is_separator(*separator),
        _ => false,
    }
}

/// Whether a back end could take a header of this name for `field`.
fn reads_as(name: &str, field: &str) -> bool {
    let same = |(sent, meant): (u8, u8)| sent.eq_ignore_ascii_case(&meant) || (sent == b'_' && meant == b'-');
    name.len() == field.len() && name.bytes().zip(field.bytes()).all(same)
}

/// The digest goes into the answer's context, so a caller's must fit there and be one plain line.
fn is_brief_digest(name: &str, value: &str) -> bool {
    !name.eq_ignore_ascii_case("content-digest") || (value.len() <= limits::CONTENT_DIGEST && !value.contains('\t'))
}

impl Claim<'_> {
    /// Everything about the signature that can be checked without its key.
    ///
    /// # Errors
    /// The first rule that is broken, by its name: `SignatureMalformed` for the `keyid`,
    /// `NonceMissing`, `NonceMalformed`, `SignatureWindow`, `SignatureFuture`, `SignatureStale`,
    /// `SignatureExpired`, `SignatureCoverage`, and `EdgeHeaderUnsigned`.
    pub fn check(
        &self,
        headers: &Headers<'_>,
        nonce_required: bool,
        lifetimes: &Lifetimes,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        self.check_keyid()?;
        self.check_nonce(nonce_required)?;
        self.check_times(lifetimes, now)?;
        self.check_components()?;
        self.check_headers(headers)
    }

    /// An opaque name: nothing in it that a path, a query or a log line could take for its own.
    fn check_keyid(&self) -> Result<(), Refusal> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        let holds = KEYID.contains(&self.keyid.len()) && self.keyid.bytes().all(is_allowed);
        if holds { Ok(()) } else { Err(Refusal::SignatureMalformed) }
    }

    /// Visible ASCII without quote, backslash and `#`, which separates the parts of the claimed key.
    fn check_nonce(&self, required: bool) -> Result<(), Refusal> {
        let Some(nonce) = self.nonce else {
            return if required { Err(Refusal::NonceMissing) } else { Ok(()) };
        };
        let is_allowed = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\' | b'#');
        let holds = limits::NONCE.contains(&nonce.len()) && nonce.bytes().all(is_allowed);
        if holds { Ok(()) } else { Err(Refusal::NonceMalformed) }
    }

    /// The skew is granted to clocks that run ahead only: nobody's signature lives longer for it.
    fn check_times(&self, lifetimes: &Lifetimes, now: Timestamp) -> Result<(), Refusal> {
        let (created, expires) = (Timestamp::from_secs(self.created), Timestamp::from_secs(self.expires));
        if expires <= created || expires.since(created) > lifetimes.signature_window {
            Err(Refusal::SignatureWindow)
        } else if created > now.plus(lifetimes.skew) {
            Err(Refusal::SignatureFuture)
        } else if now.since(created) > lifetimes.signature_age {
            Err(Refusal::SignatureStale)
        } else if expires <= now {
            Err(Refusal::SignatureExpired)
        } else {
            Ok(())
        }
    }

    /// Plain fields, `@method` and `@authority`, each once, and all that must be among them.
    fn check_components(&self) -> Result<(), Refusal> {
        let components = &self.params.components;
        let is_allowed = |name: &str| matches!(name, "@method" | "@authority") || is_field_name(name);
        let holds = components.len() <= limits::COVERED_COMPONENTS
            && components
                .iter()
                .all(|component| component.parameters.as_slice().is_empty() && is_allowed(component.name()))
            && !self.params.repeats_a_component()
            && ALWAYS.iter().all(|name| self.covers(name))
            && (self.tag == Tag::Inside || self.covers("edge-client"));
        if holds { Ok(()) } else { Err(Refusal::SignatureCoverage) }
    }

    /// Every covered field is on the request exactly once, and nothing that must be covered is not.
    fn check_headers(&self, headers: &Headers<'_>) -> Result<(), Refusal> {
        let fields = self.params.components.iter().enumerate().filter(|(_, component)| !component.is_derived());
        let mut missing = fields.fold(0_u64, |bits, (position, _)| bits | 1 << position);
        // Most headers are as long as no covered one, and need not be compared with each of them.
        let lengths = self.params.components.iter().fold(0_u64, |bits, component| bits | length_bit(component.name()));
        for (name, value) in headers.iter() {
            let position = if lengths & length_bit(name) == 0 { None } else { self.position(name) };
            if let Some(position) = position {
                let bit = 1 << position;
                if missing & bit == 0 || !is_field_text(value) || !is_brief_digest(name, value) {
                    return Err(Refusal::SignatureCoverage);
                }
                missing &= !bit;
            } else if is_edge_header(name) {
                return Err(Refusal::EdgeHeaderUnsigned);
            } else if WHERE_SENT.iter().any(|field| reads_as(name, field)) {
                return Err(Refusal::SignatureCoverage);
            }
        }
        if missing == 0 { Ok(()) } else { Err(Refusal::SignatureCoverage) }
    }

    /// Whether a component of this name is covered, written as it must be: in lower case.
    fn covers(&self, name: &str) -> bool {
        self.params.components.iter().any(|component| component.name() == name)
    }

    /// Where a component of this name, in any case, stands among those covered.
    fn position(&self, name: &str) -> Option<usize> {
        self.params.components.iter().position(|component| component.name().eq_ignore_ascii_case(name))
    }
}
