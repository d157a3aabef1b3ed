//! Path and query of the request to the back end.
//!
//! They mean what the gateway matched and the authorizer judged, and they are spelt as the client spelt
//! them as far as that is known. What the event shows only decoded is taken from the signed
//! `Edge-Target`, if that says the same, else encoded anew. There is never a scheme or a host in them,
//! nor anything that one reader would take for another path than the next. Refuses to know where the
//! request goes.

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use countersign_decision::target::Target;
use countersign_function::lines::Line;
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::event::{Kind, Query, Request};
use crate::failure::Failure;

#[derive(Debug, Eq, PartialEq)]
pub struct Wire {
    /// Percent-encoded, with one `/` in front.
    pub path: String,
    /// Without `?`; `None` if it is empty.
    pub query: Option<String>,
}

impl Wire {
    /// # Errors
    /// `PathRefused` if the path is none that a signed target could have, or begins with `//`, which as a
    /// reference would be a host.
    pub fn of(request: &Request<'_>) -> Result<Self, Failure> {
        Self::spelt(request.kind, &request.path, &request.query, signed_target(request))
    }

    /// The path percent-decoded once: what routes and doors are looked for with.
    pub fn decoded_path(&self) -> Cow<'_, str> {
        percent_decode_str(&self.path).decode_utf8_lossy()
    }

    fn spelt(kind: Kind, path: &str, query: &Query<'_>, target: Option<Target<'_>>) -> Result<Self, Failure> {
        let path = match kind {
            Kind::Rest => utf8_percent_encode(path, NEVER_RAW).to_string(),
            Kind::Http => match target.and_then(|target| target.path_tail(path)) {
                Some(signed) => signed.to_owned(),
                None => utf8_percent_encode(path, REBUILT).to_string(),
            },
        };
        if path.starts_with("//") || !Target::is_path(&path) {
            return Err(Failure::PathRefused);
        }
        let query = match query {
            Query::Raw(raw) => utf8_percent_encode(raw, UNSENDABLE).to_string(),
            Query::Decoded(pairs) => match target.and_then(|target| target.query_of(pairs)) {
                Some(signed) => signed.to_owned(),
                None => rebuilt(pairs),
            },
        };
        Ok(Self { path, query: Some(query).filter(|query| !query.is_empty()) })
    }
}

/// What cannot stand in a request's target at all.
const UNSENDABLE: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>');

/// Nor, without an escape, in a path.
const NEVER_RAW: &AsciiSet = &UNSENDABLE.add(b'?').add(b'\\').add(b'`').add(b'{').add(b'}');

/// Of a decoded path: whatever RFC 3986 does not allow in one.
const REBUILT: &AsciiSet = &NEVER_RAW.add(b'%').add(b'[').add(b']').add(b'^').add(b'|');

/// Of a decoded name or value: all but RFC 3986's unreserved characters.
const PARAMETER: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The target that the edge signed. Without a verified signature there is none, whatever a header says.
fn signed_target<'r>(request: &'r Request<'_>) -> Option<Target<'r>> {
    request.identity.as_ref()?.edge_keyid()?;
    Target::parse(request.header("edge-target")?).ok()
}

/// Names and values in the order of the event, each value with an `=` and each space as `%20`: how the
/// client spelt them is lost.
fn rebuilt(pairs: &[Line<'_>]) -> String {
    let encoded = |text| utf8_percent_encode(text, PARAMETER);
    let parameters = pairs.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
    parameters.collect::<Vec<_>>().join("&")
}
