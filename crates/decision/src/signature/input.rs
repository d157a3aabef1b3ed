//! The two fields of a signature, parsed: `Signature-Input` and `Signature` (RFC 9421 §4).
//!
//! Both are structured dictionaries by label, and are held to that for every label, ours or not: inner
//! lists of strings in one, byte sequences in the other. RFC 8941 would keep the last of two equal
//! labels; here a repeated label is refused, and so are more labels or bytes than `limits` allows.
//! Knows neither tags nor what must be covered: those are the profile's.

use super::params::SignatureParams;
use crate::limits;
pub use crate::structured::Malformed;
use crate::structured::{BareItem, Member, dictionary};

/// Bytes of the longest signature that the profile's algorithms make.
const LONGEST: usize = 64;

/// `Signature-Input`: the label of each signature and what it covers, in the order received.
///
/// # Errors
/// `Malformed`: not a dictionary of inner lists of strings, a label twice, more than
/// `limits::SIGNATURES` labels, more than `limits::SIGNATURE_HEADER` bytes.
pub fn signature_input(field: &str) -> Result<Vec<(&str, SignatureParams<'_>)>, Malformed> {
    labelled(field, |member| match member {
        Member::InnerList(list) => SignatureParams::new(list),
        Member::Item(_) => Err(Malformed),
    })
}

/// The bytes of the signature with this label in `Signature`, none if there is no such label.
///
/// A byte sequence may be spelt in several ways in a structured field (missing padding, stray bits
/// before it); only the one of RFC 4648 §3.5 is taken, so that a signature has one text.
///
/// # Errors
/// `Malformed`: not a dictionary of byte sequences, a label twice, an uncommon spelling or more than
/// 64 bytes at this label, or limits as for `signature_input`.
pub fn signature(field: &str, label: &str) -> Result<Option<Vec<u8>>, Malformed> {
    let signatures = labelled(field, |member| match member {
        Member::Item(item) => match item.bare {
            BareItem::Bytes(sequence) => Ok(sequence),
            _ => Err(Malformed),
        },
        Member::InnerList(_) => Err(Malformed),
    })?;
    match signatures.into_iter().find(|(sent, _)| *sent == label) {
        None => Ok(None),
        Some((_, sequence)) if sequence.canonical && sequence.bytes.len() <= LONGEST => Ok(Some(sequence.bytes)),
        Some(_) => Err(Malformed),
    }
}

/// The members of a dictionary whose labels are few and all different.
fn labelled<'a, M>(
    field: &'a str,
    read: impl Fn(Member<'a>) -> Result<M, Malformed>,
) -> Result<Vec<(&'a str, M)>, Malformed> {
    if field.len() > limits::SIGNATURE_HEADER {
        return Err(Malformed);
    }
    let mut members = Vec::with_capacity(1);
    dictionary(field, |label, member| {
        if members.len() == limits::SIGNATURES || members.iter().any(|(sent, _)| *sent == label) {
            return Err(Malformed);
        }
        members.push((label, read(member)?));
        Ok(())
    })?;
    Ok(members)
}
