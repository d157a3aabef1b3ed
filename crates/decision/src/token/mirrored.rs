//! A key set on its way into the key table: judged as if it were about to be used, without anything
//! secret that an issuer has published by mistake, and with what it lacks since a moment ago.
//!
//! The rule is that of the authorizer's own memory: a set without a usable key replaces nothing, and a
//! key that vanishes stays until a second look, `jwks_cooling` later, agrees. Where the set came from
//! and what it is bound to are not known here.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::value::RawValue;

use super::jwk::{self, SECRET};
use super::key_set::{KeySet, KeySetError};
use super::object::Object;
use crate::lifetimes::Lifetimes;
use crate::limits;
use crate::time::Timestamp;

/// The text of a JWK Set, and which of its keys the issuer does not publish any more: `kid`, and since
/// when in seconds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Mirrored {
    pub keys: String,
    pub vanished: BTreeMap<String, u64>,
}

/// Why a set is not taken over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unusable {
    Unreadable(KeySetError),
    /// No key in it may verify anything.
    Empty,
}

impl std::fmt::Display for Unusable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unreadable(error) => error.fmt(f),
            Self::Empty => f.write_str("the key set has no key that may verify signatures"),
        }
    }
}

impl Mirrored {
    /// What the table holds after `fetched` came. `held`: what it held before, if that still counts.
    pub fn renew(fetched: &[u8], held: Option<&Self>, now: Timestamp, lifetimes: &Lifetimes) -> Result<Self, Unusable> {
        let set = KeySet::parse(fetched).map_err(Unusable::Unreadable)?;
        if set.is_empty() {
            return Err(Unusable::Empty);
        }
        let json = std::str::from_utf8(fetched).map_err(|_| Unusable::Unreadable(KeySetError::Malformed))?;
        let mut renewed = Members::default();
        for jwk in members(json) {
            renewed.publish(jwk.get());
        }
        let mut vanished = BTreeMap::new();
        for jwk in held.map(|held| members(&held.keys)).unwrap_or_default() {
            let Some(kid) = usable_kid(jwk.get()).filter(|kid| !renewed.kids.contains(kid)) else { continue };
            let before = held.and_then(|held| held.vanished.get(&kid)).copied();
            let since = before.unwrap_or(now.as_secs());
            let confirmed = now.since(Timestamp::from_secs(since)) >= lifetimes.jwks_cooling;
            if !confirmed && renewed.retain(jwk.get()) {
                vanished.insert(kid, since);
            }
        }
        Ok(Self { keys: renewed.into_set(), vanished })
    }
}

/// Texts of keys, within the bounds of a set.
#[derive(Default)]
struct Members {
    texts: Vec<String>,
    kids: BTreeSet<String>,
}

impl Members {
    fn publish(&mut self, jwk: &str) {
        let parsed = Object::parse(jwk);
        self.kids.extend(parsed.as_ref().and_then(kid));
        self.texts.push(without_secret(jwk, parsed.as_ref()).into_owned());
    }

    /// `false`: there is no room for it beside what is published.
    fn retain(&mut self, jwk: &str) -> bool {
        let bytes: usize = self.texts.iter().map(|text| text.len() + 1).sum();
        let fits = self.texts.len() < limits::JWKS_KEYS && bytes + jwk.len() + WRAPPING < limits::JWKS_BODY;
        if fits {
            self.texts.push(jwk.to_owned());
        }
        fits
    }

    fn into_set(self) -> String {
        format!("{{\"keys\":[{}]}}", self.texts.join(","))
    }
}

const WRAPPING: usize = r#"{"keys":[]}"#.len() + 1;

fn members(set: &str) -> Vec<&RawValue> {
    Object::parse(set).and_then(|set| set.get("keys").ok().flatten()).unwrap_or_default()
}

fn kid(jwk: &Object<'_>) -> Option<String> {
    jwk.text("kid").ok().flatten().map(Cow::into_owned)
}

fn usable_kid(jwk: &str) -> Option<String> {
    jwk::read(jwk).ok()?.kid().map(str::to_owned)
}

/// The same key to whoever judges it, but nothing that signs: a key that holds a secret member keeps its
/// name and an empty one, and what is no object of distinct members keeps nothing.
fn without_secret<'j>(jwk: &'j str, parsed: Option<&Object<'_>>) -> Cow<'j, str> {
    let Some(object) = parsed else { return Cow::Borrowed("{}") };
    if !SECRET.into_iter().any(|member| object.has(member)) {
        return Cow::Borrowed(jwk);
    }
    let name = kid(object).and_then(|kid| serde_json::to_string(&kid).ok());
    Cow::Owned(name.map_or_else(|| r#"{"k":""}"#.to_owned(), |kid| format!(r#"{{"kid":{kid},"k":""}}"#)))
}

#[cfg(test)]
mod tests;
