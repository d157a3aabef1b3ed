//! `Edge-Target`: the path and query that the edge sent, and whether the event is about them.
//!
//! Its bytes are what is signed; nothing is rebuilt from the event. The event is a lossy view of the
//! request, another one for each kind, and agrees only if every other target that would look the same
//! differs from this one in nothing but what that view is documented to lose. Knows no signature.

mod mismatch;
mod query;
#[cfg(test)]
mod tests;

use percent_encoding::percent_decode_str;

pub use self::mismatch::Mismatch;
use crate::decision::Refusal;
use crate::path_map::PathMap;
use crate::request::{Arn, EventKind, Line, PathView, QueryView, Request};
use crate::{limits, path};

/// Path and query of the outgoing URL, as sent. `/items` and `/items?` are the same.
#[derive(Clone, Copy, Debug)]
pub struct Target<'t> {
    path: &'t str,
    query: &'t str,
}

impl<'t> Target<'t> {
    /// Takes what a WHATWG URL serialises to, without the escapes that some event kinds cannot tell
    /// from what they stand for.
    ///
    /// # Errors
    ///
    /// `TargetMalformed` or, for what no mode lets through, `PathHostile`.
    pub fn parse(edge_target: &'t str) -> Result<Self, Refusal> {
        let (path, query) = edge_target.split_once('?').unwrap_or((edge_target, ""));
        let well_formed = edge_target.len() <= limits::EDGE_TARGET
            && path.starts_with('/')
            && edge_target.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'#' | b'<' | b'>'))
            && !path.bytes().any(|byte| matches!(byte, b'\\' | b'`' | b'{' | b'}'))
            && escapes(path).all(|byte| !matches!(byte, None | Some(b'/' | b'\\' | b'?' | b'#' | 0)))
            && escapes(query).all(|byte| byte.is_some())
            && percent_decode_str(path).decode_utf8().is_ok();
        if !well_formed {
            return Err(Refusal::TargetMalformed);
        }
        if path::is_hostile(path) {
            return Err(Refusal::PathHostile);
        }
        Ok(Self { path, query })
    }

    /// Whether a text is a path that a target can have: a request with it is the same one to all who read it.
    pub fn is_path(text: &str) -> bool {
        Target::parse(text).is_ok_and(|target| target.path == text)
    }

    /// Compares path and query with the event's. `authority` is the one that was signed.
    pub fn agrees(&self, request: &Request<'_>, map: &PathMap, authority: &str) -> Result<(), Mismatch> {
        if !self.path_agrees(request, map, authority) {
            return Err(Mismatch::of_paths(*self, request, map, authority));
        }
        if !self.query_agrees(request) {
            return Err(Mismatch::of_queries(*self, request));
        }
        Ok(())
    }

    /// The end of the path that decodes to `decoded`: what is left of it behind a stage or a base path.
    pub fn path_tail(&self, decoded: &str) -> Option<&'t str> {
        // No slash is encoded, so both have the same number of them.
        let later_slashes = decoded.matches('/').count().checked_sub(1)?;
        let (start, _) = self.path.rmatch_indices('/').nth(later_slashes)?;
        self.path.get(start..).filter(|tail| decodes_to(tail, decoded))
    }

    /// The query as sent, without `?`, if it decodes to these names and values.
    pub fn query_of(&self, pairs: &[Line<'_>]) -> Option<&'t str> {
        query::agrees(self.query, pairs).then_some(self.query)
    }

    fn path_agrees(&self, request: &Request<'_>, map: &PathMap, authority: &str) -> bool {
        let Some(mapped) = map.event_path(authority, &request.arn, self.path) else { return false };
        let Some(routed) = path::below_stage(&mapped, &request.arn.stage) else { return false };
        let seen = match &request.path {
            PathView::Wire(path) => self.path == path,
            PathView::WireWithoutStage(path) => *path == mapped || path == routed,
            PathView::Decoded(path) => decodes_to(&mapped, path) || decodes_to(routed, path),
            // All that a WebSocket tells of its path is the stage that it led to.
            PathView::Hidden => return request.kind == EventKind::WebSocket,
        };
        seen && is_route(routed, &request.arn)
    }

    fn query_agrees(&self, request: &Request<'_>) -> bool {
        match &request.query {
            QueryView::Raw(query) => self.query == query,
            QueryView::Decoded(pairs) => query::agrees(self.query, pairs),
            QueryView::Lossy | QueryView::Hidden => false,
        }
    }
}

/// Whether a path, relative to its stage, is the one that the ARN names. This is what tells a stage
/// in front of the event's path from a resource of that name.
///
/// Whether ARNs keep, drop or rewrite escapes is not documented, and the event's own path has told
/// the escapes apart already: so any of them.
fn is_route(routed: &str, arn: &Arn<'_>) -> bool {
    let named = if arn.path.is_empty() { "/" } else { &arn.path };
    decodes_to(routed, named) || percent_decode_str(routed).eq(percent_decode_str(named))
}

fn decodes_to(encoded: &str, plain: &str) -> bool {
    percent_decode_str(encoded).eq(plain.bytes())
}

/// The byte behind each `%`; `None` where no two hexadecimal digits follow.
fn escapes(text: &str) -> impl Iterator<Item = Option<u8>> {
    text.bytes().enumerate().filter(|(_, byte)| *byte == b'%').map(|(at, _)| {
        let digits = text.get(at + 1..at + 3).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
        u8::from_str_radix(digits, 16).ok()
    })
}
