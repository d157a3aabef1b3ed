//! A query on the wire, compared with the decoded maps of an event.
//!
//! The maps lose the order across names and keep it within one; `+` and `%20` are both a space in
//! them. WHATWG URL, `application/x-www-form-urlencoded` parsing.

use std::borrow::Cow;

use percent_encoding::percent_decode;

use crate::limits;
use crate::request::Line;

/// Whether `query` decodes to exactly `pairs`: every name, every value, each as often and, within a
/// name, in the same order.
pub(super) fn agrees(query: &str, pairs: &[Line<'_>]) -> bool {
    // Counted first, so that no more is decoded and sorted than the limit.
    if pairs.len() > limits::QUERY_PARAMETERS || pairs.len() != count(query) {
        return false;
    }
    let Some(mut signed) = pieces(query).map(decode_pair).collect::<Option<Vec<_>>>() else { return false };
    let mut reported: Vec<_> = pairs.iter().collect();
    // Stable, so that the values of one name keep their order.
    signed.sort_by(|(a, _), (b, _)| a.cmp(b));
    reported.sort_by_key(|(name, _)| name);
    signed.iter().eq(reported)
}

/// Parameters of a query on the wire.
pub(super) fn count(query: &str) -> usize {
    pieces(query).count()
}

fn pieces(query: &str) -> impl Iterator<Item = &str> {
    query.split('&').filter(|piece| !piece.is_empty())
}

/// `None` when a name or value is not UTF-8.
fn decode_pair(piece: &str) -> Option<(Cow<'_, str>, Cow<'_, str>)> {
    let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
    Some((decode(name)?, decode(value)?))
}

fn decode(text: &str) -> Option<Cow<'_, str>> {
    let spaced = if text.contains('+') { Cow::Owned(text.replace('+', " ")) } else { Cow::Borrowed(text) };
    match spaced {
        Cow::Borrowed(text) => percent_decode(text.as_bytes()).decode_utf8().ok(),
        Cow::Owned(text) => {
            percent_decode(text.as_bytes()).decode_utf8().ok().map(|decoded| Cow::Owned(decoded.into_owned()))
        }
    }
}
