//! A vector through the whole pure decision, with the look-ups that its file describes.

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL;
use countersign_authorizer::config::Config;
use countersign_authorizer::event;
use countersign_decision::cache::jwks::{Ask, JwksCache};
use countersign_decision::conversation::{self, Issuer, Lookup, Step};
use countersign_decision::decision::Fault;
use countersign_decision::lifetimes::Lifetimes;
use countersign_decision::record::issuer::IssuerRecord;
use countersign_decision::signature::{Algorithm, EdgeKey};
use countersign_decision::time::Timestamp;
use countersign_decision::token::{KeySet, Unverified};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::text;

/// What look-ups find, as the files write it.
pub struct Found<'f> {
    pub keys: &'f Value,
    pub key_table: &'f Value,
    /// By address.
    pub key_sets: &'f Value,
    pub claimed_nonces: &'f Value,
}

/// The code of the decision on a vector of a file.
pub fn code(file: &Value, vector: &Value) -> &'static str {
    let found = Found {
        keys: &file["keys"],
        key_table: &file["key_table"],
        key_sets: &Value::Null,
        claimed_nonces: &vector["claimed_nonces"],
    };
    found.code(&vector["environment"], &vector["event"], vector["now"].as_u64().unwrap())
}

impl Found<'_> {
    /// The code of the decision on an event, by an authorizer with these variables.
    pub fn code(&self, environment: &Value, event: &Value, now: u64) -> &'static str {
        let config = Config::read(|name| variable(environment, name)).unwrap_or_else(|problems| panic!("{problems}"));
        let payload = event.to_string();
        let request = match event::parse(&payload) {
            Ok(request) => request,
            Err(unreadable) => return unreadable.fault.code(),
        };
        let now = Timestamp::from_secs(now);
        let mut step = conversation::open(&config.rules, &request, now);
        loop {
            step = match step {
                Step::EdgeKey(step) => {
                    let found = self.edge_key(step.keyid());
                    step.resume(Ok(found))
                }
                Step::Caller(step) => {
                    let record = step.key().and_then(|hash| self.record(&format!("key#{}", hash.to_hex())));
                    let issuer = step.token().map_or(Ok(None), |token| self.issuer(token, now));
                    step.resume(Ok(record), issuer)
                }
                Step::Nonce(step) => {
                    let taken = self.claimed_nonces.as_array().unwrap().iter().any(|pk| pk == step.pk());
                    step.resume(Ok(!taken))
                }
                Step::EdgeToken(_) => panic!("no vector has an edge token"),
                Step::Done(verdict) => return verdict.decision.code(),
            };
        }
    }

    fn edge_key(&self, keyid: &str) -> Option<Arc<EdgeKey>> {
        let key = self.keys.as_array().unwrap().iter().find(|key| key["keyid"] == keyid)?;
        let bytes = |value: &Value| BASE64URL.decode(text(value)).unwrap();
        let parsed = match Algorithm::parse(text(&key["alg"])).unwrap() {
            Algorithm::HmacSha256 => EdgeKey::hmac(keyid, &bytes(&key["secret"])),
            algorithm => EdgeKey::public(keyid, algorithm, &bytes(&key["public_key"])),
        };
        Some(Arc::new(parsed.unwrap_or_else(|error| panic!("{keyid}: {error}"))))
    }

    fn record<T: DeserializeOwned>(&self, pk: &str) -> Option<Arc<T>> {
        let item = self.key_table.as_array().unwrap().iter().find(|item| item["pk"] == pk)?;
        Some(Arc::new(serde_json::from_value(item.clone()).unwrap_or_else(|error| panic!("{pk}: {error}"))))
    }

    /// As the shell finds it, whose fetches are answered at once.
    fn issuer(&self, token: &Unverified<'_>, now: Timestamp) -> Lookup<Issuer> {
        let Some(record) = self.record::<IssuerRecord>(&format!("issuer#{}", token.unverified_issuer())) else {
            return Ok(None);
        };
        let published = self.key_sets[record.jwks_uri().unwrap()].to_string();
        let (mut cache, lifetimes) = (JwksCache::default(), Lifetimes::DEFAULT);
        let keys = loop {
            match cache.ask(token.unverified_kid(), now, &lifetimes) {
                Ask::Use { keys, .. } => break Some(keys),
                Ask::Unknown => break None,
                Ask::Cooling => return Err(Fault::IssuerUnavailable),
                Ask::Fetch => {
                    cache.fetched(KeySet::parse(published.as_bytes()), now, &lifetimes);
                }
            }
        };
        Ok(Some(Issuer { record, keys }))
    }
}

/// What the vector sets, and what every authorizer must have; a signing secret only where an edge signs.
fn variable(environment: &Value, name: &str) -> Option<String> {
    let fixed = match name {
        "KEY_TABLE" => Some("countersign-keys"),
        "SIGNING_SECRET" if !environment["SIGNING_ALGORITHM"].is_null() => Some("countersign-signing"),
        _ => environment[name].as_str(),
    };
    fixed.map(str::to_owned)
}
