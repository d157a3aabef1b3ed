//! What the shell would find: the pure memories of keys, records and key sets, and what is behind
//! them, in the state that a scenario puts them in.
//!
//! Drives the memories as the shell does, without its network: what is not in a memory does not
//! exist, and an issuer is fetched from at once.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use aws_lc_rs::digest::{SHA256, digest};
use countersign_decision::cache::jwks::{self, JwksCache};
use countersign_decision::cache::labels::{self, LabelledVersion, SigningKeys};
use countersign_decision::cache::records::{self, Records};
use countersign_decision::conversation::{self, Issuer, Lookup, Step};
use countersign_decision::decision::{Decision, Fault};
use countersign_decision::lifetimes::Lifetimes;
use countersign_decision::record::issuer::IssuerRecord;
use countersign_decision::record::key::KeyRecord;
use countersign_decision::request::Request;
use countersign_decision::rules::Rules;
use countersign_decision::signature;
use countersign_decision::time::Timestamp;
use countersign_decision::token::{KeySet, Unverified};
use countersign_tests::deployment::{KEYID, READER, key_record};
use countersign_tests::issuer::{Algorithm, SigningKey, token_with};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::scenario::{EDGE, api};

/// The moment of every decision: 2026-11-22 10:00 UTC.
pub const NOW: Timestamp = Timestamp::from_secs(1_795_341_600);
pub const LIFETIMES: Lifetimes = Lifetimes::DEFAULT;

/// Whose tokens are callers', and whose are the edge's.
pub const ISSUER: &str = "https://issuer.example";
pub const EDGE_ISSUER: &str = "https://edge.example";
const AUDIENCE: &str = "https://api.example.com";

/// The key of both issuers.
static ISSUER_KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate("issuer-key-1", Algorithm::Es256));

pub struct World {
    pub signing_keys: SigningKeys,
    pub keys: Records<KeyRecord>,
    pub issuers: Records<IssuerRecord>,
    /// Bodies of the issuers' key sets, by issuer.
    pub published: HashMap<&'static str, String>,
    /// What comes of claiming a nonce.
    pub claimed: Result<bool, Fault>,
}

/// All is well: one key of the edge, one API key, an issuer of callers' tokens and one of the edge's.
impl Default for World {
    fn default() -> Self {
        let key_set = json!({ "keys": [ISSUER_KEY.jwk()] }).to_string();
        let mut world = Self {
            signing_keys: SigningKeys::default(),
            keys: Records::default(),
            issuers: Records::default(),
            published: HashMap::from([(ISSUER, key_set.clone()), (EDGE_ISSUER, key_set)]),
            claimed: Ok(true),
        };
        world.label(KEYID, true);
        let key = signature::EdgeKey::from_secret_value(KEYID, &EDGE.secret_value());
        world.signing_keys.value_read(key.unwrap_or_else(|error| panic!("{error}")));
        world.put_key(READER, &key_record(READER));
        world.put_issuer(ISSUER, &issuer_record());
        let mut edge = issuer_record();
        edge["edge"] = json!(true);
        edge["audiences"] = json!([api().domain]);
        world.put_issuer(EDGE_ISSUER, &edge);
        world
    }
}

impl World {
    /// The labels are read, and name this version and, if it is not the current one, another that is.
    /// No value is read.
    pub fn label(&mut self, version: &str, current: bool) {
        let named = [(version, current), ("another", !current)].map(|(id, current)| (id.to_owned(), current));
        let labelled = named.map(|(id, current)| LabelledVersion { id, current });
        self.signing_keys.labels_read(labelled.into(), NOW).unwrap();
    }

    pub fn put_key(&mut self, raw: &str, record: &Value) {
        self.keys.read(id(raw), read(record), NOW);
    }

    pub fn put_issuer(&mut self, iss: &str, record: &Value) {
        self.issuers.read(id(iss), read(record), NOW);
    }

