//! The edge's signature as claimed by the request: found by its tag, typed, not yet believed.
//!
//! A signature is ours by its `tag` (RFC 9421 §7.2.7), never by its label. Other parties' signatures
//! are passed over, whatever they cover. Which values are acceptable is the profile's to say.

use super::input::{self, Malformed};
use super::params::SignatureParams;
use crate::decision::Refusal;
use crate::limits;
use crate::request::{Headers, Sent};
use crate::structured::{BareItem, Parameters};

/// On whose behalf the edge signed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Tag {
    /// `countersign`: a caller's request, forwarded.
    Caller,
    /// `countersign-inside`: the edge's own request to an inside door.
    Inside,
}

impl Tag {
    const ALL: [Self; 2] = [Self::Caller, Self::Inside];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Caller => "countersign",
            Self::Inside => "countersign-inside",
        }
    }

    /// Ours, or `None` for another party's signature. With two tags nobody can tell whose it is.
    fn of(parameters: &Parameters<'_>) -> Result<Option<Self>, Malformed> {
        let mut tags = parameters.all("tag");
        match (tags.next(), tags.next()) {
            (_, Some(_)) => Err(Malformed),
            (Some(BareItem::String(tag)), None) => Ok(Self::ALL.into_iter().find(|ours| ours.as_str() == tag.text())),
            _ => Ok(None),
        }
    }
}

/// What the signature with our tag says about itself, and its bytes.
pub struct Claim<'a> {
    pub tag: Tag,
    pub keyid: &'a str,
    /// `alg`, if present; the key decides, this may only agree.
    pub alg: Option<&'a str>,
    /// Seconds since the Unix epoch.
    pub created: u64,
    /// Seconds since the Unix epoch.
    pub expires: u64,
    pub nonce: Option<&'a str>,
    pub(super) params: SignatureParams<'a>,
    pub(super) signature: Vec<u8>,
}

/// The edge's signature on a request, `None` if there is none.
///
/// # Errors
/// `SignatureMalformed`: one of the two fields without the other, sent more than once, or not what
/// RFC 9421 §4 says; a parameter that is missing, repeated or of the wrong type.
/// `SignatureAmbiguous`: two signatures with a tag of ours.
pub fn read<'a>(headers: &'a Headers<'a>) -> Result<Option<Claim<'a>>, Refusal> {
    let (input, signature) = match (headers.sent("signature-input"), headers.sent("signature")) {
        (Sent::Never, Sent::Never) => return Ok(None),
        (Sent::Once(input), Sent::Once(signature)) => (input, signature),
        _ => return Err(Refusal::SignatureMalformed),
    };
    let mut ours = None;
    for (label, params) in input::signature_input(input)? {
        if let Some(tag) = Tag::of(&params.parameters)?
            && ours.replace((label, tag, params)).is_some()
        {
            return Err(Refusal::SignatureAmbiguous);
        }
    }
    let Some((label, tag, params)) = ours else { return Ok(None) };
    let signature = input::signature(signature, label)?.ok_or(Malformed)?;
    Ok(Some(Claim::new(tag, params, signature)?))
}

impl<'a> Claim<'a> {
    fn new(tag: Tag, params: SignatureParams<'a>, signature: Vec<u8>) -> Result<Self, Malformed> {
        let parameters = &params.parameters;
        if parameters.as_slice().len() > limits::SIGNATURE_PARAMETERS || parameters.repeats_a_name() {
            return Err(Malformed);
        }
        Ok(Self {
            tag,
            keyid: text(parameters, "keyid")?.ok_or(Malformed)?,
            alg: text(parameters, "alg")?,
            created: seconds(parameters, "created")?,
            expires: seconds(parameters, "expires")?,
            nonce: text(parameters, "nonce")?,
            params,
            signature,
        })
    }
}

/// A string parameter. One with an escape, thus with a quote or backslash in it, is no value of ours.
fn text<'a>(parameters: &Parameters<'a>, name: &str) -> Result<Option<&'a str>, Malformed> {
    match parameters.all(name).next() {
        None => Ok(None),
        Some(BareItem::String(text)) => text.plain().map(Some).ok_or(Malformed),
        Some(_) => Err(Malformed),
    }
}

/// An integer parameter that must be there. Decimals and dates are other types, negatives no time.
fn seconds(parameters: &Parameters<'_>, name: &str) -> Result<u64, Malformed> {
    match parameters.all(name).next() {
        Some(BareItem::Integer(seconds)) => u64::try_from(*seconds).map_err(|_| Malformed),
        _ => Err(Malformed),
    }
}

impl From<Malformed> for Refusal {
    fn from(_: Malformed) -> Self {
        Self::SignatureMalformed
    }
}
