//! The values, member by member. A member that is added here is shown to everyone who can read the
//! edge's store; `tests/schemas` says the same to the other language.

use ipnet::IpNet;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::record::issuer::{ClaimValue, Condition, IssuerRecord};
use crate::record::key::{KeyRecord, Status};
use crate::record::route::{Auth, Cache, Cors, HeaderRules, Mode, RouteRecord};
use crate::time::Timestamp;

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Key<'r> {
    Usable(Box<UsableKey<'r>>),
    /// A tombstone: enough to refuse the key and to say which one it was.
    Revoked {
        version: u64,
        key_id: &'r str,
        status: &'static str,
    },
}

#[derive(Serialize)]
pub(super) struct UsableKey<'r> {
    version: u64,
    key_id: &'r str,
    principal: &'r str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'r str>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<u64>,
    grants: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cidrs: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rate_limit: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<u64>,
}

impl<'r> Key<'r> {
    pub fn new(version: u64, record: &'r KeyRecord) -> Self {
        let (status, until) = match record.status {
            Status::Active => ("active", None),
            Status::Disabled => ("disabled", None),
            Status::Suspended(until) => ("suspended", until.map(Timestamp::as_secs)),
            Status::Revoked => return Self::Revoked { version, key_id: &record.key_id, status: "revoked" },
        };
        Self::Usable(Box::new(UsableKey {
            version,
            key_id: &record.key_id,
            principal: &record.principal,
            name: record.name.as_deref(),
            status,
            until,
            grants: record.grants.texts().collect(),
            cidrs: texts(&record.cidrs),
            rate_limit: record.rate_limit.as_deref(),
            expires_at: record.expires_at.map(Timestamp::as_secs),
        }))
    }
}

#[derive(Serialize)]
pub(super) struct Issuer<'r> {
    version: u64,
    audiences: &'r [String],
    algorithms: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jwks_uri: Option<&'r str>,
    grants: Vec<Value>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    required_claims: Map<String, Value>,
    token_types: &'r [String],
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    edge: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_age: Option<u64>,
}

impl<'r> Issuer<'r> {
    pub fn new(record: &'r IssuerRecord) -> Self {
        let rules = record.rules().iter().map(|rule| {
            let allow: Vec<_> = rule.allow.texts().collect();
            match &rule.condition {
                Condition::Any => json!({ "any": true, "allow": allow }),
                Condition::Scope(scope) => json!({ "scope": scope, "allow": allow }),
                Condition::Claim { name, equals } => json!({ "claim": name, "equals": claim(equals), "allow": allow }),
            }
        });
        Self {
            version: record.version(),
            audiences: record.audiences(),
            algorithms: record.algorithms().iter().map(|algorithm| algorithm.name()).collect(),
            jwks_uri: record.jwks_uri(),
            grants: rules.collect(),
            required_claims: record
                .required_claims()
                .iter()
                .map(|(name, value)| (name.clone(), claim(value)))
                .collect(),
            token_types: record.token_types(),
            edge: record.is_edge(),
            max_age: record.max_age().map(|span| span.as_secs()),
        }
    }
}

fn claim(value: &ClaimValue) -> Value {
    match value {
        ClaimValue::Flag(flag) => json!(flag),
        ClaimValue::Integer(integer) => json!(integer),
        ClaimValue::Text(text) => json!(text),
    }
}

#[derive(Serialize)]
pub(super) struct Routes<'r> {
    version: u64,
    routes: Vec<Route<'r>>,
}

#[derive(Serialize)]
struct Route<'r> {
    id: &'r str,
    version: u64,
    #[serde(rename = "match")]
    matching: Match<'r>,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth: Option<Auth>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<Mode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache: Option<&'r Cache>,
    #[serde(skip_serializing_if = "Option::is_none")]
    headers: Option<&'r HeaderRules>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    allow_cidrs: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    deny_cidrs: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rate_limit: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cors: Option<&'r Cors>,
    priority: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    starts_at: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ends_at: Option<u64>,
}

#[derive(Serialize)]
struct Match<'r> {
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    method: &'r [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    host: &'r [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    path: &'r [String],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cidrs: Vec<String>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    countries: &'r [String],
}

impl<'r> Routes<'r> {
    /// The highest priority first: none behind the first that matches, but its equals, needs a look.
    pub fn new(version: u64, routes: &[(&'r str, &'r RouteRecord)]) -> Self {
        let mut routes: Vec<_> = routes.iter().map(|(id, record)| Route::new(id, record)).collect();
        routes.sort_by(|a, b| b.priority.cmp(&a.priority).then_with(|| a.id.cmp(b.id)));
        Self { version, routes }
    }
}

impl<'r> Route<'r> {
    fn new(id: &'r str, record: &'r RouteRecord) -> Self {
        let matching = &record.matching;
        Self {
            id,
            version: record.version,
            matching: Match {
                method: &matching.method,
                host: &matching.host,
                path: &matching.path,
                cidrs: texts(&matching.cidrs),
                countries: &matching.countries,
            },
            origin: record.origin.as_deref(),
            auth: record.auth,
            mode: record.mode,
            cache: record.cache.as_ref(),
            headers: record.headers.as_ref(),
            allow_cidrs: texts(&record.allow_cidrs),
            deny_cidrs: texts(&record.deny_cidrs),
            rate_limit: record.rate_limit.as_deref(),
            cors: record.cors.as_ref(),
            priority: record.priority,
            starts_at: record.starts_at.map(Timestamp::as_secs),
            ends_at: record.ends_at.map(Timestamp::as_secs),
        }
    }
}

fn texts(blocks: &[IpNet]) -> Vec<String> {
    blocks.iter().map(IpNet::to_string).collect()
}
