//! The body: its bytes, and whether they are the ones that the edge signed for.
//!
//! What vouches for a digest is the authorizer's context alone: a `Content-Digest` header that no
//! signature covers says nothing.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign_decision::content_digest::{self, DigestError};

use crate::event::Unreadable;
use crate::failure::Failure;

/// Which bodies must have a digest that is covered by the edge's signature.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum BodyDigest {
    /// None, and nothing is checked.
    Off,
    /// A digest that is covered must be the body's.
    IfPresent,
    /// Every body needs one. A request without a body has nothing to vouch for; one whose body was taken
    /// away on the way has a digest still.
    Required,
}

impl BodyDigest {
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "off" => Some(Self::Off),
            "if-present" => Some(Self::IfPresent),
            "required" => Some(Self::Required),
            _ => None,
        }
    }

    /// `covered`: the digest that the authorizer says is covered.
    pub fn check(self, covered: Option<&str>, body: &[u8]) -> Result<(), Failure> {
        match (self, covered) {
            (Self::Off, _) | (Self::IfPresent, None) => Ok(()),
            (Self::Required, None) if body.is_empty() => Ok(()),
            (Self::Required, None) => Err(Failure::DigestMissing),
            (Self::IfPresent | Self::Required, Some(field)) => {
                content_digest::verify(field, body).map_err(|error| match error {
                    DigestError::Malformed => Failure::DigestMalformed,
                    DigestError::Unsupported => Failure::DigestUnsupported,
                    DigestError::Mismatch => Failure::DigestMismatch,
                })
            }
        }
    }
}

/// The bytes of the event's body. Text that the gateway could not read as UTF-8 is spoilt already: an
/// API that takes other bodies has to have binary media types.
///
/// # Errors
/// [`Unreadable`] for what says that it is base64 and is not.
pub fn decoded(text: Cow<'_, str>, is_base64: bool) -> Result<Cow<'_, [u8]>, Unreadable> {
    if is_base64 {
        let bytes = STANDARD.decode(text.as_bytes());
        return bytes.map(Cow::Owned).map_err(|_| Unreadable::new("the event's body is not the base64 that it says"));
    }
    Ok(match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// Of `{"hello": "world"}` (RFC 9530, appendix B).
    const DIGEST: &str = "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:";
    const BODY: &[u8] = br#"{"hello": "world"}"#;

    #[test]
    fn the_settings_by_table() {
        use BodyDigest::{IfPresent, Off, Required};
        let other = br#"{"hello": "World"}"#.as_slice();
        let foreign = "md5=:Sd/dVLAcvNLSq16eXua5uQ==:";
        for (setting, covered, body, expected) in [
            (Required, Some(DIGEST), BODY, Ok(())),
            (Required, Some(DIGEST), other, Err(Failure::DigestMismatch)),
            (Required, Some(DIGEST), b"".as_slice(), Err(Failure::DigestMismatch)),
            (Required, None, BODY, Err(Failure::DigestMissing)),
            (Required, None, b"", Ok(())),
            (Required, Some(foreign), BODY, Err(Failure::DigestUnsupported)),
            (Required, Some("sha-256=x"), BODY, Err(Failure::DigestMalformed)),
            (IfPresent, Some(DIGEST), BODY, Ok(())),
            (IfPresent, Some(DIGEST), other, Err(Failure::DigestMismatch)),
            (IfPresent, Some(DIGEST), b"", Err(Failure::DigestMismatch)),
            (IfPresent, None, BODY, Ok(())),
            (IfPresent, Some(foreign), BODY, Err(Failure::DigestUnsupported)),
            (IfPresent, Some(""), BODY, Err(Failure::DigestUnsupported)),
            (Off, Some(DIGEST), other, Ok(())),
            (Off, None, BODY, Ok(())),
        ] {
            assert_eq!(setting.check(covered, body), expected, "{setting:?} {covered:?} {body:?}");
        }
    }

    #[test]
    fn base64_is_read_strictly() {
        assert_eq!(decoded("aGVsbG8=".into(), true).unwrap().as_ref(), b"hello");
        assert_eq!(decoded("aGVsbG8=".into(), false).unwrap().as_ref(), b"aGVsbG8=");
        assert_eq!(decoded("".into(), true).unwrap().as_ref(), b"");
        for wrong in ["aGVsbG8", "aGVsbG9=", "aGVs bG8=", "aGVsbG8=\n", "aGVsbG8_", "====", "é"] {
            assert!(decoded(wrong.into(), true).is_err(), "{wrong:?}");
        }
    }
}
