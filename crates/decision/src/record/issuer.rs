//! `issuer#<iss>`: what an OIDC issuer's tokens must look like here, and what they grant.
//!
//! Attributes that this version does not know are ignored, so that an older authorizer reads a newer
//! table. A known one of the wrong type, `null` included, is an error that names it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};

use crate::grant::GrantSet;
use crate::limits;
use crate::token::algorithm::Algorithm;

/// A validated record.
#[derive(Debug)]
pub struct IssuerRecord {
    audiences: Vec<String>,
    algorithms: Vec<Algorithm>,
    jwks_uri: Option<String>,
    rules: Vec<Rule>,
    required_claims: BTreeMap<String, ClaimValue>,
    token_types: Vec<String>,
    edge: bool,
    max_age: Option<Duration>,
    version: u64,
}

/// `allow` is granted to every token of the issuer that meets the condition.
#[derive(Debug)]
pub(crate) struct Rule {
    pub condition: Condition,
    pub allow: Arc<GrantSet>,
}

#[derive(Debug)]
pub(crate) enum Condition {
    Any,
    Scope(String),
    Claim { name: String, equals: ClaimValue },
}

/// What a claim can be compared with.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(untagged)]
pub(crate) enum ClaimValue {
    Flag(bool),
    Integer(i64),
    Text(String),
}

impl IssuerRecord {
    /// Where the key set is, if not where discovery says. An `http` or `https` URL; which schemes and
    /// addresses may be fetched is for whoever fetches.
    pub fn jwks_uri(&self) -> Option<&str> {
        self.jwks_uri.as_deref()
    }

    /// Its tokens prove the edge, and only the edge.
    pub const fn is_edge(&self) -> bool {
        self.edge
    }

    pub const fn version(&self) -> u64 {
        self.version
    }

    pub(crate) fn audiences(&self) -> &[String] {
        &self.audiences
    }

    pub(crate) fn token_types(&self) -> &[String] {
        &self.token_types
    }

    pub(crate) fn has_audience(&self, audience: &str) -> bool {
        self.audiences.iter().any(|ours| ours == audience)
    }

    pub(crate) fn algorithms(&self) -> &[Algorithm] {
        &self.algorithms
    }

    pub(crate) fn rules(&self) -> &[Rule] {
        &self.rules
    }

    pub(crate) const fn required_claims(&self) -> &BTreeMap<String, ClaimValue> {
        &self.required_claims
    }

    /// `typ` as a token's header has it. Media types compare without regard to case, `application/` is
    /// understood (RFC 7515 §4.1.9), and a token without `typ` says no more than `JWT` does.
    pub(crate) fn has_token_type(&self, typ: Option<&str>) -> bool {
        let typ = media_subtype(typ.unwrap_or(PLAIN));
        self.token_types.iter().any(|ours| media_subtype(ours).eq_ignore_ascii_case(typ))
    }

    /// The longest life of a token, `exp - iat`, where the record sets one.
    pub(crate) const fn max_age(&self) -> Option<Duration> {
        self.max_age
    }
}

const PLAIN: &str = "JWT";

fn media_subtype(typ: &str) -> &str {
    const PREFIX: &str = "application/";
    match typ.split_at_checked(PREFIX.len()) {
        Some((prefix, subtype)) if prefix.eq_ignore_ascii_case(PREFIX) => subtype,
        _ => typ,
    }
}

/// The stored shape.
#[derive(Default)]
struct Item {
    audiences: Vec<String>,
    algorithms: Vec<Algorithm>,
    jwks_uri: Option<String>,
    grants: Vec<Rule>,
    required_claims: BTreeMap<String, ClaimValue>,
    token_types: Option<Vec<String>>,
    edge: bool,
    max_age: Option<u64>,
    version: Option<u64>,
}

impl<'de> Deserialize<'de> for IssuerRecord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Attributes)?.validate().map_err(D::Error::custom)
    }
}

struct Attributes;

impl<'de> Visitor<'de> for Attributes {
    type Value = Item;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an issuer record")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Item, A::Error> {
        let mut item = Item::default();
        while let Some(name) = map.next_key::<String>()? {
            let read = match name.as_str() {
                "audiences" => map.next_value().map(|value| item.audiences = value),
                "algorithms" => map.next_value().map(|value| item.algorithms = value),
                "jwks_uri" => map.next_value().map(|value| item.jwks_uri = Some(value)),
                "grants" => map.next_value().map(|value| item.grants = value),
                "required_claims" => map.next_value().map(|value| item.required_claims = value),
                "token_types" => map.next_value().map(|value| item.token_types = Some(value)),
                "edge" => map.next_value().map(|value| item.edge = value),
                "max_age" => map.next_value().map(|value| item.max_age = Some(value)),
                "version" => map.next_value().map(|value| item.version = Some(value)),
                _ => map.next_value::<IgnoredAny>().map(drop),
            };
            read.map_err(|error| A::Error::custom(format_args!("{name}: {error}")))?;
        }
        Ok(item)
    }
}

impl Item {
    fn validate(self) -> Result<IssuerRecord, &'static str> {
        if self.audiences.is_empty() || self.audiences.iter().any(String::is_empty) {
            return Err("audiences: name at least one, none of them empty");
        }
        if self.algorithms.is_empty() {
            return Err("algorithms: name at least one, such as RS256");
        }
        if self.jwks_uri.as_deref().is_some_and(|uri| !is_web_address(uri)) {
            return Err("jwks_uri: must be an https URL without user name or fragment");
        }
        if self.token_types.as_ref().is_some_and(Vec::is_empty) {
            return Err("token_types: leave it out, or name at least one, such as at+jwt");
        }
        if self.grants.iter().map(|rule| rule.allow.len()).sum::<usize>() > limits::GRANTS {
            return Err("grants: more than 100 in all rules together");
        }
        if self.max_age == Some(0) {
            return Err("max_age: must be at least one second");
        }
        Ok(IssuerRecord {
            audiences: self.audiences,
            algorithms: self.algorithms,
            jwks_uri: self.jwks_uri,
            rules: self.grants,
            required_claims: self.required_claims,
            token_types: self.token_types.unwrap_or_else(|| vec!["at+jwt".to_owned(), PLAIN.to_owned()]),
            edge: self.edge,
            max_age: self.max_age.map(Duration::from_secs),
            version: self.version.ok_or("version: is missing")?,
        })
    }
}

fn is_web_address(uri: &str) -> bool {
    let Some(rest) = uri.strip_prefix("https://").or_else(|| uri.strip_prefix("http://")) else { return false };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    !authority.is_empty()
        && !authority.contains('@')
        && !rest.contains('#')
        && rest.bytes().all(|b| b.is_ascii_graphic())
}

impl<'de> Deserialize<'de> for Rule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // A condition that is not understood must not be passed over: the rule would grant too much.
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Stored {
            scope: Option<String>,
            claim: Option<String>,
            equals: Option<ClaimValue>,
            any: Option<bool>,
            allow: GrantSet,
        }
        let stored = Stored::deserialize(deserializer)?;
        let condition = match (stored.scope, stored.claim, stored.equals, stored.any) {
            (Some(scope), None, None, None) => Condition::Scope(scope),
            (None, Some(name), Some(equals), None) => Condition::Claim { name, equals },
            (None, None, None, Some(true)) => Condition::Any,
            _ => return Err(D::Error::custom("a rule has either scope, or claim and equals, or any: true")),
        };
        Ok(Self { condition, allow: Arc::new(stored.allow) })
    }
}

#[cfg(test)]
mod tests;
