//! Paths that no deployment lets through, paths that only the edge's own requests may have, and paths with
//! a stage in front.
//!
//! Judges the text alone, whichever credentials came with it. A path is looked at as it is and in
//! every form that a back end could decode it to. RFC 3986 §2.1, §5.2.4.

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use percent_encoding::percent_decode;

/// Served by the forwarder for the edge itself; no caller's grant reaches it or anything below.
pub const INSIDE: &str = "/.countersign";

/// How often a path may be percent-encoded over itself. What still changes then is nobody's path.
const ENCODINGS: usize = 3;

/// Whether a path could mean another one to whoever reads it next.
///
/// `*`, `?` and `$` count only where they are literal, since only there would they be wildcards or
/// variables of a policy; dot segments and control characters count in every decoded form.
pub fn is_hostile(path: &str) -> bool {
    path.bytes().fold(false, |any, byte| any | matches!(byte, b'*' | b'?' | b'$')) || is_hostile_grant(path)
}

/// The same for the path of a grant, where a wildcard is meant.
pub fn is_hostile_grant(path: &str) -> bool {
    in_any_form(path, |form| {
        form.iter().fold(false, |any, byte| any | byte.is_ascii_control())
            || (has_dot(form) && segments(form).any(|name| matches!(name, b"." | b"..")))
    })
}

/// Whether a path decodes to one with a segment named as [`INSIDE`] is. Anywhere, not only in front:
/// the policies that shut the doors match any text before it. Errs on the side of yes.
pub fn is_inside(path: &str) -> bool {
    let inside = INSIDE.trim_start_matches('/').as_bytes();
    in_any_form(path, |form| has_dot(form) && segments(form).any(|name| name.eq_ignore_ascii_case(inside)))
}

/// What follows the stage in a path of the default endpoint, `/` if nothing does; the stage `$default` is in
/// no path. `None`: the path lies elsewhere.
pub fn below_stage<'p>(path: &'p str, stage: &str) -> Option<&'p str> {
    match stage {
        "" => return None,
        "$default" => return Some(path),
        _ => {}
    }
    match path.strip_prefix('/')?.strip_prefix(stage)? {
        "" => Some("/"),
        rest => rest.starts_with('/').then_some(rest),
    }
}

/// Few paths have a dot, and what is looked for in their segments begins with one.
fn has_dot(path: &[u8]) -> bool {
    path.iter().fold(false, |any, byte| any | (*byte == b'.'))
}

/// Whether `found` holds for the path as it is or after any number of decodings.
fn in_any_form(path: &str, found: impl Fn(&[u8]) -> bool) -> bool {
    if !path.bytes().fold(false, |any, byte| any | (byte == b'%')) {
        return found(path.as_bytes());
    }
    let mut form = Cow::Borrowed(path.as_bytes());
    for _ in 0..=ENCODINGS {
        if found(&form) {
            return true;
        }
        let decoded = match Cow::from(percent_decode(&form)) {
            Cow::Borrowed(_) => return false,
            Cow::Owned(decoded) => decoded,
        };
        form = Cow::Owned(decoded);
    }
    true
}

/// The names between slashes of either kind, without the `;` parameters that some servers cut off
/// before they resolve dots.
fn segments(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.split(|byte| matches!(byte, b'/' | b'\\'))
        .map(|segment| segment.split(|&byte| byte == b';').next().unwrap_or_default())
}
