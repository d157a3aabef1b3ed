//! A token before anything in it may be believed: enough to tell whose record and keys to look up.
//!
//! Only two things are shown, and their names say what they are worth. The claims stay unread until
//! [`Unverified::verify`] has checked the signature.

use std::borrow::Cow;

use serde::Deserialize;

use super::jws::Jws;
use crate::decision::Refusal;
use crate::limits;

pub struct Unverified<'a> {
    pub(super) jws: Jws<'a>,
    issuer: String,
}

#[derive(Deserialize)]
struct Peek<'a> {
    #[serde(borrow)]
    iss: Cow<'a, str>,
}

impl<'a> Unverified<'a> {
    /// Reads the outside of a token and its `iss`.
    ///
    /// An `iss` that is empty or longer than [`limits::ISSUER`] bytes is an unknown issuer, unseen:
    /// nothing is looked up for it.
    pub fn read(compact: &'a str) -> Result<Self, Refusal> {
        let jws = Jws::read(compact)?;
        let payload = std::str::from_utf8(jws.unverified_payload()).map_err(|_| Refusal::TokenMalformed)?;
        // serde would also read a struct from an array.
        if !payload.trim_start().starts_with('{') {
            return Err(Refusal::TokenMalformed);
        }
        let peek: Peek<'_> = serde_json::from_str(payload).map_err(|error| match error.classify() {
            serde_json::error::Category::Data => Refusal::TokenClaims,
            _ => Refusal::TokenMalformed,
        })?;
        if peek.iss.is_empty() || peek.iss.len() > limits::ISSUER {
            return Err(Refusal::TokenIssuerUnknown);
        }
        let issuer = peek.iss.into_owned();
        Ok(Self { jws, issuer })
    }

    /// Whom the token claims to be from.
    pub fn unverified_issuer(&self) -> &str {
        &self.issuer
    }

    /// Which of the issuer's keys the token claims to be signed with.
    pub fn unverified_kid(&self) -> Option<&str> {
        self.jws.kid()
    }
}
