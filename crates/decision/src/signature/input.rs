//! The two fields of a signature, parsed: `Signature-Input` and `Signature` (RFC 9421 §4).
//!
//! Both are structured dictionaries by label, and are held to that for every label, ours or not: inner
//! lists of strings in one, byte sequences in the other. `sfv` alone would keep the last of two equal
//! labels, as RFC 8941 has it; here a repeated label is refused, and so are more labels or bytes than
//! `limits` allows. Knows neither tags nor what must be covered: those are the profile's.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sfv::visitor::{DictionaryVisitor, EntryVisitor, Ignored, InnerListVisitor, ItemVisitor, ParameterVisitor};
use sfv::{BareItemFromInput, KeyRef, Parser, Version};

use super::params::{Component, Parameters, SignatureParams};
use crate::limits;

/// Bytes of the longest signature that the profile's algorithms make.
const LONGEST: usize = 64;
/// Components, and parameters, of a usual signature.
const USUAL: usize = 8;

/// The field is not what RFC 9421 §4 says it is, or is larger than the limits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Malformed;

/// `Signature-Input`: the label of each signature and what it covers, in the order received.
///
/// # Errors
/// `Malformed`: not a dictionary of inner lists of strings, a label twice, more than
/// `limits::SIGNATURES` labels, more than `limits::SIGNATURE_HEADER` bytes.
pub fn signature_input(field: &str) -> Result<Vec<(&str, SignatureParams<'_>)>, Malformed> {
    labelled(field)
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
    let found = labelled::<Signature>(field)?.into_iter().find(|(sent, _)| *sent == label);
    let Some((sent, Signature(bytes))) = found else { return Ok(None) };
    if is_canonical(field, sent, &bytes) { Ok(Some(bytes)) } else { Err(Malformed) }
}

/// Whether the text behind `label`, which borrows from `field`, is the one encoding of `bytes`.
fn is_canonical(field: &str, label: &str, bytes: &[u8]) -> bool {
    let mut buffer = [0; LONGEST.div_ceil(3) * 4];
    if bytes.len() > LONGEST {
        return false;
    }
    let Ok(len) = STANDARD.encode_slice(bytes, &mut buffer) else { return false };
    let label_end = label.as_ptr().addr().wrapping_sub(field.as_ptr().addr()).wrapping_add(label.len());
    let received = field.as_bytes().get(label_end..).and_then(|rest| rest.strip_prefix(b"=:"));
    let after = received.and_then(|text| text.strip_prefix(buffer.get(..len)?));
    after.is_some_and(|rest| rest.starts_with(b":"))
}

fn labelled<'de, M: Default>(field: &'de str) -> Result<Vec<(&'de str, M)>, Malformed>
where
    for<'m> &'m mut M: EntryVisitor<'de>,
{
    if field.len() > limits::SIGNATURE_HEADER {
        return Err(Malformed);
    }
    let parser = Parser::new(field).with_version(Version::Rfc8941);
    parser.parse_dictionary_with_visitor(Labelled(Vec::with_capacity(1))).map_err(|_| Malformed)
}

/// Collects the members of a dictionary whose labels are few and all different.
struct Labelled<'de, M>(Vec<(&'de str, M)>);

impl<'de, M: Default> DictionaryVisitor<'de> for Labelled<'de, M>
where
    for<'m> &'m mut M: EntryVisitor<'de>,
{
    type Out = Vec<(&'de str, M)>;
    type Error = Malformed;

    fn entry(&mut self, label: &'de KeyRef) -> Result<impl EntryVisitor<'de>, Malformed> {
        let label = label.as_str();
        if self.0.len() == limits::SIGNATURES || self.0.iter().any(|(sent, _)| *sent == label) {
            return Err(Malformed);
        }
        Ok(&mut self.0.push_mut((label, M::default())).1)
    }

    fn finish(self) -> Result<Self::Out, Malformed> {
        Ok(self.0)
    }
}

impl<'de> EntryVisitor<'de> for &mut SignatureParams<'de> {
    type Error = Malformed;

    fn item(self) -> Result<impl ItemVisitor<'de>, Malformed> {
        Err::<Ignored, _>(Malformed)
    }

    fn inner_list(self) -> Result<impl InnerListVisitor<'de>, Malformed> {
        self.components.reserve(USUAL);
        self.parameters.0.reserve(USUAL);
        Ok(self)
    }
}

impl<'de> InnerListVisitor<'de> for &mut SignatureParams<'de> {
    type Error = Malformed;

    fn item(&mut self) -> Result<impl ItemVisitor<'de>, Malformed> {
        Ok(&mut **self)
    }

    fn finish(self) -> Result<impl ParameterVisitor<'de>, Malformed> {
        Ok(&mut self.parameters)
    }
}

impl<'de> ItemVisitor<'de> for &mut SignatureParams<'de> {
    type Out = ();
    type Error = Malformed;

    fn bare_item(self, name: BareItemFromInput<'de>) -> Result<impl ParameterVisitor<'de, Out = ()>, Malformed> {
        let BareItemFromInput::String(name) = name else { return Err(Malformed) };
        Ok(&mut self.components.push_mut(Component { name, parameters: Parameters::default() }).parameters)
    }
}

impl<'de> ParameterVisitor<'de> for &mut Parameters<'de> {
    type Out = ();
    type Error = Malformed;

    fn parameter(&mut self, name: &'de KeyRef, value: BareItemFromInput<'de>) -> Result<(), Malformed> {
        self.0.push((name, value));
        Ok(())
    }

    fn finish(self) -> Result<(), Malformed> {
        Ok(())
    }
}

#[derive(Default)]
struct Signature(Vec<u8>);

impl<'de> EntryVisitor<'de> for &mut Signature {
    type Error = Malformed;

    fn item(self) -> Result<impl ItemVisitor<'de>, Malformed> {
        Ok(|value: BareItemFromInput<'de>| match value {
            BareItemFromInput::ByteSequence(bytes) => {
                self.0 = bytes;
                Ok(Ignored)
            }
            _ => Err(Malformed),
        })
    }

    fn inner_list(self) -> Result<impl InnerListVisitor<'de>, Malformed> {
        Err::<Ignored, _>(Malformed)
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a Signature-Input or Signature field of RFC 9421")
    }
}

impl std::error::Error for Malformed {}