    pub fn decide(&mut self, rules: &Rules, request: &Request<'_>) -> Decision {
        let mut step = conversation::open(rules, request, NOW);
        loop {
            step = match step {
                Step::EdgeKey(step) => {
                    let found = self.find_edge_key(step.keyid());
                    step.resume(found)
                }
                Step::EdgeToken(step) => {
                    let found = self.find_issuer(step.token());
                    step.resume(found)
                }
                Step::Caller(step) => {
                    let key = step.key().map_or(Ok(None), |hash| find(&mut self.keys, *hash.bytes()));
                    let issuer = step.token().map_or(Ok(None), |token| self.find_issuer(token));
                    step.resume(key, issuer)
                }
                Step::Nonce(step) => step.resume(self.claimed),
                Step::Done(verdict) => return verdict.decision,
            };
        }
    }

    fn find_edge_key(&self, keyid: &str) -> Lookup<Arc<signature::EdgeKey>> {
        match self.signing_keys.ask(keyid, NOW, &LIFETIMES) {
            labels::Ask::Use { key, .. } => Ok(Some(key)),
            labels::Ask::Unknown => Ok(None),
            labels::Ask::Unavailable(fault) => Err(fault),
            labels::Ask::Labels | labels::Ask::Value => panic!("the scenario leaves open what a call would tell"),
        }
    }

    fn find_issuer(&mut self, token: &Unverified<'_>) -> Lookup<Issuer> {
        let iss = token.unverified_issuer();
        let Some(record) = find(&mut self.issuers, id(iss))? else { return Ok(None) };
        let mut cache = JwksCache::default();
        let keys = loop {
            match cache.ask(token.unverified_kid(), NOW, &LIFETIMES) {
                jwks::Ask::Use { keys, .. } => break Some(keys),
                jwks::Ask::Unknown => break None,
                jwks::Ask::Cooling => return Err(Fault::IssuerUnavailable),
                jwks::Ask::Fetch => {
                    let body = self.published.get(iss).map_or("", String::as_str);
                    cache.fetched(KeySet::parse(body.as_bytes()), NOW, &LIFETIMES);
                }
            }
        };
        Ok(Some(Issuer { record, keys }))
    }
}

fn find<T>(records: &mut Records<T>, id: [u8; 32]) -> Lookup<Arc<T>> {
    match records.ask(&id, NOW, &LIFETIMES) {
        records::Ask::Use { record: Ok(record), .. } => Ok(Some(record)),
        records::Ask::Use { record: Err(_), .. } => Err(Fault::RecordMalformed),
        records::Ask::Unknown | records::Ask::Read => Ok(None),
        records::Ask::Unavailable(fault) => Err(fault),
    }
}

fn read<T: DeserializeOwned>(record: &Value) -> records::Read<T> {
    serde_json::from_value(record.clone()).map(Arc::new).map_err(|error| error.to_string().into())
}

fn id(name: &str) -> [u8; 32] {
    digest(&SHA256, name.as_bytes()).as_ref().try_into().unwrap()
}

pub fn issuer_record() -> Value {
    json!({
        "audiences": [AUDIENCE],
        "algorithms": ["ES256"],
        "grants": [{ "scope": "items:read", "allow": ["GET /items", "CONNECT /"] }],
        "version": 1_763_800_000_000_u64,
    })
}

/// Claims of a caller's token that holds for five minutes.
pub fn claims() -> Value {
    let now = NOW.as_secs();
    json!({ "iss": ISSUER, "sub": "client-7", "aud": AUDIENCE, "iat": now, "exp": now + 300, "scope": "items:read" })
}

pub fn header() -> Value {
    json!({ "typ": "at+jwt", "alg": "ES256", "kid": ISSUER_KEY.kid() })
}

/// A caller's token, after `change` has made of its claims what the scenario wants.
pub fn token(change: impl FnOnce(&mut Value)) -> String {
    let mut claims = claims();
    change(&mut claims);
    token_with(&ISSUER_KEY, &header(), &claims)
}

/// A caller's token, after `change` has made of its header what the scenario wants.
pub fn token_under(change: impl FnOnce(&mut Value)) -> String {
    let mut header = header();
    change(&mut header);
    token_with(&ISSUER_KEY, &header, &claims())
}

/// A token by which the edge proves itself to this API.
pub fn edge_token() -> String {
    token(|claims| {
        claims["iss"] = json!(EDGE_ISSUER);
        claims["aud"] = json!(api().domain);
    })
}
