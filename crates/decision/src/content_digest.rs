//! `Content-Digest` (RFC 9530): whether a body is the one that its digest is of.
//!
//! sha-256 and sha-512 count, the active algorithms of the registry. Each of them that is listed must
//! agree; others are passed over, the deprecated ones too, but one at least must be known. Does not
//! know who vouches for the field, nor whether there has to be one. Nothing here is secret, so nothing
//! is compared in constant time.

#[cfg(test)]
mod tests;

use aws_lc_rs::digest::{Algorithm, SHA256, SHA512, digest};

use crate::limits;
use crate::structured::{BareItem, Item, Malformed, Member, dictionary};

/// Why a body does not count as the one that was sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DigestError {
    /// The field is not a dictionary of byte sequences, each algorithm named once, in their only spelling.
    Malformed,
    /// No algorithm is listed that is known here.
    Unsupported,
    /// Some digest is another one than the body's.
    Mismatch,
}

impl From<Malformed> for DigestError {
    fn from(Malformed: Malformed) -> Self {
        Self::Malformed
    }
}

/// Compares `body`, the content as it was sent, with the value of its `Content-Digest`.
///
/// # Errors
///
/// A field that cannot be read is `Malformed` whatever its digests say. The body is hashed only if all else is well.
pub fn verify(field: &str, body: &[u8]) -> Result<(), DigestError> {
    let stated = parse(field)?;
    if stated.is_empty() {
        return Err(DigestError::Unsupported);
    }
    let agree = stated.iter().all(|(algorithm, stated)| digest(algorithm, body).as_ref() == stated);
    if agree { Ok(()) } else { Err(DigestError::Mismatch) }
}

/// The digests of known algorithms.
///
/// Stricter than RFC 8941 has to be: a name given twice, a parameter, and base64 that is not canonical
/// are refused, so that every reader of a signed field reads the same and no bit of it is idle.
fn parse(field: &str) -> Result<Vec<(&'static Algorithm, Vec<u8>)>, DigestError> {
    if field.len() > limits::CONTENT_DIGEST {
        return Err(DigestError::Malformed);
    }
    let (mut names, mut stated) = (Vec::new(), Vec::new());
    dictionary(field, |name, member| {
        let Member::Item(Item { bare: BareItem::Bytes(sequence), parameters }) = member else {
            return Err(DigestError::Malformed);
        };
        if !sequence.canonical || !parameters.as_slice().is_empty() || names.contains(&name) {
            return Err(DigestError::Malformed);
        }
        names.push(name);
        stated.extend(algorithm(name).map(|algorithm| (algorithm, sequence.bytes)));
        Ok(())
    })?;
    Ok(stated)
}

fn algorithm(name: &str) -> Option<&'static Algorithm> {
    match name {
        "sha-256" => Some(&SHA256),
        "sha-512" => Some(&SHA512),
        _ => None,
    }
}
