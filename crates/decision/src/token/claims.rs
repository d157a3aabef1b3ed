//! The claims of a verified payload, typed (RFC 7519 §4.1, RFC 9068 §2.2).
//!
//! A claim of the wrong type is refused, never treated as absent (as in CVE-2026-25537). Times are whole
//! seconds: RFC 7519 allows fractions, but issuers do not send them, and to round one is to decide for
//! the issuer. What an issuer's record asks for is not known here.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::object::{Object, Text, WrongType};
use crate::decision::Refusal;
use crate::limits;
use crate::record::issuer::ClaimValue;
use crate::time::Timestamp;

pub(super) struct Claims<'a> {
    object: Object<'a>,
    pub issuer: Cow<'a, str>,
    pub subject: Cow<'a, str>,
    pub audience: Vec<Cow<'a, str>>,
    pub expires: Timestamp,
    pub not_before: Option<Timestamp>,
    pub issued: Option<Timestamp>,
    pub scopes: String,
}

impl<'a> Claims<'a> {
    pub fn parse(payload: &'a [u8]) -> Result<Self, Refusal> {
        let json = std::str::from_utf8(payload).map_err(|_| Refusal::TokenMalformed)?;
        let object = Object::parse(json).ok_or(Refusal::TokenMalformed)?;
        Self::typed(object).map_err(|WrongType| Refusal::TokenClaims)
    }

    fn typed(object: Object<'a>) -> Result<Self, WrongType> {
        let time = |name| Ok(object.get::<u64>(name)?.map(Timestamp::from_secs));
        Ok(Self {
            issuer: object.text("iss")?.ok_or(WrongType)?,
            subject: object.text("sub")?.filter(|sub| is_subject(sub)).ok_or(WrongType)?,
            audience: object.texts("aud")?.ok_or(WrongType)?,
            expires: time("exp")?.ok_or(WrongType)?,
            not_before: time("nbf")?,
            issued: time("iat")?,
            scopes: scopes(&object)?,
            object,
        })
    }

    pub fn has_scope(&self, scope: &str) -> bool {
        !scope.is_empty() && is_among(&self.scopes, scope)
    }

    /// Whether a claim is the value, or an array that contains it (`groups`, `roles`, `amr`).
    pub fn meets(&self, name: &str, value: &ClaimValue) -> bool {
        let Some(claim) = self.object.raw(name) else { return false };
        equals(claim, value)
            || serde_json::from_str::<Vec<&RawValue>>(claim.get())
                .is_ok_and(|elements| elements.into_iter().any(|element| equals(element, value)))
    }
}

fn equals(claim: &RawValue, value: &ClaimValue) -> bool {
    let json = claim.get();
    match value {
        ClaimValue::Flag(flag) => serde_json::from_str::<bool>(json).is_ok_and(|ours| ours == *flag),
        ClaimValue::Integer(integer) => serde_json::from_str::<i64>(json).is_ok_and(|ours| ours == *integer),
        ClaimValue::Text(text) => serde_json::from_str::<Text<'_>>(json).is_ok_and(|ours| ours.0 == *text),
    }
}

/// A subject ends up in logs and in the answer's context, where control characters may not be, and in
/// headers, whose readers take white space away: with it around, one subject would be read as another.
fn is_subject(sub: &str) -> bool {
    !sub.is_empty() && sub.len() <= limits::SUBJECT && !sub.chars().any(char::is_control) && sub.trim() == sub
}

/// `scope` (RFC 8693 §4.2, one string) and `scp` (one string or an array): each scope once, separated
/// by single spaces.
fn scopes(object: &Object<'_>) -> Result<String, WrongType> {
    let mut scopes = String::new();
    let mut count = 0;
    let lists = [object.text("scope")?.map(|scope| vec![scope]), object.texts("scp")?];
    for scope in lists.iter().flatten().flatten().flat_map(|list| list.split(' ')).filter(|scope| !scope.is_empty()) {
        if is_among(&scopes, scope) {
            continue;
        }
        count += 1;
        if count > limits::SCOPES
            || scopes.len() + scope.len() >= limits::SCOPES_TEXT
            || !scope.bytes().all(is_scope_character)
        {
            return Err(WrongType);
        }
        if !scopes.is_empty() {
            scopes.push(' ');
        }
        scopes.push_str(scope);
    }
    Ok(scopes)
}

fn is_among(scopes: &str, scope: &str) -> bool {
    scopes.split(' ').any(|ours| ours == scope)
}

/// RFC 6749 §3.3: visible ASCII but `"` and `\`.
const fn is_scope_character(byte: u8) -> bool {
    byte.is_ascii_graphic() && byte != b'"' && byte != b'\\'
}
