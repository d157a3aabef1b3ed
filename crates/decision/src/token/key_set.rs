//! What an issuer publishes to check its tokens with: a JWK Set (RFC 7517 §5), judged and bounded.
//!
//! Only keys that may verify signatures are kept. Those that may not are remembered with the reason,
//! so that an operator learns why a token was refused; one bad key never spoils the others. Where the
//! set came from and how old it is are not known here.

use std::fmt;
use std::sync::Arc;

use serde_json::value::RawValue;

use super::jwk::{self, SigningKey};
use super::object::Object;
use crate::decision::Refusal;
use crate::limits;

pub struct KeySet {
    keys: Vec<Arc<SigningKey>>,
    /// Keys that are not published any more, but not given up either.
    retained: Vec<Arc<SigningKey>>,
    dropped: Vec<Dropped>,
}

/// A published key that is not used.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Dropped {
    /// As published: text of the issuer's choosing, at most [`limits::KID`] bytes.
    pub kid: Option<String>,
    pub reason: DropReason,
}

/// Why a published key is not used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DropReason {
    /// `kty`, `crv` or `alg` is none that tokens may be signed with, or they contradict each other.
    Unsupported,
    /// `use` or `key_ops` says that it is for something else.
    NotForVerifying,
    /// It is symmetric, or its private half has been published: whoever read the set can sign.
    Secret,
    /// Not a key: a member missing, of the wrong type or repeated, a point off the curve, RSA outside
    /// 2048 to 8192 bits.
    Malformed,
    /// Another key of the set has the same `kid`: neither is used.
    DuplicateKid,
}

impl DropReason {
    /// The stable name for logs.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unsupported => "jwk_unsupported",
            Self::NotForVerifying => "jwk_not_for_verifying",
            Self::Secret => "jwk_secret",
            Self::Malformed => "jwk_malformed",
            Self::DuplicateKid => "jwk_duplicate_kid",
        }
    }
}

/// Why a body is no key set at all.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeySetError {
    /// More than [`limits::JWKS_BODY`] bytes.
    TooLarge,
    /// More than [`limits::JWKS_KEYS`] keys.
    TooManyKeys,
    /// Not JSON, or without an array `keys`.
    Malformed,
}

impl fmt::Display for KeySetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => write!(f, "the key set is larger than {} bytes", limits::JWKS_BODY),
            Self::TooManyKeys => write!(f, "the key set has more than {} keys", limits::JWKS_KEYS),
            Self::Malformed => f.write_str("the key set is not a JSON object with an array `keys`"),
        }
    }
}

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} kid={:?}", self.reason.code(), self.kid.as_deref().unwrap_or_default())
    }
}

impl KeySet {
    pub fn parse(body: &[u8]) -> Result<Self, KeySetError> {
        if body.len() > limits::JWKS_BODY {
            return Err(KeySetError::TooLarge);
        }
        let json = std::str::from_utf8(body).map_err(|_| KeySetError::Malformed)?;
        let set = Object::parse(json).ok_or(KeySetError::Malformed)?;
        let published: Vec<&RawValue> = set.get("keys").ok().flatten().ok_or(KeySetError::Malformed)?;
        if published.len() > limits::JWKS_KEYS {
            return Err(KeySetError::TooManyKeys);
        }
        let mut parsed = Self { keys: Vec::new(), retained: Vec::new(), dropped: Vec::new() };
        for key in published {
            match jwk::read(key.get()) {
                Ok(key) => parsed.keys.push(Arc::new(key)),
                Err(dropped) => parsed.dropped.push(dropped),
            }
        }
        parsed.drop_duplicates();
        Ok(parsed)
    }

    /// A set that was mirrored while the issuer no longer published the keys that are `vanished`: they
    /// verify only what names them.
    pub fn parse_mirrored(body: &[u8], vanished: impl Fn(&str) -> bool) -> Result<Self, KeySetError> {
        let parsed = Self::parse(body)?;
        let (retained, keys) = parsed.keys.into_iter().partition(|key| key.kid().is_some_and(&vanished));
        Ok(Self { keys, retained, dropped: parsed.dropped })
    }

    /// Two keys under one name leave open which of them signed, so neither is used.
    fn drop_duplicates(&mut self) {
        let keys = std::mem::take(&mut self.keys);
        for key in &keys {
            let alone = key.kid().is_none() || keys.iter().filter(|other| other.kid() == key.kid()).count() == 1;
            if alone {
                self.keys.push(Arc::clone(key));
            } else {
                self.dropped.push(Dropped { kid: key.kid().map(str::to_owned), reason: DropReason::DuplicateKid });
            }
        }
    }

    /// The key that a token's header names; without a name, the only key that is published.
    ///
    /// # Errors
    /// `TokenKeyUnusable`: the name is one of a key that is not for verifying signatures.
    /// `TokenKeyUnknown`: it names no key, or more than one.
    pub fn find(&self, kid: Option<&str>) -> Result<&SigningKey, Refusal> {
        match (kid, self.keys.as_slice()) {
            (None, [only]) => Ok(only),
            (None, _) => Err(Refusal::TokenKeyUnknown),
            (Some(kid), _) => self.named(kid).ok_or_else(|| self.absence(kid)),
        }
    }

    fn named(&self, kid: &str) -> Option<&SigningKey> {
        self.keys.iter().chain(&self.retained).find(|key| key.kid() == Some(kid)).map(Arc::as_ref)
    }

    fn absence(&self, kid: &str) -> Refusal {
        let unusable =
            |dropped: &Dropped| dropped.reason != DropReason::DuplicateKid && dropped.kid.as_deref() == Some(kid);
        if self.dropped.iter().any(unusable) { Refusal::TokenKeyUnusable } else { Refusal::TokenKeyUnknown }
    }

    /// Whether fetching the set again could not tell more about this `kid`: a key of that name is there,
    /// usable or not. Without a name nothing can be missing.
    pub(crate) fn knows(&self, kid: Option<&str>) -> bool {
        kid.is_none_or(|kid| self.named(kid).is_some() || self.absence(kid) == Refusal::TokenKeyUnusable)
    }

    /// No published key can verify anything.
    pub const fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// What is published and not used, for the log.
    pub fn dropped(&self) -> &[Dropped] {
        &self.dropped
    }

    /// The published keys that are used.
    pub(crate) fn keys(&self) -> &[Arc<SigningKey>] {
        &self.keys
    }

    /// What is published, and the keys beside it.
    pub(crate) fn split(mut self) -> (Self, Vec<Arc<SigningKey>>) {
        let retained = std::mem::take(&mut self.retained);
        (self, retained)
    }

    /// This set, with keys beside it that still verify what names them.
    pub(crate) fn retaining(self, retained: Vec<Arc<SigningKey>>) -> Self {
        Self { retained, ..self }
    }
}
